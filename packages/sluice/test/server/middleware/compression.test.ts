import { once } from "node:events";
import zlib from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ContentCoding } from "../../../src/body/content-coding.js";
import { TrailedPayload } from "../../../src/body/sending/trailed-payload.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { CodingChoices } from "../../../src/server/middleware/compressing/coding-choice.js";
import { CompressibleTypes, DEFAULT_TYPES } from "../../../src/server/middleware/compressing/compressible-types.js";
import type { CompressionOptions } from "../../../src/server/middleware/compressing/options.js";
import { compression } from "../../../src/server/middleware/compression.js";
import type { Handler } from "../../../src/server/middleware-chain.js";
import { Reply } from "../../../src/server/reply.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { FakeExchange } from "../fake-exchange.js";
import { RawClient } from "../raw-client.js";

afterEach(() => {
  vi.restoreAllMocks();
});

const HAS_ZSTD = process.versions["zstd"] !== undefined;
const TEXT = "All work and no play makes Jack a dull boy. ".repeat(60);
const DECODERS: Record<string, (coded: Uint8Array) => Uint8Array> = {
  gzip: (coded) => zlib.gunzipSync(coded),
  deflate: (coded) => zlib.inflateSync(coded),
  br: (coded) => zlib.brotliDecompressSync(coded),
  zstd: (coded) => (zlib as unknown as { zstdDecompressSync(coded: Uint8Array): Uint8Array }).zstdDecompressSync(coded),
};

interface Asked {
  readonly accept?: string | undefined;
  readonly method?: string;
  readonly options?: CompressionOptions;
  readonly target?: string;
}

/** What a client that decodes sees, and what was on the wire. */
async function askFor(handler: Handler, { accept = "gzip", method = "GET", options = {}, target = "/" }: Asked = {}) {
  const app = new Application({ onError: () => undefined });
  app.use(compression(options));
  app.get("/", handler);
  const fields = accept === "none" ? [] : ["Accept-Encoding", accept];
  return read(await app.dispatch(new FakeExchange(method, target, { fields })));
}

async function read(answer: Reply) {
  const pieces: Uint8Array[] = [];
  if (answer.payload !== undefined) for await (const piece of answer.payload.open()) pieces.push(piece.slice());
  const wire = Buffer.concat(pieces);
  const coding = answer.headers.get("content-encoding");
  return {
    status: answer.status,
    coding,
    vary: answer.headers.get("vary"),
    headers: answer.headers,
    length: answer.payload?.length,
    wireBytes: wire.byteLength,
    text: Buffer.from(coding === null ? wire : (DECODERS[coding]?.(wire) ?? "")).toString("utf8"),
    answer,
  };
}

describe("which coding", () => {
  const all = HAS_ZSTD ? ["br", "zstd", "gzip", "deflate"] : ["br", "gzip", "deflate"];

  test.each(all)("%s, if it is asked for, and it can be undone", async (coding) => {
    const { text, coding: applied, vary, length, wireBytes } = await askFor(() => TEXT, { accept: coding });
    expect([applied, vary, text]).toEqual([coding, "Accept-Encoding", TEXT]);
    expect(length).toBe(wireBytes);
    expect(wireBytes).toBeLessThan(TEXT.length / 4);
  });

  test.each<[string, string | null]>([
    ["gzip, deflate, br", "br"],
    ["gzip;q=1.0, br;q=0.5", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["deflate;q=0.9, gzip;q=0.8, br;q=0.001", "deflate"],
    ["*", "br"],
    ["*;q=0.5, br;q=0", HAS_ZSTD ? "zstd" : "gzip"],
    ["identity, *;q=0", null],
    ["identity;q=1, gzip;q=0.5", null],
    ["GZip", "gzip"],
    ["x-gzip", "gzip"],
    ["compress, sdch", null],
    ["gzip;q=0", null],
    ["gzip;q=2", null],
    ["", null],
    ["none", null],
  ])("Accept-Encoding: %s is answered in %s, and Vary says so always", async (accept, coding) => {
    const answer = await askFor(() => TEXT, { accept });
    expect(answer.coding).toBe(coding);
    expect(answer.vary).toBe("Accept-Encoding");
    expect(answer.text).toBe(TEXT);
  });

  test("the order of codings decides among those that are liked equally; others are not used", async () => {
    const options: CompressionOptions = { codings: ["deflate", "gzip"] };
    expect((await askFor(() => TEXT, { accept: "br, gzip, deflate", options })).coding).toBe("deflate");
    expect((await askFor(() => TEXT, { accept: "br", options })).coding).toBeNull();
  });

  test("identity;q=0 has even small and dense things coded; where nothing is left, it is the plain body after all", async () => {
    const small = () => "x".repeat(500);
    expect((await askFor(small, { accept: "gzip, identity;q=0" })).coding).toBe("gzip");
    const image = () => reply.bytes(Buffer.alloc(500), { type: "image/png" });
    expect((await askFor(image, { accept: "gzip, *;q=0" })).coding).toBe("gzip");
    expect(await askFor(() => TEXT, { accept: "identity;q=0" })).toMatchObject({
      status: 200,
      coding: null,
      text: TEXT,
    });
    expect(await askFor(() => TEXT, { accept: "*;q=0" })).toMatchObject({ status: 200, coding: null });
  });

  test("what clients make up does not pile up", () => {
    const choices = new CodingChoices(["gzip"]);
    for (let index = 0; index < 10_000; index += 1) {
      expect(choices.of(`gzip, x${index}`).coding).toBe("gzip");
    }
    expect(choices.size).toBeLessThanOrEqual(64);
    expect(choices.of("gzip")).toEqual({ coding: "gzip", identityRefused: false });
  });
});

describe("which answers", () => {
  test("from the threshold on: 1,024 bytes, or another; smaller ones are left alone entirely", async () => {
    expect(await askFor(() => "x".repeat(1_024))).toMatchObject({ coding: "gzip", vary: "Accept-Encoding" });
    expect(await askFor(() => "x".repeat(1_023))).toMatchObject({ coding: null, vary: null });
    expect((await askFor(() => "x".repeat(200), { options: { threshold: 200 } })).coding).toBe("gzip");
    expect((await askFor(() => "x".repeat(199), { options: { threshold: 200 } })).coding).toBeNull();
    expect(
      (await askFor(() => "x".repeat(5_000), { options: { threshold: Number.POSITIVE_INFINITY } })).coding,
    ).toBeNull();
    expect((await askFor(() => "", { options: { threshold: 0 } })).coding).toBeNull();
    expect((await askFor(() => "é".repeat(512))).coding).toBe("gzip");
  });

  test.each<[string, boolean]>([
    ["text/html; charset=utf-8", true],
    ["TEXT/CSS", true],
    ["application/json", true],
    ["application/problem+json", true],
    ["application/vnd.api+json; version=1", true],
    ["image/svg+xml", true],
    ["application/wasm", true],
    ["font/ttf", true],
    ["text/event-stream", false],
    ["image/png", false],
    ["video/mp4", false],
    ["font/woff2", false],
    ["application/zip", false],
    ["application/octet-stream", false],
    ["multipart/byteranges; boundary=x", false],
    ["nonsense", false],
    ["", false],
  ])("type %s: %s", async (type, coded) => {
    expect(new CompressibleTypes(DEFAULT_TYPES).has(type)).toBe(coded);
    if (type === "") return;
    const answer = await askFor(() => reply.bytes(Buffer.from(TEXT), { type }));
    expect(answer).toMatchObject({ coding: coded ? "gzip" : null, vary: coded ? "Accept-Encoding" : null });
  });

  test("types of one's own are those and no others", () => {
    const types = new CompressibleTypes(["image/*", "*+cbor", "text/event-stream"]);
    const asked = ["image/png", "application/x+cbor", "text/event-stream", "text/plain", "x+cbor/y"];
    expect(asked.map((type) => types.has(type))).toEqual([true, true, true, false, false]);
  });

  test("without a type, nobody knows", async () => {
    expect((await askFor(() => new Reply(200, [], reply.text(TEXT).payload))).coding).toBeNull();
  });

  test.each<[string, Record<string, string>]>([
    ["coded already", { "Content-Encoding": "x-own" }],
    ["said to be as it is", { "Content-Encoding": "identity" }],
    ["not to be transformed", { "Cache-Control": "public, no-transform" }],
    ["a part", { "Content-Range": "bytes 0-9/100" }],
    ["digested", { "Content-Digest": "sha-256=:abc=:" }],
    ["digested in the old way", { "Content-MD5": "abc" }],
  ])("never one that is %s", async (_name, headers) => {
    const answer = await askFor(() => reply.text(TEXT, { headers }));
    expect(answer.coding).toBe(headers["Content-Encoding"] ?? null);
    expect(answer.wireBytes).toBe(TEXT.length);
    expect(answer.vary).toBeNull();
  });

  test("only a directive is no-transform", async () => {
    const headers = { "Cache-Control": 'x="a,no-transform-b"' };
    expect((await askFor(() => reply.text(TEXT, { headers }))).coding).toBe("gzip");
  });

  test.each([204, 205, 206, 304])("never a %i", async (status) => {
    const made = () => new Reply(status, ["Content-Type", "text/plain"], reply.text(TEXT).payload);
    expect((await askFor(made)).coding).toBeNull();
  });

  test("never twice, by two uses of it", async () => {
    const app = new Application();
    app.use(compression(), compression());
    app.get("/", [compression()], () => TEXT);
    const fields = ["Accept-Encoding", "gzip, br"];
    const answer = await read(await app.dispatch(new FakeExchange("GET", "/", { fields })));
    expect([answer.coding, answer.text, answer.vary]).toEqual(["br", TEXT, "Accept-Encoding"]);
  });

  test("never one that would become larger", async () => {
    const noise = Buffer.from(
      Array.from({ length: 2_000 }, (_, index) => (index * index * 7_919 + (index << 3)) % 251),
    );
    const dense = zlib.brotliCompressSync(Buffer.from(TEXT + noise.toString("hex")));
    const answer = await askFor(() => reply.bytes(dense, { type: "text/plain" }), { options: { threshold: 0 } });
    expect(answer).toMatchObject({ coding: null, wireBytes: dense.byteLength, vary: "Accept-Encoding" });
  });

  test("not what skip names", async () => {
    const skip = vi.fn(({ path }: { path: string }, answer: Reply) => path === "/" && answer.status === 200);
    expect(await askFor(() => TEXT, { options: { skip } })).toMatchObject({ coding: null, vary: null });
    expect(skip).toHaveBeenCalledOnce();
  });

  test("errors, too: those that are thrown, and those that are returned", async () => {
    const thrown = await askFor(() => {
      throw new HttpError(422, "Many things are wrong", { details: { errors: TEXT } });
    });
    expect(thrown).toMatchObject({ status: 422, coding: "gzip", vary: "Accept, Accept-Encoding" });
    expect(JSON.parse(thrown.text)).toMatchObject({ status: 422, errors: TEXT });
    expect((await askFor(() => reply.text(TEXT, { status: 500 }))).coding).toBe("gzip");
    expect(await askFor(() => TEXT, { target: "/nowhere" })).toMatchObject({ status: 404, coding: null });
  });
});

describe("what else an answer says", () => {
  test("a strong tag becomes weak, a weak one stays; lengths and ranges of the plain body go", async () => {
    const headers = { ETag: '"abc"', "Content-Length": String(TEXT.length), "Accept-Ranges": "bytes", Vary: "Origin" };
    const coded = await askFor(() => reply.text(TEXT, { headers }));
    expect(coded.headers.get("etag")).toBe('W/"abc"');
    expect(coded.headers.get("content-length")).toBeNull();
    expect(coded.headers.get("accept-ranges")).toBeNull();
    expect(coded.vary).toBe("Origin, Accept-Encoding");
    const weak = await askFor(() => reply.text(TEXT, { headers: { ETag: 'W/"abc"' } }));
    expect(weak.headers.get("etag")).toBe('W/"abc"');
    const plain = await askFor(() => reply.text(TEXT, { headers }), { accept: "identity" });
    expect([plain.headers.get("etag"), plain.headers.get("accept-ranges")]).toEqual(['"abc"', "bytes"]);
  });

  test("a 304 has the tag and the Vary that the 200 would have", async () => {
    const made = (type: readonly string[]) => () => new Reply(304, ["ETag", '"abc"', ...type]);
    const coded = await askFor(made(["Content-Type", "text/css"]));
    expect([coded.headers.get("etag"), coded.vary]).toEqual(['W/"abc"', "Accept-Encoding"]);
    const unknown = await askFor(made([]));
    expect([unknown.headers.get("etag"), unknown.vary]).toEqual(['W/"abc"', "Accept-Encoding"]);
    const image = await askFor(made(["Content-Type", "image/png"]));
    expect([image.headers.get("etag"), image.vary]).toEqual(['"abc"', null]);
    const plain = await askFor(made([]), { accept: "identity" });
    expect([plain.headers.get("etag"), plain.vary]).toEqual(['"abc"', "Accept-Encoding"]);
  });

  test.each([2_000, 50_000, 2_000_000])("an answer to HEAD is that to GET (%i bytes)", async (bytes) => {
    const handler = () => reply.text("y".repeat(bytes), { headers: { ETag: '"t"' } });
    const [get, head] = [await askFor(handler), await askFor(handler, { method: "HEAD" })];
    expect([...head.headers]).toEqual([...get.headers]);
    expect(head.length).toBe(get.length);
    expect(get.coding).toBe("gzip");
  });
});

describe("how it is done", () => {
  test.each<[number, boolean, boolean]>([
    [16 * 1024, true, false],
    [16 * 1024 + 1, false, false],
    [1024 * 1024, false, false],
    [1024 * 1024 + 1, false, true],
  ])("of %i bytes in memory: at once %s, streamed %s", async (bytes, atOnce, streamed) => {
    const [sync, later, open] = [vi.spyOn(zlib, "gzipSync"), vi.spyOn(zlib, "gzip"), vi.spyOn(zlib, "createGzip")];
    const { text, length } = await askFor(() => "z".repeat(bytes));
    expect(text.length).toBe(bytes);
    expect([sync.mock.calls.length, later.mock.calls.length, open.mock.calls.length]).toEqual([
      atOnce ? 1 : 0,
      atOnce || streamed ? 0 : 1,
      streamed ? 1 : 0,
    ]);
    expect(length === undefined).toBe(streamed);
  });

  test("levels are those one gives, or ours", async () => {
    const [sync, br] = [vi.spyOn(zlib, "gzipSync"), vi.spyOn(zlib, "brotliCompressSync")];
    await askFor(() => TEXT, { options: { levels: { gzip: 1 } } });
    await askFor(() => TEXT);
    await askFor(() => TEXT, { accept: "br" });
    expect(sync.mock.calls.map(([, options]) => options)).toEqual([{ level: 1 }, { level: 6 }]);
    expect(br.mock.calls[0]?.[1]).toEqual({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } });
  });

  const streamedCodings: ContentCoding[] = HAS_ZSTD ? ["gzip", "deflate", "br", "zstd"] : ["gzip", "deflate", "br"];

  test.each(streamedCodings)("a stream is coded as it comes (%s), in chunks, trailers included", async (accept) => {
    const trailers = { names: ["X-Sum"], make: () => ["X-Sum", "1"] };
    const { text, length, coding, answer } = await askFor(
      () => {
        const made = reply.stream(
          (async function* () {
            for (let index = 0; index < 40; index += 1) yield TEXT;
          })(),
          { type: "text/plain" },
        );
        if (made.payload !== undefined) made.payload = new TrailedPayload(made.payload, trailers);
        return made;
      },
      { accept },
    );
    expect([coding, length, text]).toEqual([accept, undefined, TEXT.repeat(40)]);
    expect(answer.payload?.trailers).toBe(trailers);
  });

  test("a source that fails fails the answer with its own error", async () => {
    const app = new Application();
    app.use(compression());
    app.get("/", () =>
      reply.stream(
        (async function* () {
          yield TEXT;
          throw new RangeError("broken");
        })(),
        { type: "text/plain" },
      ),
    );
    const made = await app.dispatch(new FakeExchange("GET", "/", { fields: ["Accept-Encoding", "gzip"] }));
    await expect(read(made)).rejects.toThrow(new RangeError("broken"));
  });
});

describe("on the wire", () => {
  /** A server, one client of it, and the zlib streams that were made. */
  async function serve(handler: Handler, options: CompressionOptions = {}) {
    const app = new Application({ onError: () => undefined });
    app.use(compression(options));
    app.get("/", handler);
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    const streams: zlib.Gzip[] = [];
    const createGzip = zlib.createGzip;
    vi.spyOn(zlib, "createGzip").mockImplementation((given) => {
      const stream = createGzip(given);
      streams.push(stream);
      return stream;
    });
    const client = await RawClient.to(server);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    const end = async () => {
      client.socket.destroy();
      await server.close({ grace: 0 });
    };
    return { client, streams, end };
  }

  /** What can be decoded of an answer that is not over. */
  function decodedSoFar(received: string): string {
    const chunks: Buffer[] = [];
    let rest = received.slice(received.indexOf("\r\n\r\n") + 4);
    for (let size = /^([0-9a-f]+)\r\n/.exec(rest); size !== null; size = /^([0-9a-f]+)\r\n/.exec(rest)) {
      const bytes = Number.parseInt(size[1] ?? "", 16);
      chunks.push(Buffer.from(rest.slice(size[0].length, size[0].length + bytes), "latin1"));
      rest = rest.slice(size[0].length + bytes + 2);
    }
    return zlib.gunzipSync(Buffer.concat(chunks), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString("utf8");
  }

  test.each(["text/plain", "text/event-stream"])(
    "what a source of %s has given is with the client while the source waits",
    async (type) => {
      const gates = [gate(), gate()];
      const { client, end } = await serve(
        () =>
          reply.stream(
            (async function* () {
              for (const [index, { opened }] of gates.entries()) {
                yield `data: ${index}\n\n`;
                await opened;
              }
              yield "data: end\n\n";
            })(),
            { type },
          ),
        { types: ["text/plain", "text/event-stream"] },
      );
      const has = (text: string) =>
        client.until(({ received }) => received.includes("\r\n\r\n") && tried(received) === text);
      const tried = (received: string): string => {
        try {
          return decodedSoFar(received);
        } catch {
          return "";
        }
      };
      await has("data: 0\n\n");
      gates[0]?.open();
      await has("data: 0\n\ndata: 1\n\n");
      gates[1]?.open();
      await has("data: 0\n\ndata: 1\n\ndata: end\n\n");
      await client.until(({ received }) => received.endsWith("0\r\n\r\n"));
      await end();
    },
  );

  test("a client that goes away leaves nothing: source ended, compressor destroyed", async () => {
    const ended = gate();
    const { client, streams, end } = await serve(() =>
      reply.stream(
        (async function* () {
          try {
            for (;;) {
              yield TEXT;
              await new Promise((resolve) => setTimeout(resolve, 2));
            }
          } finally {
            ended.open();
          }
        })(),
        { type: "text/plain" },
      ),
    );
    await client.until(({ received }) => received.length > 500);
    client.socket.destroy();
    await ended.opened;
    expect(streams).toHaveLength(1);
    for (const stream of streams) {
      if (!stream.closed) await once(stream, "close");
      expect(stream.destroyed).toBe(true);
    }
    await end();
  });

  test("also when the source hangs, and does not end by itself", async () => {
    const open = vi.spyOn(zlib, "createGzip");
    let returned = 0;
    const hanging: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => hanging,
      next: vi
        .fn(() => new Promise<never>(() => undefined))
        .mockResolvedValueOnce({ value: TEXT, done: false } as never),
      return: async () => {
        returned += 1;
        return { value: undefined, done: true };
      },
    };
    const app = new Application();
    app.use(compression());
    app.get("/", () => reply.stream(hanging, { type: "text/plain" }));
    const made = await app.dispatch(new FakeExchange("GET", "/", { fields: ["Accept-Encoding", "gzip"] }));
    const pieces = made.payload?.open()[Symbol.asyncIterator]();
    expect((await pieces?.next())?.done).toBe(false);
    await pieces?.return?.();
    expect(returned).toBe(1);
    expect(open.mock.results[0]?.value).toMatchObject({ destroyed: true });
  });

  test("a client that does not read holds up the source", async () => {
    let pulled = 0;
    const noise = Buffer.from(Array.from({ length: 64 * 1024 }, () => Math.floor(Math.random() * 256)));
    const { client, end } = await serve(() =>
      reply.stream(
        (async function* () {
          for (;;) {
            pulled += 1;
            yield noise;
          }
        })(),
        { type: "text/plain" },
      ),
    );
    client.socket.pause();
    let before = -1;
    // Until nothing has been pulled for a while.
    while (before !== pulled) {
      before = pulled;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(pulled * noise.byteLength).toBeLessThan(64 * 1024 * 1024);
    await end();
  });
});

test.each<[string, object, string]>([
  ["a coding that there is not", { codings: ["lzma"] }, "options/unknown-value"],
  ["a level out of range", { levels: { gzip: 10 } }, "options/out-of-range"],
  ["half a level", { levels: { br: 1.5 } }, "options/out-of-range"],
  ["a level of no coding", { levels: { lzma: 1 } }, "options/unknown"],
  ["a threshold below zero", { threshold: -1 }, "options/out-of-range"],
  ["a type that is none", { types: ["text"] }, "options/unknown-value"],
  ["a skip that is no function", { skip: true }, "options/unknown-value"],
  ["unknown options", { level: 6 }, "options/unknown"],
])("compression refuses %s", (_name, options, code) => {
  expect(() => compression(options as CompressionOptions)).toThrow(expect.objectContaining({ code }));
});

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
