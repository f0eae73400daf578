import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { collect, cut, lend, noise, SourceSpy, textOf, turn, utf8 } from "./support.js";

function arriving(highWaterMark = 1 << 20): { body: Body; source: SourceSpy } {
  const source = new SourceSpy();
  return { body: new Body(source, { highWaterMark }), source };
}

/** A body whose pieces are pushed in turns of the event loop, `ahead` of them before anybody reads. */
function dripping(pieces: readonly Uint8Array[], ahead = 0): Body {
  const { body } = arriving();
  for (const piece of pieces.slice(0, ahead)) lend(body, piece);
  void (async () => {
    for (const piece of pieces.slice(ahead)) {
      await turn();
      lend(body, piece);
    }
    body.finish([]);
  })();
  return body;
}

const SIZES = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

describe("iterating", () => {
  test("gives what came, in order, whatever the cuts and however far ahead the wire is", async () => {
    const whole = noise(300);
    await fc.assert(
      fc.asyncProperty(SIZES, fc.nat(20), async (sizes, ahead) => {
        const pieces = await collect(dripping(cut(whole, sizes), ahead));
        expect(Buffer.compare(Buffer.concat(pieces), whole)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  test("gives pieces that nobody else has: changing one changes nothing", async () => {
    const { body } = arriving();
    for (const size of [10, 500, 500]) lend(body, noise(size));
    body.finish([]);
    const pieces = await collect(body);
    for (const piece of pieces) {
      expect(piece).toEqual(noise(piece.byteLength));
      expect(piece.buffer.byteLength).toBe(piece.byteLength);
      new Uint8Array(piece.buffer).fill(0);
    }
  });

  test("serves several waiting calls in order, then the end to all others", async () => {
    const { body } = arriving();
    const reader = body[Symbol.asyncIterator]();
    const results = Promise.all([reader.next(), reader.next(), reader.next(), reader.next()]);
    lend(body, utf8("a"));
    lend(body, utf8("b"));
    body.finish([]);
    expect((await results).map(({ value }) => value && textOf(value))).toEqual(["a", "b", undefined, undefined]);
    expect((await reader.next()).done).toBe(true);
  });

  test("return ends calls that wait", async () => {
    const { body, source } = arriving();
    const reader = body[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(source.calls).toEqual(["cancel"]);
  });

  test("an empty body has no pieces", async () => {
    expect(await collect(Body.empty())).toEqual([]);
    expect(await collect(Body.empty().chunks(3))).toEqual([]);
    expect(await collect(Body.empty().lines())).toEqual([]);
  });
});

describe("chunks", () => {
  test("have exactly the size, the last one less, whatever the cuts", async () => {
    const whole = noise(200);
    await fc.assert(
      fc.asyncProperty(SIZES, fc.integer({ min: 1, max: 210 }), async (sizes, size) => {
        const { body } = arriving();
        for (const piece of cut(whole, sizes)) lend(body, piece);
        body.finish([]);
        const chunks = await collect(body.chunks(size));
        expect(Buffer.compare(Buffer.concat(chunks), whole)).toBe(0);
        const last = chunks.pop();
        expect(last?.byteLength).toBeLessThanOrEqual(size);
        for (const chunk of [...chunks, last]) expect(chunk?.buffer.byteLength).toBe(chunk?.byteLength);
        for (const chunk of chunks) expect(chunk.byteLength).toBe(size);
      }),
      { numRuns: 60 },
    );
  });

  test("come as soon as they are full, not before", async () => {
    const { body } = arriving();
    const reader = body.chunks(4)[Symbol.asyncIterator]();
    let got: Uint8Array | undefined;
    const waiting = reader.next().then(({ value }) => {
      got = value;
    });
    lend(body, utf8("abc"));
    await turn();
    expect(got).toBeUndefined();
    lend(body, utf8("defghi"));
    await waiting;
    expect(got && textOf(got)).toBe("abcd");
    expect(textOf((await reader.next()).value ?? utf8(""))).toBe("efgh");
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a size of %d", (size) => {
    const body = Body.of(utf8("a"));
    expect(() => body.chunks(size)).toThrow("a whole number from 1 is needed");
    expect(body.used).toBe(false);
  });
});

describe("lines", () => {
  const TEXT = "one\r\ntwo\n\nü€𝄞 \r x\r\r\n\r\nlast";
  const LINES = ["one", "two", "", "ü€𝄞 \r x\r", "", "last"];

  test("end with LF or CRLF at every cut point; a lone CR is part of its line", async () => {
    const bytes = utf8(TEXT);
    for (let at = 0; at <= bytes.byteLength; at += 1) {
      const { body } = arriving();
      lend(body, bytes.subarray(0, at));
      lend(body, bytes.subarray(at));
      body.finish([]);
      expect(await collect(body.lines()), `cut at ${at}`).toEqual(LINES);
    }
  });

  test("are the same byte by byte, and however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(SIZES, fc.nat(10), async (sizes, ahead) => {
        expect(await collect(dripping(cut(utf8(TEXT), sizes), ahead).lines())).toEqual(LINES);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["", []],
    ["\n", [""]],
    ["a\n", ["a"]],
    ["a", ["a"]],
    ["a\r", ["a\r"]],
    ["\n\n", ["", ""]],
    ["\uFEFFa\n\uFEFFb", ["a", "\uFEFFb"]],
  ])("of %j are %j", async (text, lines) => {
    expect(await collect(Body.of(utf8(text)).lines())).toEqual(lines);
  });

  test("replace malformed UTF-8", async () => {
    expect(await collect(Body.of(new Uint8Array([0xe2, 0x82, 0x0a, 0x61])).lines())).toEqual(["\uFFFD", "a"]);
  });

  test.each([
    ["at the limit", 4, true],
    ["one past it", 3, false],
    ["off", Number.POSITIVE_INFINITY, true],
  ])("of 4 bytes, %s", async (_name, maxLineBytes, fits) => {
    for (const end of ["\n", "\r\n", ""]) {
      for (let at = 0; at <= 6; at += 1) {
        const bytes = utf8(`abcd${end}`);
        const { body, source } = arriving();
        lend(body, bytes.subarray(0, at));
        lend(body, bytes.subarray(at));
        const reading = collect(body.lines({ maxLineBytes })).catch((reason: unknown) => reason);
        await turn();
        body.finish([]);
        if (fits) expect(await reading).toEqual(["abcd"]);
        else expect(await reading).toMatchObject({ name: "PayloadError", code: "body/line-too-long" });
        expect(source.calls).toEqual(fits || end === "" ? [] : ["cancel"]);
      }
    }
  });

  test("a line that grows without end is refused before it fills the memory", async () => {
    const { body, source } = arriving();
    const reading = collect(body.lines({ maxLineBytes: 1_000 }));
    let pushed = 0;
    while (source.calls.length === 0 && pushed < 10_000) {
      lend(body, new Uint8Array(100).fill(0x61));
      pushed += 100;
    }
    await expect(reading).rejects.toMatchObject({ code: "body/line-too-long" });
    expect(pushed).toBe(1_100);
  });

  test.each([0, -1, Number.NaN])("refuse a limit of %d", (maxLineBytes) => {
    expect(() => Body.of(utf8("a")).lines({ maxLineBytes })).toThrow("a number from 1 is needed");
  });

  test("a long line in a thousand pieces costs a copy or two, not a thousand", async () => {
    const { body } = arriving(1 << 24);
    const line = "x".repeat(500_000);
    for (const piece of cut(utf8(`${line}\n`), [500])) lend(body, piece);
    body.finish([]);
    expect(await collect(body.lines())).toEqual([line]);
  });
});

describe("toWeb", () => {
  test("is a byte stream with the same bytes", async () => {
    const whole = noise(10_000);
    const stream = dripping(cut(whole, [100, 4_000, 1]), 3).toWeb();
    const pieces = await collect(stream);
    expect(Buffer.compare(Buffer.concat(pieces), whole)).toBe(0);
  });

  test("serves readers that bring their own buffer, up to the end", async () => {
    const stream = dripping([utf8("abc"), utf8("defg")]).toWeb();
    const reader = stream.getReader({ mode: "byob" });
    let text = "";
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(2));
      if (done) break;
      text += textOf(value as Uint8Array);
    }
    expect(text).toBe("abcdefg");
  });

  test("pulls only when it is read", async () => {
    const { body, source } = arriving(10);
    const stream = body.toWeb();
    lend(body, noise(6));
    expect(lend(body, noise(6))).toBe(false);
    await turn();
    expect(source.calls).toEqual([]);
    const reader = stream.getReader();
    await reader.read();
    expect(source.calls).toEqual(["resume"]);
  });

  test("cancelling it cancels the body, with an error for a reason if there is one", async () => {
    const { body, source } = arriving();
    const reason = new Error("enough");
    await body.toWeb().cancel(reason);
    expect(source.reasons).toEqual([reason]);
    const other = arriving();
    await other.body.toWeb().cancel("text");
    expect(other.source.reasons).toEqual([undefined]);
  });

  test("fails as the body does, after what came before", async () => {
    const { body } = arriving();
    const reader = body.toWeb().getReader();
    lend(body, utf8("abc"));
    expect(textOf((await reader.read()).value ?? utf8(""))).toBe("abc");
    const waiting = reader.read();
    const error = new Error("reset");
    body.fail(error);
    await expect(waiting).rejects.toBe(error);
  });

  test("never takes a buffer away that somebody else uses", async () => {
    const { body } = arriving();
    const shared = noise(100);
    body.push(shared.subarray(0, 50), false);
    body.push(shared.subarray(50), false);
    body.finish([]);
    expect(Buffer.concat(await collect(body.toWeb()))).toEqual(Buffer.from(noise(100)));
    expect(shared).toEqual(noise(100));
  });
});

describe("toNode", () => {
  test("is a stream with the same bytes", async () => {
    const whole = noise(200_000);
    const pieces: Uint8Array[] = [];
    await pipeline(dripping(cut(whole, [100, 70_000, 1]), 2).toNode(), async (source: AsyncIterable<Uint8Array>) => {
      for await (const piece of source) pieces.push(piece);
    });
    expect(Buffer.compare(Buffer.concat(pieces), whole)).toBe(0);
  });

  test("runs its listeners after push, never inside", async () => {
    const { body } = arriving();
    const seen: string[] = [];
    const stream = body.toNode();
    stream.on("data", (piece: Uint8Array) => seen.push(textOf(piece)));
    await turn();
    lend(body, utf8("abc"));
    expect(seen).toEqual([]);
    body.finish([]);
    await turn();
    expect(seen).toEqual(["abc"]);
  });

  test("stops the source while nobody reads", async () => {
    const { body, source } = arriving(10);
    const stream = body.toNode();
    stream.on("readable", () => {});
    await turn();
    let pushed = 0;
    while (lend(body, noise(10_000)) && pushed < 10_000_000) {
      pushed += 10_000;
      await turn();
    }
    expect(pushed).toBeLessThan(200_000);
    expect(source.calls).toEqual([]);
    stream.destroy();
    await turn();
    expect(source.calls).toEqual(["cancel"]);
  });

  test("destroying it cancels the body with the error; at its end there is nothing to cancel", async () => {
    const { body, source } = arriving();
    const error = new Error("enough");
    const stream = body.toNode();
    stream.on("error", () => {});
    stream.destroy(error);
    await turn();
    expect(source.reasons).toEqual([error]);

    const complete = arriving();
    lend(complete.body, utf8("abc"));
    complete.body.finish([]);
    await collect(complete.body.toNode());
    expect(complete.source.calls).toEqual([]);
  });

  test("fails as the body does, after what came before", async () => {
    const { body } = arriving();
    const stream = body.toNode();
    const seen: string[] = [];
    const error = new Error("reset");
    const reading = (async () => {
      for await (const piece of stream) seen.push(textOf(piece as Uint8Array));
    })();
    lend(body, utf8("abc"));
    await turn();
    body.fail(error);
    await expect(reading).rejects.toBe(error);
    expect(seen).toEqual(["abc"]);
  });
});
