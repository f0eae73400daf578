/** `reply.sse`: the answer around a stream of events (HTML Standard, §9.2). */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { type HeadersSource, HttpHeaders } from "../../http/headers.js";
import { refuseUnknown, requireNumber } from "../../options.js";
import { systemRandom } from "../../platform/random.js";
import { Reply } from "../reply.js";
import { EventStreamPayload } from "./event-stream-payload.js";
import type { EventStreamSource } from "./event-stream-source.js";

/** How `reply.sse` answers. Times are milliseconds. */
export interface EventStreamReplyOptions {
  /** Further field lines of the answer; those given replace its own of the same name. */
  readonly headers?: HeadersSource;
  /**
   * Silence after which a comment is sent, which readers do not see. More than 0; `Infinity` for none.
   *
   * @default 15_000
   */
  readonly heartbeat?: number;
  /**
   * How long readers wait before they come back: a whole number from 0, sent at the beginning. When the server closes they are told a
   * time between this and twice this (3 to 6 seconds if none is given), each another.
   *
   * @default none: their own choice
   */
  readonly retry?: number;
  /** The source of time for the heartbeat. @default the system's */
  readonly clock?: Clock;
  /** Gives a number from 0 up to 1, for the time to come back. @default the system's */
  readonly random?: () => number;
}

const DEFAULT_HEARTBEAT_MS = 15_000;
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof EventStreamReplyOptions>([
  "headers",
  "heartbeat",
  "retry",
  "clock",
  "random",
]);
/**
 * Nothing on the way may keep the answer, or hold it back: `no-transform` forbids compressing it (RFC 9111 §5.2.2.6), which would wait
 * for more, and `X-Accel-Buffering` is nginx's word for it.
 */
const OWN_FIELDS: readonly (readonly [name: string, value: string])[] = [
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store, no-transform"],
  ["X-Accel-Buffering", "no"],
];
const PLAIN_FIELDS: readonly string[] = Object.freeze(OWN_FIELDS.flat());
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** See `reply.sse`. */
export function eventStreamReply(source: EventStreamSource, options: EventStreamReplyOptions = {}): Reply {
  refuseUnknown("sse", options, OPTION_NAMES);
  const { heartbeat = DEFAULT_HEARTBEAT_MS, retry, clock = systemClock, random = systemRandom, headers } = options;
  requireNumber("sse.heartbeat", heartbeat, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  if (retry !== undefined && !(Number.isSafeInteger(retry) && retry >= 0)) {
    const message = `Cannot use sse.retry: expected a whole number of milliseconds from 0, received ${String(retry)}`;
    throw new UsageError("options/out-of-range", message);
  }
  requireSource(source);
  const payload = new EventStreamPayload({ source, heartbeatMs: heartbeat, retryMs: retry, clock, random });
  const made = new Reply(200, headers === undefined ? PLAIN_FIELDS : fieldsWith(headers), payload);
  return made.whenTaken((request) => {
    payload.lastEventId = receivedId(request.headers.get("last-event-id"));
  });
}

function fieldsWith(given: HeadersSource): readonly string[] {
  const headers = new HttpHeaders(given);
  const own = OWN_FIELDS.filter(([name]) => !headers.has(name));
  return [...own.flat(), ...headers.raw];
}

function requireSource(source: unknown): void {
  if (typeof source === "function") return;
  if (typeof source === "object" && source !== null && Symbol.asyncIterator in source) return;
  throw new UsageError(
    "reply/no-events",
    "Cannot answer with events: expected an async iterable, or a function that returns one",
  );
}

/** Ids are UTF-8 in the field, too (HTML Standard, §9.2.4); an empty one is none. */
function receivedId(value: string | null | undefined): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  try {
    return UTF8.decode(Buffer.from(value, "latin1"));
  } catch {
    // Somebody's own id, in some other coding: as it came.
    return value;
  }
}
