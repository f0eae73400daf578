/**
 * One proxy, its URL and options checked and taken apart. Credentials are in private fields, so that nothing that shows the
 * object shows them; the key of the connections through it is for looking up, never for showing.
 */

import { UsageError } from "../../errors.js";
import { parseUrl } from "../../http/parse-url.js";
import { showUrl } from "../../http/redact.js";
import type { FieldLines } from "../../http1/sinks.js";
import { assertFields } from "../../http1/write-head.js";
import type { ProxyHop } from "../../net/proxy-hop.js";
import { checkTlsOptions, type TlsClientOptions } from "../../net/tls-client.js";
import { refuseUnknown } from "../../options.js";
import { hasField } from "../field-lines.js";
import { basicCredentials } from "../middleware/auth/basic.js";
import { fieldLinesOf } from "../option-values.js";
import { decodeUserInfo } from "../request-url.js";
import type { ProxyOptions } from "./proxy-options.js";

/** How a proxy is spoken to. */
export type ProxyScheme = "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h";

/** A user's name and password. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

const SCHEMES: Readonly<Record<string, readonly [scheme: ProxyScheme, port: number]>> = {
  "http:": ["http", 80],
  "https:": ["https", 443],
  "socks:": ["socks5h", 1080],
  "socks4:": ["socks4", 1080],
  "socks4a:": ["socks4a", 1080],
  "socks5:": ["socks5", 1080],
  "socks5h:": ["socks5h", 1080],
};
/** RFC 1929 §2: a length is one octet. */
const MOST_SOCKS_BYTES = 255;
const KNOWN: ReadonlySet<string> = new Set<keyof ProxyOptions>([
  "url",
  "username",
  "password",
  "headers",
  "tls",
  "tunnel",
]);

/** Tells TLS settings apart that are different objects. */
const tlsNumbers = new WeakMap<TlsClientOptions, number>();
let lastTlsNumber = 0;

/** See the head of this file. Throws `UsageError` `options/proxy`. */
export class ProxyServer implements ProxyHop {
  readonly scheme: ProxyScheme;
  readonly host: string;
  readonly port: number;
  readonly label: string;
  /** For TLS with the proxy: only `https:` has it. */
  readonly tls: TlsClientOptions | undefined;
  readonly tunnel: boolean;
  readonly #credentials: ProxyCredentials | undefined;
  readonly #fields: FieldLines;
  readonly #key: string;

  constructor(given: string | URL | ProxyOptions, tls: TlsClientOptions) {
    const options: ProxyOptions = typeof given === "string" || given instanceof URL ? { url: given } : given;
    refuseUnknown("proxy", options, KNOWN);
    if (options.tls !== undefined) checkTlsOptions("proxy.tls", options.tls);
    const url = parsedProxyUrl(options.url);
    const [scheme, defaultPort] = SCHEMES[url.protocol] ?? unknownScheme(url);
    this.scheme = scheme;
    this.host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname.toLowerCase();
    this.port = url.port === "" ? defaultPort : Number(url.port);
    this.label = `${scheme}://${url.hostname.toLowerCase()}:${this.port}`;
    this.tls = scheme === "https" ? (options.tls ?? tls) : undefined;
    this.tunnel = options.tunnel ?? false;
    this.#credentials = credentialsOf(options, url);
    this.#fields = this.isHttp ? proxyFields(options, this.#credentials) : [];
    if (!this.isHttp) checkSocks(options, this.label, this.#credentials);
    this.#key = [this.label, String(this.tunnel), tlsNumber(this.tls), ...this.#secretParts()].join("\n");
  }

  get isHttp(): boolean {
    return this.scheme === "http" || this.scheme === "https";
  }

  /** The same for proxies whose connections are interchangeable. Has the credentials in it. */
  get key(): string {
    return this.#key;
  }

  /** For SOCKS. */
  get credentials(): ProxyCredentials | undefined {
    return this.#credentials;
  }

  /** What an HTTP proxy is sent for itself, its credentials among it. */
  get fields(): FieldLines {
    return this.#fields;
  }

  toJSON(): string {
    return this.label;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `ProxyServer ${this.label}`;
  }

  #secretParts(): readonly string[] {
    if (this.isHttp) return this.#fields;
    return this.#credentials === undefined ? [] : [this.#credentials.username, this.#credentials.password];
  }
}

function parsedProxyUrl(given: string | URL): URL {
  const text = String(given);
  // As in the environment: "proxy.example:3128" has no scheme, however much it looks as if.
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? parseUrl(text) : parseUrl(`http://${text}`);
  if (url === undefined || url.hostname === "") {
    throw proxyError(text, "expected a URL such as http://proxy.example:3128");
  }
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "") {
    throw proxyError(text, "a proxy has no path, query or fragment");
  }
  return url;
}

function unknownScheme(url: URL): never {
  const known = Object.keys(SCHEMES).join(" ");
  throw proxyError(`${url.protocol}//${url.host}`, `expected one of ${known}`);
}

function credentialsOf(options: ProxyOptions, url: URL): ProxyCredentials | undefined {
  const username = options.username ?? decodeUserInfo(url.username);
  const password = options.password ?? decodeUserInfo(url.password);
  return username === "" && password === "" ? undefined : { username, password };
}

function proxyFields({ headers }: ProxyOptions, credentials: ProxyCredentials | undefined): FieldLines {
  const fields = headers === undefined ? [] : [...fieldLinesOf(headers)];
  if (credentials !== undefined && !hasField(fields, "proxy-authorization")) {
    fields.push("proxy-authorization", basicCredentials(credentials.username, credentials.password));
  }
  assertFields(fields);
  return fields;
}

function checkSocks({ headers, tunnel }: ProxyOptions, label: string, credentials: ProxyCredentials | undefined): void {
  if (headers !== undefined) throw proxyError(label, "SOCKS has no headers");
  if (tunnel === false) throw proxyError(label, "SOCKS knows nothing but tunnels");
  for (const text of [credentials?.username ?? "", credentials?.password ?? ""]) {
    const tooLong = Buffer.byteLength(text) > MOST_SOCKS_BYTES;
    if (tooLong) throw proxyError(label, `its user name and password may have ${MOST_SOCKS_BYTES} bytes each`);
    if (text.includes("\0")) throw proxyError(label, "its user name or password has a NUL in it");
  }
}

function tlsNumber(tls: TlsClientOptions | undefined): string {
  if (tls === undefined) return "";
  let known = tlsNumbers.get(tls);
  if (known === undefined) {
    lastTlsNumber += 1;
    known = lastTlsNumber;
    tlsNumbers.set(tls, known);
  }
  return String(known);
}

function proxyError(given: string, reason: string): UsageError {
  return new UsageError("options/proxy", `Cannot use the proxy ${showUrl(given)}: ${reason}`);
}
