import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatEntityTag,
  isEntityTag,
  isWeakTag,
  matchesStrongly,
  matchesWeakly,
  readEntityTags,
} from "../../src/http/entity-tag.js";

describe("an entity tag (RFC 9110 §8.8.3)", () => {
  test.each(['""', '"a"', 'W/"a"', '"a,b"', '"\\"', '"!#~"', '"\u00e9"', 'W/""'])("%j is one", (text) => {
    expect(isEntityTag(text)).toBe(true);
  });

  test.each(["", "a", '"', '"a', 'a"', 'w/"a"', 'W"a"', '"a b"', '"a"b"', '"\x7f"', '"\t"', "*", ' "a"'])(
    "%j is none",
    (text) => expect(isEntityTag(text)).toBe(false),
  );

  test("is written if its characters may stand in one", () => {
    expect(formatEntityTag("v1")).toBe('"v1"');
    expect(formatEntityTag("v1", true)).toBe('W/"v1"');
    expect(formatEntityTag("")).toBe('""');
    for (const opaque of ['"', " ", "\r\n", "\u00e9"]) expect(formatEntityTag(opaque)).toBeUndefined();
  });

  test.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
    ['"1"', '"2"', false, false],
  ])("%s and %s: strongly %s, weakly %s (the table of §8.8.3.2)", (one, other, strongly, weakly) => {
    expect(matchesStrongly(one, other)).toBe(strongly);
    expect(matchesStrongly(other, one)).toBe(strongly);
    expect(matchesWeakly(one, other)).toBe(weakly);
    expect(matchesWeakly(other, one)).toBe(weakly);
  });
});

describe("a list of entity tags", () => {
  test.each<[string, "*" | string[]]>([
    ["*", "*"],
    [" *\t", "*"],
    ["", []],
    ['"a"', ['"a"']],
    ['"a","b"', ['"a"', '"b"']],
    [' "a" ,\tW/"b"', ['"a"', 'W/"b"']],
    [',,"a",,', ['"a"']],
    ['"a,b", "c"', ['"a,b"', '"c"']],
    ['a, "b"', ['"b"']],
    ['"a" x, "b"', ['"b"']],
    ['w/"a", "b"', ['"b"']],
    ['"a", "b', ['"a"']],
    ['*, "a"', ['"a"']],
  ])("%j is read as far as it is well-formed", (value, tags) => {
    expect(readEntityTags(value)).toEqual(tags);
  });

  test("gives back every tag that was written into it", () => {
    const tag = fc
      .tuple(fc.stringMatching(/^[!#-~]{0,8}$/), fc.boolean())
      .map(([opaque, weak]) => formatEntityTag(opaque, weak) ?? "");
    fc.assert(
      fc.property(fc.array(tag), (tags) => {
        expect(readEntityTags(tags.join(", "))).toEqual(tags);
        expect(tags.every((one) => isWeakTag(one) === one.startsWith("W/"))).toBe(true);
      }),
    );
  });

  test("of any length and any nonsense is read in one pass", () => {
    const begun = performance.now();
    expect(readEntityTags(`${'"'.repeat(500_001)}`)).toEqual([]);
    expect(readEntityTags('W/,"a" '.repeat(100_000))).toEqual(['"a"']);
    expect(performance.now() - begun).toBeLessThan(2_000);
    fc.assert(
      fc.property(fc.string(), (value) => {
        const tags = readEntityTags(value);
        expect(tags === "*" || tags.every(isEntityTag)).toBe(true);
      }),
    );
  });
});
