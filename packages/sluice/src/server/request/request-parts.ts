/** What a request makes on demand, and how. */

import type { Clock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { TemporaryFiles } from "../../platform/temporary-files.js";
import type { ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { HttpError } from "../http-error.js";
import type { KeyStore } from "../keys.js";
import type { Reply } from "../reply.js";
import { type ClientView, type ProxyTrust, viewOfPeer } from "../trust-proxy.js";
import type { BodySurroundings, RequestBody } from "./request-body.js";
import { decodePathPart, originOf } from "./request-path.js";
import type { ServerRequest } from "./server-request.js";

/** What a request needs from its application. */
export interface RequestSurroundings extends BodySurroundings {
  readonly trust: ProxyTrust | undefined;
  readonly clock: Clock;
  readonly values: KeyStore;
  /** A new id, unlike any other of this process and, in all likelihood, of any. */
  newId(): string;
  /** Reports what went wrong when nobody could be answered any more. */
  reportLate(error: unknown, request?: ServerRequest): void;
  /** The exchange behind a request is another now. */
  onOutlived(former: ServerExchange, present: ServerExchange): void;
}

/** What a request was made from. */
export interface RequestOrigin {
  readonly exchange: ServerExchange;
  readonly surroundings: RequestSurroundings;
  /** What its path matched, if any route did. */
  readonly match: RequestMatch | undefined;
}

/** What a request's path matched. */
export interface RequestMatch {
  readonly value: {
    /** The whole pattern of the route; undefined where no route is. */
    readonly pattern: string | undefined;
    readonly names: readonly string[];
  };
  /** Of the parameters in the order of `names`, still escaped. */
  readonly values: readonly string[];
}

/** Called with the reply that is about to be sent, an error's too; it may change the reply, not replace it. */
export type ReplyListener = (reply: Reply) => void;

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** An id that may be given to a request from outside: nothing that could be mistaken for something else in a log. */
const SANE_ID = /^[A-Za-z0-9._~:+/=@-]{1,128}$/;

/** What a request has made on demand. */
export interface LazyParts {
  url: URL | undefined;
  query: URLSearchParams | undefined;
  id: string | undefined;
  signal: AbortSignal | undefined;
  /** Makes the signal, when it is asked for, of the exchange's. */
  narrow: ((signal: AbortSignal) => AbortSignal) | undefined;
  cookies: ReadonlyMap<string, string> | undefined;
  body: RequestBody | undefined;
  /** In place of the application's. */
  maxBodySize: number | undefined;
  view: ClientView | undefined;
  values: KeyStore | undefined;
  listeners: ReplyListener[] | undefined;
}

/** All properties from the start, so that every request has one shape. */
export function makeLazyParts(): LazyParts {
  return {
    url: undefined,
    query: undefined,
    id: undefined,
    signal: undefined,
    narrow: undefined,
    cookies: undefined,
    body: undefined,
    maxBodySize: undefined,
    view: undefined,
    values: undefined,
    listeners: undefined,
  };
}

/** Those of `parts` that somebody may have seen or set, for a request that goes on with another exchange; undefined for none. */
export function lastingParts(parts: LazyParts | undefined, exchange: ServerExchange): LazyParts | undefined {
  if (parts === undefined) return undefined;
  const { url, query, id, cookies, body, values } = parts;
  const signal = parts.signal === undefined ? undefined : exchange.signal;
  const none = [url, query, id, cookies, body, values, signal].every((part) => part === undefined);
  return none ? undefined : { ...makeLazyParts(), url, query, id, cookies, body, values, signal };
}

/** The parameters of a match by name, unescaped. Throws `HttpError` 400 for an escape that is not UTF-8. */
export function paramsOf(match: RequestMatch | undefined): Readonly<Record<string, string>> {
  if (match === undefined || match.values.length === 0) return NO_PARAMS;
  const { values } = match;
  const { names } = match.value;
  const params: Record<string, string> = {};
  for (let index = 0; index < values.length; index += 1) {
    params[names[index] ?? ""] = decodePathPart(values[index] ?? "");
  }
  return params;
}

/** The client as it connected to us, or to the outermost trusted proxy. */
export function clientViewOf(exchange: ServerExchange, trust: ProxyTrust | undefined): ClientView {
  const { remoteAddress } = exchange.peer();
  return trust === undefined ? viewOfPeer(remoteAddress) : trust.view(remoteAddress, exchange.fields);
}

/** Host and port that the client asked for; empty if it named none. */
export function hostOf(exchange: ServerExchange, trust: ProxyTrust | undefined): string {
  const forwarded = trust === undefined ? undefined : clientViewOf(exchange, trust).host;
  return forwarded ?? hostAsked(exchange);
}

/** The same without proxies (RFC 9112 §3.2.2: an absolute-form target goes before Host). */
export function hostAsked(exchange: ServerExchange): string {
  return originOf(exchange.target)?.authority ?? findField(exchange.fields, "host") ?? "";
}

/** Throws `HttpError` 400: a `Host` can be valid where a URL's host is not, such as `1.2.3.4.5`. */
export function makeUrl(origin: string, path: string, query: string): URL {
  try {
    return new URL(`${origin}${path === "*" ? "" : path}${query === "" ? "" : `?${query}`}`);
  } catch (cause) {
    throw new HttpError(400, "The request names a host that no URL can have", { code: "server/host", cause });
  }
}

/** Whether an id may go into logs and answers as it is. */
export function isSaneId(id: string): boolean {
  return SANE_ID.test(id);
}

/** The id that a trusted proxy has sent in the field `name` (lower case), if it did and it is sane. */
export function receivedId({ exchange, surroundings }: RequestOrigin, name: string): string | undefined {
  const { trust } = surroundings;
  if (trust === undefined) return undefined;
  const id = findField(exchange.fields, name);
  return id !== undefined && isSaneId(id) && trust.isTrusted(exchange.peer().remoteAddress) ? id : undefined;
}

/** Temporary storage that goes when the answer to `request` has been sent, or given up. */
export function makeStorage(
  request: ServerRequest<unknown>,
  { reportLate }: RequestSurroundings,
  folder: string | undefined,
): TemporaryFiles {
  const storage = new TemporaryFiles(folder);
  request.beforeReply((reply) => reply.whenSent(() => void storage.removeAll().catch(reportLate)));
  return storage;
}

/** Names and values of one part of a request. Throws `UsageError` `options/unknown-value` for a part that there is not. */
export function namedValues(
  request: ServerRequest<unknown>,
  part: "query" | "params" | "headers" | "cookies",
): Iterable<readonly [name: string, value: string]> {
  switch (part) {
    case "query":
      return request.query;
    case "params":
      return Object.entries(request.params as Readonly<Record<string, string>>);
    case "headers":
      return request.headers;
    case "cookies":
      return request.cookies;
    default:
      throw new UsageError(
        "options/unknown-value",
        `Cannot validate ${String(part)}: expected "query", "params", "headers" or "cookies"`,
      );
  }
}
