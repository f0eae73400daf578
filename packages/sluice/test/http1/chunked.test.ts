import { describe, expect, test } from "vitest";
import { ChunkedReader } from "../../src/http1/chunked-reader.js";
import { requestsAtEveryCut } from "./recorder.js";

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

describe("a chunked body", () => {
  test.each([
    ["0\r\n\r\n", ""],
    ["4\r\nWiki\r\n0\r\n\r\n", "Wiki"],
    ["4\r\nWiki\r\n5\r\npedia\r\n000\r\n\r\n", "Wikipedia"],
    ["00a\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
    ["A\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
    ["2\r\n\r\n\r\n0\r\n\r\n", "\r\n"],
    ["5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"],
    ["1;a\r\nx\r\n0;b\r\n\r\n", "x"],
    ["1;a=b;c=d;e\r\nx\r\n0\r\n\r\n", "x"],
    ['1;a="b c;\\"\\\\\t\xff";d="";e\r\nx\r\n0\r\n\r\n', "x"],
    ["0000000000000001\r\nx\r\n0\r\n\r\n", "x"],
  ])("%j is read", (body, text) => {
    const { events, error } = requestsAtEveryCut(HEAD + body + NEXT);
    expect(error).toBeUndefined();
    const data = events.filter((event) => event.type === "data");
    expect(data).toEqual(text === "" ? [] : [{ type: "data", text }]);
    expect(events.at(-2)).toMatchObject({ target: "/next" });
  });

  test.each([
    ["\r\n", "http1/chunk-size-invalid", ""],
    ["g\r\n", "http1/chunk-size-invalid", ""],
    ["-1\r\n", "http1/chunk-size-invalid", ""],
    ["+1\r\n", "http1/chunk-size-invalid", ""],
    ["0x1\r\n", "http1/chunk-size-invalid", ""],
    [" 1\r\n", "http1/chunk-size-invalid", ""],
    ["1 \r\nx\r\n", "http1/chunk-size-invalid", ""],
    ["1 ;a\r\nx\r\n", "http1/chunk-size-invalid", ""],
    ["1\t;a\r\nx\r\n", "http1/chunk-size-invalid", ""],
    [";a\r\n", "http1/chunk-size-invalid", ""],
    ["1_0\r\n", "http1/chunk-size-invalid", ""],
    ["1\nx\r\n", "http1/chunk-size-invalid", ""],
    ["1\r\rx", "http1/chunk-line-end-missing", ""],
    ["1\rx", "http1/chunk-line-end-missing", ""],
    ["1\r\nxy\r\n", "http1/chunk-line-end-missing", "x"],
    ["1\r\nx\n", "http1/chunk-line-end-missing", "x"],
    ["1\r\nx\ry", "http1/chunk-line-end-missing", "x"],
    ["1\r\nx0\r\n\r\n", "http1/chunk-line-end-missing", "x"],
    ["1;\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1; a\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;;a\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;a=\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;=a\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;a =b\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;a=b c\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;a=b=c\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ['1;a="b\r\nx\r\n', "http1/chunk-extension-invalid", ""],
    ['1;a="b"c\r\nx\r\n', "http1/chunk-extension-invalid", ""],
    ['1;a="\\\r\n"\r\nx\r\n', "http1/chunk-extension-invalid", ""],
    ["1;a\nx\r\n", "http1/chunk-extension-invalid", ""],
    ["1;\0\r\nx\r\n", "http1/chunk-extension-invalid", ""],
    ['1;a="\0"\r\nx\r\n', "http1/chunk-extension-invalid", ""],
    ['1;a=b"\r\nx\r\n', "http1/chunk-extension-invalid", ""],
  ])("%j is refused", (body, error, text) => {
    const outcome = requestsAtEveryCut(HEAD + body);
    expect(outcome.error).toBe(error);
    expect(outcome.events.slice(1)).toEqual(text === "" ? [] : [{ type: "data", text }]);
  });

  test("has chunks of at most 2^53 - 1 octets, written in at most 16 digits", () => {
    expect(requestsAtEveryCut(`${HEAD}1fffffffffffff\r\nx`)).toMatchObject({ error: undefined });
    for (const size of ["20000000000000", "ffffffffffffffff", "10000000000000000", "00000000000000001"]) {
      expect(requestsAtEveryCut(`${HEAD}${size}\r\nx`)).toMatchObject({ error: "http1/chunk-too-large", status: 413 });
    }
  });
});

describe("trailers", () => {
  test("are told at the end, in order and case", () => {
    const { events } = requestsAtEveryCut(`${HEAD}1\r\nx\r\n0\r\nX-A: 1\r\nx-a:2\r\n\r\n${NEXT}`);
    expect(events[2]).toEqual({ type: "end", trailers: ["X-A", "1", "x-a", "2"] });
    expect(events.at(-1)).toEqual({ type: "end", trailers: [] });
  });

  test.each(["Content-Length", "transfer-encoding", "HOST", "Connection", "Upgrade", "Expect"])(
    "must not have %s",
    (name) => {
      const outcome = requestsAtEveryCut(`${HEAD}0\r\n${name}: x\r\n\r\n`);
      expect(outcome).toMatchObject({ events: [{}], error: "http1/trailer-forbidden", status: 400 });
    },
  );

  test.each([
    ["X : a\r\n\r\n", "http1/field-name-invalid"],
    ["X: a\n\r\n", "http1/bare-line-feed"],
    [" X: a\r\n\r\n", "http1/folded-line"],
    ["X: a\0\r\n\r\n", "http1/field-value-invalid"],
    ["\n", "http1/bare-line-feed"],
    ["\rX\r\n", "http1/field-name-invalid"],
  ])("%j are refused", (trailers, error) => {
    expect(requestsAtEveryCut(`${HEAD}0\r\n${trailers}`).error).toBe(error);
  });
});

test("the chunked reader says how much of what it read is data", () => {
  const reader = new ChunkedReader(0);
  const bytes = Buffer.from("3\r\nabc\r\n0\r\nrest");
  expect([reader.read(bytes, 0), reader.dataLength, reader.complete]).toEqual([6, 3, false]);
  expect([reader.read(bytes, 6), reader.dataLength, reader.complete]).toEqual([11, 0, true]);
  reader.reset();
  expect([reader.read(Buffer.from("f"), 0), reader.complete]).toEqual([1, false]);
});
