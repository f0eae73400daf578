/**
 * One line for each answer, in the formats that log tools know: Common, Combined, or a JSON object. What clients wrote cannot break out of
 * its place: quotes, backslashes, control and non-ASCII characters are escaped, and query values are shown as `…` unless
 * listed, in the target and in the Referer alike. Written when the answer is over, so that size and duration are true.
 */

import type { Clock } from "../concurrency/clock.js";
import { isSluiceError, UsageError } from "../errors.js";
import { showUrl } from "../http/redact.js";
import { type ErrorListener, report } from "./error-report.js";
import type { Reply } from "./reply.js";
import type { ServerRequest } from "./request/server-request.js";

/** How an application logs its answers. */
export interface AccessLogOptions {
  /** `common` and `combined` as Apache and nginx write them, `json` one object a line. @default "combined" */
  readonly format?: AccessLogFormat;
  /** Takes one line, without line break. What it throws goes to the application's `onError`. @default standard output */
  readonly write?: (line: string) => void;
  /** Names of query parameters whose values may be shown. @default none */
  readonly showQuery?: Iterable<string>;
}

/** See {@link AccessLogOptions.format}. */
export type AccessLogFormat = "common" | "combined" | "json";

/** What there is to say about one answer. */
interface Entry {
  readonly wallTimeMs: number;
  readonly durationMs: number;
  readonly request: ServerRequest;
  readonly remoteAddress: string | undefined;
  readonly status: number;
  readonly bodyBytes: number;
  readonly error: Error | undefined;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const UNSAFE = /["\\]|[^ -~]/g;
/** JSON.stringify leaves these as they are; terminals obey some of them. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g;
const STAND_IN = "http://target.invalid";

/** Writes lines; see the head of this file. */
export class AccessLog {
  readonly #format: (entry: Entry, show: ReadonlySet<string>) => string;
  readonly #write: (line: string) => void;
  readonly #show: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #onError: ErrorListener;

  constructor(options: AccessLogOptions, clock: Clock, onError: ErrorListener) {
    const { format = "combined" } = options;
    if (!Object.hasOwn(FORMATS, format)) {
      throw new UsageError("options/unknown-value", `Cannot log as "${format}": expected common, combined or json`);
    }
    this.#format = FORMATS[format];
    this.#write = options.write ?? writeToStandardOutput;
    this.#show = new Set(options.showQuery ?? []);
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
        this.#log({ wallTimeMs, durationMs, request, remoteAddress, status, bodyBytes, error });
      });
    };
  }

  #log(entry: Entry): void {
    try {
      this.#write(this.#format(entry, this.#show));
    } catch (error) {
      report(this.#onError, error, entry.request);
    }
  }
}

const FORMATS: Readonly<Record<AccessLogFormat, (entry: Entry, show: ReadonlySet<string>) => string>> = {
  common: commonLine,
  combined: (entry, show) => {
    const { headers } = entry.request;
    const referer = headers.get("referer");
    const shown = referer === null ? "-" : logEscape(showUrl(referer, show));
    return `${commonLine(entry, show)} "${shown}" "${logEscape(headers.get("user-agent") ?? "-")}"`;
  },
  json: jsonLine,
};

function commonLine(entry: Entry, show: ReadonlySet<string>): string {
  const { request, status, bodyBytes } = entry;
  const line = `${logEscape(request.method)} ${logEscape(showTarget(request.target, show))} HTTP/${request.httpVersion}`;
  return `${entry.remoteAddress ?? "-"} - - [${commonTime(entry.wallTimeMs)}] "${line}" ${status} ${bodyBytes === 0 ? "-" : bodyBytes}`;
}

function jsonLine(entry: Entry, show: ReadonlySet<string>): string {
  const { request, error } = entry;
  const { headers } = request;
  const referer = headers.get("referer");
  const line = JSON.stringify({
    time: new Date(entry.wallTimeMs).toISOString(),
    id: request.id,
    remote: entry.remoteAddress,
    method: request.method,
    target: showTarget(request.target, show),
    route: request.route,
    version: request.httpVersion,
    status: entry.status,
    bytes: entry.bodyBytes,
    ms: Math.round(entry.durationMs * 1000) / 1000,
    referer: referer === null ? undefined : showUrl(referer, show),
    userAgent: headers.get("user-agent") ?? undefined,
    error: error === undefined ? undefined : isSluiceError(error) ? error.code : error.name,
  });
  return line.replace(UNSAFE_IN_JSON, unicodeEscape);
}

/** `10/Oct/2000:13:55:36 +0000`. */
function commonTime(wallTimeMs: number): string {
  const date = new Date(wallTimeMs);
  const day = `${pad(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())} +0000`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

/** A request-target as {@link showUrl} shows URLs. */
function showTarget(target: string, show: ReadonlySet<string>): string {
  if (!target.startsWith("/")) return target === "*" ? target : showUrl(target, show);
  return showUrl(STAND_IN + target, show).slice(STAND_IN.length);
}

/** Apache's way: `\"`, `\\`, and `\xhh` for the rest. The `…` of hidden values is ours and stays. */
function logEscape(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (character === "…") return character;
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : unicodeEscape(character);
  });
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function writeToStandardOutput(line: string): void {
  process.stdout.write(`${line}\n`);
}
