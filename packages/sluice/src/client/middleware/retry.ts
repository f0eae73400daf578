/**
 * Tries a request again when that is safe and likely to help: methods that may be repeated, or an `Idempotency-Key`; faults that
 * pass, and statuses that ask for patience. What is decided by which rule stands in `retrying/`; here it is carried out.
 *
 * Nothing is waited for in vain: a wait that would not end before `timeout.total` is not begun, and what there is, response or
 * error, is handed on at once. So it is when the origin's budget is used up. A body that is a stream is never sent twice.
 */

import { sleep } from "../../concurrency/sleep.js";
import type { ClientMiddleware, Next } from "../middleware.js";
import type { ClientRequest } from "../request.js";
import type { ClientResponse } from "../response.js";
import type { RetryBudget } from "./retrying/retry-budget.js";
import {
  isKeyed,
  newBudget,
  type RetryFailure,
  type RetryOptions,
  type RetryPolicy,
  resolveRetry,
} from "./retrying/retry-options.js";
import { delayAfter, wantsRetry } from "./retrying/retry-rules.js";

const KEY_FIELD = "idempotency-key";

/**
 * A request-stage middleware; a number is `attempts`. In the hop stage it tries single hops again, without the body. Throws
 * `UsageError` for an option that is unknown or out of range.
 */
export function retry(options: number | RetryOptions = {}): ClientMiddleware {
  return retryWithin(options, newBudget(options));
}

/** {@link retry} on a budget that it shares with others, whatever its options say of one; undefined: without bound. */
export function retryWithin(options: number | RetryOptions, budget: RetryBudget | undefined): ClientMiddleware {
  const policy = resolveRetry(options, budget);
  return (request, next) => {
    if (!policy.mayRepeat(request.method) || !request.replayable) return next(request);
    const keyed = withKey(request, policy);
    policy.budget?.earn(keyed.target.origin);
    return attempts(keyed, next, policy);
  };
}

async function attempts(first: ClientRequest, next: Next, policy: RetryPolicy): Promise<ClientResponse> {
  let request = first;
  for (let attempt = 1; ; attempt += 1) {
    let failure: RetryFailure;
    try {
      const response = await next(request);
      if (policy.shouldRetry === undefined && !policy.statuses.has(response.status)) return response;
      // A cache's own answer to `only-if-cached`: nobody was asked, and nobody is to be.
      if (response.cacheStatus === "absent") return response;
      failure = { request, attempt, response, error: undefined };
    } catch (error) {
      failure = { request, attempt, response: undefined, error };
    }
    const delay = await plan(failure, policy);
    if (delay === undefined) {
      if (failure.response === undefined) throw failure.error;
      return failure.response;
    }
    await pause(failure, delay);
    request = await nextTry(first, failure, policy);
  }
}

/** Milliseconds until another try, or undefined where there is to be none. */
async function plan(failure: RetryFailure, policy: RetryPolicy): Promise<number | undefined> {
  const { request, attempt } = failure;
  if (attempt >= policy.attempts || request.scope.cancelled) return undefined;
  const decided = await policy.shouldRetry?.(failure);
  if (!(decided ?? wantsRetry(failure, policy))) return undefined;
  const { clock } = request;
  const delay = delayAfter(failure, policy, clock.wallTime());
  if (delay === undefined || delay >= request.timeLeft) return undefined;
  const { budget } = policy;
  // Last, for what is taken is spent.
  return budget === undefined || budget.tryTake(request.target.origin, clock.now()) ? delay : undefined;
}

function pause(failure: RetryFailure, delay: number): Promise<void> {
  const { request, attempt, response, error } = failure;
  response?.discard();
  const { tracer, scope } = request;
  if (tracer !== undefined || scope.onRetry !== undefined) {
    const notice = { attempt: attempt + 1, delay, reason: reasonOf(response, error) };
    tracer?.emit("requestRetry", notice);
    scope.onRetry?.(notice);
  }
  return sleep(delay, { signal: request.signal, clock: request.clock });
}

function reasonOf(response: ClientResponse | undefined, error: unknown): string {
  if (response !== undefined) return `status ${response.status}`;
  return error instanceof Error ? error.message : String(error);
}

/** The request that the next try sends: the first one, or the hook's version of a copy of it. */
async function nextTry(first: ClientRequest, failure: RetryFailure, policy: RetryPolicy): Promise<ClientRequest> {
  if (policy.beforeRetry === undefined) return first;
  const copy = first.with({});
  return (await policy.beforeRetry(copy, failure)) ?? copy;
}

function withKey(request: ClientRequest, policy: RetryPolicy): ClientRequest {
  if (policy.keyFor === undefined || !isKeyed(request.method) || request.headers.has(KEY_FIELD)) return request;
  const keyed = request.with({});
  keyed.headers.set(KEY_FIELD, policy.keyFor(request));
  return keyed;
}
