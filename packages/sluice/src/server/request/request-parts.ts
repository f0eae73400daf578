/** What a request makes on demand, and how. */

import { HttpError } from "../http-error.js";
import type { KeyStore } from "../keys.js";
import type { Route } from "../method-table.js";
import type { Reply } from "../reply.js";
import type { TreeMatch } from "../route-tree.js";
import type { ClientView } from "../trust-proxy.js";
import type { RequestBody } from "./request-body.js";
import { decodePathPart } from "./request-path.js";

/** Called with the reply that is about to be sent, an error's too; it may change the reply, not replace it. */
export type ReplyListener = (reply: Reply) => void;

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** What a request has made on demand. */
export interface LazyParts {
  url: URL | undefined;
  query: URLSearchParams | undefined;
  id: string | undefined;
  signal: AbortSignal | undefined;
  cookies: ReadonlyMap<string, string> | undefined;
  body: RequestBody | undefined;
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
    cookies: undefined,
    body: undefined,
    view: undefined,
    values: undefined,
    listeners: undefined,
  };
}

/** The parameters of a match by name, unescaped. Throws `HttpError` 400 for an escape that is not UTF-8. */
export function paramsOf(match: TreeMatch<Route<unknown>> | undefined): Readonly<Record<string, string>> {
  if (match === undefined || match.values.length === 0) return NO_PARAMS;
  const { values } = match;
  const { names } = match.value;
  const params: Record<string, string> = {};
  for (let index = 0; index < values.length; index += 1) {
    params[names[index] ?? ""] = decodePathPart(values[index] ?? "");
  }
  return params;
}

/** Throws `HttpError` 400: a `Host` can be valid where a URL's host is not, such as `1.2.3.4.5`. */
export function makeUrl(origin: string, path: string, query: string): URL {
  try {
    return new URL(`${origin}${path === "*" ? "" : path}${query === "" ? "" : `?${query}`}`);
  } catch (cause) {
    throw new HttpError(400, "The request names a host that no URL can have", { code: "server/host", cause });
  }
}
