/**
 * May a response be stored, and may a stored one be used (RFC 9111 §3, §4.2; RFC 5861)? Answered by `http-cache-semantics`, loaded
 * with the first request that asks, from the view of a private cache.
 *
 * What it is given is put into the one form that it reads: directives in lower case and without quotes, contradictions resolved,
 * dates checked, `Age` as §4.2.3 corrects it. Three things are decided here, because it has them otherwise: `must-revalidate` binds
 * once a response is stale and not before (§5.2.2.2), `no-cache` in a response outweighs every leave to use it stale (§5.2.2.4), and
 * `must-understand` lifts `no-store` (§5.2.2.3).
 */
import type CachePolicy from "http-cache-semantics";
import { formatHttpDate, parseHttpDate } from "../../../../http/dates.js";
import type { FieldLines } from "../../../../http1/sinks.js";
import { findField } from "../../../field-lines.js";
import { joined } from "../selecting.js";
import type { CacheEntry } from "../store/cache-store.js";
import { type Directives, parseDirectives, secondsOf } from "./directives.js";

/** What may be done with a stored response: `"refresh"` is used now and validated in the background (RFC 5861 §3). */
export type Verdict = "fresh" | "stale" | "refresh" | "validate";

/** What a cache decides by. */
interface Judged {
  readonly policy: CachePolicy;
  readonly directives: Directives;
}

/** What of a response decides whether it may be stored. */
export type Storable = Pick<CacheEntry, "status" | "fields" | "requestedAt" | "receivedAt">;

type PolicyClass = typeof CachePolicy;

/** Statuses whose meaning for caches is known here, for `must-understand` (RFC 9111 §5.2.2.3; RFC 9110 §15). */
const UNDERSTOOD: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);
/** Arguments that are numbers of seconds. */
const TIMES = ["max-age", "stale-while-revalidate", "stale-if-error"] as const;
const FLAGS = ["no-cache", "no-store", "private", "public"] as const;
const EXPIRED = formatHttpDate(0);
/** Every entry is its URL's and its variant's by then: the library has nothing to compare. */
const SAME = { url: "/", method: "GET" } as const;

/** The rules of a private cache. */
export class CacheRules {
  readonly #Policy: PolicyClass;
  readonly #heuristic: number;
  readonly #moment: { now: number };
  readonly #judged = new WeakMap<Storable, Judged>();

  /** `heuristic`: the part of the time since `Last-Modified` for which a response without a lifetime counts as fresh (§4.2.2). */
  static async load(heuristic: number): Promise<CacheRules> {
    const { default: Policy } = await import("http-cache-semantics");
    return new CacheRules(Policy, heuristic);
  }

  private constructor(Policy: PolicyClass, heuristic: number) {
    const moment = { now: 0 };
    this.#moment = moment;
    this.#heuristic = heuristic;
    this.#Policy = class extends Policy {
      now(): number {
        return moment.now;
      }
    };
  }

  /** Whether the answer to a GET may be stored at all (§3). */
  mayStore(response: Storable): boolean {
    return this.#judge(response).policy.storable();
  }

  /** Whether it could ever be used again: at its time, after it, or by asking whether it still holds. */
  isOfUse(response: Storable): boolean {
    const { policy, directives } = this.#judge(response);
    const { fields } = response;
    if (findField(fields, "etag") !== undefined || findField(fields, "last-modified") !== undefined) return true;
    return TIMES.some((name) => (secondsOf(directives, name) ?? 0) > 0) || policy.maxAge() > 0;
  }

  /** What may be done with it for a request with these `Cache-Control` directives, now (§4, §5.2.1). */
  verdict(entry: CacheEntry, asked: Directives, wallTime: number): Verdict {
    const { policy, directives } = this.#judge(entry);
    if (directives.has("no-cache")) return "validate";
    this.#moment.now = wallTime;
    const { response, revalidation } = policy.evaluateRequest({
      ...SAME,
      headers: { "cache-control": requestText(asked) },
    });
    if (response === undefined) return "validate";
    if (policy.age() < policy.maxAge()) return "fresh";
    if (directives.has("must-revalidate")) return "validate";
    return revalidation === undefined ? "stale" : "refresh";
  }

  /**
   * Whether it may stand in for an error (RFC 5861 §4): it is fresh, or stale by no more than the response, the request or
   * `ownMs` allow.
   */
  mayStandIn(entry: CacheEntry, asked: Directives, wallTime: number, ownMs: number): boolean {
    const { policy, directives } = this.#judge(entry);
    if (directives.has("no-cache") || directives.has("must-revalidate")) return false;
    this.#moment.now = wallTime;
    const allowed = [secondsOf(directives, "stale-if-error") ?? 0, secondsOf(asked, "stale-if-error") ?? 0];
    const mostStale = Math.max(ownMs / 1_000, ...allowed);
    return mostStale > 0 && !asked.has("no-cache") && policy.age() - policy.maxAge() <= mostStale;
  }

  /** Its age in seconds, for `Age` (§4.2.3, §5.1). */
  age(entry: CacheEntry, wallTime: number): number {
    const { policy } = this.#judge(entry);
    this.#moment.now = wallTime;
    return Math.max(0, Math.floor(policy.age()));
  }

  #judge(response: Storable): Judged {
    let judged = this.#judged.get(response);
    if (judged === undefined) {
      const directives = parseDirectives(joined(response.fields, "cache-control"));
      this.#moment.now = response.receivedAt;
      const options = { shared: false, cacheHeuristic: this.#heuristic, immutableMinTimeToLive: 0 };
      const policy = new this.#Policy({ ...SAME, headers: {} }, policyView(response, directives), options);
      judged = { policy, directives };
      this.#judged.set(response, judged);
    }
    return judged;
  }
}

/** The response as the library is to see it. */
function policyView(response: Storable, directives: Directives): CachePolicy.HttpResponse {
  const { status, fields, receivedAt } = response;
  const headers: CachePolicy.Headers = { age: String(correctedAge(response)) };
  const text = responseText(directives, status);
  if (text !== "") headers["cache-control"] = text;
  const date = parseHttpDate(findField(fields, "date") ?? "", receivedAt);
  if (date !== undefined) headers["date"] = formatHttpDate(date);
  const expires = joined(fields, "expires");
  // §5.3: what is no date, "0" above all, lies in the past.
  if (expires !== undefined) headers["expires"] = readDate(expires, receivedAt) ?? EXPIRED;
  const modified = readDate(findField(fields, "last-modified") ?? "", receivedAt);
  if (modified !== undefined) headers["last-modified"] = modified;
  return { status, headers };
}

function readDate(text: string, now: number): string | undefined {
  const time = parseHttpDate(text, now);
  return time === undefined ? undefined : formatHttpDate(time);
}

/** Seconds: corrected_initial_age of §4.2.3. */
function correctedAge({ fields, requestedAt, receivedAt }: Storable): number {
  const date = parseHttpDate(findField(fields, "date") ?? "", receivedAt);
  const apparent = date === undefined ? 0 : Math.max(0, receivedAt - date);
  // §5.1: of several the first counts, and one that is no number counts as none.
  const [age = ""] = (joined(fields, "age") ?? "").split(",");
  const received = /^\d+$/.test(age.trim()) ? Number(age) : 0;
  return Math.floor(Math.max(apparent / 1_000, received + Math.max(0, receivedAt - requestedAt) / 1_000));
}

function responseText(directives: Directives, status: number): string {
  const parts: string[] = FLAGS.filter((name) => directives.has(name) && !isLifted(name, directives, status));
  // A status that is not understood is not stored, whatever else is said.
  if (directives.has("must-understand") && !UNDERSTOOD.has(status)) parts.push("no-store");
  for (const name of TIMES) {
    const seconds = secondsOf(directives, name);
    if (seconds !== undefined) parts.push(`${name}=${seconds}`);
  }
  return parts.join(", ");
}

function isLifted(name: string, directives: Directives, status: number): boolean {
  return name === "no-store" && directives.has("must-understand") && UNDERSTOOD.has(status);
}

function requestText(asked: Directives): string {
  const parts: string[] = [];
  if (asked.has("no-cache")) parts.push("no-cache");
  const maxAge = secondsOf(asked, "max-age");
  if (maxAge !== undefined) parts.push(`max-age=${maxAge}`);
  const minFresh = secondsOf(asked, "min-fresh", Number.MAX_SAFE_INTEGER);
  if (minFresh !== undefined) parts.push(`min-fresh=${minFresh}`);
  const [maxStale] = asked.get("max-stale") ?? [];
  // Without a number any age will do (§5.2.1.2). The library wants more than the age where the RFC wants at least it.
  if (maxStale === "") parts.push("max-stale");
  else if (maxStale !== undefined) parts.push(`max-stale=${(secondsOf(asked, "max-stale") ?? 0) + 0.001}`);
  return parts.join(", ");
}

/** What a request asks of caches: its `Cache-Control`, or the older `Pragma: no-cache` where there is none (§5.4). */
export function askedOf(fields: FieldLines): Directives {
  const text = joined(fields, "cache-control");
  if (text !== undefined) return parseDirectives(text);
  const pragma = parseDirectives(joined(fields, "pragma"));
  return pragma.has("no-cache") ? new Map([["no-cache", [""]]]) : new Map();
}
