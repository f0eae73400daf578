import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BodyInput, formPayload, jsonPayload, type Payload, toPayload } from "../../src/body/payload.js";
import { UsageError } from "../../src/errors.js";
import { fileSize } from "../../src/platform/file-size.js";
import { collect, noise, textOf, turn, utf8 } from "./support.js";

async function sent(payload: Payload): Promise<string> {
  return Buffer.concat(await collect(payload.open())).toString();
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-payload-"));
  await writeFile(join(folder, "ten"), "0123456789");
  await writeFile(join(folder, "empty"), "");
});
afterAll(() => rm(folder, { recursive: true }));

describe("what is in memory", () => {
  const TEXT = "text/plain;charset=UTF-8";
  const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
  const cases: [string, BodyInput, number, string | undefined, string][] = [
    ["a string", "grüß", 6, TEXT, "grüß"],
    ["an empty string", "", 0, TEXT, ""],
    ["bytes", utf8("abc"), 3, undefined, "abc"],
    ["a buffer", Buffer.from("abc"), 3, undefined, "abc"],
    ["an ArrayBuffer", utf8("abc").buffer as ArrayBuffer, 3, undefined, "abc"],
    ["a DataView", new DataView(utf8("xabcx").buffer, 1, 3), 3, undefined, "abc"],
    ["URLSearchParams", new URLSearchParams({ a: "1 2", b: "ü" }), 12, FORM, "a=1+2&b=%C3%BC"],
  ];
  test.each(cases)("%s is whole, of known length, and can be sent again", async (_name, value, length, type, text) => {
    const payload = toPayload(value);
    expect([payload.contentType, payload.replayable]).toEqual([type, true]);
    expect(payload.length).toBe(Buffer.byteLength(text));
    expect(payload.length).toBeGreaterThanOrEqual(Math.min(length, Buffer.byteLength(text)));
    expect(payload.whole).toBeDefined();
    expect(await sent(payload)).toBe(text);
    expect(await sent(payload)).toBe(text);
    payload.discard();
  });

  test("a Blob has a length and a type, and is read in pieces", async () => {
    const payload = toPayload(new Blob(["abc", "def"], { type: "text/csv" }));
    expect([payload.length, payload.contentType, payload.replayable, payload.whole]).toEqual([
      6,
      "text/csv",
      true,
      undefined,
    ]);
    expect(await sent(payload)).toBe("abcdef");
    expect(await sent(payload)).toBe("abcdef");
    expect(toPayload(new Blob(["x"])).contentType).toBeUndefined();
  });

  test("JSON and forms have their types", async () => {
    const json = jsonPayload({ a: [1, "ü"] });
    expect([json.whole, json.length, json.contentType]).toEqual(['{"a":[1,"ü"]}', 14, "application/json"]);
    const form = formPayload({ a: 1, b: ["x", "y"], c: undefined });
    expect([form.whole, form.contentType]).toEqual(["a=1&b=x&b=y", FORM]);
  });

  test("what has no JSON form is refused", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const value of [undefined, () => 1, Symbol("x"), cycle, 1n]) {
      expect(() => jsonPayload(value)).toThrow(expect.objectContaining({ name: "UsageError", code: "body/not-json" }));
    }
  });
});

describe("what is pulled", () => {
  function* pieces(): Generator<string | Uint8Array> {
    yield "a";
    yield utf8("b");
    yield "";
    yield "ü";
  }
  async function* later(): AsyncGenerator<string | Uint8Array> {
    yield* pieces();
  }
  const webStream = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(utf8("abü"));
        controller.close();
      },
    });

  test.each([
    ["a generator", () => pieces()],
    ["an async generator", () => later()],
    ["a web stream", () => webStream()],
    ["a Node stream", () => Readable.from(later())],
    ["a web stream from a Blob", () => new Blob(["abü"]).stream()],
  ])("%s is sent once, of unknown length, without empty pieces", async (_name, make) => {
    const payload = toPayload(make() as BodyInput);
    expect([payload.length, payload.contentType, payload.replayable, payload.whole]).toEqual([
      undefined,
      undefined,
      false,
      undefined,
    ]);
    const all = await collect(payload.open());
    expect(Buffer.concat(all).toString()).toBe("abü");
    expect(all.every((piece) => piece.byteLength > 0)).toBe(true);
    expect(() => payload.open()).toThrow(expect.objectContaining({ code: "body/already-used" }));
  });

  test("a list can be sent again", async () => {
    const payload = toPayload(["a", utf8("b")]);
    expect(payload.replayable).toBe(true);
    expect([await sent(payload), await sent(payload)]).toEqual(["ab", "ab"]);
  });

  test("pieces may be strings, bytes, buffers and views", async () => {
    const pieces = [
      "a",
      utf8("b"),
      Buffer.from("c"),
      utf8("d").buffer as ArrayBuffer,
      new DataView(utf8("xey").buffer, 1, 1),
    ];
    expect(await sent(toPayload(pieces))).toBe("abcde");
    for (const [piece, kind] of [
      [{}, "Object"],
      [Object.create(null), "object"],
      [null, "object"],
    ] as const) {
      await expect(sent(toPayload([piece] as unknown as BodyInput))).rejects.toThrow(`a piece of type ${kind}`);
    }
  });

  test("a piece that is neither bytes nor text ends the sending and releases the source", async () => {
    let released = false;
    function* bad(): Generator<unknown> {
      try {
        yield "a";
        yield 42;
      } finally {
        released = true;
      }
    }
    const reading = sent(toPayload(bad() as unknown as BodyInput));
    await expect(reading).rejects.toMatchObject({
      code: "body/unknown-piece",
      message: expect.stringContaining("number"),
    });
    expect(released).toBe(true);
  });

  test("what the source throws comes through", async () => {
    const error = new Error("disk");
    async function* broken(): AsyncGenerator<string> {
      yield "a";
      throw error;
    }
    await expect(sent(toPayload(broken()))).rejects.toBe(error);
    const stream = new Readable({ read() {} });
    const payload = toPayload(stream);
    stream.push("a");
    const reading = sent(payload);
    await turn();
    stream.destroy(error);
    await expect(reading).rejects.toBe(error);
  });
});

describe("releasing", () => {
  test("discard ends streams that were never opened", async () => {
    const node = new PassThrough();
    toPayload(node).discard();
    expect(node.destroyed).toBe(true);
    let reason: unknown = "none";
    const web = new ReadableStream<Uint8Array>({
      cancel(given) {
        reason = given;
      },
    });
    toPayload(web).discard();
    await turn();
    expect(reason).toBeUndefined();
  });

  test("leaving early releases the source, even while it waits for a piece or before the first", async () => {
    for (const started of [true, false]) {
      const node = new PassThrough();
      const fromNode = toPayload(node).open()[Symbol.asyncIterator]();
      let cancelled = false;
      const web = new ReadableStream<Uint8Array>({
        cancel() {
          cancelled = true;
        },
      });
      const fromWeb = toPayload(web).open()[Symbol.asyncIterator]();
      if (started) for (const source of [fromNode, fromWeb]) source.next().catch(() => undefined);
      await turn();
      fromNode.return?.().catch(() => undefined);
      fromWeb.return?.().catch(() => undefined);
      await turn();
      expect([node.destroyed, cancelled]).toEqual([true, true]);
    }
  });

  test("a stream that fails before it is opened ends nobody's process, and says so when it is", async () => {
    const stream = createReadStream(join(folder, "missing"));
    const payload = toPayload(stream);
    await once(stream, "error");
    await expect(sent(payload)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("files", () => {
  test.each([
    ["whole", {}, 10, "0123456789"],
    ["from", { start: 3 }, 7, "3456789"],
    ["to", { end: 3 }, 4, "0123"],
    ["part", { start: 2, end: 4 }, 3, "234"],
    ["beyond its end", { start: 8, end: 99 }, 2, "89"],
    ["behind its end", { start: 20 }, 0, ""],
  ])("a file stream, %s, has the length that is left", async (_name, range, length, text) => {
    const payload = toPayload(createReadStream(join(folder, "ten"), range), { fileSize });
    expect([payload.length, payload.replayable]).toEqual([length, false]);
    expect(await sent(payload)).toBe(text);
  });

  test("a path may be bytes, and a stream over a descriptor claims nothing", async () => {
    const bytes = toPayload(createReadStream(Buffer.from(join(folder, "ten"))), { fileSize });
    expect([bytes.length, await sent(bytes)]).toEqual([10, "0123456789"]);
    const handle = await open(join(folder, "ten"));
    const stream = toPayload(handle.createReadStream(), { fileSize });
    expect([stream.length, await sent(stream)]).toEqual([undefined, "0123456789"]);
  });

  test("nothing is claimed of files whose size says nothing, or without the means to look", async () => {
    const path = join(folder, "ten");
    expect(toPayload(createReadStream(path)).length).toBeUndefined();
    for (const odd of [join(folder, "empty"), "/dev/null", "/proc/self/status", join(folder, "missing")]) {
      const stream = createReadStream(odd);
      const payload = toPayload(stream, { fileSize });
      expect(payload.length).toBeUndefined();
      payload.discard();
    }
    const begun = createReadStream(path);
    await once(begun, "readable");
    begun.read(1);
    const payload = toPayload(begun, { fileSize });
    expect(payload.length).toBeUndefined();
    payload.discard();
  });

  test("a file handle can be sent again and stays open", async () => {
    const handle = await open(join(folder, "ten"));
    const payload = toPayload(handle, { fileSize });
    expect([payload.length, payload.replayable]).toEqual([10, true]);
    expect([await sent(payload), await sent(payload)]).toEqual(["0123456789", "0123456789"]);
    expect((await handle.stat()).size).toBe(10);
    await handle.close();
  });
});

describe("factories", () => {
  test("are called once for each send, and once for the length", async () => {
    let calls = 0;
    const payload = toPayload(() => {
      calls += 1;
      return Readable.from(["a", String(calls)]);
    });
    expect(calls).toBe(0);
    expect([payload.replayable, payload.length, payload.contentType]).toEqual([true, undefined, undefined]);
    expect(calls).toBe(1);
    expect([await sent(payload), await sent(payload)]).toEqual(["a1", "a2"]);
    expect(calls).toBe(2);
  });

  test("pass on length and type of what they make", async () => {
    const payload = toPayload(() => new Blob(["abc"], { type: "text/csv" }));
    expect([payload.length, payload.contentType]).toEqual([3, "text/csv"]);
    expect(await sent(payload)).toBe("abc");
    const text = toPayload(() => "abc");
    expect([text.length, text.contentType]).toEqual([3, "text/plain;charset=UTF-8"]);
  });

  test("release what was made and not sent", () => {
    const stream = new PassThrough();
    const payload = toPayload(() => stream);
    expect(payload.length).toBeUndefined();
    payload.discard();
    expect(stream.destroyed).toBe(true);
    payload.discard();
  });

  test("that give a promise, another function or nothing are refused", () => {
    for (const made of [Promise.resolve("x"), Promise.reject(new Error("x")), () => "x", undefined, 42]) {
      const payload = toPayload((() => made) as unknown as BodyInput);
      expect(() => payload.length).toThrow(expect.objectContaining({ code: "body/unknown-kind" }));
    }
  });
});

describe("what is no body", () => {
  test.each([
    [42, "number"],
    [null, "null"],
    [undefined, "undefined"],
    [true, "boolean"],
    [{ a: 1 }, "use json or form"],
    [new Date(0), "Date"],
    [new FormData(), "multipart bodies are for a client"],
    [Object.create(null), "an object"],
  ])("%o is refused by name", (value, hint) => {
    expect(() => toPayload(value as unknown as BodyInput)).toThrow(UsageError);
    expect(() => toPayload(value as unknown as BodyInput)).toThrow(hint);
  });

  test("streams that are over or somebody else's are refused", async () => {
    const locked = new ReadableStream<Uint8Array>();
    locked.getReader();
    const destroyed = new PassThrough();
    destroyed.destroy();
    const ended = Readable.from(["a"]);
    await collect(ended);
    for (const value of [locked, destroyed, ended]) {
      expect(() => toPayload(value)).toThrow(expect.objectContaining({ code: "body/stream-used" }));
    }
  });
});

test("large bodies in memory are not copied", async () => {
  const bytes = noise(1_000_000);
  const [piece] = await collect(toPayload(bytes).open());
  expect(piece).toBe(bytes);
  expect(textOf(utf8("x"))).toBe("x");
});
