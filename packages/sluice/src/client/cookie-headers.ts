/**
 * Finished `Cookie` values, so that a request costs a look-up and not a search.
 *
 * For one host, what a request carries depends on the longest cookie path at or above its URL alone: every other path that
 * matches the URL matches that one, too (RFC 6265 §5.1.4). So there are no more values for a host than its cookies have paths,
 * plus one, however many URLs are asked for; and the host itself is looked up once, its cookies in their order.
 *
 * A value holds until the first of its host's cookies expires, or one of that domain changes.
 */
import {
  type CookieStore,
  type CookieUrl,
  hostOf,
  isExpired,
  isPathMatch,
  type SiteRelation,
  type StoredCookie,
} from "./cookie-store.js";

/** What is known of one host. */
interface HostValues {
  readonly host: string;
  /** In the order in which they are sent. */
  readonly cookies: readonly StoredCookie[];
  /** Of the cookies, the longest first. */
  readonly paths: readonly string[];
  /** By the longest path that matches; "" where none does. */
  readonly values: Map<string, string | undefined>;
  readonly until: number;
}

/** Hosts of which values are kept, in each table; then all of it are forgotten. */
const MAX_HOSTS = 256;
const NO_PATH = "";

/** See the head of this file. */
export class CookieHeaders {
  readonly #store: CookieStore;
  /** By host name, which is the string of a URL and hashed already: one table for each relation, over TLS and not. */
  readonly #tables: Readonly<Record<SiteRelation, readonly [Map<string, HostValues>, Map<string, HostValues>]>> = {
    same: [new Map(), new Map()],
    "cross-safe": [new Map(), new Map()],
    cross: [new Map(), new Map()],
  };

  constructor(store: CookieStore) {
    this.#store = store;
  }

  /** How many values are kept. For tests. */
  get size(): number {
    let count = 0;
    for (const table of this.#all()) for (const { values } of table.values()) count += values.size;
    return count;
  }

  /** The `Cookie` value for a request to `url`, undefined for none (RFC 6265 §5.4). */
  header(url: CookieUrl, site: SiteRelation, now: number): string | undefined {
    const { protocol, hostname, pathname } = url;
    const table = this.#tables[site][protocol === "https:" || protocol === "wss:" ? 1 : 0];
    let known = table.get(hostname);
    if (known === undefined || known.until <= now) {
      known = this.#look(url, site, now);
      if (table.size >= MAX_HOSTS) table.clear();
      table.set(hostname, known);
    }
    const path = longestMatch(known.paths, pathname);
    const made = known.values.get(path);
    if (made !== undefined || known.values.has(path)) return made;
    const value = path === NO_PATH ? undefined : written(known.cookies, path);
    known.values.set(path, value);
    return value;
  }

  /** A cookie of this domain has changed. */
  forget(domain: string): void {
    const below = `.${domain}`;
    for (const table of this.#all()) {
      for (const [key, { host }] of table) if (host === domain || host.endsWith(below)) table.delete(key);
    }
  }

  clear(): void {
    for (const table of this.#all()) table.clear();
  }

  #all(): Map<string, HostValues>[] {
    return Object.values(this.#tables).flat();
  }

  #look(url: CookieUrl, site: SiteRelation, now: number): HostValues {
    const cookies = this.#store.ofHost(url, site).filter((cookie) => !isExpired(cookie, now));
    const paths = [...new Set(cookies.map(({ path }) => path))].sort((one, other) => other.length - one.length);
    let until = Number.POSITIVE_INFINITY;
    for (const { expires = until } of cookies) until = Math.min(until, expires);
    return { host: hostOf(url), cookies, paths, values: new Map(), until };
  }
}

/** Of `paths`, the longest first, the first that matches. */
function longestMatch(paths: readonly string[], pathname: string): string {
  for (const path of paths) if (isPathMatch(pathname, path)) return path;
  return NO_PATH;
}

function written(cookies: readonly StoredCookie[], path: string): string {
  return cookies
    .filter((cookie) => isPathMatch(path, cookie.path))
    .map(({ name, value }) => `${name}=${value}`)
    .join("; ");
}
