/** The answer where no route is: 404, 405 with `Allow` (RFC 9110 §15.5.6), 501, or what OPTIONS says by itself (§9.3.7). */

import { HttpError } from "../http-error.js";
import { problemFor } from "../problem.js";
import type { Reply } from "../reply.js";
import { reply } from "../reply-kinds.js";
import { normalisePath } from "../request/request-path.js";
import type { ServerRequest } from "../request/server-request.js";
import type { Router } from "../router.js";

/** Where the routes are that those without one have missed. */
const routers = new WeakMap<ServerRequest, Router<unknown>>();

/** For middleware that sees a 404: whether the request would find a route, of whatever method, at `path`, which is normalised. */
export function hasRouteAt(request: ServerRequest, path: string): boolean {
  return (routers.get(request)?.allowed(path)?.length ?? 0) > 0;
}

/** A reply in any case that is the client's doing: middleware sees it like any other. */
export function answerUnrouted(request: ServerRequest, router: Router<unknown>): Reply {
  const { method } = request;
  try {
    const path = normalisePath(request.path);
    const allowed = path.startsWith("/") || path === "*" ? router.allowed(path) : undefined;
    if (allowed === undefined) throw new HttpError(501, `This server does not do ${method}`, { expose: true });
    routers.set(request, router);
    if (allowed.length === 0) throw new HttpError(404, "There is nothing at this path");
    const headers = { Allow: allowed.join(", ") };
    if (method === "OPTIONS") return reply.empty({ headers });
    throw new HttpError(405, `This path does not take ${method}`, { headers });
  } catch (error) {
    if (error instanceof HttpError) return problemFor(request, error);
    throw error;
  }
}
