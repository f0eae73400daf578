import { describe, expect, test } from "vitest";
import type { Answer } from "../../src/wire/answer.js";
import { planAnswer } from "../../src/wire/answer-head.js";
import { DateLine } from "../../src/wire/date-line.js";
import { answer, DATE, inMemory, nothing, streamed } from "./server-link-setup.js";

interface Asked {
  readonly method?: string;
  readonly version?: number;
  readonly close?: boolean;
}

function plan(given: Answer, asked: Asked = {}) {
  const { method = "GET", version = 11, close = false } = asked;
  const planned = planAnswer({ method, version }, given, close, DATE);
  const fields = planned.head.split("\r\n").slice(1, -2);
  expect(planned.head.endsWith("\r\n\r\n")).toBe(true);
  return { ...planned, fields: fields.filter((line) => !line.startsWith("Date:")) };
}

const stream = (length?: number) => streamed(nothing, length);

describe("framing of an answer (RFC 9112 §6.3, RFC 9110 §8.6)", () => {
  const LENGTH_3 = { framing: "length", bodyBytes: 3, close: false, fields: ["Content-Length: 3"] };
  const EMPTY = { framing: "length", bodyBytes: 0, close: false, fields: ["Content-Length: 0"] };

  test.each([
    ["a body of known length", answer(200, "abc"), {}, LENGTH_3],
    ["a stream of known length", answer(200, stream(3)), {}, LENGTH_3],
    ["a stream with a length told by the application", answer(200, stream(), ["Content-Length", "3"]), {}, LENGTH_3],
    ["no body at all", answer(200), {}, EMPTY],
    ["an error without a body", answer(404), {}, EMPTY],
    [
      "a stream",
      answer(200, stream()),
      {},
      { framing: "chunked", close: false, fields: ["Transfer-Encoding: chunked"] },
    ],
    [
      "a stream to HTTP/1.0",
      answer(200, stream()),
      { version: 10 },
      { framing: "until-close", close: true, fields: ["Connection: close"] },
    ],
    ["HEAD", answer(200, "abc"), { method: "HEAD" }, { framing: "none", fields: ["Content-Length: 3"] }],
    ["HEAD of a stream", answer(200, stream()), { method: "HEAD" }, { framing: "none", fields: [] }],
    ["HEAD without a payload", answer(200), { method: "HEAD" }, { framing: "none", fields: [] }],
    [
      "HEAD with the length GET would have",
      answer(200, undefined, ["Content-Length", "9"]),
      { method: "HEAD" },
      { framing: "none", fields: ["Content-Length: 9"] },
    ],
    ["204", answer(204), {}, { framing: "none", fields: [] }],
    ["204 with a body, which is not sent", answer(204, "abc"), {}, { framing: "none", fields: [] }],
    ["205", answer(205, "abc"), {}, { framing: "none", fields: ["Content-Length: 0"] }],
    ["304", answer(304), {}, { framing: "none", fields: [] }],
    [
      "304 with a length",
      answer(304, undefined, ["Content-Length", "9"]),
      {},
      { framing: "none", fields: ["Content-Length: 9"] },
    ],
  ] as const)("%s", (_what, given, asked, expected) => {
    expect(plan(given, asked)).toMatchObject(expected);
  });

  test("the length of a body is in bytes", () => {
    expect(plan(answer(200, inMemory("ü"))).fields).toEqual(["Content-Length: 2"]);
  });

  test.each([
    ["a length beside a body of another", answer(200, "abc", ["Content-Length", "4"])],
    ["a length beside no body", answer(200, undefined, ["Content-Length", "4"])],
    ["two lengths", answer(200, stream(), ["Content-Length", "4", "content-length", "5"])],
    ["a length with a sign", answer(200, stream(), ["Content-Length", "+4"])],
  ])("%s is refused", (_what, given) => {
    expect(() => plan(given)).toThrow(expect.objectContaining({ code: "reply/content-length" }));
  });

  test.each([0, 99, 101, 150, 199, 1_000, 200.5, Number.NaN])("status %d is refused", (status) => {
    expect(() => plan({ ...answer(200), status })).toThrow(expect.objectContaining({ code: "reply/status" }));
  });
});

describe("persistence of the connection (RFC 9112 §9.3)", () => {
  test.each([
    ["1.1", {}, [], false],
    ["1.1, to be closed", { close: true }, ["Connection: close"], true],
    ["1.0", { version: 10 }, ["Connection: keep-alive"], false],
    ["1.0, to be closed", { version: 10, close: true }, ["Connection: close"], true],
  ] as const)("HTTP/%s", (_what, asked, lines, close) => {
    const planned = plan(answer(204), asked);
    expect(planned.fields).toEqual(lines);
    expect(planned.close).toBe(close);
  });

  test("the application may close, in any case of letters; keep-alive is the link's to say; others pass", () => {
    expect(plan(answer(204, undefined, ["connection", "Close"]))).toMatchObject({
      close: true,
      fields: ["Connection: close"],
    });
    expect(plan(answer(204, undefined, ["Connection", "keep-alive"]))).toMatchObject({ close: false, fields: [] });
    expect(plan(answer(426, undefined, ["Connection", "upgrade", "Upgrade", "a"])).fields).toEqual([
      "Connection: upgrade",
      "Upgrade: a",
      "Content-Length: 0",
    ]);
  });
});

describe("the head itself", () => {
  test("status line, fields in order, Date, framing", () => {
    const { head } = plan(answer(404, "abc", ["X-One", "1", "x-two", "caf\u00e9"]));
    expect(head).toBe(`HTTP/1.1 404 Not Found\r\nX-One: 1\r\nx-two: caf\u00e9\r\n${DATE}Content-Length: 3\r\n\r\n`);
  });

  test("a reason of one's own, an unregistered status, a Date of one's own", () => {
    expect(plan({ ...answer(200), reason: "Fine" }).head).toMatch(/^HTTP\/1\.1 200 Fine\r\n/);
    expect(plan(answer(299)).head).toMatch(/^HTTP\/1\.1 299 \r\n/);
    const dated = plan(answer(200, undefined, ["date", "Fri, 02 Jan 2026 00:00:00 GMT"])).head;
    expect(dated.match(/date:/gi)).toHaveLength(1);
    expect(dated).toContain("date: Fri, 02 Jan");
  });

  test("a list of fields that is frozen is checked once; one that is not is checked each time", () => {
    const fields = ["X", "1"];
    expect(plan(answer(204, undefined, fields)).fields).toEqual(["X: 1"]);
    fields[1] = "2";
    expect(plan(answer(204, undefined, fields)).fields).toEqual(["X: 2"]);
    fields[1] = "3\n";
    expect(() => plan(answer(204, undefined, fields))).toThrow(/control character/);
    const frozen = Object.freeze(["X", "1"]);
    const head = plan(answer(204, undefined, frozen)).head;
    expect(plan(answer(204, undefined, frozen)).head).toBe(head);
  });

  test("more names than are remembered are still checked and sent", () => {
    for (let n = 0; n < 600; n += 1)
      expect(plan(answer(204, undefined, [`X-${n}`, "v"])).fields).toEqual([`X-${n}: v`]);
    expect(() => plan(answer(204, undefined, ["X 601", "v"]))).toThrow(/not a token/);
  });
});

test("the Date line is that of the second", () => {
  let now = 784_111_777_000;
  const line = new DateLine(() => now);
  const first = line.text;
  expect(first).toBe("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  now += 999;
  expect(line.text).toBe(first);
  now += 1;
  expect(line.text).toBe("Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
});
