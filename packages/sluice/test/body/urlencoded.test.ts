import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeForm, type FormInput, parseForm } from "../../src/body/urlencoded.js";

describe("encodeForm", () => {
  test.each([
    [{ a: "1", b: 2, c: true, d: 3n }, "a=1&b=2&c=true&d=3"],
    [{ a: ["x", "y"], b: undefined, c: [] }, "a=x&a=y"],
    [{ "ü ": "&=+" }, "%C3%BC+=%26%3D%2B"],
    [new URLSearchParams("z=1&a=2&z=3"), "z=1&a=2&z=3"],
    [
      [
        ["z", 1],
        ["a", "2"],
        ["z", false],
      ] as const,
      "z=1&a=2&z=false",
    ],
    [new Map([["a", "b"]]), "a=b"],
    [{}, ""],
  ] as [FormInput, string][])("%o is %j", (fields, encoded) => {
    expect(encodeForm(fields)).toBe(encoded);
  });

  test.each([
    [{ a: null }],
    [{ a: {} }],
    [{ a: ["x", undefined] }],
    [[["a", null]]],
    [{ a: Number.NaN }],
    [{ a: [Number.NEGATIVE_INFINITY] }],
    [{ secret: Symbol("x") }],
  ])("%o is refused, naming the field", (fields) => {
    expect(() => encodeForm(fields as unknown as FormInput)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "body/invalid-form" }),
    );
  });
});

describe("parseForm", () => {
  test.each([
    [
      "a=1&b=2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    ["a=1+2%2B%C3%BC", [["a", "1 2+ü"]]],
    ["?a=1", [["?a", "1"]]],
    [
      "&&a&=b&",
      [
        ["a", ""],
        ["", "b"],
      ],
    ],
    ["a=%zz%4", [["a", "%zz%4"]]],
    ["a=%ff", [["a", "\uFFFD"]]],
    ["", []],
  ])("%j is %j", (text, fields) => {
    expect([...parseForm(text)]).toEqual(fields);
  });

  test.each([
    ["at", 3, true],
    ["one past", 2, false],
    ["off", Number.POSITIVE_INFINITY, true],
  ])("%s the limit of fields", (_name, maxFields, fits) => {
    const text = "&a=1&&b=2&c&";
    if (fits) expect([...parseForm(text, maxFields)]).toHaveLength(3);
    else {
      expect(() => parseForm(text, maxFields)).toThrow(
        expect.objectContaining({ name: "PayloadError", code: "body/too-many-fields" }),
      );
    }
  });

  test("the limit is 1,000 fields if nobody says otherwise", () => {
    expect([...parseForm("a&".repeat(1_000))]).toHaveLength(1_000);
    expect(() => parseForm("a&".repeat(1_001))).toThrow("more than 1000 fields");
  });

  test("undoes what encodeForm does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })), { maxLength: 20 }),
        (fields) => {
          expect([...parseForm(encodeForm(fields))]).toEqual(fields.map(([name, value]) => [name, value]));
        },
      ),
    );
  });
});
