/**
 * What waits for one connection. A frame goes straight to the subscriber as long as that has room; from then on frames wait here, where they can
 * still be dropped, until it has room again. What may wait is bounded by the room's policy, so a receiver that takes nothing costs a bounded amount and
 * nobody else anything.
 *
 * A message that was dropped is announced in its place: the next one of its room that is sent has a `gap` before it.
 */

import { Fifo, type FifoNode } from "../../concurrency/fifo.js";
import { movingFrame } from "../protocol/frames.js";
import type { Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";
import type { Lane, SlowPolicy, WaitingFrame } from "./lane.js";
import type { Subscriber } from "./subscriber.js";

/** Who decides what becomes of a connection, and counts. */
export interface OutboxOwner {
  /** More waits than may. "disconnect": the connection is to be ended; nothing more is taken. Otherwise so many messages were dropped. */
  onSlow(policy: SlowPolicy, lane: Lane | undefined, dropped: number): void;
  /** `missed` messages of the lane will not be sent, and the receiver is told. */
  onGap(lane: Lane, missed: number): void;
}

/** The frames of one connection, on their way. */
export class Outbox {
  readonly #subscriber: Subscriber;
  readonly #owner: OutboxOwner;
  /** Bytes of other frames than messages that may wait. */
  readonly #maxBytes: number;
  readonly #waiting = new Fifo<WaitingFrame>();
  #waitingBytes = 0;
  /** The subscriber has said that it has no room. */
  #full = false;
  #closed = false;
  /** Lanes with messages dropped after the last one that waits. */
  readonly #shortened = new Set<Lane>();
  #onRoom: (() => void)[] = [];

  constructor(subscriber: Subscriber, owner: OutboxOwner, maxBytes: number) {
    this.#subscriber = subscriber;
    this.#owner = owner;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait, here and with the subscriber. */
  get queuedBytes(): number {
    return this.#waitingBytes + this.#subscriber.bufferedBytes;
  }

  /** Whether a frame would leave at once. */
  get hasRoom(): boolean {
    return !this.#full && this.#waiting.size === 0 && !this.#closed;
  }

  /** Resolves when there is room, or never will be: for who brings many old messages, and is not to bring them all at once. */
  async whenRoom(): Promise<void> {
    if (this.hasRoom || this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#onRoom.push(resolve);
    });
  }

  /** Sends a frame that is never dropped. With a lane, it moves that to the frame's place. */
  send(frame: WireFrame, lane?: Lane): void {
    if (this.#closed) return;
    if (lane !== undefined && frame.place !== undefined) {
      lane.epoch = frame.place.epoch;
      lane.offset = frame.place.offset;
    }
    if (this.hasRoom) {
      this.#hand(frame, lane);
      return;
    }
    this.#wait(frame, lane);
    if (this.queuedBytes > this.#maxBytes) this.#owner.onSlow("disconnect", lane, 0);
  }

  /** Sends a message of the lane's room, the one after the lane's offset. It may be dropped, or others for it. */
  sendMessage(frame: WireFrame, lane: Lane): void {
    if (this.#closed) return;
    const { offset = 0, key = "" } = frame.place ?? {};
    lane.offset = offset;
    if (this.hasRoom) {
      this.#hand(frame, lane);
      return;
    }
    this.#queueMessage(frame, lane, key);
  }

  /** The subscriber has room again. */
  drain(): void {
    this.#full = false;
    while (!this.#full) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) break;
      this.#leave(waiting);
      this.#hand(waiting.frame, waiting.lane);
    }
    if (!this.hasRoom) return;
    for (const lane of this.#shortened) if (lane.shortened) this.#handGap(lane, lane);
    this.#shortened.clear();
    if (this.hasRoom) this.#wake();
  }

  /** Lets go of everything that waits, and takes nothing more. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.shift() !== undefined);
    this.#waitingBytes = 0;
    this.#shortened.clear();
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#onRoom;
    this.#onRoom = [];
    for (const resolve of waiting) resolve();
  }

  #queueMessage(frame: WireFrame, lane: Lane, key: string): void {
    const { policy, maxQueuedBytes } = lane.slow;
    let dropped = 0;
    const replaced = policy === "latest" ? lane.findDroppable(key) : undefined;
    if (replaced !== undefined) {
      this.#drop(replaced);
      dropped += 1;
    }
    while (policy === "drop-oldest" && this.queuedBytes + frame.byteLength > maxQueuedBytes) {
      const oldest = lane.findDroppable(key);
      if (oldest === undefined) break;
      this.#drop(oldest);
      dropped += 1;
    }
    if (this.queuedBytes + frame.byteLength <= maxQueuedBytes) {
      lane.add(this.#wait(frame, lane), key);
    } else if (policy === "disconnect" || policy === "latest") {
      this.#owner.onSlow("disconnect", lane, 0);
      return;
    } else {
      this.#shortened.add(lane);
      dropped += 1;
    }
    if (dropped > 0) this.#owner.onSlow(policy, lane, dropped);
  }

  #wait(frame: WireFrame, lane: Lane | undefined): FifoNode<WaitingFrame> {
    this.#waitingBytes += frame.byteLength;
    return this.#waiting.push({ frame, lane, laneNode: undefined });
  }

  #drop(node: FifoNode<WaitingFrame>): void {
    this.#waiting.remove(node);
    this.#leave(node.value, node);
  }

  /** `waiting` is no more among those that wait. */
  #leave(waiting: WaitingFrame, node = waiting.laneNode?.value): void {
    this.#waitingBytes -= waiting.frame.byteLength;
    if (node !== undefined) waiting.lane?.forget(node, waiting.frame.place?.key ?? "");
  }

  #hand(frame: WireFrame, lane: Lane | undefined): void {
    if (lane !== undefined && frame.place !== undefined) {
      const { epoch, offset, key } = frame.place;
      const skips = key !== undefined && offset > lane.sentOffset + 1 && lane.slow.policy !== "latest";
      if (skips) this.#handGap(lane, { epoch, offset: offset - 1 });
      lane.sentOffset = offset;
    }
    if (!this.#subscriber.send(frame)) this.#full = true;
  }

  #handGap(lane: Lane, { epoch, offset }: Position): void {
    const missed = offset - lane.sentOffset;
    lane.sentOffset = offset;
    this.#owner.onGap(lane, missed);
    const gap = movingFrame("gap", { room: lane.room, epoch, offset }, { missed, reason: "slow" });
    if (!this.#subscriber.send(gap)) this.#full = true;
  }
}
