/**
 * The error that is an answer: thrown anywhere while a request is served, it becomes the reply that its status names.
 * How it is written down (problem+json, HTML or text) is decided in `problem.ts`.
 */

import { SluiceError, UsageError } from "../errors.js";
import { type HeadersSource, HttpHeaders } from "../http/headers.js";
import { reasonPhrase } from "../http/status.js";
import type { FieldLines } from "../http1/sinks.js";

/** What goes with an {@link HttpError}. */
export interface HttpErrorOptions {
  /** Field lines of the answer, such as `Retry-After` or `WWW-Authenticate`. Never a `Content-Type`: that is negotiated. */
  readonly headers?: HeadersSource;
  /**
   * Whether the client is shown `message`. Off, it sees only the status's own phrase.
   *
   * @default true below 500, false from 500 on
   */
  readonly expose?: boolean;
  /**
   * Whether the application's `onError` is told. Off for an answer that is nobody's fault, such as "too many at present".
   *
   * @default false below 500, true from 500 on
   */
  readonly report?: boolean;
  /** What led to this. Never shown to the client. */
  readonly cause?: unknown;
  /** Stable name of what happened, for those who catch. @default "http/" and the status */
  readonly code?: string;
  /** The problem's type, a URI reference (RFC 9457 §3.1.1). Sent in problem+json only. @default absent: about:blank */
  readonly type?: string;
  /** Further members of the problem document (RFC 9457 §3.2), shown whatever `expose` says. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Thrown to answer with an error status: `throw new HttpError(404, "No such user")`. */
export class HttpError extends SluiceError {
  static override readonly kind: string = "HttpError";

  /** 400 to 599. */
  readonly status: number;
  readonly expose: boolean;
  readonly report: boolean;
  readonly fields: FieldLines;
  readonly type: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /** `message` defaults to the status's phrase. Throws `UsageError` `http-error/status` for a status that is no error. */
  constructor(status: number, message?: string, options: HttpErrorOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new UsageError("http-error/status", `Cannot make an HttpError of status ${status}: expected 400 to 599`);
    }
    super(options.code ?? `http/${status}`, message ?? reasonPhrase(status), { cause: options.cause });
    this.status = status;
    this.expose = options.expose ?? status < 500;
    this.report = options.report ?? status >= 500;
    this.fields = options.headers === undefined ? [] : new HttpHeaders(options.headers).raw;
    this.type = options.type;
    this.details = options.details;
  }
}
