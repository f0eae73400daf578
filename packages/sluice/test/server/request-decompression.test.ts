import { once } from "node:events";
import { connect } from "node:net";
import * as zlib from "node:zlib";
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import type { Server } from "../../src/server/server.js";
import { ask } from "./fake-exchange.js";

const TEXT = "hello, hello, hello ".repeat(50);
const NO_SOURCE = { pause() {}, resume() {}, cancel() {} };
const zstd = (zlib as { zstdCompressSync?: (plain: Uint8Array) => Uint8Array }).zstdCompressSync;

const CODED: [string, Uint8Array][] = [
  ["gzip", gzipSync(TEXT)],
  ["x-gzip", gzipSync(TEXT)],
  ["GZIP", gzipSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ["identity", Buffer.from(TEXT)],
  ...(zstd === undefined ? [] : [["zstd", zstd(Buffer.from(TEXT))] as [string, Uint8Array]]),
];

function arriving(bytes: Uint8Array, size: number): Body {
  const body = new Body(NO_SOURCE);
  const feed = async () => {
    for (let at = 0; at < bytes.length; at += size) {
      await new Promise((resolve) => setImmediate(resolve));
      body.push(bytes.subarray(at, at + size), true);
    }
    body.finish([]);
  };
  void feed();
  return body;
}

async function post(
  read: (request: ServerRequest) => Promise<unknown>,
  body: Uint8Array | Body,
  coding: string,
  options: ApplicationOptions = {},
) {
  const app = new Application({ onError: () => undefined, ...options });
  app.post("/", async (request) => ({ read: await read(request) }));
  const declared = body instanceof Body ? [] : ["Content-Length", String(body.length)];
  const given = { body, fields: ["Content-Encoding", coding, ...declared] };
  const { status, headers, text } = await ask(app.dispatch, "POST", "/", given);
  return { status, headers, read: JSON.parse(text).read, detail: JSON.parse(text).detail };
}

const text = (request: ServerRequest) => request.text();
const streamed = async (request: ServerRequest, maxSize?: number) => {
  let length = 0;
  for await (const piece of request.stream(maxSize === undefined ? {} : { maxSize })) length += piece.length;
  return length;
};

describe("a body with a content coding", () => {
  test.each(CODED)("%s is read decoded, whole or in pieces, here already or later", async (coding, bytes) => {
    expect((await post(text, bytes, coding)).read).toBe(TEXT);
    expect((await post((request) => streamed(request), bytes, coding)).read).toBe(TEXT.length);
    for (const size of [1, 7, bytes.length]) {
      expect((await post(text, arriving(bytes, size), coding)).read).toBe(TEXT);
      expect((await post((request) => streamed(request), arriving(bytes, size), coding)).read).toBe(TEXT.length);
    }
  });

  test("is decoded once, and kept: text after bytes, both the same", async () => {
    const both = async (request: ServerRequest) => [(await request.bytes()).length, (await request.text()).length];
    expect((await post(both, gzipSync(TEXT), "gzip")).read).toEqual([TEXT.length, TEXT.length]);
  });

  test("without any bytes is empty", async () => {
    expect((await post(text, new Uint8Array(0), "gzip")).read).toBe("");
  });

  test.each(["compress", "aes128gcm", "gzip, compress"])("%s is 415 with what is accepted", async (coding) => {
    const { status, headers } = await post(text, gzipSync(TEXT), coding);
    expect([status, headers["accept-encoding"]]).toEqual([415, expect.stringMatching(/^gzip, deflate, br/)]);
  });

  test("six codings are refused, five are undone", async () => {
    let bytes: Uint8Array = Buffer.from(TEXT);
    for (let count = 0; count < 5; count += 1) bytes = gzipSync(bytes);
    expect((await post(text, bytes, "gzip, gzip, gzip, gzip, gzip")).read).toBe(TEXT);
    expect((await post(text, gzipSync(bytes), "gzip, gzip, gzip, gzip, gzip, gzip")).status).toBe(415);
  });

  test("of which only some are wanted, is 415 for the others", async () => {
    const options: ApplicationOptions = { decompress: { codings: ["br"] } };
    expect((await post(text, brotliCompressSync(TEXT), "br", options)).read).toBe(TEXT);
    const { status, headers } = await post(text, gzipSync(TEXT), "gzip", options);
    expect([status, headers["accept-encoding"]]).toEqual([415, "br"]);
  });

  test("that is corrupt or cut short is 400", async () => {
    const whole = gzipSync(TEXT);
    expect((await post(text, whole.subarray(0, -4), "gzip")).status).toBe(400);
    expect((await post(text, Buffer.from("no gzip at all"), "gzip")).status).toBe(400);
    expect((await post((request) => streamed(request), arriving(whole.subarray(0, -4), 9), "gzip")).status).toBe(400);
  });

  test("is counted decoded: at the limit 200, one past 413", async () => {
    const bytes = gzipSync(TEXT);
    for (const reader of [text, (request: ServerRequest) => streamed(request)]) {
      expect((await post(reader, bytes, "gzip", { maxBodySize: TEXT.length })).status).toBe(200);
      expect((await post(reader, bytes, "gzip", { maxBodySize: TEXT.length - 1 })).status).toBe(413);
      expect((await post(reader, arriving(bytes, 5), "gzip", { maxBodySize: TEXT.length - 1 })).status).toBe(413);
    }
  });

  test("is counted coded, too: members that stand for nothing do not come in for ever", async () => {
    const nothing = gzipSync("");
    const members = Buffer.concat(new Array(200).fill(nothing));
    const limit = { maxBodySize: 100 };
    expect((await post(text, arriving(members, 64), "gzip", limit)).status).toBe(413);
    expect((await post((request) => streamed(request), arriving(members, 64), "gzip", limit)).status).toBe(413);
    expect((await post(text, members, "gzip")).read).toBe("");
  });

  test("stays as it came for who takes the body itself", async () => {
    const raw = async (request: ServerRequest) => (await request.body.bytes()).length;
    expect((await post(raw, gzipSync(TEXT), "gzip")).read).toBe(gzipSync(TEXT).length);
  });

  test("that expands beyond the ratio is 413, whatever the size allowed", async () => {
    const zeros = gzipSync(new Uint8Array(20 * 1024 * 1024));
    const read = (request: ServerRequest) => streamed(request, Number.POSITIVE_INFINITY);
    const refused = await post(read, arriving(zeros, 4_096), "gzip");
    expect([refused.status, refused.detail]).toEqual([413, "The body expands too much when it is decoded"]);
    const lifted: ApplicationOptions = { decompress: { maxExpansion: Number.POSITIVE_INFINITY } };
    expect((await post(read, arriving(zeros, 4_096), "gzip", lifted)).read).toBe(20 * 1024 * 1024);
  });
});

describe("the option", () => {
  test("of a mounted application goes before that of the one round it", async () => {
    const inner = new Application({ decompress: false }).post("/", async (request) => request.text());
    const app = new Application().mount("/inner", inner).mount(
      "/other",
      new Application().post("/", async (request) => request.text()),
    );
    const given = { body: gzipSync("x"), fields: ["Content-Encoding", "gzip"] };
    expect((await ask(app.dispatch, "POST", "/inner", given)).status).toBe(415);
    expect((await ask(app.dispatch, "POST", "/other", given)).text).toBe("x");
  });

  test.each([
    [{ codings: ["compress"] }, "options/unknown-value"],
    [{ maxExpansion: 0 }, "options/out-of-range"],
    [{ maxExpansion: Number.NaN }, "options/out-of-range"],
    [{ ratio: 2 }, "options/unknown"],
    ["gzip", "options/unknown-value"],
    [null, "options/unknown-value"],
  ])("%j is refused", (decompress, code) => {
    expect(() => new Application({ decompress: decompress as never })).toThrow(expect.objectContaining({ code }));
  });
});

describe("a bomb on the wire", () => {
  let server: Server | undefined;
  afterEach(async () => {
    await server?.close({ grace: 0 });
  });

  test("of 10 GB ends with 413 after little of it, in little memory", async () => {
    const app = new Application({ onError: () => undefined });
    let failed = 0;
    app.post("/whole", async (request) => String((await request.bytes()).length));
    app.post("/pieces", async (request) => {
      try {
        return String(await streamed(request));
      } finally {
        failed += 1;
      }
    });
    server = await app.listen({ port: 0, host: "127.0.0.1" });
    for (const path of ["/whole", "/pieces"]) {
      const before = process.memoryUsage().rss;
      const { answer, sent } = await bomb(server, path, 10 * 1024 ** 3);
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(sent).toBeLessThan(10 * 1024 * 1024);
      expect(process.memoryUsage().rss - before).toBeLessThan(1024 ** 3);
    }
    expect(failed).toBe(1);
  });
});

/** Sends zeros, compressed on the way, until the server answers. */
async function bomb(server: Server, path: string, plainBytes: number): Promise<{ answer: string; sent: number }> {
  const { host, port } = server.address;
  const socket = connect({ host, port: port ?? 0 });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  let answer = "";
  let sent = 0;
  socket.on("data", (bytes) => {
    answer += bytes.toString("latin1");
  });
  const head = ["Host: a", "Content-Encoding: gzip", "Transfer-Encoding: chunked", "Connection: close"];
  socket.write(`POST ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  const gzip = createGzip();
  gzip.on("data", (piece: Buffer) => {
    sent += piece.length;
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    socket.write("\r\n");
  });
  const zeros = Buffer.alloc(256 * 1024);
  for (let given = 0; given < plainBytes && answer === "" && !socket.destroyed; given += zeros.length) {
    if (!gzip.write(zeros)) await once(gzip, "drain");
    await new Promise((resolve) => setImmediate(resolve));
  }
  gzip.destroy();
  if (!socket.closed) await once(socket, "close");
  return { answer, sent };
}
