/**
 * Entity tags (RFC 9110 §8.8.3): `[ "W/" ] DQUOTE *etagc DQUOTE`, kept and compared in the form in which they travel. There are no
 * escapes inside the quotes, so a backslash is a character like any other, and a comma does not end the tag.
 *
 * A list that is malformed in part is read as far as it is well-formed: a tag that nobody could have got from us matches nothing
 * anyway, and its neighbours may.
 */

import { isOws, trimOws } from "../bytes/ascii.js";

const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"$/;
const OPAQUE = /^[\x21\x23-\x7e]*$/;
const QUOTE = '"';
const WEAK = "W/";

/** True for one whole entity tag, weak or strong. "W" must be upper case (RFC 9110 §8.8.3). */
export function isEntityTag(text: string): boolean {
  return ENTITY_TAG.test(text);
}

/** True for a tag that only says "equivalent", not "the same bytes" (RFC 9110 §8.8.1). */
export function isWeakTag(tag: string): boolean {
  return tag.startsWith(WEAK);
}

/** `"opaque"`, or `W/"opaque"`; undefined if a character cannot stand in a tag: only visible ASCII without quotes is written. */
export function formatEntityTag(opaque: string, weak = false): string | undefined {
  return OPAQUE.test(opaque) ? `${weak ? WEAK : ""}"${opaque}"` : undefined;
}

/** Whether both are strong and the same: what stands for the same bytes (RFC 9110 §8.8.3.2). */
export function matchesStrongly(one: string, other: string): boolean {
  return one === other && !isWeakTag(one);
}

/** Whether they are the same but for weakness: enough to say that a copy is still good (RFC 9110 §8.8.3.2). */
export function matchesWeakly(one: string, other: string): boolean {
  return opaqueOf(one) === opaqueOf(other);
}

/** The well-formed tags of an `If-Match` or `If-None-Match` value in their order, or "*" for any (RFC 9110 §13.1). O(n). */
export function readEntityTags(value: string): "*" | string[] {
  if (trimOws(value) === "*") return "*";
  const tags: string[] = [];
  for (let at = 0; at < value.length; ) {
    const end = endOfMember(value, at);
    const member = trimOws(value.slice(at, end));
    if (isEntityTag(member)) tags.push(member);
    at = end + 1;
  }
  return tags;
}

function opaqueOf(tag: string): string {
  return isWeakTag(tag) ? tag.slice(WEAK.length) : tag;
}

/** The offset of the comma that ends the member beginning at `start`, or of the end. */
function endOfMember(value: string, start: number): number {
  let at = start;
  while (isOws(value.charCodeAt(at))) at += 1;
  if (value.startsWith(WEAK, at)) at += WEAK.length;
  if (value[at] === QUOTE) {
    const close = value.indexOf(QUOTE, at + 1);
    // A quote without its partner takes the rest with it: where the tag should have ended is anyone's guess.
    if (close === -1) return value.length;
    at = close + 1;
  }
  const comma = value.indexOf(",", at);
  return comma === -1 ? value.length : comma;
}
