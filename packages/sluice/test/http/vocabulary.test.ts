import { STATUS_CODES as NODE_STATUS_CODES } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatHttpDate, parseHttpDate } from "../../src/http/dates.js";
import { expectsContent, isIdempotent, isMethod, isSafe, normaliseMethod } from "../../src/http/methods.js";
import { parseRetryAfter } from "../../src/http/retry-after.js";
import {
  isBodilessStatus,
  isErrorStatus,
  isInterimStatus,
  isRedirectStatus,
  isSuccessStatus,
  reasonPhrase,
  STATUS_CODES,
} from "../../src/http/status.js";

const SAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("HTTP dates", () => {
  test("are read in all three forms", () => {
    expect(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(SAMPLE);
    expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT")).toBe(SAMPLE);
    expect(parseHttpDate("Sun Nov  6 08:49:37 1994")).toBe(SAMPLE);
    expect(parseHttpDate("Sun Nov 16 08:49:37 1994")).toBe(SAMPLE + 10 * 86_400_000);
  });

  test.each([
    "",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Xyz, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "784111777",
  ])("%j is refused", (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });

  test("take a leap second for the second after, and 29 February in leap years", () => {
    expect(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT")).toBe(Date.UTC(2017, 0, 1));
    expect(parseHttpDate("Thu, 29 Feb 2024 00:00:00 GMT")).toBe(Date.UTC(2024, 1, 29));
    expect(parseHttpDate("Mon, 01 Jan 0001 00:00:00 GMT")).toBe(new Date(0).setUTCFullYear(1, 0, 1));
  });

  test("of two-digit years are at most 50 years ahead of now", () => {
    const now = Date.UTC(2025, 5, 1);
    const yearOf = (digits: string, nowMs?: number): number =>
      new Date(parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, nowMs) ?? 0).getUTCFullYear();
    expect(["75", "76", "99", "00", "25"].map((digits) => yearOf(digits, now))).toEqual([2075, 1976, 1999, 2000, 2025]);
    expect(["10", "49", "50"].map((digits) => yearOf(digits, Date.UTC(2099, 0, 1)))).toEqual([2110, 2149, 2050]);
    expect(["69", "70"].map((digits) => yearOf(digits))).toEqual([2069, 1970]);
  });

  test("are written as IMF-fixdate, and read back to the second", () => {
    expect(formatHttpDate(SAMPLE + 999)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
    const range = { min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) };
    fc.assert(
      fc.property(fc.integer(range), (timeMs) => {
        expect(parseHttpDate(formatHttpDate(timeMs))).toBe(Math.floor(timeMs / 1_000) * 1_000);
      }),
    );
    for (const timeMs of [Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0, 1), -1e15]) {
      expect(() => formatHttpDate(timeMs)).toThrow("years 0 to 9999");
    }
  });
});

describe("Retry-After", () => {
  test.each([
    ["120", 120_000],
    [" 0 ", 0],
    ["Sun, 06 Nov 1994 08:49:47 GMT", 10_000],
    ["Sun, 06 Nov 1994 08:49:27 GMT", 0],
    ["99999999999999999999", Number.MAX_SAFE_INTEGER],
    ["-1", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["", undefined],
  ])("%j means %s ms", (value, expected) => {
    expect(parseRetryAfter(value, SAMPLE)).toBe(expected);
  });
});

describe("methods", () => {
  test("are safe or idempotent by name, in their own case", () => {
    expect(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"].every(isSafe)).toBe(true);
    expect(["POST", "PUT", "DELETE", "PATCH", "CONNECT", "get", "FOO"].some(isSafe)).toBe(false);
    expect(["GET", "QUERY", "PUT", "DELETE"].every(isIdempotent)).toBe(true);
    expect(["POST", "PATCH", "CONNECT", "put", "FOO"].some(isIdempotent)).toBe(false);
  });

  test("are tokens", () => {
    expect(["GET", "M-SEARCH", "x", "!"].every(isMethod)).toBe(true);
    expect(["", "A B", "A\n", "é", "A:"].some(isMethod)).toBe(false);
  });

  test("of the common ones are put into capitals, all others left alone", () => {
    expect(["get", "Post", "pAtCh", "query", "PUT"].map(normaliseMethod)).toEqual([
      "GET",
      "POST",
      "PATCH",
      "QUERY",
      "PUT",
    ]);
    expect(["foo", "Connect", "trace"].map(normaliseMethod)).toEqual(["foo", "Connect", "trace"]);
  });

  test("that are about content say so", () => {
    expect(["POST", "PUT", "PATCH", "QUERY"].every(expectsContent)).toBe(true);
    expect(["GET", "DELETE", "HEAD"].some(expectsContent)).toBe(false);
  });
});

describe("status codes", () => {
  test("have the phrases that Node knows, apart from those renamed since", () => {
    const renamed = new Map([
      [208, "Already Reported"],
      [302, "Found"],
      [413, "Content Too Large"],
      [422, "Unprocessable Content"],
    ]);
    for (const [code, phrase] of Object.entries(NODE_STATUS_CODES)) {
      if (Number(code) === 509) continue;
      expect(reasonPhrase(Number(code))).toBe(renamed.get(Number(code)) ?? phrase);
    }
    expect(reasonPhrase(299)).toBe("");
    expect(Object.isFrozen(STATUS_CODES)).toBe(true);
  });

  test("fall into classes", () => {
    expect([99, 100, 199, 200].map(isInterimStatus)).toEqual([false, true, true, false]);
    expect([199, 200, 299, 300].map(isSuccessStatus)).toEqual([false, true, true, false]);
    expect([300, 301, 302, 303, 304, 305, 306, 307, 308].map(isRedirectStatus)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
    ]);
    expect([399, 400, 599, 999].map(isErrorStatus)).toEqual([false, true, true, true]);
    expect([101, 200, 204, 205, 304].map(isBodilessStatus)).toEqual([true, false, true, false, true]);
  });
});
