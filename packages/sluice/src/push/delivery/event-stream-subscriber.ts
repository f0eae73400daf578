/**
 * A receiver of frames as the body of an answer: `text/event-stream` (HTML Standard, §9.2). Each frame is the same piece of bytes for all receivers of
 * a stream of one room; in streams of several rooms, the line with the id, which says where this one stands in all of them, goes before it.
 *
 * The pieces are pulled at the pace of the transport. A few may be ready here; when they are too many, frames wait where they can be dropped.
 */

import type { Payload } from "../../body/payload.js";
import { formatEventId, type Position } from "../protocol/position.js";
import type { WireFrame } from "../protocol/wire-frame.js";
import type { Subscriber, SubscriberOwner } from "./subscriber.js";

/** How a stream of events begins and ends. */
export interface EventStreamSettings {
  /** Where the stream stands in its rooms before anything was sent. */
  readonly positions: ReadonlyMap<string, Position>;
  /** It has one room, whose position alone is its id. */
  readonly singleRoom: boolean;
  /** Called when the answer is being sent: from now on there is somebody to send to. */
  readonly onOpen: (subscriber: EventStreamSubscriber) => SubscriberOwner;
  /** The server closes, and wants the stream to end. */
  readonly onEndSoon: () => void;
}

type Piece = IteratorResult<Uint8Array, undefined>;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });
/** Bytes that may be ready: as much as a socket takes in one go. */
const READY_BYTES = 16 * 1024;

/** One receiver; opened once. */
export class EventStreamSubscriber implements Subscriber, Payload, AsyncIterableIterator<Uint8Array, undefined> {
  readonly length = undefined;
  readonly contentType = "text/event-stream";
  readonly replayable = false;
  readonly whole = undefined;
  readonly #settings: EventStreamSettings;
  readonly #positions: Map<string, Position>;
  #owner: SubscriberOwner | undefined;
  #ready: Buffer[] = [];
  #readyBytes = 0;
  #waiter: ((piece: Piece) => void) | undefined;
  #full = false;
  #ending = false;
  #over = false;

  constructor(settings: EventStreamSettings) {
    this.#settings = settings;
    this.#positions = new Map(settings.positions);
  }

  get bufferedBytes(): number {
    return this.#readyBytes;
  }

  send(frame: WireFrame): boolean {
    if (this.#ending) return true;
    this.#put(this.#eventOf(frame));
    if (this.#readyBytes <= READY_BYTES) return true;
    this.#full = true;
    return false;
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#waiter === undefined) return;
    this.#settle(DONE);
    this.#finish();
  }

  abandon(): void {
    this.#ready = [];
    this.#readyBytes = 0;
    this.end();
    this.#finish();
  }

  // ── as a body ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  open(): this {
    this.#owner = this.#settings.onOpen(this);
    return this;
  }

  /** It was never opened, so nobody knows of it. */
  discard(): void {
    this.#over = true;
  }

  endSoon(): void {
    if (this.#owner !== undefined) this.#settings.onEndSoon();
    else this.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Piece> {
    const piece = this.#ready.shift();
    if (piece === undefined) {
      if (this.#ending) {
        this.#finish();
        return Promise.resolve(DONE);
      }
      return new Promise((resolve) => {
        this.#waiter = resolve;
      });
    }
    this.#readyBytes -= piece.byteLength;
    if (this.#full && this.#ready.length === 0) {
      this.#full = false;
      this.#owner?.onDrain();
    }
    return Promise.resolve({ value: piece, done: false });
  }

  /** The reader has gone. */
  return(): Promise<Piece> {
    this.abandon();
    return Promise.resolve(DONE);
  }

  #eventOf(frame: WireFrame): Buffer {
    const { place } = frame;
    if (this.#settings.singleRoom || place === undefined) return frame.eventWithId;
    this.#positions.set(place.room, place);
    return Buffer.concat([Buffer.from(`id: ${formatEventId(this.#positions)}\n`), frame.event]);
  }

  #put(bytes: Buffer): void {
    if (this.#waiter !== undefined) {
      this.#settle({ value: bytes, done: false });
      return;
    }
    this.#ready.push(bytes);
    this.#readyBytes += bytes.byteLength;
  }

  #settle(piece: Piece): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.(piece);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle(DONE);
    this.#owner?.onOver();
  }
}
