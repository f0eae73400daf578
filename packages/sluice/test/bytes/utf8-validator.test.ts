import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Utf8Validator } from "../../src/bytes/utf8-validator.js";

/** What the platform makes of the whole. */
function isValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function validated(bytes: Uint8Array, cuts: readonly number[]): boolean {
  const validator = new Utf8Validator();
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (!validator.push(bytes.subarray(from, to))) return false;
    from = to;
  }
  return validator.end();
}

/** How many octets it takes, one by one, until it says no; undefined if it never does. */
function refusedAt(bytes: Uint8Array): number | undefined {
  const validator = new Utf8Validator();
  for (const [at] of bytes.entries()) if (!validator.push(bytes.subarray(at, at + 1))) return at;
  return undefined;
}

describe("UTF-8", () => {
  test("every character is valid, at every cut", () => {
    const validator = new Utf8Validator();
    for (let point = 0; point <= 0x10ffff; point = point < 0x1_0000 ? point + 7 : point + 1_021) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const bytes = Buffer.from(String.fromCodePoint(point));
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const valid = validator.push(bytes.subarray(0, cut)) && validator.push(bytes.subarray(cut)) && validator.end();
        if (!valid) throw new Error(`U+${point.toString(16)} cut at ${cut}`);
      }
    }
  });

  test.each([
    ["a continuation without a beginning", "80", 0],
    ["the last of these", "61bf", 1],
    ["an overlong form of 2", "c080", 0],
    ["an overlong form of 2, just so", "c1bf", 0],
    ["an overlong form of 3", "e09fbf", 1],
    ["an overlong form of 4", "f08fbfbf", 1],
    ["the first surrogate", "eda080", 1],
    ["the last surrogate", "edbfbf", 1],
    ["what is beyond U+10FFFF", "f4908080", 1],
    ["F5, which begins nothing", "f5808080", 0],
    ["FF", "ff", 0],
    ["a beginning within a character", "e282e2", 2],
    ["ASCII within a character", "f09f9841", 3],
  ])("%s is refused at the first octet that shows it", (_title, hex, at) => {
    const bytes = Buffer.from(hex, "hex");
    expect(refusedAt(bytes)).toBe(at);
    // So it is behind and before long runs, which are checked another way.
    const long = Buffer.concat([Buffer.alloc(100, "ä"), bytes, Buffer.alloc(100, "b")]);
    for (let cut = 0; cut <= long.length; cut += 1) expect(validated(long, [cut])).toBe(false);
  });

  test.each(["c3", "e2", "e282", "f0", "f09f", "f09f98"])("a text cannot end with %s, but a piece can", (hex) => {
    const validator = new Utf8Validator();
    const bytes = Buffer.concat([Buffer.alloc(50, "a"), Buffer.from(hex, "hex")]);
    expect(validator.push(bytes)).toBe(true);
    expect(validator.end()).toBe(false);
    expect(validator.push(Buffer.from("another")) && validator.end()).toBe(true);
  });

  test("no text at all is valid", () => {
    expect(new Utf8Validator().end()).toBe(true);
    expect(new Utf8Validator().push(Buffer.alloc(0))).toBe(true);
  });

  test("the verdict is the platform's, at any cuts", () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: "binary", maxLength: 60 }).map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom("a", "ß", "€", "😀", "ascii only, and a little longer than the short way"), {
          maxLength: 6,
        })
        .map((texts) => Buffer.from(texts.join(""))),
    );
    const mutated = fc.tuple(octets, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean());
    const property = fc.property(mutated, fc.array(fc.nat(70)), ([bytes, where, octet, change], cuts) => {
      const given = Buffer.from(bytes);
      if (change && given.length > 0) given[where % given.length] = octet;
      const inOrder = cuts.map((cut) => cut % (given.length + 1)).sort((one, other) => one - other);
      expect(validated(given, inOrder)).toBe(isValid(given));
    });
    fc.assert(property, { numRuns: 300 });
  });
});
