import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { PayloadError, UsageError } from "../../src/errors.js";
import { cut, lend, SourceSpy, utf8 } from "./support.js";

function arrived(pieces: readonly Uint8Array[]): Body {
  const body = new Body(new SourceSpy());
  for (const piece of pieces) lend(body, piece);
  body.finish([]);
  return body;
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("latin1");
}

describe("reading a body by hand", () => {
  test("gives exactly as many bytes as asked for, however they came", async () => {
    for (let size = 1; size <= 6; size += 1) {
      const reader = arrived(cut(utf8("abcdef"), [size])).reader();
      expect(text(await reader.readExactly(2))).toBe("ab");
      expect(text(await reader.readExactly(0))).toBe("");
      expect(reader.bytesRead).toBe(2);
      expect(text(await reader.readExactly(4))).toBe("cdef");
      expect(await reader.read()).toBeUndefined();
    }
  });

  test("says where the body ended when more was asked for, and keeps what there is", async () => {
    const reader = arrived([utf8("abcde")]).reader();
    await reader.readExactly(2);
    const failure = await reader.readExactly(4).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PayloadError);
    expect(failure).toMatchObject({
      code: "body/ended-early",
      message: "Cannot read 4 bytes of the body from byte 2 on: it ended after 5 bytes",
    });
    expect(text(await reader.read())).toBe("cde");
  });

  test("gives what has come, up to a maximum, and waits only when nothing has", async () => {
    const body = new Body(new SourceSpy());
    const reader = body.reader();
    const first = reader.read();
    lend(body, utf8("abc"));
    expect(text(await first)).toBe("abc");
    lend(body, utf8("defg"));
    expect(text(await reader.read(3))).toBe("def");
    expect(text(await reader.read(3))).toBe("g");
    body.finish([]);
    expect(await reader.read(1)).toBeUndefined();
    expect(await reader.read(1)).toBeUndefined();
  });

  test("finds a separator at every cut, gives it with the part, and the rest at the end", async () => {
    const bytes = utf8("one\r\n\r\ntwo\r\r\n\r\nthree\r\n");
    for (let at = 0; at <= bytes.byteLength; at += 1) {
      for (const pieces of [[bytes.slice(0, at), bytes.slice(at)], cut(bytes, [1])]) {
        const reader = arrived(pieces).reader();
        const parts: (string | undefined)[] = [];
        for (
          let part = await reader.readUntil("\r\n\r\n");
          part !== undefined;
          part = await reader.readUntil("\r\n\r\n")
        )
          parts.push(text(part));
        expect(parts).toEqual(["one\r\n\r\n", "two\r\r\n\r\n", "three\r\n"]);
      }
    }
  });

  test.each([
    ["at the limit", 4, "abc;"],
    ["one past the limit", 3, undefined],
    ["without one", Number.POSITIVE_INFINITY, "abc;"],
  ])("a part %s", async (_what, maxBytes, expected) => {
    const source = new SourceSpy();
    const body = new Body(source);
    lend(body, utf8("abc;def"));
    const reading = body.reader().readUntil(";", { maxBytes });
    if (expected !== undefined) {
      expect(text(await reading)).toBe(expected);
      return;
    }
    await expect(reading).rejects.toMatchObject({ code: "body/part-too-long" });
    expect(source.calls).toContain("cancel");
  });

  test("a part that never ends is refused as soon as it is too long, not when the body is over", async () => {
    const body = new Body(new SourceSpy());
    const reading = body.reader().readUntil("\n");
    lend(body, new Uint8Array(64 * 1024));
    lend(body, new Uint8Array(1));
    await expect(reading).rejects.toThrow("no separator within the limit of 65536 bytes (maxBytes)");
  });

  test("agrees with a plain split, whatever the bytes, the separator and the cuts", async () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 40 });
    const separators = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(letters, separators, fc.integer({ min: 1, max: 7 }), async (whole, separator, size) => {
        const reader = arrived(cut(utf8(whole), [size])).reader();
        const parts: string[] = [];
        for (let part = await reader.readUntil(separator); part !== undefined; part = await reader.readUntil(separator))
          parts.push(text(part) ?? "");
        const pieces = whole.split(separator);
        const expected = pieces.map((piece, index) => (index < pieces.length - 1 ? piece + separator : piece));
        expect(parts).toEqual(expected.filter((part) => part !== ""));
        expect(reader.bytesRead).toBe(whole.length);
      }),
    );
  });

  test("looks at each byte about once, however finely they come", async () => {
    const cost = async (count: number) => {
      const body = new Body(new SourceSpy(), { highWaterMark: Number.POSITIVE_INFINITY });
      const reading = body.reader().readUntil("ab", { maxBytes: Number.POSITIVE_INFINITY });
      const began = process.cpuUsage();
      for (let at = 0; at < count; at += 1) {
        body.push(utf8("a"), true);
        await undefined;
      }
      body.finish([]);
      expect((await reading)?.byteLength).toBe(count);
      const { user, system } = process.cpuUsage(began);
      return user + system;
    };
    await cost(5_000);
    // Eight times as many; were each search to begin anew it would be sixty-four.
    expect((await cost(80_000)) / (await cost(10_000))).toBeLessThan(30);
  });

  test("what it gives is the reader's own, and the body may go on under it", async () => {
    const body = new Body(new SourceSpy());
    const reader = body.reader();
    lend(body, utf8("abcd"));
    const part = await reader.readExactly(2);
    part.fill(0);
    expect(text(await reader.readExactly(2))).toBe("cd");
  });

  test("passes on what the body failed with, after what had come", async () => {
    const body = new Body(new SourceSpy());
    lend(body, utf8("ab"));
    body.fail(new PayloadError("body/incomplete", "broken off"));
    const reader = body.reader();
    expect(text(await reader.readExactly(2))).toBe("ab");
    await expect(reader.readExactly(1)).rejects.toThrow("broken off");
  });

  test("one read at a time, and nothing after the body has been given up", async () => {
    const source = new SourceSpy();
    const body = new Body(source);
    const reader = body.reader();
    const first = reader.read();
    await expect(reader.read()).rejects.toMatchObject({ code: "body/reading-twice" });
    lend(body, utf8("x"));
    await first;
    await reader[Symbol.asyncDispose]();
    expect(source.calls).toContain("cancel");
    expect(await reader.read()).toBeUndefined();
    expect(() => body.reader()).toThrow(UsageError);
  });

  test("refuses counts and separators that cannot be", () => {
    const reader = arrived([]).reader();
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => reader.readExactly(count), String(count)).toThrow(UsageError);
    expect(() => reader.read(0)).toThrow("Cannot read 0 bytes: expected a whole number from 1");
    expect(() => reader.readUntil("")).toThrow("it needs at least one byte");
    expect(() => reader.readUntil("x", { maxBytes: 0 })).toThrow(UsageError);
    expect(() => reader.readUntil("x", { max: 1 } as object)).toThrow("known are maxBytes");
  });
});
