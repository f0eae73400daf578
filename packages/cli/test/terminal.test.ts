import { HttpHeaders, ResponseError } from "sluice";
import { describe, expect, test } from "vitest";
import { ANSI_COLOURS, coloursFor, NO_COLOURS, statusRole } from "../src/terminal/colours.js";
import { serverWords } from "../src/terminal/explain.js";
import { Output, OutputClosed } from "../src/terminal/output.js";
import { showBytes, showClock, showCount, showDuration } from "../src/terminal/quantities.js";
import { safeLine, safeText } from "../src/terminal/safe-text.js";
import { joinFitting, padded, shorten, widthOf } from "../src/terminal/text-width.js";
import { FakeStream } from "./support/fake-io.js";

describe("colours", () => {
  test("are for terminals that can show them, unless NO_COLOR says no", () => {
    expect(coloursFor(true, { TERM: "xterm" })).toBe(ANSI_COLOURS);
    expect(coloursFor(true, { NO_COLOR: "" })).toBe(ANSI_COLOURS);
    expect(coloursFor(true, { NO_COLOR: "1" })).toBe(NO_COLOURS);
    expect(coloursFor(true, { TERM: "dumb" })).toBe(NO_COLOURS);
    expect(coloursFor(false, { TERM: "xterm" })).toBe(NO_COLOURS);
  });

  test("end where they begin", () => {
    expect(ANSI_COLOURS("bad", "x")).toBe("\u001b[31mx\u001b[39m");
    expect(NO_COLOURS("bad", "x")).toBe("x");
  });

  test("of a status go by its class", () => {
    expect([204, 301, 404, 500].map(statusRole)).toEqual(["good", "notice", "bad", "bad"]);
  });
});

describe("text of a server", () => {
  test("keeps tabs, line ends and every other script, and loses what a terminal obeys", () => {
    expect(safeText("a\tb\r\nc\nü€😀")).toBe("a\tb\nc\nü€😀");
    expect(safeText("\u001b[2Jgone\u0007\u009b31m\u0000\r")).toBe("\uFFFD[2Jgone\uFFFD\uFFFD31m\uFFFD\uFFFD");
    expect(safeText("a\u202Eb")).toBe("a\uFFFDb");
  });

  test("that must stay on its line has no line ends", () => {
    expect(safeLine("a\r\nb\tc\u2028d")).toBe("a b c d");
  });

  test("is shortened in its middle", () => {
    expect(shorten("abcdefghij", 10)).toBe("abcdefghij");
    expect(shorten("abcdefghij", 9)).toBe("abcd…ghij");
    expect(shorten("abcdefghij", 2)).toBe("a…");
    expect(shorten("abcdefghij", 1)).toBe("…");
    expect(shorten("abcdefghij", 0)).toBe("");
  });
});

describe("what a server says beside its status", () => {
  const words = (type: string, body: string | Uint8Array) => {
    const answer = { status: 401, statusText: "", headers: new HttpHeaders([["content-type", type]]) };
    return serverWords(new ResponseError(answer, Buffer.from(body), {}));
  };

  test("is told where it is text or JSON, on one line, and fit for a terminal", () => {
    expect(words("text/plain; charset=utf-8", "Sign in\r\nfirst\u001b[2J\n")).toBe("Sign in first\uFFFD[2J\n");
    expect(words("application/problem+json", '{"detail":"no"}')).toBe('{"detail":"no"}\n');
    expect(words("application/json", "{}")).toBe("{}\n");
  });

  test("is not told where it is a page, or nothing, or too much of it", () => {
    expect(words("text/html", "<h1>no</h1>")).toBe("");
    expect(words("text/plain", " ")).toBe("");
    expect(words("text/plain", "x".repeat(1_000))).toHaveLength(301);
    expect(serverWords(new Error("x"))).toBe("");
  });
});

describe("quantities", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1_000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("the count %d is %s", (count, shown) => {
    expect(showCount(count)).toBe(shown);
  });

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [1_550, "1.6 kB"],
    [12_345, "12 kB"],
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [1_500_000_000, "1.5 GB"],
    [5e15, "5000 TB"],
  ])("%d bytes are %s", (bytes, shown) => {
    expect(showBytes(bytes)).toBe(shown);
  });

  test.each([
    [0.04, "0 ms"],
    [0.4, "0.4 ms"],
    [9.96, "10 ms"],
    [999.4, "999 ms"],
    [999.5, "1 s"],
    [1_500, "1.5 s"],
    [59_400, "59 s"],
    [59_500, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [3_599_600, "1 h 0 min"],
    [3_725_000, "1 h 2 min"],
  ])("%d ms are %s", (ms, shown) => {
    expect(showDuration(ms)).toBe(shown);
  });

  test.each([
    [0, "0:00"],
    [1, "0:01"],
    [61_000, "1:01"],
    [3_661_000, "1:01:01"],
  ])("%d ms to go are %s", (ms, shown) => {
    expect(showClock(ms)).toBe(shown);
  });
});

describe("an output", () => {
  test("says what is at its other end", () => {
    const terminal = new Output(new FakeStream({ isTTY: true, columns: 40 }), {});
    expect([terminal.isTerminal, terminal.repaints, terminal.columns]).toEqual([true, true, 40]);
    expect(new Output(new FakeStream({ isTTY: true }), { TERM: "dumb" }).repaints).toBe(false);
    expect(new Output(new FakeStream({ isTTY: true, columns: 0 }), {}).columns).toBe(80);
    const pipe = new Output(new FakeStream(), {});
    expect([pipe.isTerminal, pipe.repaints]).toEqual([false, false]);
  });

  test("holds a writer back until there is room, and leaves no listener behind", async () => {
    const stream = new FakeStream();
    const output = new Output(stream, {});
    stream.room = false;
    let written = false;
    const writing = output.write("a").then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    stream.emit("drain");
    await writing;
    expect([stream.listenerCount("drain"), stream.listenerCount("close")]).toEqual([0, 0]);
  });

  test("tells writers, those that wait as well, that its reader has gone", async () => {
    const stream = new FakeStream();
    const output = new Output(stream, {});
    stream.room = false;
    const waiting = output.write("a");
    stream.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    await expect(waiting).rejects.toThrow(OutputClosed);
    await expect(output.write("b")).rejects.toThrow(OutputClosed);
    output.say("lost");
    expect(stream.text).toBe("a");
  });

  test("tells a full disk from a reader that has gone", async () => {
    const stream = new FakeStream();
    const output = new Output(stream, {});
    stream.emit("error", Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" }));
    const writing = output.write("b");
    await expect(writing).rejects.toThrow("Cannot write the output: the disk is full");
    await expect(writing).rejects.not.toThrow(OutputClosed);
  });
});

describe("columns of a terminal", () => {
  test.each([
    ["plain.iso", 9],
    ["", 0],
    ["ünïcødé", 7],
    ["u\u0308", 1],
    ["文件.zip", 8],
    ["ファイル", 8],
    ["파일", 4],
    ["🎉.png", 6],
    ["…–—", 3],
  ])("%j takes %i", (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  test.each(["a name that is long.tar.gz", "文件文件文件文件文件.zip", "🎉🎊🎈🎁🎀🎂.png"])(
    "%j is cut to any width, never inside a character",
    (text) => {
      for (let width = 0; width <= widthOf(text); width += 1) {
        const cut = shorten(text, width);
        expect(widthOf(cut)).toBeLessThanOrEqual(width);
        expect(cut).not.toMatch(/\p{Cs}/u);
        expect(widthOf(padded(cut, width))).toBe(width);
      }
      expect(shorten(text, widthOf(text))).toBe(text);
    },
  );

  test("parts are left out whole, from the right on", () => {
    expect(joinFitting(["文件", "50%", "1 MB"], 9)).toBe("文件  50%");
    expect(joinFitting(["文件"], 3)).toBe("");
  });
});
