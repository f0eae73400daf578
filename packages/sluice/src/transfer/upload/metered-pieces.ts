/** Bytes on their way to the connection: counted when they were handed over, and held back where a rate is not to be gone beyond. */

import { SizedPieces } from "../../body/sending/sized-pieces.js";
import type { Clock } from "../../concurrency/clock.js";
import { sleep } from "../../concurrency/sleep.js";
import type { RateLimiter } from "../rate-limiter.js";
import type { UploadMeter } from "./upload-meter.js";

/** What pieces are counted and held back by. */
export interface MeteringTools {
  readonly meter: UploadMeter;
  readonly clock: Clock;
  readonly limiter: RateLimiter | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** Where the bytes come from. */
export interface MeteredSource {
  open(): AsyncIterable<Uint8Array>;
  /** Where pieces may go back to, just as they were given, when nobody looks at them any more. */
  readonly takeBack?: (piece: Uint8Array) => void;
}

/** Of each read of a file without a limit, which is a trip to another thread. */
const MOST_PIECE_BYTES = 2 * 1024 * 1024;
/** With a limit: what may go in this time goes at once, within these bounds. */
const PIECE_MS = 250;
const LEAST_PIECE_BYTES = 16 * 1024;
/** What a connection is handed at first; it is twice as much, or half, the next time, so that each takes between these times. */
const FIRST_BYTES = 256 * 1024;
const SHORT_MS = 50;
const LONG_MS = 200;
const MS_PER_SECOND = 1_000;
const NOTHING = new Uint8Array(0);
const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** Most bytes that are handed over at once. */
export function pieceBytesFor(limiter: RateLimiter | undefined): number {
  if (limiter === undefined) return MOST_PIECE_BYTES;
  const worth = Math.floor((limiter.bytesPerSecond * PIECE_MS) / MS_PER_SECOND);
  return Math.min(Math.max(worth, LEAST_PIECE_BYTES), MOST_PIECE_BYTES);
}

/**
 * See the head of this file. A piece counts as handed over when the next one is asked for, or the end. Large ones are handed over in parts,
 * so that it is seen how far it has come on a slow connection too.
 */
export class MeteredPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: MeteredSource;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #tools: MeteringTools;
  readonly #most: number;
  /** Bytes of the next part. */
  #partBytes: number;
  #piece: Uint8Array | undefined = undefined;
  /** Where in the piece the next part begins. */
  #offset = 0;
  #givenBytes = 0;
  #givenAt = 0;

  constructor(source: MeteredSource, tools: MeteringTools) {
    this.#source = source;
    this.#pieces = source.open()[Symbol.asyncIterator]();
    this.#tools = tools;
    this.#most = pieceBytesFor(tools.limiter);
    this.#partBytes = Math.min(FIRST_BYTES, this.#most);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { clock, limiter } = this.#tools;
    if (this.#givenBytes > 0) this.#handedOver();
    if (this.#piece === undefined && !(await this.#pull())) return DONE;
    const value = this.#cut();
    if (limiter !== undefined) await this.#holdBack(limiter, value.byteLength);
    this.#givenBytes = value.byteLength;
    this.#givenAt = clock.now();
    return { value, done: false };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#piece = undefined;
    await this.#pieces.return?.();
    return DONE;
  }

  /** Nobody looks at anything any more that was given so far. */
  takeBack(): void {
    const piece = this.#piece;
    if (piece === undefined || this.#offset < piece.byteLength) return;
    this.#piece = undefined;
    this.#source.takeBack?.(piece);
  }

  #handedOver(): void {
    const { meter, clock } = this.#tools;
    const took = clock.now() - this.#givenAt;
    if (took < SHORT_MS) this.#partBytes = Math.min(2 * this.#partBytes, this.#most);
    else if (took > LONG_MS) this.#partBytes = Math.max(Math.floor(this.#partBytes / 2), LEAST_PIECE_BYTES);
    meter.sent(this.#givenBytes);
    this.#givenBytes = 0;
    if (this.#piece !== undefined && this.#offset >= this.#piece.byteLength) this.#piece = undefined;
  }

  /** False at the end. */
  async #pull(): Promise<boolean> {
    const result = await this.#pieces.next();
    if (result.done === true) return false;
    this.#piece = result.value;
    this.#offset = 0;
    return true;
  }

  #cut(): Uint8Array {
    const piece = this.#piece ?? NOTHING;
    const from = this.#offset;
    this.#offset += this.#partBytes;
    return from === 0 && piece.byteLength <= this.#partBytes ? piece : piece.subarray(from, this.#offset);
  }

  async #holdBack(limiter: RateLimiter, byteLength: number): Promise<void> {
    const { clock, signal } = this.#tools;
    const waitMs = limiter.spend(byteLength, clock.now());
    if (waitMs <= 0) return;
    try {
      await sleep(waitMs, { signal, clock });
    } catch (error) {
      await this.return();
      throw error;
    }
  }
}

/** A body of `length` bytes from `source`, each time metered anew. */
export function meteredBody(length: number, source: MeteredSource, tools: MeteringTools): SizedPieces {
  let latest: MeteredPieces | undefined;
  const open = (): MeteredPieces => {
    latest = new MeteredPieces(source, tools);
    return latest;
  };
  return new SizedPieces(length, open, () => latest?.takeBack());
}
