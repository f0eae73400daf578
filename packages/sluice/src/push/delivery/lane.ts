/**
 * One connection's way out of one room: how far what was sent has got, and which of the room's messages wait. A lane knows what may be dropped when
 * its connection is slow; the outbox of the connection does it.
 */

import { Fifo, type FifoNode } from "../../concurrency/fifo.js";
import type { Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";

/** What becomes of messages for a connection that is too slow for them. */
export type SlowPolicy = "disconnect" | "drop-oldest" | "drop-new" | "latest";

/** How a room treats those who are slow. */
export interface SlowSettings {
  readonly policy: SlowPolicy;
  /** Bytes that may wait for a connection when a message of this room is added. */
  readonly maxQueuedBytes: number;
}

/** A frame that waits. */
export interface WaitingFrame {
  readonly frame: WireFrame;
  readonly lane: Lane | undefined;
  /** Its place among those of its lane. */
  laneNode: FifoNode<FifoNode<WaitingFrame>> | undefined;
}

/** One connection in one room, as far as sending goes. */
export class Lane implements Position {
  readonly room: string;
  readonly slow: SlowSettings;
  /** Where the connection will stand when all that waits has been sent. */
  epoch = "";
  offset = 0;
  /** Offset of what was last handed to the subscriber. */
  sentOffset = 0;
  /** Messages of the room that wait, in order. Made when the first one has to. */
  #waiting: Fifo<FifoNode<WaitingFrame>> | undefined;
  #byKey: Map<string, FifoNode<WaitingFrame>> | undefined;

  constructor(room: string, slow: SlowSettings) {
    this.room = room;
    this.slow = slow;
  }

  /** Whether messages were left out since the last one that was sent, and not by conflation. */
  get shortened(): boolean {
    return this.slow.policy !== "latest" && this.#oldest === undefined && this.sentOffset < this.offset;
  }

  /** `node` waits in the outbox. */
  add(node: FifoNode<WaitingFrame>, key: string): void {
    this.#waiting ??= new Fifo();
    node.value.laneNode = this.#waiting.push(node);
    if (this.slow.policy !== "latest") return;
    this.#byKey ??= new Map();
    this.#byKey.set(key, node);
  }

  /** `node` waits no more. */
  forget(node: FifoNode<WaitingFrame>, key: string): void {
    const { laneNode } = node.value;
    if (laneNode !== undefined) this.#waiting?.remove(laneNode);
    if (this.#byKey?.get(key) === node) this.#byKey.delete(key);
  }

  /** What is to make room before a message with `key` can wait: of the same key, or with "drop-oldest" the oldest; undefined: nothing can. */
  findDroppable(key: string): FifoNode<WaitingFrame> | undefined {
    if (this.slow.policy === "latest") return this.#byKey?.get(key);
    return this.slow.policy === "drop-oldest" ? this.#oldest : undefined;
  }

  get #oldest(): FifoNode<WaitingFrame> | undefined {
    return this.#waiting?.peek();
  }
}
