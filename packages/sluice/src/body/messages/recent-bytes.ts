/**
 * The last bytes of all that went by: what deflate may refer back to (RFC 1951 §2). Memory grows with what there is to remember, and not
 * beyond; adding n bytes costs amortised O(n), for they are moved to the front only when there is as much to forget.
 */

const NOTHING = Buffer.alloc(0);
const SMALLEST_BYTES = 512;
/** How much more than needed is kept, so that little is moved. */
const SLACK = 1.25;

/** Remembers up to a number of bytes. */
export class RecentBytes {
  readonly #most: number;
  #store = NOTHING;
  #end = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds `bytes` behind all that came before. */
  add(bytes: Uint8Array): void {
    if (bytes.byteLength >= this.#most) {
      this.#grow(this.#most);
      this.#store.set(bytes.subarray(bytes.byteLength - this.#most));
      this.#end = this.#most;
      return;
    }
    if (this.#end + bytes.byteLength > this.#store.byteLength) this.#makeRoom(bytes.byteLength);
    this.#store.set(bytes, this.#end);
    this.#end += bytes.byteLength;
  }

  /** What is remembered, or undefined for nothing. A view: not to be kept beyond the next call. */
  get bytes(): Buffer | undefined {
    return this.#end === 0 ? undefined : this.#store.subarray(Math.max(0, this.#end - this.#most), this.#end);
  }

  /** Forgets everything, memory included. */
  clear(): void {
    this.#store = NOTHING;
    this.#end = 0;
  }

  #makeRoom(added: number): void {
    const kept = Math.min(this.#end, this.#most - added);
    const from = this.#end - kept;
    if (kept + added <= this.#store.byteLength && from * 4 >= this.#store.byteLength - from) {
      this.#store.copyWithin(0, from, this.#end);
    } else {
      const before = this.#store.subarray(from, this.#end);
      this.#store = NOTHING;
      this.#grow(Math.max(2 * before.byteLength, kept + added));
      this.#store.set(before);
    }
    this.#end = kept;
  }

  /** At least `byteCount`; never more than the slack above the most that is remembered. */
  #grow(byteCount: number): void {
    if (this.#store.byteLength >= byteCount) return;
    const room = Math.max(SMALLEST_BYTES, byteCount);
    this.#store = Buffer.allocUnsafeSlow(Math.floor(Math.min(room, this.#most) * SLACK));
  }
}
