/**
 * Where a request goes: the four forms of a request-target (RFC 9112 §3.2) and the authority in `Host`, absolute-form and
 * CONNECT (RFC 3986 §3.2, RFC 9110 §4.2 and §7.2). Decides validity only; which resource it is, is the application's business.
 *
 * Stricter than RFC 3986 on purpose: user information is refused (RFC 9110 §4.2.4), and so are zone identifiers and ports
 * above 65535. An absolute-form without an authority names nothing that an HTTP connection could reach, and is refused too; so is one of
 * a scheme that HTTP does not serve, such as `ftp` (RFC 9110 §4.2, §7.4).
 */

import { parseDigits } from "../bytes/ascii.js";
import { areAllIn, HEX_VALUES, isDigit, REG_NAME_CHARS, TARGET_CHARS } from "../bytes/char-tables.js";

const COLON = 0x3a;
const PERCENT = 0x25;
const SLASH = 0x2f;
const OPENING_BRACKET = 0x5b;
const MAX_PORT = 65_535;

/** A host and, if it was given, its port (RFC 3986 §3.2.2 and §3.2.3). */
export interface Authority {
  /** As written; an IPv6 address keeps its brackets. May be empty in `Host` (RFC 9110 §7.2). */
  readonly host: string;
  /** Undefined if absent or empty: the scheme's default. */
  readonly port: number | undefined;
}

/** A request-target taken apart. */
export interface RequestTarget {
  readonly form: "origin" | "absolute" | "authority" | "asterisk";
  /** Lower case; in absolute-form only. */
  readonly scheme: string | undefined;
  /** In absolute-form and authority-form: it counts, and `Host` does not (RFC 9112 §3.2.2). */
  readonly authority: Authority | undefined;
  /** Begins with "/" in origin-form; in absolute-form "/" stands for an empty one (RFC 9110 §4.2.3). Empty otherwise. */
  readonly path: string;
  /** What follows the first "?", without it; undefined if there is none. */
  readonly query: string | undefined;
}

/** True if `target` is valid for `method` (RFC 9112 §3.2): what `parseRequestTarget` answers, mostly without its work. */
export function isRequestTarget(target: string, method: string): boolean {
  if (target.charCodeAt(0) === SLASH) return method !== "CONNECT" && areAllIn(TARGET_CHARS, target);
  return parseRequestTarget(target, method) !== undefined;
}

/** Takes a request-target apart, or gives undefined if it is not valid for `method` (RFC 9112 §3.2.1 to §3.2.4). */
export function parseRequestTarget(target: string, method: string): RequestTarget | undefined {
  if (target.length === 0 || !areAllIn(TARGET_CHARS, target)) return undefined;
  if (method === "CONNECT") return parseAuthorityForm(target);
  if (target === "*") {
    // Only OPTIONS may ask about the server as a whole (RFC 9112 §3.2.4).
    return method === "OPTIONS"
      ? { form: "asterisk", scheme: undefined, authority: undefined, path: "", query: undefined }
      : undefined;
  }
  if (target.charCodeAt(0) === SLASH) {
    return { form: "origin", scheme: undefined, authority: undefined, ...splitQuery(target) };
  }
  return parseAbsoluteForm(target);
}

/** Takes `host [ ":" port ]` apart, or gives undefined if it is not valid (RFC 9110 §7.2, RFC 3986 §3.2). */
export function parseAuthority(text: string): Authority | undefined {
  const hostEnd = findHostEnd(text);
  if (hostEnd === -1) return undefined;
  if (hostEnd === text.length) return { host: text, port: undefined };
  if (text.charCodeAt(hostEnd) !== COLON) return undefined;
  const digits = text.slice(hostEnd + 1);
  if (digits.length === 0) return { host: text.slice(0, hostEnd), port: undefined };
  const port = parseDigits(digits);
  return port === undefined || port > MAX_PORT ? undefined : { host: text.slice(0, hostEnd), port };
}

/** True for a valid value of `Host` (RFC 9110 §7.2), the empty one included: what `parseAuthority` answers. */
export function isAuthority(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (REG_NAME_CHARS[text.charCodeAt(at)] !== 1) return parseAuthority(text) !== undefined;
  }
  return true;
}

/** True for the inside of an IP literal's brackets: IPv6 without zone, or IPvFuture (RFC 3986 §3.2.2). */
export function isIpLiteral(text: string): boolean {
  if (/^v[0-9a-f]+\.[\w\-.~!$&'()*+,;=:]+$/i.test(text)) return true;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const count = countGroups(half, index === halves.length - 1);
    if (count === undefined) return false;
    groups += count;
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

/** `authority-form = uri-host ":" port`, both present: RFC 9110 §9.3.6 refuses an empty port. */
function parseAuthorityForm(target: string): RequestTarget | undefined {
  const authority = parseAuthority(target);
  if (authority === undefined || authority.host === "" || authority.port === undefined || authority.port === 0) {
    return undefined;
  }
  return { form: "authority", scheme: undefined, authority, path: "", query: undefined };
}

/** `absolute-form = absolute-URI` with an authority (RFC 9112 §3.2.2); an empty host is invalid (RFC 9110 §4.2.1). */
function parseAbsoluteForm(target: string): RequestTarget | undefined {
  const start = /^(https?|wss?):\/\/([^/?]+)/i.exec(target);
  if (start === null) return undefined;
  const [whole, scheme = "", host = ""] = start;
  const authority = parseAuthority(host);
  if (authority === undefined || authority.host === "") return undefined;
  const { path, query } = splitQuery(target.slice(whole.length));
  return { form: "absolute", scheme: scheme.toLowerCase(), authority, path: path === "" ? "/" : path, query };
}

function splitQuery(text: string): { path: string; query: string | undefined } {
  const mark = text.indexOf("?");
  return mark === -1 ? { path: text, query: undefined } : { path: text.slice(0, mark), query: text.slice(mark + 1) };
}

/** The offset behind the host, -1 if it is not valid. */
function findHostEnd(text: string): number {
  if (text.charCodeAt(0) === OPENING_BRACKET) {
    const closing = text.indexOf("]");
    return closing !== -1 && isIpLiteral(text.slice(1, closing)) ? closing + 1 : -1;
  }
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (REG_NAME_CHARS[code] === 1) at += 1;
    else if (code === PERCENT && isHexPair(text, at + 1)) at += 3;
    else return code === COLON ? at : -1;
  }
  return at;
}

function isHexPair(text: string, at: number): boolean {
  const high = HEX_VALUES[text.charCodeAt(at)] ?? 255;
  const low = HEX_VALUES[text.charCodeAt(at + 1)] ?? 255;
  return high < 16 && low < 16;
}

/** How many 16-bit groups one side of "::" spells, or undefined if it is malformed. An IPv4 tail counts for two. */
function countGroups(half: string, mayEndInIpv4: boolean): number | undefined {
  if (half === "") return 0;
  const groups = half.split(":");
  const last = groups.at(-1) ?? "";
  let count = groups.length;
  if (mayEndInIpv4 && last.includes(".")) {
    if (!isIpv4(last)) return undefined;
    groups.pop();
    count += 1;
  }
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? count : undefined;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every(isDecimalOctet);
}

/** `dec-octet` of RFC 3986 §3.2.2: 0 to 255 without leading zeros. */
function isDecimalOctet(part: string): boolean {
  if (part.length === 0 || part.length > 3) return false;
  if (part.length > 1 && part.charCodeAt(0) === 0x30) return false;
  for (let at = 0; at < part.length; at += 1) if (!isDigit(part.charCodeAt(at))) return false;
  return Number(part) <= 255;
}
