/**
 * The requests behind a pagination. One page is asked for at a time, the next one when it is wanted (or, with `prefetch`, while the
 * one before is being used).
 *
 * A page says where the next one is, so a page could lead anywhere: where it leads to another origin than that of the first request,
 * credentials of that origin would go along, and it is refused. A page that leads back to one that has been seen would
 * lead around for ever, and is refused too.
 */

import { SluiceError, UsageError } from "../errors.js";
import { findLink } from "../http/link.js";
import { parseUrl } from "../http/parse-url.js";
import { refuseUnknown, requireFunction, requireNumber } from "../options.js";
import { paramPairs } from "./option-values.js";
import type { RequestOptions } from "./options.js";
import { itemsOf } from "./page-items.js";
import type { ByCursor, ByNumber, ByOffset, NextRequest, Page, PagesSource } from "./paginate.js";
import type { ClientResponse } from "./response.js";

/** Requests that are remembered, to see a loop: a longer one goes unnoticed, and memory is bounded. */
const REMEMBERED_REQUESTS = 10_000;
const ORDER_NAMES: ReadonlySet<string> = new Set([
  "cursor",
  "param",
  "page",
  "first",
  "items",
  "offset",
  "limit",
  "limitParam",
]);

/** One request to come. */
interface Asked {
  readonly url: string | URL;
  readonly options: RequestOptions;
}

/** What one iteration knows. */
interface Course<T> {
  readonly source: PagesSource<T>;
  /** Aborts a page that was asked for ahead and is not wanted any more. */
  readonly controller: AbortController;
  /** The options of each request, without what is the pagination's own. */
  readonly request: RequestOptions;
  readonly next: NextRule<T>;
  readonly maxPages: number;
  readonly seen: Set<string>;
  /** Where pages may lead; known when the first one is there. */
  origins: ReadonlySet<string>;
  /** What was asked for first, as it was sent. */
  firstUrl: string;
  /** Credentials that the caller's own URL had: for its origin only. */
  userInfo: { readonly username: string; readonly password: string } | undefined;
}

/** What is to be asked for after a page; undefined: nothing. */
type NextRule<T> = (page: Page<T>, firstUrl: string) => NextRequest | undefined;

/** The pages of `source`, in order. */
export async function* followPages<T>(source: PagesSource<T>): AsyncGenerator<Page<T>, void, undefined> {
  const course = courseOf(source);
  const { prefetch = false } = source.options;
  let coming: Promise<Page<T> | undefined> | undefined;
  try {
    let page: Page<T> | undefined = await ask(course, first(course), 1);
    while (page !== undefined) {
      if (prefetch) coming = quiet(goOn(course, page));
      yield page;
      page = await (coming ?? goOn(course, page));
      coming = undefined;
    }
  } finally {
    if (coming !== undefined) course.controller.abort();
  }
}

function courseOf<T>(source: PagesSource<T>): Course<T> {
  const {
    method: _method,
    by = "link",
    read,
    schema: _schema,
    maxPages,
    allowOrigins,
    prefetch: _prefetch,
    ...request
  } = source.options;
  if (read !== undefined) requireFunction("read", read);
  if (maxPages !== undefined) requireNumber("maxPages", maxPages, 1, Number.POSITIVE_INFINITY);
  for (const origin of allowOrigins ?? []) {
    if (parseUrl(origin)?.origin === origin) continue;
    throw new UsageError(
      "options/unknown-value",
      `Cannot use allowOrigins: expected origins such as "https://example.com", received ${JSON.stringify(origin)}`,
    );
  }
  return {
    source,
    controller: new AbortController(),
    request,
    next: ruleOf(by),
    maxPages: maxPages ?? Number.POSITIVE_INFINITY,
    seen: new Set(),
    origins: new Set(),
    firstUrl: "",
    userInfo: undefined,
  };
}

// Asking.

/** The first request; orders that count say where they begin. */
function first<T>({ source, request }: Course<T>): Asked {
  const { by } = source.options;
  if (typeof by !== "object" || "cursor" in by) return { url: source.url, options: request };
  const own: [string, string][] =
    "page" in by
      ? [[by.page, String(by.first ?? 1)]]
      : [
          [by.offset, "0"],
          [by.limitParam ?? "limit", String(by.limit)],
        ];
  const given = request.params === undefined ? [] : [...paramPairs(request.params)];
  const params = [...given.filter(([name]) => own.every(([ownName]) => ownName !== name)), ...own];
  const names = own.map(([name]) => name);
  return { url: withoutParams(String(source.url), names), options: { ...request, params } };
}

/** `url`, relative or not, without these in its query. */
function withoutParams(url: string, names: readonly string[]): string {
  const [, path = "", query, hash = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? [];
  const kept = new URLSearchParams(query);
  if (!names.some((name) => kept.has(name))) return url;
  for (const name of names) kept.delete(name);
  return kept.size === 0 ? path + hash : `${path}?${kept}${hash}`;
}

async function ask<T>(course: Course<T>, { url, options }: Asked, number: number): Promise<Page<T>> {
  const { session, options: given } = course.source;
  const scoped = session.with({ signal: course.controller.signal });
  const response = await scoped.request(given.method ?? "GET", url, options);
  if (response.status >= 400) throw await response.toError();
  if (number === 1) begin(course, response);
  let data: T;
  try {
    data = await dataOf(course, response);
  } finally {
    // A reader of the caller's may leave something.
    response.discard();
  }
  return { data, number, response };
}

async function dataOf<T>({ source }: Course<T>, response: ClientResponse): Promise<T> {
  const { read, schema } = source.options;
  if (read !== undefined) return await read(response);
  return (await (schema === undefined ? response.json() : response.json(schema))) as T;
}

function begin<T>(course: Course<T>, response: ClientResponse): void {
  const { request } = response.history[0] ?? response;
  course.firstUrl = request.target.href;
  course.userInfo = request.target.userInfo;
  course.origins = new Set([request.target.origin, ...(course.source.options.allowOrigins ?? [])]);
  course.seen.add(keyOf(course.firstUrl, course.request.json));
}

/** Asks for the page after `page`; undefined if there is none, or if it is not to be asked for. */
async function goOn<T>(course: Course<T>, page: Page<T>): Promise<Page<T> | undefined> {
  if (page.number >= course.maxPages) return undefined;
  const next = course.next(page, course.firstUrl);
  if (next === undefined) return undefined;
  const url = urlOf(next, page, course.firstUrl);
  const { params: _params, ...request } = course.request;
  const options = next.json === undefined ? request : { ...request, json: next.json };
  refuseElsewhere(course, page, url);
  refuseLoop(course, page, keyOf(url.href, options.json));
  addUserInfo(course, url);
  return await ask(course, { url, options }, page.number + 1);
}

function urlOf<T>(next: NextRequest, { response, number }: Page<T>, firstUrl: string): URL {
  const { url: target = firstUrl, params } = next;
  const url = parseUrl(String(target), new URL(response.url));
  if (url === undefined) {
    throw response.describe(
      new UsageError("paginate/bad-url", `Cannot go on to page ${number + 1}: what leads to it is no URL`),
    );
  }
  // Credentials chosen by the server are not ours to use.
  for (const part of ["hash", "username", "password"] as const) url[part] = "";
  const given = params === undefined ? [] : [...paramPairs(params)];
  for (const [name] of given) url.searchParams.delete(name);
  for (const [name, value] of given) url.searchParams.append(name, value);
  return url;
}

function addUserInfo<T>({ userInfo, firstUrl }: Course<T>, url: URL): void {
  if (userInfo === undefined || url.origin !== new URL(firstUrl).origin) return;
  url.username = encodeURIComponent(userInfo.username);
  url.password = encodeURIComponent(userInfo.password);
}

function refuseElsewhere<T>({ origins }: Course<T>, { response, number }: Page<T>, url: URL): void {
  if (origins.has(url.origin)) return;
  const message = `Refused to go on to page ${number + 1} at another origin, ${url.origin}; \`allowOrigins\` names those it may lead to`;
  throw response.describe(new UsageError("paginate/cross-origin", message, { phase: "response" }));
}

function refuseLoop<T>({ seen }: Course<T>, { response, number }: Page<T>, key: string): void {
  if (seen.has(key)) {
    const message = `Cannot go on to page ${number + 1}: page ${number} leads back to one that was there before`;
    throw response.describe(new SluiceError("paginate/loop", message, { phase: "response" }));
  }
  const oldest = seen.size >= REMEMBERED_REQUESTS ? seen.values().next().value : undefined;
  if (oldest !== undefined) seen.delete(oldest);
  seen.add(key);
}

function keyOf(url: string, json: unknown): string {
  return json === undefined ? url : `${url} ${JSON.stringify(json)}`;
}

/** Whoever awaits it later gets its error; until then nobody misses it. */
function quiet<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

// What comes next.

/** Throws `UsageError` for an order that there is not. */
function ruleOf<T>(by: NonNullable<PagesSource<T>["options"]["by"]>): NextRule<T> {
  if (by === "link") return ({ response }) => asNext(findLink(response.links, "next")?.url);
  if (typeof by === "function") return ({ response, data }) => asNext(by(response, data));
  if (typeof by === "object" && by !== null) {
    refuseUnknown("by", by, ORDER_NAMES);
    if ("cursor" in by) return byCursor(by);
    if ("page" in by) return byNumber(by);
    if ("offset" in by) return byOffset(by);
  }
  throw new UsageError(
    "options/unknown-value",
    'Cannot use by: expected "link", a function, or an object with cursor, page or offset',
  );
}

function byCursor<T>({ cursor, param }: ByCursor<T>): NextRule<T> {
  requireFunction("by.cursor", cursor);
  return ({ data }) => {
    const mark = cursor(data);
    return mark === undefined || mark === null || mark === "" ? undefined : { params: { [param]: mark } };
  };
}

function byNumber<T>({ page: name, first: start = 1, items }: ByNumber<T>): NextRule<T> {
  requireNumber("by.first", start, 0, Number.MAX_SAFE_INTEGER);
  return ({ data, response, number }) => {
    const count = itemsOf(items === undefined ? data : items(data), response).length;
    return count === 0 ? undefined : { params: { [name]: start + number } };
  };
}

function byOffset<T>({ offset, limit, limitParam = "limit", items }: ByOffset<T>): NextRule<T> {
  requireNumber("by.limit", limit, 1, Number.MAX_SAFE_INTEGER);
  let start = 0;
  return ({ data, response, number }) => {
    const count = itemsOf(items === undefined ? data : items(data), response).length;
    // A rule serves one iteration, and page 1 is its beginning.
    start = number === 1 ? count : start + count;
    return count < limit ? undefined : { params: { [offset]: start, [limitParam]: limit } };
  };
}

function asNext(given: string | URL | NextRequest | null | undefined): NextRequest | undefined {
  if (given === undefined || given === null || given === "") return undefined;
  return typeof given === "string" || given instanceof URL ? { url: given } : given;
}
