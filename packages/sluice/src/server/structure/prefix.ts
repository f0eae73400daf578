/**
 * Paths below a prefix. The path `/` of a sub-application or a group is the prefix itself, with and without a slash at its end:
 * `/admin` and `/admin/`. Everything else is prefix and path, one after the other.
 */

import { UsageError } from "../../errors.js";
import { readPattern } from "../route-pattern.js";

/** The path of a route, and the second spelling that it answers to if it has one. */
export interface RoutePath {
  readonly path: string;
  readonly also: string | undefined;
}

/** A prefix as paths are put after it: empty for `/`. Throws `UsageError` `route/prefix` for what cannot be one. */
export function readPrefix(prefix: string, use: "group" | "mount"): string {
  if (prefix === "/") return "";
  const cannot = `Cannot ${use} at ${JSON.stringify(prefix)}`;
  if (typeof prefix !== "string" || !prefix.startsWith("/") || prefix.endsWith("/")) {
    throw new UsageError(
      "route/prefix",
      `${cannot}: expected a path that begins with a slash and does not end with one`,
    );
  }
  if (readPattern(prefix).parts.some((part) => part.kind === "rest")) {
    throw new UsageError("route/prefix", `${cannot}: nothing can follow what takes the rest of the path`);
  }
  return prefix;
}

/** Where a route stands below `prefix`. Throws `UsageError` `route/pattern` for `*`, which is below nothing. */
export function joinPath(prefix: string, { path, also }: RoutePath): RoutePath {
  if (prefix === "") return { path, also };
  if (path === "/") return { path: prefix, also: `${prefix}/` };
  if (path.startsWith("/")) return { path: prefix + path, also: also === undefined ? undefined : prefix + also };
  const reason = path === "*" ? "* is the server as a whole, and not below a prefix" : "it must start with a slash";
  throw new UsageError("route/pattern", `Cannot route ${path} below ${prefix}: ${reason}`);
}
