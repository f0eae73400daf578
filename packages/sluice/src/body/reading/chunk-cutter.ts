/** Cuts a body into pieces of exactly one size, the last one shorter. */

import { UsageError } from "../../errors.js";
import type { Shaper } from "./shaper.js";

const NOTHING = new Uint8Array(0);

/**
 * Each chunk is filled once and handed over; a piece that spans many chunks is cut as they are asked for, so no more
 * than one chunk and one piece are held.
 */
export class ChunkCutter implements Shaper<Uint8Array> {
  readonly #size: number;
  #chunk: Uint8Array | undefined = undefined;
  #filled = 0;
  #piece: Uint8Array = NOTHING;
  #offset = 0;
  #finished = false;

  /** `size` in bytes, at least 1. Throws `UsageError` `options/out-of-range`. */
  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new UsageError(
        "options/out-of-range",
        `Cannot cut chunks of ${size} bytes: a whole number from 1 is needed`,
      );
    }
    this.#size = size;
  }

  feed(piece: Uint8Array): void {
    this.#piece = piece;
    this.#offset = 0;
  }

  take(): Uint8Array | undefined {
    const count = Math.min(this.#size - this.#filled, this.#piece.byteLength - this.#offset);
    if (count > 0) {
      this.#chunk ??= new Uint8Array(this.#size);
      this.#chunk.set(this.#piece.subarray(this.#offset, this.#offset + count), this.#filled);
      this.#filled += count;
      this.#offset += count;
    }
    if (this.#filled === this.#size) return this.#handOver();
    this.#piece = NOTHING;
    this.#offset = 0;
    return this.#finished && this.#filled > 0 ? this.#handOver() : undefined;
  }

  finish(): void {
    this.#finished = true;
  }

  #handOver(): Uint8Array | undefined {
    const chunk = this.#chunk;
    const filled = this.#filled;
    this.#chunk = undefined;
    this.#filled = 0;
    // The short last one gets a buffer of its own size.
    return filled === this.#size ? chunk : chunk?.slice(0, filled);
  }
}
