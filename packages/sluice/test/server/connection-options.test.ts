import { expect, test } from "vitest";
import {
  CONNECTION_DEFAULTS,
  type ConnectionOptions,
  resolveConnectionOptions,
} from "../../src/server/connection-options.js";

type NumberOption = keyof typeof CONNECTION_DEFAULTS;

/** Least and most of each option that are accepted; `Infinity` is "off". */
const RANGES: readonly (readonly [NumberOption, least: number, most: number])[] = [
  ["headersTimeout", 1, Number.POSITIVE_INFINITY],
  ["receiveTimeout", 1, Number.POSITIVE_INFINITY],
  ["minReceiveRate", 0, Number.MAX_SAFE_INTEGER],
  ["receiveGrace", 1, Number.POSITIVE_INFINITY],
  ["keepAliveTimeout", 1, Number.POSITIVE_INFINITY],
  ["sendTimeout", 1, Number.POSITIVE_INFINITY],
  ["minSendRate", 0, Number.MAX_SAFE_INTEGER],
  ["lingerTimeout", 1, Number.MAX_SAFE_INTEGER],
  ["maxConnections", 1, Number.POSITIVE_INFINITY],
  ["maxWaiting", 0, Number.POSITIVE_INFINITY],
  ["maxRequestsPerConnection", 1, Number.POSITIVE_INFINITY],
  ["maxPipelined", 1, Number.MAX_SAFE_INTEGER],
  ["maxBufferedBytes", 1, Number.MAX_SAFE_INTEGER],
  ["maxDrainBytes", 0, Number.POSITIVE_INFINITY],
  ["maxLingerBytes", 0, Number.POSITIVE_INFINITY],
];

test("without options, or with undefined ones, the defaults hold", () => {
  const { limits, ...numbers } = resolveConnectionOptions();
  expect(numbers).toEqual(CONNECTION_DEFAULTS);
  expect(limits.maxHeadBytes).toBe(32_768);
  expect(resolveConnectionOptions({ headersTimeout: undefined } as unknown as ConnectionOptions)).toMatchObject(
    numbers,
  );
});

test("every option has a range that is tested here", () => {
  expect(RANGES.map(([name]) => name).sort()).toEqual(Object.keys(CONNECTION_DEFAULTS).sort());
});

test.each(RANGES)("%s: the least and the most are accepted, what lies outside is refused", (name, least, most) => {
  for (const value of [least, most]) expect(resolveConnectionOptions({ [name]: value })[name]).toBe(value);
  const outside: unknown[] = [least - 1, -1, Number.NaN, 1.5, "10", null];
  if (most !== Number.POSITIVE_INFINITY) outside.push(Number.POSITIVE_INFINITY);
  for (const value of outside) {
    expect(() => resolveConnectionOptions({ [name]: value } as ConnectionOptions)).toThrow(
      expect.objectContaining({ code: "options/out-of-range", message: expect.stringContaining(name) }),
    );
  }
});

test("limits of heads are resolved with them, and the result is frozen and stays the same when resolved again", () => {
  const resolved = resolveConnectionOptions({ maxPipelined: 3, limits: { maxFieldCount: 7 } });
  expect(resolved.limits.maxFieldCount).toBe(7);
  expect(Object.isFrozen(resolved) && Object.isFrozen(resolved.limits)).toBe(true);
  expect(resolveConnectionOptions(resolved)).toEqual(resolved);
  expect(() => resolveConnectionOptions({ limits: { maxFieldCount: 0 } })).toThrow(/maxFieldCount/);
});
