/** What an application can be told: the limits of its connections (`connection-options.ts`) and, here, its own. */

import { type Clock, systemClock } from "../concurrency/clock.js";
import { UsageError } from "../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../options.js";
import { AccessLog, type AccessLogOptions } from "./access-log/access-log.js";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  type ResolvedConnectionOptions,
  resolveConnectionOptions,
} from "./connection-options.js";
import { type ErrorListener, reportToStandardError } from "./error-report.js";
import { type Decompression, type DecompressOptions, resolveDecompress } from "./request/decompression.js";
import { ProxyTrust, type TrustProxyOptions } from "./trust-proxy.js";

/** Options of an {@link Application}. */
export interface ApplicationOptions extends ConnectionOptions {
  /**
   * Most bytes of a request body that a handler's readers take in; beyond it the answer is 413. `Infinity` for no limit, 0 for no bodies.
   * `UsageError` `options/out-of-range` for anything negative or no whole number.
   *
   * @default 1_048_576 (1 MiB)
   */
  readonly maxBodySize?: number;
  /**
   * Whether a handler's readers undo the content coding of a request body, and how; `maxBodySize` counts what comes out. Off, a body
   * with a coding is answered with 415. `request.body` is always as the client sent it.
   *
   * @default true
   */
  readonly decompress?: boolean | DecompressOptions;
  /**
   * Proxies that are believed when they say who the client is: addresses and CIDR ranges, or these with the fields believed.
   *
   * @default none: the client is the peer of the connection
   */
  readonly trustProxy?: readonly string[] | TrustProxyOptions;
  /** Logs a line for each answer; `true` as the options are by default. @default false */
  readonly accessLog?: AccessLogOptions | boolean;
  /**
   * Told of every error that made a request fail on the server's side: what ended as a 5xx, and what broke an answer that had begun. What
   * it throws itself goes to standard error.
   *
   * @default a report on standard error
   */
  readonly onError?: ErrorListener;
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

/** The same, checked and complete. */
export interface ResolvedApplicationOptions {
  readonly maxBodySize: number;
  readonly decompression: Decompression;
  readonly trust: ProxyTrust | undefined;
  readonly accessLog: AccessLog | undefined;
  readonly onError: ErrorListener;
  readonly clock: Clock;
  readonly connection: ResolvedConnectionOptions;
}

const DEFAULT_MAX_BODY_SIZE = 1024 * 1024;
const OPTION_NAMES: ReadonlySet<string> = new Set([
  "maxBodySize",
  "decompress",
  "trustProxy",
  "accessLog",
  "onError",
  "clock",
  ...CONNECTION_OPTION_NAMES,
]);

/** Checks and completes. Throws `UsageError` `options/…` for what is out of range, of the wrong kind, or unknown. */
export function resolveApplicationOptions(given: ApplicationOptions): ResolvedApplicationOptions {
  requireObject("application options", given);
  refuseUnknown("application", given, OPTION_NAMES);
  const { maxBodySize = DEFAULT_MAX_BODY_SIZE, trustProxy, accessLog, clock = systemClock, ...rest } = given;
  const { onError = reportToStandardError, decompress, ...connection } = rest;
  requireFunction("onError", onError);
  if (trustProxy !== undefined) requireObject("trustProxy", trustProxy);
  if (typeof accessLog !== "boolean" && accessLog !== undefined) requireObject("accessLog", accessLog);
  if (maxBodySize !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(maxBodySize) && maxBodySize >= 0)) {
    throw new UsageError(
      "options/out-of-range",
      `Cannot use maxBodySize: expected a whole number of bytes from 0, or Infinity, received ${maxBodySize}`,
    );
  }
  return Object.freeze({
    maxBodySize,
    decompression: resolveDecompress(decompress),
    trust: trustProxy === undefined ? undefined : new ProxyTrust(trustProxy),
    accessLog: accessLog ? new AccessLog(accessLog === true ? {} : accessLog, clock, onError) : undefined,
    onError,
    clock,
    connection: resolveConnectionOptions(connection),
  });
}
