/**
 * Cross-origin requests (the CORS protocol of the Fetch standard, §3.3): says to browsers which other sites may read answers, and
 * with what requests. It keeps nobody out who is no browser.
 *
 * Strategy: who may is decided before the handler runs, and said by a `beforeReply` listener, so that 404s and errors are readable
 * across origins, too. Where the answer depends on `Origin` it says so in `Vary` always, to requests without `Origin` as well: a
 * shared cache must not give one site's answer to another. Only real preflights are answered here; other OPTIONS requests go on.
 */

import { isToken } from "../../bytes/char-tables.js";
import { UsageError } from "../../errors.js";
import { normaliseMethod } from "../../http/methods.js";
import { addVary } from "../../http/vary.js";
import { refuseUnknown, requireNumber, requireObject } from "../../options.js";
import type { Middleware, Next } from "../middleware-chain.js";
import { type ListedOrigin, originMatcher } from "../origin-list.js";
import type { Reply } from "../reply.js";
import { reply } from "../reply-kinds.js";
import type { ServerRequest } from "../request/server-request.js";
import type { HandlerResult } from "../to-reply.js";

/** One origin as browsers write it (`https://example.com`), or a pattern that has to match all of one. */
export type CorsOrigin = ListedOrigin;

/** Whether an origin may read the answer to this request. */
export type CorsDecision = (origin: string, request: ServerRequest) => boolean | Promise<boolean>;

/** What {@link cors} allows. */
export interface CorsOptions {
  /**
   * Who may: "*" for everybody, origins, patterns, or a function. A pattern has to match the whole origin, so that
   * `/https:\/\/[a-z]+\.example\.com/` is not met by `https://a.example.com.attacker.test`. `UsageError` `options/unknown-value` for text
   * that no browser sends as an origin, such as one with a path or a slash at its end.
   *
   * @default "*"
   */
  readonly origin?: CorsOrigin | readonly CorsOrigin[] | CorsDecision;
  /** Methods that may be used. @default GET, HEAD, PUT, PATCH, POST, DELETE, QUERY */
  readonly methods?: readonly string[];
  /** Request fields that may be sent. @default those that the preflight asks for */
  readonly headers?: readonly string[];
  /** Answer fields that scripts may read beyond the few that they always may. @default none */
  readonly exposeHeaders?: readonly string[];
  /**
   * Whether requests with cookies and other credentials may be read. Not together with the origin "*": every site could act as the user.
   * `UsageError` `options/unknown-value`.
   *
   * @default false
   */
  readonly credentials?: boolean;
  /** How long browsers may remember a preflight's answer, in seconds. @default absent: 5 s, by the standard */
  readonly maxAgeSeconds?: number;
  /** Whether public sites may ask for what lies on a private network, where a browser's preflight says that they do. @default false */
  readonly privateNetwork?: boolean;
}

/** The same, checked and written out. */
interface CorsPolicy {
  /** Undefined: everybody may. */
  readonly allows: CorsDecision | undefined;
  readonly methods: string;
  readonly headers: string | undefined;
  readonly exposed: string;
  readonly credentials: boolean;
  readonly maxAge: string | undefined;
  readonly privateNetwork: boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof CorsOptions>([
  "origin",
  "methods",
  "headers",
  "exposeHeaders",
  "credentials",
  "maxAgeSeconds",
  "privateNetwork",
]);
const DEFAULT_METHODS: readonly string[] = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "QUERY"];
/** What a preflight may ask for: names, and commas between them. */
const FIELD_NAME_LIST = /^[\w!#$%&'*+.^`|~\-, \t]*$/;

/**
 * Allows other origins to read answers. For the whole application (`app.use`): a preflight is an OPTIONS request, which the middleware
 * of a GET or POST route never sees. Throws `UsageError` `options/…` for an option out of its range, of the wrong kind, or unknown.
 */
export function cors(options: CorsOptions = {}): Middleware {
  const policy = resolvePolicy(options);
  return function cors(request, next) {
    const origin = request.headers.get("origin");
    if (origin === null) {
      if (policy.allows !== undefined) request.beforeReply(varyByOrigin);
      return next();
    }
    const allowed = policy.allows === undefined || policy.allows(origin, request);
    if (typeof allowed === "boolean") return proceed(policy, request, next, allowed ? origin : undefined);
    return allowed.then((decided) => proceed(policy, request, next, decided ? origin : undefined));
  };
}

/** `origin`: the one that may read, undefined for none. */
function proceed(
  policy: CorsPolicy,
  request: ServerRequest,
  next: Next,
  origin: string | undefined,
): HandlerResult | Promise<HandlerResult> {
  request.beforeReply((made) => admit(policy, made, origin));
  return isPreflight(request) ? preflight(policy, request, origin) : next();
}

/** §3.3.2: asks in the name of another request. */
function isPreflight({ method, headers }: ServerRequest): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

/** What every answer says: a preflight's as well. */
function admit(policy: CorsPolicy, { headers }: Reply, origin: string | undefined): void {
  if (policy.allows !== undefined) varyByOrigin({ headers });
  if (origin === undefined) return;
  headers.set("Access-Control-Allow-Origin", policy.allows === undefined ? "*" : origin);
  if (policy.credentials) headers.set("Access-Control-Allow-Credentials", "true");
  if (policy.exposed !== "") headers.set("Access-Control-Expose-Headers", policy.exposed);
}

function preflight(policy: CorsPolicy, request: ServerRequest, origin: string | undefined): Reply {
  const answer = reply.empty();
  const { headers } = answer;
  if (policy.headers === undefined) addVary(headers, "Access-Control-Request-Headers");
  if (policy.privateNetwork) addVary(headers, "Access-Control-Request-Private-Network");
  if (origin === undefined) return answer;
  headers.set("Access-Control-Allow-Methods", policy.methods);
  const names = policy.headers ?? request.headers.get("access-control-request-headers") ?? "";
  if (names !== "" && FIELD_NAME_LIST.test(names)) headers.set("Access-Control-Allow-Headers", names);
  if (policy.maxAge !== undefined) headers.set("Access-Control-Max-Age", policy.maxAge);
  if (policy.privateNetwork && request.headers.get("access-control-request-private-network") === "true") {
    headers.set("Access-Control-Allow-Private-Network", "true");
  }
  return answer;
}

function varyByOrigin({ headers }: Pick<Reply, "headers">): void {
  addVary(headers, "Origin");
}

function resolvePolicy(options: CorsOptions): CorsPolicy {
  requireObject("cors options", options);
  refuseUnknown("cors", options, OPTION_NAMES);
  const { origin = "*", methods = DEFAULT_METHODS, headers, exposeHeaders = [], maxAgeSeconds } = options;
  const { credentials = false, privateNetwork = false } = options;
  if (maxAgeSeconds !== undefined) requireNumber("maxAgeSeconds", maxAgeSeconds, 0, Number.MAX_SAFE_INTEGER);
  if (credentials && origin === "*") {
    throw unusable("credentials", 'together with the origin "*" every site could act as your users: name the origins');
  }
  return {
    allows: origin === "*" ? undefined : decisionOf(origin),
    methods: methodList(methods),
    headers: headers === undefined ? undefined : tokens("headers", headers),
    exposed: tokens("exposeHeaders", exposeHeaders),
    credentials,
    maxAge: maxAgeSeconds === undefined ? undefined : String(Math.floor(maxAgeSeconds)),
    privateNetwork,
  };
}

function decisionOf(origin: CorsOrigin | readonly CorsOrigin[] | CorsDecision): CorsDecision {
  if (typeof origin === "function") return origin;
  const listed = typeof origin === "string" || origin instanceof RegExp ? [origin] : origin;
  return originMatcher(listed, (why) => unusable("origin", why));
}

/** Browsers compare methods by case (Fetch §4.8), and send the common ones in capitals. */
function methodList(methods: readonly string[]): string {
  const list = tokens("methods", methods);
  const lower = methods.find((method) => normaliseMethod(method) !== method);
  if (lower === undefined) return list;
  throw unusable("methods", `case counts, and browsers send "${normaliseMethod(lower)}", not "${lower}"`);
}

function tokens(name: string, values: readonly string[]): string {
  for (const value of values) {
    if (typeof value !== "string" || !isToken(value)) throw unusable(name, `${JSON.stringify(value)} is not a token`);
  }
  return values.join(", ");
}

function unusable(name: string, why: string): UsageError {
  return new UsageError("options/unknown-value", `Cannot use cors option ${name}: ${why}`);
}
