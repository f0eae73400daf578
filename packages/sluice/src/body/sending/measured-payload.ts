/** A payload that reports what of it has been sent. */

import type { Payload } from "../payload.js";
import { ProgressMeter, type ProgressOptions } from "../progress.js";

/** Pieces are cut to this size, so that there is progress to report on a body that is in memory in one piece. */
const SLICE_BYTES = 64 * 1024;
const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** What {@link withProgress} needs to know; the total is the payload's own. */
export type UploadProgressOptions = Omit<ProgressOptions, "total">;

/**
 * The same payload, reporting what of it has been taken by the connection. Each `open` is a new transfer and starts at
 * 0. Bytes count when the next piece is asked for: those before it have been accepted by then. What the listener throws
 * fails the sending.
 */
export function withProgress(payload: Payload, options: UploadProgressOptions): Payload {
  return {
    get length() {
      return payload.length;
    },
    get contentType() {
      return payload.contentType;
    },
    replayable: payload.replayable,
    whole: undefined,
    open: () => new MeasuredPieces(payload.open(), new ProgressMeter({ ...options, total: payload.length })),
    discard: () => payload.discard(),
  };
}

/** Not a generator: `return` has to reach the source even while a piece is awaited. */
class MeasuredPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #meter: ProgressMeter;
  #piece: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #given = 0;

  constructor(pieces: AsyncIterable<Uint8Array>, meter: ProgressMeter) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#meter = meter;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#given > 0) this.#meter.add(this.#given);
    this.#given = 0;
    if (this.#offset === this.#piece.byteLength) {
      const result = await this.#pieces.next();
      if (result.done === true) {
        this.#meter.finish();
        return DONE;
      }
      this.#piece = result.value;
      this.#offset = 0;
    }
    const slice = this.#piece.subarray(this.#offset, this.#offset + SLICE_BYTES);
    this.#offset += slice.byteLength;
    this.#given = slice.byteLength;
    return { value: slice, done: false };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#pieces.return?.();
    return DONE;
  }
}
