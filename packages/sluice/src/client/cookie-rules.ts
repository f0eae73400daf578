/**
 * Whether a cookie may be set (RFC 6265 §5.3, RFC 6265bis §5.6 and §5.7). tough-cookie parses it and knows the public suffixes, a
 * moving list that is not ours to keep; what it leaves out is added here: sizes, prefixes in any case of letters, `SameSite=None`
 * without `Secure`.
 */
import { type CookieUrl, hostOf, isCookieText, isTrustworthy, type StoredCookie } from "./cookie-store.js";

/** tough-cookie, and a jar of its that is always empty: it is only asked what it would accept. */
export interface CookieRules {
  readonly tough: typeof import("tough-cookie");
  readonly jar: import("tough-cookie").CookieJar;
  /** The domain below which a host lies and that somebody can register; undefined for addresses and public suffixes. */
  siteOf(host: string): string | undefined;
}

/** A `Set-Cookie` line, where and when it came from, and how large it may be. */
export interface GivenCookie {
  readonly url: CookieUrl;
  readonly line: string;
  readonly now: number;
  readonly crossSite: boolean;
  readonly maxCookieBytes: number;
  readonly maxAttributeBytes: number;
}

/** A cookie that may be set, unless it would outdo a secure one. */
export interface AcceptedCookie extends StoredCookie {
  /** Whether it came from an origin that may set secure ones. */
  readonly fromSecure: boolean;
}

/** 400 days: no server keeps itself known for longer (RFC 6265bis §5.5). */
const LONGEST_LIFE_MS = 400 * 24 * 60 * 60 * 1_000;

/** Loads tough-cookie. */
export async function loadCookieRules(): Promise<CookieRules> {
  const tough = await import("tough-cookie");
  const jar = new tough.CookieJar(undefined, { prefixSecurity: "unsafe-disabled" });
  const siteOf = (host: string): string | undefined =>
    isAddress(host) ? undefined : tough.getPublicSuffix(host, { allowSpecialUseDomain: true, ignoreError: true });
  return { tough, jar, siteOf };
}

/** What a line sets, in our form; undefined if it may not be set. */
export function acceptedCookie({ tough, jar }: CookieRules, given: GivenCookie): AcceptedCookie | undefined {
  const line = withinLimits(given);
  if (line === undefined) return undefined;
  const { url } = given;
  const now = new Date(given.now);
  const made = jar.setCookieSync(line, url as URL, {
    now,
    ignoreError: true,
    sameSiteContext: given.crossSite ? "none" : "strict",
  });
  jar.removeAllCookiesSync();
  // tough-cookie drops a second dot, and spaces after the first; no host has such a name (RFC 6265 §5.2.3).
  if (made === undefined || /^[.\s]/.test(made.domain ?? "")) return undefined;
  const cookie: AcceptedCookie = {
    name: made.key,
    value: made.value,
    domain: tough.canonicalDomain(made.domain) ?? "",
    hostOnly: made.hostOnly === true,
    // tough-cookie decodes the path that it takes from the URL; RFC 6265 §5.1.4 has it as it is sent.
    path: made.pathIsDefault === true ? tough.defaultPath(url.pathname) : (made.path ?? "/"),
    secure: made.secure,
    httpOnly: made.httpOnly,
    sameSite: made.sameSite as StoredCookie["sameSite"],
    expires: cappedEnd(made.expiryTime(now), given.now),
    fromSecure: isTrustworthy(url.protocol, hostOf(url)),
  };
  return isAllowed(cookie, made.pathIsDefault === true) ? cookie : undefined;
}

/** Undefined: it ends with the session. */
function cappedEnd(end: number | undefined, now: number): number | undefined {
  return end === undefined || end === Number.POSITIVE_INFINITY ? undefined : Math.min(end, now + LONGEST_LIFE_MS);
}

/** RFC 6265bis §5.7, steps 9, 18, 20 and 21. */
function isAllowed({ name, value, path, secure, hostOnly, sameSite }: AcceptedCookie, pathIsDefault: boolean): boolean {
  if (!isCookieText(name) || !isCookieText(value) || !isCookieText(path)) return false;
  if (sameSite === "none" && !secure) return false;
  const lower = name.toLowerCase();
  if (lower.startsWith("__secure-")) return secure;
  return !lower.startsWith("__host-") || (secure && hostOnly && path === "/" && !pathIsDefault);
}

/**
 * The line, without attributes that are too long; undefined if it is too large itself. Field values are latin1 text: one character
 * is one byte. The "=" between name and value is not counted.
 */
function withinLimits({ line, maxCookieBytes, maxAttributeBytes }: GivenCookie): string | undefined {
  const semicolon = line.indexOf(";");
  const pairBytes = semicolon === -1 ? line.length : semicolon;
  if (pairBytes - 1 > maxCookieBytes || line.length - pairBytes > maxCookieBytes) return undefined;
  // What is shorter as a whole has no attribute that is longer.
  if (line.length - pairBytes <= maxAttributeBytes) return line;
  const [pair = "", ...attributes] = line.split(";");
  const kept = attributes.filter((attribute) => {
    const value = attribute.slice(attribute.indexOf("=") + 1).trim();
    return value.length <= maxAttributeBytes;
  });
  return [pair, ...kept].join(";");
}

function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+(?:\.\d+){3}$/.test(host);
}
