import { UsageProblem } from "../usage-problem.js";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EEXIST: "a file is there",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is not a directory",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** A file that was named on the command line and cannot be used; `what` is what was attempted, such as "read". */
export function fileProblem(what: string, path: string, error: unknown): UsageProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = (code === undefined ? undefined : REASONS[code]) ?? message;
  return new UsageProblem(`Cannot ${what} ${path}: ${reason}`);
}
