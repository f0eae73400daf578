/**
 * Reads a body by hand, for formats that say in their bytes how long the next part is: so many bytes, or up to a separator.
 *
 * What has come and was not asked for waits in one queue, which a separator search looks at once: with each further piece it
 * goes on where the last search ended, so the work is linear in the bytes however finely they come.
 */

import { ByteQueue } from "../../bytes/byte-queue.js";
import { PayloadError, UsageError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";

/** Options of {@link ByteReader.readUntil}. */
export interface ReadUntilOptions {
  /**
   * Most bytes of a part, its separator counted; 1 or more, `Infinity` for no limit. Beyond it: `PayloadError` `body/part-too-long`, and
   * the body is given up. @default 65_536
   */
  readonly maxBytes?: number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ReadUntilOptions>(["maxBytes"]);
const DEFAULT_MAX_PART_BYTES = 64 * 1024;

/** A body's bytes in parts of the reader's own choosing. One call at a time: else `UsageError` `body/reading-twice`. */
export class ByteReader implements AsyncDisposable {
  readonly #pieces: AsyncIterator<Uint8Array, undefined>;
  readonly #waiting = new ByteQueue();
  #ended = false;
  #reading = false;
  #bytesRead = 0;

  /** For `Body.reader()`. */
  constructor(pieces: AsyncIterator<Uint8Array, undefined>) {
    this.#pieces = pieces;
  }

  /** Bytes given out so far: where in the body the next one stands. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Whatever has come, at least one byte and at most `maxBytes`; undefined at the end. */
  read(maxBytes: number = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    requireCount("read", maxBytes, 1);
    return this.#alone(async () => {
      if (this.#waiting.length === 0 && !(await this.#more())) return undefined;
      return this.#take(Math.min(maxBytes, this.#waiting.length));
    });
  }

  /** Exactly `count` bytes. `PayloadError` `body/ended-early` when the body ends before. */
  readExactly(count: number): Promise<Uint8Array> {
    requireCount("readExactly", count, 0);
    return this.#alone(async () => {
      while (this.#waiting.length < count) {
        if (await this.#more()) continue;
        const what = `it ended after ${this.#bytesRead + this.#waiting.length} bytes`;
        const message = `Cannot read ${count} bytes of the body from byte ${this.#bytesRead} on: ${what}`;
        throw new PayloadError("body/ended-early", message);
      }
      return this.#take(count);
    });
  }

  /**
   * Everything up to and with the next `separator` (a string is UTF-8); the rest where none follows, and undefined at the end. Throws
   * `UsageError` `options/out-of-range` for an empty separator.
   */
  readUntil(separator: string | Uint8Array, options: ReadUntilOptions = {}): Promise<Uint8Array | undefined> {
    refuseUnknown("readUntil", options, KNOWN);
    const { maxBytes = DEFAULT_MAX_PART_BYTES } = options;
    requireCount("readUntil", maxBytes, 1);
    const wanted = typeof separator === "string" ? Buffer.from(separator, "utf8") : separator;
    if (wanted.byteLength === 0) {
      throw new UsageError("options/out-of-range", "Cannot read until an empty separator: it needs at least one byte");
    }
    return this.#alone(() => this.#takeUntil(wanted, maxBytes));
  }

  /** Gives the rest of the body up. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#waiting.clear();
    await this.#pieces.return?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #takeUntil(separator: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
    let looked = 0;
    for (;;) {
      const at = this.#waiting.peek().indexOf(separator, looked);
      const end = at === -1 ? this.#waiting.length : at + separator.byteLength;
      if (end > maxBytes) return this.#refuse(maxBytes);
      if (at !== -1) return this.#take(end);
      // Its beginning may have come already.
      looked = Math.max(0, this.#waiting.length - separator.byteLength + 1);
      if (!(await this.#more())) return this.#waiting.length === 0 ? undefined : this.#take(this.#waiting.length);
    }
  }

  async #refuse(maxBytes: number): Promise<never> {
    const from = this.#bytesRead;
    await this.close();
    throw new PayloadError(
      "body/part-too-long",
      `Cannot read the body on from byte ${from}: no separator within the limit of ${maxBytes} bytes (maxBytes)`,
    );
  }

  /** Waits for another piece; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const { value, done } = await this.#pieces.next();
    if (done === true) this.#ended = true;
    else this.#waiting.append(value);
    return !this.#ended;
  }

  #take(count: number): Uint8Array {
    const taken = new Uint8Array(this.#waiting.peek().subarray(0, count));
    this.#waiting.consume(count);
    this.#bytesRead += count;
    return taken;
  }

  async #alone<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reading) {
      throw new UsageError("body/reading-twice", "Cannot read the body twice at once: await the read before it first");
    }
    this.#reading = true;
    try {
      return await read();
    } finally {
      this.#reading = false;
    }
  }
}

function requireCount(method: string, count: number, least: number): void {
  if (count === Number.POSITIVE_INFINITY ? method !== "readExactly" : Number.isSafeInteger(count) && count >= least)
    return;
  const message = `Cannot ${method} ${count} bytes: expected a whole number from ${least}`;
  throw new UsageError("options/out-of-range", message);
}
