/**
 * How long to wait before trying again: exponential back-off with full jitter. The wait is drawn evenly from zero to a
 * ceiling that doubles with each failure, so that many who failed together do not come back together.
 */

export interface BackOffRange {
  /** Ceiling after the first failure, in milliseconds. */
  readonly base: number;
  /** What the ceiling never exceeds, in milliseconds. */
  readonly cap: number;
}

/** The ceiling of a `base` of 1 ms stops growing here: it is more than anyone waits, and stays a finite number. */
const MOST_DOUBLINGS = 52;

/**
 * Milliseconds to wait before the next try after `attempt` failures (1 or more): at least 0, below `min(cap, base · 2^(attempt−1))`.
 * `random` gives numbers from 0 up to, not including, 1.
 */
export function fullJitter(attempt: number, range: BackOffRange, random: () => number): number {
  const ceiling = range.base * 2 ** Math.min(attempt - 1, MOST_DOUBLINGS);
  return random() * Math.min(range.cap, ceiling);
}
