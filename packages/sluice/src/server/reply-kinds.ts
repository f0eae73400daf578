/**
 * The usual answers: `reply.json`, `text`, `html`, `bytes`, `stream`, `sse`, `file`, `redirect`, `empty`. Each takes the status and the field lines of
 * the answer as its last argument; a `Content-Type` given there replaces the kind's own.
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { type BodyPiece, jsonPayload, toPayload } from "../body/payload.js";
import { UsageError } from "../errors.js";
import { type HeadersSource, HttpHeaders } from "../http/headers.js";
import type { FieldLines } from "../http1/sinks.js";
import { fileSize } from "../platform/file-size.js";
import { PrimedPayload } from "./primed-payload.js";
import { BYTES_FIELDS, HTML_FIELDS, JSON_FIELDS, NO_FIELDS, Reply, TEXT_FIELDS } from "./reply.js";
import { type EventStreamReplyOptions, eventStreamReply } from "./sse/event-stream-reply.js";
import type { EventStreamSource } from "./sse/event-stream-source.js";
import { type FileReplyOptions, fileReply } from "./static/reply-file.js";

/** Status and field lines of an answer. */
export interface ReplyOptions {
  /** 200 to 599, `UsageError` `reply/status` beyond. @default 200; 204 for `empty`, 302 for `redirect` */
  readonly status?: number;
  /** Replaces the status's usual phrase. Sent to HTTP/1 clients only. */
  readonly reason?: string;
  /** Field lines of the answer. `UsageError` for a name or value that cannot be sent. */
  readonly headers?: HeadersSource;
}

/** How `reply.json` answers. */
export interface JsonReplyOptions extends ReplyOptions {
  /** In place of `JSON.stringify`: for values that it cannot write, bigints for example, or faster for a known shape. */
  readonly stringify?: (value: unknown) => string;
}

/** What `reply.bytes` and `reply.stream` take as options. */
export interface TypedReplyOptions extends ReplyOptions {
  /** The media type. @default "application/octet-stream" */
  readonly type?: string;
}

/** The statuses that redirect (RFC 9110 §15.4). */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/** How `reply.redirect` answers. */
export interface RedirectOptions extends ReplyOptions {
  /** 303 to have the client GET, 307 or 308 to have it repeat the method. @default 302 */
  readonly status?: RedirectStatus;
}

/** How `reply.stream` answers. */
export interface StreamReplyOptions extends TypedReplyOptions {
  /**
   * Sends the head at once. Otherwise it waits for the first piece, so that a source that fails at its beginning is answered with an
   * error; one that fails later breaks the connection, because that is the one way to say that an answer is incomplete.
   *
   * @default false
   */
  readonly headFirst?: boolean;
}

/**
 * What can be streamed: pieces of bytes or text, Node's streams and those of the web among them. Reading stops, and the source is
 * told, when the client goes away.
 */
export type StreamSource = AsyncIterable<BodyPiece> | WebReadableStream<Uint8Array>;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const CONTROL = /\p{Cc}/u;
const NOT_IN_URLS = /[^!-~]/gu;

/** Makes replies; see the head of this file. */
export const reply = Object.freeze({
  /** `value` as JSON. Throws `UsageError` `body/not-json` for what JSON cannot say: undefined, functions, bigints, cycles. */
  json(value: unknown, options?: JsonReplyOptions): Reply {
    return finish(options, JSON_FIELDS, jsonPayload(value, options?.stringify));
  },

  /** `text` as `text/plain` in UTF-8. */
  text(text: string, options?: ReplyOptions): Reply {
    return finish(options, TEXT_FIELDS, toPayload(text));
  },

  /** `html` as `text/html` in UTF-8. Escaping what goes into it is the caller's business. */
  html(html: string, options?: ReplyOptions): Reply {
    return finish(options, HTML_FIELDS, toPayload(html));
  },

  /** `bytes`, which must not change until the answer is sent. */
  bytes(bytes: Uint8Array | ArrayBuffer, options?: TypedReplyOptions): Reply {
    return finish(options, typeFields(options?.type), toPayload(bytes));
  },

  /** The pieces of `source` as they come, in chunks, at the client's pace. */
  stream(source: StreamSource, options?: StreamReplyOptions): Reply {
    const payload = toPayload(source, { fileSize });
    if (options?.headFirst === true) return finish(options, typeFields(options.type), payload);
    const primed = new PrimedPayload(payload);
    const made = finish(options, typeFields(options?.type), primed);
    return made.whenTaken((request) => (request.method === "HEAD" ? undefined : primed.prime(request.signal)));
  },

  /**
   * The events of `source` as a `text/event-stream`, at the reader's pace, until the source ends, the reader leaves or the server closes.
   * A function is called for each reader, with the id that it left off at and a signal. Throws `UsageError` `options/…`, or
   * `reply/no-events` for what is no source.
   */
  sse(source: EventStreamSource, options?: EventStreamReplyOptions): Reply {
    return eventStreamReply(source, options);
  },

  /**
   * The file at `path`, or what of it the request wants: conditions and ranges are seen to (RFC 9110 §13, §14). 404 where there is no
   * regular file. Opened when the answer is about to leave. Throws `UsageError` `options/…`.
   */
  file(path: string, options?: FileReplyOptions): Reply {
    return fileReply(path, options);
  },

  /**
   * Sends the client to `location`, a URL or a reference relative to the request's. Throws `UsageError` `reply/location` if it has
   * control characters, line breaks above all, and `reply/status` for a status that does not redirect.
   */
  redirect(location: string | URL, options: RedirectOptions = {}): Reply {
    const { status = 302 } = options;
    if (!REDIRECTS.includes(status)) {
      throw new UsageError("reply/status", `Cannot redirect with status ${status}: expected ${REDIRECTS.join(", ")}`);
    }
    const text = String(location);
    if (text === "" || CONTROL.test(text)) {
      throw new UsageError("reply/location", "Cannot redirect: the location is empty or has control characters");
    }
    const fields = ["Location", text.replace(NOT_IN_URLS, encodeURIComponent)];
    return finish({ ...options, status }, fields, undefined);
  },

  /** No body. */
  empty(options: ReplyOptions = {}): Reply {
    return finish({ ...options, status: options.status ?? 204 }, NO_FIELDS, undefined);
  },
});

function finish(options: ReplyOptions | undefined, fields: FieldLines, payload: Reply["payload"]): Reply {
  if (options === undefined) return new Reply(200, fields, payload);
  const { status = 200, reason, headers } = options;
  const made = new Reply(status, headers === undefined ? fields : mergeFields(fields, headers), payload);
  made.reason = reason;
  return made;
}

/** The kind's own fields, unless the caller has the same, then the caller's. */
function mergeFields(own: FieldLines, given: HeadersSource): FieldLines {
  const headers = new HttpHeaders(given);
  const [name, value] = own;
  return name === undefined || value === undefined || headers.has(name) ? headers.raw : [name, value, ...headers.raw];
}

function typeFields(type: string | undefined): FieldLines {
  return type === undefined ? BYTES_FIELDS : ["Content-Type", type];
}
