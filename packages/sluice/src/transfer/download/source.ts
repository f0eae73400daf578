/**
 * Where the file comes from: its URL, where that has led to, and the requests for its bytes. Segments ask the place that answered, not
 * the URL that was given, so that all get the same; a place that has run out (a signed URL) is found anew. To another origin than the one
 * that was asked only those fields go that say nothing of who asks.
 */

import { fieldLinesOf } from "../../client/option-values.js";
import type { RequestOptions } from "../../client/options.js";
import { TRAVELS } from "../../client/redirects.js";
import type { ClientResponse } from "../../client/response.js";
import type { ClientSession } from "../../client/session.js";
import { linkSignal, onAbort } from "../../concurrency/abort.js";
import { parseUrl } from "../../http/parse-url.js";
import type { ResolvedDownloadOptions } from "./download-options.js";

/** A URL, or what finds one: called for the first request, and again when what it gave has run out. */
export type DownloadUrl = string | URL | (() => string | URL | Promise<string | URL>);

/** An answer whose body has not been read, and the means to end it. */
export interface OpenAnswer {
  readonly response: ClientResponse;
  /** Ends the request. */
  readonly controller: AbortController;
  /** Whether the place was found for just this request, so that to find it anew would give the same. */
  readonly justFound: boolean;
  /** Where it was asked for. */
  readonly place: string;
}

/** An answer that is there already, and how it was asked for: all that follows is asked for in the same way. */
export interface BegunAnswer {
  readonly response: ClientResponse;
  readonly options: RequestOptions;
}

/** Field lines: name, value, name, value … */
type Lines = readonly string[];

/** What a caller's options for the first request mean for all others … */
const EVERYWHERE = [
  "proxy",
  "throttle",
  "context",
  "omitHeaders",
  "middleware",
  "hopMiddleware",
  "redirect",
  "maxRedirects",
  "allowInsecureRedirect",
] as const;
/** … for those to the origin that was asked first, as they say who asks … */
const AT_HOME = ["auth", "cookies", "servername"] as const;

/** See the head of this file. */
export class Source {
  readonly #session: ClientSession;
  readonly #given: DownloadUrl;
  readonly #fields: Lines;
  readonly #options: RequestOptions;
  readonly #homeOptions: RequestOptions;
  /** … and for the URL itself that was asked, which is not yet what they make of it. */
  readonly #firstOptions: RequestOptions;
  readonly #most: number;
  /** What was asked first, before it led elsewhere. */
  #asked: string | undefined;
  #askedOrigin: string | undefined;
  #elsewhere: ClientSession | undefined;
  #lastUrl: string | undefined;
  /** Where that led. */
  #place: string | undefined;

  constructor(session: ClientSession, given: DownloadUrl, options: ResolvedDownloadOptions, begun?: BegunAnswer) {
    const { stallTimeout, headers, decode } = options;
    const asked = begun?.options ?? {};
    this.#session = session;
    this.#given = given;
    this.#fields = headers === undefined ? [] : fieldLinesOf(headers);
    const never = Number.POSITIVE_INFINITY;
    const timeouts = begun?.response.request.settings.timeouts ?? { headers: stallTimeout, read: stallTimeout };
    this.#most = begun?.response.request.settings.maxResponseSize ?? never;
    this.#options = {
      ...pick(asked, EVERYWHERE),
      retry: false,
      raiseForStatus: false,
      decompress: decode,
      timeout: { ...timeouts, total: never, attempt: never },
    };
    this.#homeOptions = { ...this.#options, ...pick(asked, AT_HOME) };
    this.#firstOptions = { ...this.#homeOptions, ...pick(asked, ["params"]) };
  }

  /** The URL of the last answer, without user information; undefined before there was one. */
  get lastUrl(): string | undefined {
    return this.#lastUrl;
  }

  /** Whether finding the place anew could give another one. */
  get renewable(): boolean {
    return typeof this.#given === "function" || this.#place !== this.#asked;
  }

  /** Forgets the place that gave this answer; harmless if another one has been found since. */
  renew({ place }: OpenAnswer): void {
    if (place !== this.#place) return;
    this.#asked = undefined;
    this.#place = undefined;
  }

  /** Takes an answer that is there already for one to a request of its own. Before the first {@link Source.ask}. */
  async adopt(response: ClientResponse): Promise<OpenAnswer> {
    const url = await this.#find();
    this.#note(url, response);
    const controller = new AbortController();
    const { body } = response;
    onAbort(controller.signal, () => (body.used ? body.cancel() : response.discard()));
    return { response, controller, justFound: false, place: this.#place ?? url };
  }

  /**
   * Asks for the file with these fields besides, for its bytes from `first` on. Rejects as requests do, and with what a function that
   * finds URLs throws.
   */
  async ask(fields: Lines, signal: AbortSignal, first = 0): Promise<OpenAnswer> {
    const controller = new AbortController();
    const unlink = linkSignal(signal, controller);
    try {
      const justFound = this.#place === undefined;
      const url = this.#place ?? (await this.#find());
      const headers = pairs([...this.#fieldsFor(url), "accept-encoding", "identity", ...fields]);
      // What there may be in all, but for what there is; refused is what has more than one byte too many.
      const maxResponseSize = Math.max(1, this.#most - first);
      const asked = { ...this.#optionsFor(url), headers, maxResponseSize, signal: controller.signal };
      const response = await this.#sessionFor(url).get(url, asked);
      this.#note(url, response);
      return { response, controller, justFound, place: this.#place ?? url };
    } finally {
      unlink();
    }
  }

  /** Ends what it made; requests are over by then. */
  async close(): Promise<void> {
    await this.#elsewhere?.close();
  }

  /** A redirect to another origin takes none of the session's fields, params and credentials along: nor do requests that begin there. */
  #sessionFor(url: string): ClientSession {
    if (this.#isAtHome(url)) return this.#session;
    this.#elsewhere ??= this.#session.extend({ defaultsFor: () => false });
    return this.#elsewhere;
  }

  #optionsFor(url: string): RequestOptions {
    if (url === this.#asked) return this.#firstOptions;
    return this.#isAtHome(url) ? this.#homeOptions : this.#options;
  }

  #isAtHome(url: string): boolean {
    return url === this.#asked || parseUrl(url)?.origin === this.#askedOrigin;
  }

  #note(url: string, response: ClientResponse): void {
    this.#lastUrl = response.url;
    const first = new URL(response.history[0]?.url ?? response.url);
    if (url === this.#asked) this.#askedOrigin = first.origin;
    this.#place = response.redirected ? this.#withUser(new URL(response.url), url) : url;
  }

  /** User information in a URL is a credential for its origin, and for no other. */
  #withUser(place: URL, url: string): string {
    const asked = parseUrl(url);
    if (asked?.origin !== place.origin) return place.href;
    place.username = asked.username;
    place.password = asked.password;
    return place.href;
  }

  async #find(): Promise<string> {
    const found = typeof this.#given === "function" ? await this.#given() : this.#given;
    this.#asked = String(found);
    return this.#asked;
  }

  #fieldsFor(url: string): Lines {
    if (this.#isAtHome(url)) return this.#fields;
    const kept: string[] = [];
    for (let at = 0; at + 1 < this.#fields.length; at += 2) {
      const [name = "", value = ""] = [this.#fields[at], this.#fields[at + 1]];
      if (TRAVELS.has(name.toLowerCase())) kept.push(name, value);
    }
    return kept;
  }
}

function pick(options: RequestOptions, names: readonly (keyof RequestOptions)[]): RequestOptions {
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

function pairs(lines: Lines): (readonly [string, string])[] {
  const made: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) made.push([lines[at] ?? "", lines[at + 1] ?? ""]);
  return made;
}
