import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { PayloadError, UsageError } from "../../src/errors.js";
import { collect, cut, lend, noise, OwnerSpy, SourceSpy, utf8 } from "./support.js";

/** A complete body of these pieces, of a message with this type. */
function arrived(pieces: readonly Uint8Array[], type?: string, charset?: string): Body {
  const body = new Body(new SourceSpy());
  body.ownedBy(new OwnerSpy(type, charset));
  for (const piece of pieces) lend(body, piece);
  body.finish([]);
  return body;
}

/** Each way to cut in two, and byte by byte. */
function everyCut(bytes: Uint8Array): Uint8Array[][] {
  const ways = [cut(bytes, [1])];
  for (let at = 0; at <= bytes.byteLength; at += 1) ways.push([bytes.slice(0, at), bytes.slice(at)]);
  return ways;
}

describe("lines that end with any of LF, CRLF and CR", () => {
  test.each([
    ["a\rb\nc\r\nd", ["a", "b", "c", "d"]],
    ["\r\r\n\n", ["", "", ""]],
    ["a\r", ["a"]],
    ["a\r\n", ["a"]],
    ["\n\r", ["", ""]],
    ["\uFEFFa\rb", ["a", "b"]],
  ])("%j are %j, however it is cut", async (text, lines) => {
    for (const pieces of everyCut(utf8(text)))
      expect(await collect(arrived(pieces).lines({ ends: "any" }))).toEqual(lines);
  });

  test("a line that ends with a CR is there at once, and an LF after it is no further line", async () => {
    const body = new Body(new SourceSpy());
    const lines = body.lines({ ends: "any" });
    lend(body, utf8("a\r"));
    expect(await lines.next()).toEqual({ value: "a", done: false });
    lend(body, utf8("\nb\n"));
    expect(await lines.next()).toEqual({ value: "b", done: false });
  });

  test("the longest line allowed passes, one byte more does not; Infinity is no limit", async () => {
    for (const end of ["\n", "\r", "\r\n", ""]) {
      const fits = utf8(`${"x".repeat(10)}${end}`);
      const beyond = utf8(`${"x".repeat(11)}${end}`);
      for (const pieces of everyCut(fits)) {
        expect(await collect(arrived(pieces).lines({ ends: "any", maxLineBytes: 10 }))).toHaveLength(1);
      }
      for (const pieces of everyCut(beyond)) {
        const reading = collect(arrived(pieces).lines({ ends: "any", maxLineBytes: 10 }));
        await expect(reading).rejects.toMatchObject({ code: "body/line-too-long" });
        const unbounded = arrived(pieces).lines({ ends: "any", maxLineBytes: Number.POSITIVE_INFINITY });
        expect(await collect(unbounded)).toHaveLength(1);
      }
    }
  });

  test("many short lines in one piece without a CR are found in one pass", async () => {
    const text = "ab\n".repeat(300_000);
    const started = performance.now();
    expect(await collect(arrived([utf8(text)]).lines({ ends: "any" }))).toHaveLength(300_000);
    // Searching the rest for a CR at each line would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("are what splitting the text gives, for any text and any cut", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "é", "\r", "\n", "\r\n", ""), maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }), async (whole, sizes) => {
        const expected = whole.split(/\r\n|\r|\n/);
        if (expected.at(-1) === "") expected.pop();
        expect(await collect(arrived(cut(utf8(whole), sizes)).lines({ ends: "any" }))).toEqual(expected);
      }),
    );
  });
});

describe("lines in other encodings", () => {
  const UTF16 = Buffer.from("\uFEFFeins\r\nzwei ૊\ndrei", "utf16le");

  test("are those of the message's charset, however they are cut", async () => {
    for (const pieces of everyCut(new Uint8Array(UTF16))) {
      const body = arrived(pieces, "text/plain", "utf-16le");
      expect(await collect(body.lines())).toEqual(["eins", "zwei ૊", "drei"]);
    }
    const latin = arrived([new Uint8Array([0x93, 0x0a, 0xe9])], "text/plain", "iso-8859-1");
    expect(await collect(latin.lines())).toEqual(["\u201c", "é"]);
    const shiftJis = arrived([new Uint8Array([0x83]), new Uint8Array([0x5c, 0x0a, 0x41])], "text/plain", "shift_jis");
    expect(await collect(shiftJis.lines())).toEqual(["ソ", "A"]);
  });

  test("the caller's encoding counts more", async () => {
    const body = arrived([new Uint8Array([0xe9, 0x0a])], "text/plain", "utf-8");
    expect(await collect(body.lines({ encoding: "latin1" }))).toEqual(["é"]);
  });

  test("a character cut off by the end becomes U+FFFD", async () => {
    expect(await collect(arrived([new Uint8Array([0x61, 0x00, 0x62])], "t", "utf-16le").lines())).toEqual(["a\uFFFD"]);
  });

  test("the limit counts bytes of UTF-8", async () => {
    const body = arrived([Buffer.from("éé\n", "latin1")], "text/plain", "latin1");
    await expect(collect(body.lines({ maxLineBytes: 3 }))).rejects.toMatchObject({ code: "body/line-too-long" });
  });

  test("an unknown one is refused: the caller's at once, the message's when there is something to decode", async () => {
    expect(() => arrived([]).lines({ encoding: "utf-7" })).toThrow(UsageError);
    const body = arrived([utf8("a")], "text/plain", "utf-7");
    await expect(collect(body.lines())).rejects.toMatchObject({ code: "body/unknown-charset" });
    expect(await collect(arrived([], "text/plain", "utf-7").lines())).toEqual([]);
  });

  test("options that there are not are refused", () => {
    expect(() => arrived([]).lines({ maxLineLength: 5 } as object)).toThrow('Cannot use lines option "maxLineLength"');
  });
});

describe("jsonLines", () => {
  test.each([
    ['{"a":1}\n[2]\r\n"drei"\nnull\n', [{ a: 1 }, [2], "drei", null]],
    ['\uFEFF{"a":1}', [{ a: 1 }]],
    ["1\n\n  \n2", [1, 2]],
    ["", []],
    ["\n", []],
    ['"ä\\n"\n', ["ä\n"]],
  ])("of %j are the values, however it is cut", async (text, values) => {
    for (const pieces of everyCut(utf8(text))) expect(await collect(arrived(pieces).jsonLines())).toEqual(values);
  });

  test("are UTF-8 whatever the message says", async () => {
    expect(await collect(arrived([utf8('"é"\n')], "application/x-ndjson", "latin1").jsonLines())).toEqual(["é"]);
  });

  test("a line that does not parse is named by its number, and not quoted", async () => {
    const reading = collect(arrived([utf8('{"a":1}\n\n{"secret": oops}\n')]).jsonLines());
    const error = await reading.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toMatchObject({ code: "body/invalid-json" });
    expect(String(error)).toContain("Cannot parse line 3 as JSON: syntax error at character 11");
    expect(String(error)).not.toContain("secret");
  });

  test("what came before the error is given first, and the error once", async () => {
    const lines = arrived([utf8("1\n2\n}\n4\n")]).jsonLines();
    expect([await lines.next(), await lines.next()].map(({ value }) => value)).toEqual([1, 2]);
    await expect(lines.next()).rejects.toMatchObject({ code: "body/invalid-json" });
    expect(await lines.next()).toEqual({ value: undefined, done: true });
  });

  test("the longest line allowed passes, one byte more does not", async () => {
    expect(await collect(arrived([utf8("12345\n")]).jsonLines({ maxLineBytes: 5 }))).toEqual([12_345]);
    const beyond = arrived([utf8("123456\n")]).jsonLines({ maxLineBytes: 5 });
    await expect(collect(beyond)).rejects.toMatchObject({ code: "body/line-too-long" });
    const mebibyte = `"${"x".repeat(1024 * 1024 - 2)}"`;
    expect(await collect(arrived([utf8(mebibyte)]).jsonLines())).toHaveLength(1);
    await expect(collect(arrived([utf8(` ${mebibyte}`)]).jsonLines())).rejects.toThrow("more than 1048576 bytes");
    const unbounded = arrived([utf8(` ${mebibyte}`)]).jsonLines({ maxLineBytes: Number.POSITIVE_INFINITY });
    expect(await collect(unbounded)).toHaveLength(1);
  });

  test("options and arguments that cannot be are refused", () => {
    expect(() => arrived([]).jsonLines({ separator: "," } as object)).toThrow('jsonLines option "separator"');
    expect(() => arrived([]).jsonLines({ maxLineBytes: 0 })).toThrow("a number from 1 is needed");
    expect(() => arrived([]).jsonLines("schema" as unknown as object)).toThrow("expected a Standard Schema");
  });

  test("leaving the loop gives the body up", async () => {
    const source = new SourceSpy();
    const body = new Body(source);
    lend(body, utf8("1\n2\n"));
    for await (const value of body.jsonLines()) {
      expect(value).toBe(1);
      break;
    }
    expect(source.calls).toContain("cancel");
  });
});

describe("JSON text sequences (RFC 7464)", () => {
  const SEQUENCE = '\x1e{"a":\n 1}\n\x1e[2]\n\x1e\n\x1e"x"\x1e3\n';

  test("are recognised by their type, or asked for", async () => {
    for (const pieces of everyCut(utf8(SEQUENCE))) {
      const values = [{ a: 1 }, [2], "x", 3];
      expect(await collect(arrived(pieces, "application/json-seq").jsonLines())).toEqual(values);
      expect(await collect(arrived(pieces, "application/geo+json-seq; x=1").jsonLines())).toEqual(values);
      expect(await collect(arrived(pieces).jsonLines({ format: "sequence" }))).toEqual(values);
    }
  });

  test("§2.4: a number or literal that nothing follows may have been cut short, and is refused", async () => {
    for (const text of ["\x1e12", "\x1etrue", "\x1e[1]\n\x1enull\x1e1\n"]) {
      const reading = collect(arrived([utf8(text)]).jsonLines({ format: "sequence" }));
      await expect(reading, JSON.stringify(text)).rejects.toThrow(/record \d as JSON: it was cut short/);
    }
  });

  test("a record that does not parse is named by its number", async () => {
    const reading = collect(arrived([utf8("\x1e1\n\x1e{\n")]).jsonLines({ format: "sequence" }));
    await expect(reading).rejects.toThrow("Cannot parse record 2 as JSON");
  });
});

test("a peer that drips a long line costs time in proportion to its length", async () => {
  const long = noise(600_000).map((byte) => (byte % 26) + 97);
  const body = arrived(cut(long, [3]));
  const started = performance.now();
  expect(await collect(body.lines({ ends: "any" }))).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(10_000);
});
