/**
 * The wire's end of one request body: passes pieces to the `Body` that the handler reads, stops the flow when the handler falls
 * behind, and lets pass unread, up to a bound, what nobody wants, so that the connection can carry the next request
 * (RFC 9112 §9.3: a server reads the whole body or closes the connection).
 */

import { Body, type BodySource } from "../body/body.js";

/** Told when a paused body has room again, or is given up by its reader; perhaps from inside `take`. */
export interface BodyFeedHost {
  onBodyRoom(): void;
}

/** Sizes that a feed keeps to, in bytes. */
export interface BodyFeedSizes {
  /** Unread bytes kept for the handler before the flow stops. */
  readonly bufferBytes: number;
  /** Unwanted bytes let pass before the connection is given up instead. */
  readonly drainBytes: number;
}

/** One request body on its way from the wire. */
export class BodyFeed implements BodySource {
  readonly body: Body;
  /** Milliseconds spent receiving it, pauses of our own making not counted. Kept by the connection's clockwork. */
  activeMs = 0;
  readonly #host: BodyFeedHost;
  readonly #drainBytes: number;
  readonly #declaredBytes: number | undefined;
  #receivedBytes = 0;
  #droppedBytes = 0;
  #paused = false;
  #dropping = false;
  #ended = false;

  /** `declaredBytes` is the body's length on the wire, undefined when it is chunked. */
  constructor(host: BodyFeedHost, sizes: BodyFeedSizes, declaredBytes: number | undefined) {
    this.#host = host;
    this.#drainBytes = sizes.drainBytes;
    this.#declaredBytes = declaredBytes;
    this.body = new Body(this, { highWaterMark: sizes.bufferBytes });
    this.body.declaredLength = declaredBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** All of it has arrived, or it has failed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Somebody reads it, or has begun to. */
  get read(): boolean {
    return this.body.used && !this.#dropping;
  }

  /** Nothing more is to be read from the wire for now. */
  get paused(): boolean {
    return this.#paused || this.exhausted;
  }

  /** More arrived than may pass unread: only closing the connection gets rid of the rest. */
  get exhausted(): boolean {
    return this.#droppedBytes > this.#drainBytes;
  }

  /**
   * Whether the rest, if nobody reads it, is worth waiting for. A chunked body tells no length: it gets the benefit of the doubt
   * until it is exhausted.
   */
  get worthDraining(): boolean {
    if (this.exhausted) return false;
    if (this.#declaredBytes === undefined) return true;
    return this.#declaredBytes - this.#receivedBytes <= this.#drainBytes - this.#droppedBytes;
  }

  /** A piece has arrived. Afterwards `paused` may be true. */
  take(piece: Uint8Array, borrowed: boolean): void {
    this.#receivedBytes += piece.byteLength;
    if (this.#dropping) this.#droppedBytes += piece.byteLength;
    else if (!this.body.push(piece, borrowed) && !this.#dropping) this.#paused = true;
  }

  finish(trailers: readonly string[]): void {
    this.#ended = true;
    this.body.finish(trailers);
  }

  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.body.fail(error);
  }

  /** Nobody may read on: what is still to come is let pass. */
  abandon(reason: Error): void {
    if (!this.#ended && !this.#dropping) this.body.cancel(reason);
  }

  // What the body asks for.

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#host.onBodyRoom();
  }

  cancel(): void {
    this.#dropping = true;
    this.#paused = false;
    this.#host.onBodyRoom();
  }
}
