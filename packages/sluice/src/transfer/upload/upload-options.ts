/** What may be asked of an upload, and what it becomes: every property present, in range, and worked out once. */

import type { HeadersInput } from "../../client/options.js";
import type { BackOffRange } from "../../concurrency/back-off.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { RateLimiter } from "../rate-limiter.js";
import type { UploadEvent, UploadProgress } from "./upload-events.js";

/** Digests that can be sent along with each part; the server has to know it. */
export type UploadChecksum = "sha1" | "sha256" | "sha512" | "md5";

/** How something is uploaded. */
export interface UploadOptions {
  /** `tus` can be resumed; `put` and `post` send the whole in one request. @default "tus" */
  readonly protocol?: "tus" | "put" | "post";
  /** What the server is told of it (`Upload-Metadata`). `filename` is the source's name unless it is given. tus only. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The media type: as `Content-Type` with `put` and `post`, as metadata `filetype` with `tus`. @default none */
  readonly type?: string;
  /**
   * Most bytes of one request; `Infinity` for all there are. Leave it unless something on the way limits requests. Of streams, and with
   * `checksum`, the parts lie in memory: 8 MiB is the default there. From 1. tus only.
   *
   * @default Infinity
   */
  readonly chunkSize?: number;
  /** Has the server check each part by such a digest, and takes a part that arrived wrong up again. tus only. @default none */
  readonly checksum?: UploadChecksum;
  /** Sends the first part (8 MiB at most) with the request that creates the upload: one round trip less. tus only. @default false */
  readonly dataWithCreation?: boolean;
  /** Sends POST with `X-HTTP-Method-Override` in place of PATCH and DELETE, for ways that know neither. tus only. @default false */
  readonly overrideMethod?: boolean;
  /**
   * Where to remember an unfinished upload of a file for the next run: a folder; false for nowhere. What lies there lets whoever reads
   * it go on with the upload, so it is readable by its owner only. tus only.
   *
   * @default the folder `sluice/uploads` where the system's user keeps state
   */
  readonly stateFolder?: string | false;
  /** Forgets an earlier run, and begins anew. @default false */
  readonly fresh?: boolean;
  /** Most bytes a second, or a limiter that several transfers share. @default Infinity */
  readonly rateLimit?: number | RateLimiter;
  /** Tries without a byte between them, 1 or more; bytes that the server confirms begin the count anew. @default 8 */
  readonly attempts?: number;
  /** Milliseconds between tries: a random wait whose ceiling doubles from `base` up to `cap`. @default { base: 500, cap: 30_000 } */
  readonly backOff?: BackOffRange;
  /** Longest wait that a server's `Retry-After` may ask for, in milliseconds; for more the upload fails. @default 300_000 */
  readonly maxRetryAfter?: number;
  /** Milliseconds in which the server takes no byte, or says nothing, after which it is tried anew. From 1. @default 30_000 */
  readonly stallTimeout?: number;
  /** Fields of all requests; not of those to another origin that the server may name for the upload. @default none */
  readonly headers?: HeadersInput;
  /** Ends the upload, which can be gone on with later, and rejects with its reason itself. */
  readonly signal?: AbortSignal;
  /** Told how far it has come, some times a second. What it throws ends the upload. */
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Told what happens on the way: going on, beginning anew, trying again. What it throws ends the upload. */
  readonly onEvent?: (event: UploadEvent) => void;
}

/** {@link UploadOptions}, resolved. */
export interface ResolvedUploadOptions {
  readonly protocol: "tus" | "put" | "post";
  readonly metadata: Readonly<Record<string, string>>;
  readonly type: string | undefined;
  readonly chunkSize: number | undefined;
  readonly checksum: UploadChecksum | undefined;
  readonly dataWithCreation: boolean;
  readonly overrideMethod: boolean;
  readonly stateFolder: string | false | undefined;
  readonly fresh: boolean;
  readonly limiter: RateLimiter | undefined;
  readonly attempts: number;
  readonly backOff: BackOffRange;
  readonly maxRetryAfter: number;
  readonly stallTimeout: number;
  readonly headers: HeadersInput | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: UploadProgress) => void) | undefined;
  readonly onEvent: ((event: UploadEvent) => void) | undefined;
}

/** Those that mean something to tus alone: with another protocol they are refused. */
const TUS_ONLY = [
  ...(["metadata", "chunkSize", "checksum", "dataWithCreation", "overrideMethod", "stateFolder", "fresh"] as const),
];
const KNOWN: ReadonlySet<string> = new Set<keyof UploadOptions>([
  ...TUS_ONLY,
  ...(["protocol", "type", "rateLimit", "attempts", "backOff", "maxRetryAfter", "stallTimeout"] as const),
  ...(["headers", "signal", "onProgress", "onEvent"] as const),
]);
const PROTOCOLS: ReadonlySet<unknown> = new Set(["tus", "put", "post"]);
const CHECKSUMS: ReadonlySet<unknown> = new Set(["sha1", "sha256", "sha512", "md5"]);
const BACK_OFF: BackOffRange = { base: 500, cap: 30_000 };
const METADATA_KEY = /^[!-+\--~]+$/;
const NEVER = Number.POSITIVE_INFINITY;

/** Throws `UsageError` `options/…` for what cannot be. */
export function resolveUploadOptions(given: UploadOptions): ResolvedUploadOptions {
  requireObject("upload options", given);
  refuseUnknown("upload", given, KNOWN);
  const { protocol = "tus", attempts = 8, backOff = BACK_OFF, maxRetryAfter = 300_000, stallTimeout = 30_000 } = given;
  const { chunkSize, checksum, metadata = {} } = given;
  if (!PROTOCOLS.has(protocol)) throw unusable("protocol", "tus, put or post", protocol);
  if (protocol !== "tus") refuseTusOptions(given, protocol);
  requireNumber("attempts", attempts, 1, Number.MAX_SAFE_INTEGER);
  requireNumber("backOff.base", backOff.base, 0, NEVER);
  requireNumber("backOff.cap", backOff.cap, 0, NEVER);
  requireNumber("maxRetryAfter", maxRetryAfter, 0, NEVER);
  requireNumber("stallTimeout", stallTimeout, 1, NEVER);
  if (chunkSize !== undefined) requireNumber("chunkSize", chunkSize, 1, NEVER);
  if (checksum !== undefined && !CHECKSUMS.has(checksum)) throw unusable("checksum", "sha1, sha256 …", checksum);
  for (const key of Object.keys(metadata)) {
    if (!METADATA_KEY.test(key)) throw unusable("metadata", "keys of ASCII without spaces and commas", key);
  }
  for (const name of ["onProgress", "onEvent"] as const) {
    if (given[name] !== undefined) requireFunction(name, given[name]);
  }
  return {
    protocol,
    metadata,
    type: given.type,
    chunkSize: chunkSize === undefined ? undefined : Math.floor(chunkSize),
    checksum,
    dataWithCreation: given.dataWithCreation ?? false,
    overrideMethod: given.overrideMethod ?? false,
    stateFolder: given.stateFolder,
    fresh: given.fresh ?? false,
    limiter: limiterOf(given.rateLimit),
    attempts,
    backOff,
    maxRetryAfter,
    stallTimeout,
    headers: given.headers,
    signal: given.signal,
    onProgress: given.onProgress,
    onEvent: given.onEvent,
  };
}

function refuseTusOptions(given: UploadOptions, protocol: string): void {
  for (const name of TUS_ONLY) {
    if (given[name] === undefined) continue;
    throw new UsageError(
      "options/unknown",
      `Cannot use upload option "${name}" with protocol ${protocol}: it is tus's`,
    );
  }
}

function limiterOf(given: number | RateLimiter | undefined): RateLimiter | undefined {
  if (given === undefined || given === NEVER) return undefined;
  return given instanceof RateLimiter ? given : new RateLimiter(given);
}

function unusable(name: string, expected: string, value: unknown): UsageError {
  return new UsageError(
    "options/unknown-value",
    `Cannot use upload option ${name}: expected ${expected}, received ${String(value)}`,
  );
}
