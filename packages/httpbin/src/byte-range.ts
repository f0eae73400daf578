/** The one range of a `Range` field, where there is one (RFC 9110 §14.1.2). */

/** Positions of the first and the last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

const SINGLE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i;

/**
 * What `field` asks for of a body of `size` bytes: a range; "unsatisfiable" (416) when it lies outside, or backwards; undefined, the
 * whole body, for no range, several, another unit, or nonsense, all of which a server may pass over (RFC 9110 §14.2).
 */
export function readByteRange(field: string | null, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = field === null ? null : SINGLE_RANGE.exec(field);
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? "unsatisfiable" : { first, last };
}
