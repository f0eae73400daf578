/** What may be asked of a download, and what it becomes: every property present, in range, and worked out once. */

import { mergeTimeouts } from "../../client/option-values.js";
import { type HeadersInput, TIMEOUT_DEFAULTS } from "../../client/options.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { RateLimiter } from "../rate-limiter.js";
import type { DownloadEvent } from "./download-events.js";
import type { DownloadProgress } from "./download-progress.js";
import { type ExpectedChecksums, readChecksums } from "./target/checksums.js";

/** How a file is downloaded. */
export interface DownloadOptions {
  /**
   * Connections to fetch it over: so many at once from the beginning, 1 to 16, where server and size allow it; or "auto", which begins
   * with one and adds others, up to 8, while that makes it faster.
   *
   * @default "auto"
   */
  readonly segments?: number | "auto";
  /** Least bytes that are worth a connection of their own. From 65,536. @default 4_194_304 (4 MiB) */
  readonly minSegmentSize?: number;
  /**
   * Digests that the whole file must have, in hexadecimal digits or base64, by algorithm; for one that differs the download fails with
   * `download/checksum` and nothing is kept. What the server says in `Repr-Digest` or `Content-Digest` (RFC 9530) is checked in any case.
   *
   * @default none
   */
  readonly checksum?: ExpectedChecksums;
  /** Most bytes a second, or a limiter that several transfers share. @default Infinity */
  readonly rateLimit?: number | RateLimiter;
  /**
   * Does not download a file that is there and has not changed since: asked for by the validator that an earlier download with this option
   * has noted beside the file, else found out by date and size. @default false
   */
  readonly ifChanged?: boolean;
  /** Forgets what an earlier run has left, and begins anew. @default false */
  readonly fresh?: boolean;
  /** Takes the lock away from whoever holds it. @default false */
  readonly force?: boolean;
  /**
   * Goes on with an unfinished file where the server has neither a strong entity tag nor an old enough date, if only the size is the same.
   * A file that has changed without changing its size is then mixed from two. @default false
   */
  readonly trustSize?: boolean;
  /**
   * Takes an answer without a length that ends with its connection for complete, although one that broke looks the same.
   *
   * @default false: such a download fails with `download/unknown-end`, unless a checksum proves it complete
   */
  readonly allowUnknownEnd?: boolean;
  /** Decodes an answer that has a content coding although none was asked for; false saves it as it came. @default true */
  readonly decode?: boolean;
  /**
   * Whether a file of that name is replaced. @default true for a name that the caller or the URL gave, false for one that the server chose:
   * `download/exists`
   */
  readonly overwrite?: boolean;
  /** Whether the file gets the time of its last change from `Last-Modified`. @default true */
  readonly modifiedTime?: boolean;
  /** Tries of one segment without a byte between them, 1 or more; bytes that come begin the count anew. @default 8 */
  readonly attempts?: number;
  /** Longest wait that a server's `Retry-After` may ask for, in milliseconds; for more the download fails. @default 300_000 */
  readonly maxRetryAfter?: number;
  /** Milliseconds without a byte, or without the head of an answer, after which a segment is asked for anew. @default 30_000 */
  readonly stallTimeout?: number;
  /** Fields of all requests. To another origin than the first only those go along that a redirect would take. @default none */
  readonly headers?: HeadersInput;
  /** Ends the download, which can be gone on with later, and rejects with its reason itself. */
  readonly signal?: AbortSignal;
  /** Told how far it has come, some times a second. What it throws ends the download. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told what happens on the way: going on, beginning anew, trying again. What it throws ends the download. */
  readonly onEvent?: (event: DownloadEvent) => void;
}

/** {@link DownloadOptions}, resolved. */
export interface ResolvedDownloadOptions {
  readonly mostSegments: number;
  /** Whether segments are added by what they bring. */
  readonly adaptive: boolean;
  readonly minSegmentSize: number;
  readonly checksums: ReadonlyMap<string, string>;
  readonly limiter: RateLimiter | undefined;
  readonly ifChanged: boolean;
  readonly fresh: boolean;
  readonly force: boolean;
  readonly trustSize: boolean;
  readonly allowUnknownEnd: boolean;
  readonly decode: boolean;
  readonly overwrite: boolean | undefined;
  readonly modifiedTime: boolean;
  readonly attempts: number;
  readonly maxRetryAfter: number;
  readonly stallTimeout: number;
  readonly headers: HeadersInput | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
  readonly onEvent: ((event: DownloadEvent) => void) | undefined;
}

const KNOWN: ReadonlySet<string> = new Set<keyof DownloadOptions>([
  "segments",
  "minSegmentSize",
  "checksum",
  "rateLimit",
  "ifChanged",
  "fresh",
  "force",
  "trustSize",
  "allowUnknownEnd",
  "decode",
  "overwrite",
  "modifiedTime",
  "attempts",
  "maxRetryAfter",
  "stallTimeout",
  "headers",
  "signal",
  "onProgress",
  "onEvent",
]);
const MOST_SEGMENTS = 16;
const MOST_ADAPTIVE_SEGMENTS = 8;
const LEAST_SEGMENT_SIZE = 64 * 1024;
const MIB = 1024 * 1024;
const NEVER = Number.POSITIVE_INFINITY;

/** Throws `UsageError` `options/…` for what cannot be. */
export function resolveDownloadOptions(given: DownloadOptions): ResolvedDownloadOptions {
  refuseUnknown("download", given, KNOWN);
  const { segments = "auto", minSegmentSize = 4 * MIB, stallTimeout = 30_000, attempts = 8 } = given;
  const { maxRetryAfter = 300_000 } = given;
  if (segments !== "auto") requireWhole("segments", segments, 1, MOST_SEGMENTS);
  requireNumber("minSegmentSize", minSegmentSize, LEAST_SEGMENT_SIZE, Number.MAX_SAFE_INTEGER);
  requireWhole("attempts", attempts, 1, Number.MAX_SAFE_INTEGER);
  requireNumber("maxRetryAfter", maxRetryAfter, 0, NEVER);
  mergeTimeouts(TIMEOUT_DEFAULTS, { read: stallTimeout });
  for (const name of ["onProgress", "onEvent"] as const) {
    if (given[name] !== undefined) requireFunction(name, given[name]);
  }
  if (given.checksum !== undefined) requireObject("checksum", given.checksum);
  return {
    mostSegments: segments === "auto" ? MOST_ADAPTIVE_SEGMENTS : segments,
    adaptive: segments === "auto",
    minSegmentSize: Math.floor(minSegmentSize),
    checksums: readChecksums(given.checksum ?? {}),
    limiter: limiterOf(given.rateLimit),
    ifChanged: given.ifChanged ?? false,
    fresh: given.fresh ?? false,
    force: given.force ?? false,
    trustSize: given.trustSize ?? false,
    allowUnknownEnd: given.allowUnknownEnd ?? false,
    decode: given.decode ?? true,
    overwrite: given.overwrite,
    modifiedTime: given.modifiedTime ?? true,
    attempts,
    maxRetryAfter,
    stallTimeout,
    headers: given.headers,
    signal: given.signal,
    onProgress: given.onProgress,
    onEvent: given.onEvent,
  };
}

function limiterOf(given: number | RateLimiter | undefined): RateLimiter | undefined {
  if (given === undefined || given === NEVER) return undefined;
  return given instanceof RateLimiter ? given : new RateLimiter(given);
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  requireNumber(name, value, least, most);
  if (Number.isInteger(value)) return;
  throw new UsageError("options/out-of-range", `Cannot use ${name}: expected a whole number, received ${value}`);
}
