/**
 * One answer to one request: status, field lines and payload, in the form the connection sends them.
 *
 * The connection adds what belongs to the connection (Date, Connection, Content-Length or Transfer-Encoding) and leaves out the
 * body where HTTP has none (HEAD, 204, 304: RFC 9110 §6.4.1). Everything else, `Content-Type` included, is in `fields`.
 *
 * Strategy: most answers have the same one or two field lines, so `fields` starts as a shared frozen array and is copied only
 * when somebody touches `headers`. The connection may recognise the shared arrays by identity.
 */

import type { Payload } from "../body/payload.js";
import { TrailedPayload } from "../body/sending/trailed-payload.js";
import { UsageError } from "../errors.js";
import { type CookieAttributes, serializeSetCookie } from "../http/cookies.js";
import { HttpHeaders } from "../http/headers.js";
import type { FieldLines } from "../http1/sinks.js";
import { refuseUnknown } from "../options.js";
import type { Successor } from "../wire/handed-over.js";
import { type ReplyTrailers, type TrailerOptions, trailersOf } from "./reply-trailers.js";

const COOKIE_ATTRIBUTES: ReadonlySet<string> = new Set<keyof CookieAttributes>([
  "domain",
  "path",
  "expires",
  "maxAgeSeconds",
  "secure",
  "httpOnly",
  "sameSite",
  "partitioned",
  "priority",
]);
/** No field lines: shared, so that it can be compared by identity. */
export const NO_FIELDS: FieldLines = Object.freeze([]);
/** The field lines of a plain JSON answer (RFC 8259 §11: JSON has no charset parameter). */
export const JSON_FIELDS: FieldLines = Object.freeze(["Content-Type", "application/json"]);
/** The field lines of a plain text answer. */
export const TEXT_FIELDS: FieldLines = Object.freeze(["Content-Type", "text/plain; charset=utf-8"]);
/** The field lines of an HTML answer. */
export const HTML_FIELDS: FieldLines = Object.freeze(["Content-Type", "text/html; charset=utf-8"]);
/** The field lines of an answer of bytes whose kind nobody named. */
export const BYTES_FIELDS: FieldLines = Object.freeze(["Content-Type", "application/octet-stream"]);

/** What may be told about the end of an answer: body bytes sent, and why it is incomplete if it is. */
export type SentListener = (bodyBytes: number, error: Error | undefined) => void;

/** What a reply may ask of the request that it answers. */
export interface AnsweredRequest {
  readonly method: string;
  readonly httpVersion: "1.0" | "1.1";
  readonly headers: HttpHeaders;
  readonly signal: AbortSignal;
}

/**
 * Makes a reply ready for the request it answers, before `beforeReply` listeners see it. A promise is waited for. What it throws, or
 * rejects with, becomes the request's failure, as if its handler had thrown it.
 */
export type ReplyPreparation = (request: AnsweredRequest) => void | Promise<void>;

/** An answer on its way. It belongs to one request: a handler that returns the same one twice gets a 500 that says so. */
export class Reply {
  /** Replaces the reason phrase of the status; the connection knows the usual ones. Sent to HTTP/1 clients only. */
  reason: string | undefined = undefined;
  /** The body, or undefined for none. */
  payload: Payload | undefined;
  /**
   * Called once by the connection: when all of the answer was handed to the transport, or when it was given up, with the reason.
   * {@link Reply.whenSent} adds to it.
   */
  onSent: SentListener | undefined = undefined;
  /**
   * Present in a reply that depends on its request, as one with a file does: the application calls it once, before middleware sees the
   * reply, and goes on with what it resolves to.
   */
  prepare: ((request: AnsweredRequest) => Promise<Reply>) | undefined = undefined;
  /** Called once by the application, when the reply has become the answer to a request. {@link Reply.whenTaken} adds to it. */
  onTaken: ReplyPreparation | undefined = undefined;
  /** Set by the application when the reply is given to a connection: it cannot answer another request. */
  taken = false;

  #status: number;
  #fields: FieldLines;
  #headers: HttpHeaders | undefined = undefined;

  /**
   * `fields` is name, value, name, value …, not copied and never changed here. Use the `reply` functions for the usual kinds.
   * Throws `UsageError` `reply/status` for a status that is not final (RFC 9110 §15).
   */
  constructor(status: number, fields: FieldLines = NO_FIELDS, payload?: Payload) {
    if (status !== 200) assertFinalStatus(status);
    this.#status = status;
    this.#fields = fields;
    this.payload = payload;
  }

  /** 200 to 599. Setting anything else throws `UsageError` `reply/status`. */
  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    assertFinalStatus(status);
    this.#status = status;
  }

  /** The protocol that the connection changes to with this answer; undefined in all replies but those that are for that. @internal */
  get successor(): Successor | undefined {
    return undefined;
  }

  /** The field lines as they will be sent, without those that the connection adds. */
  get fields(): FieldLines {
    return this.#headers === undefined ? this.#fields : this.#headers.raw;
  }

  /** The same field lines to read and change by name. */
  get headers(): HttpHeaders {
    if (this.#headers === undefined) this.#headers = HttpHeaders.fromFields(this.#fields);
    return this.#headers;
  }

  /**
   * Adds a `Set-Cookie` line (RFC 6265 §4.1), for the whole site: `path` is "/" unless given. Throws `UsageError` `cookies/…` for a
   * name, value or attribute that cannot be sent, `options/unknown` for one that there is not.
   */
  setCookie(name: string, value: string, attributes: CookieAttributes = {}): this {
    refuseUnknown("setCookie", attributes, COOKIE_ATTRIBUTES);
    this.headers.append("Set-Cookie", serializeSetCookie(name, value, { path: "/", ...attributes }));
    return this;
  }

  /** Asks the client to forget a cookie; `path` and `domain` must be those it was set with (RFC 6265 §3.1). */
  deleteCookie(name: string, attributes?: CookieAttributes): this {
    return this.setCookie(name, "", { ...attributes, maxAgeSeconds: 0 });
  }

  /**
   * Sends fields behind the body (RFC 9110 §6.5), which is then sent in chunks: the values, functions that give them when all of the body
   * has been read, or one function for all of them. Only clients that ask for trailers (`TE: trailers`) get them; others get the body as
   * it would be without, unless `unasked` is set, because the field does not pass every proxy. Throws `UsageError` for a field that cannot be sent,
   * or not there (RFC 9110 §6.5.1). A reply without a body has none.
   */
  setTrailers(trailers: ReplyTrailers, options: TrailerOptions = {}): this {
    if (this.payload === undefined) {
      throw new UsageError("reply/no-body", "Cannot send trailers: this reply has no body for them to follow");
    }
    this.payload = new TrailedPayload(this.payload, trailersOf(trailers, options.unasked ?? false));
    return this;
  }

  /** Releases the payload of a reply that will not be sent: for middleware that answers something else instead. */
  discard(): void {
    this.payload?.discard();
    this.payload = undefined;
  }

  /** Has `preparation` called before the reply is sent, after those added earlier and only if they succeed. */
  whenTaken(preparation: ReplyPreparation): this {
    const earlier = this.onTaken;
    this.onTaken =
      earlier === undefined
        ? preparation
        : (request) => {
            const preparing = earlier(request);
            return preparing === undefined ? preparation(request) : preparing.then(() => preparation(request));
          };
    return this;
  }

  /** Has `listener` called when the answer is over; listeners run in the order they were added. */
  whenSent(listener: SentListener): this {
    const earlier = this.onSent;
    this.onSent =
      earlier === undefined
        ? listener
        : (bodyBytes, error) => {
            earlier(bodyBytes, error);
            listener(bodyBytes, error);
          };
    return this;
  }
}

function assertFinalStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  throw new UsageError("reply/status", `Cannot answer with status ${status}: expected an integer from 200 to 599`);
}
