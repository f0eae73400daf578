/**
 * Lets pages of every origin read every answer, cookies included, as httpbin does: what is served here is either public or
 * the client's own request.
 */

import type { Middleware } from "sluice/server";

const METHODS = "GET, POST, PUT, DELETE, PATCH, OPTIONS, QUERY";
const HOUR_SECONDS = "3600";

/** Adds the `Access-Control-…` fields to every answer, errors too. */
export const crossOrigin: Middleware = (request, next) => {
  request.beforeReply(({ headers }) => {
    headers.set("Access-Control-Allow-Origin", request.headers.get("origin") ?? "*");
    headers.set("Access-Control-Allow-Credentials", "true");
    if (request.method !== "OPTIONS") return;
    headers.set("Access-Control-Allow-Methods", METHODS);
    headers.set("Access-Control-Max-Age", HOUR_SECONDS);
    const wanted = request.headers.get("access-control-request-headers");
    if (wanted !== null) headers.set("Access-Control-Allow-Headers", wanted);
  });
  return next();
};
