/**
 * Leads clients that write a path in another way than its route to the one that it has: 308 (RFC 9110 §15.4.9), which keeps method and
 * body, and the query with it. Only where there is nothing at the path as it was written, and something at the other one.
 *
 * No way out of the site: the location begins with exactly one slash and no backslash, which browsers read as one, is left in it.
 * Paths with dot segments lead nowhere in any spelling; escapes stay escaped, so `%2F` is no slash.
 */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireObject } from "../../options.js";
import type { Middleware } from "../middleware-chain.js";
import { reply } from "../reply-kinds.js";
import { pathOf, queryOf, tryNormalisePath } from "../request/request-path.js";
import type { ServerRequest } from "../request/server-request.js";
import { hasRouteAt } from "../structure/unrouted.js";

/** Which spelling paths have. */
export interface NormalisePathOptions {
  /** Slashes at the end: "remove" leads `/a/` to `/a`, "add" leads `/a` to `/a/`, "keep" leaves both alone. @default "remove" */
  readonly trailingSlash?: "remove" | "add" | "keep";
  /** Whether several slashes are led to one: `/a//b` to `/a/b`. @default true */
  readonly mergeSlashes?: boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof NormalisePathOptions>(["trailingSlash", "mergeSlashes"]);
const TRAILING: readonly string[] = ["remove", "add", "keep"];

/** Redirects 404s whose path has another spelling. `UsageError` `options/…` for an option of the wrong kind, or unknown. */
export function normalisePath(options: NormalisePathOptions = {}): Middleware {
  requireObject("normalisePath options", options);
  refuseUnknown("normalisePath", options, OPTION_NAMES);
  const { trailingSlash = "remove", mergeSlashes = true } = options;
  if (!TRAILING.includes(trailingSlash)) {
    const expected = TRAILING.join(", ");
    throw new UsageError("options/unknown-value", `Cannot use trailingSlash ${trailingSlash}: expected ${expected}`);
  }
  return async function normalisePath(request, next) {
    const answer = await next();
    if (answer.status !== 404 || request.route !== undefined) return answer;
    const path = pathOf(request.target);
    const other = otherSpellings(path, trailingSlash, mergeSlashes).find((one) => isRouted(request, one));
    if (other === undefined || other === path) return answer;
    answer.discard();
    const query = queryOf(request.target);
    return reply.redirect(query === "" ? other : `${other}?${query}`, { status: 308 });
  };
}

function isRouted(request: ServerRequest, path: string): boolean {
  const normal = tryNormalisePath(path);
  return normal !== undefined && hasRouteAt(request, normal);
}

/** The nearest first. */
function otherSpellings(path: string, trailingSlash: string, mergeSlashes: boolean): string[] {
  if (!path.startsWith("/")) return [];
  const merged = mergeSlashes ? path.replace(/\/{2,}/g, "/") : path;
  const spellings = [merged];
  if (trailingSlash === "remove") spellings.push(withoutTrailing(merged));
  else if (trailingSlash === "add" && !merged.endsWith("/")) spellings.push(`${merged}/`);
  return spellings.map((spelling) => spelling.replace(/^\/+/, "/").replace(/\\/g, "%5C"));
}

/** Without a pattern: one for slashes at the end takes quadratic time. */
function withoutTrailing(path: string): string {
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === 0x2f) end -= 1;
  return path.slice(0, end);
}
