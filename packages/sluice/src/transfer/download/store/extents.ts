/**
 * Which bytes of a file are there: stretches that are sorted, do not touch and do not overlap. There are as many as there are gaps
 * between segments, a few dozen at most, so a list is enough. Pure.
 */

/** Bytes from `start` up to, not including, `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** A set of byte positions. */
export class Extents {
  #list: Extent[] = [];
  #byteLength = 0;

  /** `list` in any order, overlapping or not; empty stretches are passed over. */
  constructor(list: Iterable<Extent> = []) {
    for (const { start, end } of list) this.add(start, end);
  }

  /** How many bytes are in it. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Where the last of them ends; 0 for none. */
  get end(): number {
    return this.#list.at(-1)?.end ?? 0;
  }

  get list(): readonly Extent[] {
    return this.#list;
  }

  /** Adds the bytes from `start` up to `end`. O(n). */
  add(start: number, end: number): void {
    if (start >= end) return;
    const before = this.#list.filter((one) => one.end < start);
    const after = this.#list.filter((one) => one.start > end);
    const joined = this.#list.slice(before.length, this.#list.length - after.length);
    const merged = {
      start: Math.min(start, joined[0]?.start ?? start),
      end: Math.max(end, joined.at(-1)?.end ?? end),
    };
    this.#replace([...before, merged, ...after]);
  }

  /** Takes the bytes from `start` up to `end` out. O(n). */
  remove(start: number, end: number): void {
    if (start >= end) return;
    const left: Extent[] = [];
    for (const one of this.#list) {
      if (one.start < start) left.push({ start: one.start, end: Math.min(one.end, start) });
      if (one.end > end) left.push({ start: Math.max(one.start, end), end: one.end });
    }
    this.#replace(left.filter((one) => one.start < one.end));
  }

  /** Whether all bytes below `size` are in it. */
  covers(size: number): boolean {
    if (size === 0) return true;
    const [first] = this.#list;
    return first !== undefined && first.start === 0 && first.end >= size;
  }

  /** The first stretch at or after `from` that is not in it, up to `size` at most; undefined for none. */
  gapAfter(from: number, size: number): Extent | undefined {
    let start = from;
    for (const one of this.#list) {
      if (one.end <= start) continue;
      if (one.start > start) return start < size ? { start, end: Math.min(one.start, size) } : undefined;
      start = one.end;
    }
    return start < size ? { start, end: size } : undefined;
  }

  copy(): Extents {
    return new Extents(this.#list);
  }

  #replace(list: Extent[]): void {
    this.#list = list;
    this.#byteLength = list.reduce((sum, { start, end }) => sum + end - start, 0);
  }
}
