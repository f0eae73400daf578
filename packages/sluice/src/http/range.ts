/**
 * Ranges of bytes (RFC 9110 §14): which parts of a body a `Range` field asks for, and how `Content-Range` says what was sent.
 *
 * A range field is a client's wish which a server may pass over (§14.2), so whatever is malformed, of another unit, or asks for
 * more parts than anybody needs gets the whole. Parts that overlap or touch are joined (§15.3.7.2): what is sent is never more than
 * the body, however often a field names the same bytes. O(n log n) in the number of parts, which is bounded.
 */

import { trimOws } from "../bytes/ascii.js";

/** Positions of the first and the last byte, both included, as HTTP counts them. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a `Content-Range` says (RFC 9110 §14.4): a part, or with neither `first` nor `last` that none could be had (416). */
export interface ContentRange {
  readonly range: ByteRange | undefined;
  /** Bytes of the whole; undefined for "*", not known. */
  readonly size: number | undefined;
}

/** Parts that one field may ask for; a field with more is answered with the whole. PDF readers ask for a dozen or two. */
export const MAX_RANGES = 64;

const UNIT = /^bytes=/i;
const SPEC = /^(\d*)-(\d*)$/;
const CONTENT_RANGE = /^bytes[ \t]+(?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i;

/**
 * The parts of a body of `size` bytes that the value of a `Range` field asks for, joined where they overlap or touch, each where it
 * was first asked for. "unsatisfiable" (416) if all of them lie outside, or backwards. Undefined, which is the whole body, for
 * no field, another unit, nonsense, more than `maxRanges` parts, and an empty body.
 */
export function parseByteRanges(
  value: string | undefined,
  size: number,
  maxRanges = MAX_RANGES,
): readonly ByteRange[] | "unsatisfiable" | undefined {
  // Clients that send "bytes=0-" with everything want an empty file as such, not a 416.
  if (value === undefined || size === 0 || !UNIT.test(value)) return undefined;
  const specs = splitAtCommas(value.slice("bytes=".length), maxRanges);
  if (specs === undefined) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = readSpec(spec, size);
    if (range === undefined) return undefined;
    if (range !== "unsatisfiable") ranges.push(range);
  }
  return ranges.length === 0 ? "unsatisfiable" : joinRanges(ranges);
}

/** The value of `Content-Range` for a part of a body of `size` bytes (206), or for none (416) without `range`. */
export function formatContentRange(range: ByteRange | undefined, size: number): string {
  return range === undefined ? `bytes */${size}` : `bytes ${range.first}-${range.last}/${size}`;
}

/** What a `Content-Range` value says; undefined if it is malformed, contradicts itself, or counts in another unit than bytes. */
export function parseContentRange(value: string): ContentRange | undefined {
  const match = CONTENT_RANGE.exec(trimOws(value));
  if (match === null) return undefined;
  const [, from, to, whole] = match;
  const size = whole === "*" ? undefined : Number(whole);
  if (from === undefined || to === undefined) return size === undefined ? undefined : { range: undefined, size };
  const range = { first: Number(from), last: Number(to) };
  const sound = range.first <= range.last && (size === undefined || range.last < size);
  return sound ? { range, size } : undefined;
}

/** The members without whitespace around them, empty ones left out (RFC 9110 §5.6.1); undefined for none, or more than `most`. */
function splitAtCommas(text: string, most: number): string[] | undefined {
  const members: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const comma = text.indexOf(",", at);
    const end = comma === -1 ? text.length : comma;
    const member = trimOws(text.slice(at, end));
    if (member !== "" && members.push(member) > most) return undefined;
    at = end + 1;
  }
  return members.length === 0 ? undefined : members;
}

/** `first "-" [ last ]` or `"-" suffix-length` (RFC 9110 §14.1.2); undefined for neither. */
function readSpec(spec: string, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = SPEC.exec(spec);
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - toPosition(to)) : toPosition(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(toPosition(to), size - 1);
  return first > last ? "unsatisfiable" : { first, last };
}

/** Exact where a body can have that byte; beyond, it is merely past the end of anything. */
function toPosition(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

function joinRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  if (ranges.length === 1) return ranges;
  const sorted = ranges.map(({ first, last }, order) => ({ first, last, order })).sort((a, b) => a.first - b.first);
  const joined: { first: number; last: number; order: number }[] = [];
  for (const range of sorted) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) {
      joined.push(range);
      continue;
    }
    before.last = Math.max(before.last, range.last);
    before.order = Math.min(before.order, range.order);
  }
  return joined.sort((a, b) => a.order - b.order).map(({ first, last }) => ({ first, last }));
}
