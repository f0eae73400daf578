/**
 * Tries a request again when that is safe and likely to help: idempotent methods (RFC 9110 §9.2.2), faults of the connection,
 * time-outs of one attempt, and statuses that ask for patience. Waits with full jitter, or as `Retry-After` says up to a cap;
 * beyond the cap the response is returned as it is. A body that is a stream is never sent twice.
 */

import { fullJitter } from "../../concurrency/back-off.js";
import { sleep } from "../../concurrency/sleep.js";
import { ConnectError, ConnectionLostError, PayloadError, RequestTimeoutError } from "../../errors.js";
import { isIdempotent } from "../../http/methods.js";
import { parseRetryAfter } from "../../http/retry-after.js";
import { refuseUnknown } from "../../options.js";
import { systemRandom } from "../../platform/random.js";
import type { ClientMiddleware } from "../middleware.js";
import { requireNumber } from "../options.js";
import type { ClientRequest } from "../request.js";
import type { ClientResponse } from "../response.js";

/** When a request is tried again, and how long is waited. */
export interface RetryOptions {
  /** Sends in all, the first included; 1 is no retry. @default 3 */
  readonly attempts?: number;
  /** Statuses worth another try. @default 408, 425, 429, 500, 502, 503, 504 */
  readonly statuses?: readonly number[];
  /** Methods that may be sent again. @default the idempotent ones */
  readonly methods?: readonly string[];
  /** Bound of the first wait, in milliseconds; it doubles with each try. @default 250 */
  readonly baseDelay?: number;
  /** Bound of every wait of ours, in milliseconds. @default 10_000 */
  readonly maxDelay?: number;
  /** Longest `Retry-After` that is waited for, in milliseconds; a longer one returns the response. @default 60_000 */
  readonly maxRetryAfter?: number;
  /** From 0 up to 1, for jitter; a seeded one in tests. */
  readonly random?: () => number;
}

const DEFAULTS = {
  attempts: 3,
  baseDelay: 250,
  maxDelay: 10_000,
  maxRetryAfter: 60_000,
} as const;
const STATUSES = [408, 425, 429, 500, 502, 503, 504];
const KNOWN: ReadonlySet<string> = new Set<keyof RetryOptions>([
  "attempts",
  "statuses",
  "methods",
  "baseDelay",
  "maxDelay",
  "maxRetryAfter",
  "random",
]);

/** A request-stage middleware; a number is `attempts`. Throws `UsageError` for an option that is unknown or out of range. */
export function retry(given: number | RetryOptions = {}): ClientMiddleware {
  const options = typeof given === "number" ? { attempts: given } : given;
  refuseUnknown("retry", options, KNOWN);
  const limits = { ...DEFAULTS, ...options };
  requireNumber("retry.attempts", limits.attempts, 1, Number.POSITIVE_INFINITY);
  requireNumber("retry.baseDelay", limits.baseDelay, 0, Number.POSITIVE_INFINITY);
  requireNumber("retry.maxDelay", limits.maxDelay, 0, Number.POSITIVE_INFINITY);
  requireNumber("retry.maxRetryAfter", limits.maxRetryAfter, 0, Number.POSITIVE_INFINITY);
  const statuses = new Set(options.statuses ?? STATUSES);
  const methods =
    options.methods === undefined ? undefined : new Set(options.methods.map((name) => name.toUpperCase()));
  const random = options.random ?? systemRandom;

  /** Milliseconds to wait before the next try, or undefined for none. */
  function delayAfter(response: ClientResponse, attempt: number, wallTime: number): number | undefined {
    if (!statuses.has(response.status)) return undefined;
    const asked = parseRetryAfter(response.headers.get("retry-after") ?? "", wallTime);
    if (asked === undefined) return fullJitter(attempt, { base: limits.baseDelay, cap: limits.maxDelay }, random);
    return asked > limits.maxRetryAfter ? undefined : asked;
  }

  return async (request, next) => {
    const repeatable = methods === undefined ? isIdempotent(request.method) : methods.has(request.method);
    if (!repeatable || !request.replayable) return next(request);
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= limits.attempts;
      let delay: number | undefined;
      let reason: string;
      try {
        const response = await next(request);
        delay = last ? undefined : delayAfter(response, attempt, request.clock.wallTime());
        if (delay === undefined) return response;
        reason = `status ${response.status}`;
        response.discard();
      } catch (error) {
        if (last || !isPassing(error)) throw error;
        delay = fullJitter(attempt, { base: limits.baseDelay, cap: limits.maxDelay }, random);
        reason = error instanceof Error ? error.message : String(error);
      }
      await pause(request, attempt + 1, delay, reason);
    }
  };
}

/** Faults that another try may not meet again. A time-out of the whole request is not one. */
function isPassing(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return error.phase !== "total" && error.phase !== "queue";
  if (error instanceof PayloadError) return error.code === "body/incomplete";
  return error instanceof ConnectError || error instanceof ConnectionLostError;
}

function pause(request: ClientRequest, attempt: number, delay: number, reason: string): Promise<void> {
  request.tracer?.emit("requestRetry", { attempt, delay, reason });
  return sleep(delay, { signal: request.signal, clock: request.clock });
}
