/**
 * The URL of a request, taken apart once for everything that wants a part of it: the pool (origin), the wire (Host field and
 * request-target, RFC 9112 §3.2), the connection (host, port, TLS), errors and traces (without secrets).
 *
 * Programs ask for the same URLs again and again, and parsing one costs more than finding it: {@link UrlCache} keeps the last
 * few hundred.
 */
import { InvalidUrlError } from "../errors.js";
import { parseUrl } from "../http/parse-url.js";
import { showUrl } from "../http/redact.js";

/** How many parsed URLs one session keeps. */
const CACHE_SIZE = 512;
/** Longer URLs are parsed each time: the cache's memory stays bounded by the product. */
const CACHED_URL_LENGTH = 2048;

/** An absolute http or https URL, immutable. */
export class RequestUrl {
  /** Without user info and fragment. */
  readonly href: string;
  /** Scheme, host and port: what the pool and "same origin" mean. */
  readonly origin: string;
  readonly secure: boolean;
  /** Host name or IP literal; IPv6 without its brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The Host field's value: host, with its port unless it is the scheme's own (RFC 9110 §7.2). */
  readonly host: string;
  /** Path and query: the request-target in origin-form. */
  readonly target: string;
  /** Decoded user info, if the URL had some. */
  readonly userInfo: { readonly username: string; readonly password: string } | undefined;
  /** Fragment with its `#`, never sent; inherited over redirects (RFC 9110 §10.2.2). */
  readonly hash: string;
  #url: URL | undefined;
  /** What `show` said last, and with which names: a session asks with the same ones each time. */
  #shown: string | undefined;
  #shownQuery: ReadonlySet<string> | undefined;

  constructor(url: URL) {
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new InvalidUrlError("url/scheme", `Cannot request ${showUrl(url.href)}: its scheme must be http or https`);
    }
    this.secure = url.protocol === "https:";
    this.origin = url.origin;
    this.hostname = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
    this.port = url.port === "" ? (this.secure ? 443 : 80) : Number(url.port);
    this.host = url.host;
    this.target = url.pathname + url.search;
    this.hash = url.hash;
    this.href = url.origin + this.target;
    this.userInfo =
      url.username === "" && url.password === ""
        ? undefined
        : { username: decodeUserInfo(url.username), password: decodeUserInfo(url.password) };
  }

  /** A `URL` of its own, without user info, made when first asked for. */
  get url(): URL {
    this.#url ??= new URL(this.href + this.hash);
    return this.#url;
  }

  /** For people and logs: query values shown only where `showQuery` names them. */
  show(showQuery?: ReadonlySet<string>): string {
    if (this.#shown === undefined || this.#shownQuery !== showQuery) {
      this.#shown = showUrl(this.href, showQuery);
      this.#shownQuery = showQuery;
    }
    return this.#shown;
  }

  /** As {@link show}: without user info and query values. */
  toJSON(): string {
    return this.show();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `RequestUrl ${this.show()}`;
  }
}

/** Parses absolute URLs, remembering the latest. */
export class UrlCache {
  readonly #parsed = new Map<string, RequestUrl>();

  /** Throws `InvalidUrlError` unless `input` is an absolute http or https URL. */
  parse(input: string): RequestUrl {
    const known = this.#parsed.get(input);
    if (known !== undefined) return known;
    const parsed = new RequestUrl(parseAbsolute(input));
    if (input.length <= CACHED_URL_LENGTH) {
      // Starting again when full is cheaper than keeping an order, and no worse for a working set that fits.
      if (this.#parsed.size >= CACHE_SIZE) this.#parsed.clear();
      this.#parsed.set(input, parsed);
    }
    return parsed;
  }
}

/** `new URL(input, base)` with an error that says what was wrong, without repeating a secret. */
export function parseAbsolute(input: string, base?: URL): URL {
  const parsed = parseUrl(input, base);
  if (parsed !== undefined) return parsed;
  const hint =
    base === undefined ? "an absolute URL such as https://example.com/path is needed, or a session with baseUrl" : "";
  throw new InvalidUrlError(
    "url/invalid",
    `Cannot request "${showUrl(input)}": it is not a valid URL${hint && `; ${hint}`}`,
  );
}

/** `ws:` becomes `http:` and `wss:` becomes `https:`, which is how a WebSocket's handshake is asked for (RFC 6455 §3, §4.1). */
export function toHttpScheme(url: URL): void {
  if (url.protocol === "ws:") url.protocol = "http:";
  else if (url.protocol === "wss:") url.protocol = "https:";
}

/** Percent-decoded as UTF-8; a malformed escape stands for itself. */
export function decodeUserInfo(encoded: string): string {
  return encoded.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll("%", ""), "hex");
    return bytes.toString("utf8");
  });
}
