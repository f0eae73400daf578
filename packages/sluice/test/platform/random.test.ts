import { expect, test } from "vitest";
import { randomId, seededRandom, systemRandom } from "../../src/platform/random.js";

test("a seed gives the same numbers each time, another seed others", () => {
  const take = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  expect(take(42)).toEqual(take(42));
  expect(take(42)).not.toEqual(take(43));
  expect(take(42).map((value) => value.toFixed(6))).toEqual([
    "0.601104",
    "0.448291",
    "0.852466",
    "0.669734",
    "0.174814",
  ]);
});

test("numbers lie in [0, 1) and spread over it", () => {
  for (const random of [seededRandom(0), seededRandom(-1), systemRandom]) {
    const tenths = new Array<number>(10).fill(0);
    for (let count = 0; count < 10_000; count += 1) {
      const value = random();
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
      const tenth = Math.floor(value * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(800);
  }
});

test("ids are unlike each other", () => {
  const ids = new Set(Array.from({ length: 1000 }, randomId));
  expect(ids.size).toBe(1000);
});
