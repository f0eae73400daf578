/**
 * A session: defaults, a connection pool, a cookie jar, and the requests made with them. It owns what it made, and ends what
 * still runs when it is closed. Here are its names and its life; `session-engine.ts` runs its requests.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { callLater } from "../concurrency/deadline.js";
import { requireNumber } from "../options.js";
import type { WebSocketConnection } from "../wire/websocket/websocket-connection.js";
import type { Connector } from "./connector.js";
import type { CookieJar } from "./cookie-jar.js";
import {
  EventStream,
  type EventStreamOptions,
  type TextEventStreamOptions,
  type TypedEventStreamOptions,
} from "./event-stream.js";
import { boundFetch, type Fetch } from "./fetch/bound-fetch.js";
import { fieldsWithout, hasField } from "./field-lines.js";
import type { ForwardAsk } from "./forward-ask.js";
import { fieldLinesOf, paramPairs } from "./option-values.js";
import type { RequestOptions, SessionOptions, TimeoutOptions } from "./options.js";
import { Pages, type PaginateOptions, type TypedPaginateOptions } from "./paginate.js";
import { AS_RESPONSE, RequestPromise } from "./request-promise.js";
import type { ClientResponse } from "./response.js";
import { SessionConfig } from "./session-config.js";
import { type Consumer, SessionEngine } from "./session-engine.js";
import { joinTraces } from "./tracing.js";
import { type CallSite, inDevelopment, noteSessionEnd, remember, takeCallSite, warnWhenForgotten } from "./warnings.js";
import type { WebSocketOptions } from "./websocket/websocket-options.js";

/** What a session derived with `extend` takes: headers and params may be removed by `undefined`. */
export type ExtendOptions = Omit<SessionOptions, "connector" | "cookies">;

/** An error status is an answer to pass on, whatever the session says. */
const ANY_STATUS: RequestOptions = Object.freeze({ raiseForStatus: false });
const FORWARDED: Consumer = { consumption: AS_RESPONSE, callSite: undefined, consumed: true, started: () => undefined };

/** What a session is behind its names: shared by the views that `with` makes. */
interface SessionCore {
  readonly engine: SessionEngine;
  readonly development: boolean;
  readonly callSite: CallSite | undefined;
  closing: Promise<void> | undefined;
}

/** See the head of this file. Closing it, by `close()` or `await using`, is its maker's duty. */
export class ClientSession {
  readonly #core: SessionCore;
  readonly #signals: readonly AbortSignal[];
  #fetch: Fetch | undefined;

  /** Throws `UsageError` or `InvalidUrlError` for options that are unknown, out of range, or cannot go together. */
  constructor(options: SessionOptions = {}) {
    if (options instanceof SessionView) {
      this.#core = options.core;
      this.#signals = options.signals;
      return;
    }
    this.#core = makeCore(new SessionConfig(options), ClientSession);
    this.#signals = options.signal === undefined ? [] : [options.signal];
    if (this.#core.development) {
      const message = "A session was not closed: use `await using`, or call close() when done";
      warnWhenForgotten(this, { code: "SLUICE_SESSION_NOT_CLOSED", message, site: this.#core.callSite });
    }
  }

  /** The jar, or undefined with `cookies: false`. */
  get cookies(): CookieJar | undefined {
    return this.#core.engine.config.jar;
  }

  get connector(): Connector {
    return this.#core.engine.config.connector;
  }

  /** What relative URLs are joined to; undefined where there is nothing. A copy. */
  get baseUrl(): URL | undefined {
    const { baseUrl } = this.#core.engine.config;
    return baseUrl === undefined ? undefined : new URL(baseUrl);
  }

  get closed(): boolean {
    return this.#core.closing !== undefined;
  }

  /** Makes a request with any method (RFC 9110 §9.1; a token, upper-cased where it is a registered one). */
  request(method: string, url: string | URL, options?: RequestOptions): RequestPromise {
    const { engine, development } = this.#core;
    const site = development ? takeCallSite(this.request) : undefined;
    const ask = { method, url, options, signals: this.#signals, session: this };
    const promise = new RequestPromise((made) => engine.run(ask, made), site);
    if (site !== undefined) {
      const message = `A ${method} request was made and never awaited`;
      warnWhenForgotten(promise, { code: "SLUICE_REQUEST_NOT_AWAITED", message, site });
    }
    return promise;
  }

  get(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("GET", url, options);
  }

  head(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("HEAD", url, options);
  }

  post(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("POST", url, options);
  }

  put(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("PUT", url, options);
  }

  patch(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("PATCH", url, options);
  }

  delete(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("DELETE", url, options);
  }

  options(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("OPTIONS", url, options);
  }

  /** QUERY: safe and idempotent as GET is, with a body (draft-ietf-httpbis-safe-method-w-body). */
  query(url: string | URL, options?: RequestOptions): RequestPromise {
    return this.request("QUERY", url, options);
  }

  /**
   * Server-sent events over as many connections as it takes, in order, going on with `Last-Event-ID` (HTML Standard, §9.2). With a
   * schema, the data of each is parsed as JSON and validated. Nothing is sent before it is read.
   */
  events<S extends StandardSchemaV1>(
    url: string | URL,
    options: TypedEventStreamOptions<S>,
  ): EventStream<StandardSchemaV1.InferOutput<S>>;
  events(url: string | URL, options?: TextEventStreamOptions): EventStream;
  events(url: string | URL, options: EventStreamOptions = {}): EventStream<never> {
    const { engine } = this.#core;
    const signals = options.signal === undefined ? this.#signals : [...this.#signals, options.signal];
    const { clock } = engine.config.connector;
    return new EventStream({ session: this, clock, url, options, signals, closing: engine.closing });
  }

  /**
   * The pages of what comes in pages, or their `items()`: by `Link` fields, a cursor, page numbers, an offset, or as you say. With a
   * schema, each page is validated. Nothing is sent before it is read.
   */
  paginate<S extends StandardSchemaV1>(
    url: string | URL,
    options: TypedPaginateOptions<S>,
  ): Pages<StandardSchemaV1.InferOutput<S>>;
  paginate<T = unknown>(url: string | URL, options?: PaginateOptions<T>): Pages<T>;
  paginate<T>(url: string | URL, options: PaginateOptions<T> = {}): Pages<T> {
    return new Pages({ session: this, url, options });
  }

  /**
   * `fetch` by the Fetch standard on this session's connections, middleware, cookies and defaults: a function that needs no
   * `this`, for every library that takes one. Its answer is a `Response`. See docs/fetch.md for how the two sets of rules meet.
   */
  get fetch(): Fetch {
    const { engine, development } = this.#core;
    this.#fetch ??= boundFetch({ engine, development, signals: this.#signals });
    return this.#fetch;
  }

  /**
   * Opens a WebSocket (RFC 6455) by a request like any other of the session's: its defaults, middleware, cookies, authentication,
   * redirects, proxies and time limits hold for the handshake. `url`: `ws:`, `wss:`, `http:` or `https:`, or relative to `baseUrl`.
   * Rejects with `ResponseError` `websocket/refused` for another answer than 101, with `ProtocolError` for a 101 that does not keep
   * to the rules, with `UsageError` for options that cannot be.
   */
  async websocket(url: string | URL, options?: WebSocketOptions): Promise<WebSocketConnection> {
    const { openWebSocketOn } = await import("./websocket/open-websocket.js");
    return await openWebSocketOn({ engine: this.#core.engine, signals: this.#signals }, url, options);
  }

  /** Aborts when the session begins to close: for what outlives single requests. @internal */
  get closing(): AbortSignal {
    return this.#core.engine.closing;
  }

  /** For `sluice/proxy`: takes a place among the connector's upgraded connections, as {@link websocket} does. @internal */
  reserveUpgraded(): () => void {
    return this.#core.engine.config.connector.sockets.reserve();
  }

  /** For `sluice/proxy`: sends a request as its author has written it, by the rules of {@link ForwardAsk}. @internal */
  forward(method: string, forward: ForwardAsk, signal: AbortSignal): Promise<ClientResponse> {
    const { engine } = this.#core;
    const ask = { method, url: forward.target.href, options: ANY_STATUS, signals: [...this.#signals, signal], forward };
    return engine.run(ask, FORWARDED) as Promise<ClientResponse>;
  }

  /**
   * A session on the same pool and jar with other defaults: headers, params and timeouts merge field by field, `undefined`
   * removes, middleware is appended. Closing it ends its own requests only.
   */
  extend(options: ExtendOptions): ClientSession {
    const { config } = this.#core.engine;
    const merged = mergeOptions(config.options, options);
    const core = makeCore(new SessionConfig(merged, config), this.extend);
    const signals = options.signal === undefined ? this.#signals : [...this.#signals, options.signal];
    return new ClientSession(new SessionView(core, signals) as SessionOptions);
  }

  /** A view of this session whose requests end when `signal` aborts: cheap, for one scope. It is not closed by itself. */
  with(scope: { readonly signal: AbortSignal }): ClientSession {
    return new ClientSession(new SessionView(this.#core, [...this.#signals, scope.signal]) as SessionOptions);
  }

  /**
   * Refuses new requests and ends those that run: at once, or when `grace` milliseconds have passed without them ending by
   * themselves. WebSockets are told (1001) at once, and cut off after the same time. Closes the connector if the session made it. Idempotent. Throws `UsageError` for a grace out of range.
   * @default grace 0
   */
  close(options: { readonly grace?: number } = {}): Promise<void> {
    const core = this.#core;
    const { grace = 0 } = options;
    requireNumber("close.grace", grace, 0, Number.POSITIVE_INFINITY);
    core.closing ??= closeCore(core, grace);
    if (core.development) remember(this);
    return core.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Nothing secret: no headers, no credentials, no cookies. */
  toJSON(): Record<string, unknown> {
    const { engine } = this.#core;
    const { baseUrl } = engine.config;
    return {
      baseUrl: baseUrl === undefined ? undefined : baseUrl.origin + baseUrl.pathname,
      closed: this.closed,
      running: engine.running,
      connections: this.connector.stats(),
    };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return Object.assign(Object.create({ constructor: ClientSession }), this.toJSON());
  }
}

/** Passes a core through the constructor: sessions that `extend` and `with` make. */
class SessionView {
  readonly core: SessionCore;
  readonly signals: readonly AbortSignal[];

  constructor(core: SessionCore, signals: readonly AbortSignal[]) {
    this.core = core;
    this.signals = signals;
  }
}

function makeCore(config: SessionConfig, below: Parameters<typeof takeCallSite>[0]): SessionCore {
  const development = inDevelopment();
  const callSite = development ? takeCallSite(below) : undefined;
  return { engine: new SessionEngine(config), development, callSite, closing: undefined };
}

async function closeCore(core: SessionCore, grace: number): Promise<void> {
  const { engine } = core;
  const { config } = engine;
  if (core.development && config.ownsConnector) noteSessionEnd(engine.requests, core.callSite);
  const drained = engine.drain();
  const socketsEnded = engine.sockets.end(config.connector.clock, grace);
  if (grace === 0) {
    engine.abortAll();
  } else {
    const { clock } = config.connector;
    const end = callLater(clock, grace, () => engine.abortAll());
    await drained;
    clock.disarm(end);
  }
  await drained;
  await socketsEnded;
  if (config.ownsConnector) await config.connector.close();
}

/** Given over inherited: headers, params and time-outs by name, middleware appended, everything else replaced. */
function mergeOptions(base: SessionOptions, given: ExtendOptions): SessionOptions {
  const { connector: _connector, cookies: _cookies, ...inherited } = base;
  const merged: Record<string, unknown> = { ...inherited, ...given };
  merged["headers"] = mergeHeaders(base, given);
  merged["params"] = mergeParams(base, given);
  merged["timeout"] = { ...timeoutFields(base.timeout), ...timeoutFields(given.timeout) };
  merged["middleware"] = [...(base.middleware ?? []), ...(given.middleware ?? [])];
  merged["hopMiddleware"] = [...(base.hopMiddleware ?? []), ...(given.hopMiddleware ?? [])];
  // As everywhere: `undefined` that is given removes.
  if (given.trace !== undefined) merged["trace"] = joinTraces(base.trace, given.trace);
  for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
  return merged as SessionOptions;
}

function mergeHeaders(base: SessionOptions, given: ExtendOptions): [string, string][] {
  const inherited = base.headers === undefined ? [] : fieldLinesOf(base.headers);
  const own = given.headers === undefined ? [] : fieldLinesOf(given.headers);
  const removed = removedNames(given.headers);
  const kept = fieldsWithout(inherited, (name) => hasField(own, name) || removed.has(name));
  const lines = [...kept, ...own];
  const pairs: [string, string][] = [];
  for (let at = 0; at < lines.length; at += 2) pairs.push([lines[at] ?? "", lines[at + 1] ?? ""]);
  return pairs;
}

function mergeParams(base: SessionOptions, given: ExtendOptions): [string, string][] {
  const inherited = base.params === undefined ? [] : [...paramPairs(base.params)];
  const own = given.params === undefined ? [] : [...paramPairs(given.params)];
  const removed = removedNames(given.params);
  const kept = inherited.filter(
    ([name]) => !removed.has(name.toLowerCase()) && !own.some(([ownName]) => ownName === name),
  );
  return [...kept, ...own].map(([name, value]) => [name, value]);
}

/** The names, in lower case, that an object of fields sets to `undefined`. */
function removedNames(given: object | string | undefined): ReadonlySet<string> {
  if (given === undefined || typeof given === "string" || Symbol.iterator in given) return new Set();
  const entries = Object.entries(given).filter(([, value]) => value === undefined);
  return new Set(entries.map(([name]) => name.toLowerCase()));
}

function timeoutFields(timeout: number | TimeoutOptions | undefined): TimeoutOptions {
  return typeof timeout === "number" ? { total: timeout } : (timeout ?? {});
}
