/**
 * `Link` fields (RFC 8288 §3): what a resource says of its relations to others, as in `<page/2>; rel="next"`.
 *
 * Read by the algorithm of appendix B.3, which is lenient: what is malformed ends at the next comma or semicolon that can end it,
 * and says nothing about its neighbours. Linear in the length of the field.
 */

import { decodeExtendedValue } from "./extended-value.js";
import { parseUrl } from "./parse-url.js";

/** One link as the field has it. */
export interface Link {
  /** The target as written, often relative. */
  readonly target: string;
  /** Where it leads: the target, resolved against the URL of the answer. */
  readonly url: string;
  /** The relation types, in lower case (URIs as written); one link for several relations is one link. */
  readonly rel: readonly string[];
  /** The context, resolved, where it is not the answer's own URL (RFC 8288 §3.2). */
  readonly anchor: string | undefined;
  /** `title*` where there is a valid one, else `title` (RFC 8288 §3.4.1). */
  readonly title: string | undefined;
  /** The target's media type, as a hint. */
  readonly type: string | undefined;
  /** All parameters by lower-case name; of two with one name the first (RFC 8288 §3.3, §3.4.1). */
  readonly parameters: ReadonlyMap<string, string>;
}

interface Cursor {
  readonly text: string;
  at: number;
}

const OWS = /[ \t]*/y;
const NAME = /[^ \t=;,]*/y;
const BARE_VALUE = /[^;,]*/y;

/**
 * The links of a field value; `base` is the URL of the answer. Links whose target or anchor is no URL are left out, as are those
 * without a relation (RFC 8288 §3.3 asks for one).
 */
export function parseLinks(value: string, base: URL): Link[] {
  const cursor: Cursor = { text: value, at: 0 };
  const links: Link[] = [];
  while (cursor.at < value.length) {
    skip(cursor, OWS);
    if (value[cursor.at] === "<") {
      const end = value.indexOf(">", cursor.at);
      if (end === -1) break;
      const target = value.slice(cursor.at + 1, end).trim();
      cursor.at = end + 1;
      const link = linkOf(target, takeParameters(cursor), base);
      if (link !== undefined) links.push(link);
    } else {
      takeParameters(cursor);
    }
    cursor.at += 1;
  }
  return links;
}

/** The first link of this relation type whose context is the answer itself. `rel`: any case. */
export function findLink(links: readonly Link[], rel: string): Link | undefined {
  const wanted = rel.toLowerCase();
  return links.find((link) => link.anchor === undefined && link.rel.some((one) => one.toLowerCase() === wanted));
}

function linkOf(target: string, parameters: ReadonlyMap<string, string>, base: URL): Link | undefined {
  const url = parseUrl(target, base);
  const rel = (parameters.get("rel") ?? "").split(/[ \t]+/).filter((one) => one !== "");
  const anchorText = parameters.get("anchor");
  const anchor = anchorText === undefined ? undefined : parseUrl(anchorText, base);
  if (url === undefined || rel.length === 0 || (anchorText !== undefined && anchor === undefined)) return undefined;
  const extendedTitle = parameters.get("title*");
  return {
    target,
    url: url.href,
    rel: rel.map((one) => (one.includes(":") ? one : one.toLowerCase())),
    anchor: anchor === undefined || anchor.href === contextOf(base) ? undefined : anchor.href,
    title: (extendedTitle === undefined ? undefined : decodeExtendedValue(extendedTitle)) ?? parameters.get("title"),
    type: parameters.get("type"),
    parameters,
  };
}

/** The URL that the answer stands for: fragments are the client's own affair. */
function contextOf(base: URL): string {
  return base.href.slice(0, base.href.length - base.hash.length);
}

/** Everything up to the next comma outside of quotes, or the end (B.3, steps 2.8 to 2.9 and 2.4). */
function takeParameters(cursor: Cursor): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const { text } = cursor;
  while (cursor.at < text.length && text[cursor.at] !== ",") {
    if (text[cursor.at] === ";") cursor.at += 1;
    skip(cursor, OWS);
    const name = take(cursor, NAME).toLowerCase();
    skip(cursor, OWS);
    const value = text[cursor.at] === "=" ? takeValue(cursor) : "";
    if (name !== "" && !parameters.has(name)) parameters.set(name, value);
    // Whatever stands between a value and its end is nothing.
    skip(cursor, BARE_VALUE);
  }
  return parameters;
}

function takeValue(cursor: Cursor): string {
  cursor.at += 1;
  skip(cursor, OWS);
  if (cursor.text[cursor.at] !== '"') return take(cursor, BARE_VALUE).trimEnd();
  let value = "";
  for (cursor.at += 1; cursor.at < cursor.text.length; cursor.at += 1) {
    const character = cursor.text[cursor.at];
    if (character === '"') {
      cursor.at += 1;
      break;
    }
    if (character === "\\") cursor.at += 1;
    value += cursor.text[cursor.at] ?? "";
  }
  return value;
}

function take(cursor: Cursor, pattern: RegExp): string {
  const start = cursor.at;
  skip(cursor, pattern);
  return cursor.text.slice(start, cursor.at);
}

/** `pattern` is sticky and matches nothing too. Behind the end, where a last backslash leads, it would start over at 0. */
function skip(cursor: Cursor, pattern: RegExp): void {
  if (cursor.at >= cursor.text.length) return;
  pattern.lastIndex = cursor.at;
  pattern.test(cursor.text);
  cursor.at = pattern.lastIndex;
}
