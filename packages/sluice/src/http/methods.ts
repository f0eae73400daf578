/**
 * What is known of a method from its name (RFC 9110 §9; RFC 5789 for PATCH, the IANA registry for the rest). Methods are
 * case-sensitive tokens; one that nobody registered is as good as any (§9.1), and safe or idempotent is none of these.
 */

import { isToken } from "../bytes/char-tables.js";

/** QUERY is safe by its definition: it asks, with content. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"]);
const IDEMPOTENT_TOO: ReadonlySet<string> = new Set(["PUT", "DELETE", "PROPPATCH", "COPY", "MOVE", "UNLOCK", "MKCOL"]);
/** The names that the Fetch standard and common use write in capitals whatever the caller's case. */
const NORMALISED: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"]);

/** True for a valid method: a token (RFC 9110 §9.1). */
export function isMethod(method: string): boolean {
  return isToken(method);
}

/** True if the client asks for no change of state (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/** True if sending it twice means no more than sending it once (RFC 9110 §9.2.2): safe methods, PUT, DELETE and kin. */
export function isIdempotent(method: string): boolean {
  return SAFE.has(method) || IDEMPOTENT_TOO.has(method);
}

/** True where requests usually have content, so that none at all is stated as a length of 0 (RFC 9110 §8.6). */
export function expectsContent(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH" || method === "QUERY";
}

/** `method` in capitals if that makes it one of the common ones; all others are left alone, for case counts (RFC 9110 §9.1). */
export function normaliseMethod(method: string): string {
  if (NORMALISED.has(method)) return method;
  const upper = method.toUpperCase();
  return NORMALISED.has(upper) ? upper : method;
}
