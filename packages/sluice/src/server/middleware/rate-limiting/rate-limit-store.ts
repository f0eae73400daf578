/** Where a rate limit keeps its counts: in memory here, or in a place that several processes share. */

/** How much a key has. */
export interface RateLimitQuota {
  /** Units that come in within `windowMs`. */
  readonly limit: number;
  /** Milliseconds. */
  readonly windowMs: number;
  /** Units that can be saved up, and so taken at once. */
  readonly burst: number;
}

/** What became of an attempt to take some. */
export interface RateLimitOutcome {
  readonly allowed: boolean;
  /** Whole units that are left. */
  readonly remaining: number;
  /** Milliseconds until there are more: all of them again, or, where none is left, one. */
  readonly resetMs: number;
  /** Milliseconds until this attempt would be allowed; 0 if it was, `Infinity` if it never will be. */
  readonly retryAfterMs: number;
}

/** Keeps the counts of keys. A store that several processes share gives a promise. */
export interface RateLimitStore {
  /** Takes `cost` units (0 and more) from what `key` has, all or none. Throwing or rejecting is a failure of the store. */
  take(key: string, cost: number, quota: RateLimitQuota): RateLimitOutcome | Promise<RateLimitOutcome>;
}
