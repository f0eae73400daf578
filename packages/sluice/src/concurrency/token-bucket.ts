/**
 * A token bucket: so many a second on average, so many at once after a pause. It starts no timer and reads no clock: whoever
 * takes a token is told how long to wait, and the bucket remembers that the token is spoken for, so callers are served in the
 * order in which they ask.
 *
 * The whole state is one moment: when the bucket would be full again. What has been taken moves it ahead, time passing
 * brings it nearer (the "generic cell rate algorithm"), so there is no refilling and no rounding that adds up.
 */
import { UsageError } from "../errors.js";

const MS_PER_SECOND = 1_000;
/** Waits shorter than this many milliseconds are rounding errors of the moments we add up, not waits. */
const ROUNDING_MS = 0.001;

/** How much a {@link TokenBucket} gives. */
export interface TokenBucketOptions {
  /** Tokens that come in per second: above 0, `Infinity` for no limit. */
  readonly perSecond: number;
  /** Tokens that a full bucket holds, 1 or more and finite: how many may be taken at once. @default 1 */
  readonly burst?: number;
}

/** Tokens that come in at a steady rate and are taken in the order of asking. */
export class TokenBucket {
  readonly #msPerToken: number;
  readonly #burst: number;
  #fullAt = Number.NEGATIVE_INFINITY;

  /** The bucket is full at first. Throws UsageError `options/out-of-range`. */
  constructor({ perSecond, burst = 1 }: TokenBucketOptions) {
    if (!(perSecond > 0)) throw outOfRange("perSecond", "above 0", perSecond);
    if (!(burst >= 1 && Number.isFinite(burst))) throw outOfRange("burst", "1 or more, finite", burst);
    this.#msPerToken = MS_PER_SECOND / perSecond;
    this.#burst = burst;
  }

  /**
   * Takes `count` tokens (above 0, at most the burst) and gives the milliseconds to wait until they are there: 0 when they
   * are already. `now`: monotonic milliseconds, never less than in an earlier call. Throws UsageError `options/out-of-range`.
   */
  take(now: number, count = 1): number {
    this.#checkCount(count);
    this.#fullAt = Math.max(this.#fullAt, now) + count * this.#msPerToken;
    return this.#waitAt(now);
  }

  /** Takes `count` tokens if they are there now; false, and nothing is taken, when they are not. */
  tryTake(now: number, count = 1): boolean {
    this.#checkCount(count);
    const before = this.#fullAt;
    this.#fullAt = Math.max(before, now) + count * this.#msPerToken;
    if (this.#waitAt(now) === 0) return true;
    this.#fullAt = before;
    return false;
  }

  /** Returns tokens that were taken and not used: a request that was cancelled while it waited. Those behind it keep their times. */
  giveBack(count = 1): void {
    this.#checkCount(count);
    this.#fullAt -= count * this.#msPerToken;
  }

  /** Whole or broken tokens in the bucket; below zero when some are spoken for that have not come in yet. */
  tokensAt(now: number): number {
    const missingMs = Math.max(0, this.#fullAt - now);
    return missingMs === 0 ? this.#burst : this.#burst - missingMs / this.#msPerToken;
  }

  #waitAt(now: number): number {
    const wait = this.#fullAt - now - this.#burst * this.#msPerToken;
    return wait < ROUNDING_MS ? 0 : wait;
  }

  #checkCount(count: number): void {
    if (!(count > 0 && count <= this.#burst))
      throw outOfRange("count", `above 0, at most the burst of ${this.#burst}`, count);
  }
}

function outOfRange(name: string, expected: string, received: number): UsageError {
  return new UsageError("options/out-of-range", `Cannot use ${name}: expected ${expected}, received ${received}`);
}
