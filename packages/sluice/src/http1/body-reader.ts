/**
 * How far a message's body goes (RFC 9112 §6.3): to a count of octets, to the last chunk, or to the end of the connection. Measures
 * only; whoever reads passes the data on.
 */

import { ChunkedReader } from "./chunked-reader.js";
import { CHUNKED, UNTIL_CLOSE } from "./sinks.js";

/** One body at a time. */
export class BodyReader {
  /** How many octets, up to where `read` stopped, are data. */
  dataLength = 0;

  readonly #maxChunkExtensionBytes: number;
  /** Made for the first chunked body: most connections of a server never see one. */
  #chunked: ChunkedReader | undefined = undefined;
  #isChunked = false;
  /** Octets to come of a body that isn't chunked; `Infinity` until the close. */
  #remaining = 0;

  constructor(maxChunkExtensionBytes: number) {
    this.#maxChunkExtensionBytes = maxChunkExtensionBytes;
  }

  /** Begins a body of `length` octets, or one of the two constants of `sinks.ts`. */
  start(length: number): void {
    this.#isChunked = length === CHUNKED;
    if (this.#isChunked) {
      this.#chunked ??= new ChunkedReader(this.#maxChunkExtensionBytes);
      this.#chunked.reset();
    }
    this.#remaining = length === UNTIL_CLOSE ? Number.POSITIVE_INFINITY : length;
  }

  /** True once all data have been read; after chunks, a trailer section follows (RFC 9112 §7.1.2). */
  get complete(): boolean {
    return this.#isChunked ? this.#chunked?.complete === true : this.#remaining === 0;
  }

  get isChunked(): boolean {
    return this.#isChunked;
  }

  /** True if the end of the connection is the end of the body (RFC 9112 §6.3, rule 8). */
  get lastsUntilClose(): boolean {
    return !this.#isChunked && this.#remaining === Number.POSITIVE_INFINITY;
  }

  /**
   * Reads from `start` to the end of the next run of data, of the body, or of the bytes, and returns where it stopped. `dataLength` of
   * the octets before that are data. Throws `PeerError`.
   */
  read(bytes: Uint8Array, start: number): number {
    const chunked = this.#chunked;
    if (this.#isChunked && chunked !== undefined) {
      const end = chunked.read(bytes, start);
      this.dataLength = chunked.dataLength;
      return end;
    }
    const taken = Math.min(this.#remaining, bytes.length - start);
    this.#remaining -= taken;
    this.dataLength = taken;
    return start + taken;
  }
}
