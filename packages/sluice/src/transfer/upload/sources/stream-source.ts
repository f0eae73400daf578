/**
 * A stream to be uploaded. It goes by once, so what the server has not confirmed is kept, up to a bound: a part is never longer than
 * that, and the next one begins when the server has all of this one.
 */

import { SluiceError, UsageError } from "../../../errors.js";
import type { SourcePart, UploadSource, WholeSource } from "../upload-source.js";

/** See the head of this file. */
export class StreamUploadSource implements UploadSource {
  readonly name = undefined;
  readonly identity = undefined;
  #size: number | undefined = undefined;
  #earliest = 0;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #mostKept: number;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;

  /** `mostKept`: bytes kept for sending again; a piece of the stream's may go beyond it. */
  constructor(stream: AsyncIterable<Uint8Array>, mostKept: number) {
    this.#pieces = stream[Symbol.asyncIterator]();
    this.#mostKept = mostKept;
  }

  get size(): number | undefined {
    return this.#size;
  }

  get earliest(): number {
    return this.#earliest;
  }

  async next(start: number, most: number): Promise<SourcePart> {
    this.#forget(start);
    const wanted = Math.min(most, this.#mostKept);
    while (this.#size === undefined && this.#keptBytes < wanted) await this.#pull();
    const bytes = joined(this.#kept, Math.min(this.#keptBytes, most));
    return {
      length: bytes.byteLength,
      bytes: () => Promise.resolve(bytes),
      open: () => onePiece(bytes),
    };
  }

  whole(): WholeSource {
    const pieces = this.#pieces;
    return { length: undefined, open: () => ({ [Symbol.asyncIterator]: () => pieces }) };
  }

  assertUnchanged(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#size === undefined) await this.#pieces.return?.();
  }

  async #pull(): Promise<void> {
    const result = await this.#pieces.next();
    if (result.done === true) {
      this.#size = this.#earliest + this.#keptBytes;
      return;
    }
    if (!(result.value instanceof Uint8Array)) {
      throw new UsageError("body/bad-piece", "Cannot upload the stream: expected pieces of bytes");
    }
    this.#kept.push(result.value);
    this.#keptBytes += result.value.byteLength;
  }

  /** The server has everything before `start`. */
  #forget(start: number): void {
    let surplus = start - this.#earliest;
    if (surplus < 0 || surplus > this.#keptBytes) {
      const message = `Cannot go on with the upload at byte ${start}: of the stream ${this.#keptBytes} bytes from ${this.#earliest} on are kept`;
      throw new SluiceError("upload/not-repeatable", message);
    }
    this.#earliest = start;
    this.#keptBytes -= surplus;
    while (surplus > 0) {
      const [first] = this.#kept;
      if (first === undefined) return;
      if (first.byteLength > surplus) {
        this.#kept[0] = first.subarray(surplus);
        return;
      }
      surplus -= first.byteLength;
      this.#kept.shift();
    }
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only.subarray(0, length);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    if (at === length) break;
    const part = piece.subarray(0, length - at);
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.byteLength > 0) yield bytes;
}
