/**
 * Host names for routing, and for certificates (RFC 6066 §3): exact ones, and `*.example.com`, whose star stands for exactly one label as
 * it does in a certificate (RFC 9525 §6.3). The exact name goes first. Case does not matter (RFC 9110 §4.2.3), nor does the dot
 * that ends a fully qualified name.
 */

import { UsageError } from "../errors.js";
import { parseUrl } from "./parse-url.js";

const WILDCARD = "*.";
/** Letters, digits, hyphens and, because they are used, underscores; an address in brackets. */
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])$/;

/** Finds what belongs to a host. */
export class HostMap<Value> {
  readonly #exact = new Map<string, Value>();
  /** By what follows the star: `.example.com`. */
  readonly #wildcard = new Map<string, Value>();

  /** `pattern` as {@link readHostPattern} gave it. Returns false, and changes nothing, when it is there already. */
  add(pattern: string, value: Value): boolean {
    const wild = pattern.startsWith(WILDCARD);
    const map = wild ? this.#wildcard : this.#exact;
    const key = wild ? pattern.slice(1) : pattern;
    if (map.has(key)) return false;
    map.set(key, value);
    return true;
  }

  /** For a name in lower case, without port: {@link hostNameOf}. */
  find(name: string): Value | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const dot = this.#wildcard.size === 0 ? -1 : name.indexOf(".");
    return dot > 0 ? this.#wildcard.get(name.slice(dot)) : undefined;
  }
}

/** A pattern in the one spelling: lower case, international names in ASCII. Throws `UsageError` `host/pattern` for what is none. */
export function readHostPattern(pattern: string): string {
  const wild = typeof pattern === "string" && pattern.startsWith(WILDCARD);
  const given = wild ? pattern.slice(WILDCARD.length) : pattern;
  const name = typeof given === "string" ? asciiName(given) : undefined;
  if (name === undefined || (wild && name.startsWith("["))) {
    throw new UsageError(
      "host/pattern",
      `Cannot use host "${String(pattern)}": expected a name such as example.com or *.example.com, without a port`,
    );
  }
  return wild ? WILDCARD + name : name;
}

/** One pattern or several, each as {@link readHostPattern} gives it. Throws `UsageError` `host/pattern` for none, too. */
export function readHostPatterns(patterns: string | readonly string[]): readonly string[] {
  const all = [patterns].flat();
  if (all.length === 0)
    throw new UsageError("host/pattern", "Cannot use an empty list of hosts: expected at least one");
  return all.map(readHostPattern);
}

/** The host of an authority (RFC 3986 §3.2) such as `Example.com.:8080`: lower case, without port and final dot. */
export function hostNameOf(authority: string): string {
  const bracket = authority.lastIndexOf("]");
  const colon = authority.indexOf(":", bracket + 1);
  const host = colon === -1 ? authority : authority.slice(0, colon);
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name.toLowerCase();
}

function asciiName(name: string): string | undefined {
  if (/[/?#@\\\s*%]/.test(name) || hostNameOf(name) !== (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase()) {
    return undefined;
  }
  const ascii = parseUrl(`http://${name}/`)?.hostname;
  if (ascii === undefined) return undefined;
  const plain = hostNameOf(ascii);
  return NAME.test(plain) ? plain : undefined;
}
