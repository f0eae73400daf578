/** Validators and freshness: conditional requests (RFC 9110 §13) and `Cache-Control`. */

import { randomUUID } from "node:crypto";
import {
  type Application,
  evaluateConditions,
  formatEntityTag,
  HttpError,
  type Reply,
  readConditions,
  reply,
  type ServerRequest,
} from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { countInPath } from "../numbers.js";
import { reportHead } from "../request-report.js";

const STATUS_BY_VERDICT = { "not-modified": 304, failed: 412 } as const;

/** `/cache`, `/cache/:n`, `/etag/:etag`. */
export function addCachingRoutes(app: Application): void {
  app.get("/cache", (request) => {
    const { ifNoneMatch, ifModifiedSince } = readConditions(request.headers.raw) ?? {};
    if (ifNoneMatch !== undefined || ifModifiedSince !== undefined) return reply.empty({ status: 304 });
    const validators = { ETag: `"${randomUUID()}"`, "Last-Modified": new Date().toUTCString() };
    return jsonReply(reportHead(request), { headers: validators });
  });
  app.get("/cache/:seconds", (request) => {
    const seconds = countInPath(request.params.seconds);
    return jsonReply(reportHead(request), { headers: { "Cache-Control": `public, max-age=${seconds}` } });
  });
  app.get("/etag/:etag", (request) => replyWithTag(request, request.params.etag));
}

function replyWithTag(request: ServerRequest<unknown>, opaque: string): Reply {
  const etag = formatEntityTag(opaque);
  if (etag === undefined) throw new HttpError(400, "Cannot use this as entity tag: it has characters no tag has");
  const headers = { ETag: etag };
  const verdict = evaluateConditions(request.method, readConditions(request.headers.raw) ?? {}, { etag });
  if (verdict === "proceed") return jsonReply(reportHead(request), { headers });
  return reply.empty({ status: STATUS_BY_VERDICT[verdict], ...(verdict === "failed" ? {} : { headers }) });
}
