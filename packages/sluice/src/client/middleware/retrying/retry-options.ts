/** What a caller may ask of `retry`, and that checked: which requests, after which failures, how often, after how long. */

import { UsageError } from "../../../errors.js";
import { isIdempotent } from "../../../http/methods.js";
import { refuseUnknown, requireFunction, requireNumber } from "../../../options.js";
import { randomId, systemRandom } from "../../../platform/random.js";
import type { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.js";

/** One try that did not do. */
export interface RetryFailure {
  /** The request as it was sent; the next try starts from the first one again. */
  readonly request: ClientRequest;
  /** Tries so far: 1 after the first. */
  readonly attempt: number;
  /** What was answered; its body is not to be read. Undefined where nothing was. */
  readonly response: ClientResponse | undefined;
  /** What was thrown; undefined where there is a response. */
  readonly error: unknown;
}

/** When a request is tried again, and how long is waited. */
export interface RetryOptions {
  /** Tries in all, the first included; 1 is no retry. @default 3 */
  readonly attempts?: number;
  /** Statuses worth another try. @default 408, 425, 429, 500, 502, 503, 504 */
  readonly statuses?: readonly number[];
  /** Methods that may be sent again. @default the idempotent ones (RFC 9110 §9.2.2) */
  readonly methods?: readonly string[];
  /** Bound of the first wait, in milliseconds; it doubles with each try, and the wait is drawn evenly from below it. @default 250 */
  readonly baseDelay?: number;
  /** Bound of every wait of ours, in milliseconds. @default 10_000 */
  readonly maxDelay?: number;
  /** Longest `Retry-After` that is waited for, in milliseconds; a longer one returns the response. @default 60_000 */
  readonly maxRetryAfter?: number;
  /** How much of what goes to one origin may be retries; `false` for no bound. @default a tenth, and 10 a second besides */
  readonly budget?: RetryBudgetOptions | false;
  /**
   * Gives each POST and PATCH an `Idempotency-Key`, the same on all its tries (draft-ietf-httpapi-idempotency-key-header), and
   * tries them again: for services that promise to do a thing once for each key. `true`: a random UUID, or a function that makes the
   * key. A key that the request has already is kept. @default false
   */
  readonly idempotencyKey?: boolean | ((request: ClientRequest) => string);
  /**
   * Asked after each try of a request that may be sent again, successes too: true and false decide, `undefined` leaves it to the
   * rules above. `attempts`, `budget`, `timeout.total` and a cancellation stand whatever it says.
   */
  readonly shouldRetry?: (failure: RetryFailure) => boolean | undefined | Promise<boolean | undefined>;
  /**
   * Called after the wait and before the next try, with that try's own copy of the request: headers set on it are sent this once. May
   * give another request in its place. What it throws ends the request.
   */
  readonly beforeRetry?: (
    request: ClientRequest,
    failure: RetryFailure,
  ) => ClientRequest | undefined | Promise<ClientRequest | undefined>;
  /** From 0 up to 1, for jitter; a seeded one in tests. */
  readonly random?: () => number;
}

/** {@link RetryOptions}, checked and complete. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly statuses: ReadonlySet<number>;
  readonly baseDelay: number;
  readonly maxDelay: number;
  readonly maxRetryAfter: number;
  readonly budget: RetryBudget | undefined;
  readonly shouldRetry: RetryOptions["shouldRetry"];
  readonly beforeRetry: RetryOptions["beforeRetry"];
  readonly random: () => number;
  /** Whether sending a request with this method twice is no worse than once. */
  readonly mayRepeat: (method: string) => boolean;
  /** The key of a request that is to have one. */
  readonly keyFor: ((request: ClientRequest) => string) | undefined;
}

const DEFAULTS = { attempts: 3, baseDelay: 250, maxDelay: 10_000, maxRetryAfter: 60_000 } as const;
const STATUSES = [408, 425, 429, 500, 502, 503, 504];
const KNOWN: ReadonlySet<string> = new Set<keyof RetryOptions>([
  "attempts",
  "statuses",
  "methods",
  "baseDelay",
  "maxDelay",
  "maxRetryAfter",
  "budget",
  "idempotencyKey",
  "shouldRetry",
  "beforeRetry",
  "random",
]);
const HOOKS = ["shouldRetry", "beforeRetry", "random"] as const;
/** Methods that an `Idempotency-Key` makes repeatable. */
const KEYED: ReadonlySet<string> = new Set(["POST", "PATCH"]);
const NO_OPTIONS: RetryOptions = Object.freeze({});

/** Whether a request with `method` is given an `Idempotency-Key` where keys are asked for. */
export function isKeyed(method: string): boolean {
  return KEYED.has(method);
}

/** Throws `UsageError` for an option that is unknown, out of range or of the wrong kind. A number is `attempts`. */
export function resolveRetry(given: number | RetryOptions, budget: RetryBudget | undefined): RetryPolicy {
  const options: RetryOptions = typeof given === "number" ? { ...NO_OPTIONS, attempts: given } : given;
  refuseUnknown("retry", options, KNOWN);
  for (const name of HOOKS) if (options[name] !== undefined) requireFunction(`retry.${name}`, options[name]);
  const { attempts, baseDelay, maxDelay, maxRetryAfter } = { ...DEFAULTS, ...options };
  requireNumber("retry.attempts", attempts, 1, Number.POSITIVE_INFINITY);
  requireNumber("retry.baseDelay", baseDelay, 0, Number.POSITIVE_INFINITY);
  requireNumber("retry.maxDelay", maxDelay, 0, Number.POSITIVE_INFINITY);
  requireNumber("retry.maxRetryAfter", maxRetryAfter, 0, Number.POSITIVE_INFINITY);
  const { statuses = STATUSES, shouldRetry, beforeRetry, random = systemRandom } = options;
  return {
    attempts,
    statuses: new Set(statuses),
    baseDelay,
    maxDelay,
    maxRetryAfter,
    budget,
    shouldRetry,
    beforeRetry,
    random,
    ...repeatability(options),
  };
}

/** A new budget as these options have it; undefined for `false`. */
export function newBudget(given: number | RetryOptions | undefined): RetryBudget | undefined {
  const options = typeof given === "object" ? given.budget : undefined;
  return options === false ? undefined : new RetryBudget(options);
}

/** Whether these options say something of a budget. */
export function hasOwnBudget(given: number | RetryOptions | undefined): boolean {
  return typeof given === "object" && given.budget !== undefined;
}

function repeatability(options: RetryOptions): Pick<RetryPolicy, "mayRepeat" | "keyFor"> {
  const { idempotencyKey = false } = options;
  if (typeof idempotencyKey !== "boolean" && typeof idempotencyKey !== "function") {
    const received = typeof idempotencyKey;
    const message = `Cannot use retry.idempotencyKey: expected true, false or a function, received ${received}`;
    throw new UsageError("options/unknown-value", message);
  }
  const named = options.methods === undefined ? undefined : new Set(options.methods.map((name) => name.toUpperCase()));
  const mayRepeat = named === undefined ? isIdempotent : (method: string) => named.has(method);
  if (idempotencyKey === false) return { mayRepeat, keyFor: undefined };
  return {
    mayRepeat: (method) => isKeyed(method) || mayRepeat(method),
    keyFor: idempotencyKey === true ? randomId : idempotencyKey,
  };
}
