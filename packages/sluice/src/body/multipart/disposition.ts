/**
 * `Content-Disposition` as it stands on the parts of forms (RFC 7578 §4.2, RFC 2183), read the way in which clients write it.
 *
 * Browsers put names between quotes in UTF-8, with `"`, CR and LF as `%22`, `%0D` and `%0A` and nothing else escaped: a backslash is a
 * backslash. Older programs write `\"` for a quote. Both are understood: a quote after a backslash ends the value only if
 * a ";" or the end follows. `filename*` (RFC 8187) should not be there, and counts more than `filename` where it is (RFC 6266 §4.3).
 */

import { decodeExtendedValue } from "../../http/extended-value.js";

/** What a part says of itself. */
export interface Disposition {
  /** In lower case: `form-data`, `attachment` … */
  readonly kind: string;
  /** The form field's name. */
  readonly name: string | undefined;
  /** As the sender calls the file; never a path to write to. */
  readonly filename: string | undefined;
}

const VALUE_END = /[ \t]*(?:;|$)/y;
const NONE: Disposition = Object.freeze({ kind: "", name: undefined, filename: undefined });

/** Takes a field value apart; what is malformed is passed over. Linear. */
export function parseDisposition(value: string | null): Disposition {
  if (value === null) return NONE;
  const kindEnd = value.indexOf(";");
  const kind = (kindEnd === -1 ? value : value.slice(0, kindEnd)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  for (let at = kindEnd === -1 ? value.length : kindEnd + 1; at < value.length; ) {
    at = takeParameter(value, at, parameters);
  }
  const extended = parameters.get("filename*");
  const filename = extended === undefined ? undefined : decodeExtendedValue(extended);
  return { kind, name: parameters.get("name"), filename: filename ?? parameters.get("filename") };
}

/**
 * The name that `Content-Disposition` suggests for a file (RFC 6266 §4.3), without the folders before it, which say nothing here;
 * undefined for none. Characters that no file name can have are taken out; what a system forbids besides is the writer's affair.
 */
export function suggestedFilename(value: string | undefined): string | undefined {
  const { filename } = parseDisposition(value ?? null);
  const name = filename
    ?.replace(/^.*[/\\]/s, "")
    .replace(/\p{Cc}/gu, "")
    .trim();
  return name === undefined || /^\.{0,2}$/.test(name) ? undefined : name;
}

/** Reads `name=value` from `start` on; gives where the next one begins. The first of a name counts. */
function takeParameter(text: string, start: number, parameters: Map<string, string>): number {
  const semicolon = indexOrEnd(text, ";", start);
  const equals = text.indexOf("=", start);
  if (equals === -1 || equals > semicolon) return semicolon + 1;
  const name = text.slice(start, equals).trim().toLowerCase();
  let from = equals + 1;
  while (text[from] === " " || text[from] === "\t") from += 1;
  const quoted = text[from] === '"';
  const end = quoted ? closingQuote(text, from + 1) : semicolon;
  const value = quoted ? text.slice(from + 1, end).replaceAll('\\"', '"') : text.slice(from, end).trim();
  if (!parameters.has(name)) parameters.set(name, quoted ? unescapeBreaks(value) : value);
  return indexOrEnd(text, ";", end) + 1;
}

function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text[at - 1] !== "\\") return at;
    VALUE_END.lastIndex = at + 1;
    if (VALUE_END.test(text)) return at;
  }
  return text.length;
}

function unescapeBreaks(value: string): string {
  return value.replace(/%(?:22|0[ad])/gi, (escaped) => decodeURIComponent(escaped));
}

function indexOrEnd(text: string, character: string, start: number): number {
  const at = text.indexOf(character, start);
  return at === -1 ? text.length : at;
}
