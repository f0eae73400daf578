/**
 * Cookies on the wire, as a server meets them: `Cookie` read, `Set-Cookie` written (RFC 6265 §4 and its successor's prefixes and
 * `SameSite`). Storing them by the rules of browsers is the client's cookie jar's business.
 */

import { trimOws } from "../bytes/ascii.js";
import { areAllIn, COOKIE_VALUE_CHARS, isToken } from "../bytes/char-tables.js";
import { UsageError } from "../errors.js";
import { formatHttpDate } from "./dates.js";

/** Browsers ignore a cookie whose name and value are longer (RFC 6265bis §5.6). */
const MAX_PAIR_BYTES = 4_096;

/** Attributes of a cookie being set (RFC 6265 §4.1.2). None: a session cookie for this host and the request's folder. */
export interface CookieAttributes {
  /** Host names which end in it get the cookie too; without it, only the host that set it (RFC 6265 §4.1.2.3). */
  readonly domain?: string | undefined;
  /** Paths at or below it get the cookie. Begins with "/" (RFC 6265 §4.1.2.4). */
  readonly path?: string | undefined;
  /** When it ends: a `Date`, or milliseconds since the Unix epoch (RFC 6265 §4.1.2.1). */
  readonly expires?: Date | number | undefined;
  /** Seconds until it ends, an integer; 0 or less removes it at once. Wins over `expires` (RFC 6265 §4.1.2.2). */
  readonly maxAgeSeconds?: number | undefined;
  /** Only over TLS (RFC 6265 §4.1.2.5). */
  readonly secure?: boolean | undefined;
  /** Not for scripts (RFC 6265 §4.1.2.6). */
  readonly httpOnly?: boolean | undefined;
  /** Whether requests from other sites carry it. "none" requires `secure`. */
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  /** Kept apart for each top-level site (CHIPS); requires `secure`. */
  readonly partitioned?: boolean | undefined;
  /** Which cookies of a host some browsers drop first when there are too many. */
  readonly priority?: "low" | "medium" | "high" | undefined;
}

/**
 * The cookies in a `Cookie` field by name, in order; of two with one name the first counts, which is the more specific one
 * (RFC 6265 §5.4). Values are as sent, without the quotes around them, and not decoded. What is no pair is passed over: one
 * broken cookie must not cost the others.
 */
export function parseCookieHeader(value: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const piece of value.split(";")) {
    const equals = piece.indexOf("=");
    if (equals === -1) continue;
    const name = trimOws(piece.slice(0, equals));
    if (!isToken(name) || cookies.has(name)) continue;
    cookies.set(name, unquote(trimOws(piece.slice(equals + 1))));
  }
  return cookies;
}

/**
 * A value for `Set-Cookie` (RFC 6265 §4.1). Throws `UsageError`: `cookies/name-invalid`, `cookies/value-invalid` (percent-encode
 * what is not plain ASCII without spaces, quotes, commas, semicolons and backslashes), `cookies/too-large` for more than 4,096 bytes of
 * both, or `cookies/attribute-invalid`, also for attributes which would make browsers drop the cookie.
 */
export function serializeSetCookie(name: string, value: string, attributes: CookieAttributes = {}): string {
  if (!isToken(name)) {
    throw new UsageError("cookies/name-invalid", `Cannot set cookie ${JSON.stringify(name)}: its name is not a token`);
  }
  if (!areAllIn(COOKIE_VALUE_CHARS, value)) {
    throw new UsageError(
      "cookies/value-invalid",
      `Cannot set cookie ${name}: its value has a character that cookies cannot carry; encode it first`,
    );
  }
  if (name.length + value.length > MAX_PAIR_BYTES) {
    const message = `Cannot set cookie ${name}: name and value have ${name.length + value.length} bytes, browsers drop it beyond ${MAX_PAIR_BYTES}`;
    throw new UsageError("cookies/too-large", message);
  }
  checkPrefix(name, attributes);
  checkTogether(name, attributes);
  return `${name}=${value}${scopeText(name, attributes)}${flagText(attributes)}`;
}

function scopeText(name: string, attributes: CookieAttributes): string {
  const { domain, path, expires, maxAgeSeconds } = attributes;
  let text = "";
  if (maxAgeSeconds !== undefined) {
    if (!Number.isSafeInteger(maxAgeSeconds)) throw attributeInvalid(name, "maxAgeSeconds is not an integer");
    text += `; Max-Age=${maxAgeSeconds}`;
  }
  if (expires !== undefined) text += `; Expires=${formatHttpDate(Number(expires))}`;
  if (domain !== undefined) {
    if (!/^\.?[a-z0-9]([a-z0-9\-.]*[a-z0-9])?$/i.test(domain))
      throw attributeInvalid(name, "domain is not a host name");
    text += `; Domain=${domain}`;
  }
  if (path !== undefined) {
    if (!/^\/[\x20-\x3a\x3c-\x7e]*$/.test(path)) throw attributeInvalid(name, "path does not begin with / or has a ;");
    text += `; Path=${path}`;
  }
  return text;
}

function flagText(attributes: CookieAttributes): string {
  const { secure, httpOnly, sameSite, partitioned, priority } = attributes;
  let text = "";
  if (secure === true) text += "; Secure";
  if (httpOnly === true) text += "; HttpOnly";
  if (sameSite !== undefined) text += `; SameSite=${SAME_SITE_TEXT[sameSite]}`;
  if (partitioned === true) text += "; Partitioned";
  if (priority !== undefined) text += `; Priority=${PRIORITY_TEXT[priority]}`;
  return text;
}

const SAME_SITE_TEXT = { strict: "Strict", lax: "Lax", none: "None" } as const;
const PRIORITY_TEXT = { low: "Low", medium: "Medium", high: "High" } as const;

/** `__Secure-` and `__Host-` promise attributes; browsers drop a cookie that breaks the promise, in any case of letters. */
function checkPrefix(name: string, attributes: CookieAttributes): void {
  const lower = name.toLowerCase();
  const isHost = lower.startsWith("__host-");
  if (!isHost && !lower.startsWith("__secure-")) return;
  if (attributes.secure !== true) throw attributeInvalid(name, "its prefix requires secure");
  if (isHost && (attributes.domain !== undefined || attributes.path !== "/")) {
    throw attributeInvalid(name, 'its prefix requires path "/" and no domain');
  }
}

function checkTogether(name: string, attributes: CookieAttributes): void {
  const { sameSite, partitioned, secure, priority } = attributes;
  if (priority !== undefined && !Object.hasOwn(PRIORITY_TEXT, priority)) {
    throw attributeInvalid(name, "priority is not low, medium or high");
  }
  if (sameSite !== undefined && !Object.hasOwn(SAME_SITE_TEXT, sameSite)) {
    throw attributeInvalid(name, "sameSite is not strict, lax or none");
  }
  if (sameSite === "none" && secure !== true) throw attributeInvalid(name, "sameSite none requires secure");
  if (partitioned === true && secure !== true) throw attributeInvalid(name, "partitioned requires secure");
}

function attributeInvalid(name: string, why: string): UsageError {
  return new UsageError("cookies/attribute-invalid", `Cannot set cookie ${name}: ${why}`);
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/** Name and value of a Set-Cookie field (RFC 6265 §5.2); without "=" it is a value without a name. */
export function setCookiePair(field: string): [string, string] {
  const end = field.indexOf(";");
  const pair = end === -1 ? field : field.slice(0, end);
  const equals = pair.indexOf("=");
  return equals === -1 ? ["", pair.trim()] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
}
