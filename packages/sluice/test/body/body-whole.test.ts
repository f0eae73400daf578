import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { PayloadError, ResponseTooLargeError, UsageError } from "../../src/errors.js";
import { cut, lend, noise, OwnerSpy, SourceSpy, textOf, turn, utf8 } from "./support.js";

function arriving(options = {}): { body: Body; source: SourceSpy } {
  const source = new SourceSpy();
  return { body: new Body(source, options), source };
}

describe("a body that is complete before anybody reads", () => {
  test("gives its text, bytes, JSON and blob", async () => {
    expect(await Body.of(utf8("grüß")).text()).toBe("grüß");
    expect(await Body.of(utf8("abc")).bytes()).toEqual(utf8("abc"));
    expect(await Body.of(utf8('{"a":[1]}')).json()).toEqual({ a: [1] });
    const body = Body.of(utf8("<p>"));
    body.ownedBy(new OwnerSpy("text/html"));
    const blob = await body.blob();
    expect([blob.type, await blob.text()]).toEqual(["text/html", "<p>"]);
  });

  test("is handed out without a promise by takeWhole, once", () => {
    const body = Body.of(utf8("abc"));
    expect(body.takeWhole()).toEqual(utf8("abc"));
    expect(body.used).toBe(true);
    expect(body.takeWhole()).toBeUndefined();
  });

  test("copies a borrowed piece, because its buffer is used again", async () => {
    for (const size of [1, 64, 65, 1_000, 4_095, 4_096, 100_000]) {
      const { body } = arriving({ highWaterMark: 1 << 20 });
      lend(body, noise(size));
      body.finish([]);
      expect(await body.bytes()).toEqual(noise(size));
    }
  });

  test("gives bytes that are alone in their buffer, whatever they came in", async () => {
    for (const size of [0, 10, 1_000, 5_000]) {
      const { body } = arriving();
      lend(body, noise(size));
      body.finish([]);
      const bytes = await body.bytes();
      expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, size]);
    }
    const slice = noise(100).subarray(10, 20);
    const bytes = await Body.of(slice).bytes();
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 10]);
  });

  test("is empty when nothing was pushed", async () => {
    expect(await Body.empty().text()).toBe("");
    expect(Body.empty().takeWhole()).toEqual(new Uint8Array(0));
    expect(Body.empty().complete).toBe(true);
  });

  test("knows its trailers and how much has come", () => {
    const { body } = arriving();
    expect(body.trailers).toBeUndefined();
    lend(body, utf8("abc"));
    expect([body.bytesReceived, body.complete, body.settled, body.used]).toEqual([3, false, false, false]);
    expect(body.takeWhole()).toBeUndefined();
    body.finish(["digest", "x"]);
    expect([body.trailers, body.complete, body.settled]).toEqual([["digest", "x"], true, true]);
  });
});

describe("reading twice", () => {
  const ways: [string, (body: Body) => unknown][] = [
    ["text", (body) => body.text()],
    ["bytes", (body) => body.bytes()],
    ["json", (body) => body.json()],
    ["blob", (body) => body.blob()],
    ["iteration", (body) => body[Symbol.asyncIterator]().next()],
    ["chunks", (body) => body.chunks(1)],
    ["lines", (body) => body.lines()],
    ["toWeb", (body) => body.toWeb()],
    ["toNode", (body) => body.toNode()],
  ];
  test.each(ways)("is refused after the first reading, by %s", async (_name, read) => {
    const body = Body.of(utf8("1"));
    await body.text();
    await expect((async () => read(body))()).rejects.toMatchObject({ name: "UsageError", code: "body/already-used" });
  });

  test.each(ways)("is refused after %s has begun", async (_name, read) => {
    const body = Body.of(utf8("1"));
    await read(body);
    await expect(body.text()).rejects.toThrow(UsageError);
    expect(body.used).toBe(true);
  });
});

describe("a body that arrives while it is collected", () => {
  test("is whole however it was cut, lent or given", async () => {
    const whole = noise(3_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }),
        fc.nat(4),
        async (sizes, before) => {
          const { body } = arriving({ highWaterMark: 1 << 20 });
          const pieces = cut(whole, sizes);
          for (const piece of pieces.slice(0, before)) lend(body, piece);
          const reading = body.bytes();
          for (const [index, piece] of pieces.slice(before).entries()) {
            if (index % 2 === 0) lend(body, piece);
            else body.push(piece, false);
          }
          body.finish([]);
          expect(Buffer.compare(await reading, whole)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("never waits for room while somebody collects", async () => {
    const { body, source } = arriving({ highWaterMark: 10 });
    expect(lend(body, noise(11))).toBe(false);
    const reading = body.bytes();
    expect(source.calls).toEqual(["resume"]);
    for (let count = 0; count < 100; count += 1) expect(lend(body, noise(11))).toBe(true);
    body.finish([]);
    expect((await reading).byteLength).toBe(101 * 11);
  });

  test("uses the declared length, and is right when that is wrong", async () => {
    for (const declared of [1, 99, 100, 101, 2 ** 40]) {
      const { body } = arriving();
      body.declaredLength = declared;
      const reading = body.bytes();
      for (const piece of cut(noise(100), [33])) lend(body, piece);
      body.finish([]);
      expect(await reading).toEqual(noise(100));
    }
  });

  test("rejects with the error it failed with", async () => {
    const { body } = arriving();
    const reading = body.text();
    lend(body, utf8("abc"));
    const error = new PayloadError("body/broken", "Broken off");
    body.fail(error);
    await expect(reading).rejects.toBe(error);
  });
});

describe("the limit of a whole body", () => {
  test.each([
    ["at", 10, true],
    ["one past", 9, false],
    ["off", Number.POSITIVE_INFINITY, true],
  ])("%s: %d bytes allowed for 10", async (_name, maxBytes, fits) => {
    const complete = Body.of(noise(10)).bytes({ maxBytes });
    const { body, source } = arriving();
    const collected = body.bytes({ maxBytes });
    lend(body, noise(6));
    lend(body, noise(4));
    body.finish([]);
    for (const reading of [complete, collected]) {
      if (fits) expect((await reading).byteLength).toBe(10);
      else await expect(reading).rejects.toMatchObject({ name: "ResponseTooLargeError", code: "body/too-large" });
    }
    expect(source.calls).toEqual(fits ? [] : ["cancel"]);
  });

  test("refuses a declared length before a byte has come", async () => {
    const { body, source } = arriving();
    body.declaredLength = 11;
    await expect(body.text({ maxBytes: 10 })).rejects.toThrow(ResponseTooLargeError);
    expect(source.calls).toEqual(["cancel"]);
  });

  test("is the owner's where the reader names none", async () => {
    const body = Body.of(noise(10));
    body.maxBytes = 9;
    await expect(body.text()).rejects.toThrow("10 bytes, limit is 9");
    const other = Body.of(utf8("0123456789"));
    other.maxBytes = 9;
    expect(await other.text({ maxBytes: 10 })).toBe("0123456789");
    const third = Body.of(noise(10));
    expect(() => third.takeWhole(9)).toThrow(ResponseTooLargeError);
  });
});

describe("a body that fails while nobody reads", () => {
  test("keeps the error for whoever reads, and rejects nothing before", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on("unhandledRejection", note);
    const { body } = arriving();
    const error = new PayloadError("body/broken", "Broken off");
    body.fail(error);
    await turn();
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
    expect(() => body.takeWhole()).toThrow(error);
    await expect(body.text()).rejects.toBe(error);
  });
});

describe("text", () => {
  test("uses the charset of the message, unless told another", async () => {
    const bytes = Buffer.from("fran\xe7ais \x80", "latin1");
    const body = Body.of(new Uint8Array(bytes));
    body.ownedBy(new OwnerSpy(undefined, "ISO-8859-1"));
    expect(await body.text()).toBe("français €");
    const other = Body.of(new Uint8Array(bytes));
    other.ownedBy(new OwnerSpy(undefined, "utf-8"));
    expect(await other.text({ encoding: "latin1" })).toBe("français €");
  });

  test("drops a byte order mark and replaces malformed bytes", async () => {
    expect(await Body.of(utf8("\uFEFFa")).text()).toBe("a");
    expect(await Body.of(new Uint8Array([0x61, 0xff])).text()).toBe("a\uFFFD");
    expect(await Body.of(new Uint8Array([0xff, 0xfe, 0x61, 0])).text({ encoding: "utf-16le" })).toBe("a");
  });

  test("refuses an unknown encoding of the caller, and an unknown charset of the message", async () => {
    const body = Body.of(utf8("a"));
    await expect(body.text({ encoding: "klingon" })).rejects.toMatchObject({ code: "options/unknown-encoding" });
    expect(body.used).toBe(false);
    const declared = Body.of(utf8("a"));
    declared.ownedBy(new OwnerSpy(undefined, "klingon"));
    await expect(declared.text()).rejects.toMatchObject({ name: "PayloadError", code: "body/unknown-charset" });
  });

  test("is decoded whole, so a character may be cut anywhere", async () => {
    const text = "a€𝄞é";
    const bytes = utf8(text);
    for (let at = 0; at <= bytes.byteLength; at += 1) {
      const { body } = arriving();
      const reading = body.text();
      lend(body, bytes.subarray(0, at));
      lend(body, bytes.subarray(at));
      body.finish([]);
      expect(await reading).toBe(text);
    }
  });
});

describe("JSON", () => {
  test("says where it is wrong and shows nothing of it", async () => {
    const secret = '{"token": "hunter2" "x"}';
    const error = await Body.of(utf8(secret))
      .json()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toMatchObject({ code: "body/invalid-json", message: expect.stringContaining("character 20 of 24") });
    expect((error as Error).cause).toBeUndefined();
    expect((error as Error).message).not.toContain("hunter2");
  });

  test("names an empty body as such, and passes over a byte order mark", async () => {
    await expect(Body.empty().json()).rejects.toThrow("the body is empty");
    expect(await Body.of(utf8("\uFEFF1")).json()).toBe(1);
  });

  test("is UTF-8 whatever the message says (RFC 8259 §8.1)", async () => {
    const body = Body.of(utf8('"é"'));
    body.ownedBy(new OwnerSpy("application/json; charset=latin1", "latin1"));
    expect(await body.json()).toBe("é");
  });

  test("rejects while collecting, too", async () => {
    const { body } = arriving();
    const reading = body.json();
    lend(body, utf8("{]"));
    body.finish([]);
    await expect(reading).rejects.toMatchObject({ code: "body/invalid-json" });
  });
});

test("a blob without an owner has no type", async () => {
  const blob = await Body.of(utf8("x")).blob();
  expect([blob.type, textOf(new Uint8Array(await blob.arrayBuffer()))]).toEqual(["", "x"]);
});
