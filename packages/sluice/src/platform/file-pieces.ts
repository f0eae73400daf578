/**
 * A part of an open file, piece by piece, for being sent: the next piece is read while the one before is on its way, into memory that comes
 * back when it was sent. A file of any size goes through two buffers so; where none comes back, as when somebody on the way keeps the pieces,
 * each piece has its own.
 */

import type { OpenFile } from "./open-file.js";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ value: undefined, done: true });
/** One is being sent while the other is filled. */
const MOST_KEPT = 2;

/** Memory for pieces of one size. Several readers may share it. */
export class PieceMemory {
  /** In bytes. */
  readonly pieceBytes: number;
  readonly #free: Uint8Array[] = [];

  /** `pieceBytes`: from 1. */
  constructor(pieceBytes: number) {
    this.pieceBytes = pieceBytes;
  }

  /** Memory for `byteLength` bytes, `pieceBytes` at the most. What is in it is of no meaning. */
  take(byteLength: number): Uint8Array {
    if (byteLength < this.pieceBytes) return Buffer.allocUnsafeSlow(byteLength);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(byteLength);
  }

  /** Nobody looks at `piece` any more, which {@link PieceMemory.take} has given. */
  takeBack(piece: Uint8Array): void {
    if (piece.byteLength === this.pieceBytes && this.#free.length < MOST_KEPT) this.#free.push(piece);
  }
}

/** What of which file is read, and how. */
export interface FilePart {
  readonly file: Pick<OpenFile, "fill">;
  /** The byte to begin with. */
  readonly start: number;
  /** The byte not to be read any more. */
  readonly end: number;
  readonly memory: PieceMemory;
  /** Called before the last piece is given, and when reading fails: what it throws is what reading fails with. */
  readonly confirm: () => Promise<void>;
}

/** See the head of this file. One `next` at a time. */
export class FilePieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #part: FilePart;
  #at: number;
  #ahead: Promise<Uint8Array> | undefined = undefined;

  constructor(part: FilePart) {
    this.#part = part;
    this.#at = part.start;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { end, confirm } = this.#part;
    if (this.#at >= end) return DONE;
    const value = await (this.#ahead ?? this.#read(this.#at));
    this.#ahead = undefined;
    this.#at += value.byteLength;
    if (this.#at < end) {
      this.#ahead = this.#read(this.#at);
      // Nobody may come for it, if sending ends here.
      this.#ahead.catch(() => undefined);
    } else await confirm();
    return { value, done: false };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#at = this.#part.end;
    this.#ahead = undefined;
    return Promise.resolve(DONE);
  }

  async #read(at: number): Promise<Uint8Array> {
    const { file, end, memory, confirm } = this.#part;
    try {
      return await file.fill(memory.take(Math.min(memory.pieceBytes, end - at)), at);
    } catch (error) {
      await confirm();
      throw error;
    }
  }
}
