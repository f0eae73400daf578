/**
 * The cookies of a jar in memory: which there are, which of them a request carries (RFC 6265 §5.4), and which go when
 * there are too many. Whether a cookie may be set at all has been decided before it comes here.
 *
 * Times are milliseconds since the Unix epoch, and handed in.
 */

/** The part of a `URL` that cookies depend on. */
export type CookieUrl = Pick<URL, "protocol" | "hostname" | "pathname">;

/**
 * Whether the site of a request is the one that the program asked for; and if not, whether its method is safe, as that of a link
 * that is followed is.
 */
export type SiteRelation = "same" | "cross-safe" | "cross";

/** One cookie as a jar keeps it. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** Lower case, punycode; of the host that set it if `hostOnly`. */
  readonly domain: string;
  /** Whether only `domain` itself gets it, not the hosts below. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "strict" | "lax" | "none" | undefined;
  /** Milliseconds since the Unix epoch; undefined for a session cookie. */
  readonly expires: number | undefined;
}

/** How many cookies are kept. */
export interface CookieLimits {
  readonly maxPerDomain: number;
  readonly maxCookies: number;
}

interface Kept extends StoredCookie {
  /** Order of creation; a cookie that is set again keeps its place (RFC 6265 §5.3, step 11). */
  readonly created: number;
}

/** Cookies by domain, path and name. */
export class CookieStore {
  readonly #limits: CookieLimits;
  /** The one set longest ago first. */
  readonly #cookies = new Map<string, Kept>();
  readonly #byDomain = new Map<string, Map<string, Kept>>();
  #created = 0;
  #secureCount = 0;
  /** No cookie expires before; looking for those that have costs nothing until then. */
  #soonestEnd = Number.POSITIVE_INFINITY;

  constructor(limits: CookieLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#cookies.size;
  }

  values(): IterableIterator<StoredCookie> {
    return this.#cookies.values();
  }

  /** Adds or replaces. A cookie that has expired replaces, and goes. */
  keep(cookie: StoredCookie, now: number): void {
    const id = idOf(cookie);
    const old = this.#cookies.get(id);
    this.remove(cookie);
    if (isExpired(cookie, now)) return;
    const kept: Kept = { ...cookie, created: old?.created ?? this.#created };
    this.#created += 1;
    const ofDomain = this.#byDomain.get(cookie.domain) ?? new Map<string, Kept>();
    this.#byDomain.set(cookie.domain, ofDomain);
    ofDomain.set(id, kept);
    this.#cookies.set(id, kept);
    if (kept.secure) this.#secureCount += 1;
    this.#soonestEnd = Math.min(this.#soonestEnd, cookie.expires ?? this.#soonestEnd);
    this.#evict(ofDomain, this.#limits.maxPerDomain, now);
    this.#evict(this.#cookies, this.#limits.maxCookies, now);
  }

  /** Removes the cookie with the same domain, path and name, if there is one. */
  remove(cookie: StoredCookie): void {
    const id = idOf(cookie);
    const kept = this.#cookies.get(id);
    if (kept === undefined) return;
    this.#cookies.delete(id);
    if (kept.secure) this.#secureCount -= 1;
    const ofDomain = this.#byDomain.get(cookie.domain);
    ofDomain?.delete(id);
    if (ofDomain?.size === 0) this.#byDomain.delete(cookie.domain);
  }

  clear(): void {
    this.#secureCount = 0;
    this.#soonestEnd = Number.POSITIVE_INFINITY;
    this.#cookies.clear();
    this.#byDomain.clear();
  }

  /** What a request to `url` carries, in the order of {@link CookieStore.ofHost} (RFC 6265 §5.4). */
  matching(url: CookieUrl, site: SiteRelation, now: number): StoredCookie[] {
    const found = this.ofHost(url, site);
    return found.filter((cookie) => isPathMatch(url.pathname, cookie.path) && !isExpired(cookie, now));
  }

  /**
   * What requests to the host of `url` carry, whatever their path: longer paths first, then older cookies (RFC 6265 §5.4).
   * Of other sites' requests some cookies are kept back (RFC 6265bis §5.8.3): `strict` always, `lax` unless the method is safe.
   */
  ofHost(url: CookieUrl, site: SiteRelation): StoredCookie[] {
    const host = hostOf(url);
    const secure = isTrustworthy(url.protocol, host);
    const found: Kept[] = [];
    for (const ofDomain of this.#domainsOf(host)) {
      for (const cookie of ofDomain.values()) {
        if (cookie.hostOnly && cookie.domain !== host) continue;
        if ((cookie.secure && !secure) || isKeptBack(cookie, site)) continue;
        found.push(cookie);
      }
    }
    return found.sort((one, other) => other.path.length - one.path.length || one.created - other.created);
  }

  /**
   * Whether `cookie`, which an insecure origin wants to set, would come to stand beside or in place of a secure one of its name:
   * whoever can write into plain HTTP must not be able to outdo what was set over TLS (RFC 6265bis §5.7, step 16).
   */
  shadowsSecure(cookie: StoredCookie): boolean {
    if (this.#secureCount === 0) return false;
    for (const other of this.#cookies.values()) {
      if (!other.secure || other.name !== cookie.name || !isPathMatch(cookie.path, other.path)) continue;
      if (isDomainMatch(cookie.domain, other.domain) || isDomainMatch(other.domain, cookie.domain)) return true;
    }
    return false;
  }

  /**
   * Brings `cookies` down to `most`: what has expired goes first, then, of a domain, what is not secure, then what was set longest ago
   * (RFC 6265bis §5.7).
   */
  #evict(cookies: ReadonlyMap<string, Kept>, most: number, now: number): void {
    if (cookies.size <= most) return;
    if (this.#soonestEnd <= now) this.#removeExpired(now);
    if (cookies !== this.#cookies) this.#removeDown(cookies, most, (cookie) => !cookie.secure);
    this.#removeDown(cookies, most, () => true);
  }

  #removeDown(cookies: ReadonlyMap<string, Kept>, most: number, goes: (cookie: Kept) => boolean): void {
    for (const cookie of cookies.values()) {
      if (cookies.size <= most) return;
      if (goes(cookie)) this.remove(cookie);
    }
  }

  #removeExpired(now: number): void {
    this.#soonestEnd = Number.POSITIVE_INFINITY;
    for (const cookie of this.#cookies.values()) {
      if (isExpired(cookie, now)) this.remove(cookie);
      else this.#soonestEnd = Math.min(this.#soonestEnd, cookie.expires ?? this.#soonestEnd);
    }
  }

  /** The cookies of a host's own domain and of those above it. */
  #domainsOf(host: string): Map<string, Kept>[] {
    const found: Map<string, Kept>[] = [];
    for (let domain = host; ; ) {
      const ofDomain = this.#byDomain.get(domain);
      if (ofDomain !== undefined) found.push(ofDomain);
      const dot = domain.indexOf(".");
      if (dot === -1) return found;
      domain = domain.slice(dot + 1);
    }
  }
}

/** Whether a cookie is over at `now`. */
export function isExpired(cookie: StoredCookie, now: number): boolean {
  return cookie.expires !== undefined && cookie.expires <= now;
}

/**
 * Whether text may stand in a `Cookie` field: latin1 without control characters, and no semicolon, which would end the
 * cookie. A field with anything else could not be sent, and one bad cookie would stop every request (RFC 9110 §5.5).
 */
export function isCookieText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x3b || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

/** Domain and path cannot have a semicolon in them, so no two cookies share an id. */
function idOf({ domain, path, name }: StoredCookie): string {
  return `${domain};${path};${name}`;
}

/** As cookies have it: IPv6 addresses without their brackets. */
export function hostOf(url: CookieUrl): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

/** RFC 6265 §5.1.3, of names in lower case. Addresses are above nothing. */
function isDomainMatch(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function isKeptBack({ sameSite }: StoredCookie, site: SiteRelation): boolean {
  if (site === "same") return false;
  return sameSite === "strict" || (sameSite === "lax" && site === "cross");
}

/** RFC 6265 §5.1.4. */
export function isPathMatch(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith("/") || path[cookiePath.length] === "/";
}

/** Whether `Secure` cookies go there: over TLS, and to this machine, as browsers and tough-cookie have it. */
export function isTrustworthy(protocol: string, host: string): boolean {
  if (protocol === "https:" || protocol === "wss:") return true;
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
