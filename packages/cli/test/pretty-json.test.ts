import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prettyJson } from "../src/request/pretty-json.js";
import { showBody } from "../src/request/print-body.js";
import { ANSI_COLOURS, NO_COLOURS } from "../src/terminal/colours.js";
import { Output } from "../src/terminal/output.js";
import { FakeStream } from "./support/fake-io.js";

describe("JSON for people", () => {
  test("is laid out as JSON.stringify does it, for any value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, 4), (value, space) => {
        const expected = JSON.stringify(value, null, 2);
        expect(prettyJson(JSON.stringify(value, null, space), NO_COLOURS)).toBe(expected);
      }),
    );
  });

  test("keeps what parsing would lose: digits of numbers, names that occur twice, escapes as they are", () => {
    const text = '{"a":12345678901234567890,"a":1.0,"b":"\\u00fc\\n\\"{[,:]}"}';
    expect(prettyJson(text, NO_COLOURS)).toBe(
      '{\n  "a": 12345678901234567890,\n  "a": 1.0,\n  "b": "\\u00fc\\n\\"{[,:]}"\n}',
    );
  });

  test("colours names, texts, numbers and literals apart", () => {
    const text = prettyJson('{"a":["x",1,true,null],"b":-2e5}', ANSI_COLOURS);
    expect(text).toBe(
      [
        "{",
        '  \u001b[36m"a"\u001b[39m: [',
        '    \u001b[32m"x"\u001b[39m,',
        "    \u001b[33m1\u001b[39m,",
        "    \u001b[35mtrue\u001b[39m,",
        "    \u001b[35mnull\u001b[39m",
        "  ],",
        '  \u001b[36m"b"\u001b[39m: \u001b[33m-2e5\u001b[39m',
        "}",
      ].join("\n"),
    );
  });

  test("is left alone when it is no JSON, or so deep that indentation alone would fill the screen", () => {
    expect(prettyJson("{nope}", NO_COLOURS)).toBeUndefined();
    expect(prettyJson("", NO_COLOURS)).toBeUndefined();
    expect(prettyJson(`${"[".repeat(64)}${"]".repeat(64)}`, NO_COLOURS)).toBeDefined();
    expect(prettyJson(`${"[".repeat(65)}${"]".repeat(65)}`, NO_COLOURS)).toBeUndefined();
    expect(prettyJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`, NO_COLOURS)).toBeUndefined();
  });
});

async function shown(pieces: readonly Uint8Array[], contentType = "text/plain", charset?: string) {
  const stream = new FakeStream({ isTTY: true });
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const text = await showBody(body(), { contentType, charset }, new Output(stream, { NO_COLOR: "1" }));
  return { text, written: stream.text };
}

describe("a body on a terminal", () => {
  test("is the same text however it is cut, and ends with a line end", async () => {
    const bytes = Buffer.from("one\r\ntwo ü€😀\u001b[2J\rthree");
    const expected = "one\ntwo ü€😀\uFFFD[2J\uFFFDthree\n";
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0);
      expect(await shown(pieces), `cut at ${cut}`).toEqual({ text: true, written: expected });
    }
    expect(await shown([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual({ text: true, written: expected });
  });

  test.each(["application/json", "application/problem+json; charset=utf-8", "text/json"])(
    "of %s is laid out",
    async (type) => {
      const pieces = [Buffer.from('{"a":"ü'), Buffer.from('"}')];
      expect((await shown(pieces, type)).written).toBe('{\n  "a": "ü"\n}\n');
    },
  );

  test("that calls itself JSON and is none is shown as it is", async () => {
    expect((await shown([Buffer.from("{nope\u001b}\n")], "application/json")).written).toBe("{nope\uFFFD}\n");
  });

  test("of JSON is laid out up to 1 MiB, and shown as it comes beyond", async () => {
    const atLimit = Buffer.from(`["${"x".repeat(1024 * 1024 - 4)}"]`);
    expect(atLimit).toHaveLength(1024 * 1024);
    expect((await shown([atLimit], "application/json")).written).toHaveLength(1024 * 1024 + 5);
    const beyond = Buffer.from(`["${"x".repeat(1024 * 1024 - 3)}"]`);
    const pieces = [beyond.subarray(0, 1_000), beyond.subarray(1_000)];
    expect((await shown(pieces, "application/json")).written).toBe(`${beyond.toString("latin1")}\n`);
  });

  test("that is not text is refused before anything is written", async () => {
    for (const bytes of [Buffer.from("PNG\0"), Uint8Array.of(0x89, 0x50), Uint8Array.of(0xc3, 0x28)]) {
      expect(await shown([bytes])).toEqual({ text: false, written: "" });
    }
  });

  test("whose first piece ends in the middle of a character is text", async () => {
    expect((await shown([Uint8Array.of(0xc3), Uint8Array.of(0xbc)])).written).toBe("ü\n");
  });

  test("is decoded as its charset says, or as UTF-8 where nobody knows that charset", async () => {
    expect((await shown([Uint8Array.of(0xfc)], "text/plain", "iso-8859-1")).written).toBe("ü\n");
    expect((await shown([Uint8Array.of(0xfc, 0)], "text/plain", "utf-16le")).written).toBe("ü\n");
    expect((await shown([Buffer.from("ü")], "text/plain", "x-unheard-of")).written).toBe("ü\n");
  });

  test("that is empty leaves the terminal as it was", async () => {
    expect(await shown([])).toEqual({ text: true, written: "" });
    expect(await shown([], "application/json")).toEqual({ text: true, written: "" });
  });
});
