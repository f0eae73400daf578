/**
 * What a cache does with one request (RFC 9111 §4): use what is stored, ask whether it still holds, or get it anew and keep it.
 *
 * Ordered by a request's way: what has nothing to do with a cache passes by; looking; asking; keeping; changes of a resource, which
 * make what is stored of it invalid. Writing to the store delays no response but that of a change, after which the next request
 * must not find what was before.
 */
import { ConnectError, ConnectionLostError, ProtocolError, RequestTimeoutError } from "../../../errors.js";
import { isSafe } from "../../../http/methods.js";
import { parseUrl } from "../../../http/parse-url.js";
import type { CacheStatus } from "../../cache-status.js";
import { fieldsWithout, findField, hasField } from "../../field-lines.js";
import type { Next } from "../../middleware.js";
import { BUFFERED_TOTAL_TIMEOUT } from "../../options.js";
import { ClientRequest } from "../../request.js";
import type { ClientResponse } from "../../response.js";
import type { ResolvedCacheOptions } from "./cache.js";
import { Keeping, type Kept } from "./keeping.js";
import { KeyMaker } from "./key.js";
import { ChangeLog } from "./recording/change-log.js";
import { askedOf, CacheRules } from "./rules/cache-rules.js";
import { isValidatedBy } from "./rules/freshening.js";
import { selects } from "./selecting.js";
import type { CacheEntry } from "./store/cache-store.js";
import { Shelf } from "./store/shelf.js";
import { absentResponse, storedResponse } from "./stored-response.js";

/** A request that the cache has to do with, and its way on. */
interface Ask extends Omit<Kept, "mark"> {
  readonly next: Next;
}

/** Requests for a part, and conditions that only the origin can judge (§4.3.2), pass by. */
const NOT_FOR_CACHES = ["range", "if-range", "if-match", "if-unmodified-since"];
const OWN_CONDITIONS = ["if-none-match", "if-modified-since"];
/** What a stored response may stand in for (RFC 5861 §4). */
const STAND_IN_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** The working part of one cache. */
export class Caching {
  readonly #options: ResolvedCacheOptions;
  readonly #rules: CacheRules;
  readonly #keys: KeyMaker;
  readonly #shelf: Shelf;
  readonly #changes = new ChangeLog();
  readonly #keeping: Keeping;
  /** What is being validated in the background: key and variant. */
  readonly #refreshing = new Set<string>();

  static async load(options: ResolvedCacheOptions): Promise<Caching> {
    return new Caching(options, await CacheRules.load(options.heuristic));
  }

  private constructor(options: ResolvedCacheOptions, rules: CacheRules) {
    this.#options = options;
    this.#rules = rules;
    this.#keys = new KeyMaker(options.store, options.partition);
    this.#shelf = new Shelf(options.store, options.maxVariants, options.onStoreError);
    this.#keeping = new Keeping(options, { rules, keys: this.#keys, shelf: this.#shelf, changes: this.#changes });
  }

  /** As a middleware. */
  async send(request: ClientRequest, next: Next): Promise<ClientResponse> {
    if (!isSafe(request.method)) return this.#sendChange(request, next);
    const asked = askedOf(request.fields);
    const owner = isForCaches(request) ? this.#keys.ownerOf(request) : undefined;
    if (owner !== undefined) return this.#answer({ request, next, key: this.#keys.keyOf(owner, request), asked });
    return asked.has("only-if-cached") ? absentResponse(request) : next(request);
  }

  // Looking.

  async #answer(ask: Ask): Promise<ClientResponse> {
    const { request, asked } = ask;
    const onlyStored = asked.has("only-if-cached");
    const entries = await this.#shelf.read(ask.key);
    const entry = entries.find((one) => selects(request, one));
    if (entry !== undefined) {
      const verdict = this.#rules.verdict(entry, asked, request.clock.wallTime());
      if (verdict === "refresh" && !onlyStored) this.#refresh(ask, entry);
      if (verdict !== "validate") return this.#stored(request, entry, verdict === "fresh" ? "hit" : "stale");
    }
    return onlyStored ? absentResponse(request) : this.#ask(ask, entry);
  }

  #stored(request: ClientRequest, entry: CacheEntry, status: CacheStatus): ClientResponse {
    return storedResponse(request, entry, this.#rules.age(entry, request.clock.wallTime()), status);
  }

  // Asking.

  /** Asks the origin: whether `entry` still holds, if there is one and it can be asked about (§4.3.1). */
  async #ask(ask: Ask, entry: CacheEntry | undefined): Promise<ClientResponse> {
    const { request, next } = ask;
    const asking = entry === undefined ? undefined : conditionalFields(request, entry);
    // A copy: what those further in change of it must not look like what was asked.
    const sent = request.with(asking === undefined ? {} : { fields: asking });
    const kept: Kept = { request, key: ask.key, asked: ask.asked, mark: this.#changes.now };
    let response: ClientResponse;
    try {
      response = await next(sent);
    } catch (error) {
      if (entry !== undefined && isFaultOfTheWay(error) && this.#mayStandIn(ask, entry)) {
        return this.#stored(request, entry, "stale");
      }
      throw error;
    }
    if (entry !== undefined && STAND_IN_STATUSES.has(response.status) && this.#mayStandIn(ask, entry)) {
      response.discard();
      return this.#stored(request, entry, "stale");
    }
    if (response.status !== 304 || asking === undefined || entry === undefined)
      return this.#keeping.take(kept, response);
    response.discard();
    if (isValidatedBy(entry, response)) {
      return this.#stored(request, this.#keeping.validated(kept, entry, response), "revalidated");
    }
    // It speaks of something that is not here (§4.3.4): the content itself is needed.
    return this.#ask(ask, undefined);
  }

  #mayStandIn({ request, asked }: Ask, entry: CacheEntry): boolean {
    return this.#rules.mayStandIn(entry, asked, request.clock.wallTime(), this.#options.staleIfError);
  }

  /** Validates in the background what has just been used (RFC 5861 §3), once at a time, as a request of the session's own. */
  #refresh(ask: Ask, entry: CacheEntry): void {
    const id = [ask.key, entry.decoded, ...entry.selecting].join(" ");
    if (this.#refreshing.has(id)) return;
    this.#refreshing.add(id);
    const { target, fields, settings, scope, trust } = ask.request;
    const own = scope.detached(settings.timeouts.total ?? BUFFERED_TOTAL_TIMEOUT);
    const plain = fieldsWithout(fields, (name) => OWN_CONDITIONS.includes(name));
    const request = new ClientRequest("GET", target, plain, undefined, settings, own, trust);
    const work = own.race(this.#ask({ ...ask, request }, entry)).then((response) => this.#readThrough(response));
    // Nobody waits for it: what failed is tried again by the next request, and may be used until its time is up.
    const done = (): void => {
      this.#refreshing.delete(id);
      own.end();
    };
    work.then(done, done);
  }

  /** Reads what would otherwise be read by a caller, so that it is recorded. */
  async #readThrough(response: ClientResponse): Promise<void> {
    let bytes = 0;
    for await (const piece of response.body) {
      bytes += piece.byteLength;
      if (bytes > this.#options.maxEntryBytes) return;
    }
  }

  // Changes.

  /** A request that may change its resource: what is stored of it, and of what it names, holds no longer (§4.4). */
  async #sendChange(request: ClientRequest, next: Next): Promise<ClientResponse> {
    const owner = this.#keys.ownerOf(request);
    const response = await next(request.with({}));
    if (owner === undefined || response.status < 200 || response.status >= 400) return response;
    const changed = [...changedUrls(request, response)].map((href) => {
      const key = this.#keys.keyOf(owner, request, href);
      this.#changes.note(key);
      return this.#shelf.change(key, () => []);
    });
    await Promise.all(changed);
    return response;
  }
}

function isForCaches(request: ClientRequest): boolean {
  const { method, payload, fields } = request;
  if ((method !== "GET" && method !== "HEAD") || payload !== undefined) return false;
  return !NOT_FOR_CACHES.some((name) => hasField(fields, name));
}

/** The request's fields with the entry's validators as its condition; undefined if it has its own, or there is no validator. */
function conditionalFields(request: ClientRequest, entry: CacheEntry): string[] | undefined {
  const { fields, method } = request;
  if (method === "HEAD" || OWN_CONDITIONS.some((name) => hasField(fields, name))) return undefined;
  const etag = findField(entry.fields, "etag");
  const modified = findField(entry.fields, "last-modified");
  if (etag === undefined && modified === undefined) return undefined;
  const asking = [...fields];
  if (etag !== undefined) asking.push("if-none-match", etag);
  if (modified !== undefined) asking.push("if-modified-since", modified);
  return asking;
}

/** What would be a 502, 503 or 504 at a proxy (RFC 5861 §4). */
function isFaultOfTheWay(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return error.phase !== "total" && error.phase !== "queue";
  return error instanceof ConnectError || error instanceof ConnectionLostError || error instanceof ProtocolError;
}

/** The URL that was asked, and those of the same origin that the answer names (§4.4). */
function changedUrls(request: ClientRequest, response: ClientResponse): Set<string> {
  const { href, origin, url } = request.target;
  const hrefs = new Set([href]);
  for (const name of ["location", "content-location"]) {
    const named = parseUrl(findField(response.fields, name) ?? "", url);
    if (named === undefined || named.origin !== origin) continue;
    hrefs.add(named.origin + named.pathname + named.search);
  }
  return hrefs;
}
