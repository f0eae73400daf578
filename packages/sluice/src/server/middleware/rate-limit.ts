/**
 * Limits how often clients may ask: so many requests in a window, on average, of which `burst` may come at once. A token bucket,
 * so there is no moment at which a window ends and everybody may begin anew.
 *
 * Every answer tells how much is left (`RateLimit`, `RateLimit-Policy`: draft-ietf-httpapi-ratelimit-headers), one that is refused
 * when to come again (429, RFC 6585 §4).
 */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { formatRateLimit, formatRateLimitPolicy, isPolicyName } from "../../http/rate-limit.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { sha256 } from "../../platform/digest.js";
import { type ErrorListener, report } from "../error-report.js";
import { HttpError } from "../http-error.js";
import type { Middleware } from "../middleware-chain.js";
import type { ServerRequest } from "../request/server-request.js";
import { clientKey } from "./rate-limiting/client-key.js";
import { MemoryRateLimitStore } from "./rate-limiting/memory-rate-limit-store.js";
import type { RateLimitOutcome, RateLimitQuota, RateLimitStore } from "./rate-limiting/rate-limit-store.js";

/** How much is allowed, and whom it is counted for. */
export interface RateLimitOptions {
  /** Requests in a window, 1 or more; a function for limits that depend on who asks. */
  readonly limit: number | ((request: ServerRequest) => number | Promise<number>);
  /** The window, in milliseconds, more than 0. @default 60_000 */
  readonly windowMs?: number;
  /** Requests that may come at once after a pause, 1 or more. @default the limit */
  readonly burst?: number;
  /**
   * Whom a request counts for; undefined for nobody. Behind proxies, addresses are right only with the application's `trustProxy`.
   *
   * @default the client's IPv4 address, or the /64 of its IPv6 address
   */
  readonly key?: (request: ServerRequest) => string | undefined | Promise<string | undefined>;
  /** What a request counts, 0 or more. @default 1 */
  readonly cost?: number | ((request: ServerRequest) => number);
  /** Requests that are not counted. @default none */
  readonly skip?: (request: ServerRequest) => boolean;
  /** Names the policy: in fields, in problems, and in a store that several limits share. @default "default" */
  readonly name?: string;
  /** Where counts are kept. @default a `MemoryRateLimitStore` of its own */
  readonly store?: RateLimitStore;
  /**
   * Told when the store fails; the request goes on then, uncounted.
   *
   * @default the request fails, with 500
   */
  readonly onStoreError?: ErrorListener;
  /** Whether answers have the fields. `legacy`: `X-RateLimit-Limit`, `-Remaining` and `-Reset` as well. @default true */
  readonly fields?: boolean | "legacy";
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

interface Policy extends Omit<Required<RateLimitOptions>, "burst" | "onStoreError"> {
  readonly burst: number | undefined;
  readonly onStoreError: ErrorListener | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof RateLimitOptions>([
  ...([
    "limit",
    "windowMs",
    "burst",
    "key",
    "cost",
    "skip",
    "name",
    "store",
    "onStoreError",
    "fields",
    "clock",
  ] as const),
]);
const DEFAULT_WINDOW_MS = 60_000;
/** Longer keys, which clients may have made up, are kept as digests. */
const LONGEST_KEY = 128;
const MS_PER_SECOND = 1_000;
const PROBLEM_TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/** Answers 429 to those who ask too often. `UsageError` `options/…` for what is out of range, of the wrong kind, or unknown. */
export function rateLimit(options: RateLimitOptions): Middleware {
  const policy = resolvePolicy(options);
  return function rateLimit(request, next) {
    if (policy.skip(request)) return next();
    const key = policy.key(request);
    const { limit } = policy;
    if (typeof key === "object" || typeof limit === "function") return countLater(policy, request, key).then(next);
    const counted = count(policy, request, key, limit);
    return counted === undefined ? next() : counted.then(next);
  };
}

async function countLater(
  policy: Policy,
  request: ServerRequest,
  key: string | undefined | Promise<string | undefined>,
): Promise<void> {
  const { limit } = policy;
  const found = await key;
  if (found !== undefined)
    await count(policy, request, found, typeof limit === "function" ? await limit(request) : limit);
}

/** A promise only if the store gives one. Throws the refusal. */
function count(
  policy: Policy,
  request: ServerRequest,
  key: string | undefined,
  limit: number,
): Promise<void> | undefined {
  if (key === undefined) return undefined;
  const quota = quotaOf(policy, limit);
  const cost = typeof policy.cost === "function" ? policy.cost(request) : policy.cost;
  requireNumber("cost", cost, 0, Number.MAX_SAFE_INTEGER);
  try {
    const outcome = policy.store.take(storedKey(policy.name, key), cost, quota);
    if (!(outcome instanceof Promise)) {
      conclude(policy, request, quota, outcome);
      return undefined;
    }
    return outcome.then(
      (settled) => conclude(policy, request, quota, settled),
      (error: unknown) => storeFailed(policy, request, error),
    );
  } catch (error) {
    if (error instanceof HttpError) throw error;
    storeFailed(policy, request, error);
    return undefined;
  }
}

function conclude(policy: Policy, request: ServerRequest, quota: RateLimitQuota, outcome: RateLimitOutcome): void {
  if (policy.fields !== false) {
    request.beforeReply(({ headers }) => {
      headers.append("RateLimit-Policy", formatRateLimitPolicy(policy.name, quota.limit, quota.windowMs));
      headers.append("RateLimit", formatRateLimit(policy.name, outcome.remaining, outcome.resetMs));
      if (policy.fields !== "legacy") return;
      const resetAt = policy.clock.wallTime() + outcome.resetMs;
      headers.set("X-RateLimit-Limit", String(quota.limit));
      headers.set("X-RateLimit-Remaining", String(outcome.remaining));
      headers.set("X-RateLimit-Reset", String(Math.ceil(resetAt / MS_PER_SECOND)));
    });
  }
  if (!outcome.allowed) throw refusal(policy, outcome.retryAfterMs);
}

function refusal({ name }: Policy, retryAfterMs: number): HttpError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / MS_PER_SECOND));
  const comesAgain = Number.isFinite(seconds);
  return new HttpError(429, comesAgain ? `Too many requests: come again in ${seconds} s` : "This asks for too much", {
    code: "rate-limit/exceeded",
    headers: comesAgain ? { "Retry-After": String(seconds) } : {},
    type: PROBLEM_TYPE,
    details: { "violated-policies": [name] },
  });
}

function storeFailed({ onStoreError }: Policy, request: ServerRequest, error: unknown): void {
  if (onStoreError === undefined) throw error;
  report(onStoreError, error, request);
}

function storedKey(name: string, key: string): string {
  return `${name}:${key.length > LONGEST_KEY ? sha256(key) : key}`;
}

function quotaOf(policy: Policy, limit: number): RateLimitQuota {
  requireNumber("limit", limit, 1, Number.MAX_SAFE_INTEGER);
  return { limit, windowMs: policy.windowMs, burst: policy.burst ?? limit };
}

function resolvePolicy(options: RateLimitOptions): Policy {
  requireObject("rateLimit options", options);
  refuseUnknown("rateLimit", options, OPTION_NAMES);
  const { limit, windowMs = DEFAULT_WINDOW_MS, burst, key = clientKey, cost = 1, skip = never } = options;
  const { name = "default", fields = true, clock = systemClock, onStoreError } = options;
  if (typeof limit !== "function") requireNumber("limit", limit, 1, Number.MAX_SAFE_INTEGER);
  if (typeof cost !== "function") requireNumber("cost", cost, 0, Number.MAX_SAFE_INTEGER);
  if (burst !== undefined) requireNumber("burst", burst, 1, Number.MAX_SAFE_INTEGER);
  requireNumber("windowMs", windowMs, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER);
  requireFunction("key", key);
  requireFunction("skip", skip);
  if (onStoreError !== undefined) requireFunction("onStoreError", onStoreError);
  if (fields !== "legacy" && typeof fields !== "boolean") throw unusable("fields", fields);
  if (typeof name !== "string" || !isPolicyName(name)) throw unusable("name", name);
  const store = options.store ?? new MemoryRateLimitStore({ clock });
  return { limit, windowMs, burst, key, cost, skip, name, fields, clock, onStoreError, store };
}

function unusable(name: string, value: unknown): UsageError {
  return new UsageError("options/unknown-value", `Cannot use rateLimit option ${name}: received ${String(value)}`);
}

function never(): boolean {
  return false;
}
