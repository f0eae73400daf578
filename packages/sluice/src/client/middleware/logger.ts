/**
 * One line for each request: what was asked, what came of it, how long it took. As text for people or JSON for machines, to a sink
 * of the caller's. What is secret is shown as everywhere else: query values, user information and secret fields are hidden.
 *
 * A request ends, for the log, when its response is handed on: with its body where it is consumed as content, else with its head.
 */
import { SluiceError, UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction } from "../../options.js";
import type { ClientMiddleware } from "../middleware.js";
import type { ClientRequest } from "../request.js";
import type { ClientResponse } from "../response.js";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What happened: a request began, is tried again, was answered, or failed. */
export type LogEvent = "start" | "retry" | "end" | "failed";

/** One line, before it is written. Nothing in it is secret. */
export interface LogEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  readonly event: LogEvent;
  /** Counts the requests of this logger. */
  readonly id: number;
  readonly method: string;
  /** Query values shown as `…` unless `showQuery` names them. */
  readonly url: string;
  /** Milliseconds since the request began. */
  readonly ms: number;
  /** Sends so far, over redirects and retries. */
  readonly sends: number;
  readonly status?: number;
  /** Which try comes next, and milliseconds until then. */
  readonly attempt?: number;
  readonly delay?: number;
  /** Why it is tried again. */
  readonly reason?: string;
  /** What it failed with; of errors that are not ours there is no code. */
  readonly error?: string;
  readonly code?: string;
  /** With `headers: true`. */
  readonly requestHeaders?: Readonly<Record<string, unknown>>;
  readonly responseHeaders?: Readonly<Record<string, unknown>>;
}

/** Takes one line, without its end, and what it says. What it throws surfaces as an uncaught error and touches no request. */
export type LogSink = (line: string, entry: LogEntry) => void;

/** What is written, and how. */
export interface LoggerOptions {
  /** @default "text" */
  readonly format?: "text" | "json";
  /** @default "retry", "end" and "failed" */
  readonly events?: readonly LogEvent[];
  /**
   * How much an entry matters; its own `level` is what the logger would say. `undefined`: it is not written.
   * @default debug for a start, warn for a retry and for 4xx, error for 5xx and failures, else info
   */
  readonly level?: (entry: LogEntry) => LogLevel | undefined;
  /** Adds the header fields, secret ones hidden. @default false */
  readonly headers?: boolean;
}

type Details = Partial<Omit<LogEntry, "time" | "level" | "event" | "id" | "method" | "url" | "ms" | "sends">>;

const KNOWN: ReadonlySet<string> = new Set<keyof LoggerOptions>(["format", "events", "level", "headers"]);
const FORMATS: readonly string[] = ["text", "json"];
const EVENTS: readonly string[] = ["start", "retry", "end", "failed"];
const DEFAULT_EVENTS: readonly LogEvent[] = ["retry", "end", "failed"];

/** A middleware for either stage: outermost it sees requests, in the hop stage each send. Throws `UsageError` for wrong options. */
export function logger(sink: LogSink, options: LoggerOptions = {}): ClientMiddleware {
  check(sink, options);
  const { format = "text", level, headers = false } = options;
  const events: ReadonlySet<LogEvent> = new Set(options.events ?? DEFAULT_EVENTS);
  let lastId = 0;

  return async (request, next) => {
    lastId += 1;
    const id = lastId;
    const startedAt = request.clock.now();
    const write = (event: LogEvent, details: Details): void => {
      if (!events.has(event)) return;
      const entry = entryOf(request, { id, event, ms: Math.round(request.clock.now() - startedAt), ...details });
      const chosen = level === undefined ? entry.level : level(entry);
      if (chosen !== undefined) put(sink, { ...entry, level: chosen }, format);
    };
    write("start", headers ? { requestHeaders: request.headers.toJSON() } : {});
    // One logger tells of retries: the outermost.
    if (events.has("retry"))
      request.scope.onRetry ??= ({ attempt, delay, reason }) =>
        write("retry", { attempt, delay: Math.round(delay), reason });
    try {
      const response = await next(request);
      write("end", endOf(request, response, headers));
      return response;
    } catch (error) {
      write("failed", failureOf(error));
      throw error;
    }
  };
}

function check(sink: LogSink, options: LoggerOptions): void {
  requireFunction("logger.sink", sink);
  refuseUnknown("logger", options, KNOWN);
  const { format = "text", events = DEFAULT_EVENTS, level } = options;
  if (level !== undefined) requireFunction("logger.level", level);
  if (!FORMATS.includes(format)) throw unknownValue("format", FORMATS, format);
  for (const event of events) if (!EVENTS.includes(event)) throw unknownValue("events", EVENTS, event);
}

function unknownValue(name: string, expected: readonly string[], received: string): UsageError {
  const message = `Cannot use logger.${name}: expected ${expected.join(", ")}, received ${String(received)}`;
  return new UsageError("options/unknown-value", message);
}

function entryOf(request: ClientRequest, said: Details & Pick<LogEntry, "id" | "event" | "ms">): LogEntry {
  const { method, target, settings, scope, clock } = request;
  const time = new Date(clock.wallTime()).toISOString();
  const url = target.show(settings.showQuery);
  return { time, level: levelOf(said.event, said.status), method, url, sends: scope.attempts, ...said };
}

function levelOf(event: LogEvent, status = 0): LogLevel {
  if (event === "start") return "debug";
  if (event === "failed" || status >= 500) return "error";
  return event === "retry" || status >= 400 ? "warn" : "info";
}

function endOf(request: ClientRequest, response: ClientResponse, headers: boolean): Details {
  const { status } = response;
  if (!headers) return { status };
  return { status, requestHeaders: request.headers.toJSON(), responseHeaders: response.headers.toJSON() };
}

function failureOf(error: unknown): Details {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return error instanceof SluiceError ? { error: text, code: error.code } : { error: text };
}

function put(sink: LogSink, entry: LogEntry, format: "text" | "json"): void {
  try {
    sink(format === "json" ? JSON.stringify(entry) : textOf(entry), entry);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** `2026-01-01T00:00:00.000Z info #1 GET https://example.com/ 200 in 12 ms` */
function textOf(entry: LogEntry): string {
  const { time, level, id, method, url, sends, requestHeaders, responseHeaders } = entry;
  let text = `${time} ${level} #${id} ${method} ${url} ${outcomeOf(entry)}`;
  if (sends > 1) text += ` after ${sends} sends`;
  if (requestHeaders !== undefined) text += ` request ${JSON.stringify(requestHeaders)}`;
  if (responseHeaders !== undefined) text += ` response ${JSON.stringify(responseHeaders)}`;
  return oneLine(text);
}

function outcomeOf({ event, status, ms, attempt, delay, reason, error, code }: LogEntry): string {
  switch (event) {
    case "start":
      return "begins";
    case "retry":
      return `is tried again in ${delay} ms, attempt ${attempt}: ${reason}`;
    case "end":
      return `${status} in ${ms} ms`;
    case "failed":
      return `failed in ${ms} ms${code === undefined ? "" : ` (${code})`}: ${error}`;
  }
}

/** Whatever a server or an error says, a line stays one line, and moves no cursor. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
