import { describe, expect, test } from "vitest";
import type { Answered, Failed } from "../src/fetch/outcome.js";
import { jsonLine, tableHead, tableRow } from "../src/fetch/reports.js";
import { summaryText } from "../src/fetch/summary.js";
import { Tally } from "../src/fetch/tally.js";
import { ANSI_COLOURS, NO_COLOURS } from "../src/terminal/colours.js";

const PLAIN = { colours: NO_COLOURS, width: undefined };

function answered(more: Partial<Answered> = {}, url = "https://example.com/a"): Answered {
  return {
    kind: "answered",
    input: { index: 7, url, tooLong: false },
    status: 200,
    finalUrl: undefined,
    contentType: "text/html",
    size: 1_500,
    latency: 12.34567,
    elapsed: 23.4,
    sends: 1,
    body: undefined,
    file: undefined,
    ...more,
  };
}

function failed(more: Partial<Failed> = {}, url = "https://example.com/b"): Failed {
  const input = { index: 8, url, tooLong: false };
  return { kind: "failed", input, code: "connect/refused", message: "GET … refused", elapsed: 3, sends: 1, ...more };
}

describe("a table", () => {
  test("has columns that meet under their heads", () => {
    const text = tableHead(PLAIN) + tableRow(answered(), PLAIN) + tableRow(failed(), PLAIN);
    expect(text).toBe(
      [
        "STATUS          TIME      SIZE  URL",
        "200            23 ms    1.5 kB  https://example.com/a",
        "failed          3 ms         –  connect/refused: https://example.com/b",
        "",
      ].join("\n"),
    );
  });

  test("says which file an answer was saved as", () => {
    expect(tableRow(answered({ file: "a.html" }), PLAIN)).toContain("https://example.com/a > a.html\n");
  });

  test("keeps to the width of a terminal", () => {
    const url = `https://example.com/${"x".repeat(200)}`;
    for (const width of [40, 60, 100]) {
      expect(tableRow(answered({}, url), { colours: NO_COLOURS, width }).trimEnd()).toHaveLength(width);
    }
    expect(tableRow(answered({}, url), PLAIN)).toContain(url);
  });

  test("shows a URL without user and password, whether it parses or not, and without control characters", () => {
    const shown = ["http://u:secret@a/x", "http://u:secret@:bad", "http://a/\u001b[2J"].map((url) =>
      tableRow(failed({}, url), PLAIN),
    );
    expect(shown.join("")).not.toContain("secret");
    expect(shown.join("")).not.toContain("\u001b");
    expect(shown[0]).toContain("http://a/x");
  });

  test("has its statuses in colour where colours are wanted", () => {
    const style = { colours: ANSI_COLOURS, width: undefined };
    expect(tableRow(answered({ status: 404 }), style).startsWith("\u001b[31m404   \u001b[39m")).toBe(true);
  });
});

describe("a JSON line", () => {
  test("has the URL as it was given, and nothing that there is nothing to say about", () => {
    const line = jsonLine(answered({}, "http://u:p@a/?token=1"));
    expect(JSON.parse(line)).toEqual({
      index: 7,
      url: "http://u:p@a/?token=1",
      ok: true,
      elapsed: 23.4,
      sends: 1,
      status: 200,
      contentType: "text/html",
      size: 1_500,
      latency: 12.346,
    });
    expect(line.endsWith("}\n")).toBe(true);
  });

  test("is not ok for a status of 400 and more, or without an answer", () => {
    const parsed = [answered({ status: 399 }), answered({ status: 400 }), failed()].map((one) =>
      JSON.parse(jsonLine(one)),
    );
    expect(parsed.map(({ ok }) => ok)).toEqual([true, false, false]);
    expect(parsed[2].error).toEqual({ code: "connect/refused", message: "GET … refused" });
  });

  test("has a body as text where it is UTF-8, else as base64", () => {
    const bodies = ["text ü", "\uFFFD is text too"].map((text) =>
      JSON.parse(jsonLine(answered({ body: Buffer.from(text) }))),
    );
    expect(bodies.map(({ body, bodyEncoding }) => [body, bodyEncoding])).toEqual([
      ["text ü", undefined],
      ["\uFFFD is text too", undefined],
    ]);
    expect(JSON.parse(jsonLine(answered({ body: Uint8Array.of(0xff, 0, 0x61) })))).toMatchObject({
      body: "/wBh",
      bodyEncoding: "base64",
    });
    expect(JSON.parse(jsonLine(answered({ body: new Uint8Array(0) })))).toMatchObject({ body: "" });
  });

  test("stays on one line and moves no cursor, whatever the body is", () => {
    const text = "a\nb\u2028c\u009b31m\u007f\u202e\u001b[2J";
    const line = jsonLine(answered({ body: Buffer.from(text) }));
    expect(JSON.parse(line).body).toBe(text);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  });
});

describe("a summary", () => {
  test("has counts, rates, percentiles, classes of statuses, and errors by kind with the most frequent first", () => {
    const tally = new Tally();
    for (let count = 0; count < 1_000; count += 1) tally.add(answered({ latency: count + 1 }));
    tally.add(answered({ status: 503, latency: 5 }));
    tally.add(failed());
    for (let count = 0; count < 2; count += 1) tally.add(failed({ code: "timeout.attempt" }));
    tally.add({ kind: "left", input: { index: 1, url: "x", tooLong: false } });
    tally.bytes = 2_000_000;
    const lines = summaryText(tally, 2_000, NO_COLOURS).split("\n");
    expect(lines[0]).toBe("1,004 done in 2 s, 1,000 fine, 4 failed, 502/s, 2 MB, 1 MB/s");
    expect(lines[1]).toMatch(/^latency {3}p50 50\d ms {2}p90 (?:89|9[01])\d ms {2}p99 \S+ m?s {2}max 1 s$/);
    expect(lines[2]).toBe("statuses  2xx 1,000  5xx 1");
    expect(lines[3]).toBe("errors    timeout.attempt 2  connect/refused 1");
    expect(tally.left).toBe(1);
  });

  test("of nothing is one line", () => {
    expect(summaryText(new Tally(), 0, NO_COLOURS)).toBe("0 done in 0 ms, 0 fine, 0 failed, 0/s, 0 B, 0 B/s\n");
  });

  test("counts so many kinds of errors and no more", () => {
    const tally = new Tally();
    for (let kind = 0; kind < 1_000; kind += 1) tally.add(failed({ code: `kind/${kind}` }));
    expect(tally.errors.size).toBeLessThanOrEqual(65);
    expect([...tally.errors.values()].reduce((sum, count) => sum + count, 0)).toBe(1_000);
  });
});
