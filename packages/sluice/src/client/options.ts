/**
 * What a caller may ask of a session or of one request. Options are resolved once, at the edge: behind this file every field
 * is present and in range, and the engine has no `??` of its own.
 */

import type { ContentCoding } from "../body/content-coding.js";
import type { BodyInput } from "../body/payload.js";
import type { ProgressListener } from "../body/progress.js";
import type { MultipartInput } from "../body/sending/multipart-parts.js";
import type { Connector, ConnectorOptions } from "./connector.js";
import type { CookieJar } from "./cookie-jar.js";
import type { BasicOptions } from "./middleware/auth/basic.js";
import type { BearerSource } from "./middleware/auth/bearer.js";
import type { CredentialOrigins } from "./middleware/auth/credential-rule.js";
import type { DigestOptions } from "./middleware/auth/digest.js";
import type { NetrcOptions } from "./middleware/auth/netrc.js";
import type { RetryOptions } from "./middleware/retrying/retry-options.js";
import type { ThrottleOptions } from "./middleware/throttling/throttle-options.js";
import type { TraceparentOption } from "./middleware/trace-context.js";
import type { ClientMiddleware } from "./middleware.js";
import type { ProxySetting } from "./proxy/proxy-options.js";
import type { RequestCookies } from "./request-cookies.js";
import type { ClientResponse } from "./response.js";
import type { SessionTrace } from "./tracing.js";

/** Anything `new Headers()` takes. */
export type HeadersInput =
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Query parameters: `undefined` values are left out, arrays repeat the name. */
export type ParamsInput =
  | URLSearchParams
  | string
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, ParamValue | readonly ParamValue[] | undefined>>;

/** What a query parameter can be; written as `String()` does. `UsageError` `options/unknown-value` for numbers that are none, or not finite. */
export type ParamValue = string | number | boolean | bigint;

/** Time limits of one request, each in milliseconds; `Infinity` switches one off, 0 is refused. A bare number is `total`. */
export interface TimeoutOptions {
  /** Longest wait for a place in the pool. @default Infinity */
  readonly queue?: number;
  /** DNS, TCP and TLS together, over all addresses. @default 30_000 */
  readonly connect?: number;
  /** From the whole request sent to the head of the answer; 1xx do not restart it. @default 300_000 */
  readonly headers?: number;
  /** The gap between two reads while somebody reads the body. @default 300_000 */
  readonly read?: number;
  /** How long an upload may stand still because the peer takes nothing. @default 300_000 */
  readonly write?: number;
  /** One attempt: one send and its answer (with its body, where the request is consumed as content). @default Infinity */
  readonly attempt?: number;
  /**
   * Everything: redirects, retries, and the body.
   * @default 300_000 for the buffering shortcuts (`text()`, `json()` …), Infinity for a response that is streamed
   */
  readonly total?: number;
}

/** What one request may ask for; each over the session's own. */
export interface RequestOptions {
  /** Added to the URL's own query, after the session's. */
  readonly params?: ParamsInput;
  /** Replace the session's fields of the same name. */
  readonly headers?: HeadersInput;
  /**
   * Sends this value as JSON, as `JSON.stringify` writes it: NaN and Infinity become null. One of `json`, `form`, `multipart` and
   * `body`; as with every option, undefined is as if it were not there, and no body is sent.
   */
  readonly json?: unknown;
  /** Sends these fields as application/x-www-form-urlencoded. */
  readonly form?: ParamsInput;
  /** Sends these parts as multipart/form-data. */
  readonly multipart?: MultipartInput;
  /** Sends these bytes; a function is called for each attempt and so can be sent again. */
  readonly body?: BodyInput;
  /**
   * Fields behind the body, which is then sent in chunks (RFC 9110 §6.5). The values may be functions, and so may the whole: they
   * are called when the body has been sent, but only names that are known before can be announced to the recipient.
   */
  readonly trailers?: TrailersInput;
  /** Told of the upload; see `Progress`. Refused for a request without a body. Starts anew with each send. */
  readonly onProgress?: ProgressListener;
  /** Told of the download, as the body's bytes come from the wire, read or not. Starts anew with each send. */
  readonly onDownloadProgress?: ProgressListener;
  /**
   * Sends the head with `Expect: 100-continue` and holds the body back until the server asks for it, or for so many milliseconds;
   * `true` is 1,000, `Infinity` waits as long as `timeout.headers` allows. @default false
   */
  readonly expectContinue?: boolean | number;
  /** Compresses the body: `true` is gzip. Refused beside a Content-Encoding of the caller's. @default false */
  readonly compress?: CompressInput;
  /** Merges field by field over the session's; a number sets `total`. */
  readonly timeout?: number | TimeoutOptions;
  /** Aborting it rejects with its `reason` itself, in whatever phase the request is. */
  readonly signal?: AbortSignal;
  /** Throws `ResponseError` for a status of 400 or more, or where the function returns true. @default false */
  readonly raiseForStatus?: boolean | ((response: ClientResponse) => boolean);
  /** What a 3xx with a Location does: followed, returned as it is, or an error. @default "follow" */
  readonly redirect?: "follow" | "manual" | "error";
  /** Redirects followed at most; one more throws `TooManyRedirectsError`. @default 10 */
  readonly maxRedirects?: number;
  /** Lets a redirect lead from https to http. @default false */
  readonly allowInsecureRedirect?: boolean;
  /** Decodes Content-Encoding and asks for codings. @default true */
  readonly decompress?: boolean;
  /** Most bytes, decoded, that a body may have. @default Infinity for streams, 256 MiB for the buffering shortcuts */
  readonly maxResponseSize?: number;
  /** In place of the session's; `false` for none. Fixed place, see `SessionOptions.retry`. */
  readonly retry?: number | RetryOptions | false;
  /** Its place among those that the session's throttle holds back; `false` exempts it. */
  readonly throttle?: ThrottleChoice | false;
  /**
   * In place of the session's; `false` for none. Goes to the origin that was asked for. The same object given to many requests
   * keeps what it has learned: nonces, tokens.
   */
  readonly auth?: AuthOptions | false;
  /**
   * Cookies of this request by name, sent as they are: before the jar's, in place of those of the same name, and not stored.
   * They stay home on a redirect to another origin.
   */
  readonly cookies?: RequestCookies;
  /** In place of the session's and the connector's; `false` goes straight to the origin. */
  readonly proxy?: ProxySetting;
  /** Run for this request inside the session's own, once; first is outermost. */
  readonly middleware?: readonly ClientMiddleware[];
  /** Run for this request inside the session's own, for each hop and attempt; first is outermost. */
  readonly hopMiddleware?: readonly ClientMiddleware[];
  /** Anything of the caller's, for middleware to find at `request.context`. Never sent. */
  readonly context?: unknown;
  /** In place of the session's. */
  readonly omitHeaders?: readonly OmittableHeader[];
  /** TLS: name to ask for and to find in the certificate instead of the URL's host. Not used after a redirect to another origin. */
  readonly servername?: string;
}

/** What one request may say to the throttles on its way. */
export interface ThrottleChoice {
  /** Requests with a higher number go first. @default what the throttle's own `priority` says, else 0 */
  readonly priority?: number;
  /** It shares its rate with the requests of the same key. @default what the throttle's `scope` says */
  readonly key?: string;
}

/** Automatic fields of requests that can be left out; Host and those of the body belong to the message. */
export type OmittableHeader = "accept" | "accept-encoding" | "user-agent";

/** How a body is compressed, or false for not at all. */
export type CompressInput = boolean | ContentCoding | CompressOptions;

/** A content coding, and from where on it is worth it. */
export interface CompressOptions {
  /** zstd only where Node.js has it. @default "gzip" */
  readonly coding?: ContentCoding;
  /** A body known to be shorter, in bytes, is sent as it is; 0 compresses every one that is not empty. @default 1_024 */
  readonly threshold?: number;
}

/** Trailers: fields whose values may be functions, or a function that gives the fields. */
export type TrailersInput =
  | HeadersInput
  | Readonly<Record<string, string | (() => string | Promise<string>)>>
  | (() => HeadersInput | Promise<HeadersInput>);

/**
 * How requests authenticate: Basic (RFC 7617), a bearer token (RFC 6750), Digest (RFC 7616), or what the user's `.netrc` has for the
 * host. The middleware of these names says what each option is.
 */
export type AuthOptions =
  | ({ readonly username: string; readonly password: string } & BasicOptions)
  | ({ readonly bearer: BearerSource } & CredentialOrigins)
  | { readonly digest: { readonly username: string; readonly password: string } & DigestOptions }
  | { readonly netrc: true | NetrcOptions };

/** What holds for all requests of a session unless they say otherwise. */
export interface SessionOptions {
  /**
   * Relative URLs are joined to this, as `new URL(url, base)` does. Its path must end in a slash. Session defaults are sent to
   * its origin only, see `defaultsFor`.
   */
  readonly baseUrl?: string | URL;
  /** Refuses requests to another origin than `baseUrl`'s when false. @default true */
  readonly allowAbsoluteUrls?: boolean;
  /** Further origins that get the session's headers, params and auth: origins, or a function of the URL's origin. */
  readonly defaultsFor?: readonly string[] | ((origin: string) => boolean);
  readonly headers?: HeadersInput;
  readonly params?: ParamsInput;
  /** Sugar for the middleware of these names at their fixed place. Goes where the session's defaults go. */
  readonly auth?: AuthOptions;
  readonly timeout?: number | TimeoutOptions;
  /** Options: the session makes a connector and closes it. An instance: shared, closed by whoever made it. */
  readonly connector?: Connector | ConnectorOptions;
  /** A jar, or false for none. @default a new jar */
  readonly cookies?: CookieJar | false;
  /** Sugar for the retry middleware at its fixed place; a number sets `attempts`. */
  readonly retry?: number | RetryOptions;
  /** Sugar for the throttle middleware at its fixed place. */
  readonly throttle?: ThrottleOptions;
  /** In place of the connector's; `false` goes straight to the origin. @default the connector's */
  readonly proxy?: ProxySetting;
  /** Run once per logical request, first is outermost. */
  readonly middleware?: readonly ClientMiddleware[];
  /** Run for each hop and attempt, first is outermost. */
  readonly hopMiddleware?: readonly ClientMiddleware[];
  /** Listeners to what requests do, one set of them or several: see docs/tracing.md. A derived session's come after these. */
  readonly trace?: SessionTrace;
  /**
   * Passes a trace on with each send, as `traceparent` and `tracestate` (W3C Trace Context), where the session's defaults go: a new
   * one for each request, or the one that the function returns. @default none
   */
  readonly traceparent?: TraceparentOption;
  /**
   * Makes values of JSON answers, for `json()`: integers beyond 2^53, dates … What it throws is the cause of a `PayloadError`
   * `body/invalid-json`. @default JSON.parse
   */
  readonly parseJson?: (text: string) => unknown;
  /** Makes the text of `json` bodies. @default JSON.stringify */
  readonly stringifyJson?: (value: unknown) => string;
  /** Automatic fields that are not sent unless a request sets them itself. @default none */
  readonly omitHeaders?: readonly OmittableHeader[];
  readonly raiseForStatus?: boolean | ((response: ClientResponse) => boolean);
  readonly redirect?: "follow" | "manual" | "error";
  readonly maxRedirects?: number;
  readonly allowInsecureRedirect?: boolean;
  readonly decompress?: boolean;
  readonly maxResponseSize?: number;
  /** For requests with a body. */
  readonly expectContinue?: boolean | number;
  readonly compress?: CompressInput;
  /** Query names whose values may stand in errors, logs and traces; all others are shown as `…`. */
  readonly showQuery?: readonly string[];
  /** Further header names whose values are secret. */
  readonly secretHeaders?: readonly string[];
  /** A body left unread for so many milliseconds is given up and its connection closed. @default 30_000 */
  readonly unreadTimeout?: number;
  /** Aborts every request of the session. */
  readonly signal?: AbortSignal;
}

/** {@link TimeoutOptions} with nothing left open; `total` is undefined where neither session nor request sets it. */
export interface ResolvedTimeouts {
  readonly queue: number;
  readonly connect: number;
  readonly headers: number;
  readonly read: number;
  readonly write: number;
  readonly attempt: number;
  readonly total: number | undefined;
}

/** The limits of {@link TimeoutOptions} where nobody set one, in milliseconds. */
export const TIMEOUT_DEFAULTS: ResolvedTimeouts = Object.freeze({
  queue: Number.POSITIVE_INFINITY,
  connect: 30_000,
  headers: 300_000,
  read: 300_000,
  write: 300_000,
  attempt: Number.POSITIVE_INFINITY,
  total: undefined,
});

/** `total` for the buffering shortcuts where nobody set one. */
export const BUFFERED_TOTAL_TIMEOUT = 300_000;
/** `maxResponseSize` for the buffering shortcuts where nobody set one. */
export const BUFFERED_MAX_SIZE = 256 * 1024 * 1024;
