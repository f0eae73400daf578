import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TokenBucket } from "../../src/concurrency/token-bucket.js";

describe("TokenBucket", () => {
  test("gives the burst at once and then one token at a time at its rate, in the order of asking", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 });
    expect([1, 2, 3, 4, 5].map(() => bucket.take(1_000))).toEqual([0, 0, 0, 100, 200]);
    expect(bucket.tokensAt(1_000)).toBe(-2);
    expect(bucket.take(1_200)).toBe(100);
    expect(bucket.tokensAt(1_300)).toBe(0);
  });

  test("fills up again when nobody takes, and no further than full", () => {
    const bucket = new TokenBucket({ perSecond: 4, burst: 2 });
    expect(bucket.tokensAt(0)).toBe(2);
    bucket.take(0);
    bucket.take(0);
    expect(bucket.tokensAt(250)).toBe(1);
    expect(bucket.tokensAt(10_000)).toBe(2);
    expect([1, 2, 3].map(() => bucket.take(10_000))).toEqual([0, 0, 250]);
  });

  test("tryTake takes only what is there", () => {
    const bucket = new TokenBucket({ perSecond: 1 });
    expect(bucket.tryTake(500)).toBe(true);
    expect(bucket.tryTake(500)).toBe(false);
    expect(bucket.tryTake(1_499)).toBe(false);
    expect(bucket.tryTake(1_500)).toBe(true);
  });

  test("several tokens can be taken together, up to the burst", () => {
    const bucket = new TokenBucket({ perSecond: 100, burst: 50 });
    expect(bucket.take(0, 50)).toBe(0);
    expect(bucket.take(0, 25)).toBe(250);
    for (const count of [0, -1, 51, Number.NaN]) {
      expect(() => bucket.take(0, count)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
      expect(() => bucket.tryTake(0, count)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
      expect(() => bucket.giveBack(count)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    }
  });

  test("a token given back is there for the next, and never makes the bucket more than full", () => {
    const bucket = new TokenBucket({ perSecond: 10 });
    bucket.take(0);
    expect(bucket.take(0)).toBe(100);
    bucket.giveBack();
    expect(bucket.take(0)).toBe(100);
    bucket.giveBack();
    bucket.giveBack();
    bucket.giveBack();
    expect(bucket.tokensAt(0)).toBe(1);
    expect([bucket.take(0), bucket.take(0)]).toEqual([0, 100]);
  });

  test("an infinite rate never waits", () => {
    const bucket = new TokenBucket({ perSecond: Number.POSITIVE_INFINITY });
    for (let round = 0; round < 100; round += 1) expect(bucket.take(7)).toBe(0);
    expect(bucket.tokensAt(7)).toBe(1);
  });

  test.each([
    { perSecond: 0 },
    { perSecond: -1 },
    { perSecond: Number.NaN },
    { perSecond: 1, burst: 0.5 },
    { perSecond: 1, burst: Number.POSITIVE_INFINITY },
    { perSecond: 1, burst: Number.NaN },
  ])("refuses %o", (options) => {
    expect(() => new TokenBucket(options)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });

  test("in no span of time more tokens come out than its rate and burst allow, nor fewer than it could give", () => {
    const pauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true })), { maxLength: 60 });
    const settings = fc.record({
      perSecond: fc.double({ min: 0.5, max: 5_000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
      start: fc.constantFrom(0, 123.456, 1e9 + 0.1),
    });
    fc.assert(
      fc.property(settings, pauses, ({ perSecond, burst, start }, gaps) => {
        const bucket = new TokenBucket({ perSecond, burst });
        const grants: number[] = [];
        let now = start;
        for (const gap of gaps) {
          now += gap;
          const wait = bucket.take(now);
          expect(wait).toBeGreaterThanOrEqual(0);
          grants.push(now + wait);
        }
        for (const [first, from] of grants.entries()) {
          for (let last = first; last < grants.length; last += 1) {
            const to = grants[last] ?? 0;
            expect(to).toBeGreaterThanOrEqual(from - 0.01);
            expect(last - first + 1).toBeLessThanOrEqual(burst + ((to - from + 0.01) * perSecond) / 1_000 + 1e-6);
          }
        }
        // Work is conserved: the last token comes no later than one after another from the first asking on.
        const latest = now + (gaps.length * 1_000) / perSecond;
        for (const grant of grants) expect(grant).toBeLessThanOrEqual(latest + 0.01);
      }),
    );
  });
});
