/**
 * The cookies of a session (RFC 6265, with the prefixes and `SameSite` of its successor draft).
 *
 * tough-cookie parses `Set-Cookie` and decides whether a cookie may be set, because it keeps the list of public
 * suffixes; it is loaded with the first cookie and never before. What it accepted is kept in a `CookieStore`, so that
 * looking cookies up is cheap: nothing at all while the jar is empty, and otherwise mostly one look into a table of
 * finished `Cookie` values, which is forgotten when a cookie changes.
 *
 * Time is handed in. What a server can make us keep is bounded by number and size; the cookie set longest ago goes
 * first.
 */

import { UsageError } from "../errors.js";
import { type CookieAttributes, serializeSetCookie } from "../http/cookies.js";
import { readTextFile, writePrivateTextFile } from "../platform/text-file.js";
import { formatCookieFile, parseCookieFile } from "./cookie-file.js";
import { CookieStore, type CookieUrl, isCookieText, isExpired, type StoredCookie } from "./cookie-store.js";

export type { CookieUrl, StoredCookie } from "./cookie-store.js";

/** The limits of a jar, and its clock. */
export interface CookieJarOptions {
  /** Milliseconds since the Unix epoch, for expiry. @default Date.now */
  readonly wallTime?: () => number;
  /** Most cookies for one domain; at least 1, `Infinity` for no limit. @default 50 (RFC 6265 §6.1) */
  readonly maxPerDomain?: number;
  /** Most cookies in all; at least 1, `Infinity` for no limit. @default 3_000 (RFC 6265 §6.1) */
  readonly maxCookies?: number;
  /**
   * Most bytes of a cookie's name and value together; its attributes may have as many again. Larger ones are not kept.
   * At least 1, `Infinity` for no limit. @default 4_096 (RFC 6265 §6.1)
   */
  readonly maxCookieBytes?: number;
}

/** Where a request comes from. */
export interface CookieContext {
  /**
   * True for a request that another site caused: cookies with `SameSite=Strict` or `Lax` are then neither sent nor set.
   * @default false
   */
  readonly crossSite?: boolean;
}

/** Which cookies {@link CookieJar.delete} removes: those that agree with every property given. */
export type CookieFilter = Partial<Pick<StoredCookie, "name" | "domain" | "path">>;

/** A `Cookie` value that holds for one host, until something expires. */
interface FinishedHeader {
  readonly value: string | undefined;
  readonly until: number;
  /** The path it holds for; undefined if it holds for all. */
  readonly path: string | undefined;
}

/** tough-cookie, and a jar of its that is always empty: it is only asked what it would accept. */
interface Rules {
  readonly tough: typeof import("tough-cookie");
  readonly jar: import("tough-cookie").CookieJar;
}

const DEFAULTS = { wallTime: Date.now, maxPerDomain: 50, maxCookies: 3_000, maxCookieBytes: 4_096 } as const;
/** Finished values kept at most; then all are forgotten. */
const MAX_FINISHED = 1_000;
/** Largest file that `load` reads: more than a full jar of default size. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const NO_CONTEXT: CookieContext = {};

/** Keeps cookies and gives each request its own. */
export class CookieJar {
  readonly #wallTime: () => number;
  readonly #maxCookieBytes: number;
  readonly #cookies: CookieStore;
  readonly #finished = new Map<string, FinishedHeader>();
  #rules: Rules | undefined = undefined;
  #loading: Promise<Rules> | undefined = undefined;

  /** Throws `UsageError` `options/out-of-range`. */
  constructor(options: CookieJarOptions = {}) {
    const resolved = { ...DEFAULTS, ...options };
    for (const name of ["maxPerDomain", "maxCookies", "maxCookieBytes"] as const) {
      if (resolved[name] >= 1) continue;
      throw new UsageError("options/out-of-range", `Cannot use ${name} ${resolved[name]}: a number from 1 is needed`);
    }
    this.#wallTime = resolved.wallTime;
    this.#maxCookieBytes = resolved.maxCookieBytes;
    this.#cookies = new CookieStore(resolved);
  }

  /**
   * A jar with the cookies of a file that {@link CookieJar.save} wrote; expired ones are left out. Rejects with Node's
   * error if the file cannot be read, with `UsageError` `cookies/file-invalid` if it is no such file.
   */
  static async load(path: string, options: CookieJarOptions = {}): Promise<CookieJar> {
    const jar = new CookieJar(options);
    const now = jar.#wallTime();
    for (const cookie of parseCookieFile(await readTextFile(path, MAX_FILE_BYTES), path))
      jar.#cookies.keep(cookie, now);
    return jar;
  }

  /** How many cookies it holds, expired ones that nobody has met included. */
  get size(): number {
    return this.#cookies.size;
  }

  /** The `Cookie` field value for a request to `url`, undefined for none (RFC 6265 §5.4). */
  cookieHeader(url: CookieUrl, context: CookieContext = NO_CONTEXT): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    const crossSite = context.crossSite === true;
    const key = crossSite ? `cross-site ${url.protocol}${url.hostname}` : url.protocol + url.hostname;
    const now = this.#wallTime();
    const known = this.#finished.get(key);
    if (known !== undefined && now < known.until && (known.path === undefined || known.path === url.pathname)) {
      return known.value;
    }
    const made = this.#makeHeader(url, crossSite, now);
    if (this.#finished.size >= MAX_FINISHED) this.#finished.clear();
    this.#finished.set(key, made);
    return made.value;
  }

  /**
   * Keeps what the `Set-Cookie` lines of an answer from `url` set (RFC 6265 §5.3); what may not be set is passed over,
   * as is what cannot be parsed. Returns a promise while tough-cookie is being loaded, which happens once; afterwards
   * everything is done on return. Rejects only if tough-cookie cannot be loaded.
   */
  store(
    url: CookieUrl,
    setCookieLines: readonly string[],
    context: CookieContext = NO_CONTEXT,
  ): Promise<void> | undefined {
    if (setCookieLines.length === 0) return undefined;
    const rules = this.#rules;
    if (rules === undefined) return this.#load().then((loaded) => this.#storeAll(loaded, url, setCookieLines, context));
    this.#storeAll(rules, url, setCookieLines, context);
    return undefined;
  }

  /**
   * Sets a cookie as if `url` had sent it. Rejects with `UsageError`: `cookies/…-invalid` for what cannot be written as
   * a cookie, `cookies/refused` for what that host may not set.
   */
  async set(url: string | URL, name: string, value: string, attributes: CookieAttributes = {}): Promise<void> {
    const line = serializeSetCookie(name, value, attributes);
    const from = new URL(url);
    const rules = await this.#load();
    if (this.#storeLine(rules, from, line, NO_CONTEXT)) return;
    throw new UsageError(
      "cookies/refused",
      `Cannot set cookie ${name} for ${from.hostname}: its domain, prefix, size or Secure does not fit that host`,
    );
  }

  /** The cookie of this name that a request to `url` would carry, the most specific if there are several. */
  get(url: string | URL, name: string): StoredCookie | undefined {
    return this.all(url).find((cookie) => cookie.name === name);
  }

  /** The cookies that a request to `url` would carry, in that order; without `url`, all that have not expired. */
  all(url?: string | URL): StoredCookie[] {
    const now = this.#wallTime();
    const found = url === undefined ? [...this.#cookies.values()] : this.#cookies.matching(new URL(url), false, now);
    return found.filter((cookie) => !isExpired(cookie, now)).map(plainly);
  }

  /** Removes the cookies that agree with all of `filter`; returns how many. */
  delete(filter: CookieFilter): number {
    const { name, domain, path } = filter;
    const found = [...this.#cookies.values()].filter(
      (cookie) =>
        (name === undefined || name === cookie.name) &&
        (domain === undefined || domain === cookie.domain) &&
        (path === undefined || path === cookie.path),
    );
    for (const cookie of found) this.#cookies.remove(cookie);
    this.#finished.clear();
    return found.length;
  }

  clear(): void {
    this.#cookies.clear();
    this.#finished.clear();
  }

  /**
   * Writes all cookies, session cookies included, to a file that only its owner can read (mode 0600), replacing it
   * whole. Rejects with Node's error.
   */
  async save(path: string): Promise<void> {
    await writePrivateTextFile(path, formatCookieFile(this.all()));
  }

  #load(): Promise<Rules> {
    this.#loading ??= import("tough-cookie").then(
      (tough) => {
        this.#rules = { tough, jar: new tough.CookieJar(undefined, { prefixSecurity: "strict" }) };
        return this.#rules;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  #storeAll(rules: Rules, url: CookieUrl, lines: readonly string[], context: CookieContext): void {
    for (const line of lines) this.#storeLine(rules, url, line, context);
  }

  /** False if the cookie may not be set. */
  #storeLine(rules: Rules, url: CookieUrl, line: string, context: CookieContext): boolean {
    if (isTooLarge(line, this.#maxCookieBytes)) return false;
    const now = this.#wallTime();
    const cookie = acceptedCookie(rules, { url, line, context, now });
    if (cookie === undefined || !isCookieText(cookie.name) || !isCookieText(cookie.value)) return false;
    this.#cookies.keep(cookie, now);
    this.#finished.clear();
    return true;
  }

  #makeHeader(url: CookieUrl, crossSite: boolean, now: number): FinishedHeader {
    const cookies = this.#cookies.matching(url, crossSite, now);
    const value =
      cookies.length === 0 ? undefined : cookies.map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
    const until = cookies.reduce(
      (soonest, { expires = soonest }) => Math.min(soonest, expires),
      Number.POSITIVE_INFINITY,
    );
    return { value, until, path: this.#cookies.dependsOnPath(url) ? url.pathname : undefined };
  }
}

/** What tough-cookie makes of a line, in our form; undefined if it may not be set. */
function acceptedCookie(
  { tough, jar }: Rules,
  given: { url: CookieUrl; line: string; context: CookieContext; now: number },
): StoredCookie | undefined {
  const now = new Date(given.now);
  const made = jar.setCookieSync(given.line, given.url as URL, {
    now,
    ignoreError: true,
    sameSiteContext: given.context.crossSite === true ? "none" : "strict",
  });
  jar.removeAllCookiesSync();
  // tough-cookie drops a second dot, and spaces after the first; no host has such a name (RFC 6265 §5.2.3).
  if (made === undefined || /^[.\s]/.test(made.domain ?? "")) return undefined;
  const end = made.expiryTime(now);
  return {
    name: made.key,
    value: made.value,
    domain: tough.canonicalDomain(made.domain) ?? "",
    hostOnly: made.hostOnly === true,
    // tough-cookie decodes the path that it takes from the URL; RFC 6265 §5.1.4 has it as it is sent.
    path: made.pathIsDefault === true ? tough.defaultPath(given.url.pathname) : (made.path ?? "/"),
    secure: made.secure,
    httpOnly: made.httpOnly,
    sameSite: made.sameSite as StoredCookie["sameSite"],
    expires: end === Number.POSITIVE_INFINITY ? undefined : end,
  };
}

/** Field values are latin1 text: one character is one byte. The "=" between name and value is not counted. */
function isTooLarge(line: string, maxBytes: number): boolean {
  const semicolon = line.indexOf(";");
  const pairBytes = semicolon === -1 ? line.length : semicolon;
  return pairBytes - 1 > maxBytes || line.length - pairBytes > maxBytes;
}

/** Without what only the store needs. */
function plainly(cookie: StoredCookie): StoredCookie {
  const { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expires } = cookie;
  return { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expires };
}
