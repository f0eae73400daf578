/** The clauses of the HTML Standard, §9.2.5 and §9.2.6, one by one, and the writer against the parser. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Body } from "../../src/body/body.js";
import { EventStreamParser, type ServerSentEvent } from "../../src/body/event-stream/event-stream-parser.js";
import { formatEvent } from "../../src/body/event-stream/format-event.js";
import { readEvents } from "../../src/body/event-stream/read-events.js";
import { UsageError } from "../../src/errors.js";
import { collect, cut, lend, SourceSpy, utf8 } from "./support.js";

const LIMITS = { maxLineBytes: 1_000, maxEventCharacters: 1_000 };

interface Parsed {
  readonly events: ServerSentEvent[];
  readonly parser: EventStreamParser;
}

function parse(pieces: readonly Uint8Array[], limits = LIMITS, lastEventId = ""): Parsed {
  const parser = new EventStreamParser(limits, lastEventId);
  const events: ServerSentEvent[] = [];
  for (const piece of pieces) {
    const lent = new Uint8Array(piece);
    parser.feed(lent);
    for (let event = parser.take(); event !== undefined; event = parser.take()) events.push(event);
    lent.fill(0x21);
  }
  return { events, parser };
}

/** What every cut of `text` gives: they have to agree. */
function events(text: string): ServerSentEvent[] {
  const bytes = utf8(text);
  const whole = parse([bytes]).events;
  expect(parse(cut(bytes, [1])).events).toEqual(whole);
  for (let at = 1; at < bytes.byteLength; at += 1) {
    expect(parse([bytes.slice(0, at), bytes.slice(at)]).events, `cut at ${at}`).toEqual(whole);
  }
  return whole;
}

const message = (data: string, id = "") => ({ event: "message", data, id });

describe("parsing an event stream (§9.2.5)", () => {
  test.each([
    ["LF", "data: a\n\ndata: b\n\n"],
    ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n"],
    ["CR", "data: a\r\rdata: b\r\r"],
    ["a mixture", "data: a\r\n\rdata: b\n\r\n"],
  ])("lines end with %s", (_name, text) => {
    expect(events(text)).toEqual([message("a"), message("b")]);
  });

  test("one byte order mark at the start is dropped, and no other", () => {
    expect(events("\uFEFFdata: a\n\n")).toEqual([message("a")]);
    expect(events("\uFEFF\uFEFFdata: a\n\n")).toEqual([]);
    expect(events("data: a\n\n\uFEFFdata: b\n\n")).toEqual([message("a")]);
    expect(events("data: \uFEFFa\n\n")).toEqual([message("\uFEFFa")]);
    expect(events("\uFEFF\ndata: a\n\n")).toEqual([message("a")]);
  });

  test("it is UTF-8; what is malformed becomes U+FFFD", () => {
    expect(events("data: äö€😀\n\n")).toEqual([message("äö€😀")]);
    expect(parse([new Uint8Array([...utf8("data: "), 0xff, 0x0a, 0x0a])]).events).toEqual([message("\uFFFD")]);
  });

  test("an event whose last byte is a CR is there without waiting for an LF", () => {
    expect(parse([utf8("data: a\r\n\r")]).events).toEqual([message("a")]);
  });
});

describe("interpreting an event stream (§9.2.6)", () => {
  test("the standard's examples", () => {
    expect(events("data: YHOO\ndata: +2\ndata: 10\n\n")).toEqual([message("YHOO\n+2\n10")]);
    expect(
      events(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
    ).toEqual([message("first event", "1"), message("second event"), message(" third event")]);
    expect(events("data\n\ndata\ndata\n\ndata:")).toEqual([message(""), message("\n")]);
    expect(events("data:test\n\ndata: test\n\n")).toEqual([message("test"), message("test")]);
  });

  test("an event without data is none; its type is forgotten, its id is kept", () => {
    const { events: seen, parser } = parse([utf8("event: x\nid: 7\n\ndata: a\n\n")]);
    expect(seen).toEqual([message("a", "7")]);
    expect(parser.lastEventId).toBe("7");
  });

  test("an id counts from its event's end on, not before", () => {
    const { parser } = parse([utf8("id: 1\ndata: a\n\nid: 2\ndata: b\n")]);
    expect(parser.lastEventId).toBe("1");
  });

  test("an id lasts until there is another; an empty one takes it back", () => {
    expect(events("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n").map(({ id }) => id)).toEqual(["1", "1", ""]);
  });

  test("an id with NUL is ignored", () => {
    expect(events("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n").map(({ id }) => id)).toEqual(["1", "1"]);
  });

  test("retry is digits only", () => {
    const retryOf = (value: string) => parse([utf8(`retry:${value}\n\n`)]).parser.retryMs;
    expect([retryOf("5000"), retryOf(" 0"), retryOf("007")]).toEqual([5_000, 0, 7]);
    expect(["", "1x", "-1", "+1", "1.5", " 1 ", "１", "1e3"].map(retryOf)).toEqual(Array(8).fill(undefined));
  });

  test("event names its type; the last one counts, an empty one is none", () => {
    expect(events("event: a\nevent: b\ndata\n\ndata\n\n").map(({ event }) => event)).toEqual(["b", "message"]);
    expect(events("event: a\nevent:\ndata\n\n").map(({ event }) => event)).toEqual(["message"]);
  });

  test("one space after the colon is dropped, no tab, no second one, none before it", () => {
    expect(events("data:  a\n\ndata:\tb\n\ndata : c\n\n").map(({ data }) => data)).toEqual([" a", "\tb"]);
  });

  test("comments, unknown fields and fields in other letters are ignored", () => {
    expect(events(":\n:data: x\nDATA: a\n data: b\nid2: 3\ndata: c\n\n")).toEqual([message("c")]);
  });

  test("the value is all after the first colon", () => {
    expect(events("data: a:b: c\n\n")).toEqual([message("a:b: c")]);
  });

  test("what no empty line ends is never dispatched", () => {
    expect(events("data: a\n\ndata: b\n")).toEqual([message("a")]);
    expect(events("data: a")).toEqual([]);
  });

  test("empty lines without anything before them dispatch nothing", () => {
    expect(events("\n\n\r\r\n\ndata: a\n\n\n\n")).toEqual([message("a")]);
  });

  test("a stream that goes on from another begins with its id", () => {
    const { events: seen } = parse([utf8("data: a\n\n")], LIMITS, "41");
    expect(seen).toEqual([message("a", "41")]);
  });
});

describe("limits", () => {
  test("the longest line passes, one byte more does not, comments included; Infinity is no limit", () => {
    for (const field of ["data:", ":"]) {
      const longest = utf8(`${field}${"x".repeat(100 - field.length)}\n\n`);
      const beyond = utf8(`${field}${"x".repeat(101 - field.length)}\n\n`);
      const limits = { ...LIMITS, maxLineBytes: 100 };
      for (const sizes of [[1], [7], [1_000]]) {
        parse(cut(longest, sizes), limits);
        expect(() => parse(cut(beyond, sizes), limits)).toThrow("more than 100 bytes");
        parse(cut(beyond, sizes), { ...LIMITS, maxLineBytes: Number.POSITIVE_INFINITY });
      }
    }
  });

  test("the most data passes, one character more does not, and no end of empty lines", () => {
    const limits = { ...LIMITS, maxEventCharacters: 10 };
    expect(parse([utf8("data: 12345\ndata: 6789\n\n")], limits).events).toEqual([message("12345\n6789")]);
    expect(() => parse([utf8("data: 12345\ndata: 67890\n")], limits)).toThrow(
      expect.objectContaining({ code: "event-stream/event-too-large" }),
    );
    expect(() => parse([utf8("data\n".repeat(12))], limits)).toThrow("more than 10 characters");
    // Counted for each event anew.
    expect(parse([utf8("data: 1234567890\n\n".repeat(3))], limits).events).toHaveLength(3);
    const off = { ...LIMITS, maxEventCharacters: Number.POSITIVE_INFINITY };
    expect(parse([utf8("data: 12345\ndata: 67890\n\n")], off).events).toHaveLength(1);
  });

  test("limits that cannot be are refused", () => {
    for (const wrong of [0, -1, Number.NaN]) {
      expect(() => new EventStreamParser({ ...LIMITS, maxLineBytes: wrong })).toThrow(UsageError);
      expect(() => new EventStreamParser({ ...LIMITS, maxEventCharacters: wrong })).toThrow(UsageError);
    }
  });

  test("the defaults are a MiB a line and 4 Mi characters an event", () => {
    const parser = new EventStreamParser();
    parser.feed(utf8(`:${"x".repeat(1024 * 1024 - 1)}\n`));
    expect(parser.take()).toBeUndefined();
    parser.feed(utf8(`:${"x".repeat(1024 * 1024)}\n`));
    expect(() => parser.take()).toThrow("more than 1048576 bytes");
    const lines = utf8(`data:${"x".repeat(1024 * 1024 - 6)}\n`.repeat(5));
    const long = new EventStreamParser();
    long.feed(lines);
    expect(() => long.take()).toThrow("more than 4194304 characters");
  });
});

describe("formatEvent", () => {
  test("writes what there is, data line by line", () => {
    const event = { event: "tick", data: "a\nb\r\nc\rd", id: "7", retry: 3_000, comment: "hi\nthere" };
    expect(formatEvent(event)).toBe(
      ": hi\n: there\nretry: 3000\nid: 7\nevent: tick\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
    );
    expect(formatEvent({ data: { a: [1] } })).toBe('data: {"a":[1]}\n\n');
    expect(formatEvent({ data: "" })).toBe("data: \n\n");
    expect(formatEvent({ comment: "" })).toBe(": \n\n");
    expect(formatEvent({ id: "" })).toBe("id: \n\n");
  });

  test.each([
    [{ id: "a\nb" }, "id cannot have a line end"],
    [{ id: "a\0" }, "NUL"],
    [{ event: "a\rdata: x" }, "event cannot have a line end"],
    [{ retry: -1 }, "whole number"],
    [{ retry: 1.5 }, "whole number"],
    [{ retry: Number.POSITIVE_INFINITY }, "whole number"],
    [{ data: () => 1 }, "no JSON form"],
    [{ data: 1n }, "JSON.stringify failed"],
  ])("refuses %o", (event, why) => {
    expect(() => formatEvent(event)).toThrow(why);
    expect(() => formatEvent(event)).toThrow(expect.objectContaining({ code: "event-stream/not-writable" }));
  });

  test("what it writes, the parser reads: no value becomes another field or event", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", ":", " ", "\n", "\r", "\uFEFF", "é", "data: x", "id"),
      maxLength: 12,
    });
    const line = text.map((value) => value.replace(/[\r\n]/g, ""));
    const events = fc.array(fc.record({ event: line, data: text, id: line }), { maxLength: 5 });
    fc.assert(
      fc.property(events, fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }), (sent, sizes) => {
        const bytes = utf8(sent.map((event) => formatEvent({ ...event, comment: event.data })).join(""));
        const expected = sent.map(({ event, data, id }) => ({
          event: event === "" ? "message" : event,
          data: data.replace(/\r\n|\r/g, "\n"),
          id,
        }));
        expect(parse(cut(bytes, sizes)).events).toEqual(expected);
      }),
    );
  });

  test("any bytes at all give the same events however they are cut", () => {
    const soup = fc.array(
      fc.constantFrom("data", "id", "event", "retry", ":", " ", "\r", "\n", "\r\n", "\n\n", "\0", "\uFEFF", "1", "x"),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(soup, fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), (tokens, sizes) => {
        const bytes = utf8(tokens.join(""));
        const whole = parse([bytes]);
        const pieces = parse(cut(bytes, sizes));
        expect(pieces.events).toEqual(whole.events);
        expect([pieces.parser.lastEventId, pieces.parser.retryMs]).toEqual([
          whole.parser.lastEventId,
          whole.parser.retryMs,
        ]);
      }),
    );
  });
});

describe("readEvents", () => {
  test("gives events as soon as they are complete, and leaving gives the body up", async () => {
    const source = new SourceSpy();
    const body = new Body(source);
    const reading = readEvents(body, new EventStreamParser());
    lend(body, utf8("data: a\n\ndata: b"));
    expect(await reading.next()).toEqual({ value: message("a"), done: false });
    const next = reading.next();
    lend(body, utf8("\n\n"));
    expect(await next).toEqual({ value: message("b"), done: false });
    await reading.return?.();
    expect(source.calls).toContain("cancel");
  });

  test("with a schema data is parsed and validated; an error names the event", async () => {
    const schema = z.object({ n: z.number() });
    const typed = (text: string) => collect(readEvents(Body.of(utf8(text)), new EventStreamParser(), schema));
    expect(await typed('event: tick\ndata: {"n":1}\nid: 5\n\n')).toEqual([{ event: "tick", data: { n: 1 }, id: "5" }]);
    await expect(typed('data: {"n":1}\n\nevent: t\ndata: {"n":"x"}\n\n')).rejects.toMatchObject({
      code: "body/schema-mismatch",
      message: expect.stringMatching(/^Cannot take event 2 \("t"\): .+ n: /),
    });
    await expect(typed("data: {\n\n")).rejects.toMatchObject({
      code: "body/invalid-json",
      message: expect.stringContaining('Cannot parse event 1 ("message") as JSON'),
    });
  });
});
