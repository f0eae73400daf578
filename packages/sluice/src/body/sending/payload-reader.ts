/** Pulls the pieces of a payload's source and makes bytes of them. */

import { UsageError } from "../../errors.js";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });
const UTF8 = new TextEncoder();

/** Where the pieces come from. */
export interface PayloadSource {
  readonly length: number | undefined;
  readonly contentType: string | undefined;
  readonly replayable: boolean;
  /** Called once for each send, only once if not `replayable`. What the pieces are is checked as they come. */
  open(): AsyncIterable<unknown> | Iterable<unknown>;
  /** Releases the source when it will not be read, or not to its end. May be called more than once. */
  discard(): void;
  /** See `Payload`. */
  readonly takeBack?: (piece: Uint8Array) => void;
}

/**
 * One pass over a source. Not a generator, because one that has not been started ignores `return`, and the source would
 * never be released. Empty pieces are left out: as a chunk they would mean the end (RFC 9112 §7.1).
 */
export class PayloadReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: PayloadSource;
  readonly #pieces: AsyncIterator<unknown> | Iterator<unknown>;

  constructor(source: PayloadSource) {
    this.#source = source;
    const pieces = source.open();
    this.#pieces = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects with what the source fails with, or `UsageError` `body/unknown-piece`; the source is released then. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const result = await this.#pieces.next();
      if (result.done === true) return DONE;
      const bytes = toBytes(await result.value);
      if (bytes === undefined) {
        await this.return();
        throw new UsageError(
          "body/unknown-piece",
          `Cannot send a piece of type ${typeNameOf(result.value)}: expected bytes or a string`,
        );
      }
      if (bytes.byteLength > 0) return { value: bytes, done: false };
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    // The source first: a stream that waits for its next piece would not hear of `return` before that has come.
    this.#source.discard();
    await this.#pieces.return?.();
    return DONE;
  }
}

function toBytes(piece: unknown): Uint8Array | undefined {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return UTF8.encode(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  return piece instanceof ArrayBuffer ? new Uint8Array(piece) : undefined;
}

function typeNameOf(value: unknown): string {
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "object") : typeof value;
}
