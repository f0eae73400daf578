/**
 * The origin that requests are passed on to: where a path of ours is with it, and where a path of its is with us. The request never
 * chooses the origin: its target is appended to ours as text, so that not even `//elsewhere` is read as an authority.
 */

import { UsageError } from "../errors.js";
import { parseUrl } from "../http/parse-url.js";
import { showUrl } from "../http/redact.js";
import { ForwardUrl } from "./forward-url.js";

/** What stands before the path; without a scheme it is that of the answer's own URL (RFC 3986 §4.2). */
const AUTHORITY = /^(?:https?:)?\/\/[^/\\?#]*/i;

/** One target, taken apart. */
export class Upstream {
  readonly #url: URL;
  readonly #origin: string;
  /** Before every path; without a slash at its end. */
  readonly #base: string;

  /** Throws `UsageError` `proxy/target` unless it is an absolute http or https URL without user info, query and fragment. */
  constructor(target: string | URL) {
    const url = target instanceof URL ? target : parseUrl(String(target));
    const fault = url === undefined ? "it is no absolute URL" : faultOf(url);
    if (url === undefined || fault !== undefined) {
      throw new UsageError("proxy/target", `Cannot pass requests on to "${showUrl(String(target))}": ${fault}`);
    }
    this.#url = new URL(url.origin);
    this.#origin = url.origin;
    this.#base = url.pathname.endsWith("/") ? url.pathname.slice(0, -1) : url.pathname;
  }

  /** Where `path` is; `query` begins with its question mark, or is empty. */
  urlOf(path: string, query: string): ForwardUrl {
    return new ForwardUrl(this.#url, `${this.#base}${path}${query}`);
  }

  /** A reference in an answer, as a client of ours can use it; `prefix` is what was taken off the path. */
  locationFor(reference: string, prefix: string): string {
    const path = this.#pathOf(reference);
    if (path === undefined || !isBelow(this.#base, path)) return reference;
    const rest = path.slice(this.#base.length);
    const located = rest.startsWith("/") ? `${prefix}${rest}` : `${prefix}/${rest}`;
    // RFC 3986 §4.2: two slashes would begin a host. Clients take the dot away.
    return /^\/[/\\]/.test(located) ? `/.${located}` : located;
  }

  /** The path, query and fragment of a reference to this origin; undefined for one to elsewhere, or relative to its own path. */
  #pathOf(reference: string): string | undefined {
    if (/^\/(?![/\\])/.test(reference)) return reference;
    const [authority] = AUTHORITY.exec(reference) ?? [];
    if (authority === undefined) return undefined;
    const absolute = authority.startsWith("/") ? `${this.#url.protocol}${authority}` : authority;
    return parseUrl(absolute)?.origin === this.#origin ? reference.slice(authority.length) : undefined;
  }
}

function isBelow(base: string, path: string): boolean {
  return path.startsWith(base) && (path.length === base.length || /^[/?#]/.test(path.slice(base.length)));
}

function faultOf(url: URL): string | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:") return "its scheme must be http or https";
  if (url.username !== "" || url.password !== "") return "credentials belong to the session, or into requestHeaders";
  if (url.search !== "" || url.hash !== "") return "query and fragment come from the request";
  return undefined;
}
