/**
 * Everything a session decided when it was made, resolved and checked: what each request reads, and what `extend` derives from.
 */

import { UsageError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import { assertFields } from "../http1/write-head.js";
import { refuseUnknown, requireFunction, requireNumber } from "../options.js";
import { Connector } from "./connector.js";
import { CookieJar } from "./cookie-jar.js";
import { AuthCache, authMiddleware } from "./middleware/auth/auth-option.js";
import { retryWithin } from "./middleware/retry.js";
import type { RetryBudget } from "./middleware/retrying/retry-budget.js";
import { hasOwnBudget, newBudget, type RetryOptions } from "./middleware/retrying/retry-options.js";
import { throttle } from "./middleware/throttle.js";
import { traceContext } from "./middleware/trace-context.js";
import { type ClientMiddleware, hopMiddlewareName } from "./middleware.js";
import {
  fieldLinesOf,
  mergeTimeouts,
  omittedHeaders,
  paramPairs,
  refuseWrongKinds,
  requireRedirectPolicy,
} from "./option-values.js";
import { type RequestOptions, type ResolvedTimeouts, type SessionOptions, TIMEOUT_DEFAULTS } from "./options.js";
import { refuseManaged } from "./request-head.js";
import { parseAbsolute } from "./request-url.js";
import { type TraceListeners, traceListeners } from "./tracing.js";

/** Names of all session options: an unknown one is refused, never ignored. */
const KNOWN: ReadonlySet<string> = new Set<keyof SessionOptions>([
  "baseUrl",
  "allowAbsoluteUrls",
  "defaultsFor",
  "headers",
  "params",
  "auth",
  "timeout",
  "connector",
  "cookies",
  "retry",
  "throttle",
  "proxy",
  "middleware",
  "hopMiddleware",
  "trace",
  "traceparent",
  "raiseForStatus",
  "redirect",
  "maxRedirects",
  "allowInsecureRedirect",
  "decompress",
  "maxResponseSize",
  "expectContinue",
  "compress",
  "showQuery",
  "secretHeaders",
  "unreadTimeout",
  "signal",
  "parseJson",
  "stringifyJson",
  "omitHeaders",
]);

/** One session's options, resolved. */
export class SessionConfig {
  readonly options: SessionOptions;
  readonly baseUrl: URL | undefined;
  readonly fields: FieldLines;
  readonly params: readonly (readonly [string, string])[];
  readonly timeouts: ResolvedTimeouts;
  readonly connector: Connector;
  /** Whether closing the session closes the connector. */
  readonly ownsConnector: boolean;
  readonly jar: CookieJar | undefined;
  readonly #retry: readonly ClientMiddleware[];
  /** One for all requests, those with retry options of their own too. */
  readonly #retryBudget: RetryBudget | undefined;
  /** One for all requests: its buckets are what requests share. */
  readonly #throttle: readonly ClientMiddleware[];
  /** One for all requests: its tokens and nonces are what requests share. */
  readonly #auth: readonly ClientMiddleware[];
  readonly #authOfRequests: AuthCache;
  readonly trace: TraceListeners | undefined;
  readonly #traceContext: readonly ClientMiddleware[];
  readonly showQuery: ReadonlySet<string> | undefined;
  readonly secretFields: ReadonlySet<string> | undefined;
  readonly omitted: ReadonlySet<string> | undefined;
  readonly #defaultsFor: (origin: string) => boolean;

  /** Throws `UsageError` or `InvalidUrlError` for whatever cannot be. `shared`: the connector and jar of the session derived from. */
  constructor(options: SessionOptions, shared?: SessionConfig) {
    refuseUnknown("session", options, KNOWN);
    refuseWrongKinds(options);
    checkPlainOptions(options);
    this.options = options;
    this.baseUrl = options.baseUrl === undefined ? undefined : checkedBase(String(options.baseUrl));
    this.fields = options.headers === undefined ? [] : fieldLinesOf(options.headers);
    assertFields(this.fields);
    refuseManaged(this.fields);
    this.params = options.params === undefined ? [] : [...paramPairs(options.params)];
    this.timeouts = mergeTimeouts(TIMEOUT_DEFAULTS, options.timeout);
    this.trace = options.trace === undefined ? undefined : traceListeners(options.trace);
    this.#traceContext = options.traceparent === undefined ? [] : [traceContext(options.traceparent)];
    this.showQuery = options.showQuery === undefined ? undefined : new Set(options.showQuery);
    this.secretFields =
      options.secretHeaders === undefined
        ? undefined
        : new Set(options.secretHeaders.map((name) => name.toLowerCase()));
    this.omitted = omittedHeaders(options.omitHeaders);
    this.#defaultsFor = defaultsRule(options, this.baseUrl);
    const { connector } = options;
    this.ownsConnector = shared === undefined && !(connector instanceof Connector);
    this.connector =
      shared?.connector ?? (connector instanceof Connector ? connector : new Connector({ ...connector }));
    this.jar = shared?.jar ?? (options.cookies === false ? undefined : (options.cookies ?? this.#newJar()));
    this.#retryBudget = shared === undefined ? newBudget(options.retry) : shared.#budgetFor(options);
    this.#retry = options.retry === undefined ? [] : [this.#retryWith(options.retry, this.#retryBudget)];
    this.#throttle =
      shared?.sharedThrottle(options) ??
      (options.throttle === undefined ? [] : [throttle(this.#withChance(options.throttle))]);
    this.#auth =
      shared?.sharedAuth(options) ?? (options.auth === undefined ? [] : [authMiddleware(options.auth, "session")]);
    this.#authOfRequests = shared?.authOfRequests ?? new AuthCache();
  }

  /** Whether `origin` gets the session's headers, params and auth. */
  trusts(origin: string): boolean {
    return this.#defaultsFor(origin);
  }

  /** The throttle of a session derived from this one: the same, unless it has options of its own. */
  sharedThrottle(options: SessionOptions): readonly ClientMiddleware[] | undefined {
    return options.throttle === this.options.throttle ? this.#throttle : undefined;
  }

  /** The retry budget of a session derived from this one: the same, unless it has one of its own. */
  #budgetFor(options: SessionOptions): RetryBudget | undefined {
    const inherits = options.retry === this.options.retry || !hasOwnBudget(options.retry);
    return inherits ? this.#retryBudget : newBudget(options.retry);
  }

  #retryWith(options: number | RetryOptions, budget: RetryBudget | undefined): ClientMiddleware {
    return retryWithin(this.#withChance(typeof options === "number" ? { attempts: options } : options), budget);
  }

  /** Options that name no source of chance get the connector's, if it has one. */
  #withChance<Options extends { readonly random?: () => number }>(options: Options): Options {
    const { random } = this.connector;
    return random === undefined ? options : { random, ...options };
  }

  #newJar(): CookieJar {
    const { clock } = this.connector;
    return new CookieJar({ wallTime: () => clock.wallTime() });
  }

  #ownRetry(options: number | RetryOptions): ClientMiddleware {
    return this.#retryWith(options, hasOwnBudget(options) ? newBudget(options) : this.#retryBudget);
  }

  /** The authentication of a session derived from this one: the same, unless it has one of its own. */
  sharedAuth(options: SessionOptions): readonly ClientMiddleware[] | undefined {
    return options.auth === this.options.auth ? this.#auth : undefined;
  }

  get authOfRequests(): AuthCache {
    return this.#authOfRequests;
  }

  /** The middleware of both stages, with what one request changes of it in the fixed places. */
  stages(request: RequestOptions = {}): { requestStage: ClientMiddleware[]; hopStage: ClientMiddleware[] } {
    const { middleware = [], hopMiddleware = [] } = this.options;
    const retries =
      request.retry === undefined ? this.#retry : request.retry === false ? [] : [this.#ownRetry(request.retry)];
    const throttles = request.throttle === false ? [] : this.#throttle;
    const { auth } = request;
    const auths = auth === undefined ? this.#auth : auth === false ? [] : [this.#authOfRequests.of(auth)];
    checkMiddleware(request);
    return {
      requestStage: [...middleware, ...(request.middleware ?? []), ...retries],
      hopStage: [...hopMiddleware, ...(request.hopMiddleware ?? []), ...throttles, ...auths, ...this.#traceContext],
    };
  }

  /** Whether a request with these options needs a pipeline of its own. */
  changesStages(request: RequestOptions): boolean {
    const { retry, throttle, auth, middleware, hopMiddleware } = request;
    if (middleware !== undefined || hopMiddleware !== undefined) return true;
    return retry !== undefined || throttle === false || auth !== undefined;
  }
}

function checkMiddleware(options: Pick<SessionOptions, "middleware" | "hopMiddleware">): void {
  for (const each of [...(options.middleware ?? []), ...(options.hopMiddleware ?? [])] as readonly unknown[]) {
    if (typeof each === "function") continue;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use middleware: expected a function, received ${typeof each}`,
    );
  }
  for (const each of options.middleware ?? []) {
    const name = hopMiddlewareName(each);
    if (name === undefined) continue;
    throw new UsageError("options/middleware-stage", `Cannot use ${name} in middleware: it belongs in hopMiddleware`);
  }
}

function checkPlainOptions(options: SessionOptions): void {
  checkMiddleware(options);
  for (const name of ["parseJson", "stringifyJson"] as const) {
    if (options[name] !== undefined) requireFunction(name, options[name]);
  }
  const { redirect, maxRedirects, maxResponseSize, unreadTimeout } = options;
  if (redirect !== undefined) requireRedirectPolicy(redirect);
  if (options.allowAbsoluteUrls === false && options.baseUrl === undefined) {
    throw new UsageError(
      "options/base-url",
      "Cannot use allowAbsoluteUrls: false without a baseUrl to hold requests to",
    );
  }
  if (maxRedirects !== undefined) requireNumber("maxRedirects", maxRedirects, 0, Number.POSITIVE_INFINITY);
  if (maxResponseSize !== undefined) requireNumber("maxResponseSize", maxResponseSize, 0, Number.POSITIVE_INFINITY);
  if (unreadTimeout !== undefined)
    requireNumber("unreadTimeout", unreadTimeout, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
}

/** A base without its trailing slash would lose its last segment when joined (RFC 3986 §5.2.3). */
function checkedBase(base: string): URL {
  const url = parseAbsolute(base);
  if (!url.pathname.endsWith("/")) {
    throw new UsageError(
      "options/base-url",
      `Cannot use baseUrl ${url.origin}${url.pathname}: its path must end with a slash`,
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UsageError("options/base-url", "Cannot use baseUrl: its scheme must be http or https");
  }
  return url;
}

/** Which origins get the session's secrets: every one that is asked for, or only the base's and those named. */
function defaultsRule(options: SessionOptions, baseUrl: URL | undefined): (origin: string) => boolean {
  const { defaultsFor } = options;
  if (baseUrl === undefined && defaultsFor === undefined) return () => true;
  if (typeof defaultsFor === "function") return (origin) => origin === baseUrl?.origin || defaultsFor(origin);
  const origins = new Set(defaultsFor?.map((origin) => parseAbsolute(origin).origin));
  if (baseUrl !== undefined) origins.add(baseUrl.origin);
  return (origin) => origins.has(origin);
}
