import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ByteRange,
  formatContentRange,
  MAX_RANGES,
  parseByteRanges,
  parseContentRange,
} from "../../src/http/range.js";

const SIZE = 10;

function range(first: number, last: number): ByteRange {
  return { first, last };
}

describe("parseByteRanges", () => {
  test.each([
    ["bytes=0-0", [range(0, 0)]],
    ["bytes=0-", [range(0, 9)]],
    ["bytes=5-", [range(5, 9)]],
    ["bytes=5-99", [range(5, 9)]],
    ["bytes=9-9", [range(9, 9)]],
    ["bytes=-3", [range(7, 9)]],
    ["bytes=-99", [range(0, 9)]],
    ["BYTES=2-3", [range(2, 3)]],
    ["bytes= 2-3 ", [range(2, 3)]],
    ["bytes=\t2-3,", [range(2, 3)]],
    ["bytes=0-99999999999999999999999999999999", [range(0, 9)]],
    ["bytes=-99999999999999999999999999999999", [range(0, 9)]],
    ["bytes=0000000000000000000000000000000001-2", [range(1, 2)]],
  ])("%j asks for one part (RFC 9110 §14.1.2)", (value, ranges) => {
    expect(parseByteRanges(value, SIZE)).toEqual(ranges);
  });

  test.each([
    ["bytes=0-1,4-5", [range(0, 1), range(4, 5)]],
    ["bytes=4-5 , 0-1", [range(4, 5), range(0, 1)]],
    ["bytes=,0-0,,-1,", [range(0, 0), range(9, 9)]],
    ["bytes=0-0,50-60", [range(0, 0)]],
    ["bytes=-0,3-3,5-4", [range(3, 3)]],
  ])("%j asks for parts in their order, without those outside", (value, ranges) => {
    expect(parseByteRanges(value, SIZE)).toEqual(ranges);
  });

  test.each([
    ["bytes=0-3,2-5", [range(0, 5)]],
    ["bytes=0-1,2-3", [range(0, 3)]],
    ["bytes=5-6,0-9", [range(0, 9)]],
    ["bytes=8-9,0-1,1-2", [range(8, 9), range(0, 2)]],
    ["bytes=0-1,8-9,1-2", [range(0, 2), range(8, 9)]],
    ["bytes=0-,0-,0-,0-,-5", [range(0, 9)]],
  ])("%j has parts joined that overlap or touch (RFC 9110 §15.3.7.2)", (value, ranges) => {
    expect(parseByteRanges(value, SIZE)).toEqual(ranges);
  });

  test.each(["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=5-4", "bytes=99999999999999999999-", "bytes=10-,11-,-0"])(
    "%j is unsatisfiable",
    (value) => expect(parseByteRanges(value, SIZE)).toBe("unsatisfiable"),
  );

  test.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=,",
    "bytes =0-1",
    "lines=1-2",
    "bytes=a-b",
    "bytes=+1-2",
    "bytes=1--2",
    "bytes=1 - 2",
    "bytes=0-1;2-3",
    "bytes=0-1,x",
    "bytes=1",
    "bytes=\u00a00-1",
    "1-2",
  ])("%j is passed over", (value) => {
    expect(parseByteRanges(value, SIZE)).toBeUndefined();
  });

  test("an empty body is sent whole, whatever part of it is asked for", () => {
    expect(parseByteRanges("bytes=0-", 0)).toBeUndefined();
    expect(parseByteRanges("bytes=-5", 0)).toBeUndefined();
  });

  test("a field may ask for 64 parts; with one more it is passed over", () => {
    const parts = (count: number): string => `bytes=${Array.from({ length: count }, (_, at) => `${at * 3}-${at * 3}`)}`;
    expect(parseByteRanges(parts(MAX_RANGES), 1_000)).toHaveLength(MAX_RANGES);
    expect(parseByteRanges(parts(MAX_RANGES + 1), 1_000)).toBeUndefined();
    expect(parseByteRanges("bytes=0-0,2-2", SIZE, 1)).toBeUndefined();
    expect(parseByteRanges("bytes=0-0,2-2", SIZE, Number.POSITIVE_INFINITY)).toHaveLength(2);
  });

  test("a long field of commas costs no more than its length", () => {
    const begun = performance.now();
    expect(parseByteRanges(`bytes=${",".repeat(1_000_000)}0-0`, SIZE)).toEqual([range(0, 0)]);
    expect(parseByteRanges(`bytes=${" ".repeat(1_000_000)}x`, SIZE)).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  test("gives the bytes that a naive reading gives, each once, without neighbours left apart", () => {
    const position = fc.nat({ max: 40 });
    const spec = fc.oneof(
      fc.tuple(position, position).map(([first, last]) => `${first}-${last}`),
      position.map((first) => `${first}-`),
      position.map((suffix) => `-${suffix}`),
    );
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 32 }), (specs, size) => {
        const asked = naiveBytes(specs, size);
        const ranges = parseByteRanges(`bytes=${specs.join(", ")}`, size);
        if (ranges === "unsatisfiable" || ranges === undefined) {
          expect(asked.size).toBe(0);
          expect(ranges).toBe("unsatisfiable");
          return;
        }
        const sent = ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, at) => first + at),
        );
        expect(new Set(sent)).toEqual(asked);
        expect(sent).toHaveLength(asked.size);
        for (const { last } of ranges) expect(ranges.some(({ first }) => first === last + 1)).toBe(false);
      }),
    );
  });
});

describe("Content-Range", () => {
  test("is written for a part and for none", () => {
    expect(formatContentRange(range(0, 4), 10)).toBe("bytes 0-4/10");
    expect(formatContentRange(undefined, 10)).toBe("bytes */10");
  });

  test.each([
    ["bytes 0-4/10", { range: range(0, 4), size: 10 }],
    ["Bytes \t 3-3/4 ", { range: range(3, 3), size: 4 }],
    ["bytes 0-4/*", { range: range(0, 4), size: undefined }],
    ["bytes */10", { range: undefined, size: 10 }],
  ])("%j is read (RFC 9110 §14.4)", (value, parsed) => {
    expect(parseContentRange(value)).toEqual(parsed);
  });

  test.each(["", "bytes", "bytes */*", "bytes 4-0/10", "bytes 0-10/10", "bytes 0-4", "bytes 0-/10", "lines 0-4/10"])(
    "%j says nothing to rely on",
    (value) => expect(parseContentRange(value)).toBeUndefined(),
  );

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (first, more, behind) => {
        const part = range(first, first + more);
        const size = part.last + 1 + behind;
        expect(parseContentRange(formatContentRange(part, size))).toEqual({ range: part, size });
      }),
    );
  });
});

/** The positions that the specs name, one spec after the other, straight from the words of RFC 9110 §14.1.2. */
function naiveBytes(specs: readonly string[], size: number): Set<number> {
  const bytes = new Set<number>();
  for (const spec of specs) {
    const [from = "", to = ""] = spec.split("-");
    for (let at = 0; at < size; at += 1) {
      const inside = from === "" ? at >= size - Number(to) : at >= Number(from) && (to === "" || at <= Number(to));
      if (inside) bytes.add(at);
    }
  }
  return bytes;
}
