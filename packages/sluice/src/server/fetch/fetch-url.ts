/**
 * The `url` of a request by the Fetch standard: absolute, and as the URL standard writes it. Most targets are written so already
 * and need no URL object; hosts are few, and remembered.
 */

import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";
import { originOf, pathOf } from "../request/request-path.js";
import type { ClientView } from "../trust-proxy.js";

/** Characters that the URL standard leaves as they are in a path, and in a query (there `'` is escaped). */
const PLAIN_TARGET = /^\/[\w\-.~!$&'()*+,;=:@/%]*(?:\?[\w\-.~!$&()*+,;=:@/%?]*)?$/;
/** Hosts that are remembered; a client that makes up hosts must not fill memory. */
const MOST_ORIGINS = 256;

const origins = new Map<string, string>();

/**
 * The URL that the client asked for; scheme and host as trusted proxies tell them (`view`). Throws `HttpError` 400 `server/host` for a
 * host that no URL can have.
 */
export function fetchUrl(exchange: ServerExchange, view: ClientView | undefined): string {
  const { target } = exchange;
  const scheme = view?.scheme ?? (exchange.secure ? "https" : "http");
  const host = view?.host ?? originOf(target)?.authority ?? findField(exchange.fields, "host") ?? "";
  const origin = originFor(scheme, host === "" ? "localhost" : host);
  const path = target.startsWith("/") ? target : pathAndQuery(target);
  if (PLAIN_TARGET.test(path) && !mayHaveDots(path)) return origin + path;
  return new URL(origin + path).href;
}

/** Perhaps a dot segment, which the URL standard resolves, its dots escaped or not. */
function mayHaveDots(path: string): boolean {
  return path.includes("/.") || path.includes("/%2");
}

/** RFC 9112 §3.2.2: of the absolute-form; the asterisk-form is the server as a whole (RFC 9110 §7.1), whose path is empty. */
function pathAndQuery(target: string): string {
  if (target === "*") return "/";
  const mark = target.indexOf("?");
  return pathOf(target) + (mark === -1 ? "" : target.slice(mark));
}

function originFor(scheme: string, host: string): string {
  const received = `${scheme}://${host}`;
  const known = origins.get(received);
  if (known !== undefined) return known;
  const made = parseOrigin(received);
  if (origins.size >= MOST_ORIGINS) origins.clear();
  origins.set(received, made);
  return made;
}

function parseOrigin(received: string): string {
  try {
    return new URL(received).origin;
  } catch (cause) {
    throw new HttpError(400, "The request names a host that no URL can have", { code: "server/host", cause });
  }
}
