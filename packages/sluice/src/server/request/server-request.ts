/**
 * A request as handlers see it. Everything beyond method and path is made when somebody asks for it: most requests never need a
 * URL object, a header object, an abort signal or an id.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Validators } from "../../http/conditional.js";
import { parseCookieHeader } from "../../http/cookies.js";
import { formatLinks, type LinkToSend } from "../../http/format-link.js";
import { type HeadersSource, HttpHeaders } from "../../http/headers.js";
import type { ByteRange } from "../../http/range.js";
import { addVary } from "../../http/vary.js";
import type { PeerInfo } from "../../net/transport.js";
import type { TemporaryFiles } from "../../platform/temporary-files.js";
import type { ServerExchange } from "../exchange.js";
import { joinField } from "../field-lookup.js";
import { type Key, KeyStore } from "../keys.js";
import type { ClientView } from "../trust-proxy.js";
import { isFresh, requestedRanges, requirePreconditions } from "./conditions.js";
import { type FieldValuesOptions, valuesByName } from "./field-values.js";
import { type NegotiatedField, notAcceptable, preferred } from "./negotiation.js";
import { RequestBody } from "./request-body.js";
import { RequestContent } from "./request-content.js";
import {
  clientViewOf,
  hostAsked,
  type LazyParts,
  makeLazyParts,
  makeStorage,
  makeUrl,
  namedValues,
  paramsOf,
  type ReplyListener,
  type RequestMatch,
  type RequestOrigin,
  type RequestSurroundings,
  receivedId,
} from "./request-parts.js";
import { queryOf } from "./request-path.js";
import { validated } from "./validation.js";

const RECEIVED = { immutable: true } as const;

/** A request being served. `Params` are the parameters of its route's path. */
export class ServerRequest<Params = Readonly<Record<string, string>>> extends RequestContent {
  /** As sent: case matters (RFC 9110 §9.1). */
  readonly method: string;
  /** The path as routes see it: escapes of reserved characters stay, equivalent spellings are one. No query. */
  readonly path: string;

  #exchange: ServerExchange;
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
    super();
    this.method = exchange.method;
    this.path = path;
    this.#exchange = exchange;
    this.#surroundings = surroundings;
    this.#match = match;
  }

  // ── where it goes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The pattern of the route that answers, such as `/users/:id`; undefined on the way to a 404 or 405. */
  get route(): string | undefined {
    return this.#match?.value.pattern;
  }

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

  /** The client's address, then those of the trusted proxies; the last is the peer's. Empty on a Unix socket without a proxy. */
  get remoteAddresses(): readonly string[] {
    return this.#view().addresses;
  }

  /** The other end of the connection: addresses, ports, TLS. Behind a proxy this is the proxy. */
  get peer(): PeerInfo {
    return this.#exchange.peer();
  }

  /** An id for logs: the trusted proxy's `X-Request-Id` if it is sane, otherwise a new one. */
  get id(): string {
    const lazy = this.#parts();
    lazy.id ??= receivedId(ServerRequest.behind(this), "x-request-id") ?? this.#surroundings.newId();
    return lazy.id;
  }

  /**
   * Aborted when the client goes away before the answer is complete, or the server is closed hard. A client that ends its side of the
   * connection counts as gone, though what is answered is still sent to it: it may be reading.
   */
  get signal(): AbortSignal {
    const lazy = this.#parts();
    lazy.signal ??= lazy.narrow === undefined ? this.#exchange.signal : lazy.narrow(this.#exchange.signal);
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

  /**
   * What `schema` makes of one part of the request, or 422 with a problem document that names every failing path. It is given texts by
   * name (of `headers` in lower case): nothing is converted on the way, a number in a query is digits until the schema makes it one.
   */
  async valid<S extends StandardSchemaV1>(
    part: "query" | "params" | "headers" | "cookies",
    schema: S,
    options: FieldValuesOptions = {},
  ): Promise<StandardSchemaV1.InferOutput<S>> {
    return validated(
      schema,
      valuesByName(namedValues(this, part), options.lists),
      part,
    ) as StandardSchemaV1.InferOutput<S>;
  }

  // ── what the client wants ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The one of `types` that the client likes best by `Accept` (RFC 9110 §12.5.1), of equals the first; undefined if it takes none. A
   * type is `type/subtype` or short: `json html text xml form csv events bytes`. The answer gets `Vary: Accept`.
   */
  accepts<Type extends string>(...types: readonly Type[]): Type | undefined {
    return this.#prefer("Accept", types);
  }

  /** As {@link ServerRequest.accepts}, but throws `HttpError` 406 `server/not-acceptable`, with a list of what there is. */
  negotiate<Type extends string>(...types: readonly Type[]): Type {
    const chosen = this.#prefer("Accept", types);
    if (chosen === undefined) throw notAcceptable(types);
    return chosen;
  }

  /** The same for content codings; name `identity` to offer none (RFC 9110 §12.5.3). Without the field only that is taken. */
  acceptsEncodings<Coding extends string>(...codings: readonly Coding[]): Coding | undefined {
    return this.#prefer("Accept-Encoding", codings);
  }

  /** The same for language tags: `en` serves those who want `en-GB`, and the other way round (RFC 9110 §12.5.4). */
  acceptsLanguages<Tag extends string>(...tags: readonly Tag[]): Tag | undefined {
    return this.#prefer("Accept-Language", tags);
  }

  /** The same for charsets, a field that browsers have given up (RFC 9110 §12.5.2). */
  acceptsCharsets<Charset extends string>(...charsets: readonly Charset[]): Charset | undefined {
    return this.#prefer("Accept-Charset", charsets);
  }

  /** Whether the client has what is there now (RFC 9110 §13.1): answer 304. Only ever true for GET and HEAD. */
  isFresh(current: Validators): boolean {
    return isFresh(this.method, this.#exchange.fields, current);
  }

  /**
   * Throws `HttpError` 412 `server/precondition-failed` if `If-Match`, `If-Unmodified-Since` or `If-None-Match` forbids changing what is
   * there now (RFC 9110 §13.1); `undefined` for nothing there yet.
   */
  requirePreconditions(current: Validators | undefined): void {
    requirePreconditions(this.method, this.#exchange.fields, current);
  }

  /**
   * The parts of a body of `size` bytes that the client asks for by `Range`; undefined for the whole, and if `If-Range` does not fit
   * `current` (RFC 9110 §14.2). Throws `HttpError` 416 `server/range` if none of them can be had.
   */
  ranges(size: number, current: Validators = {}): readonly ByteRange[] | undefined {
    return requestedRanges(this.method, this.#exchange.fields, {
      size,
      current,
      nowMs: this.#surroundings.clock.wallTime(),
    });
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
    lazy.listeners = [...(lazy.listeners ?? []), listener];
    return this;
  }

  /** Sends 103 (Early Hints, RFC 8297) or 102 (Processing) before the answer; towards HTTP/1.0 it does nothing. */
  inform(status: 102 | 103, headers: HeadersSource = []): this {
    this.#exchange.inform(status, new HttpHeaders(headers).raw);
    return this;
  }

  /** Sends 103 with links to what the answer will need, which should have them too. Throws `UsageError` `headers/link-invalid`. */
  earlyHints(...links: readonly (LinkToSend | string)[]): this {
    return links.length === 0 ? this : this.inform(103, { Link: formatLinks(links) });
  }

  /** For `request-access.ts`: what was made on demand, if anything was. */
  static lazyOf(request: ServerRequest): LazyParts | undefined {
    return request.#lazy;
  }

  /** For `request-access.ts`: the same, made now if it was not. */
  static partsOf(request: ServerRequest): LazyParts {
    return request.#parts();
  }

  /** For `request-access.ts`: `exchange` stands behind the request from now on, and of what was made on demand there are `parts`. */
  static settle(request: ServerRequest<unknown>, exchange: ServerExchange, parts: LazyParts | undefined): void {
    request.#exchange = exchange;
    request.#headers = undefined;
    request.#lazy = parts;
  }

  /** For `sluice/proxy`: the exchange behind a request, and whose word its application takes about the client. */
  static behind(request: ServerRequest<unknown>): RequestOrigin {
    return { exchange: request.#exchange, surroundings: request.#surroundings, match: request.#match };
  }

  #parts(): LazyParts {
    this.#lazy ??= makeLazyParts();
    return this.#lazy;
  }

  /** @internal */
  protected override exchange(): ServerExchange {
    return this.#exchange;
  }

  /** @internal */
  protected override reader(): RequestBody {
    const lazy = this.#parts();
    lazy.body ??= new RequestBody(this.#exchange, this.#surroundings, lazy.maxBodySize);
    return lazy.body;
  }

  /** @internal */
  protected override storage(folder: string | undefined): TemporaryFiles {
    return makeStorage(this, this.#surroundings, folder);
  }

  /** The answer depends on `field` whatever it says, so that all answers have to say so (RFC 9110 §12.5.5). */
  #prefer<Offer extends string>(field: NegotiatedField, offers: readonly Offer[]): Offer | undefined {
    this.beforeReply((reply) => addVary(reply.headers, field));
    return preferred(this.#exchange.fields, field, offers);
  }

  #view(): ClientView {
    const lazy = this.#parts();
    lazy.view ??= clientViewOf(this.#exchange, this.#surroundings.trust);
    return lazy.view;
  }
}
