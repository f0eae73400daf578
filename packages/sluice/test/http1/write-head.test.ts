import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  assertFields,
  assertFieldValue,
  assertMethod,
  assertTarget,
  chunkHead,
  LAST_CHUNK,
  writeRequestHead,
  writeResponseHead,
  writeTrailers,
} from "../../src/http1/write-head.js";

/** The code of the UsageError that `call` throws. */
function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof UsageError) return error.code;
    throw error;
  }
  return "none";
}

const FORBIDDEN = ["\r", "\n", "\0", "\r\n", "\x01", "\x0b", "\x7f", "\u0100", "\u{1f600}", "\ud800"];

describe("a head", () => {
  test("of a request is its line, its fields and an empty line", () => {
    expect(writeRequestHead("GET", "/a?b", ["Host", "a", "X", ""])).toBe("GET /a?b HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n");
  });

  test("of a response has the registered phrase unless told otherwise, and a space where there is none", () => {
    expect(writeResponseHead(404, undefined, ["A", "b"])).toBe("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n");
    expect(writeResponseHead(200, "Fine \xe9", [])).toBe("HTTP/1.1 200 Fine \xe9\r\n\r\n");
    expect(writeResponseHead(299, undefined, [])).toBe("HTTP/1.1 299 \r\n\r\n");
    expect(writeResponseHead(200, "", [])).toBe("HTTP/1.1 200 \r\n\r\n");
  });

  test.each(FORBIDDEN)("never has %j from a caller, wherever it is given", (text) => {
    for (const given of [text, `a${text}`, `${text}a`, `a${text}b`]) {
      expect(codeOf(() => writeRequestHead(given, "/", []))).toBe("http1/method-invalid");
      expect(codeOf(() => writeRequestHead("GET", `/${given}`, []))).toBe("http1/target-invalid");
      expect(codeOf(() => writeRequestHead("GET", "/", [given, ""]))).toBe("http1/field-name-invalid");
      expect(codeOf(() => writeRequestHead("GET", "/", ["X", given]))).toBe("http1/field-value-invalid");
      expect(codeOf(() => writeResponseHead(200, given, []))).toBe("http1/reason-invalid");
      expect(codeOf(() => writeResponseHead(200, undefined, ["X", given]))).toBe("http1/field-value-invalid");
      expect(codeOf(() => writeTrailers([given, ""]))).toBe("http1/field-name-invalid");
      expect(codeOf(() => writeTrailers(["X", given]))).toBe("http1/field-value-invalid");
    }
  });

  test("has tokens for names and methods", () => {
    for (const name of ["", "a b", "a:", "a@", "é", " a"]) {
      expect(codeOf(() => writeResponseHead(200, undefined, [name, "x"]))).toBe("http1/field-name-invalid");
      expect(codeOf(() => assertMethod(name))).toBe("http1/method-invalid");
    }
  });

  test("has a target that is valid for its method", () => {
    for (const [method, target] of [
      ["GET", ""],
      ["GET", "a"],
      ["GET", "/a b"],
      ["GET", "/a#b"],
      ["GET", "*"],
      ["CONNECT", "/"],
      ["CONNECT", "a"],
    ] as const) {
      expect(codeOf(() => assertTarget(target, method))).toBe("http1/target-invalid");
    }
    for (const [method, target] of [
      ["OPTIONS", "*"],
      ["CONNECT", "a:1"],
      ["GET", "http://a/b"],
    ] as const) {
      expect(codeOf(() => assertTarget(target, method))).toBe("none");
    }
  });

  test("has a status of three digits", () => {
    for (const status of [0, 99, 1000, 200.5, Number.NaN, -200]) {
      expect(codeOf(() => writeResponseHead(status, undefined, []))).toBe("http1/status-invalid");
    }
    expect(writeResponseHead(999, undefined, [])).toContain("999");
  });

  test("frames its body in one way only", () => {
    const cases: [string[], string][] = [
      [["Content-Length", "1", "content-length", "1"], "http1/length-ambiguous"],
      [["Content-Length", "1", "Transfer-Encoding", "chunked"], "http1/length-ambiguous"],
      [["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"], "http1/length-ambiguous"],
      [["Transfer-Encoding", "gzip, chunked"], "http1/coding-unknown"],
      [["Content-Length", "+1"], "http1/length-invalid"],
      [["Content-Length", ""], "http1/length-invalid"],
      [["Host", "a", "host", "a"], "http1/host-repeated"],
      [["Host"], "http1/fields-unpaired"],
      [["Content-Length", "0"], "none"],
      [["Transfer-Encoding", "Chunked", "Host", "a"], "none"],
    ];
    for (const [fields, code] of cases) {
      expect(codeOf(() => assertFields(fields))).toBe(code);
      expect(codeOf(() => writeRequestHead("GET", "/", fields))).toBe(code);
    }
  });

  test("shows no values in errors, and names shortened", () => {
    expect(() => assertFieldValue("Authorization", "s3cret\n")).toThrow(/^(?!.*s3cret).*Authorization/);
    expect(() => writeTrailers([`${"x".repeat(200)}\n`, ""])).toThrow(/x{64}…/);
  });
});

describe("a chunked body", () => {
  test("has its sizes in hexadecimal", () => {
    expect([chunkHead(1), chunkHead(255), chunkHead(65_536)]).toEqual(["1\r\n", "ff\r\n", "10000\r\n"]);
    for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(codeOf(() => chunkHead(size))).toBe("http1/chunk-size-invalid");
    }
  });

  test("ends with the last chunk and its trailers", () => {
    expect(LAST_CHUNK).toBe("0\r\n\r\n");
    expect(writeTrailers([])).toBe(LAST_CHUNK);
    expect(writeTrailers(["X", "y", "Z", ""])).toBe("0\r\nX: y\r\nZ: \r\n\r\n");
    expect(codeOf(() => writeTrailers(["X"]))).toBe("http1/fields-unpaired");
    for (const name of ["Content-Length", "transfer-encoding", "Host", "Connection"]) {
      expect(codeOf(() => writeTrailers([name, "x"]))).toBe("http1/trailer-forbidden");
    }
  });
});
