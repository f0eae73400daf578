/**
 * Paths made from patterns: the way back from `request.params`. Whatever a value contains, it stays what it is: it is escaped, so that it
 * is one segment (or, for `*rest`, segments) of the path, and what no escape can keep from being read otherwise is refused.
 */

import { UsageError } from "../../errors.js";
import type { NamesIn } from "../path-params.js";
import { type PatternPart, readPattern } from "../route-pattern.js";

/** What can stand in a path or a query; written as `String()` does. */
export type UrlValue = string | number | boolean | bigint;

/** The values of a pattern's parameters: of a name's, whatever they are; of a pattern's, its own, and those of prefixes before it. */
export type UrlParams<Target extends string> = Target extends `/${string}`
  ? string extends Target
    ? Readonly<Record<string, UrlValue>>
    : { readonly [Name in NamesIn<Target>]: UrlValue } & Readonly<Record<string, UrlValue>>
  : Readonly<Record<string, UrlValue>>;

/** What follows the path. */
export interface UrlOptions {
  /** The query: a list gives a line for each of its values, undefined none. */
  readonly query?: URLSearchParams | Readonly<Record<string, UrlValue | readonly UrlValue[] | undefined>>;
}

/** What follows the target: values may be left out where the target names none. */
export type UrlArguments<Target extends string> = Target extends `/${string}`
  ? [NamesIn<Target>] extends [never]
    ? [params?: UrlParams<Target>, options?: UrlOptions]
    : [params: UrlParams<Target>, options?: UrlOptions]
  : [params?: UrlParams<string>, options?: UrlOptions];

const DOT_SEGMENT = /\/\.\.?(?:\/|$)/;

/** The path of `pattern` with these values, and a query. Throws `UsageError` `route/params`. */
export function fillPattern(pattern: string, params: Readonly<Record<string, UrlValue>>, options: UrlOptions): string {
  const { parts, names } = readPattern(pattern);
  for (const name of Object.keys(params)) {
    if (!names.includes(name)) refuse(pattern, `it has no parameter "${name}"`);
  }
  const path = parts.map((part) => textOf(part, pattern, params)).join("");
  if (DOT_SEGMENT.test(path)) refuse(pattern, "a dot segment would come of it");
  if (path.startsWith("//")) refuse(pattern, "it would begin with two slashes, which is another host");
  const query = queryOf(options.query ?? {});
  return query === "" ? path : `${path}?${query}`;
}

function textOf(part: PatternPart, pattern: string, params: Readonly<Record<string, UrlValue>>): string {
  if (part.kind === "static") return part.text;
  const value = Object.hasOwn(params, part.name) ? params[part.name] : undefined;
  if (value === undefined || value === null) refuse(pattern, `the parameter "${part.name}" is missing`);
  const text = String(value);
  if (part.kind === "rest")
    return text
      .split("/")
      .map((segment) => escaped(segment, pattern, part.name))
      .join("/");
  if (text === "") refuse(pattern, `the parameter "${part.name}" is empty`);
  return escaped(text, pattern, part.name) + part.suffix;
}

function escaped(text: string, pattern: string, name: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return refuse(pattern, `the parameter "${name}" has half a character`);
  }
}

function queryOf(query: NonNullable<UrlOptions["query"]>): string {
  if (query instanceof URLSearchParams) return query.toString();
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== undefined) search.append(name, String(each));
    }
  }
  return search.toString();
}

function refuse(pattern: string, reason: string): never {
  throw new UsageError("route/params", `Cannot make a URL of ${pattern}: ${reason}`);
}
