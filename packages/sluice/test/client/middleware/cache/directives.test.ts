import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDirectives, secondsOf } from "../../../../src/client/middleware/cache/rules/directives.js";

const listed = (text: string): [string, readonly string[]][] => [...parseDirectives(text)];

test("names in any case, arguments as token or quoted string, white space and empty members", () => {
  expect(listed('Max-Age=5 ,, NO-CACHE="a, \\"b\\"" , x = y')).toEqual([
    ["max-age", ["5"]],
    ["no-cache", ['a, "b"']],
    ["x", ["y"]],
  ]);
  expect(listed("")).toEqual([]);
  expect([...parseDirectives(null)]).toEqual([]);
  expect(listed("a, a=1, A=2")).toEqual([["a", ["", "1", "2"]]]);
});

test("what is in a quoted string is no directive; what is in a broken one may be", () => {
  expect(listed('x="no-store, a=1", b').map(([name]) => name)).toEqual(["x", "b"]);
  expect(listed('x="unended, no-store').map(([name]) => name)).toContain("no-store");
});

test("seconds: whole numbers up to 2^31; nonsense and contradictions are what the caller says", () => {
  const seconds = (text: string, otherwise?: number): number | undefined =>
    secondsOf(parseDirectives(text), "max-age", otherwise);
  expect([seconds("max-age=0"), seconds("max-age=12"), seconds("x")]).toEqual([0, 12, undefined]);
  expect([seconds("max-age=2147483648"), seconds("max-age=99999999999999999999")]).toEqual([2 ** 31, 2 ** 31]);
  for (const text of ["max-age", "max-age=", "max-age=1.5", "max-age=-1", "max-age=0x1", "max-age=1, max-age=2"]) {
    expect([seconds(text), seconds(text, 7)], text).toEqual([0, 7]);
  }
  expect(seconds("max-age=3, max-age=3")).toBe(3);
});

test("any text is read, in time that its length bounds", () => {
  fc.assert(fc.property(fc.string(), (text) => parseDirectives(text) instanceof Map));
  const started = performance.now();
  for (const text of ['a="'.repeat(20_000), "a=".repeat(30_000), '"\\'.repeat(30_000), "=,".repeat(30_000)]) {
    parseDirectives(text);
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});
