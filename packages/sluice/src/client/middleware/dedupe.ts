/**
 * Identical safe requests that run at the same time become one exchange: the first is sent, the others wait with it, and each gets a
 * response of its own. Identical means all that may change the answer: method, URL, every header field, the credentials and
 * cookies in force, and how redirects and codings are dealt with. A response with `Vary: *` is its own request's only.
 *
 * Who joins, who leaves and what they get is in `deduping/`.
 */
import { isSafe } from "../../http/methods.js";
import { refuseUnknown, requireFunction, requireNumber } from "../../options.js";
import type { ClientMiddleware } from "../middleware.js";
import type { ClientRequest } from "../request.js";
import { Flight } from "./deduping/flight.js";

/** Which requests are the same, and how far their readers may be apart. */
export interface DedupeOptions {
  /** Methods whose requests are shared. Only safe ones without a body ever are. @default GET and HEAD */
  readonly methods?: readonly string[];
  /** Header fields that may differ, such as `traceparent`: the first request's are sent. @default none */
  readonly ignoreHeaders?: readonly string[];
  /** Says more about which requests are the same: those with the same text, or not at all for undefined. @default nothing more */
  readonly key?: (request: ClientRequest) => string | undefined;
  /**
   * How many bytes of the body the slowest reader may be behind the others; one who is further behind while another waits gets
   * `PayloadError` `dedupe/left-behind`. From 65,536. @default 1_048_576
   */
  readonly maxBuffer?: number;
}

const KNOWN: ReadonlySet<string> = new Set<keyof DedupeOptions>(["methods", "ignoreHeaders", "key", "maxBuffer"]);
const DEFAULT_MAX_BUFFER = 1024 * 1024;
const LEAST_MAX_BUFFER = 64 * 1024;

/** A request-stage middleware, best the outermost. Throws `UsageError` for an option that is unknown or out of range. */
export function dedupe(options: DedupeOptions = {}): ClientMiddleware {
  refuseUnknown("dedupe", options, KNOWN);
  const { methods = ["GET", "HEAD"], ignoreHeaders = [], key, maxBuffer = DEFAULT_MAX_BUFFER } = options;
  if (key !== undefined) requireFunction("dedupe.key", key);
  requireNumber("dedupe.maxBuffer", maxBuffer, LEAST_MAX_BUFFER, Number.POSITIVE_INFINITY);
  const shared = new Set(methods.map((name) => name.toUpperCase()));
  const ignored = new Set(ignoreHeaders.map((name) => name.toLowerCase()));
  const flights = new Map<string, Flight>();
  const identities = new Identities();

  return (request, next) => {
    if (request.upgrades) return next(request);
    if (!shared.has(request.method) || !isSafe(request.method) || request.payload !== undefined) return next(request);
    const own = key === undefined ? "" : key(request);
    if (own === undefined) return next(request);
    const name = JSON.stringify([own, ...sameness(request, ignored, identities)]);
    let flight = flights.get(name);
    if (flight === undefined) {
      const started = new Flight(request, next, maxBuffer, () => {
        if (flights.get(name) === started) flights.delete(name);
      });
      flights.set(name, started);
      flight = started;
    }
    return flight.join(request, next);
  };
}

/** All that may make the answer, or what is made of it, another one. */
function sameness(request: ClientRequest, ignored: ReadonlySet<string>, identities: Identities): unknown[] {
  const { settings } = request;
  const { redirect, maxRedirects, allowInsecureRedirect, decompress, maxResponseSize, buffered } = settings;
  const fields: string[] = [];
  for (let at = 0; at < request.fields.length; at += 2) {
    const name = (request.fields[at] ?? "").toLowerCase();
    if (!ignored.has(name)) fields.push(`${name}:${request.fields[at + 1] ?? ""}`);
  }
  const users = [request.trust, identities.of(settings.auth), identities.of(settings.jar)];
  const rules = [redirect, maxRedirects, allowInsecureRedirect, decompress, String(maxResponseSize), buffered];
  return [request.method, request.target.href, users, rules, fields.sort()];
}

/** Numbers for objects, so that they can stand in a key. */
class Identities {
  readonly #known = new WeakMap<object, number>();
  #last = 0;

  of(object: object | undefined): number {
    if (object === undefined) return 0;
    let identity = this.#known.get(object);
    if (identity === undefined) {
      this.#last += 1;
      identity = this.#last;
      this.#known.set(object, identity);
    }
    return identity;
  }
}
