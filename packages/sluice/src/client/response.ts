/**
 * An answer: its head at once, its body when asked for. What most callers never look at (header object, URL, cookies, history)
 * is made on demand from the field lines.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Body, type BodyOwner, type TextOptions } from "../body/body.js";
import type { ServerSentEvent } from "../body/event-stream/event-stream-parser.js";
import { suggestedFilename } from "../body/multipart/disposition.js";
import type { MultipartLimits } from "../body/multipart/multipart-limits.js";
import type { MultipartPart } from "../body/multipart/multipart-part.js";
import type { JsonLinesOptions } from "../body/reading/json-lines.js";
import type { LinesOptions } from "../body/reading/lines.js";
import { schemaFirst } from "../body/schema.js";
import { ContentTypeError, describeError, SluiceError } from "../errors.js";
import { setCookiePair } from "../http/cookies.js";
import { HttpHeaders } from "../http/headers.js";
import { type Link, parseLinks } from "../http/link.js";
import { isJsonContentType, parseMediaType } from "../http/media-type.js";
import type { FieldLines } from "../http1/sinks.js";
import type { PeerInfo } from "../net/transport.js";
import { type CacheStatus, cacheStatusOf } from "./cache-status.js";
import { ERROR_BODY_BYTES, readErrorBody } from "./error-body.js";
import type { ExchangeTimes } from "./exchange-pool.js";
import { findField } from "./field-lines.js";
import type { ClientRequest } from "./request.js";
import { ResponseError } from "./response-error.js";
import type { EventsOptions, TextEventsOptions, TypedEventsOptions } from "./response-events.js";
import type { ResponseHead } from "./response-head.js";
import { type ResponseTimings, timingsOf } from "./response-timings.js";
import { type SaveOptions, saveResponse } from "./save-body.js";
import type { TakenConnection } from "./upgraded-connection.js";

/** How most text types end. */
const USUAL_CHARSET = "; charset=utf-8";

/** What a response comes from: an exchange on a connection, or a cache. */
export interface ResponseSource extends BodyOwner {
  /** Who answered; undefined if nobody was asked. */
  readonly peer: PeerInfo | undefined;
  readonly times: Readonly<ExchangeTimes>;
  /** As {@link ClientResponse.discard}. */
  discard(): void;
  /** The logical request ends with the response's body, not before. */
  endScopeAfterBody(): void;
  /** The connection behind a 101, once. */
  takeUpgraded?(): TakenConnection | undefined;
}

/** How strictly `json()` takes the word. */
export interface JsonOptions {
  /** Whether a `Content-Type` that is not JSON throws `ContentTypeError`. A missing one never does. @default true */
  readonly checkType?: boolean;
}

/** What `events()` gives. */
export type Events<T> = AsyncGenerator<ServerSentEvent<T>, void, undefined>;

/** What awaiting a request gives. */
export class ClientResponse {
  readonly status: number;
  /** The reason phrase as sent; often empty. */
  readonly statusText: string;
  #body: Body;
  /** As it came; `#body` may be what was read of it. */
  readonly #wireBody: Body;
  /** The responses of redirects that led here, first one first. Their bodies are gone. */
  readonly history: readonly ClientResponse[] = [];
  readonly #request: ClientRequest;
  readonly #source: ResponseSource;
  readonly #version: number;
  readonly #fields: FieldLines;
  #headers: HttpHeaders | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  /** @internal */
  constructor(request: ClientRequest, head: ResponseHead, body: Body, source: ResponseSource) {
    this.#request = request;
    this.status = head.status;
    this.statusText = head.reason;
    this.#version = head.version;
    this.#fields = head.fields;
    this.#body = body;
    this.#source = source;
    this.#wireBody = body;
  }

  /** What it comes from: for responses that are made of this one. @internal */
  get source(): ResponseSource {
    return this.#source;
  }

  /** Read once, in one of its ways. */
  get body(): Body {
    return this.#body;
  }

  /** Whether the status is 2xx (RFC 9110 §15.3). */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** Immutable. */
  get headers(): HttpHeaders {
    this.#headers ??= HttpHeaders.fromFields(this.#fields, {
      immutable: true,
      secretNames: this.#request.settings.secretFields,
    });
    return this.#headers;
  }

  /** Field lines as they were on the wire: name, value, name, value … */
  get fields(): FieldLines {
    return this.#fields;
  }

  /** The URL that answered, without user info; after redirects the last one. */
  get url(): string {
    return this.#request.target.href + this.#request.target.hash;
  }

  get method(): string {
    return this.#request.method;
  }

  /** The request as it was sent. */
  get request(): ClientRequest {
    return this.#request;
  }

  get redirected(): boolean {
    return this.history.length > 0;
  }

  /** "1.1" or "1.0". */
  get httpVersion(): string {
    return this.#version === 11 ? "1.1" : "1.0";
  }

  get remoteAddress(): string | undefined {
    return this.#source.peer?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#source.peer?.remotePort;
  }

  /** What the session's cache did for it: see {@link CacheStatus}. Undefined without a cache. */
  get cacheStatus(): CacheStatus | undefined {
    return cacheStatusOf(this);
  }

  /** What the `Link` fields say (RFC 8288), targets resolved; `findLink(response.links, "next")` finds one by its relation. */
  get links(): readonly Link[] {
    const value = this.headers.get("link");
    return value === null ? [] : parseLinks(value, new URL(this.url));
  }

  /** Cookies that this response sets, by name, without their attributes. */
  get cookies(): ReadonlyMap<string, string> {
    this.#cookies ??= new Map(this.headers.getSetCookie().map(setCookiePair));
    return this.#cookies;
  }

  get contentType(): string | undefined {
    return findField(this.#fields, "content-type");
  }

  get charset(): string | undefined {
    const type = this.contentType;
    const semicolon = type?.indexOf(";") ?? -1;
    if (type === undefined || semicolon === -1) return undefined;
    // The usual one needs no parser, if nothing else stands between.
    if (type.length - semicolon === USUAL_CHARSET.length && type.endsWith(USUAL_CHARSET)) return "utf-8";
    return parseMediaType(this.contentType ?? "")?.charset;
  }

  get contentEncoding(): string | undefined {
    return findField(this.#fields, "content-encoding");
  }

  /** What to call the body as a file (RFC 6266 §4.3): a name without folders, of the peer's choosing. */
  get filename(): string | undefined {
    return suggestedFilename(findField(this.#fields, "content-disposition"));
  }

  /** Where a redirect leads, as sent. */
  get location(): string | undefined {
    return findField(this.#fields, "location");
  }

  get timings(): ResponseTimings {
    return timingsOf(this.#source.times, () => this.#request.clock.now());
  }

  /** The whole body, decoded as its charset says, UTF-8 if it says nothing. Throws `ResponseTooLargeError` beyond `maxResponseSize`. */
  text(options?: TextOptions): Promise<string> {
    return this.#read(this.#body.text(options));
  }

  bytes(): Promise<Uint8Array> {
    return this.#read(this.#body.bytes());
  }

  blob(): Promise<Blob> {
    return this.#read(this.#body.blob());
  }

  /**
   * The body parsed as JSON; with a schema, what that makes of it. Throws `ContentTypeError` for another type, `PayloadError` if it
   * does not parse, `ValidationError` if the schema refuses it.
   */
  json<T = unknown>(options?: JsonOptions): Promise<T>;
  json<S extends StandardSchemaV1>(schema: S, options?: JsonOptions): Promise<StandardSchemaV1.InferOutput<S>>;
  async json(first?: StandardSchemaV1 | JsonOptions, second?: JsonOptions): Promise<unknown> {
    const { schema, options = {} } = schemaFirst(first, second);
    const type = this.contentType;
    if (type !== undefined && options.checkType !== false && !isJsonContentType(type)) {
      this.discard();
      const message = `Expected JSON, but the answer (status ${this.status}) is ${type}; \`checkType: false\` takes it anyway`;
      throw this.describe(new ContentTypeError("response.content-type", message, { phase: "response" }));
    }
    return await this.#read(schema === undefined ? this.#body.json() : this.#body.json(schema));
  }

  /** The lines of the body, as they arrive; see {@link LinesOptions}. */
  lines(options?: LinesOptions): AsyncIterableIterator<string, undefined> {
    return this.#body.lines(options);
  }

  /** The values of a body with one JSON text a line, as they arrive; see {@link Body.jsonLines}. */
  jsonLines<T = unknown>(options?: JsonLinesOptions): AsyncIterableIterator<T, undefined>;
  jsonLines<S extends StandardSchemaV1>(
    schema: S,
    options?: JsonLinesOptions,
  ): AsyncIterableIterator<StandardSchemaV1.InferOutput<S>, undefined>;
  jsonLines(
    first?: StandardSchemaV1 | JsonLinesOptions,
    second?: JsonLinesOptions,
  ): AsyncIterableIterator<unknown, undefined> {
    const { schema, options } = schemaFirst(first, second);
    return schema === undefined ? this.#body.jsonLines(options) : this.#body.jsonLines(schema, options);
  }

  /**
   * The server-sent events of the body, as they arrive. Throws `ResponseError` for an error status, `ContentTypeError` for another
   * type than `text/event-stream`. `session.events()` goes on where the stream breaks.
   */
  events<S extends StandardSchemaV1>(options: TypedEventsOptions<S>): Events<StandardSchemaV1.InferOutput<S>>;
  events(options?: TextEventsOptions): Events<string>;
  async *events(options: EventsOptions = {}): Events<never> {
    const { eventsOf } = await import("./response-events.js");
    yield* eventsOf(this, options) as Events<never>;
  }

  /**
   * The parts of a multipart body, as they arrive; each is read, or passed over, before the next. Throws `ContentTypeError` for
   * another type, `PayloadError` for what is malformed, cut short or beyond a limit.
   */
  async *multipart(limits: Partial<MultipartLimits> = {}): AsyncGenerator<MultipartPart, void, undefined> {
    const { partsOf } = await import("./response-multipart.js");
    yield* partsOf(this, limits);
  }

  /**
   * The whole body as a form, multipart/form-data or urlencoded. Throws as {@link ClientResponse.multipart} does, and beyond
   * `maxResponseSize`.
   */
  async formData(limits: Partial<MultipartLimits> = {}): Promise<FormData> {
    const { formDataOf } = await import("./response-multipart.js");
    return await this.#read(formDataOf(this, limits));
  }

  /**
   * Writes the body to a file, which appears under `path` only when it is complete. Resolves to its size in bytes. With `resume`, goes
   * on with what an interrupted saving has left.
   */
  save(path: string | URL, options: SaveOptions = {}): Promise<number> {
    return this.#read(saveResponse(this, path, options));
  }

  /**
   * Fields that came behind the body, or undefined until all of it has arrived; empty if there were none. They are never merged into
   * `headers` (RFC 9110 §6.5.2).
   */
  get trailers(): HttpHeaders | undefined {
    const { trailers } = this.#wireBody;
    if (trailers === undefined) return undefined;
    return HttpHeaders.fromFields(trailers, { immutable: true, secretNames: this.#request.settings.secretFields });
  }

  /**
   * Throws `ResponseError` for a status of 400 or more, else returns this response. The error has the body if all of it has
   * arrived and it is no longer than 16 KiB; one that is still to come is discarded.
   */
  raiseForStatus(): this {
    if (this.status < 400) return this;
    let beginning: Uint8Array | undefined;
    try {
      beginning = this.body.takeWhole(ERROR_BODY_BYTES);
    } catch (error) {
      // Too long to show, or broken: the status is the news.
      if (!(error instanceof SluiceError)) throw error;
    }
    this.discard();
    throw this.describe(new ResponseError(this, beginning ?? new Uint8Array(0), {}));
  }

  /** The error that this response is, once the beginning of its body has arrived. The rest is discarded. */
  async toError(): Promise<ResponseError> {
    const { bytes, ...details } = await readErrorBody(this.#body);
    return this.describe(new ResponseError(this, bytes, details));
  }

  /** Reads the whole body into memory now; it can still be read in any way. */
  async preload(): Promise<void> {
    if (this.#body.used || (this.#body.complete && this.contentEncoding === undefined)) return;
    const bytes = await this.bytes();
    this.#body = Body.of(bytes);
    this.#body.ownedBy(this.#source);
  }

  /** The logical request ends with this response's body. For the session. */
  endsScope(): void {
    this.#source.endScopeAfterBody();
  }

  /**
   * Gives the body up: what is left of it is not read, and the connection is reused only if that costs nothing. A call that
   * takes the whole body and is under way goes on.
   */
  discard(): void {
    this.#source.discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.discard();
  }

  /** Puts this response's request into an error of its own. */
  describe<T extends SluiceError>(error: T): T {
    return describeError(error, this.#request.scope.context());
  }

  /** Nothing secret: no body, no query values but those in `showQuery`, no values of secret fields. */
  toJSON(): Record<string, unknown> {
    const { status, statusText, method, redirected, headers } = this;
    const url = this.#request.target.show(this.#request.settings.showQuery);
    return { status, statusText, method, url, redirected, headers: headers.toJSON() };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    const { headers } = this;
    return Object.assign(Object.create({ constructor: ClientResponse }), this.toJSON(), { headers });
  }

  /** The response of an earlier hop becomes history of this one. */
  withHistory(history: readonly ClientResponse[]): this {
    Object.assign(this, { history });
    return this;
  }

  /** Errors of the body are thrown from here, so that they show the caller's frames. */
  async #read<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof SluiceError) {
        // Made when the body broke, perhaps long ago: the frames of whoever reads it now are news.
        Error.captureStackTrace(this.describe(error), this.#read);
      }
      throw error;
    }
  }
}
