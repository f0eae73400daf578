/** Media types, as `Content-Type` has them (RFC 9110 §8.3.1; RFC 6839 for "+json"). */

import { isToken } from "../bytes/char-tables.js";
import { readParameters, splitOutsideQuotes, writeParameters } from "./parameters.js";

/** A media type taken apart; names in lower case. */
export interface MediaType {
  readonly type: string;
  readonly subtype: string;
  /** `type/subtype`. */
  readonly essence: string;
  /** By name in lower case, in order; of two with one name the first. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The parameter of that name in lower case (RFC 9110 §8.3.2), or undefined. */
  readonly charset: string | undefined;
}

/** Takes `value` apart, or gives undefined if it does not begin with `type "/" subtype`. Broken parameters are passed over. */
export function parseMediaType(value: string): MediaType | undefined {
  const [name = "", ...rest] = splitOutsideQuotes(value, ";");
  const slash = name.indexOf("/");
  if (slash === -1) return undefined;
  const type = name.slice(0, slash).toLowerCase();
  const subtype = name.slice(slash + 1).toLowerCase();
  if (!isToken(type) || !isToken(subtype)) return undefined;
  const parameters = readParameters(rest);
  return {
    type,
    subtype,
    essence: `${type}/${subtype}`,
    parameters,
    charset: parameters.get("charset")?.toLowerCase(),
  };
}

/** `type/subtype; name=value`, or undefined if a part cannot be written (RFC 9110 §8.3.1). */
export function formatMediaType(essence: string, parameters: Iterable<readonly [string, string]>): string | undefined {
  const written = writeParameters(parameters);
  return written === undefined || parseMediaType(essence) === undefined ? undefined : `${essence}${written}`;
}

/** True for `application/json`, `text/json` and every `+json` (RFC 6839 §3.1). */
export function isJsonType(mediaType: MediaType): boolean {
  const { type, subtype } = mediaType;
  return subtype.endsWith("+json") || (subtype === "json" && (type === "application" || type === "text"));
}

/** {@link isJsonType} of a `Content-Type` value; false for one that is none. */
export function isJsonContentType(value: string): boolean {
  // Almost all of them: no parameter, or the usual one, needs taking apart.
  if (value === "application/json" || value === "application/json; charset=utf-8") return true;
  const parsed = parseMediaType(value);
  return parsed !== undefined && isJsonType(parsed);
}

/** True for types whose content is text: `text/*`, JSON, XML, JavaScript and forms. */
export function isTextType(mediaType: MediaType): boolean {
  const { type, subtype } = mediaType;
  if (type === "text" || isJsonType(mediaType) || subtype.endsWith("+xml")) return true;
  if (type !== "application") return false;
  return subtype === "xml" || subtype === "javascript" || subtype === "x-www-form-urlencoded";
}
