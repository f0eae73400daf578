/**
 * The cookies of a session (RFC 6265, with the prefixes, `SameSite` and limits of its successor draft, RFC 6265bis).
 *
 * What may be set is decided in `cookie-rules.ts`, with tough-cookie, which is loaded with the first cookie and never before. What
 * was accepted is kept in a `CookieStore`, and finished `Cookie` values in `CookieHeaders`: nothing at all is looked up while the
 * jar is empty.
 *
 * Time is handed in. What a server can make us keep is bounded by number and size; the cookie set longest ago goes
 * first.
 */

import { UsageError } from "../errors.js";
import { type CookieAttributes, serializeSetCookie } from "../http/cookies.js";
import { refuseUnknown } from "../options.js";
import { readTextFile, writePrivateTextFile } from "../platform/text-file.js";
import { formatCookieFile, parseCookieFile } from "./cookie-file.js";
import { CookieHeaders } from "./cookie-headers.js";
import { formatNetscapeCookies } from "./cookie-netscape.js";
import { acceptedCookie, type CookieRules, loadCookieRules } from "./cookie-rules.js";
import {
  CookieStore,
  type CookieUrl,
  hostOf,
  isExpired,
  type SiteRelation,
  type StoredCookie,
} from "./cookie-store.js";

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
  /**
   * Most bytes of one attribute's value, such as a path; an attribute with a longer one is passed over. At least 1, `Infinity`
   * for no limit. @default 1_024 (RFC 6265bis §5.6)
   */
  readonly maxAttributeBytes?: number;
}

/** Where a request comes from. */
export interface CookieContext {
  /**
   * True for a request that another site caused: cookies with `SameSite=Strict` are then not sent, and those with `Lax` only by a
   * `safe` method; neither are set. The session asks for what redirects lead to in this way, see `docs/cookies.md`.
   * @default false
   */
  readonly crossSite?: boolean;
  /** Whether the method is safe (RFC 9110 §9.2.1), as that of a link that is followed is. @default false */
  readonly safe?: boolean;
}

/** How {@link CookieJar.save} writes. */
export interface CookieSaveOptions {
  /**
   * `json` keeps everything; `netscape` is the `cookies.txt` that curl, wget and yt-dlp read, which has no place for `SameSite`.
   * `load` reads both. @default "json"
   */
  readonly format?: "json" | "netscape";
}

/** Which cookies {@link CookieJar.delete} removes: those that agree with every property given. */
export type CookieFilter = Partial<Pick<StoredCookie, "name" | "domain" | "path">>;

const DEFAULTS = {
  wallTime: Date.now,
  maxPerDomain: 50,
  maxCookies: 3_000,
  maxCookieBytes: 4_096,
  maxAttributeBytes: 1_024,
} as const;
const KNOWN: ReadonlySet<string> = new Set(Object.keys(DEFAULTS));
const LIMITS = ["maxPerDomain", "maxCookies", "maxCookieBytes", "maxAttributeBytes"] as const;
/** Largest file that `load` reads: more than a full jar of default size. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const NO_CONTEXT: CookieContext = {};

/** Keeps cookies and gives each request its own. */
export class CookieJar {
  readonly #wallTime: () => number;
  readonly #limits: { readonly maxCookieBytes: number; readonly maxAttributeBytes: number };
  readonly #cookies: CookieStore;
  readonly #headers: CookieHeaders;
  #rules: CookieRules | undefined = undefined;
  #loading: Promise<CookieRules> | undefined = undefined;

  /** Throws `UsageError` `options/out-of-range` or `options/unknown`. */
  constructor(options: CookieJarOptions = {}) {
    refuseUnknown("cookie jar", options, KNOWN);
    const resolved = { ...DEFAULTS, ...options };
    for (const name of LIMITS) {
      if (resolved[name] >= 1) continue;
      throw new UsageError("options/out-of-range", `Cannot use ${name} ${resolved[name]}: a number from 1 is needed`);
    }
    this.#wallTime = resolved.wallTime;
    this.#limits = resolved;
    this.#cookies = new CookieStore(resolved);
    this.#headers = new CookieHeaders(this.#cookies);
  }

  /**
   * A jar with the cookies of a file that {@link CookieJar.save} or a program that keeps a Netscape `cookies.txt` wrote; expired
   * ones are left out. Rejects with Node's error if the file cannot be read, with `UsageError` `cookies/file-invalid` if it is no
   * such file.
   */
  static async load(path: string, options: CookieJarOptions = {}): Promise<CookieJar> {
    const jar = new CookieJar(options);
    const now = jar.#wallTime();
    const found = parseCookieFile(await readTextFile(path, MAX_FILE_BYTES, "latin1"), path);
    for (const cookie of found) jar.#cookies.keep(cookie, now);
    // Which hosts are of one site is for its list of public suffixes to say: a jar that is not empty has it.
    if (jar.size > 0) await jar.#load();
    return jar;
  }

  /** How many cookies it holds, expired ones that nobody has met included. */
  get size(): number {
    return this.#cookies.size;
  }

  /** The `Cookie` field value for a request to `url`, undefined for none (RFC 6265 §5.4). */
  cookieHeader(url: CookieUrl, context: CookieContext = NO_CONTEXT): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    return this.#headers.header(url, relationOf(context), this.#wallTime());
  }

  /**
   * Whether two hosts are of one site: the same, or below one domain that somebody can register (RFC 6265bis §5.2). The scheme
   * makes no difference: a redirect from http to https is how a site leads to its better self.
   */
  isSameSite(one: CookieUrl, other: CookieUrl): boolean {
    const [first, second] = [hostOf(one), hostOf(other)];
    if (first === second) return true;
    const site = this.#rules?.siteOf(first);
    return site !== undefined && site === this.#rules?.siteOf(second);
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
    const found = url === undefined ? [...this.#cookies.values()] : this.#cookies.matching(new URL(url), "same", now);
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
    this.#headers.clear();
    return found.length;
  }

  clear(): void {
    this.#cookies.clear();
    this.#headers.clear();
  }

  /**
   * Writes all cookies, session cookies included, to a file that only its owner can read (mode 0600), replacing it
   * whole. Rejects with Node's error.
   */
  async save(path: string, options: CookieSaveOptions = {}): Promise<void> {
    refuseUnknown("cookie file", options, SAVE_KNOWN);
    const { format = "json" } = options;
    if (format === "json") return writePrivateTextFile(path, formatCookieFile(this.all()));
    if (format !== "netscape") {
      throw new UsageError("options/out-of-range", `Cannot use format ${String(format)}: expected json or netscape`);
    }
    return writePrivateTextFile(path, formatNetscapeCookies(this.all()), "latin1");
  }

  #load(): Promise<CookieRules> {
    this.#loading ??= loadCookieRules().then(
      (rules) => {
        this.#rules = rules;
        return rules;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  #storeAll(rules: CookieRules, url: CookieUrl, lines: readonly string[], context: CookieContext): void {
    for (const line of lines) this.#storeLine(rules, url, line, context);
  }

  /** False if the cookie may not be set. */
  #storeLine(rules: CookieRules, url: CookieUrl, line: string, context: CookieContext): boolean {
    const now = this.#wallTime();
    const cookie = acceptedCookie(rules, { url, line, now, crossSite: context.crossSite === true, ...this.#limits });
    if (cookie === undefined || (!cookie.fromSecure && this.#cookies.shadowsSecure(cookie))) return false;
    this.#cookies.keep(plainly(cookie), now);
    this.#headers.forget(cookie.domain);
    return true;
  }
}

const SAVE_KNOWN: ReadonlySet<string> = new Set<keyof CookieSaveOptions>(["format"]);

function relationOf({ crossSite, safe }: CookieContext): SiteRelation {
  if (crossSite !== true) return "same";
  return safe === true ? "cross-safe" : "cross";
}

/** Without what only the store needs. */
function plainly(cookie: StoredCookie): StoredCookie {
  const { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expires } = cookie;
  return { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expires };
}
