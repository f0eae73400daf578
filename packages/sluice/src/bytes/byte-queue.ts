/**
 * Bytes that wait: copied in at the end, taken from the front.
 *
 * Strategy: one flat store that doubles, with a moving front. Appending n bytes costs amortised O(n), however finely they come;
 * looking at what is there costs O(1) and copies nothing. The store moves its content to the front only when less than half
 * of it is alive, so each byte is moved a bounded number of times. An empty queue holds no memory.
 */

import { Buffer } from "node:buffer";

const NOTHING = Buffer.alloc(0);
const SMALLEST_STORE_BYTES = 256;

/** A first-in, first-out queue of bytes. Never keeps a reference to what it is given. */
export class ByteQueue {
  #store: Buffer = NOTHING;
  #start = 0;
  #end = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The first waiting byte, or undefined. */
  get first(): number | undefined {
    return this.#end > this.#start ? this.#store[this.#start] : undefined;
  }

  /** Copies `bytes` from `from` up to `to` to the end of the queue. */
  append(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    const added = to - from;
    if (added <= 0) return;
    if (this.#end + added > this.#store.length) this.#makeRoom(added);
    this.#store.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), this.#end);
    this.#end += added;
  }

  /** All waiting bytes, borrowed: valid until the next `append`, `take` or `clear`. */
  peek(): Buffer {
    return this.#store.subarray(this.#start, this.#end);
  }

  /** All waiting bytes as text, one character an octet. */
  toLatin1(): string {
    return this.#store.toString("latin1", this.#start, this.#end);
  }

  /** Drops `count` bytes, or all if there are fewer, from the front. */
  consume(count: number): void {
    this.#start += count;
    if (this.#start >= this.#end) this.clear();
  }

  /** Removes all waiting bytes and gives them away: they are the caller's own. */
  take(): Buffer {
    const taken = this.peek();
    this.clear();
    return taken;
  }

  /** Drops everything, memory included. */
  clear(): void {
    this.#store = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(added: number): void {
    const alive = this.length;
    const needed = alive + added;
    if (needed * 2 <= this.#store.length) {
      this.#store.copyWithin(0, this.#start, this.#end);
    } else {
      // Not from Node's shared pool: `take` gives the whole store away.
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST_STORE_BYTES, this.#store.length * 2, needed));
      this.#store.copy(larger, 0, this.#start, this.#end);
      this.#store = larger;
    }
    this.#start = 0;
    this.#end = alive;
  }
}
