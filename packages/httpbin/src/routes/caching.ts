/** Validators and freshness: conditional requests (RFC 9110 §13) and `Cache-Control`. */

import { randomUUID } from "node:crypto";
import { type Application, HttpError, type Reply, reply, type ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { countInPath } from "../numbers.js";
import { reportHead } from "../request-report.js";

const NOT_MODIFIED = 304;
const PRECONDITION_FAILED = 412;
/** RFC 9110 §8.8.3, without what a path cannot say anyway. */
const ETAG_CHARS = /^[\x21\x23-\x7e]*$/;
/** One member of `If-Match` or `If-None-Match`: `*`, or an entity tag, quoted as it should be or not. */
const TAG = /(W\/)?(?:"([^"]*)"|([^\s,"]+))/g;

/** `/cache`, `/cache/:n`, `/etag/:etag`. */
export function addCachingRoutes(app: Application): void {
  app.get("/cache", (request) => {
    const { headers } = request;
    if (headers.has("if-modified-since") || headers.has("if-none-match")) return reply.empty({ status: NOT_MODIFIED });
    const validators = { ETag: `"${randomUUID()}"`, "Last-Modified": new Date().toUTCString() };
    return jsonReply(reportHead(request), { headers: validators });
  });
  app.get("/cache/:seconds", (request) => {
    const seconds = countInPath(request.params.seconds);
    return jsonReply(reportHead(request), { headers: { "Cache-Control": `public, max-age=${seconds}` } });
  });
  app.get("/etag/:etag", (request) => replyWithTag(request, request.params.etag));
}

/** The order of the two conditions is RFC 9110 §13.2.2's. */
function replyWithTag(request: ServerRequest<unknown>, tag: string): Reply {
  if (!ETAG_CHARS.test(tag)) throw new HttpError(400, "Cannot use this as entity tag: it has characters no tag has");
  const headers = { ETag: `"${tag}"` };
  const ifMatch = request.headers.get("if-match");
  if (ifMatch !== null && !matches(ifMatch, tag)) return reply.empty({ status: PRECONDITION_FAILED });
  const ifNoneMatch = request.headers.get("if-none-match");
  if (ifNoneMatch !== null && matches(ifNoneMatch, tag)) return reply.empty({ status: NOT_MODIFIED, headers });
  return jsonReply(reportHead(request), { headers });
}

function matches(field: string, tag: string): boolean {
  for (const [, , quoted, bare] of field.matchAll(TAG)) if (bare === "*" || (quoted ?? bare) === tag) return true;
  return false;
}
