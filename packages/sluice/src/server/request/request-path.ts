/**
 * From request-target (RFC 9112 §3.2) to the path that routes are matched against.
 *
 * Paths that RFC 3986 §6.2.2 calls equivalent become the same string, so that a route, a middleware that looks at
 * `request.path` and `request.url` all see one spelling: escaped unreserved characters are unescaped, hex digits are upper case,
 * every other escape stays (`%2F` does not split a segment). Two things are refused: escapes that are none, with 400, and dot
 * segments, which clients resolve before they ask (RFC 3986 §5.2.4) and which only reach a server to climb out of something. There
 * is nothing where they lead: 404, as for any other path that leads nowhere.
 */

import { HttpError } from "../http-error.js";

const SLASH = 0x2f;
const DOT_SEGMENT = /\/\.\.?(?:\/|$)/;
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** The target's path as received: of the origin-form, or of the absolute-form (RFC 9112 §3.2.2); otherwise the target itself. */
export function pathOf(target: string): string {
  const start = pathStart(target);
  if (start === -1) return target;
  const end = target.indexOf("?", start);
  if (end === start) return "/";
  const path = end === -1 ? (start === 0 ? target : target.slice(start)) : target.slice(start, end);
  return path === "" ? "/" : path;
}

/** The target's query without its question mark; empty when there is none. */
export function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark === -1 ? "" : target.slice(mark + 1);
}

/** Scheme and authority of an absolute-form target, `undefined` for every other form. */
export function originOf(target: string): { readonly scheme: string; readonly authority: string } | undefined {
  if (target.charCodeAt(0) === SLASH) return undefined;
  const mark = target.indexOf("://");
  if (mark === -1) return undefined;
  const start = pathStart(target);
  return { scheme: target.slice(0, mark).toLowerCase(), authority: target.slice(mark + 3, start) };
}

/** The one spelling of `path`. Throws `HttpError` 400 for a malformed escape, 404 for a dot segment. */
export function normalisePath(path: string): string {
  if (path.indexOf("%") === -1) {
    if (path.indexOf("/.") !== -1) refuseDotSegments(path);
    return path;
  }
  const normal = path.replace(ESCAPE, normaliseEscape);
  refuseDotSegments(normal);
  return normal;
}

/** {@link normalisePath}, with undefined for what it refuses. */
export function tryNormalisePath(path: string): string | undefined {
  if (path.indexOf("%") === -1 && path.indexOf("/.") === -1) return path;
  try {
    return normalisePath(path);
  } catch (error) {
    if (error instanceof HttpError) return undefined;
    throw error;
  }
}

/** The text of one parameter. Throws `HttpError` 400 when its escapes are not UTF-8. */
export function decodePathPart(part: string): string {
  if (part.indexOf("%") === -1) return part;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new HttpError(400, "The path has an escape that is not UTF-8", { code: "server/path-escape", cause });
  }
}

/** Where the path begins, or -1 for the asterisk-form and the authority-form, which have none. */
function pathStart(target: string): number {
  if (target.charCodeAt(0) === SLASH) return 0;
  const mark = target.indexOf("://");
  if (mark === -1) return -1;
  const slash = target.indexOf("/", mark + 3);
  const query = target.indexOf("?", mark + 3);
  if (slash !== -1 && (query === -1 || slash < query)) return slash;
  return query === -1 ? target.length : query;
}

function normaliseEscape(received: string, digits: string | undefined): string {
  if (digits === undefined) {
    throw new HttpError(400, "The path has a % that two hexadecimal digits do not follow", {
      code: "server/path-escape",
    });
  }
  const character = Buffer.from(digits, "hex").toString("latin1");
  return UNRESERVED.test(character) ? character : received.toUpperCase();
}

function refuseDotSegments(path: string): void {
  if (DOT_SEGMENT.test(path)) throw new HttpError(404, "The path has a dot segment", { code: "server/path-dots" });
}
