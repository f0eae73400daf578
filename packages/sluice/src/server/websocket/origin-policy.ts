/**
 * From which sites' pages a socket may be opened. Browsers let every page open one to every server, cookies included, and say only in
 * `Origin` whose page it is (RFC 6455 §10.2): without this check any site could act as the user who visits it. Programs that are no browsers
 * send no `Origin`, or whatever they like; it keeps none of them out.
 */

import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { HttpError } from "../http-error.js";
import { type ListedOrigin, originMatcher } from "../origin-list.js";
import type { ServerRequest } from "../request/server-request.js";

/** Whether a page of `origin` may open this socket. */
export type WebSocketOriginDecision = (origin: string, request: ServerRequest) => boolean | Promise<boolean>;

/**
 * `same`: pages of the host, port and scheme that the socket is asked of; `any`: every page there is; a list: origins as browsers write
 * them, patterns that have to match all of one, and `"same"`; or a function.
 */
export type WebSocketOrigins = "same" | "any" | readonly ListedOrigin[] | WebSocketOriginDecision;

/** Checks a request's `Origin`; one that has none passes. */
export type OriginCheck = (request: ServerRequest) => Promise<void> | undefined;

const SAME = "same";

/** Throws `UsageError` `options/unknown-value` for an origin that no browser sends. */
export function originCheckOf(origins: WebSocketOrigins): OriginCheck | undefined {
  if (origins === "any") return undefined;
  const allows = decisionOf(origins);
  return (request) => {
    const origin = request.headers.get("origin");
    if (origin === null) return undefined;
    const allowed = allows(origin, request);
    if (typeof allowed !== "boolean") return allowed.then(refuseUnless);
    refuseUnless(allowed);
    return undefined;
  };
}

function decisionOf(origins: Exclude<WebSocketOrigins, "any">): WebSocketOriginDecision {
  if (typeof origins === "function") return origins;
  if (origins === SAME) return isSameOrigin;
  if (!Array.isArray(origins)) throw unusable(`expected "same", "any", a list or a function`);
  const listed = originMatcher(
    origins.filter((origin) => origin !== SAME),
    unusable,
  );
  if (!origins.includes(SAME)) return listed;
  return (origin, request) => listed(origin) || isSameOrigin(origin, request);
}

/** By scheme, host and port (RFC 6454 §5), as the client or a trusted proxy tells them. Opaque origins (`null`) are nobody's own. */
function isSameOrigin(origin: string, request: ServerRequest): boolean {
  const { host } = request;
  if (host === "") return false;
  const own = parseUrl(`${request.protocol}://${host}`);
  return own !== undefined && parseUrl(origin)?.origin === own.origin;
}

function refuseUnless(allowed: boolean): void {
  if (allowed === true) return;
  throw new HttpError(403, "Pages of this origin may not open a socket here", { code: "websocket/origin" });
}

function unusable(why: string): UsageError {
  return new UsageError("options/unknown-value", `Cannot use websocket option origins: ${why}`);
}
