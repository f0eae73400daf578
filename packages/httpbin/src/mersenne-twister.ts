/**
 * MT19937, seeded and drawn from as Python's `random` does it, so that `/bytes/16?seed=1` has the same bytes here and in every
 * other httpbin. For nothing that must be hard to guess.
 */

const SIZE = 624;
const MIDDLE = 397;
const TWO_32 = 2 ** 32;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;
const TWIST = 0x9908b0df;
const BYTE_VALUES = 256;
/** Python draws as many bits as 256 itself has, nine, until the number is below 256. */
const SHIFT_TO_NINE_BITS = 32 - 9;

/** Pseudo-random bytes from a seed. */
export class MersenneTwister {
  /** Arithmetic is modulo 2^32: what is stored here is. */
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  /** `seed` is a whole number; its sign does not count. */
  constructor(seed: number) {
    const size = Math.abs(seed);
    const high = Math.floor(size / TWO_32);
    this.#seedFrom(high === 0 ? [size % TWO_32] : [size % TWO_32, high]);
  }

  /** Fills `bytes` with `random.randint(0, 255)`. */
  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1) {
      let drawn: number;
      do drawn = this.#next() >>> SHIFT_TO_NINE_BITS;
      while (drawn >= BYTE_VALUES);
      bytes[at] = drawn;
    }
  }

  /** The reference implementation's `init_by_array`, of which the constants are. */
  #seedFrom(key: readonly number[]): void {
    const state = this.#state;
    state[0] = 19_650_218;
    for (let at = 1; at < SIZE; at += 1) state[at] = Math.imul(1_812_433_253, this.#mixed(at)) + at;
    let at = 1;
    for (let step = 0; step < SIZE; step += 1) {
      const turn = step % key.length;
      state[at] = ((state[at] ?? 0) ^ Math.imul(this.#mixed(at), 1_664_525)) + (key[turn] ?? 0) + turn;
      at = this.#after(at);
    }
    for (let step = 1; step < SIZE; step += 1) {
      state[at] = ((state[at] ?? 0) ^ Math.imul(this.#mixed(at), 1_566_083_941)) - at;
      at = this.#after(at);
    }
    state[0] = UPPER;
  }

  #mixed(at: number): number {
    const before = this.#state[at - 1] ?? 0;
    return before ^ (before >>> 30);
  }

  #after(at: number): number {
    if (at + 1 < SIZE) return at + 1;
    this.#state[0] = this.#state[SIZE - 1] ?? 0;
    return 1;
  }

  #next(): number {
    if (this.#at === SIZE) this.#twist();
    let drawn = this.#state[this.#at] ?? 0;
    this.#at += 1;
    drawn ^= drawn >>> 11;
    drawn ^= (drawn << 7) & 0x9d2c5680;
    drawn ^= (drawn << 15) & 0xefc60000;
    return drawn ^ (drawn >>> 18);
  }

  #twist(): void {
    const state = this.#state;
    for (let at = 0; at < SIZE; at += 1) {
      const mixed = ((state[at] ?? 0) & UPPER) | ((state[(at + 1) % SIZE] ?? 0) & LOWER);
      state[at] = (state[(at + MIDDLE) % SIZE] ?? 0) ^ (mixed >>> 1) ^ ((mixed & 1) === 1 ? TWIST : 0);
    }
    this.#at = 0;
  }
}
