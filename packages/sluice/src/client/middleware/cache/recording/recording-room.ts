/** The memory that a cache may take for bodies on their way into its store. */

/** Bytes that recordings of one cache hold together. */
export class RecordingRoom {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for so many bytes, or none and says no. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
