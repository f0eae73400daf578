/** What a caller may ask of `throttle`, and that checked. */

import { UsageError } from "../../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../../options.js";
import { systemRandom } from "../../../platform/random.js";
import type { ClientRequest } from "../../request.js";
import { AdaptiveRate } from "./adaptive-rate.js";
import { FixedRate } from "./fixed-rate.js";
import type { Rate } from "./rate.js";
import type { ThrottleStore } from "./throttle-store.js";

/** How an adaptive rate begins, and what bounds it. */
export interface AdaptiveOptions {
  /** Requests a second to begin with, above 0. @default 10, or the rate of `requests` and `per` if that is lower */
  readonly start?: number;
  /** Requests a second that it never goes below, above 0. @default 0.1 */
  readonly min?: number;
  /**
   * Longest that the server's word (`Retry-After`, a window that is used up) holds requests back, in milliseconds; then one is sent to
   * see. @default 300_000
   */
  readonly maxHold?: number;
}

/** A rate, and who shares it. */
export interface ThrottleOptions {
  /** So many requests … With `adaptive` it may be left out, and is the most that it goes up to. */
  readonly requests?: number;
  /** … in so many milliseconds. @default 1_000 */
  readonly per?: number;
  /** How many may go at once after a quiet time. Not with `adaptive`. @default 1: evenly spaced */
  readonly burst?: number;
  /** Finds the rate that the server allows by what it answers: see docs/retry-and-throttle.md. @default false */
  readonly adaptive?: boolean | AdaptiveOptions;
  /** Which requests share a rate: those to one host, all, or those with the same key. @default "host" */
  readonly scope?: "host" | "global" | ((request: ClientRequest) => string);
  /** Which of those that wait go first: the ones with the higher number. A request's own `throttle.priority` is above this. @default 0 */
  readonly priority?: (request: ClientRequest) => number;
  /** A random delay within these bounds, in milliseconds, on top. @default none */
  readonly jitter?: readonly [least: number, most: number];
  /** Requests that may wait, over all keys; one more is refused with `throttle/queue-full`. @default Infinity */
  readonly maxQueue?: number;
  /** Longest wait for a turn, in milliseconds; then `RequestTimeoutError` `timeout.throttle`. @default Infinity */
  readonly timeout?: number;
  /** Where rates are kept. Throttles with one store and the same keys share their rates, over processes if the store does. @default in memory */
  readonly store?: ThrottleStore;
  /** From 0 up to 1, for jitter; a seeded one in tests. */
  readonly random?: () => number;
}

/** {@link ThrottleOptions}, checked and complete. */
export interface ThrottlePolicy {
  readonly rate: Rate;
  readonly keyOf: (request: ClientRequest) => string;
  readonly priorityOf: (request: ClientRequest) => number;
  readonly jitter: readonly [least: number, most: number] | undefined;
  readonly maxQueue: number;
  readonly timeout: number;
  readonly store: ThrottleStore | undefined;
  readonly random: () => number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ThrottleOptions>([
  "requests",
  "per",
  "burst",
  "adaptive",
  "scope",
  "priority",
  "jitter",
  "maxQueue",
  "timeout",
  "store",
  "random",
]);
const KNOWN_ADAPTIVE: ReadonlySet<string> = new Set<keyof AdaptiveOptions>(["start", "min", "maxHold"]);
const DEFAULT_START = 10;
const DEFAULT_MIN = 0.1;
const DEFAULT_MAX_HOLD = 300_000;
const { MIN_VALUE, MAX_VALUE, POSITIVE_INFINITY } = Number;

/** Throws `UsageError` for options that are unknown, out of range, of the wrong kind, or cannot go together. */
export function resolveThrottle(options: ThrottleOptions): ThrottlePolicy {
  refuseUnknown("throttle", options, KNOWN);
  const { per = 1_000, maxQueue = POSITIVE_INFINITY, timeout = POSITIVE_INFINITY, random = systemRandom } = options;
  requireNumber("throttle.per", per, MIN_VALUE, MAX_VALUE);
  requireNumber("throttle.maxQueue", maxQueue, 0, POSITIVE_INFINITY);
  requireNumber("throttle.timeout", timeout, MIN_VALUE, POSITIVE_INFINITY);
  requireFunction("throttle.random", random);
  if (options.store !== undefined) requireObject("throttle.store", options.store);
  return {
    rate: rateOf(options, per),
    keyOf: keyOf(options.scope),
    priorityOf: priorityOf(options.priority),
    jitter: jitterOf(options.jitter),
    maxQueue,
    timeout,
    store: options.store,
    random,
  };
}

function rateOf(options: ThrottleOptions, per: number): Rate {
  const { requests, adaptive = false, burst = 1 } = options;
  if (requests !== undefined || adaptive === false) {
    requireNumber("throttle.requests", requests, MIN_VALUE, POSITIVE_INFINITY);
  }
  requireNumber("throttle.burst", burst, 1, MAX_VALUE);
  const perSecond = requests === undefined ? POSITIVE_INFINITY : (requests * 1_000) / per;
  if (adaptive === false) return new FixedRate(perSecond, burst);
  if (options.burst !== undefined) {
    throw new UsageError(
      "options/conflict",
      "Cannot use throttle.burst with throttle.adaptive: it learns that by itself",
    );
  }
  return adaptiveRate(adaptive === true ? {} : adaptive, perSecond);
}

function adaptiveRate(options: AdaptiveOptions, most: number): AdaptiveRate {
  requireObject("throttle.adaptive", options);
  refuseUnknown("throttle.adaptive", options, KNOWN_ADAPTIVE);
  const { start = Math.min(DEFAULT_START, most), maxHold = DEFAULT_MAX_HOLD } = options;
  const { min = Math.min(DEFAULT_MIN, start) } = options;
  requireNumber("throttle.adaptive.start", start, MIN_VALUE, most);
  requireNumber("throttle.adaptive.min", min, MIN_VALUE, start);
  requireNumber("throttle.adaptive.maxHold", maxHold, 0, MAX_VALUE);
  return new AdaptiveRate({ start, least: min, most, maxHoldMs: maxHold });
}

function keyOf(scope: ThrottleOptions["scope"] = "host"): (request: ClientRequest) => string {
  if (typeof scope === "function") return (request) => request.settings.throttle?.key ?? scope(request);
  if (scope === "global") return (request) => request.settings.throttle?.key ?? "";
  if (scope === "host") return (request) => request.settings.throttle?.key ?? request.target.origin;
  const message = `Cannot use throttle.scope: expected "host", "global" or a function, received ${String(scope)}`;
  throw new UsageError("options/unknown-value", message);
}

function priorityOf(given: ThrottleOptions["priority"]): (request: ClientRequest) => number {
  if (given !== undefined) requireFunction("throttle.priority", given);
  return (request) => request.settings.throttle?.priority ?? given?.(request) ?? 0;
}

function jitterOf(jitter: ThrottleOptions["jitter"]): ThrottlePolicy["jitter"] {
  if (jitter === undefined) return undefined;
  const [least, most] = jitter;
  requireNumber("throttle.jitter[0]", least, 0, MAX_VALUE);
  if (most >= least && most <= MAX_VALUE) return [least, most];
  throw new UsageError("options/out-of-range", `Cannot use throttle.jitter: its bounds are ${least} and ${most}`);
}
