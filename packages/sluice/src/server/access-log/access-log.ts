/**
 * One line for each answer, in the formats that log tools know: Common, Combined, a pattern, or a JSON object. What clients wrote cannot
 * break out of its place: quotes, backslashes, control and non-ASCII characters are escaped, and query values are shown as `…` unless
 * listed, in the target and in the Referer alike. Written when the answer is over, so that size and duration are true.
 */

import type { Clock } from "../../concurrency/clock.js";
import { isSluiceError, UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction } from "../../options.js";
import { type ErrorListener, report } from "../error-report.js";
import type { Reply } from "../reply.js";
import type { ServerRequest } from "../request/server-request.js";
import type { AccessLogEntry, Formatter, Shown } from "./entry.js";
import { compilePattern, isPattern } from "./pattern.js";
import { commonTime, logEscape, requestLine, showField, showTarget, unicodeEscape } from "./shown-text.js";

/** How an application logs its answers. */
export interface AccessLogOptions {
  /**
   * `common` and `combined` as Apache and nginx write them, `json` one object a line, or a pattern such as `%a %s "%r" %Tf`: its
   * directives stand in docs/server-middleware.md. `UsageError` `options/unknown-value` for one that there is not.
   *
   * @default "combined"
   */
  readonly format?: AccessLogFormat;
  /**
   * Takes one line, without line break, and what it was made of. What it throws goes to the application's `onError`.
   *
   * @default standard output
   */
  readonly write?: (line: string, entry: AccessLogEntry) => void;
  /** Names of query parameters whose values may be shown. @default none */
  readonly showQuery?: Iterable<string>;
  /** Names of fields whose values are hidden, where a pattern shows fields, besides those of credentials and cookies. @default none */
  readonly hideHeaders?: Iterable<string>;
  /** Further members of the JSON object, in place of those of the same name; left out if undefined. Only with `json`. */
  readonly fields?: (entry: AccessLogEntry) => Readonly<Record<string, unknown>>;
  /** Answers without a line, asked when they are over: a health check's, nine of ten that went well. @default none */
  readonly skip?: (entry: AccessLogEntry) => boolean;
}

/** See {@link AccessLogOptions.format}. */
export type AccessLogFormat = "common" | "combined" | "json" | `${string}%${string}`;

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof AccessLogOptions>([
  ...(["format", "write", "showQuery", "hideHeaders", "fields", "skip"] as const),
]);
/** JSON.stringify leaves these as they are; terminals obey some of them. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g;

/** Writes lines; see the head of this file. */
export class AccessLog {
  readonly #format: Formatter;
  readonly #write: (line: string, entry: AccessLogEntry) => void;
  readonly #skip: AccessLogOptions["skip"];
  readonly #clock: Clock;
  readonly #onError: ErrorListener;

  /** Throws `UsageError` `options/…` for an option of the wrong kind, or unknown. */
  constructor(options: AccessLogOptions, clock: Clock, onError: ErrorListener) {
    refuseUnknown("accessLog", options, OPTION_NAMES);
    const { write = writeToStandardOutput, skip } = options;
    requireFunction("accessLog.write", write);
    if (skip !== undefined) requireFunction("accessLog.skip", skip);
    this.#format = formatterOf(options);
    this.#write = write;
    this.#skip = skip;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** To be called when the request begins; the line is written when `reply` is over. */
  watch(request: ServerRequest): (reply: Reply) => void {
    const startedAt = this.#clock.now();
    const wallTimeMs = this.#clock.wallTime();
    const { remoteAddress } = request; // gone when the connection is
    return (reply) => {
      reply.whenSent((bodyBytes, error) => {
        const durationMs = this.#clock.now() - startedAt;
        const { status } = reply;
        this.#log({ wallTimeMs, durationMs, request, reply, remoteAddress, status, bodyBytes, error });
      });
    };
  }

  #log(entry: AccessLogEntry): void {
    try {
      if (this.#skip?.(entry) !== true) this.#write(this.#format(entry), entry);
    } catch (error) {
      report(this.#onError, error, entry.request);
    }
  }
}

function formatterOf({ format = "combined", showQuery = [], hideHeaders = [], fields }: AccessLogOptions): Formatter {
  const hiddenFields = new Set([...hideHeaders].map((name) => name.toLowerCase()));
  const shown: Shown = { query: new Set(showQuery), hiddenFields };
  if (fields !== undefined) {
    requireFunction("accessLog.fields", fields);
    if (format !== "json") {
      throw new UsageError(
        "options/unknown-value",
        `Cannot use accessLog.fields: there are none with format "${format}"`,
      );
    }
  }
  switch (format) {
    case "common":
      return (entry) => commonLine(entry, shown);
    case "combined":
      return (entry) => combinedLine(entry, shown);
    case "json":
      return (entry) => jsonLine(entry, shown, fields);
  }
  if (isPattern(format)) return compilePattern(format, shown);
  const name: string = format;
  throw new UsageError(
    "options/unknown-value",
    `Cannot log as "${name}": expected common, combined, json, or a pattern with %`,
  );
}

function commonLine(entry: AccessLogEntry, shown: Shown): string {
  const { status, bodyBytes } = entry;
  const start = `${entry.remoteAddress ?? "-"} - - [${commonTime(entry.wallTimeMs)}]`;
  return `${start} "${requestLine(entry, shown)}" ${status} ${bodyBytes === 0 ? "-" : bodyBytes}`;
}

function combinedLine(entry: AccessLogEntry, shown: Shown): string {
  const { headers } = entry.request;
  const referer = showField("referer", headers.get("referer"), shown) ?? "-";
  const agent = showField("user-agent", headers.get("user-agent"), shown) ?? "-";
  return `${commonLine(entry, shown)} "${logEscape(referer)}" "${logEscape(agent)}"`;
}

function jsonLine(entry: AccessLogEntry, shown: Shown, fields: AccessLogOptions["fields"]): string {
  const { request, error } = entry;
  const { headers } = request;
  const line = JSON.stringify({
    time: new Date(entry.wallTimeMs).toISOString(),
    id: request.id,
    remote: entry.remoteAddress,
    method: request.method,
    target: showTarget(request.target, shown.query),
    route: request.route,
    version: request.httpVersion,
    status: entry.status,
    bytes: entry.bodyBytes,
    ms: Math.round(entry.durationMs * 1000) / 1000,
    referer: showField("referer", headers.get("referer"), shown),
    userAgent: showField("user-agent", headers.get("user-agent"), shown),
    error: error === undefined ? undefined : isSluiceError(error) ? error.code : error.name,
    ...fields?.(entry),
  });
  return line.replace(UNSAFE_IN_JSON, unicodeEscape);
}

function writeToStandardOutput(line: string): void {
  process.stdout.write(`${line}\n`);
}
