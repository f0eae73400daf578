/**
 * `parameters = *( OWS ";" OWS [ parameter ] )`, as media types, ranges of them and others have (RFC 9110 §5.6.6), with values that are
 * tokens or quoted strings (§5.6.4). Read leniently, for a broken parameter says nothing about its neighbours: it is
 * passed over up to the next ";" outside of quotes.
 */

import { skipOws, trimOwsEnd } from "../bytes/ascii.js";
import { FIELD_VALUE_CHARS, isToken, QUOTED_TEXT_CHARS } from "../bytes/char-tables.js";

/** Parameter values by lower-case name, in order; of two with one name the first counts. */
export type Parameters = ReadonlyMap<string, string>;

/** The offset of the next `separator` outside of quoted strings from `start` on, or the end of the text. O(n). */
export function findSeparator(text: string, start: number, separator: "," | ";"): number {
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (quoted && character === "\\") at += 1;
    else if (!quoted && character === separator) return at;
  }
  return text.length;
}

/** The pieces of `text` between separators outside of quoted strings, without whitespace around them. O(n). */
export function splitOutsideQuotes(text: string, separator: "," | ";"): string[] {
  const pieces: string[] = [];
  for (let start = 0; start <= text.length; ) {
    const end = findSeparator(text, start, separator);
    const from = skipOws(text, start, end);
    pieces.push(text.slice(from, trimOwsEnd(text, from, end)));
    start = end + 1;
  }
  return pieces;
}

/** Reads `name=value` pieces as `splitOutsideQuotes` gives them. */
export function readParameters(pieces: readonly string[]): Parameters {
  const parameters = new Map<string, string>();
  for (const piece of pieces) {
    const equals = piece.indexOf("=");
    if (equals === -1) continue;
    const name = piece.slice(0, equals).toLowerCase();
    const value = readParameterValue(piece.slice(equals + 1));
    if (value !== undefined && isToken(name) && !parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

/** `; name=value` for each parameter, quoted where it must be; undefined if a value cannot be written at all. */
export function writeParameters(parameters: Iterable<readonly [string, string]>): string | undefined {
  let text = "";
  for (const [name, value] of parameters) {
    const written = isToken(value) ? value : quoteString(value);
    if (!isToken(name) || written === undefined) return undefined;
    text += `; ${name}=${written}`;
  }
  return text;
}

/** `value` as a quoted string (RFC 9110 §5.6.4), or undefined if it has characters that no field value may have. */
export function quoteString(value: string): string | undefined {
  for (let at = 0; at < value.length; at += 1) if (FIELD_VALUE_CHARS[value.charCodeAt(at)] !== 1) return undefined;
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** A token, or the inside of a quoted string with its backslashes taken away; undefined for anything else (RFC 9110 §5.6.6). */
export function readParameterValue(text: string): string | undefined {
  if (text.charCodeAt(0) !== 0x22) return isToken(text) ? text : undefined;
  let value = "";
  for (let at = 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at === text.length - 1 ? value : undefined;
    if (code === 0x5c) {
      at += 1;
      if (FIELD_VALUE_CHARS[text.charCodeAt(at)] !== 1) return undefined;
    } else if (QUOTED_TEXT_CHARS[code] !== 1) {
      return undefined;
    }
    value += text[at];
  }
  return undefined;
}
