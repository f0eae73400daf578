/**
 * The connections of one event stream (HTML Standard, §9.2.3 "Processing model"): it connects, reads, and connects again with the id
 * of the last event, so that a server which keeps its events can go on where it was.
 *
 * What ends it: a 204, an answer that is no event stream, a status or fault that waiting does not mend, the reader, a signal. After
 * everything else it waits: the time the server asks for or `delay`, and a random part more, which grows while connections end
 * without an event. All events that arrived before a connection broke are given out before it counts as broken.
 */

import type { EventStreamParser, ServerSentEvent } from "../body/event-stream/event-stream-parser.js";
import { readEvents } from "../body/event-stream/read-events.js";
import { areAllIn, FIELD_VALUE_CHARS } from "../bytes/char-tables.js";
import { linkSignal } from "../concurrency/abort.js";
import { fullJitter } from "../concurrency/back-off.js";
import { sleep } from "../concurrency/sleep.js";
import {
  ConnectError,
  ConnectionLostError,
  PayloadError,
  RequestTimeoutError,
  TlsError,
  UsageError,
} from "../errors.js";
import { parseRetryAfter } from "../http/retry-after.js";
import { refuseUnknown, requireNumber } from "../options.js";
import { systemRandom } from "../platform/random.js";
import type { EventStreamOptions, EventStreamProgress, EventStreamSource, ReconnectOptions } from "./event-stream.js";
import { fieldLinesOf } from "./option-values.js";
import type { RequestOptions } from "./options.js";
import { ResponseError } from "./response-error.js";
import { eventParser, isEventStream } from "./response-events.js";

/** Statuses that say "later" (RFC 9110 §15.5.9, §15.6; RFC 8470 §5.2; RFC 6585 §4). */
const PASSING: readonly number[] = [408, 425, 429, 500, 502, 503, 504];
/** Bodies that broke off. */
const BROKEN_OFF: ReadonlySet<string> = new Set(["body/incomplete", "body/truncated"]);
const RECONNECT_NAMES: ReadonlySet<string> = new Set<keyof ReconnectOptions>([
  "delay",
  "maxDelay",
  "maxServerDelay",
  "attempts",
  "statuses",
  "beforeOpen",
  "random",
]);

/** Reconnecting, decided. */
interface Policy {
  readonly delay: number;
  readonly maxDelay: number;
  readonly maxServerDelay: number;
  readonly attempts: number;
  readonly passes: (status: number) => boolean;
  readonly beforeOpen: boolean;
  readonly random: () => number;
}

/** What the connections of one stream know of each other. */
interface Course {
  readonly progress: EventStreamProgress;
  readonly source: EventStreamSource;
  readonly signal: AbortSignal;
  lastEventId: string;
  retryMs: number | undefined;
  /** Connections in a row without an event. */
  failures: number;
  opened: boolean;
}

type Events = AsyncGenerator<ServerSentEvent<unknown>, void, undefined>;

/** The events of `source`, whose `progress` is kept. `signal` ends it with its reason. */
export async function* followEvents(
  progress: EventStreamProgress,
  source: EventStreamSource,
  signal: AbortSignal,
): Events {
  const { options } = source;
  const policy = policyOf(options.reconnect);
  const course: Course = {
    progress,
    source,
    signal,
    lastEventId: options.lastEventId ?? "",
    retryMs: undefined,
    failures: 0,
    opened: false,
  };
  for (;;) {
    let error: unknown;
    course.failures += 1;
    try {
      if (!(yield* oneConnection(course))) return;
    } catch (failure) {
      error = failure;
      if (!signal.aborted) options.onError?.(error);
      if (policy === undefined || !mayReconnect(course, policy, error)) throw error;
    }
    if (policy === undefined || course.failures > policy.attempts) return;
    const delay = delayBefore(course, policy, error);
    progress.state = "waiting";
    options.onReconnect?.({ error, attempt: course.failures, delay });
    await pause(course, delay);
  }
}

/** Waits; ended by the stream's signal, and by the session's closing, for nothing runs that this could let finish. */
async function pause({ source, signal }: Course, delay: number): Promise<void> {
  const controller = new AbortController();
  const stops = [linkSignal(signal, controller), linkSignal(source.closing, controller)];
  try {
    await sleep(delay, { signal: controller.signal, clock: source.clock });
  } finally {
    for (const stop of stops) stop();
  }
}

/** Connects and gives the events of the answer; false if the server says that there will be none. */
async function* oneConnection(course: Course): AsyncGenerator<ServerSentEvent<unknown>, boolean, undefined> {
  const { progress, source, signal, lastEventId } = course;
  const { session, url, options } = source;
  const parser = eventParser(options, lastEventId);
  progress.state = "connecting";
  const response = await session.with({ signal }).request(options.method ?? "GET", url, requestOptions(course));
  if (!(await isEventStream(response))) return false;
  course.opened = true;
  progress.state = "open";
  try {
    options.onOpen?.(response);
    for await (const event of readEvents(response.body, parser, options.schema)) {
      course.failures = 0;
      progress.lastEventId = event.id;
      yield event;
    }
  } finally {
    response.discard();
    remember(course, parser);
  }
  if (course.failures === 0) course.failures = 1;
  return true;
}

function remember(course: Course, parser: EventStreamParser): void {
  course.lastEventId = parser.lastEventId;
  course.retryMs = parser.retryMs ?? course.retryMs;
}

/** The options of one request: the caller's without what is the stream's own, and with what makes it one. */
function requestOptions({ source, lastEventId }: Course): RequestOptions {
  const {
    method: _method,
    lastEventId: _first,
    reconnect: _reconnect,
    schema: _schema,
    maxLineBytes: _lines,
    maxEventCharacters: _characters,
    onOpen: _onOpen,
    onError: _onError,
    onReconnect: _onReconnect,
    signal: _signal,
    idleTimeout,
    ...request
  } = source.options;
  const { timeout } = request;
  const headers: [string, string][] = [];
  const lines = request.headers === undefined ? [] : fieldLinesOf(request.headers);
  for (let at = 0; at < lines.length; at += 2) headers.push([lines[at] ?? "", lines[at + 1] ?? ""]);
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  if (!has("accept")) headers.push(["accept", "text/event-stream"]);
  if (!has("cache-control")) headers.push(["cache-control", "no-store"]);
  const id = asFieldValue(lastEventId);
  if (id !== undefined && !has("last-event-id")) headers.push(["last-event-id", id]);
  if (idleTimeout === undefined) return { ...request, headers };
  const limits = typeof timeout === "number" ? { total: timeout } : timeout;
  return { ...request, headers, timeout: { ...limits, read: idleTimeout } };
}

/** The id as UTF-8, one character a byte, as field values are; undefined for none, and for one that no field can carry. */
function asFieldValue(id: string): string | undefined {
  const value = Buffer.from(id, "utf8").toString("latin1");
  return value !== "" && areAllIn(FIELD_VALUE_CHARS, value) ? value : undefined;
}

function mayReconnect(course: Course, policy: Policy, error: unknown): boolean {
  if (course.signal.aborted || (!course.opened && !policy.beforeOpen)) return false;
  course.failures = Math.max(course.failures, 1);
  if (course.failures > policy.attempts) return false;
  if (error instanceof ResponseError) return policy.passes(error.status);
  if (error instanceof ConnectError) return !(error instanceof TlsError);
  if (error instanceof PayloadError) return BROKEN_OFF.has(error.code);
  return error instanceof ConnectionLostError || error instanceof RequestTimeoutError;
}

/** At least what the server asks for, and not much more the first time. */
function delayBefore(course: Course, policy: Policy, error: unknown): number {
  const { retryMs, source, failures } = course;
  const asked = Math.min(retryMs ?? policy.delay, retryMs === undefined ? policy.delay : policy.maxServerDelay);
  const range = { base: Math.max(asked, 1), cap: Math.max(policy.maxDelay - asked, 0) };
  const delay = asked + fullJitter(failures, range, policy.random);
  const after = error instanceof ResponseError ? error.headers.get("retry-after") : null;
  const patience = after === null ? undefined : parseRetryAfter(after, source.clock.wallTime());
  return Math.max(delay, Math.min(patience ?? 0, policy.maxServerDelay));
}

/** Throws `UsageError` for what cannot be; undefined: it does not reconnect. */
function policyOf(given: EventStreamOptions["reconnect"] = {}): Policy | undefined {
  if (given === false) return undefined;
  refuseUnknown("reconnect", given, RECONNECT_NAMES);
  const { delay = 1_000, maxDelay = 30_000, maxServerDelay = 300_000, attempts = Number.POSITIVE_INFINITY } = given;
  const { statuses = PASSING, beforeOpen = false, random = systemRandom } = given;
  for (const [name, value] of Object.entries({ delay, maxDelay, maxServerDelay, attempts })) {
    requireNumber(`reconnect.${name}`, value, 0, Number.POSITIVE_INFINITY);
  }
  if (delay === Number.POSITIVE_INFINITY) {
    throw new UsageError("options/out-of-range", "Cannot use reconnect.delay Infinity: use reconnect: false");
  }
  const passes = typeof statuses === "function" ? statuses : (status: number) => statuses.includes(status);
  return { delay, maxDelay, maxServerDelay, attempts, passes, beforeOpen, random };
}
