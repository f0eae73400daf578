/**
 * A request as handlers see it. Everything beyond method and path is made when somebody asks for it: most requests never need a
 * URL object, a header object, an abort signal or an id.
 */

import type { Body } from "../../body/body.js";
import { parseCookieHeader } from "../../http/cookies.js";
import { type HeadersSource, HttpHeaders } from "../../http/headers.js";
import type { ServerExchange } from "../exchange.js";
import { findField, joinField } from "../field-lookup.js";
import { type Key, KeyStore } from "../keys.js";
import type { Reply } from "../reply.js";
import type { ClientView, ProxyTrust } from "../trust-proxy.js";
import { type ReadFormOptions, type ReadJsonOptions, type ReadOptions, RequestBody } from "./request-body.js";
import {
  clientViewOf,
  hostAsked,
  type LazyParts,
  makeLazyParts,
  makeUrl,
  paramsOf,
  type ReplyListener,
  type RequestMatch,
} from "./request-parts.js";
import { queryOf } from "./request-path.js";

/** What a request needs from its application. */
export interface RequestSurroundings {
  readonly maxBodySize: number;
  readonly trust: ProxyTrust | undefined;
  readonly values: KeyStore;
  /** A new id, unlike any other of this process and, in all likelihood, of any. */
  newId(): string;
}

/** What a request was made from. */
export interface RequestOrigin {
  readonly exchange: ServerExchange;
  readonly trust: ProxyTrust | undefined;
}

/** An id that a trusted proxy may give a request: nothing that could be mistaken for something else in a log. */
const SANE_ID = /^[A-Za-z0-9._~:+/=@-]{1,128}$/;
const RECEIVED = { immutable: true } as const;

/** A request being served. `Params` are the parameters of its route's path. */
export class ServerRequest<Params = Readonly<Record<string, string>>> {
  /** As sent: case matters (RFC 9110 §9.1). */
  readonly method: string;
  /** The path as routes see it: escapes of reserved characters stay, equivalent spellings are one. No query. */
  readonly path: string;
  /** The pattern of the route that answers, such as `/users/:id`; undefined on the way to a 404 or 405. */
  readonly route: string | undefined;

  readonly #exchange: ServerExchange;
  readonly #surroundings: RequestSurroundings;
  readonly #match: RequestMatch | undefined;
  #params: Params | undefined = undefined;
  #headers: HttpHeaders | undefined = undefined;
  #lazy: LazyParts | undefined = undefined;

  /** Made by the application, one for each request; `path` is normalised. */
  constructor(
    exchange: ServerExchange,
    surroundings: RequestSurroundings,
    path: string,
    match: RequestMatch | undefined,
  ) {
    this.method = exchange.method;
    this.path = path;
    this.route = match?.value.pattern;
    this.#exchange = exchange;
    this.#surroundings = surroundings;
    this.#match = match;
  }

  // ── where it goes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The parameters of the route's path, unescaped. Throws `HttpError` 400 for an escape that is not UTF-8. */
  get params(): Params {
    this.#params ??= paramsOf(this.#match) as Params;
    return this.#params;
  }

  /** The request-target as received (RFC 9112 §3.2). */
  get target(): string {
    return this.#exchange.target;
  }

  /** The whole URL, as far as client and trusted proxies tell: scheme and host are the client's claim (RFC 9110 §7.2). */
  get url(): URL {
    const lazy = this.#parts();
    lazy.url ??= makeUrl(`${this.protocol}://${this.host || "localhost"}`, this.path, queryOf(this.#exchange.target));
    return lazy.url;
  }

  /** The parsed query. */
  get query(): URLSearchParams {
    const lazy = this.#parts();
    lazy.query ??= new URLSearchParams(queryOf(this.#exchange.target));
    return lazy.query;
  }

  /** Host and port that the client asked for; empty if it named none (HTTP/1.0). Never trust it with a decision. */
  get host(): string {
    return this.#view().host ?? hostAsked(this.#exchange);
  }

  /** What the client speaks, to us or to the outermost trusted proxy. */
  get protocol(): "http" | "https" {
    return this.#view().scheme ?? (this.#exchange.secure ? "https" : "http");
  }

  /** "1.1" or "1.0". */
  get httpVersion(): "1.0" | "1.1" {
    return this.#exchange.version === 10 ? "1.0" : "1.1";
  }

  // ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The client's IP address; undefined on a Unix socket without a trusted proxy. */
  get remoteAddress(): string | undefined {
    return this.#view().address;
  }

  /** An id for logs: the trusted proxy's `X-Request-Id` if it is sane, otherwise a new one. */
  get id(): string {
    const lazy = this.#parts();
    lazy.id ??= this.#receivedId() ?? this.#surroundings.newId();
    return lazy.id;
  }

  /** Aborted when the client goes away before the answer is complete, or the server is closed hard. */
  get signal(): AbortSignal {
    const lazy = this.#parts();
    lazy.signal ??= this.#exchange.signal;
    return lazy.signal;
  }

  // ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The field lines, immutable. */
  get headers(): HttpHeaders {
    this.#headers ??= HttpHeaders.fromFields(this.#exchange.fields, RECEIVED);
    return this.#headers;
  }

  /** The cookies by name; of several with one name the first, which has the most specific path (RFC 6265 §5.4). */
  get cookies(): ReadonlyMap<string, string> {
    const lazy = this.#parts();
    lazy.cookies ??= parseCookieHeader(joinField(this.#exchange.fields, "cookie", "; ") ?? "");
    return lazy.cookies;
  }

  /** Whether it has a body, be it empty. */
  get hasBody(): boolean {
    return this.#exchange.hasBody;
  }

  /** The body as JSON: 415 unless it is declared as such, 400 if malformed or empty, 413 beyond `maxBodySize`. */
  json<Value = unknown>(options?: ReadJsonOptions): Promise<Value> {
    return this.#body().json(options) as Promise<Value>;
  }

  /** The body as text in its charset (UTF-8 if it names none): 415 for an unknown one, 400 for malformed text, 413. */
  text(options?: ReadOptions): Promise<string> {
    return this.#body().text(options);
  }

  /** The body as it is; 413 beyond `maxBodySize`. */
  bytes(options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.#body().bytes(options);
  }

  /** The fields of an `application/x-www-form-urlencoded` body; 415 for another type, 413 beyond `maxBodySize`. */
  form(options?: ReadFormOptions): Promise<URLSearchParams> {
    return this.#body().form(options);
  }

  /** The body in pieces as they arrive, to be iterated once; 413 beyond `maxBodySize`, which `maxSize` can lift. */
  stream(options?: ReadOptions): AsyncIterable<Uint8Array> {
    return this.#body().stream(options);
  }

  /** The body as the connection has it, without limits: for code that takes over all of its handling. */
  get body(): Body {
    return this.#exchange.body;
  }

  // ── on the way ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The value set under `key` on this request, or else on the application. Throws `UsageError` `key/unset`. */
  get<Value>(key: Key<Value>): Value {
    return (this.#lazy?.values ?? this.#surroundings.values).get(key);
  }

  /** Whether {@link ServerRequest.get} would find something. */
  has(key: Key<unknown>): boolean {
    return (this.#lazy?.values ?? this.#surroundings.values).has(key);
  }

  /** Sets a value for those who see this request later. */
  set<Value>(key: Key<Value>, value: Value): this {
    const lazy = this.#parts();
    lazy.values ??= new KeyStore(this.#surroundings.values);
    lazy.values.set(key, value);
    return this;
  }

  /** Has `listener` see the reply just before it is sent, whoever makes it: the place for headers that every answer gets. */
  beforeReply(listener: ReplyListener): this {
    const lazy = this.#parts();
    lazy.listeners ??= [];
    lazy.listeners.push(listener);
    return this;
  }

  /** Sends 103 (Early Hints, RFC 8297) or 102 (Processing) before the answer; towards HTTP/1.0 it does nothing. */
  inform(status: 102 | 103, headers: HeadersSource = []): this {
    this.#exchange.inform(status, new HttpHeaders(headers).raw);
    return this;
  }

  /**
   * For the application: calls what {@link ServerRequest.beforeReply} has collected. A listener that throws is forgotten, so that
   * the others can be called again with the reply to its error.
   */
  static announce(request: ServerRequest, reply: Reply): void {
    const listeners = request.#lazy?.listeners;
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        listener(reply);
      } catch (error) {
        listeners.splice(listeners.indexOf(listener), 1);
        throw error;
      }
    }
  }

  /** For middleware: the id that {@link ServerRequest.id} gives from now on. */
  static identify(request: ServerRequest, id: string): void {
    request.#parts().id = id;
  }

  /** For middleware: the id that a trusted proxy has sent in the field `name` (lower case), if it did and it is sane. */
  static trustedId(request: ServerRequest, name: string): string | undefined {
    return request.#receivedId(name);
  }

  /** For middleware: most bytes that its readers take in, in place of the application's `maxBodySize`, if they have not begun. */
  static limitBody(request: ServerRequest, maxBytes: number): void {
    request.#parts().maxBodySize = maxBytes;
  }

  /** For middleware: has {@link ServerRequest.signal} be another one, which has to abort when the one it was does. */
  static narrowSignal(request: ServerRequest, narrow: (signal: AbortSignal) => AbortSignal): void {
    request.#parts().signal = narrow(request.signal);
  }

  /** For the application: whether `error` is only the echo of the client having gone away. */
  static isAbandonedBy(request: ServerRequest, error: unknown): boolean {
    const signal = request.#lazy?.signal;
    return signal?.aborted === true && error === signal.reason;
  }

  /** For the application: the exchange below the request. */
  static exchangeOf(request: ServerRequest): ServerExchange {
    return request.#exchange;
  }

  /** For `sluice/proxy`: the exchange behind a request, and whose word its application takes about the client. */
  static behind(request: ServerRequest<unknown>): RequestOrigin {
    return { exchange: request.#exchange, trust: request.#surroundings.trust };
  }

  #parts(): LazyParts {
    this.#lazy ??= makeLazyParts();
    return this.#lazy;
  }

  #body(): RequestBody {
    const lazy = this.#parts();
    lazy.body ??= new RequestBody(this.#exchange, lazy.maxBodySize ?? this.#surroundings.maxBodySize);
    return lazy.body;
  }

  #view(): ClientView {
    const lazy = this.#parts();
    lazy.view ??= clientViewOf(this.#exchange, this.#surroundings.trust);
    return lazy.view;
  }

  #receivedId(name = "x-request-id"): string | undefined {
    const { trust } = this.#surroundings;
    if (trust === undefined) return undefined;
    const id = findField(this.#exchange.fields, name);
    return id !== undefined && isSaneId(id) && trust.isTrusted(this.#exchange.peer().remoteAddress) ? id : undefined;
  }
}

/** Whether an id may go into logs and answers as it is. */
export function isSaneId(id: string): boolean {
  return SANE_ID.test(id);
}
