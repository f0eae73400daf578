/**
 * `Server-Timing` (W3C Server Timing §3): how long an answer took to make, and its parts, for the developer tools of browsers. It tells
 * whoever asks how the inside of a service behaves: for those who may know.
 */

import { isToken } from "../../bytes/char-tables.js";
import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { quoteString } from "../../http/parameters.js";
import { refuseUnknown, requireFunction, requireObject } from "../../options.js";
import type { Middleware } from "../middleware-chain.js";
import type { ServerRequest } from "../request/server-request.js";

/** What is told, and to whom. */
export interface ServerTimingOptions {
  /** Who is told. @default everybody */
  readonly when?: (request: ServerRequest) => boolean;
  /** Whether the whole, until there is a reply, is told as `total`. @default true */
  readonly total?: boolean;
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

/** Measures of one request. All of it may be called whether anybody is told or not. */
export interface RequestTimings {
  /** Runs `work` and tells how long it took, also when it fails. `name` is a token: `UsageError` `options/unknown-value`. */
  measure<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  /** Tells a time in milliseconds, or the mere presence of something (`cache-hit`), with a description for people if need be. */
  add(name: string, durationMs?: number, description?: string): void;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof ServerTimingOptions>(["when", "total", "clock"]);
/** Microseconds are what is left of a duration. */
const PRECISION = 1_000;

const recorders = new WeakMap<ServerRequest, Recorder>();

/** The measures of `request`; without the middleware they go nowhere. */
export function timingsOf(request: ServerRequest): RequestTimings {
  let recorder = recorders.get(request);
  if (recorder === undefined) {
    recorder = new Recorder(systemClock);
    recorders.set(request, recorder);
  }
  return recorder;
}

/** Adds what {@link timingsOf} gathers to the answer. `UsageError` `options/…` for an option of the wrong kind, or unknown. */
export function serverTiming(options: ServerTimingOptions = {}): Middleware {
  requireObject("serverTiming options", options);
  refuseUnknown("serverTiming", options, OPTION_NAMES);
  const { when, total = true, clock = systemClock } = options;
  if (when !== undefined) requireFunction("when", when);
  return function serverTiming(request, next) {
    if (when !== undefined && !when(request)) return next();
    const startedAt = clock.now();
    const recorder = new Recorder(clock);
    recorders.set(request, recorder);
    request.beforeReply(({ headers }) => {
      if (total) recorder.add("total", clock.now() - startedAt);
      if (recorder.metrics.length > 0) headers.append("Server-Timing", recorder.metrics.join(", "));
    });
    return next();
  };
}

class Recorder implements RequestTimings {
  readonly metrics: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async measure<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> {
    const startedAt = this.#clock.now();
    try {
      return await work();
    } finally {
      this.add(name, this.#clock.now() - startedAt);
    }
  }

  add(name: string, durationMs?: number, description?: string): void {
    const quoted = description === undefined ? "" : quoteString(description);
    if (!isToken(name) || quoted === undefined) {
      throw new UsageError(
        "options/unknown-value",
        `Cannot tell the timing ${JSON.stringify(name)}: no field can carry it`,
      );
    }
    const duration = durationMs === undefined ? "" : `;dur=${Math.round(durationMs * PRECISION) / PRECISION}`;
    this.metrics.push(`${name}${duration}${quoted === "" ? "" : `;desc=${quoted}`}`);
  }
}
