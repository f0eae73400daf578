/**
 * Which proxy the environment names for a URL: http_proxy, https_proxy, all_proxy and no_proxy, as curl reads them. Lower case
 * goes before upper case, an empty one counts as none. Read once, when it is asked for.
 *
 * HTTP_PROXY is not believed in a CGI program (REQUEST_METHOD is set): there it is what a client sent as its `Proxy` field
 * (CVE-2016-5385, "httpoxy"); on Windows, where names have no case, http_proxy is not believed there either.
 */

import { type IpRange, inRange, parseIp } from "../../http/ip-range.js";
import type { RequestUrl } from "../request-url.js";

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What one entry of no_proxy excludes: a host with all below it, or a range of addresses, on one port or on all. */
interface Exclusion {
  readonly host: string | undefined;
  readonly range: IpRange | undefined;
  readonly port: number | undefined;
}

/** The environment's choice. */
export class EnvProxies {
  /** Text of the variable, as it stands. */
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly #excludesAll: boolean;
  readonly #exclusions: readonly Exclusion[];

  constructor(environment: Environment, platform: string = process.platform) {
    const read = (name: string): string | undefined => {
      return textOf(environment[name]) ?? textOf(environment[name.toUpperCase()]);
    };
    const all = read("all_proxy");
    this.http = (isCgi(environment) ? cgiHttpProxy(environment, platform) : read("http_proxy")) ?? all;
    this.https = read("https_proxy") ?? all;
    const entries = (read("no_proxy") ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
    this.#excludesAll = entries.includes("*");
    this.#exclusions = entries.map(parseExclusion);
  }

  /** The proxy for `url`, as the variable has it; undefined for none. */
  proxyFor({ secure, hostname, port }: RequestUrl): string | undefined {
    const proxy = secure ? this.https : this.http;
    return proxy === undefined || this.#isExcluded(hostname, port) ? undefined : proxy;
  }

  #isExcluded(hostname: string, port: number): boolean {
    if (this.#excludesAll) return true;
    if (this.#exclusions.length === 0) return false;
    const address = parseIp(hostname);
    const host = withoutDots(hostname);
    return this.#exclusions.some((exclusion) => {
      if (exclusion.port !== undefined && exclusion.port !== port) return false;
      if (exclusion.range !== undefined) return address !== undefined && inRange(address, exclusion.range);
      return host === exclusion.host || host.endsWith(`.${exclusion.host}`);
    });
  }
}

function textOf(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}

function isCgi(environment: Environment): boolean {
  return environment["REQUEST_METHOD"] !== undefined;
}

function cgiHttpProxy(environment: Environment, platform: string): string | undefined {
  return platform === "win32" ? undefined : textOf(environment["http_proxy"]);
}

/** An entry that is nothing we know is a host that no URL has. */
function parseExclusion(entry: string): Exclusion {
  const range = asRange(entry);
  if (range !== undefined) return { host: undefined, range, port: undefined };
  const [, name = entry, digits] = /^(.*?)(?::([0-9]{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  const unbracketed = name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
  const address = asRange(unbracketed);
  if (address !== undefined) return { host: undefined, range: address, port };
  return { host: withoutDots(name.replace(/^\*(?=\.)/, "")), range: undefined, port };
}

/** An address or a CIDR range. Bits beyond the prefix, which people write there ("10.1.2.3/8"), are cut off. */
function asRange(entry: string): IpRange | undefined {
  const [text = "", digits] = entry.split("/");
  const address = parseIp(text);
  if (address === undefined) return undefined;
  if (digits === undefined) return { ...address, prefix: address.bits };
  const prefix = /^[0-9]{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(prefix <= address.bits)) return undefined;
  return { ...address, prefix };
}

/** As names are compared: no dots around it, lower case. */
function withoutDots(name: string): string {
  return name.replace(/^\.+|\.+$/g, "").toLowerCase();
}
