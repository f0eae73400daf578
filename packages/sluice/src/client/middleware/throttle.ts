/**
 * Holds requests back to a rate, a fixed one or one that it finds out, for each host, for all together or by a key. Which rate
 * that is stands in `throttling/`, and so does the line in which requests wait; here a request goes through it.
 *
 * A request that need not wait costs a look into a map and an addition; nothing is allocated for it at a fixed rate.
 */

import { onAbort } from "../../concurrency/abort.js";
import type { Clock } from "../../concurrency/clock.js";
import { CallbackDeadline } from "../../concurrency/deadline.js";
import { sleep } from "../../concurrency/sleep.js";
import { RequestTimeoutError, SluiceError } from "../../errors.js";
import { parseHttpDate } from "../../http/dates.js";
import { readRateLimit } from "../../http/rate-limit.js";
import { parseRetryAfter } from "../../http/retry-after.js";
import type { ClientMiddleware, Next } from "../middleware.js";
import type { ClientRequest } from "../request.js";
import type { ClientResponse } from "../response.js";
import { ThrottleLine } from "./throttling/throttle-line.js";
import { resolveThrottle, type ThrottleOptions, type ThrottlePolicy } from "./throttling/throttle-options.js";
import { MemoryThrottleStore, type ThrottleStore } from "./throttling/throttle-store.js";

/** Lines kept for keys at which nobody waits; they hold nothing that is missed. */
const MOST_IDLE_LINES = 1_000;
/** Statuses that say "too many": RFC 6585 §4, and RFC 9110 §15.6.4, which nginx and others use for it. */
const REFUSALS: ReadonlySet<number> = new Set([429, 503]);
/** Clocks that agree to so many milliseconds are taken for the same: `Date` has whole seconds. */
const SAME_CLOCK_MS = 2_000;

/** A hop-stage middleware: every send counts, retries and redirects too. Throws `UsageError` for options that cannot be. */
export function throttle(options: ThrottleOptions): ClientMiddleware {
  const lines = new ThrottleLines(resolveThrottle(options));
  return (request, next) => lines.send(request, next);
}

/** What one throttle has: a line for each key, and how many wait in all of them. */
class ThrottleLines {
  readonly #policy: ThrottlePolicy;
  readonly #learns: boolean;
  readonly #lines = new Map<string, ThrottleLine>();
  #store: ThrottleStore | undefined;
  #waiting = 0;
  #sweepAt = MOST_IDLE_LINES;

  constructor(policy: ThrottlePolicy) {
    this.#policy = policy;
    this.#learns = policy.rate.learn !== undefined;
    this.#store = policy.store;
  }

  send(request: ClientRequest, next: Next): Promise<ClientResponse> {
    const key = this.#policy.keyOf(request);
    const line = this.#lineFor(key, request.clock);
    if (this.#policy.jitter === undefined && line.tryTake()) {
      return this.#learns ? observed(line, request, next, false) : next(request);
    }
    return this.#sendLater(line, key, request, next);
  }

  async #sendLater(line: ThrottleLine, key: string, request: ClientRequest, next: Next): Promise<ClientResponse> {
    const { jitter, priorityOf, random } = this.#policy;
    const spread = jitter === undefined ? 0 : jitter[0] + (jitter[1] - jitter[0]) * random();
    // Without jitter it has been asked just now, and there was no turn.
    const waits = jitter === undefined || !line.tryTake();
    const priority = waits ? priorityOf(request) : 0;
    const delay = (waits ? line.expectedWait(priority) : 0) + spread;
    if (delay > 0) request.tracer?.emit("requestThrottled", { delay, scope: key });
    if (waits) await this.#waitIn(line, request, priority);
    if (spread > 0) await sleep(spread, { signal: request.signal, clock: request.clock });
    return this.#learns ? observed(line, request, next, waits && line.backlogged) : next(request);
  }

  /** Resolves when it is the request's turn. Leaves the line when the request ends or `timeout` passes. */
  async #waitIn(line: ThrottleLine, request: ClientRequest, priority: number): Promise<void> {
    const { maxQueue, timeout } = this.#policy;
    if (this.#waiting >= maxQueue) {
      const message = `Cannot wait for a turn: ${this.#waiting} requests do already, the limit is ${maxQueue} (throttle.maxQueue)`;
      throw new SluiceError("throttle/queue-full", message, { phase: "throttle" });
    }
    this.#waiting += 1;
    try {
      await turnIn(line, request, priority, timeout);
    } finally {
      this.#waiting -= 1;
    }
  }

  #lineFor(key: string, clock: Clock): ThrottleLine {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    if (this.#lines.size >= this.#sweepAt) this.#forgetIdle();
    this.#store ??= new MemoryThrottleStore(clock);
    const line = new ThrottleLine({ key, store: this.#store, rate: this.#policy.rate, clock });
    this.#lines.set(key, line);
    return line;
  }

  /** What is left are lines in use; the next look is worth it when there are twice as many. */
  #forgetIdle(): void {
    for (const [key, line] of this.#lines) if (line.idle) this.#lines.delete(key);
    this.#sweepAt = Math.max(MOST_IDLE_LINES, this.#lines.size * 2);
  }
}

function turnIn(line: ThrottleLine, request: ClientRequest, priority: number, timeout: number): Promise<void> {
  const { clock, signal } = request;
  return new Promise((resolve, reject) => {
    const limit = new CallbackDeadline(() => {
      const message = `Timed out after ${timeout} ms waiting for a turn (throttle.timeout)`;
      leave(new RequestTimeoutError("timeout.throttle", message, { phase: "throttle" }));
    });
    const stopListening = onAbort(signal, (reason) => leave(reason));
    const over = (): void => {
      clock.disarm(limit);
      stopListening();
    };
    const go = (): void => {
      over();
      resolve();
    };
    const fail = (error: unknown): void => {
      over();
      reject(error);
    };
    const node = line.join({ priority, go, fail });
    const leave = (reason: unknown): void => {
      line.leave(node);
      fail(reason);
    };
    if (timeout !== Number.POSITIVE_INFINITY) clock.arm(limit, timeout, true);
  });
}

/** Sends, and lets the rate learn from what is answered. */
async function observed(
  line: ThrottleLine,
  request: ClientRequest,
  next: Next,
  waited: boolean,
): Promise<ClientResponse> {
  const { takenAt } = line;
  line.inFlight += 1;
  let response: ClientResponse;
  try {
    response = await next(request);
  } finally {
    line.inFlight -= 1;
  }
  const { headers } = response;
  const wallTime = request.clock.wallTime();
  const refused = REFUSALS.has(response.status);
  const retryAfter = refused ? headers.get("retry-after") : null;
  line.learn({
    refused,
    takenAt,
    waited,
    retryAfterMs: retryAfter === null ? undefined : parseRetryAfter(retryAfter, wallTime),
    hint: readRateLimit((name) => headers.get(name), serverTime(headers.get("date"), wallTime)),
  });
  return response;
}

/** The moment by the server's clock, where that differs from ours: moments it tells are meant by it. */
function serverTime(date: string | null, wallTime: number): number {
  const told = date === null ? undefined : parseHttpDate(date, wallTime);
  return told === undefined || Math.abs(told - wallTime) <= SAME_CLOCK_MS ? wallTime : told;
}
