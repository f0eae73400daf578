/** What `uploads()` can be told, checked and completed once. */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { type ErrorListener, reportToStandardError } from "../error-report.js";
import type { CorsOptions } from "../middleware/cors.js";
import type { ServerRequest } from "../request/server-request.js";
import type { UploadInfo } from "./upload-info.js";
import type { UploadStore } from "./upload-store.js";

/** What a client may have of a server's disk and time. `Infinity` switches a limit off; `UsageError` `options/out-of-range`. */
export interface UploadLimits {
  /** Bytes of one upload. Beyond it: 413. From 0. @default 17_179_869_184 (16 GiB) */
  readonly maxSize: number;
  /** Uploads that have been created and are not complete, all clients together. Beyond it: 503. From 1. @default 1_000 */
  readonly maxUnfinished: number;
  /** Bytes of all unfinished uploads as announced; as received where nothing was announced. Beyond it: 507. From 0. @default Infinity */
  readonly maxTotalBytes: number;
  /** Bytes of `Upload-Metadata`. Beyond it: 413. From 0. @default 4_096 */
  readonly maxMetadataBytes: number;
  /** Bytes a second that are taken in of one request; more wait. From 1. @default Infinity */
  readonly maxRate: number;
  /** Room that an upload has to leave on the disk when it is created. Below it: 507. From 0. @default 67_108_864 (64 MiB) */
  readonly minFreeBytes: number;
}

/** What a request wants of an upload. */
export type UploadAction = "create" | "inspect" | "append" | "terminate";

/** Options of `uploads()`. */
export interface UploadsOptions {
  /** Folder for complete uploads; unfinished ones lie in `.uploads` below it. Made if it is not there. This or `store`. */
  readonly directory?: string;
  /** Another place than a folder. */
  readonly store?: UploadStore;
  readonly limits?: { readonly [name in keyof UploadLimits]?: UploadLimits[name] | undefined };
  /**
   * Milliseconds without a byte after which an unfinished upload is removed, and the record of a complete one (its file stays). More
   * than 0; `Infinity` for never.
   *
   * @default 86_400_000 (a day)
   */
  readonly expireAfter?: number;
  /** Lets browsers upload from other origins: `true` from all. Without it only pages of the same origin can. @default false */
  readonly cors?: boolean | CorsOptions;
  /**
   * Asked before anything is done; throws an `HttpError` (401, 403 …) to refuse. `upload` is undefined for `create`, where `onCreate` sees
   * more.
   *
   * @default everybody may
   */
  readonly authorize?: (
    request: ServerRequest,
    action: UploadAction,
    upload: UploadInfo | undefined,
  ) => void | Promise<void>;
  /**
   * The name that a complete upload gets in the directory. It is made safe whatever is returned; where a name is taken, a number is
   * added.
   *
   * @default the client's name for it, or else the id
   */
  readonly filename?: (upload: UploadInfo) => string;
  /** Called before an upload is stored; throws an `HttpError` to refuse it. */
  readonly onCreate?: (upload: UploadInfo, request: ServerRequest) => void | Promise<void>;
  /** Told when more of an upload has become durable, some times a second at most. What it throws goes to `onError`. */
  readonly onProgress?: (upload: UploadInfo) => void;
  /**
   * Called when a complete upload lies in its place, before its client is told. At least once: again after it has failed, or after a
   * crash. What it throws is answered with 500, and the client may ask again.
   */
  readonly onComplete?: (upload: UploadInfo) => void | Promise<void>;
  /** Told of an unfinished upload that was removed, by its client or because it has expired. What it throws goes to `onError`. */
  readonly onTerminate?: (upload: UploadInfo, reason: "client" | "expired") => void;
  /** Told of what goes wrong while no request is served: in the expiry sweep, in a hook. @default a report on standard error */
  readonly onError?: ErrorListener;
  /** The source of time. @default the system's */
  readonly clock?: Clock;
}

type Hooks = Pick<UploadsOptions, "onCreate" | "onProgress" | "onComplete" | "onTerminate" | "authorize" | "filename">;

/** The same, checked and complete. */
export interface ResolvedUploadsOptions {
  readonly directory: string | undefined;
  readonly store: UploadStore | undefined;
  readonly limits: Readonly<UploadLimits>;
  readonly expireAfter: number;
  readonly cors: CorsOptions | undefined;
  readonly hooks: Hooks;
  readonly onError: ErrorListener;
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;
const LIMIT_DEFAULTS: Readonly<UploadLimits> = Object.freeze({
  maxSize: 16 * 1024 ** 3,
  maxUnfinished: 1_000,
  maxTotalBytes: Number.POSITIVE_INFINITY,
  maxMetadataBytes: 4_096,
  maxRate: Number.POSITIVE_INFINITY,
  minFreeBytes: 64 * 1024 ** 2,
});
const LEAST: Readonly<Record<keyof UploadLimits, number>> = {
  maxSize: 0,
  maxUnfinished: 1,
  maxTotalBytes: 0,
  maxMetadataBytes: 0,
  maxRate: 1,
  minFreeBytes: 0,
};
const HOOK_NAMES = ["authorize", "filename", "onCreate", "onProgress", "onComplete", "onTerminate"] as const;
const LIMIT_NAMES: ReadonlySet<string> = new Set(Object.keys(LIMIT_DEFAULTS));
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof UploadsOptions>([
  ...(["directory", "store", "limits", "expireAfter", "cors", "onError", "clock"] as const),
  ...HOOK_NAMES,
]);

/** Throws `UsageError` `options/…` for what is out of range, of the wrong kind, or unknown. */
export function resolveUploadsOptions(given: UploadsOptions): ResolvedUploadsOptions {
  requireObject("uploads options", given);
  refuseUnknown("uploads", given, OPTION_NAMES);
  const { directory, store, expireAfter = DAY_MS, clock = systemClock, onError = reportToStandardError } = given;
  if ((directory === undefined) === (store === undefined)) {
    throw new UsageError("options/unknown-value", "Cannot serve uploads: expected one of directory and store");
  }
  if (directory !== undefined && (typeof directory !== "string" || directory === "")) {
    throw new UsageError("options/unknown-value", "Cannot serve uploads: directory has to be a path");
  }
  if (store !== undefined) requireObject("store", store);
  requireNumber("expireAfter", expireAfter, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  requireFunction("onError", onError);
  const hooks: Record<string, unknown> = {};
  for (const name of HOOK_NAMES) {
    if (given[name] === undefined) continue;
    requireFunction(name, given[name]);
    hooks[name] = given[name];
  }
  return Object.freeze({
    directory,
    store,
    limits: resolveLimits(given.limits),
    expireAfter,
    cors: resolveCors(given.cors),
    hooks: hooks as Hooks,
    onError,
    clock,
  });
}

function resolveLimits(given: UploadsOptions["limits"]): Readonly<UploadLimits> {
  if (given === undefined) return LIMIT_DEFAULTS;
  requireObject("uploads limits", given);
  refuseUnknown("uploads limits", given, LIMIT_NAMES);
  const limits: Record<keyof UploadLimits, number> = { ...LIMIT_DEFAULTS };
  for (const name of Object.keys(LEAST) as (keyof UploadLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    requireNumber(name, value, LEAST[name], Number.POSITIVE_INFINITY);
    limits[name] = value;
  }
  return Object.freeze(limits);
}

function resolveCors(given: boolean | CorsOptions | undefined): CorsOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return {};
  requireObject("cors", given);
  return given;
}
