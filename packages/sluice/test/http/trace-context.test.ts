import { describe, expect, test } from "vitest";
import { formatTraceparent, isTracestate, parseTraceparent } from "../../src/http/trace-context.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("traceparent (W3C Trace Context \u00a73.2)", () => {
  test("is read and written", () => {
    const value = `00-${TRACE}-${SPAN}-01`;
    const parent = parseTraceparent(value);
    expect(parent).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 });
    expect(parent && formatTraceparent(parent)).toBe(value);
  });

  test.each([
    ["00", 0],
    ["02", 2],
    ["03", 3],
    ["ff", 3],
    ["08", 0],
  ])("\u00a73.2.2.5: of the flags %s only those that are known are passed on", (flags, expected) => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.flags).toBe(expected);
  });

  test("\u00a73.2.3: a later version is read as far as it is known", () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)?.traceId).toBe(TRACE);
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`)?.traceId).toBe(TRACE);
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01.what`)).toBeUndefined();
  });

  test.each([
    "",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-0g`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `0-${TRACE}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\r\nx: y`,
  ])("%j is none", (value) => {
    expect(parseTraceparent(value)).toBeUndefined();
  });
});

describe("tracestate (\u00a73.3)", () => {
  test.each([
    "rojo=00f067aa0ba902b7",
    "rojo=1,congo=t61rcWkgMzE",
    "rojo=1 , congo=2",
    "rojo=1,,congo=2",
    "tenant@system=1",
    "a_b-c*d/e=x y",
    Array.from({ length: 32 }, (_, at) => `k${at}=1`).join(","),
    `k=${"v".repeat(256)}`,
    `${"k".repeat(256)}=v`,
  ])("%s may be passed on", (value) => {
    expect(isTracestate(value)).toBe(true);
  });

  test.each([
    "",
    ",",
    "rojo",
    "=1",
    "Rojo=1",
    "rojo=",
    "rojo=a=b",
    "rojo=\u00e4",
    "rojo=a\nb",
    "rojo=1,rojo=2",
    Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(","),
    `k=${"v".repeat(257)}`,
    `${"k".repeat(257)}=v`,
  ])("%j may not", (value) => {
    expect(isTracestate(value)).toBe(false);
  });
});
