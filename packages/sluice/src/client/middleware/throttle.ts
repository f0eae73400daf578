/**
 * Holds requests back to a rate: a token bucket for each host (or for all together, or by a key of the caller's), plus a random
 * delay where asked for. Requests go in the order in which they asked; a cancelled one gives its place up.
 */

import { sleep } from "../../concurrency/sleep.js";
import { TokenBucket } from "../../concurrency/token-bucket.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown } from "../../options.js";
import { systemRandom } from "../../platform/random.js";
import type { ClientMiddleware } from "../middleware.js";
import { requireNumber } from "../options.js";
import type { ClientRequest } from "../request.js";

/** A rate, and who shares it. */
export interface ThrottleOptions {
  /** So many requests … */
  readonly requests: number;
  /** … in so many milliseconds. @default 1_000 */
  readonly per?: number;
  /** How many may go at once after a quiet time. @default 1: evenly spaced */
  readonly burst?: number;
  /** Which requests share a rate: those to one host, all, or those with the same key. @default "host" */
  readonly scope?: "host" | "global" | ((request: ClientRequest) => string);
  /** A random delay within these bounds, in milliseconds, on top. @default none */
  readonly jitter?: readonly [least: number, most: number];
  /** From 0 up to 1, for jitter; a seeded one in tests. */
  readonly random?: () => number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ThrottleOptions>([
  "requests",
  "per",
  "burst",
  "scope",
  "jitter",
  "random",
]);
/** Buckets kept; when there are more, those that are full again (a quiet host's) are forgotten. */
const MOST_BUCKETS = 1_000;

/** A hop-stage middleware: every send counts, retries and redirects too. Throws `UsageError` for options out of range. */
export function throttle(options: ThrottleOptions): ClientMiddleware {
  const { per = 1_000, burst = 1, scope = "host", jitter = [0, 0], random = systemRandom } = options;
  check(options);
  const buckets = new Map<string, TokenBucket>();
  const keyOf =
    typeof scope === "function" ? scope : (request: ClientRequest) => (scope === "global" ? "" : request.target.origin);

  function bucketFor(key: string, now: number): TokenBucket {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    if (buckets.size >= MOST_BUCKETS) {
      for (const [other, bucket] of buckets) if (bucket.tokensAt(now) >= burst) buckets.delete(other);
    }
    const bucket = new TokenBucket({ perSecond: (options.requests * 1_000) / per, burst });
    buckets.set(key, bucket);
    return bucket;
  }

  return async (request, next) => {
    const { clock, tracer } = request;
    const key = keyOf(request);
    const bucket = bucketFor(key, clock.now());
    const wait = bucket.take(clock.now());
    const delay = wait + jitter[0] + (jitter[1] - jitter[0]) * random();
    if (delay > 0) {
      tracer?.emit("requestThrottled", { delay, scope: key });
      try {
        await sleep(delay, { signal: request.signal, clock });
      } catch (error) {
        bucket.giveBack();
        throw error;
      }
    }
    return next(request);
  };
}

function check(options: ThrottleOptions): void {
  refuseUnknown("throttle", options, KNOWN);
  const { requests, per = 1_000, burst = 1, jitter = [0, 0] } = options;
  requireNumber("throttle.requests", requests, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  requireNumber("throttle.per", per, Number.MIN_VALUE, Number.MAX_VALUE);
  requireNumber("throttle.burst", burst, 1, Number.MAX_VALUE);
  requireNumber("throttle.jitter[0]", jitter[0], 0, Number.MAX_VALUE);
  if (!(jitter[1] >= jitter[0])) {
    throw new UsageError(
      "options/out-of-range",
      `Cannot use throttle.jitter: its bounds are ${jitter[0]} and ${jitter[1]}`,
    );
  }
}
