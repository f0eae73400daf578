/**
 * The cookies of a jar in memory: which there are, which of them a request carries (RFC 6265 §5.4), and which go when
 * there are too many. Whether a cookie may be set at all has been decided before it comes here.
 *
 * Times are milliseconds since the Unix epoch, and handed in.
 */

/** The part of a `URL` that cookies depend on. */
export type CookieUrl = Pick<URL, "protocol" | "hostname" | "pathname">;

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
    this.#evict(ofDomain, this.#limits.maxPerDomain, now);
    this.#evict(this.#cookies, this.#limits.maxCookies, now);
  }

  /** Removes the cookie with the same domain, path and name, if there is one. */
  remove(cookie: StoredCookie): void {
    const id = idOf(cookie);
    if (!this.#cookies.delete(id)) return;
    const ofDomain = this.#byDomain.get(cookie.domain);
    ofDomain?.delete(id);
    if (ofDomain?.size === 0) this.#byDomain.delete(cookie.domain);
  }

  clear(): void {
    this.#cookies.clear();
    this.#byDomain.clear();
  }

  /**
   * What a request to `url` carries: longer paths first, then older cookies (RFC 6265 §5.4). `crossSite` leaves out
   * what is for requests of the same site.
   */
  matching(url: CookieUrl, crossSite: boolean, now: number): StoredCookie[] {
    const host = hostOf(url);
    const secure = isTrustworthy(url.protocol, host);
    const found: Kept[] = [];
    for (const ofDomain of this.#domainsOf(host)) {
      for (const cookie of ofDomain.values()) {
        if (cookie.hostOnly && cookie.domain !== host) continue;
        if (!isPathMatch(url.pathname, cookie.path) || (cookie.secure && !secure)) continue;
        if (crossSite && (cookie.sameSite === "strict" || cookie.sameSite === "lax")) continue;
        if (!isExpired(cookie, now)) found.push(cookie);
      }
    }
    return found.sort((one, other) => other.path.length - one.path.length || one.created - other.created);
  }

  /** Whether another path on the host of `url` might get other cookies. */
  dependsOnPath(url: CookieUrl): boolean {
    return this.#domainsOf(hostOf(url)).some((ofDomain) => [...ofDomain.values()].some(({ path }) => path !== "/"));
  }

  /** Brings `cookies` down to `most`: what has expired goes first, then what was set longest ago. */
  #evict(cookies: ReadonlyMap<string, Kept>, most: number, now: number): void {
    if (cookies.size <= most) return;
    for (const cookie of cookies.values()) {
      if (isExpired(cookie, now)) this.remove(cookie);
    }
    for (const cookie of cookies.values()) {
      if (cookies.size <= most) return;
      this.remove(cookie);
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

function hostOf(url: CookieUrl): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

/** RFC 6265 §5.1.4. */
function isPathMatch(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith("/") || path[cookiePath.length] === "/";
}

/** Whether `Secure` cookies go there: over TLS, and to this machine, as browsers and tough-cookie have it. */
function isTrustworthy(protocol: string, host: string): boolean {
  if (protocol === "https:" || protocol === "wss:") return true;
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
