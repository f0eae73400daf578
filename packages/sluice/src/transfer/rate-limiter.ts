/**
 * So many bytes a second for one transfer or for several together: each asks how long to wait after what it has just moved, in the order
 * of asking, so that all who share a limiter share its rate.
 */

import { TokenBucket } from "../concurrency/token-bucket.js";
import { requireNumber } from "../options.js";

/** What may be moved at once after a pause: a quarter of a second's worth, but no less than one read of the system's. */
const BURST_MS = 250;
const LEAST_BURST = 64 * 1024;
const MS_PER_SECOND = 1_000;

/** See the head of this file. Give one to several transfers as their `rateLimit`. */
export class RateLimiter {
  /** As given. */
  readonly bytesPerSecond: number;
  readonly #bucket: TokenBucket;
  readonly #burst: number;

  /** More than 0; throws `UsageError` `options/out-of-range`. */
  constructor(bytesPerSecond: number) {
    requireNumber("bytesPerSecond", bytesPerSecond, Number.MIN_VALUE, Number.MAX_VALUE);
    this.bytesPerSecond = bytesPerSecond;
    this.#burst = Math.max((bytesPerSecond * BURST_MS) / MS_PER_SECOND, LEAST_BURST);
    this.#bucket = new TokenBucket({ perSecond: bytesPerSecond, burst: this.#burst });
  }

  /** Accounts for bytes moved, and gives the milliseconds to wait before more are. `now`: monotonic milliseconds, of one clock. @internal */
  spend(byteLength: number, now: number): number {
    let waitMs = 0;
    for (let left = byteLength; left > 0; left -= this.#burst) {
      waitMs = this.#bucket.take(now, Math.min(left, this.#burst));
    }
    return waitMs;
  }
}
