/**
 * When a `ReconnectingWebSocket` connects again, and after how long: every decision of it, and none of its effects.
 *
 * A connection that ended by one of the codes that say "this would end the same way again" is not made anew, nor is one that a server
 * refused for good. After everything else it waits: a random part (full jitter) of a range that doubles with each failure in a row,
 * more where the server asks for it.
 */
import { fullJitter } from "../../concurrency/back-off.js";
import { ConnectError, ConnectionLostError, RequestTimeoutError, TlsError, UsageError } from "../../errors.js";
import { parseRetryAfter } from "../../http/retry-after.js";
import { requireFunction, requireNumber } from "../../options.js";
import { systemRandom } from "../../platform/random.js";
import { ResponseError } from "../response-error.js";

/** RFC 6455 §7.4.1 and IANA's registry: a restart, and "try again later". */
const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;
/** Going away, no status, lost, internal error, restart, later, bad gateway: nothing that has to happen again. */
const PASSING_CODES: ReadonlySet<number> = new Set([1001, 1005, 1006, 1011, SERVICE_RESTART, TRY_AGAIN_LATER, 1014]);
/** Statuses that say "later" (RFC 9110 §15.5.9, §15.6; RFC 8470 §5.2; RFC 6585 §4). */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What was meant when 1012 was registered: everybody spread over so many milliseconds, nobody at once. */
const RESTART_LEAST = 5_000;
const RESTART_SPREAD = 25_000;

/** How a connection ended, or why there was none. */
export interface SocketEnding {
  /** The close code (RFC 6455 §7.1.5): 1005 for none, 1006 for a connection that was lost; undefined if it was never open. */
  readonly code: number | undefined;
  readonly reason: string;
  /** Both sides have said goodbye. */
  readonly wasClean: boolean;
  /** Why the handshake failed, or a connection that was open ended without a goodbye; undefined for one that was closed. */
  readonly error: unknown;
}

/** When and how often a WebSocket connects again. */
export interface SocketReconnectOptions {
  /** The range, in milliseconds, that the first wait is drawn from; it doubles with each failure in a row. 0 or more. @default 1_000 */
  readonly delay?: number;
  /** What that range grows to at most, in milliseconds. 0 or more. @default 30_000 */
  readonly maxDelay?: number;
  /**
   * The longest wait that a server may ask for by `Retry-After`, in milliseconds; one that asks for more is not asked again.
   * 0 or more. @default 300_000
   */
  readonly maxServerDelay?: number;
  /** Connections in a row that fail or do not last, after which it is given up. 0 or more. @default Infinity */
  readonly attempts?: number;
  /** Milliseconds after which a connection counts as one that lasts: then the range begins anew. 0 or more. @default 10_000 */
  readonly stableAfter?: number;
  /** Whether it also tries again as long as it has never been open. @default false: the first connection has to succeed */
  readonly beforeOpen?: boolean;
  /** Whether to connect again after such an end, in place of {@link isPassing}. */
  readonly shouldReconnect?: (ending: SocketEnding) => boolean;
  /** Gives numbers from 0 up to, not including, 1; a repeatable one in tests. @default the connector's, else Math.random */
  readonly random?: () => number;
}

/** {@link SocketReconnectOptions} with nothing left open. */
export type ReconnectPolicy = Required<SocketReconnectOptions>;

const NUMBERS = { delay: 1_000, maxDelay: 30_000, maxServerDelay: 300_000, stableAfter: 10_000 } as const;

/** Throws `UsageError` `options/…`. `random`: the connector's. */
export function reconnectPolicy(given: SocketReconnectOptions, random: (() => number) | undefined): ReconnectPolicy {
  const numbers = { ...NUMBERS, attempts: Number.POSITIVE_INFINITY };
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    const value = given[name] ?? numbers[name];
    requireNumber(`reconnect.${name}`, value, 0, Number.POSITIVE_INFINITY);
    Object.assign(numbers, { [name]: value });
  }
  if (numbers.delay === Number.POSITIVE_INFINITY) {
    throw new UsageError("options/out-of-range", "Cannot use reconnect.delay Infinity: use session.websocket()");
  }
  const { beforeOpen = false, shouldReconnect = isPassing } = given;
  requireFunction("reconnect.shouldReconnect", shouldReconnect);
  const source = given.random ?? random ?? systemRandom;
  requireFunction("reconnect.random", source);
  return { ...numbers, beforeOpen, shouldReconnect, random: source };
}

/**
 * Whether another connection may fare better: after close codes 1001, 1005, 1006, 1011, 1012, 1013 and 1014; after a handshake that
 * found no connection, lost it, timed out, or was answered with 408, 425, 429, 500, 502, 503 or 504.
 */
export function isPassing({ code, error }: SocketEnding): boolean {
  if (code !== undefined) return PASSING_CODES.has(code);
  if (error instanceof ResponseError) return PASSING_STATUSES.has(error.status);
  if (error instanceof ConnectError) return !(error instanceof TlsError);
  return error instanceof ConnectionLostError || error instanceof RequestTimeoutError;
}

/**
 * Milliseconds to wait after `failures` in a row, 1 or more; undefined if the server asks for more patience than there is. `wallTime`:
 * of now, since the epoch.
 */
export function delayAfter(
  ending: SocketEnding,
  failures: number,
  policy: ReconnectPolicy,
  wallTime: number,
): number | undefined {
  const { random } = policy;
  const delay = fullJitter(failures, { base: policy.delay, cap: policy.maxDelay }, random);
  if (ending.code === SERVICE_RESTART || ending.code === TRY_AGAIN_LATER) {
    return Math.max(delay, RESTART_LEAST + random() * RESTART_SPREAD);
  }
  const asked = retryAfterOf(ending.error, wallTime);
  if (asked === undefined) return delay;
  return asked > policy.maxServerDelay ? undefined : asked + delay;
}

function retryAfterOf(error: unknown, wallTime: number): number | undefined {
  const value = error instanceof ResponseError ? error.headers.get("retry-after") : null;
  return value === null ? undefined : parseRetryAfter(value, wallTime);
}
