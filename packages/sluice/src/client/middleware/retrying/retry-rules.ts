/**
 * The rules of trying again, without doing it: which failures pass by themselves, and how long to wait for that. Pure; times and
 * randomness are handed in.
 */
import { fullJitter } from "../../../concurrency/back-off.js";
import { ConnectError, ConnectionLostError, PayloadError, RequestTimeoutError, TlsError } from "../../../errors.js";
import { parseRetryAfter } from "../../../http/retry-after.js";
import type { ClientResponse } from "../../response.js";
import type { RetryFailure, RetryPolicy } from "./retry-options.js";

/** Failures to connect that will be the same next time: of the name, of what this machine or its owner permits. */
const LASTING: ReadonlySet<string> = new Set([
  "dns/not-found",
  "dns/bad-answer",
  "connect/not-permitted",
  "connect/no-usable-address",
  "connect/address-refused",
  "proxy/authentication-required",
]);
/** Bodies that broke off on the way, as far as can be told. */
const BROKEN_BODIES: ReadonlySet<string> = new Set(["body/incomplete", "body/truncated"]);
/** Limits on the whole request, or of our own waiting: another try has no more time than this one had. */
const FINAL_PHASES: ReadonlySet<string | undefined> = new Set(["total", "queue", "throttle"]);

/** Whether the rules, apart from a hook of the caller's, want another try after `failure`. */
export function wantsRetry(failure: RetryFailure, policy: RetryPolicy): boolean {
  return failure.response === undefined ? isPassing(failure.error) : policy.statuses.has(failure.response.status);
}

/** Faults that another try may not meet again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return !FINAL_PHASES.has(error.phase);
  if (error instanceof PayloadError) return BROKEN_BODIES.has(error.code);
  // A certificate does not get better by asking again, nor does a peer learn another version of TLS.
  if (error instanceof TlsError) return error.code === "tls/closed";
  if (error instanceof ConnectError) return !LASTING.has(error.code);
  return error instanceof ConnectionLostError;
}

/**
 * Milliseconds until the next try: what the answer asks for (RFC 9110 §10.2.3), else full jitter. Undefined where the answer asks for
 * more than `maxRetryAfter`: then it stands.
 */
export function delayAfter(failure: RetryFailure, policy: RetryPolicy, wallTime: number): number | undefined {
  const asked = failure.response === undefined ? undefined : askedDelay(failure.response, wallTime);
  if (asked !== undefined) return asked > policy.maxRetryAfter ? undefined : asked;
  return fullJitter(failure.attempt, { base: policy.baseDelay, cap: policy.maxDelay }, policy.random);
}

function askedDelay(response: ClientResponse, wallTime: number): number | undefined {
  const value = response.headers.get("retry-after");
  return value === null ? undefined : parseRetryAfter(value, wallTime);
}
