/**
 * What servers say of their limits, in any of the forms that are in use, as one thing: how many requests a window has, how many
 * are left of it, when it begins anew.
 *
 *   RateLimit: "day";r=50;t=30        RateLimit-Policy: "day";q=100;w=60      draft-ietf-httpapi-ratelimit-headers, from -08 on
 *   RateLimit: limit=100, remaining=50, reset=30                             the same, -07
 *   RateLimit-Limit: 100, 100;w=60    RateLimit-Remaining, RateLimit-Reset   the same, up to -06
 *   X-RateLimit-Limit, -Remaining, -Reset, also X-Rate-Limit-…               GitHub, Twitter and most others
 *   X-RateLimit-Reset-After           Discord
 *   X-RateLimit-Limit-Requests, …     OpenAI
 *
 * A reset is a number of seconds from now or a moment since 1970, in seconds or milliseconds, whichever is plausible; `1m30s`; or a
 * date. What does not parse is as good as absent: a hint is no part of the message.
 */
import { parseDigits, trimOws } from "../bytes/ascii.js";
import { parseHttpDate } from "./dates.js";
import { type Parameters, readParameters, splitOutsideQuotes } from "./parameters.js";

/** One limit of a server's, as far as it told. */
export interface RateLimitHint {
  /** Requests that one window has. */
  readonly limit: number | undefined;
  /** Requests that are left in this window. */
  readonly remaining: number | undefined;
  /** Milliseconds until the next window begins. */
  readonly resetMs: number | undefined;
  /** Milliseconds that a window lasts. */
  readonly windowMs: number | undefined;
}

/** A number of seconds above this is a moment since 1970 (it would be 31 years from now), above the second one in milliseconds. */
const LEAST_EPOCH_SECONDS = 1e9;
const LEAST_EPOCH_MS = 1e12;
const MS = 1_000;
/** Digits that a number can have before it is not taken for one. */
const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/;
/** Durations as Go writes them: `6m0s`, `1h2m3s`, `20ms`, `1.5s`. */
const DURATION = /^(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;
/** `2026-01-02T03:04:05Z` (RFC 3339 §5.6), in UTC. */
const MOMENT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|\+00:00)$/;
/** Names that stand before `-limit`, `-remaining` and `-reset`, and behind them. */
const FAMILIES: readonly (readonly [prefix: string, suffix: string])[] = [
  ["ratelimit", ""],
  ["x-ratelimit", ""],
  ["x-rate-limit", ""],
  ["x-ratelimit", "-requests"],
];

/**
 * The tightest limit that a message tells of, or undefined if it tells of none. `fieldOf` gives a field's value by its lower-case
 * name; `nowMs`: the moment, on the scale of the server's clock, in milliseconds since 1970.
 */
export function readRateLimit(fieldOf: (name: string) => string | null, nowMs: number): RateLimitHint | undefined {
  const combined = fieldOf("ratelimit");
  if (combined !== null) {
    const hint = readCombined(combined, fieldOf("ratelimit-policy"));
    if (hint !== undefined) return hint;
  }
  for (const [prefix, suffix] of FAMILIES) {
    const hint = readFamily((what) => fieldOf(`${prefix}-${what}${suffix}`), nowMs, fieldOf("ratelimit-policy"));
    if (hint !== undefined) return hint;
  }
  return undefined;
}

/** Milliseconds from `nowMs` until the moment that a reset field names, 0 if it has passed; undefined if it names none. */
export function parseReset(value: string, nowMs: number): number | undefined {
  const text = trimOws(value);
  if (NUMBER.test(text)) {
    const number = Number(text);
    if (number < LEAST_EPOCH_SECONDS) return number * MS;
    return Math.max(0, (number < LEAST_EPOCH_MS ? number * MS : number) - nowMs);
  }
  const duration = text === "" ? null : DURATION.exec(text);
  if (duration !== null) {
    const [hours = 0, minutes = 0, seconds = 0, ms = 0] = duration.slice(1).map((part) => Number(part ?? 0));
    return (hours * 3_600 + minutes * 60 + seconds) * MS + ms;
  }
  const moment = MOMENT.exec(text);
  if (moment !== null) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = moment.slice(1).map(Number);
    return Math.max(0, Date.UTC(year, month - 1, day, hour, minute, second) - nowMs);
  }
  const date = parseHttpDate(text, nowMs);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
}

/** `"day";r=50;t=30`: what is left of the policy `name`, and for how long, in whole seconds. `name` as {@link isPolicyName} has it. */
export function formatRateLimit(name: string, remaining: number, resetMs: number): string {
  return `"${name}";r=${Math.max(0, Math.floor(remaining))};t=${Math.max(0, Math.ceil(resetMs / MS))}`;
}

/** `"day";q=100;w=60`: the policy itself. The window is told in whole seconds, as little as one. */
export function formatRateLimitPolicy(name: string, limit: number, windowMs: number): string {
  return `"${name}";q=${Math.floor(limit)};w=${Math.max(1, Math.round(windowMs / MS))}`;
}

/** Whether a policy can be called so without escapes (a string of RFC 9651 §3.3.3). */
export function isPolicyName(name: string): boolean {
  return /^[ !#-[\]-~]{1,64}$/.test(name);
}

/** Both forms of the `RateLimit` field. Of several limits the one that is nearest its end counts. */
function readCombined(value: string, policy: string | null): RateLimitHint | undefined {
  const items = splitOutsideQuotes(value, ",").map((item) => splitOutsideQuotes(item, ";"));
  const policies = policy === null ? new Map<string, Parameters>() : readPolicies(policy);
  let tightest: RateLimitHint | undefined;
  for (const [name = "", ...rest] of items) {
    const parameters = readParameters(rest);
    const own = policies.get(name);
    if (!parameters.has("r") || !countsRequests(own)) continue;
    const hint: RateLimitHint = {
      limit: integer(own?.get("q")),
      remaining: integer(parameters.get("r")),
      resetMs: seconds(parameters.get("t")),
      windowMs: seconds(own?.get("w")),
    };
    if (tightest === undefined || paceOf(hint) < paceOf(tightest)) tightest = hint;
  }
  return tightest ?? readDictionary(items, policy);
}

/** `limit=100, remaining=50, reset=30` of draft -07. */
function readDictionary(items: readonly (readonly string[])[], policy: string | null): RateLimitHint | undefined {
  const values = readParameters(items.map(([first = ""]) => first));
  const hint = {
    limit: integer(values.get("limit")),
    remaining: integer(values.get("remaining")),
    resetMs: seconds(values.get("reset")),
    windowMs: windowOf(policy),
  };
  return hint.remaining === undefined ? undefined : hint;
}

/** Requests a millisecond that are left: the least is the tightest. */
function paceOf({ remaining = Number.POSITIVE_INFINITY, resetMs }: RateLimitHint): number {
  return remaining / Math.max(resetMs ?? MS, 1);
}

/** A quota of bytes or of concurrent requests is none of a rate. */
function countsRequests(policy: Parameters | undefined): boolean {
  const unit = policy?.get("qu");
  return unit === undefined || unit === "requests";
}

function readPolicies(value: string): Map<string, Parameters> {
  const items = splitOutsideQuotes(value, ",").map((item) => splitOutsideQuotes(item, ";"));
  return new Map(items.map(([name = "", ...rest]) => [name, readParameters(rest)]));
}

/** Three fields, one for each thing. */
function readFamily(
  fieldOf: (what: string) => string | null,
  nowMs: number,
  policy: string | null,
): RateLimitHint | undefined {
  const remaining = integer(fieldOf("remaining"));
  const [limitText = "", ...policies] = splitOutsideQuotes(fieldOf("limit") ?? "", ",");
  const [limit = ""] = splitOutsideQuotes(limitText, ";");
  if (remaining === undefined && integer(limit) === undefined) return undefined;
  const after = fieldOf("reset-after");
  const reset = after ?? fieldOf("reset");
  return {
    limit: integer(limit),
    remaining,
    resetMs: reset === null ? undefined : parseReset(reset, nowMs),
    windowMs: windowOf(policies.length > 0 ? policies.join(",") : policy),
  };
}

/** The window of the first policy that has one: `100;w=60` (up to draft -07). */
function windowOf(policy: string | null): number | undefined {
  if (policy === null) return undefined;
  for (const item of splitOutsideQuotes(policy, ",")) {
    const window = seconds(readParameters(splitOutsideQuotes(item, ";").slice(1)).get("w"));
    if (window !== undefined) return window;
  }
  return undefined;
}

/** Whole requests: some servers count in fractions. */
function integer(text: string | null | undefined): number | undefined {
  const trimmed = trimOws(text ?? "");
  return NUMBER.test(trimmed) ? Math.floor(Number(trimmed)) : undefined;
}

function seconds(text: string | undefined): number | undefined {
  const value = parseDigits(text ?? "");
  return value === undefined ? undefined : value * MS;
}
