import * as zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { acceptEncoding, type ContentCoding, codingsOf, decoderFor } from "../../src/body/content-coding.js";
import { ResponseTooLargeError, UsageError } from "../../src/errors.js";
import { collect, cut, lend, noise, OwnerSpy, SourceSpy, textOf, turn, utf8 } from "./support.js";

type Compress = (bytes: Uint8Array) => Uint8Array;
const zstd = (zlib as { zstdCompressSync?: Compress }).zstdCompressSync;
const raw = (bytes: Uint8Array) => zlib.deflateRawSync(bytes);

const FORMATS: [name: string, coding: ContentCoding, compress: Compress][] = [
  ["gzip", "gzip", (bytes) => zlib.gzipSync(bytes)],
  ["deflate (zlib)", "deflate", (bytes) => zlib.deflateSync(bytes)],
  ["deflate (raw)", "deflate", raw],
  ["br", "br", (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ...(zstd === undefined ? [] : ([["zstd", "zstd", zstd]] as [string, ContentCoding, Compress][])),
];

interface Arriving {
  body: Body;
  source: SourceSpy;
  owner: OwnerSpy;
}

function arriving(codings: readonly ContentCoding[], options: { mark?: number; limits?: object } = {}): Arriving {
  const source = new SourceSpy();
  const owner = new OwnerSpy();
  const body = new Body(source, { highWaterMark: options.mark ?? 64 * 1024 });
  body.decodeWith(decoderFor(codings, options.limits));
  body.ownedBy(owner);
  return { body, source, owner };
}

/** Pushes pieces as a link does: stops when there is no room, goes on when asked, ends. */
function feed({ body, source }: Arriving, pieces: readonly Uint8Array[]): void {
  let next = 0;
  source.onResume = () => {
    while (next < pieces.length) {
      const piece = pieces[next] ?? utf8("");
      next += 1;
      if (!lend(body, piece)) return;
    }
    body.finish([]);
  };
  source.onResume();
}

const text = (size: number) =>
  utf8("The quick brown fox jumps over the lazy dog. ".repeat(Math.ceil(size / 45)).slice(0, size));

describe.each(FORMATS)("%s", (_name, coding, compress) => {
  test("small and complete is decoded at once, without a promise", () => {
    const { body } = arriving([coding]);
    lend(body, compress(utf8("hello")));
    body.finish([]);
    expect(textOf(body.takeWhole() ?? utf8(""))).toBe("hello");
  });

  test("is the same in every way to read it, and at every cut point", async () => {
    const bytes = compress(utf8("hello, world"));
    const ways: ((body: Body) => Promise<string>)[] = [
      (body) => body.text(),
      async (body) => Buffer.concat(await collect(body)).toString(),
      async (body) => (await collect(body.lines())).join("\n"),
    ];
    for (const read of ways) {
      for (let at = 0; at <= bytes.byteLength; at += 1) {
        const { body } = arriving([coding]);
        lend(body, bytes.subarray(0, at));
        const reading = read(body);
        lend(body, bytes.subarray(at));
        await turn();
        body.finish([]);
        expect(await reading, `cut at ${at}`).toBe("hello, world");
      }
    }
  });

  test("large, compressible or not, however it is cut, comes out as it went in", async () => {
    const wholes = [text(300_000), noise(150_000)];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...wholes),
        fc.array(fc.integer({ min: 500, max: 70_000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom(1_000, 65_536, 1 << 24),
        async (whole, sizes, inPieces, mark) => {
          const stream = arriving([coding], { mark });
          feed(stream, cut(compress(whole), sizes));
          const { body } = stream;
          const bytes = inPieces ? Buffer.concat(await collect(body)) : Buffer.from(await body.bytes());
          expect(Buffer.compare(bytes, whole)).toBe(0);
        },
      ),
      { numRuns: 12 },
    );
  });

  test("cut short is an error, at every length and however it is read", async () => {
    const bytes = compress(utf8("hello, world"));
    for (let size = 1; size < bytes.byteLength; size += 1) {
      const complete = arriving([coding]);
      lend(complete.body, bytes.subarray(0, size));
      complete.body.finish([]);
      await expect(complete.body.text(), `${size} bytes`).rejects.toMatchObject({ name: "PayloadError" });
      const streamed = arriving([coding]);
      const reading = collect(streamed.body).catch((reason: unknown) => reason);
      lend(streamed.body, bytes.subarray(0, size));
      await turn();
      streamed.body.finish([]);
      expect(await reading, `${size} bytes, streamed`).toMatchObject({ name: "PayloadError", code: "body/truncated" });
    }
  });

  test("of no bytes is an empty body", async () => {
    for (const read of [(body: Body) => body.text(), async (body: Body) => (await collect(body)).join("")]) {
      const complete = arriving([coding]);
      complete.body.finish([]);
      expect(await read(complete.body)).toBe("");
      const later = arriving([coding]);
      const reading = read(later.body);
      later.body.finish([]);
      expect(await reading).toBe("");
    }
  });

  test("of an empty body is an empty body", async () => {
    const { body } = arriving([coding]);
    const reading = collect(body);
    lend(body, compress(utf8("")));
    await turn();
    body.finish([]);
    expect(await reading).toEqual([]);
  });

  test("shows what has come of it as it comes, not only at its end", async () => {
    const { body } = arriving([coding]);
    const reader = body[Symbol.asyncIterator]();
    const bytes = compress(noise(200_000));
    lend(body, bytes.subarray(0, 150_000));
    const first = await reader.next();
    expect(first.value?.byteLength).toBeGreaterThan(0);
    await reader.return?.();
  });

  test("a bomb is stopped by the limit of a whole body, with little of it unpacked", async () => {
    const bomb = compress(new Uint8Array(50_000_000));
    for (const inPieces of [false, true]) {
      const stream = arriving([coding], { limits: { maxExpansion: Number.POSITIVE_INFINITY } });
      if (!inPieces) feed(stream, [bomb]);
      const reading = stream.body.bytes({ maxBytes: 1_000_000 });
      if (inPieces) feed(stream, cut(bomb, [1_000]));
      await expect(reading).rejects.toMatchObject({ name: "ResponseTooLargeError", code: "body/too-large" });
    }
  });

  test("a bomb that nobody takes stops by itself, within bounds", async () => {
    const stream = arriving([coding], { limits: { maxExpansion: Number.POSITIVE_INFINITY } });
    const reader = stream.body[Symbol.asyncIterator]();
    const waiting = reader.next();
    feed(stream, cut(compress(new Uint8Array(20_000_000)), [16_000]));
    await waiting;
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 50; count += 1) await turn();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    let total = (await waiting).value?.byteLength ?? 0;
    for await (const piece of reader) total += piece.byteLength;
    expect(total).toBe(20_000_000);
  });

  test.each([
    ["at", 100_000, true],
    ["one past", 99_999, false],
    ["off", Number.POSITIVE_INFINITY, true],
  ])("%s the limit of output bytes", async (_case, maxOutputBytes, fits) => {
    const bytes = compress(text(100_000));
    for (const inPieces of [false, true]) {
      const stream = arriving([coding], { limits: { maxOutputBytes } });
      if (!inPieces) feed(stream, [bytes]);
      const reading = collect(stream.body).then(
        (pieces) => Buffer.concat(pieces).byteLength,
        (reason: unknown) => reason,
      );
      if (inPieces) feed(stream, cut(bytes, [100]));
      if (fits) expect(await reading).toBe(100_000);
      else expect(await reading).toMatchObject({ name: "ResponseTooLargeError", code: "body/too-large" });
    }
  });

  test("a body that breaks off gives what could be decoded, then its error", async () => {
    const { body, owner } = arriving([coding]);
    const whole = noise(200_000);
    const bytes = compress(whole);
    const error = new Error("reset");
    const pieces: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of body) pieces.push(piece);
    })();
    const outcome = expect(reading).rejects.toBe(error);
    lend(body, bytes.subarray(0, 190_000));
    body.fail(error);
    await outcome;
    const got = Buffer.concat(pieces);
    expect(got.byteLength).toBeGreaterThan(60_000);
    expect(Buffer.compare(got, whole.subarray(0, got.byteLength))).toBe(0);
    expect(owner.events.filter((event) => event !== "waiting" && event !== "not waiting")).toEqual(["failed"]);
  });
});

describe("what follows the end of the data", () => {
  const gzip = (value: string) => zlib.gzipSync(utf8(value));
  const padding = new Uint8Array(10);

  async function read(coding: ContentCoding, parts: readonly Uint8Array[], mode: "whole" | "parts"): Promise<unknown> {
    const { body } = arriving([coding]);
    if (mode === "whole") lend(body, Buffer.concat(parts));
    const reading = collect(body).then(
      (pieces) => Buffer.concat(pieces).toString(),
      (reason: unknown) => (reason as { code: string }).code,
    );
    for (const part of mode === "parts" ? parts : []) {
      lend(body, part);
      await turn();
      await turn();
    }
    body.finish([]);
    return reading;
  }

  test.each(["whole", "parts"] as const)(
    "gzip (%s): members are joined, zero padding passes, anything else is corrupt",
    async (mode) => {
      expect(await read("gzip", [gzip("one"), gzip("two")], mode)).toBe("onetwo");
      expect(await read("gzip", [gzip("one"), gzip(""), gzip("two"), padding], mode)).toBe("onetwo");
      expect(await read("gzip", [gzip("one"), utf8("garbage!")], mode)).toBe("body/corrupt");
      expect(await read("gzip", [gzip("one"), gzip("two").subarray(0, 12)], mode)).toBe("body/truncated");
    },
  );

  test.each(["whole", "parts"] as const)("deflate, br (%s): the rest is ignored", async (mode) => {
    expect(await read("deflate", [zlib.deflateSync("one"), utf8("garbage!"), noise(70_000)], mode)).toBe("one");
    expect(await read("deflate", [raw(utf8("one")), utf8("garbage!")], mode)).toBe("one");
    expect(await read("br", [zlib.brotliCompressSync("one"), utf8("garbage!"), noise(70_000)], mode)).toBe("one");
  });

  test("a body that breaks off after the end of its data still fails", async () => {
    const { body } = arriving(["br"]);
    const reader = body[Symbol.asyncIterator]();
    const first = reader.next();
    lend(body, zlib.brotliCompressSync("one"));
    expect(textOf((await first).value ?? utf8(""))).toBe("one");
    const end = reader.next();
    lend(body, utf8("rest"));
    await turn();
    const error = new Error("reset");
    body.fail(error);
    await expect(end).rejects.toBe(error);
  });
});

describe("corrupt data", () => {
  test.each(FORMATS.map(([name, coding]) => [name, coding] as const))(
    "%s is refused, complete or not",
    async (_name, coding) => {
      for (const inPieces of [false, true]) {
        const { body, source, owner } = arriving([coding]);
        const junk = new Uint8Array(1_000).fill(0xff);
        if (!inPieces) lend(body, junk);
        const reading = collect(body).catch((reason: unknown) => reason);
        if (inPieces) lend(body, junk);
        expect(await reading).toMatchObject({
          name: "PayloadError",
          code: expect.stringMatching(/^body\/(corrupt|truncated)$/),
        });
        expect(source.calls).toEqual(["cancel"]);
        expect(owner.events.at(-1)).toBe("cancelled");
      }
    },
  );
});

describe("several codings", () => {
  const nested = (whole: Uint8Array) => zlib.gzipSync(zlib.brotliCompressSync(zlib.deflateSync(whole)));
  const codings = codingsOf("deflate, br, gzip");

  test("are undone last first, at once or streaming", async () => {
    const small = arriving(codings);
    lend(small.body, nested(utf8("hello")));
    small.body.finish([]);
    expect(textOf(small.body.takeWhole() ?? utf8(""))).toBe("hello");
    for (const whole of [noise(300_000), text(3_000_000)]) {
      const stream = arriving(codings, { mark: 10_000 });
      const reading = collect(stream.body);
      feed(stream, cut(nested(whole), [30_000, 500]));
      expect(Buffer.compare(Buffer.concat(await reading), whole)).toBe(0);
    }
  });

  test("a body cut short in an outer coding is refused, also when the inner one has ended", async () => {
    // Stored, not compressed: the last bytes of the outer data have nothing more for the inner coding.
    const inner = zlib.gzipSync(utf8("hello"));
    const outer = zlib.gzipSync(inner, { level: 0 });
    for (let missing = 1; missing <= 8; missing += 1) {
      const short = outer.subarray(0, -missing);
      for (const sizes of [[short.byteLength], [1], [7]]) {
        const stream = arriving(["gzip", "gzip"]);
        const reading = collect(stream.body);
        feed(stream, cut(short, sizes));
        await expect(reading, `${missing} missing`).rejects.toMatchObject({ code: "body/truncated" });
      }
    }
  });

  test("what an outer coding holds beyond the inner one's end is let by, and has to be well formed", async () => {
    const inner = Buffer.concat([zlib.deflateSync(utf8("hello")), noise(200_000)]);
    const whole = zlib.gzipSync(inner);
    const stream = arriving(["deflate", "gzip"]);
    const reading = collect(stream.body);
    feed(stream, cut(whole, [1_000]));
    expect(Buffer.concat(await reading).toString()).toBe("hello");
    const spoilt = new Uint8Array(whole);
    spoilt.set([(spoilt.at(-6) ?? 0) ^ 1], spoilt.byteLength - 6);
    const broken = arriving(["deflate", "gzip"]);
    const refused = collect(broken.body);
    feed(broken, cut(spoilt, [1_000]));
    await expect(refused).rejects.toMatchObject({ code: "body/corrupt" });
  });

  test("a connection that breaks after the inner coding's end is told of", async () => {
    const outer = zlib.gzipSync(zlib.gzipSync(utf8("hello")), { level: 0 });
    const stream = arriving(["gzip", "gzip"]);
    const reading = collect(stream.body);
    lend(stream.body, outer.subarray(0, -4));
    await turn();
    const gone = new Error("gone");
    stream.body.fail(gone);
    await expect(reading).rejects.toBe(gone);
  });

  test("are stopped when together they expand beyond the ratio", async () => {
    const bomb = zlib.gzipSync(zlib.gzipSync(new Uint8Array(30_000_000)));
    expect(bomb.byteLength).toBeLessThan(5_000);
    for (const inPieces of [false, true]) {
      const stream = arriving(["gzip", "gzip"]);
      if (!inPieces) feed(stream, [bomb]);
      const reading = stream.body.text();
      if (inPieces) feed(stream, cut(bomb, [50]));
      await expect(reading).rejects.toMatchObject({ name: "ResponseTooLargeError", code: "body/expansion" });
    }
  });

  test("are stopped even if it is an inner one that expands, to nothing in the end", async () => {
    const empty = zlib.gzipSync(utf8(""));
    const members = Buffer.alloc(17 * (1 << 20), empty);
    const strict = arriving(["gzip", "gzip"], { limits: { maxExpansion: 100 } });
    const refused = strict.body.text();
    feed(strict, [zlib.gzipSync(members)]);
    await expect(refused).rejects.toMatchObject({ code: "body/expansion" });
  });
});

describe("the expansion guard", () => {
  test("lets pass whatever one layer of deflate can do", async () => {
    const stream = arriving(["gzip"]);
    const reading = stream.body.bytes();
    feed(stream, cut(zlib.gzipSync(new Uint8Array(20_000_000), { level: 9 }), [500]));
    expect((await reading).byteLength).toBe(20_000_000);
  });

  test.each([
    ["at", 0, true],
    ["one past", 1, false],
    ["off", undefined, true],
  ])("%s the ratio, beyond the first 16 MiB", async (_name, past, fits) => {
    const whole = new Uint8Array(20_000_000);
    const coded = zlib.gzipSync(whole);
    const exact = whole.byteLength / coded.byteLength;
    const maxExpansion = past === undefined ? Number.POSITIVE_INFINITY : (whole.byteLength - past) / coded.byteLength;
    expect(exact).toBeGreaterThan(900);
    const stream = arriving(["gzip"], { limits: { maxExpansion } });
    feed(stream, [coded]);
    const reading = stream.body.bytes();
    if (fits) expect((await reading).byteLength).toBe(20_000_000);
    else await expect(reading).rejects.toThrow(ResponseTooLargeError);
  });

  test("does not look at the first 16 MiB", async () => {
    const { body } = arriving(["gzip"], { limits: { maxExpansion: 1 } });
    lend(body, zlib.gzipSync(new Uint8Array(16 << 20)));
    body.finish([]);
    let total = 0;
    for await (const piece of body) total += piece.byteLength;
    expect(total).toBe(16 << 20);
  });
});

describe("flow control", () => {
  test("a coded body that nobody reads stops its source at the mark, undecoded", () => {
    const { body, source } = arriving(["gzip"], { mark: 1_000 });
    expect(lend(body, zlib.gzipSync(noise(900)))).toBe(true);
    expect(lend(body, noise(900))).toBe(false);
    expect(source.calls).toEqual([]);
  });

  test("a reader of the whole gets it however low the mark is", async () => {
    const stream = arriving(["gzip"], { mark: 0 });
    const reading = stream.body.text();
    feed(stream, cut(zlib.gzipSync(noise(30_000)), [1_000]));
    await reading;
    const early = arriving(["gzip"], { mark: 0 });
    feed(early, cut(zlib.gzipSync(utf8("hello")), [3]));
    expect(await early.body.text()).toBe("hello");
  });

  test("a slow reader holds back a source whose bytes grow", async () => {
    const stream = arriving(["gzip"], { mark: 50_000 });
    const reader = stream.body[Symbol.asyncIterator]();
    const first = reader.next();
    const coded = zlib.gzipSync(text(30_000_000));
    feed(stream, cut(coded, [2_000]));
    await first;
    for (let count = 0; count < 20; count += 1) await turn();
    expect(stream.body.bytesReceived).toBeLessThan(coded.byteLength);
    let total = (await first).value?.byteLength ?? 0;
    for await (const piece of reader) total += piece.byteLength;
    expect(total).toBe(30_000_000);
  });

  test("bytes that grow after they were pushed stop the source, and taking them starts it again", async () => {
    const { body, source } = arriving(["gzip"], { mark: 1_000 });
    const reader = body[Symbol.asyncIterator]();
    const first = reader.next();
    const coded = zlib.gzipSync(new Uint8Array(500_000));
    expect(lend(body, coded.subarray(0, 500))).toBe(true);
    await first;
    while (source.calls.length === 0) await turn();
    expect(source.calls).toEqual(["pause"]);
    while (source.calls.length < 2) await reader.next();
    expect(source.calls).toEqual(["pause", "resume"]);
    await reader.return?.();
  });

  test("discarding a coded body does not decode it", async () => {
    const { body } = arriving(["gzip"]);
    lend(body, noise(10));
    const discarded = body.discard();
    lend(body, noise(100_000));
    body.finish([]);
    await discarded;
    expect(body.complete).toBe(true);
  });

  test("cancelling in the middle of decoding ends the reader and leaves nothing running", async () => {
    const stream = arriving(["br", "gzip"]);
    const reading = collect(stream.body).catch((reason: unknown) => reason);
    feed(stream, cut(zlib.gzipSync(zlib.brotliCompressSync(noise(500_000))), [10_000]));
    await turn();
    const reason = new Error("enough");
    stream.body.cancel(reason);
    expect(await reading).toBe(reason);
    await turn();
  });

  test("a decoder cannot be added late, or twice", () => {
    const body = new Body(new SourceSpy());
    body.decodeWith(decoderFor(["gzip"]));
    expect(() => body.decodeWith(decoderFor(["gzip"]))).toThrow(UsageError);
    const begun = new Body(new SourceSpy());
    lend(begun, utf8("a"));
    expect(() => begun.decodeWith(decoderFor(["gzip"]))).toThrow("the body has begun");
  });
});

describe("codingsOf", () => {
  test.each([
    ["gzip", ["gzip"]],
    ["GZip", ["gzip"]],
    ["x-gzip", ["gzip"]],
    ["deflate , br", ["deflate", "br"]],
    ["identity", []],
    ["", []],
    [", gzip,,identity", ["gzip"]],
    ["gzip, gzip, gzip, gzip, gzip", ["gzip", "gzip", "gzip", "gzip", "gzip"]],
  ])("%j is %j", (field, codings) => {
    expect(codingsOf(field)).toEqual(codings);
  });

  test("refuses what it does not know, and more than five", () => {
    expect(() => codingsOf("compress")).toThrow('content coding "compress" is not known');
    expect(() => codingsOf("gzip, constructor")).toThrow("is not known");
    expect(() => codingsOf("gzip, gzip, gzip, gzip, gzip, gzip")).toThrow("more than 5 content codings");
  });
});

test("acceptEncoding names what can be undone here", () => {
  expect(acceptEncoding()).toBe(zstd === undefined ? "gzip, deflate, br" : "gzip, deflate, br, zstd");
  expect(codingsOf(acceptEncoding())).toHaveLength(zstd === undefined ? 3 : 4);
});

test("a coding whose first byte comes alone is told apart by the second", async () => {
  for (const coded of [zlib.deflateSync("hello"), raw(utf8("hello"))]) {
    const { body } = arriving(["deflate"]);
    const reading = collect(body);
    for (const piece of cut(coded, [1])) {
      lend(body, piece);
      await turn();
    }
    body.finish([]);
    expect((await reading).map(textOf).join("")).toBe("hello");
  }
});
