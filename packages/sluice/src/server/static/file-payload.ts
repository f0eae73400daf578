/**
 * Parts of an open file as a message body, with bytes of ours between them where they are parts of a multipart. Strategy: large
 * reads, one at a time and only when the client has taken the last; the file is looked at again every few megabytes and before the
 * last piece leaves. What is sent to its end is therefore of one version; of a file that changed meanwhile the message stays
 * incomplete, which every client notices.
 */

import type { Payload } from "../../body/payload.js";
import { PayloadError } from "../../errors.js";
import type { OpenFile } from "../../platform/open-file.js";

/** Bytes from memory, or a part of the file: `end` is not included. */
export type BodyPart = Uint8Array | { readonly start: number; readonly end: number };

/** The file as a body needs it. */
export type SentFile = Pick<OpenFile, "version" | "read" | "isUnchanged" | "close">;

const READ_BYTES = 256 * 1024;
const CHECKED_EVERY_BYTES = 4 * 1024 * 1024;
const END: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/** Sends `parts` in their order, once; closes the file when that is done, given up, or was never begun and is discarded. */
export class FilePayload implements Payload, AsyncIterableIterator<Uint8Array, undefined> {
  readonly length: number;
  readonly contentType = undefined;
  readonly replayable = false;
  readonly whole = undefined;
  readonly #file: SentFile;
  readonly #parts: readonly BodyPart[];
  #part = 0;
  #offset = 0;
  #unchecked = 0;
  #left: number;

  constructor(file: SentFile, parts: readonly BodyPart[]) {
    this.#file = file;
    this.#parts = parts;
    this.length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
    this.#left = this.length;
  }

  open(): this {
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const piece = await this.#nextPiece();
      if (piece === undefined) this.#file.close();
      return piece === undefined ? END : { done: false, value: piece };
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.discard();
    return END;
  }

  discard(): void {
    this.#part = this.#parts.length;
    this.#file.close();
  }

  async #nextPiece(): Promise<Uint8Array | undefined> {
    const part = this.#parts[this.#part];
    if (part === undefined) return undefined;
    const piece = part instanceof Uint8Array ? part : await this.#read(part.start, part.end);
    this.#offset += piece.byteLength;
    this.#left -= piece.byteLength;
    this.#unchecked += piece.byteLength;
    if (this.#offset >= lengthOf(part)) {
      this.#part += 1;
      this.#offset = 0;
    }
    if (this.#left === 0 || this.#unchecked >= CHECKED_EVERY_BYTES) await this.#check();
    return piece;
  }

  #read(start: number, end: number): Promise<Uint8Array> {
    const from = start + this.#offset;
    return this.#file.read(from, Math.min(end, from + READ_BYTES));
  }

  async #check(): Promise<void> {
    this.#unchecked = 0;
    if (await this.#file.isUnchanged()) return;
    throw new PayloadError("file/changed", "Cannot send the rest: the file was written to while it was sent");
  }
}

function lengthOf(part: BodyPart): number {
  return part instanceof Uint8Array ? part.byteLength : part.end - part.start;
}
