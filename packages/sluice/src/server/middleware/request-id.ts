/** Tells clients the id that the server's logs have for their request. */

import type { Middleware } from "../middleware-chain.js";

/** Adds `X-Request-Id` to every answer, errors included. */
export function requestId(): Middleware {
  return (request, next) => {
    request.beforeReply((reply) => reply.headers.set("X-Request-Id", request.id));
    return next();
  };
}
