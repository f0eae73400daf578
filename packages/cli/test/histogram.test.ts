import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../src/fetch/histogram.js";

test("an empty histogram has nothing to say", () => {
  const histogram = new Histogram();
  expect([histogram.count, histogram.max, histogram.percentile(0.5)]).toEqual([0, 0, 0]);
});

test("of one value every percentile is that value", () => {
  const histogram = new Histogram();
  histogram.record(12.34);
  expect([0, 0.5, 0.99, 1].map((share) => histogram.percentile(share))).toEqual([12.34, 12.34, 12.34, 12.34]);
});

test("a percentile is off by 2 % at most from the exact one, between 50 microseconds and a day", () => {
  const latencies = fc.array(fc.double({ min: 0.05, max: 80_000_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = [...values].sort((one, other) => one - other);
      const exact = sorted[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;
      const found = histogram.percentile(share);
      expect(found).toBeGreaterThanOrEqual(exact * 0.999);
      expect(found).toBeLessThanOrEqual(exact * 1.021);
      expect(histogram.max).toBe(sorted.at(-1));
    }),
  );
});

test("values below the first and above the last bucket are counted in them, and the maximum stays exact", () => {
  const histogram = new Histogram();
  for (const ms of [0, 0.001, 1e9]) histogram.record(ms);
  expect(histogram.count).toBe(3);
  expect(histogram.percentile(0.5)).toBeLessThanOrEqual(0.05);
  expect(histogram.percentile(1)).toBe(1e9);
});
