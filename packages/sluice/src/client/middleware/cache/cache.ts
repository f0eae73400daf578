/**
 * The client's cache (RFC 9111), as hop middleware: it keeps answers and gives them again for as long as they hold, asks whether
 * they still do, and never gives one to a request that another answer was meant for. It stands at each hop, not around redirects,
 * because it is each hop's answer that says how long it holds.
 *
 * Here are its options. What works is loaded with the first request.
 */
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../../options.js";
import { type ClientMiddleware, forHops } from "../../middleware.js";
import type { ClientRequest } from "../../request.js";
import { warnOnce } from "../../warnings.js";
import type { Caching } from "./caching.js";
import type { CacheStore } from "./store/cache-store.js";
import { MemoryCacheStore } from "./store/memory-store.js";

/** How much a cache keeps, and how much memory it may take on the way. */
export interface CacheLimits {
  /**
   * Most bytes of a body that is stored, after decoding. Longer ones pass by. `Infinity` for no limit. @default 8_388_608 (8 MiB)
   */
  readonly maxEntryBytes?: number;
  /**
   * Most bytes that bodies on their way into the store take in memory together; beyond it a body is not stored. `Infinity` for no
   * limit. @default 67_108_864 (64 MiB)
   */
  readonly maxRecordingBytes?: number;
  /** Most variants of one URL (`Vary`); the oldest goes first. At least 1. @default 16 */
  readonly maxVariants?: number;
}

/** What is kept where, and for whom. */
export interface CacheOptions extends CacheLimits {
  /** @default a `MemoryCacheStore` of 64 MiB of its own */
  readonly store?: CacheStore;
  /**
   * Which part of the time since `Last-Modified` a response counts as fresh that says nothing of its lifetime (RFC 9111 §4.2.2);
   * 0 to 1, 0 for none. @default 0.1
   */
  readonly heuristic?: number;
  /**
   * For how many milliseconds past its time a response may stand in for an error (500, 502, 503, 504, no connection, a time-out of one
   * phase), where it does not say so itself (RFC 5861 §4). 0 for not at all. @default 0
   */
  readonly staleIfError?: number;
  /**
   * Names whose answers a request may get: what is stored for one name is never given to another. Undefined leaves the request
   * uncached.
   * @default the credentials of the request, the `auth` in force and the cookie jar, by which users are told apart
   */
  readonly partition?: (request: ClientRequest) => string | undefined;
  /** Told of each failure of the store, which fails no request. @default a process warning, once */
  readonly onStoreError?: (error: unknown) => void;
}

/** With every default. */
export interface ResolvedCacheOptions extends Required<Omit<CacheOptions, "partition">> {
  readonly partition: CacheOptions["partition"];
}

const DEFAULTS = {
  maxEntryBytes: 8 * 1024 * 1024,
  maxRecordingBytes: 64 * 1024 * 1024,
  maxVariants: 16,
  heuristic: 0.1,
  staleIfError: 0,
} as const;
const KNOWN: ReadonlySet<string> = new Set<keyof CacheOptions>([
  ...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]),
  "store",
  "partition",
  "onStoreError",
]);
/** Least and most of each number. */
const RANGES: { readonly [name in keyof typeof DEFAULTS]: readonly [least: number, most: number] } = {
  maxEntryBytes: [0, Number.POSITIVE_INFINITY],
  maxRecordingBytes: [0, Number.POSITIVE_INFINITY],
  maxVariants: [1, Number.POSITIVE_INFINITY],
  heuristic: [0, 1],
  staleIfError: [0, Number.POSITIVE_INFINITY],
};
const STORE_METHODS = ["get", "set", "delete"] as const;

/**
 * A private HTTP cache for `hopMiddleware`. What it did for a response is in `response.cacheStatus`; what it may do for a request
 * is said by the request's `Cache-Control`. Throws `UsageError` for an option that is unknown or out of range.
 */
export function cache(given: CacheOptions = {}): ClientMiddleware {
  const options = resolved(given);
  let loading: Promise<Caching> | undefined;
  return forHops("cache()", async (request, next) => {
    if (request.upgrades) return next(request);
    loading ??= import("./caching.js").then(({ Caching }) => Caching.load(options));
    return (await loading).send(request, next);
  });
}

function resolved(given: CacheOptions): ResolvedCacheOptions {
  requireObject("cache options", given);
  refuseUnknown("cache", given, KNOWN);
  const options = {
    ...DEFAULTS,
    ...given,
    store: given.store ?? new MemoryCacheStore(),
    partition: given.partition,
    onStoreError: given.onStoreError ?? warnOfStore,
  };
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    requireNumber(`cache.${name}`, options[name], ...RANGES[name]);
  }
  requireObject("cache.store", options.store);
  for (const method of STORE_METHODS) requireFunction(`cache.store.${method}`, options.store[method]);
  if (options.partition !== undefined) requireFunction("cache.partition", options.partition);
  requireFunction("cache.onStoreError", options.onStoreError);
  return options;
}

function warnOfStore(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  warnOnce(
    "SLUICE_CACHE_STORE",
    "cache()",
    `A cache's store failed, and its answers were not kept or not found: ${why}`,
  );
}
