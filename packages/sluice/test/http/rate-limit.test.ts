import { describe, expect, test } from "vitest";
import { parseReset, readRateLimit } from "../../src/http/rate-limit.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

function read(fields: Record<string, string>): ReturnType<typeof readRateLimit> {
  return readRateLimit((name) => fields[name] ?? null, NOW);
}

describe("RateLimit and RateLimit-Policy", () => {
  test("the current draft: a limit by name, its quota and window in the policy of that name", () => {
    expect(
      read({ ratelimit: '"default";r=50;t=30', "ratelimit-policy": '"burst";q=9;w=1, "default";q=100;w=60' }),
    ).toEqual({ limit: 100, remaining: 50, resetMs: 30_000, windowMs: 60_000 });
  });

  test("a policy may be missing, and the time too", () => {
    expect(read({ ratelimit: '"default";r=50;t=30' })).toEqual({ remaining: 50, resetMs: 30_000 });
    expect(read({ ratelimit: '"default";r=50' })).toEqual({ remaining: 50 });
  });

  test("of several limits the tightest counts, of those that count requests", () => {
    const policy = '"day";q=1000;w=86400, "bytes";q=10;w=60;qu="content-bytes", "minute";q=60;w=60;qu="requests"';
    const fields = {
      ratelimit: '"day";r=900;t=80000, "bytes";r=0;t=60, "minute";r=1;t=50',
      "ratelimit-policy": policy,
    };
    expect(read(fields)).toEqual({ limit: 1_000, remaining: 900, resetMs: 80_000_000, windowMs: 86_400_000 });
    const used = { ratelimit: '"day";r=900;t=80000, "minute";r=0;t=50', "ratelimit-policy": policy };
    expect(read(used)).toEqual({ limit: 60, remaining: 0, resetMs: 50_000, windowMs: 60_000 });
  });

  test("names with commas and semicolons in them, and partition keys, are passed over", () => {
    const fields = { ratelimit: '"a,b;r=1";r=5;t=2;pk=:c2x1aWNl:', "ratelimit-policy": '"a,b;r=1";q=7;w=9' };
    expect(read(fields)).toEqual({ limit: 7, remaining: 5, resetMs: 2_000, windowMs: 9_000 });
  });

  test("draft -07: all in one field", () => {
    expect(read({ ratelimit: "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=60" })).toEqual({
      limit: 100,
      remaining: 50,
      resetMs: 5_000,
      windowMs: 60_000,
    });
  });

  test("nonsense in it counts as none, and another family is looked for", () => {
    for (const ratelimit of ["", "?", '"x"', '"x";r=-1', "limit=x", ";;;", '"'.repeat(50)]) {
      expect(read({ ratelimit })?.remaining, ratelimit).toBeUndefined();
    }
    expect(read({ ratelimit: "?", "x-ratelimit-remaining": "3" })?.remaining).toBe(3);
  });
});

describe("three fields", () => {
  test("the older drafts: the policy may stand behind the limit, or in a field of its own", () => {
    const three = {
      "ratelimit-limit": "100, 100;w=60, 1000;w=3600",
      "ratelimit-remaining": "7",
      "ratelimit-reset": "3",
    };
    expect(read(three)).toEqual({ limit: 100, remaining: 7, resetMs: 3_000, windowMs: 60_000 });
    const four = { "ratelimit-limit": "100", "ratelimit-policy": "100;w=9", "ratelimit-remaining": "7" };
    expect(read(four)).toEqual({ limit: 100, remaining: 7, resetMs: undefined, windowMs: 9_000 });
  });

  test.each([
    ["x-ratelimit", ""],
    ["x-rate-limit", ""],
    ["x-ratelimit", "-requests"],
  ])("%s-limit%s and the others", (prefix, suffix) => {
    const reset = String(NOW / 1_000 + 90);
    const fields = {
      [`${prefix}-limit${suffix}`]: "5000",
      [`${prefix}-remaining${suffix}`]: "4999",
      [`${prefix}-reset${suffix}`]: reset,
    };
    expect(read(fields)).toEqual({ limit: 5_000, remaining: 4_999, resetMs: 90_000, windowMs: undefined });
  });

  test("X-RateLimit-Reset-After goes before X-RateLimit-Reset; what is left may be a fraction", () => {
    const fields = { "x-ratelimit-remaining": "598.7", "x-ratelimit-reset": "1", "x-ratelimit-reset-after": "0.25" };
    expect(read(fields)).toMatchObject({ remaining: 598, resetMs: 250 });
  });

  test("a limit alone is a hint, a reset alone is none", () => {
    expect(read({ "x-ratelimit-limit": "10" })).toMatchObject({ limit: 10, remaining: undefined });
    expect(read({ "x-ratelimit-reset": "10" })).toBeUndefined();
    expect(read({})).toBeUndefined();
  });
});

describe("resets", () => {
  test.each([
    ["0", 0],
    ["60", 60_000],
    [" 1.5 ", 1_500],
    ["999999999", 999_999_999_000],
    [String(NOW / 1_000 + 10), 10_000],
    [String(NOW / 1_000 - 10), 0],
    [String(NOW + 10), 10],
    [`${NOW / 1_000 + 2}.5`, 2_500],
    ["1s", 1_000],
    ["6m0s", 360_000],
    ["1h2m3s", 3_723_000],
    ["20ms", 20],
    ["1.5s", 1_500],
    ["2026-01-02T03:04:15Z", 10_000],
    ["2026-01-02T03:04:15.123Z", 10_000],
    ["2026-01-01T00:00:00+00:00", 0],
    ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
  ])("%s is %i ms away", (value, ms) => {
    expect(parseReset(value, NOW)).toBe(ms);
  });

  test.each(["", "-1", "+5", "1e3", "0x10", "soon", "1 2", "1,5", "s", "9".repeat(16), "2026-01-02", "NaN"])(
    "%j is none",
    (value) => {
      expect(parseReset(value, NOW)).toBeUndefined();
    },
  );
});
