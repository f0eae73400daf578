/**
 * Frames that leave together: what one incoming packet causes is one write (ARCHITECTURE.md, the seam's rule 4).
 *
 * Strategy: frames are written one behind the other into memory that doubles when it is full and begins as large as the last
 * batch was, so that a connection that echoes much soon copies nothing twice, and one that is idle holds nothing.
 */

import { headBytes, writeLengthAndKey } from "./frame-writer.js";
import { mask } from "./mask.js";

const NOTHING = Buffer.alloc(0);
/** Half of Node's pool, which gives out up to this much without a call into the system. */
const SMALLEST_BYTES = 512;
const LARGEST_FIRST_BYTES = 64 * 1024;
/** Text of up to this many characters is written before its length is known: if it has no more than 125 bytes, as it mostly has, in place. */
const SHORT_TEXT = 125;
/** UTF-8 has at most this many bytes for one character of a string. */
const BYTES_A_CHARACTER = 3;
/** Text of up to this many characters, and of more than 125, has a length of 2 octets whatever its characters are. */
const SURELY_IN_2 = Math.floor(0xffff / BYTES_A_CHARACTER);

/** Collects frames for one write. */
export class FrameBatch {
  readonly #nextKey: (() => number) | undefined;
  #store = NOTHING;
  #end = 0;
  #firstBytes = SMALLEST_BYTES;

  /** `nextKey` gives a client's mask for each frame: 32 bits that nobody can foresee (RFC 6455 §5.3). Undefined: a server's. */
  constructor(nextKey?: () => number) {
    this.#nextKey = nextKey;
  }

  /** Bytes that were added since the last `take`. */
  get byteLength(): number {
    return this.#end;
  }

  /** Adds a frame; `first` is its first octet. The payload is copied. */
  add(first: number, payload: Uint8Array): void {
    const key = this.#nextKey?.();
    this.#makeRoom(headBytes(payload.byteLength, key !== undefined) + payload.byteLength);
    this.#store[this.#end] = first;
    const start = writeLengthAndKey(this.#store, this.#end + 1, payload.byteLength, key);
    this.#store.set(payload, start);
    this.#finish(start, payload.byteLength, key);
  }

  /** Adds a frame whose payload is `text` in UTF-8. */
  addText(first: number, text: string): void {
    const key = this.#nextKey?.();
    const masked = key !== undefined;
    const most = text.length <= SURELY_IN_2 ? text.length * BYTES_A_CHARACTER : Buffer.byteLength(text);
    this.#makeRoom(headBytes(most, masked) + most);
    // The bytes go behind a head of the likely size, and are moved in the rare case that it is another.
    const guessed = this.#end + headBytes(text.length <= SHORT_TEXT ? text.length : most, masked);
    const written = this.#store.write(text, guessed, "utf8");
    const start = this.#end + headBytes(written, masked);
    if (start !== guessed) this.#store.copyWithin(start, guessed, guessed + written);
    this.#store[this.#end] = first;
    writeLengthAndKey(this.#store, this.#end + 1, written, key);
    this.#finish(start, written, key);
  }

  /** Adds bytes that are frames already. */
  addFrames(frames: Uint8Array): void {
    this.#makeRoom(frames.byteLength);
    this.#store.set(frames, this.#end);
    this.#end += frames.byteLength;
  }

  /** Removes what was added, and gives it away: it will not change any more. */
  take(): Buffer {
    const taken = this.#store.subarray(0, this.#end);
    this.#firstBytes = Math.min(LARGEST_FIRST_BYTES, Math.max(SMALLEST_BYTES, this.#end));
    this.#store = NOTHING;
    this.#end = 0;
    return taken;
  }

  #finish(start: number, payloadBytes: number, key: number | undefined): void {
    this.#end = start + payloadBytes;
    if (key !== undefined) mask(this.#store.subarray(start, this.#end), key);
  }

  #makeRoom(byteCount: number): void {
    const needed = this.#end + byteCount;
    if (needed <= this.#store.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#firstBytes, this.#store.length * 2, needed));
    this.#store.copy(larger, 0, 0, this.#end);
    this.#store = larger;
  }
}
