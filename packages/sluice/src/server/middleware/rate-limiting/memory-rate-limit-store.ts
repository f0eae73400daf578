/**
 * The counts of one process: a token bucket for each key, at most so many of them. A key that is not there has a full bucket, so buckets
 * that are full again can go, and do when others come. If that is not enough the one that was used least recently goes, which is a gift to
 * its owner: nothing is ever refused for want of room.
 */

import { type Clock, systemClock } from "../../../concurrency/clock.js";
import { TokenBucket } from "../../../concurrency/token-bucket.js";
import { refuseUnknown, requireNumber } from "../../../options.js";
import type { RateLimitOutcome, RateLimitQuota, RateLimitStore } from "./rate-limit-store.js";

/** How a {@link MemoryRateLimitStore} keeps its counts. */
export interface MemoryRateLimitOptions {
  /** Most keys that are kept, each some 200 bytes. @default 100_000 */
  readonly maxKeys?: number;
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

interface Entry {
  readonly bucket: TokenBucket;
  readonly quota: RateLimitQuota;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryRateLimitOptions>(["maxKeys", "clock"]);
const DEFAULT_MAX_KEYS = 100_000;
const MS_PER_SECOND = 1_000;
/** Buckets looked at for each new key: more than one, so that old ones go faster than new ones come. */
const SWEPT_PER_KEY = 2;
/** Tokens are counted in fractions; this little is no shortage. */
const ROUNDING = 1e-6;

/** See the head of this file. */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** Throws `UsageError` `options/…` for what is out of range, or unknown. */
  constructor(options: MemoryRateLimitOptions = {}) {
    refuseUnknown("memory store", options, OPTION_NAMES);
    const { maxKeys = DEFAULT_MAX_KEYS, clock = systemClock } = options;
    requireNumber("maxKeys", maxKeys, 1, Number.MAX_SAFE_INTEGER);
    this.#maxKeys = maxKeys;
    this.#clock = clock;
  }

  /** Keys that are kept now. */
  get size(): number {
    return this.#entries.size;
  }

  take(key: string, cost: number, quota: RateLimitQuota): RateLimitOutcome {
    const now = this.#clock.now();
    const { limit, windowMs, burst } = quota;
    const { bucket } = this.#entryFor(key, quota, now);
    const allowed = cost === 0 || (cost <= burst && bucket.tryTake(now, cost));
    const tokens = bucket.tokensAt(now);
    const msPerToken = windowMs / limit;
    const remaining = Math.floor(tokens + ROUNDING);
    return {
      allowed,
      remaining,
      resetMs: Math.max(0, (remaining >= 1 ? burst : 1) - tokens) * msPerToken,
      retryAfterMs: allowed ? 0 : cost > burst ? Number.POSITIVE_INFINITY : (cost - tokens) * msPerToken,
    };
  }

  #entryFor(key: string, quota: RateLimitQuota, now: number): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) this.#entries.delete(key);
    else this.#makeRoom(now);
    const entry = known !== undefined && isSameQuota(known.quota, quota) ? known : newEntry(quota);
    this.#entries.set(key, entry);
    return entry;
  }

  #makeRoom(now: number): void {
    let looked = 0;
    for (const [key, { bucket, quota }] of this.#entries) {
      const isSpare = bucket.tokensAt(now) >= quota.burst;
      if (isSpare || this.#entries.size >= this.#maxKeys) this.#entries.delete(key);
      looked += 1;
      if (looked === SWEPT_PER_KEY) return;
    }
  }
}

function newEntry(quota: RateLimitQuota): Entry {
  const { limit, windowMs, burst } = quota;
  return { bucket: new TokenBucket({ perSecond: (limit * MS_PER_SECOND) / windowMs, burst }), quota };
}

function isSameQuota(one: RateLimitQuota, other: RateLimitQuota): boolean {
  return one === other || (one.limit === other.limit && one.windowMs === other.windowMs && one.burst === other.burst);
}
