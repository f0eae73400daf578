/**
 * Puts a whole body together, up to a limit, without copying a byte more than twice however finely it was cut.
 *
 * Strategy: borrowed pieces are copied into blocks. When the length was declared and is moderate, the first block has
 * exactly that size and is the result; otherwise blocks double in size and are joined once at the end. A peer that
 * declares more than it sends costs at most {@link PRESIZE_BYTES}. Pieces that are ours already are kept as they are.
 */

import { ResponseTooLargeError } from "../errors.js";
import { ownExactly } from "./own-bytes.js";

/** Most that is set aside on a declaration alone. */
const PRESIZE_BYTES = 1024 * 1024;
const SECOND_BLOCK_BYTES = 4 * 1024;
const LAST_BLOCK_BYTES = 4 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** The refusal of a body larger than the reader agreed to take. `bytes` have arrived or were declared. */
export function tooLarge(bytes: number, maxBytes: number): ResponseTooLargeError {
  return new ResponseTooLargeError(
    "body/too-large",
    `Cannot take in the whole body: ${bytes} bytes, limit is ${maxBytes}; read it in pieces, or raise the limit`,
  );
}

/** Collects pieces into one array of bytes. */
export class Collector {
  readonly #maxBytes: number;
  #expectedBytes: number;
  #pieces: Uint8Array[] = [];
  #byteLength = 0;
  #block = NOTHING;
  #blockUsed = 0;

  /** `maxBytes` may be `Infinity`. `expectedBytes` is the declared length, or undefined. */
  constructor(maxBytes: number, expectedBytes: number | undefined) {
    this.#maxBytes = maxBytes;
    this.#expectedBytes = expectedBytes ?? 0;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds a piece, copied if `borrowed`. Throws `ResponseTooLargeError` `body/too-large` beyond the limit. */
  add(piece: Uint8Array, borrowed: boolean): void {
    const total = this.#byteLength + piece.byteLength;
    if (total > this.#maxBytes) throw tooLarge(total, this.#maxBytes);
    this.#byteLength = total;
    if (borrowed) {
      this.#copy(piece);
      return;
    }
    this.#closeBlock();
    this.#pieces.push(piece);
  }

  /** Everything added, alone in its buffer. The collector is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    this.#closeBlock();
    const pieces = this.#pieces;
    const byteLength = this.#byteLength;
    this.#pieces = [];
    this.#byteLength = 0;
    const only = pieces.length === 1 ? pieces[0] : undefined;
    return only === undefined ? join(pieces, byteLength) : ownExactly(only);
  }

  #copy(piece: Uint8Array): void {
    let offset = 0;
    while (offset < piece.byteLength) {
      if (this.#blockUsed === this.#block.byteLength) this.#openBlock(piece.byteLength - offset);
      const count = Math.min(piece.byteLength - offset, this.#block.byteLength - this.#blockUsed);
      this.#block.set(piece.subarray(offset, offset + count), this.#blockUsed);
      this.#blockUsed += count;
      offset += count;
    }
  }

  #openBlock(neededBytes: number): void {
    const previous = this.#block.byteLength;
    this.#closeBlock();
    // The first piece is often the only one.
    const doubled =
      this.#pieces.length === 0 ? 0 : Math.min(Math.max(previous * 2, SECOND_BLOCK_BYTES), LAST_BLOCK_BYTES);
    const expected = Math.min(this.#expectedBytes, PRESIZE_BYTES, this.#maxBytes);
    this.#expectedBytes = 0;
    this.#block = new Uint8Array(expected >= neededBytes ? expected : Math.max(doubled, neededBytes));
    this.#blockUsed = 0;
  }

  #closeBlock(): void {
    if (this.#blockUsed > 0) this.#pieces.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = NOTHING;
    this.#blockUsed = 0;
  }
}

/** The pieces one after another in a new array; `byteLength` is their sum. */
function join(pieces: readonly Uint8Array[], byteLength: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(byteLength);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}
