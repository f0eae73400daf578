/**
 * Cookies of one request: those that its caller gave, and those of the jar. The caller's go first, and in place of the jar's of the
 * same name; they are never stored, and stay home on redirects as the `Cookie` field they become.
 */
import { isToken } from "../bytes/char-tables.js";
import { UsageError } from "../errors.js";
import { isSafe } from "../http/methods.js";
import type { FieldLines } from "../http1/sinks.js";
import { CookieJar } from "./cookie-jar.js";
import { type CookieUrl, isCookieText } from "./cookie-store.js";
import { fieldsWithout, findField } from "./field-lines.js";
import type { ClientRequest } from "./request.js";
import type { RequestHeadWriter } from "./request-head.js";
import type { RequestUrl } from "./request-url.js";

/** Cookies by name, sent as they are; `undefined` is none. */
export type RequestCookies = Readonly<Record<string, string | undefined>>;

/**
 * `fields` with the cookies that a caller gave for one request. Throws `UsageError` `cookies/name-invalid`, `cookies/value-invalid`,
 * which does not repeat the value, or `options/unknown-value` for what is no plain object.
 */
export function withOwnCookies(fields: FieldLines, cookies: RequestCookies): FieldLines {
  if (typeof cookies !== "object" || cookies instanceof CookieJar || Symbol.iterator in cookies) {
    throw new UsageError(
      "options/unknown-value",
      "Cannot use cookies of a request: expected an object of names and values; a jar is an option of the session",
    );
  }
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(cookies)) if (value !== undefined) pairs.push(cookiePair(name, value));
  if (pairs.length === 0) return fields;
  const given = findField(fields, "cookie");
  const value = given === undefined ? pairs.join("; ") : mergedCookies(pairs.join("; "), given);
  return [...fieldsWithout(fields, isCookie), "cookie", value];
}

/**
 * `request` with what the jar has for it. A request that a redirect led to another site is a cross-site one there: the site that
 * counts is that of the URL which the program asked for (RFC 6265bis §5.2).
 */
export function withJarCookies(request: ClientRequest, jar: CookieJar, heads: RequestHeadWriter): ClientRequest {
  const { target, scope, method } = request;
  const url = cookieUrl(target);
  const crossSite = target.origin !== scope.target.origin && !jar.isSameSite(url, cookieUrl(scope.target));
  const cookies = jar.cookieHeader(url, crossSite ? { crossSite, safe: isSafe(method) } : undefined);
  if (cookies === undefined) return request;
  const own = findField(request.fields, "cookie");
  if (own === undefined) return request.with({ fields: heads.fieldsWith(request.fields, cookies) });
  return request.with({ fields: [...fieldsWithout(request.fields, isCookie), "cookie", mergedCookies(own, cookies)] });
}

/** What a jar looks at, without making a `URL`. */
export function cookieUrl({ secure, hostname, target }: RequestUrl): CookieUrl {
  const query = target.indexOf("?");
  return {
    protocol: secure ? "https:" : "http:",
    hostname: hostname.includes(":") ? `[${hostname}]` : hostname,
    pathname: query === -1 ? target : target.slice(0, query),
  };
}

/** The pairs of `first`, and those of `second` that have other names. */
function mergedCookies(first: string, second: string): string {
  const names = new Set(first.split(";").map(nameOf));
  const others = second.split(";").filter((pair) => !names.has(nameOf(pair)));
  return others.length === 0 ? first : `${first}; ${others.map((pair) => pair.trim()).join("; ")}`;
}

function nameOf(pair: string): string {
  const equals = pair.indexOf("=");
  return (equals === -1 ? pair : pair.slice(0, equals)).trim();
}

function cookiePair(name: string, value: string): string {
  if (!isToken(name)) {
    throw new UsageError("cookies/name-invalid", `Cannot send cookie ${JSON.stringify(name)}: its name is not a token`);
  }
  if (typeof value !== "string" || !isCookieText(value)) {
    throw new UsageError(
      "cookies/value-invalid",
      `Cannot send cookie ${name}: its value is no string, or has a character that cookies cannot carry; encode it first`,
    );
  }
  return `${name}=${value}`;
}

function isCookie(name: string): boolean {
  return name === "cookie";
}
