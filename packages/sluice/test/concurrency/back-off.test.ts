import fc from "fast-check";
import { expect, test } from "vitest";
import { fullJitter } from "../../src/concurrency/back-off.js";

test("back-off: the ceiling starts at the base and doubles with each failure up to the cap", () => {
  const range = { base: 100, cap: 1_000 };
  const ceilings = [1, 2, 3, 4, 5, 6, 5_000].map((attempt) => fullJitter(attempt, range, () => 1));
  expect(ceilings).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test("back-off: the whole range from zero to the ceiling is drawn from", () => {
  expect(fullJitter(3, { base: 100, cap: 1_000 }, () => 0)).toBe(0);
  expect(fullJitter(3, { base: 100, cap: 1_000 }, () => 0.25)).toBe(100);
});

test("back-off: is a finite wait within its bounds for any failure count, range and random number", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      ms,
      fc.oneof(ms, fc.constant(Number.POSITIVE_INFINITY)),
      random,
      (attempt, base, cap, drawn) => {
        const wait = fullJitter(attempt, { base, cap }, () => drawn);
        expect(Number.isFinite(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(cap);
        expect(wait).toBeLessThanOrEqual(base * 2 ** Math.min(attempt - 1, 60));
      },
    ),
  );
});
