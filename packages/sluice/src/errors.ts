/**
 * The error tree. A class exists only where a catcher would act differently; what exactly happened is the `code`.
 *
 *   SluiceError
 *   ├ UsageError             the caller asked for something that cannot be: fix the call
 *   │ └ InvalidUrlError      … and the URL is what is wrong
 *   ├ ConnectError           no connection: try another time or place
 *   │ ├ DnsError             the name has no address
 *   │ ├ TlsError             the peer could not be trusted, or the handshake failed
 *   │ └ ProxyError           the proxy could not be reached, or would not
 *   ├ RequestTimeoutError    `phase` says which limit ended it
 *   ├ ConnectionLostError    the connection broke while it was in use
 *   ├ ProtocolError          the peer broke the rules of HTTP
 *   ├ PayloadError           the body is short, corrupt or of an unknown coding
 *   │ └ ResponseTooLargeError  … or larger than we agreed to take
 *   ├ ResponseError          an error status, where content was asked for
 *   ├ ContentTypeError       another media type than was asked for
 *   ├ ValidationError        data of the right form that is not what the schema asks for
 *   ├ AuthenticationError    no credentials to be had, or a server that cannot prove who it is: log in anew
 *   ├ TooManyRedirectsError
 *   ├ SessionClosedError
 *   ├ WebSocketClosedError   the WebSocket is over; `closeCode` says how
 *   ├ TaskError              concurrency: a task group or worker pool was closed under somebody who waits
 *   └ HttpError              server: the answer to a request, thrown by its handler
 *
 * `PeerError` is the codecs' own: it says what a peer's bytes did wrong, knows no request, and is wrapped into
 * `ProtocolError` (client) or answered with its `statusHint` (server) before any user sees it.
 *
 * Several copies of this package in one process recognise each other's errors: `instanceof` asks for a brand.
 */

/** Where in the life of a request something happened. */
export type RequestPhase =
  | "options"
  | "throttle"
  | "queue"
  | "dns"
  | "connect"
  | "tls"
  | "write"
  | "headers"
  | "read"
  | "attempt"
  | "total"
  | "redirect"
  | "response";

/** What an error knows about the request it ended. Strings here are already free of secrets. */
export interface RequestContext {
  readonly method?: string | undefined;
  /** The URL as `showUrl` shows it. */
  readonly url?: string | undefined;
  readonly phase?: RequestPhase | undefined;
  /** Which send this was, counting from 1. */
  readonly attempt?: number | undefined;
  /** Milliseconds since the request was made. */
  readonly elapsed?: number | undefined;
}

/** What an error is made with beside its code and message: the request it ended, as far as that is known, and its cause. */
export interface ErrorDetails extends RequestContext {
  readonly cause?: unknown;
}

const BRAND = Symbol.for("sluice.error.kinds");

interface Branded {
  readonly [BRAND]: readonly string[];
}

/** The names of the Sluice classes that a constructor stands for, itself first. Users' own subclasses add none. */
function kindsOf(made: typeof SluiceError): readonly string[] {
  const kinds: string[] = [];
  let current: unknown = made;
  while (typeof current === "function" && current !== Function.prototype) {
    if (Object.hasOwn(current, "kind")) kinds.push((current as typeof SluiceError).kind);
    current = Object.getPrototypeOf(current);
  }
  return kinds;
}

/** Anything this library throws. `code` is stable and documented; the wording of `message` is not. */
export class SluiceError extends Error {
  static readonly kind: string = "SluiceError";

  readonly code: string;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly phase: RequestPhase | undefined;
  readonly attempt: number | undefined;
  readonly elapsed: number | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details && details.cause !== undefined ? { cause: details.cause } : undefined);
    this.code = code;
    this.method = details.method;
    this.url = details.url;
    this.phase = details.phase;
    this.attempt = details.attempt;
    this.elapsed = details.elapsed;
    const kinds = kindsOf(new.target);
    Object.defineProperty(this, "name", { value: kinds[0], configurable: true, writable: true });
    Object.defineProperty(this, BRAND, { value: kinds });
  }

  /** True for instances of this class made by any copy of the package; for a user's subclass, the ordinary test. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!Object.hasOwn(this, "kind")) return Function.prototype[Symbol.hasInstance].call(this, value);
    return isSluiceError(value) && (value as unknown as Branded)[BRAND].includes(this.kind);
  }

  /** What a log may keep: no cause chain (it may be foreign), nothing secret. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, method, url, phase, attempt, elapsed } = this;
    return { name, code, message, method, url, phase, attempt, elapsed };
  }
}

/**
 * Says of an error made deep in the engine which request it ended: fills in the context, puts method and URL before the
 * message and takes the stack anew, so that it shows the caller's frames (V8 follows the awaits of the async function that
 * calls this). An error that has a context keeps it.
 */
export function describeError<T extends SluiceError>(error: T, context: RequestContext): T {
  if (error.method !== undefined) return error;
  Object.assign(error, {
    method: context.method,
    url: context.url,
    phase: error.phase ?? context.phase,
    attempt: context.attempt,
    elapsed: context.elapsed,
    message: `${context.method} ${context.url}: ${error.message}`,
  });
  Error.captureStackTrace(error, describeError);
  return error;
}

/** True for every error of this library, whichever copy of it made the error. */
export function isSluiceError(value: unknown): value is SluiceError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** The call itself is wrong: an option out of range, a header with a line break, a body read twice. */
export class UsageError extends SluiceError {
  static override readonly kind: string = "UsageError";
}

/** The URL cannot be requested: it does not parse, or its scheme, host or port is refused. */
export class InvalidUrlError extends UsageError {
  static override readonly kind: string = "InvalidUrlError";
}

/** What a {@link ConnectError} knows besides: a failure for each address tried. */
export interface ConnectErrorDetails extends ErrorDetails {
  readonly causes?: readonly Error[];
}

/** No connection could be made. Of several addresses tried, `cause` is the most telling failure, `causes` has them all. */
export class ConnectError extends SluiceError {
  static override readonly kind: string = "ConnectError";
  /** One failure for each address tried, in the order of failing; empty when it did not come to that. */
  readonly causes: readonly Error[];

  constructor(code: string, message: string, details: ConnectErrorDetails = {}) {
    super(code, message, details);
    this.causes = details.causes ?? [];
  }
}

/** The host's name leads to no address: wrong, unknown, or the name servers did not answer. */
export class DnsError extends ConnectError {
  static override readonly kind: string = "DnsError";
}

/** The peer could not be trusted, or no common way to speak TLS was found; nothing of the request was sent. */
export class TlsError extends ConnectError {
  static override readonly kind: string = "TlsError";
}

/** What a {@link ProxyError} knows besides: the status that an HTTP proxy answered with. */
export interface ProxyErrorDetails extends ConnectErrorDetails {
  readonly status?: number | undefined;
}

/** The way through the proxy did not open: it is out of reach, wants credentials, or refuses. Nothing of the request was sent to the origin. */
export class ProxyError extends ConnectError {
  static override readonly kind: string = "ProxyError";
  /** What an HTTP proxy answered instead of 2xx (RFC 9110 §9.3.6); undefined otherwise. */
  readonly status: number | undefined;

  constructor(code: string, message: string, details: ProxyErrorDetails = {}) {
    super(code, message, details);
    this.status = details.status;
  }
}

/** A time limit ended the request; `phase` names the limit and `code` is `timeout.<limit>`. */
export class RequestTimeoutError extends SluiceError {
  static override readonly kind: string = "RequestTimeoutError";
}

/** The connection was reset or closed while the request was under way. */
export class ConnectionLostError extends SluiceError {
  static override readonly kind: string = "ConnectionLostError";
}

/** The peer broke HTTP's rules; the connection was closed. */
export class ProtocolError extends SluiceError {
  static override readonly kind: string = "ProtocolError";
}

/** A body arrived short, corrupt, or in a coding that cannot be decoded. */
export class PayloadError extends SluiceError {
  static override readonly kind: string = "PayloadError";
}

/** A body grew beyond `maxResponseSize` or the expansion guard. */
export class ResponseTooLargeError extends PayloadError {
  static override readonly kind: string = "ResponseTooLargeError";
}

/** The `Content-Type` is not the one the caller asked for. */
export class ContentTypeError extends SluiceError {
  static override readonly kind: string = "ContentTypeError";
}

/** One thing that a schema found wrong. */
export interface ValidationIssue {
  /** The schema library's own words; some of them quote the value. */
  readonly message: string;
  /** Where in the value: names and indexes from the outside in; empty for the value itself. */
  readonly path: readonly PropertyKey[];
}

/** What a {@link ValidationError} knows besides. */
export interface ValidationErrorDetails extends ErrorDetails {
  readonly issues: readonly ValidationIssue[];
}

/** Data arrived and could be read, but is not what the schema asks for. The message names the first few issues. */
export class ValidationError extends SluiceError {
  static override readonly kind: string = "ValidationError";
  /** All issues, in the schema's order. */
  readonly issues: readonly ValidationIssue[];

  constructor(code: string, message: string, details: ValidationErrorDetails) {
    super(code, message, details);
    this.issues = details.issues;
  }
}

/** Credentials could not be had or refreshed, or the server did not prove that it knows them. A 401 is no error but a status. */
export class AuthenticationError extends SluiceError {
  static override readonly kind: string = "AuthenticationError";
}

/** Redirected more often than `maxRedirects` allows. */
export class TooManyRedirectsError extends SluiceError {
  static override readonly kind: string = "TooManyRedirectsError";
}

/** The session was closed before or while the request ran. */
export class SessionClosedError extends SluiceError {
  static override readonly kind: string = "SessionClosedError";
}

/** A task group, semaphore or worker pool was closed while somebody waited for it. */
export class TaskError extends SluiceError {
  static override readonly kind: string = "TaskError";
}

/** What a {@link WebSocketClosedError} knows besides. */
export interface WebSocketClosedDetails extends ErrorDetails {
  readonly closeCode: number;
  readonly closeReason: string;
}

/** A WebSocket ended, or had ended before it was asked for something. */
export class WebSocketClosedError extends SluiceError {
  static override readonly kind: string = "WebSocketClosedError";
  /** How it ended (RFC 6455 §7.4): 1000 is by consent, 1006 means that it broke off. */
  readonly closeCode: number;
  /** The peer's words, or ours where we ended it; empty if there were none. At most 123 bytes. */
  readonly closeReason: string;

  constructor(code: string, message: string, details: WebSocketClosedDetails) {
    super(code, message, details);
    this.closeCode = details.closeCode;
    this.closeReason = details.closeReason;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), closeCode: this.closeCode, closeReason: this.closeReason };
  }
}

/** What a peer's bytes did wrong. Thrown by codecs only. */
export class PeerError extends SluiceError {
  static override readonly kind: string = "PeerError";
  /** The status a server should answer with (RFC 9110 §15.5); 400 unless the rule names a better one. */
  readonly statusHint: number;

  constructor(code: string, message: string, statusHint = 400) {
    super(code, message);
    this.statusHint = statusHint;
  }
}
