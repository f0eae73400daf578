/**
 * How often each of many URLs occurs, in few bytes: what is kept of a URL is 96 bits of its SHA-256, in one table of numbers. That is
 * between 23 and 46 bytes for each, whatever its length, and half as much again while the table grows. Two different URLs that are taken for one
 * another are not to be met with: among 100 million the chance is one in ten trillion.
 */
import { createHash } from "node:crypto";

/** Three words of the hash and a count. */
const SLOT_WORDS = 4;
const COUNT_AT = 3;
const FIRST_SLOTS = 1_024;
/** A fuller table is made twice as large: probing for a free slot stays short. */
const MOST_FILLED = 0.7;

/** Counts URLs; open addressing with linear probing. */
export class UrlCounts {
  #slots = FIRST_SLOTS;
  #table = new Uint32Array(FIRST_SLOTS * SLOT_WORDS);
  /** Slots in use; those whose count has come down to 0 stay in use. */
  #used = 0;

  /** Counts `url` once more. */
  add(url: string): void {
    if (this.#used >= this.#slots * MOST_FILLED) this.#grow();
    const key = keyOf(url);
    const at = this.#find(key);
    if (!this.#taken(at)) {
      this.#table.set(key, at);
      this.#used += 1;
    }
    this.#table[at + COUNT_AT] = this.#word(at + COUNT_AT) + 1;
  }

  /** Takes one of `url` away; false if there is none left. */
  take(url: string): boolean {
    const at = this.#find(keyOf(url)) + COUNT_AT;
    const count = this.#word(at);
    if (count === 0) return false;
    this.#table[at] = count - 1;
    return true;
  }

  /** Where `key` is, or would go. */
  #find(key: Uint32Array): number {
    const [first = 0, second = 0, third = 0] = key;
    for (let slot = first % this.#slots; ; slot = (slot + 1) % this.#slots) {
      const at = slot * SLOT_WORDS;
      if (!this.#taken(at)) return at;
      if (this.#word(at) === first && this.#word(at + 1) === second && this.#word(at + 2) === third) return at;
    }
  }

  /** A key is never all zeros, so that a free slot can be told by it. */
  #taken(at: number): boolean {
    return this.#word(at) !== 0 || this.#word(at + 1) !== 0 || this.#word(at + 2) !== 0;
  }

  #word(at: number): number {
    return this.#table[at] ?? 0;
  }

  #grow(): void {
    const before = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(this.#slots * SLOT_WORDS);
    for (let at = 0; at < before.length; at += SLOT_WORDS) {
      const slot = before.subarray(at, at + SLOT_WORDS);
      // What has been taken away altogether need not come along; the count is of use again only for the table's own size.
      if (slot[COUNT_AT] !== 0) this.#table.set(slot, this.#find(slot));
    }
    this.#used = this.#countUsed();
  }

  #countUsed(): number {
    let used = 0;
    for (let at = 0; at < this.#table.length; at += SLOT_WORDS) if (this.#taken(at)) used += 1;
    return used;
  }
}

function keyOf(url: string): Uint32Array {
  const digest = createHash("sha256").update(url).digest();
  const key = new Uint32Array([digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)]);
  // Free slots are all zeros.
  if (key[0] === 0) key[0] = 1;
  return key;
}
