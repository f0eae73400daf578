/** The pieces of a multipart body: one pass over all its parts. */

import { UsageError } from "../../errors.js";
import type { PreparedPart } from "./multipart-parts.js";

/** A part with the bytes that go before its content: the delimiter and its fields. */
export interface DelimitedPart extends PreparedPart {
  readonly head: Uint8Array;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });

/** One pass over all parts. Not a generator: `return` has to reach the source even while a piece is awaited. */
export class MultipartReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #parts: readonly DelimitedPart[];
  readonly #tail: Uint8Array;
  #next = 0;
  #part: DelimitedPart | undefined;
  #pieces: AsyncIterator<Uint8Array> | undefined;
  #given = 0;
  #over = false;

  constructor(parts: readonly DelimitedPart[], tail: Uint8Array) {
    this.#parts = parts;
    this.#tail = tail;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects with what a part's source fails with, or `UsageError` `body/length-mismatch`; all sources are released then. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      while (!this.#over) {
        const part = this.#part;
        if (part === undefined) return this.#begin();
        const piece = await this.#pull(part);
        if (piece !== undefined) return { value: piece, done: false };
        this.#part = undefined;
        this.#pieces = undefined;
      }
    } catch (error) {
      await this.return();
      throw error;
    }
    return DONE;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#over = true;
    const pieces = this.#pieces;
    this.#pieces = undefined;
    for (const { payload } of this.#parts.slice(this.#next)) payload.discard();
    if (pieces === undefined) this.#part?.payload.discard();
    else await pieces.return?.();
    return DONE;
  }

  /** The next piece of a part, or undefined at its end. */
  async #pull(part: DelimitedPart): Promise<Uint8Array | undefined> {
    this.#pieces ??= part.payload.open()[Symbol.asyncIterator]();
    const result = await this.#pieces.next();
    if (result.done !== true) this.#given += result.value.byteLength;
    const declared = part.length ?? this.#given;
    if (this.#given > declared || (result.done === true && this.#given < declared)) throw mismatch(part, this.#given);
    return result.value;
  }

  /** What stands before the next part, or behind the last one. */
  #begin(): IteratorResult<Uint8Array, undefined> {
    const part = this.#parts[this.#next];
    this.#next += 1;
    if (part === undefined) {
      this.#over = true;
      return { value: this.#tail, done: false };
    }
    this.#part = part;
    this.#given = 0;
    return { value: part.head, done: false };
  }
}

function mismatch(part: DelimitedPart, givenBytes: number): UsageError {
  const relation = givenBytes > (part.length ?? 0) ? "more" : "less";
  return new UsageError(
    "body/length-mismatch",
    `Cannot send part ${JSON.stringify(part.name)}: its source gave ${relation} than the declared ${part.length} bytes (${givenBytes})`,
  );
}
