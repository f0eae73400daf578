/**
 * From what a caller asks of a session to the request that its pipeline sends: URL, fields, body and settings, each the caller's
 * over the session's, and each checked. What is the same for every plain request of a session is made once.
 */

import { InvalidUrlError, UsageError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import { assertFields } from "../http1/write-head.js";
import { refuseUnknown, requireNumber } from "../options.js";
import type { UpgradeMaker } from "../wire/link-exchange.js";
import type { FetchAsk } from "./fetch/fetch-ask.js";
import { fieldsWithout, hasField } from "./field-lines.js";
import { type ForwardAsk, forwardSettings } from "./forward-ask.js";
import { basicCredentials } from "./middleware/auth/basic.js";
import { fieldLinesOf, mergeTimeouts, omittedHeaders, paramPairs, requireRedirectPolicy } from "./option-values.js";
import type { RequestOptions, ThrottleChoice } from "./options.js";
import { ClientRequest, type RequestSettings } from "./request.js";
import { withOwnCookies } from "./request-cookies.js";
import { checkedMethod } from "./request-method.js";
import { readNames } from "./request-option-names.js";
import { continueWait, RequestPayloads } from "./request-payload.js";
import { RequestScope, type ScopeOwner } from "./request-scope.js";
import { parseAbsolute, RequestUrl, UrlCache } from "./request-url.js";
import type { ClientSession } from "./session.js";
import type { SessionConfig } from "./session-config.js";
import { anyoneListens, Tracer } from "./tracing.js";

const KNOWN_THROTTLE_CHOICE: ReadonlySet<string> = new Set<keyof ThrottleChoice>(["priority", "key"]);
const NO_OPTIONS: RequestOptions = Object.freeze({});
const NO_FIELDS: FieldLines = Object.freeze([]);
const NO_LISTENERS = Object.freeze({});
const DEFAULT_UNREAD_TIMEOUT = 30_000;
const DEFAULT_MAX_REDIRECTS = 10;
/** What a handshake may take in all where nobody says, in milliseconds: nothing of it is a download. */
const HANDSHAKE_TOTAL_TIMEOUT = 60_000;
/** Fetch §4.4, "HTTP-redirect fetch", step 7. */
const FETCH_MAX_REDIRECTS = 20;

/** A request as the caller asked for it. */
export interface Ask {
  readonly method: string;
  readonly url: string | URL;
  readonly options: RequestOptions | undefined;
  /** Signals beside the request's own: the session's, and those of `with`. */
  readonly signals: readonly AbortSignal[];
  /** Who was asked: for what asks again in the same way. */
  readonly session?: ClientSession | undefined;
  /** A request by the Fetch standard has its own rules for everything that `options` would say. */
  readonly fetch?: FetchAsk | undefined;
  /** So has one that is passed on for somebody else. */
  readonly forward?: ForwardAsk | undefined;
  /** A handshake asks for another protocol, anew with each send. */
  readonly upgrade?: UpgradeMaker | undefined;
}

/** Makes the requests of one session. */
export class RequestMaker {
  readonly #config: SessionConfig;
  readonly #owner: ScopeOwner;
  readonly #urls = new UrlCache();
  readonly #payloads: RequestPayloads;
  readonly #settings: RequestSettings;
  readonly #bufferedSettings: RequestSettings;

  constructor(config: SessionConfig, owner: ScopeOwner) {
    this.#config = config;
    this.#owner = owner;
    this.#payloads = new RequestPayloads(config.options);
    this.#settings = this.#settingsFor(NO_OPTIONS, false);
    this.#bufferedSettings = { ...this.#settings, buffered: true };
  }

  /** What these options need and is not loaded yet, to be waited for before {@link make}; undefined for nothing. */
  load(options: RequestOptions | undefined): Promise<void> | undefined {
    return options !== undefined && this.#payloads.lacks(options) ? this.#payloads.load() : undefined;
  }

  /** `buffered`: it is consumed by one of the content shortcuts. Throws `UsageError` for what cannot be asked. */
  make(ask: Ask, buffered: boolean): ClientRequest {
    if (ask.fetch !== undefined) return this.#makeFetch(ask, ask.fetch);
    if (ask.forward !== undefined) return this.#makeForwarded(ask, ask.forward);
    if (ask.upgrade !== undefined) return this.#makeUpgrading(ask, ask.upgrade);
    const config = this.#config;
    const { options = NO_OPTIONS } = ask;
    const plain = options === NO_OPTIONS;
    const changesSettings = !plain && readNames(options);
    const target = this.#targetOf(ask.url, options);
    const trusted = config.trusts(target.origin);
    const settings = changesSettings
      ? this.#settingsFor(options, buffered)
      : buffered
        ? this.#bufferedSettings
        : this.#settings;
    const signals = options.signal === undefined ? ask.signals : [...ask.signals, options.signal];
    const method = checkedMethod(ask.method);
    const scope = this.#scopeOf(method, target, signals);
    let fields = this.#fieldsOf(target, options, trusted);
    // Last: from here on a stream is ours to release.
    const payload = plain ? undefined : this.#payloads.make(options);
    if (payload?.contentEncoding !== undefined) fields = withCoding(fields, payload.contentEncoding);
    if (payload?.ownsType === true) fields = withoutType(fields, options);
    return new ClientRequest(method, target, fields, payload, settings, scope, trusted ? "session" : "caller");
  }

  /** What `fetch` asks for is checked already. */
  #makeFetch({ method, url, signals }: Ask, asked: FetchAsk): ClientRequest {
    const target = this.#targetOf(url, NO_OPTIONS);
    const trusted = this.#config.trusts(target.origin);
    const { redirect, redirects, credentials } = asked;
    const maxRedirects = Math.min(this.#config.options.maxRedirects ?? FETCH_MAX_REDIRECTS, FETCH_MAX_REDIRECTS);
    const settings = { ...this.#settings, redirect, redirects, maxRedirects, passUnknownCodings: true };
    if (!credentials) Object.assign(settings, { auth: undefined, jar: undefined });
    const scope = this.#scopeOf(method, target, signals);
    const fields = this.#laidOverDefaults(asked.fields, trusted);
    const trust = !credentials ? "none" : trusted ? "session" : "caller";
    return new ClientRequest(method, target, fields, asked.payload, settings, scope, trust);
  }

  /** What a proxy sends for its client is checked already. */
  #makeForwarded({ method, signals }: Ask, forward: ForwardAsk): ClientRequest {
    const { target, payload } = forward;
    const trusted = this.#config.trusts(target.origin);
    const laid = this.#laidOverDefaults(forward.fields, trusted);
    // What a handshake offers is its author's to say: an answer to anything else would be wrong.
    const offers = (name: string) => name.startsWith("sec-websocket-") && !hasField(forward.fields, name);
    const fields = forward.upgrade === undefined ? laid : fieldsWithout(laid, offers);
    const scope = this.#scopeOf(method, target, signals);
    const settings = forwardSettings(this.#settings, forward);
    return new ClientRequest(method, target, fields, payload, settings, scope, trusted ? "session" : "caller");
  }

  /** A request as any other, that 101 may answer. */
  #makeUpgrading(ask: Ask, upgrade: UpgradeMaker): ClientRequest {
    const request = this.make({ ...ask, upgrade: undefined }, false);
    const { timeouts } = request.settings;
    const limited = { ...timeouts, total: timeouts.total ?? HANDSHAKE_TOTAL_TIMEOUT };
    return request.with({ settings: { ...request.settings, timeouts: limited, upgrade } });
  }

  #laidOverDefaults(own: FieldLines, trusted: boolean): FieldLines {
    const defaults = trusted ? this.#config.fields : NO_FIELDS;
    if (own.length === 0 || defaults.length === 0) return own.length === 0 ? defaults : own;
    return [...fieldsWithout(defaults, (name) => hasField(own, name)), ...own];
  }

  #scopeOf(method: string, target: RequestUrl, signals: readonly AbortSignal[]): RequestScope {
    const { connector, showQuery, trace } = this.#config;
    const scope = new RequestScope(connector.clock, this.#owner, signals, { method, target, showQuery });
    if (trace !== undefined || anyoneListens()) {
      scope.tracer = new Tracer({
        listeners: trace ?? NO_LISTENERS,
        clock: scope.clock,
        method,
        url: target.show(showQuery),
      });
    }
    return scope;
  }

  #targetOf(input: string | URL, options: RequestOptions): RequestUrl {
    const { baseUrl, params, options: session } = this.#config;
    const given = typeof input === "string" ? input : (input as URL | undefined)?.href;
    if (given === undefined) {
      throw new InvalidUrlError("url/invalid", `Cannot request ${typeof input}: a URL or its text is needed`);
    }
    const plain = options.params === undefined && params.length === 0;
    if (plain && baseUrl === undefined) return this.#urls.parse(given);
    const url = parseAbsolute(given, baseUrl);
    if (session.allowAbsoluteUrls === false && url.origin !== baseUrl?.origin) {
      throw new UsageError(
        "url/absolute",
        `Cannot request ${url.origin}: this session is held to ${baseUrl?.origin} (allowAbsoluteUrls)`,
      );
    }
    const own = options.params === undefined ? [] : [...paramPairs(options.params)];
    const defaults = this.#config.trusts(url.origin) ? params : [];
    const missing = defaults.filter(([name]) => {
      return !url.searchParams.has(name) && !own.some(([ownName]) => ownName === name);
    });
    // The URL's own query stays as the caller wrote it: `searchParams.append` would write all of it anew.
    const added = new URLSearchParams([...missing, ...own] as [string, string][]).toString();
    if (added !== "") url.search = url.search === "" ? added : `${url.search}&${added}`;
    return new RequestUrl(url);
  }

  #fieldsOf(target: RequestUrl, options: RequestOptions, trusted: boolean): FieldLines {
    const defaults = trusted ? this.#config.fields : NO_FIELDS;
    let fields = defaults;
    if (options.headers !== undefined) {
      const own = fieldLinesOf(options.headers);
      assertFields(own);
      fields = [...fieldsWithout(defaults, (name) => hasField(own, name)), ...own];
    }
    if (options.cookies !== undefined) fields = withOwnCookies(fields, options.cookies);
    const { userInfo } = target;
    if (userInfo === undefined || hasField(fields, "authorization")) return fields;
    return [...fields, "authorization", basicCredentials(userInfo.username, userInfo.password)];
  }

  #settingsFor(options: RequestOptions, buffered: boolean): RequestSettings {
    const { options: session, timeouts, showQuery, secretFields, connector } = this.#config;
    const { redirect = session.redirect ?? "follow", maxRedirects = session.maxRedirects ?? DEFAULT_MAX_REDIRECTS } =
      options;
    const { maxResponseSize = session.maxResponseSize ?? Number.POSITIVE_INFINITY } = options;
    requireRedirectPolicy(redirect);
    requireNumber("maxRedirects", maxRedirects, 0, Number.POSITIVE_INFINITY);
    requireNumber("maxResponseSize", maxResponseSize, 0, Number.POSITIVE_INFINITY);
    return {
      timeouts: mergeTimeouts(timeouts, options.timeout),
      decompress: options.decompress ?? session.decompress ?? true,
      maxResponseSize,
      redirect,
      maxRedirects,
      redirects: undefined,
      passUnknownCodings: false,
      allowInsecureRedirect: options.allowInsecureRedirect ?? session.allowInsecureRedirect ?? false,
      unreadTimeout: session.unreadTimeout ?? DEFAULT_UNREAD_TIMEOUT,
      showQuery,
      secretFields,
      omitted: options.omitHeaders === undefined ? this.#config.omitted : omittedHeaders(options.omitHeaders),
      parseJson: session.parseJson,
      context: options.context,
      router: connector.routerFor(options.proxy ?? session.proxy, options.servername),
      buffered,
      auth: (options.auth ?? session.auth) || undefined,
      jar: this.#config.jar,
      throttle: throttleChoice(options.throttle),
      expectContinue: continueWait(options.expectContinue ?? session.expectContinue),
      onProgress: options.onProgress,
      onDownloadProgress: options.onDownloadProgress,
      onInformational: undefined,
      upgrade: undefined,
    };
  }
}

/** Throws `UsageError` for anything else than a finite priority and a text for a key. */
function throttleChoice(given: RequestOptions["throttle"]): ThrottleChoice | undefined {
  if (given === undefined || given === false) return undefined;
  refuseUnknown("throttle", given, KNOWN_THROTTLE_CHOICE);
  const { priority, key } = given;
  if (priority !== undefined) requireNumber("throttle.priority", priority, -Number.MAX_VALUE, Number.MAX_VALUE);
  if (key !== undefined && typeof key !== "string") {
    throw new UsageError("options/unknown-value", `Cannot use throttle.key: expected a string, received ${typeof key}`);
  }
  return given;
}

/** The coding that was just applied, said to the recipient (RFC 9110 §8.4). Throws `UsageError` if the caller says another. */
function withCoding(fields: FieldLines, coding: string): FieldLines {
  if (!hasField(fields, "content-encoding")) return [...fields, "content-encoding", coding];
  throw new UsageError(
    "options/conflict",
    "Cannot compress a body that has a Content-Encoding already: leave out one of the two, or say compress: false",
  );
}

/** Only the payload knows its type; a session's is for other bodies, and a caller's would lack the boundary (RFC 7578 §4.1). */
function withoutType(fields: FieldLines, { headers }: RequestOptions): FieldLines {
  if (headers !== undefined && hasField(fieldLinesOf(headers), "content-type")) {
    throw new UsageError(
      "options/conflict",
      "Cannot send a form with a Content-Type of your own: it has to name the boundary, so leave it out",
    );
  }
  return hasField(fields, "content-type") ? fieldsWithout(fields, (name) => name === "content-type") : fields;
}
