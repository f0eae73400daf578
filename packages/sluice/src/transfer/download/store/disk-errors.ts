/** What the disk refuses, in words that say what to do. What has been recorded before stays good. */

import { SluiceError } from "../../../errors.js";
import { codeOf } from "../../../platform/durable-files.js";

const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY: ReadonlySet<unknown> = new Set(["EROFS", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP"]);
/** In place of what the system says, which names files that nobody has heard of. */
const REASONS: Readonly<Record<string, string>> = {
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "not permitted",
};

/** The error for what the system said when we tried to `what` (a verb) the file. Errors of ours stay as they are. */
export function diskError(what: string, path: string, cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause;
  const code = codeOf(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  if (FULL.has(code)) {
    const message = `Cannot ${what} ${path}: the disk is full (${why}); make room and start the download again, it goes on`;
    return new SluiceError("download/no-space", message, { cause });
  }
  const kind = READ_ONLY.has(code) ? "download/not-writable" : "download/disk";
  const reason = code === undefined ? undefined : REASONS[code];
  return new SluiceError(kind, `Cannot ${what} ${path}: ${reason ?? why}`, { cause });
}

/** The disk has not the room that the rest of the file needs. */
export function noSpace(path: string, needed: number, free: number): SluiceError {
  const message = `Cannot download to ${path}: ${needed} bytes are still to come and the disk has room for ${free}; make room and start again`;
  return new SluiceError("download/no-space", message);
}
