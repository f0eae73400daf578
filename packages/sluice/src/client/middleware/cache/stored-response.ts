/** Responses that no connection brought: what was stored, and what the cache says itself (RFC 9111 §4, §5.2.1.7). */
import { parseHttpDate } from "../../../http/dates.js";
import { type CacheStatus, withCacheStatus } from "../../cache-status.js";
import { fieldsWithout, findField } from "../../field-lines.js";
import { localResponse } from "../../local-response.js";
import type { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import type { ResponseHead } from "../../response-head.js";
import type { CacheEntry } from "./store/cache-store.js";

/** What a 304 repeats of the response that it stands for (RFC 9110 §15.4.5), and `Age`. */
const IN_NOT_MODIFIED: ReadonlySet<string> = new Set([
  "age",
  "cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "last-modified",
  "vary",
]);
const GATEWAY_TIMEOUT: ResponseHead = {
  status: 504,
  reason: "Gateway Timeout",
  version: 11,
  fields: ["content-length", "0"],
};

/** The stored response, `age` seconds old, as the answer to `request`: a HEAD, or its own condition, may make it shorter. */
export function storedResponse(
  request: ClientRequest,
  entry: CacheEntry,
  age: number,
  status: CacheStatus,
): ClientResponse {
  const fields = [...fieldsWithout(entry.fields, (name) => name === "age"), "age", String(age)];
  if (isNotModified(request, entry)) {
    const kept = fieldsWithout(fields, (name) => !IN_NOT_MODIFIED.has(name));
    const head = { status: 304, reason: "Not Modified", version: entry.version, fields: kept };
    return withCacheStatus(localResponse(request, head, undefined), status);
  }
  const head = { status: entry.status, reason: entry.statusText, version: entry.version, fields };
  const content = request.method === "HEAD" ? undefined : entry.body;
  return withCacheStatus(localResponse(request, head, content), status);
}

/** What is answered to `only-if-cached` where nothing is stored that may be used (§5.2.1.7). */
export function absentResponse(request: ClientRequest): ClientResponse {
  return withCacheStatus(localResponse(request, GATEWAY_TIMEOUT, undefined), "absent");
}

/** Whether the caller's own condition says that it has this already (§4.3.2). */
function isNotModified(request: ClientRequest, entry: CacheEntry): boolean {
  if (entry.status !== 200) return false;
  const noneMatch = request.headers.get("if-none-match");
  // RFC 9110 §13.2.2: with If-None-Match, If-Modified-Since is not looked at.
  if (noneMatch !== null) return matchesAny(noneMatch, findField(entry.fields, "etag"));
  const since = parseHttpDate(request.headers.get("if-modified-since") ?? "", entry.receivedAt);
  if (since === undefined) return false;
  // Without Last-Modified the date of the response stands for it (§4.3.2).
  const known = findField(entry.fields, "last-modified") ?? findField(entry.fields, "date") ?? "";
  const modified = parseHttpDate(known, entry.receivedAt);
  return modified !== undefined && modified <= since;
}

/** Weak comparison (RFC 9110 §8.8.3.2). */
function matchesAny(condition: string, etag: string | undefined): boolean {
  if (condition.trim() === "*") return true;
  if (etag === undefined) return false;
  const opaque = etag.replace(/^W\//, "");
  return condition.match(/"[^"]*"/g)?.includes(opaque) ?? false;
}
