/**
 * A stream of events as pieces of a body, at the reader's pace: an event is asked for when the one before has left, so at most one waits
 * here. While none comes, a comment is sent now and then, which keeps proxies from taking the connection for dead and finds out
 * readers that are; for that, the stream is its own deadline on the clock's one timer wheel.
 */

import type { Clock } from "../../concurrency/clock.js";
import { Deadline } from "../../concurrency/deadline.js";
import { ConnectionLostError } from "../../errors.js";
import { type SentEvent, textOfEvent } from "./event-stream-source.js";

/** What the pieces are made of. */
export interface PiecesParts {
  readonly events: AsyncIterator<SentEvent>;
  /** Aborted when the stream is over. */
  readonly controller: AbortController;
  /** Sent before the first event. */
  readonly first: string | undefined;
  /** Sent after the last event if the server ends the stream. */
  readonly last: () => string;
  readonly heartbeatMs: number;
  readonly clock: Clock;
}

type Piece = IteratorResult<Uint8Array, undefined>;

/** Who waits for a piece. */
interface Waiter {
  resolve(piece: Piece): void;
  reject(error: unknown): void;
}

const HEARTBEAT = Buffer.from(":\n\n");
const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** One pass over the events. Asking for a piece while another is awaited is not provided for: bodies are sent one piece at a time. */
export class EventStreamPieces extends Deadline implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #parts: PiecesParts;
  /** What can leave at once: never more than the opening, one event and the end. */
  readonly #ready: string[] = [];
  #failure: { readonly error: unknown } | undefined;
  #waiter: Waiter | undefined;
  #pulling = false;
  #over = false;

  constructor(parts: PiecesParts) {
    super();
    this.#parts = parts;
    if (parts.first !== undefined) this.#ready.push(parts.first);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Piece> {
    const text = this.#ready.shift();
    if (text !== undefined) return Promise.resolve({ value: Buffer.from(text), done: false });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#over) return Promise.resolve(DONE);
    this.#parts.clock.arm(this, this.#parts.heartbeatMs);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      if (!this.#pulling) this.#pull();
    });
  }

  /** The reader has gone. */
  return(): Promise<Piece> {
    this.#ready.length = 0;
    this.#end(new ConnectionLostError("sse/ended", "The event stream has ended: its reader has gone"), true);
    return Promise.resolve(DONE);
  }

  /** The server closes: what is ready still leaves, and word of when to come back. */
  endSoon(): void {
    if (this.#over) return;
    this.#ready.push(this.#parts.last());
    this.#end(new ConnectionLostError("sse/ended", "The event stream has ended: the server is closing"), true);
  }

  /** Nothing has come for a while. */
  override expire(): void {
    this.#settle()?.resolve({ value: HEARTBEAT, done: false });
  }

  #pull(): void {
    this.#pulling = true;
    try {
      this.#parts.events.next().then(this.#onResult, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }

  readonly #onResult = (result: IteratorResult<SentEvent>): void => {
    this.#pulling = false;
    if (this.#over) return;
    if (result.done === true) {
      this.#end(new ConnectionLostError("sse/ended", "The event stream has ended: its source has"), false);
      return;
    }
    try {
      this.#ready.push(textOfEvent(result.value));
    } catch (error) {
      this.#fail(error, true);
      return;
    }
    this.#wake();
  };

  readonly #onError = (error: unknown): void => {
    this.#pulling = false;
    if (!this.#over) this.#fail(error, false);
  };

  #fail(error: unknown, release: boolean): void {
    this.#failure = { error };
    this.#end(error, release);
  }

  #end(reason: unknown, release: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (release) this.#release();
    this.#parts.controller.abort(reason);
    this.#wake();
  }

  /** Gives whoever waits what there is now. */
  #wake(): void {
    const waiter = this.#settle();
    if (waiter !== undefined) this.next().then(waiter.resolve, waiter.reject);
  }

  #settle(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#parts.clock.disarm(this);
    return waiter;
  }

  /** Has a generator's `finally` run: now if it waits for its turn, or else when what it waits for has come. */
  #release(): void {
    try {
      this.#parts.events.return?.().then(ignored, ignored);
    } catch (error) {
      ignored(error);
    }
  }
}

/** The stream is over: nobody is left who could be told. */
function ignored(_outcome: unknown): void {}
