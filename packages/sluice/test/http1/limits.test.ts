import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { HTTP1_LIMITS, HTTP1_RESPONSE_LIMITS, type Http1Limits, resolveHttp1Limits } from "../../src/http1/limits.js";
import { type Outcome, requestsAtEveryCut, responsesAtEveryCut } from "./recorder.js";

const END = "Host: a\r\n\r\n";
const CHUNKED = `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${END}`;

/** A message of which exactly `size` of what the limit counts is there. */
interface Case {
  readonly limit: keyof Http1Limits;
  readonly at: number;
  readonly error: string;
  readonly status: number;
  readonly wire: (size: number) => string;
  readonly response?: true;
}

function sized(total: number, before: string, after: string): string {
  return before + "x".repeat(total - before.length - after.length) + after;
}

const CASES: readonly Case[] = [
  {
    limit: "maxHeadBytes",
    at: 120,
    error: "http1/head-too-large",
    status: 431,
    wire: (size) => sized(size, "GET / HTTP/1.1\r\nA: 1\r\nX: ", `\r\n${END}`),
  },
  {
    limit: "maxHeadBytes",
    at: 100,
    error: "http1/head-too-large",
    status: 431,
    wire: (size) => sized(size, "GET /", ` HTTP/1.1\r\n${END}`),
  },
  {
    limit: "maxHeadBytes",
    at: 100,
    error: "http1/head-too-large",
    status: 431,
    response: true,
    wire: (size) => sized(size, "HTTP/1.1 204 ", "\r\nX: y\r\n\r\n"),
  },
  {
    limit: "maxLineBytes",
    at: 50,
    error: "http1/line-too-long",
    status: 431,
    wire: (size) => `GET /${"t".repeat(60)} HTTP/1.1\r\n${sized(size, "X: ", "\r\n")}${END}`,
  },
  {
    limit: "maxLineBytes",
    at: 50,
    error: "http1/line-too-long",
    status: 431,
    response: true,
    wire: (size) => `${sized(size, "HTTP/1.1 204 ", "\r\n")}X: y\r\n\r\n`,
  },
  {
    limit: "maxLineBytes",
    at: 50,
    error: "http1/line-too-long",
    status: 431,
    wire: (size) => `${CHUNKED}0\r\n${sized(size, "X: ", "\r\n")}\r\n`,
  },
  {
    limit: "maxFieldCount",
    at: 5,
    error: "http1/too-many-fields",
    status: 431,
    wire: (size) => `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(size - 1)}${END}`,
  },
  {
    limit: "maxMethodBytes",
    at: 10,
    error: "http1/method-too-long",
    status: 501,
    wire: (size) => `${"M".repeat(size)} / HTTP/1.1\r\n${END}`,
  },
  {
    limit: "maxTargetBytes",
    at: 40,
    error: "http1/target-too-long",
    status: 414,
    wire: (size) => `GET ${sized(size, "/", "")} HTTP/1.1\r\n${END}`,
  },
  {
    limit: "maxEmptyLines",
    at: 2,
    error: "http1/too-many-empty-lines",
    status: 400,
    wire: (size) => `${"\r\n".repeat(size)}GET / HTTP/1.1\r\n${END}`,
  },
  {
    limit: "maxChunkExtensionBytes",
    at: 12,
    error: "http1/chunk-extensions-too-large",
    status: 413,
    wire: (size) => `${CHUNKED}1;a=b\r\nx\r\n1${sized(size - 4, ";c=", "")}\r\nx\r\n0\r\n\r\n`,
  },
  {
    limit: "maxTrailerBytes",
    at: 40,
    error: "http1/trailers-too-large",
    status: 431,
    wire: (size) => `${CHUNKED}0\r\n${sized(size, "A: 1\r\nX: ", "\r\n\r\n")}`,
  },
  {
    limit: "maxTrailerCount",
    at: 3,
    error: "http1/too-many-trailers",
    status: 431,
    wire: (size) => `${CHUNKED}0\r\n${"X: y\r\n".repeat(size)}\r\n`,
  },
  {
    limit: "maxInterimResponses",
    at: 3,
    error: "http1/too-many-interim-responses",
    status: 400,
    response: true,
    wire: (size) => `${"HTTP/1.1 103 x\r\n\r\n".repeat(size)}HTTP/1.1 204 x\r\n\r\n`,
  },
];

function read({ limit, response }: Case, value: number, wire: string): Outcome {
  const options = { limits: { [limit]: value } };
  return response === true
    ? responsesAtEveryCut(wire, [{ method: "GET" }], options)
    : requestsAtEveryCut(wire, options);
}

describe("each limit", () => {
  test.each(CASES)("$limit ($error) accepts a message exactly at it", (given) => {
    const { error, events } = read(given, given.at, given.wire(given.at));
    expect(error).toBeUndefined();
    expect(events.at(-1)?.type).toBe("end");
  });

  test.each(CASES)("$limit ($error) refuses a message one past it", (given) => {
    const { error, status } = read(given, given.at, given.wire(given.at + 1));
    expect({ error, status }).toEqual({ error: given.error, status: given.status });
  });

  test.each(CASES)("$limit ($error) is off at Infinity", (given) => {
    const options = { ...given, wire: given.wire(given.at * 5) };
    const everything = Object.fromEntries(
      Object.keys(HTTP1_LIMITS).map((name) => [name, Number.POSITIVE_INFINITY]),
    ) as unknown as Http1Limits;
    const outcome =
      given.response === true
        ? responsesAtEveryCut(options.wire, [{ method: "GET" }], { limits: everything })
        : requestsAtEveryCut(options.wire, { limits: everything });
    expect(outcome.error).toBeUndefined();
  });

  test.each(CASES)("$limit ($error) refuses before the line feed has come, where that is possible", (given) => {
    if (!given.limit.endsWith("Bytes") || given.limit === "maxMethodBytes" || given.limit === "maxTargetBytes") return;
    const beginning = given.wire(given.at * 8).replace(/(x{50})[\s\S]*$/, "$1".repeat(4));
    expect(read(given, given.at, beginning).error).toBe(given.error);
  });
});

describe("request line limits", () => {
  test("tell a method that is too long from a target that is, before the line is complete", () => {
    const limits = { maxMethodBytes: 4, maxTargetBytes: 20 };
    expect(requestsAtEveryCut("M".repeat(40), { limits })).toMatchObject({
      error: "http1/method-too-long",
      status: 501,
    });
    const target = requestsAtEveryCut(`GET /${"t".repeat(60)}`, { limits });
    expect(target).toMatchObject({ error: "http1/target-too-long", status: 414 });
    const line = `${"M".repeat(5)} /${"t".repeat(60)} HTTP/1.1\r\n${END}`;
    expect(requestsAtEveryCut(line, { limits }).error).toBe("http1/method-too-long");
  });

  test("judge the length of a line before its content, so that cuts make no difference", () => {
    const limits = { maxMethodBytes: 4, maxTargetBytes: 20, maxLineBytes: 32, maxHeadBytes: 64 };
    for (const wire of [
      `GET /\x01${"t".repeat(60)} HTTP/1.1\r\n${END}`,
      `GET / HTTP/1.1\r\nX\x01: ${"v".repeat(60)}\r\n${END}`,
      `GET / HTTP/1.1\r\nX: ${"v".repeat(20)}\r\nX\x01: ${"v".repeat(25)}\r\n${END}`,
      `\x01${"t".repeat(60)}\r\n${END}`,
    ]) {
      expect(requestsAtEveryCut(wire, { limits }).error).toBeDefined();
    }
  });
});

describe("resolving limits", () => {
  test("fills in defaults, which are frozen and differ for requests and responses", () => {
    expect(resolveHttp1Limits()).toEqual(HTTP1_LIMITS);
    expect(resolveHttp1Limits({ maxHeadBytes: undefined }, HTTP1_RESPONSE_LIMITS)).toEqual(HTTP1_RESPONSE_LIMITS);
    expect(resolveHttp1Limits({ maxHeadBytes: 100, maxTrailerCount: 0 })).toEqual({
      ...HTTP1_LIMITS,
      maxHeadBytes: 100,
      maxTrailerCount: 0,
    });
    expect(Object.isFrozen(resolveHttp1Limits())).toBe(true);
    expect(HTTP1_RESPONSE_LIMITS.maxHeadBytes).toBeGreaterThan(HTTP1_LIMITS.maxHeadBytes);
  });

  test.each(Object.keys(HTTP1_LIMITS) as (keyof Http1Limits)[])("refuses %s out of range", (name) => {
    for (const value of [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, "7" as unknown as number]) {
      expect(() => resolveHttp1Limits({ [name]: value })).toThrow(UsageError);
    }
    expect(resolveHttp1Limits({ [name]: Number.POSITIVE_INFINITY })[name]).toBe(Number.POSITIVE_INFINITY);
    expect(() => resolveHttp1Limits({ [name]: -1 })).toThrow(name);
  });

  test("refuses a name that is no limit, so that a misspelt one is not taken for set", () => {
    const misspelt: object = { maxHeadByte: 100 };
    expect(() => resolveHttp1Limits(misspelt)).toThrow(expect.objectContaining({ code: "options/unknown" }));
  });
});
