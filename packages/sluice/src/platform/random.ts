/** The platform's randomness, and a repeatable one, for the layers above that are handed it. */

import { randomBytes, randomFillSync, randomUUID } from "node:crypto";

/** Gives a number in [0, 1) at each call. Of no cryptographic quality: for jitter and order. */
export type Random = () => number;

/** A number in [0, 1), of no cryptographic quality: jitter. */
export function systemRandom(): number {
  return Math.random();
}

/** The same numbers for the same seed (a 32-bit integer), on every machine: Mulberry32, with a period of 2^32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An id that no other has, in any process; nobody can guess it (RFC 9562 §5.4). */
export function randomId(): string {
  return randomUUID();
}

/** `byteCount` bytes that nobody can guess. */
export function randomOctets(byteCount: number): Uint8Array {
  return randomBytes(byteCount);
}

/** `byteCount` bytes that nobody can guess, in lower-case hexadecimal digits. */
export function randomHex(byteCount: number): string {
  return randomBytes(byteCount).toString("hex");
}

const KEY_COUNT = 1_024;
/** Made when the first key is asked for: a process that serves only never needs one. */
let maskKeys: Int32Array | undefined;
let nextMaskKey = KEY_COUNT;

/** 32 bits that nobody can foresee, as RFC 6455 §5.3 asks of masks. Drawn from the system by the thousand, because asking is dear. */
export function systemMaskKey(): number {
  maskKeys ??= new Int32Array(KEY_COUNT);
  if (nextMaskKey === KEY_COUNT) {
    randomFillSync(maskKeys);
    nextMaskKey = 0;
  }
  const key = maskKeys[nextMaskKey] ?? 0;
  nextMaskKey += 1;
  return key;
}
