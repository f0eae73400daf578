/** What an httpbin can be told: where its caps lie, where chance and time come from, and everything an `Application` takes. */

import { type ApplicationOptions, UsageError } from "sluice/server";

/** Options of {@link createHttpbin}. Anything out of its range is a `UsageError` `options/out-of-range`. */
export interface HttpbinOptions extends ApplicationOptions {
  /**
   * Longest time, in milliseconds, that a client can ask for as a delay or as the duration of a body; more is cut down to it. From 0.
   *
   * @default 10_000
   */
  readonly maxDelay?: number;
  /**
   * Most bytes that a client can ask for in one body; more is cut down to it (`/range` answers 404). From 0.
   *
   * @default 104_857_600 (100 MiB)
   */
  readonly maxBytes?: number;
  /**
   * Keys that `/flaky` remembers, and `/rate-limited` too; the one not asked for longest is forgotten first. From 1.
   *
   * @default 10_000
   */
  readonly maxKeys?: number;
  /**
   * Most bytes of a request body that is echoed; beyond it the answer is 413. It is held in memory, several times over.
   *
   * @default 10_485_760 (10 MiB)
   */
  readonly maxBodySize?: number;
  /** Numbers from 0 to below 1, for the choice among the codes of `/status/200,500`. @default Math.random */
  readonly random?: () => number;
}

/** The part of the options that is ours, complete and checked. */
export interface HttpbinSettings {
  readonly maxDelay: number;
  readonly maxBytes: number;
  readonly maxKeys: number;
  readonly random: () => number;
  /** The application's options. */
  readonly application: ApplicationOptions;
}

/** What a client may ask for unless told otherwise. */
export const HTTPBIN_DEFAULTS = Object.freeze({
  maxDelay: 10_000,
  maxBytes: 100 * 1024 * 1024,
  maxKeys: 10_000,
  maxBodySize: 10 * 1024 * 1024,
});

/** Least of each; the most is what a whole number can say exactly. */
const LEAST = { maxDelay: 0, maxBytes: 0, maxKeys: 1 } as const;

/** Checks and completes. Throws `UsageError` `options/out-of-range`. */
export function resolveHttpbinOptions(given: HttpbinOptions): HttpbinSettings {
  const {
    maxDelay = HTTPBIN_DEFAULTS.maxDelay,
    maxBytes = HTTPBIN_DEFAULTS.maxBytes,
    maxKeys = HTTPBIN_DEFAULTS.maxKeys,
    random = Math.random,
    ...application
  } = given;
  assertWhole("maxDelay", maxDelay);
  assertWhole("maxBytes", maxBytes);
  assertWhole("maxKeys", maxKeys);
  const { maxBodySize = HTTPBIN_DEFAULTS.maxBodySize } = application;
  return Object.freeze({ maxDelay, maxBytes, maxKeys, random, application: { ...application, maxBodySize } });
}

function assertWhole(name: keyof typeof LEAST, value: number): void {
  if (Number.isSafeInteger(value) && value >= LEAST[name]) return;
  throw new UsageError(
    "options/out-of-range",
    `Cannot use ${name}: expected a whole number from ${LEAST[name]}, received ${String(value)}`,
  );
}
