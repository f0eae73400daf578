/**
 * Everything a client could use to hold or fill a server's memory, connections or time, as options: one interface, one table of
 * defaults, one table of ranges, one resolver. The limits on heads themselves are the codec's (`Http1Limits`).
 */

import { UsageError } from "../errors.js";
import { type Http1Limits, resolveHttp1Limits } from "../http1/limits.js";

/**
 * Limits of a server's connections. Times are milliseconds, sizes bytes; `Infinity` switches a limit off. Anything out of range
 * is a `UsageError` `options/out-of-range`.
 */
export interface ConnectionOptions {
  /**
   * Longest time for a request head: from the connection's begin, later from the first byte of a request, to the head's end. Beyond
   * it: 408 where something had come, and the connection ends. From 1.
   *
   * @default 10_000
   */
  readonly headersTimeout?: number;
  /**
   * Longest time for a request body, not counting the time in which the handler kept the client waiting. Beyond it: 408, and the
   * connection ends. From 1.
   *
   * @default 300_000
   */
  readonly receiveTimeout?: number;
  /**
   * Least bytes a second, on average, of a request body, from `receiveGrace` after its begin. Below it: as `receiveTimeout`. From 0;
   * 0 for no minimum.
   *
   * @default 240
   */
  readonly minReceiveRate?: number;
  /**
   * Time from which on `minReceiveRate` counts. From 1; `Infinity` for no minimum rate.
   *
   * @default 10_000
   */
  readonly receiveGrace?: number;
  /**
   * Longest time between an answer and the first byte of the next request; the connection ends without a word. From 1.
   *
   * @default 75_000
   */
  readonly keepAliveTimeout?: number;
  /**
   * Longest time in which a client takes nothing of what there is to send, or less than `minSendRate` asks for; then the connection is
   * broken off. From 1; `Infinity` for no minimum rate either.
   *
   * @default 60_000
   */
  readonly sendTimeout?: number;
  /**
   * Least bytes a second, on average over each `sendTimeout`, that a client takes while answers wait for it. From 0; 0 for any byte.
   *
   * @default 240
   */
  readonly minSendRate?: number;
  /**
   * Longest time to wait for the client's end of the connection after ours, so that it can read the last answer (RFC 9112 §9.6).
   * From 1, no `Infinity`.
   *
   * @default 5_000
   */
  readonly lingerTimeout?: number;
  /**
   * Connections served at once; more wait, unread. From 1.
   *
   * @default 50_000
   */
  readonly maxConnections?: number;
  /**
   * Connections that wait while `maxConnections` are served; more are closed at once, and who waits longer than `headersTimeout`
   * too. From 0.
   *
   * @default 1_000
   */
  readonly maxWaiting?: number;
  /**
   * Requests on one connection; the last answer says `Connection: close`. From 1.
   *
   * @default Infinity
   */
  readonly maxRequestsPerConnection?: number;
  /**
   * Requests read ahead on one connection while earlier ones are not answered (RFC 9112 §9.3.2); then reading stops. From 1, no
   * `Infinity`.
   *
   * @default 16
   */
  readonly maxPipelined?: number;
  /**
   * Bytes of a request body kept for a handler that has not read them yet; then reading stops. From 1, no `Infinity`.
   *
   * @default 65_536 (64 KiB)
   */
  readonly maxBufferedBytes?: number;
  /**
   * Bytes of an unread request body that are let pass so that the connection can be used again; with more to come, it ends after the
   * answer. From 0.
   *
   * @default 262_144 (256 KiB)
   */
  readonly maxDrainBytes?: number;
  /**
   * Bytes let pass while the connection ends; then the client is kept waiting until `lingerTimeout`. From 0.
   *
   * @default 4_194_304 (4 MiB)
   */
  readonly maxLingerBytes?: number;
  /** Limits of request heads, chunk extensions and trailers. */
  readonly limits?: { readonly [name in keyof Http1Limits]?: Http1Limits[name] | undefined };
}

/** Options of a connection that are numbers. */
export type NumberOption = Exclude<keyof ConnectionOptions, "limits">;

/** The same, checked and complete. Resolving it again changes nothing. */
export type ResolvedConnectionOptions = Readonly<Record<NumberOption, number>> & {
  readonly limits: Readonly<Http1Limits>;
};

const NEVER = Number.POSITIVE_INFINITY;
const LARGEST = Number.MAX_SAFE_INTEGER;

/** What a server allows unless told otherwise. */
export const CONNECTION_DEFAULTS: Readonly<Record<NumberOption, number>> = Object.freeze({
  headersTimeout: 10_000,
  receiveTimeout: 300_000,
  minReceiveRate: 240,
  receiveGrace: 10_000,
  keepAliveTimeout: 75_000,
  sendTimeout: 60_000,
  minSendRate: 240,
  lingerTimeout: 5_000,
  maxConnections: 50_000,
  maxWaiting: 1_000,
  maxRequestsPerConnection: NEVER,
  maxPipelined: 16,
  maxBufferedBytes: 65_536,
  maxDrainBytes: 262_144,
  maxLingerBytes: 4_194_304,
});

/** Least and most of each; whole numbers, or `Infinity` where that is the most. */
const RANGES: Readonly<Record<NumberOption, readonly [least: number, most: number]>> = {
  headersTimeout: [1, NEVER],
  receiveTimeout: [1, NEVER],
  minReceiveRate: [0, LARGEST],
  receiveGrace: [1, NEVER],
  keepAliveTimeout: [1, NEVER],
  sendTimeout: [1, NEVER],
  minSendRate: [0, LARGEST],
  lingerTimeout: [1, LARGEST],
  maxConnections: [1, NEVER],
  maxWaiting: [0, NEVER],
  maxRequestsPerConnection: [1, NEVER],
  maxPipelined: [1, LARGEST],
  maxBufferedBytes: [1, LARGEST],
  maxDrainBytes: [0, NEVER],
  maxLingerBytes: [0, NEVER],
};

/** All of {@link ConnectionOptions}. */
export const CONNECTION_OPTION_NAMES: readonly string[] = Object.freeze([...Object.keys(RANGES), "limits"]);

/** Checks and completes. Throws `UsageError` `options/out-of-range`. */
export function resolveConnectionOptions(given: ConnectionOptions = {}): ResolvedConnectionOptions {
  const numbers: Record<NumberOption, number> = { ...CONNECTION_DEFAULTS };
  for (const name of Object.keys(RANGES) as NumberOption[]) {
    const value = given[name];
    if (value === undefined) continue;
    const [least, most] = RANGES[name];
    const whole = Number.isSafeInteger(value) || value === NEVER;
    if (!whole || value < least || value > most) {
      const bounds =
        most === NEVER ? `a whole number from ${least}, or Infinity` : `a whole number from ${least} to ${most}`;
      throw new UsageError("options/out-of-range", `Cannot use ${name}: expected ${bounds}, received ${String(value)}`);
    }
    numbers[name] = value;
  }
  return Object.freeze({ ...numbers, limits: resolveHttp1Limits(given.limits) });
}
