import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { PayloadError, ResponseTooLargeError } from "../../src/errors.js";
import { FakeNet, rejection } from "./fake-net.js";

const URL_A = "http://a.test/x";
const TEXT = "Grüße, ".repeat(2_000);

const zstd = (zlib as { zstdCompressSync?: (bytes: string) => Buffer }).zstdCompressSync;

const CODINGS: [coding: string, encode: (text: string) => Buffer][] = [
  ["gzip", (text) => zlib.gzipSync(text)],
  ["x-gzip", (text) => zlib.gzipSync(text)],
  ["GZIP", (text) => zlib.gzipSync(text)],
  ["deflate", (text) => zlib.deflateSync(text)],
  ["deflate", (text) => zlib.deflateRawSync(text)],
  ["br", (text) => zlib.brotliCompressSync(text)],
  ["gzip, br", (text) => zlib.brotliCompressSync(zlib.gzipSync(text))],
  ["identity", (text) => Buffer.from(text)],
  ...(zstd === undefined ? [] : ([["zstd", (text: string) => zstd(text)]] as [string, (text: string) => Buffer][])),
];

function coded(coding: string, bytes: Buffer, chunk = bytes.length): (string | Uint8Array)[] {
  const head = `HTTP/1.1 200 \r\ncontent-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  const pieces: (string | Uint8Array)[] = [head];
  for (let at = 0; at < bytes.length; at += chunk) pieces.push(bytes.subarray(at, at + chunk));
  return pieces;
}

describe.each(CODINGS)("%s", (coding, encode) => {
  test("is decoded for every way of reading, in one piece or cut small", async () => {
    for (const chunk of [1_000_000, 17]) {
      const net = new FakeNet(() => coded(coding, encode(TEXT), chunk));
      const session = net.session();
      expect(await session.get(URL_A).text()).toBe(TEXT);
      expect(await (await session.get(URL_A)).text()).toBe(TEXT);
      const pieces: Uint8Array[] = [];
      for await (const piece of (await session.get(URL_A)).body) pieces.push(piece);
      expect(Buffer.concat(pieces).toString()).toBe(TEXT);
      expect(net.connections.length).toBe(1);
    }
  });

  test("an empty body is an empty body", async () => {
    const net = new FakeNet(() => coded(coding, Buffer.alloc(0), 1));
    expect(await net.session().get(URL_A).text()).toBe("");
  });
});

test("Accept-Encoding names what can be decoded; decompress: false asks for nothing and leaves the bytes", async () => {
  const net = new FakeNet(() => coded("gzip", zlib.gzipSync(TEXT)));
  const session = net.session();
  await session.get(URL_A).text();
  expect(net.seen[0]?.fields.get("accept-encoding")).toMatch(/^gzip, deflate, br/);
  const raw = await session.get(URL_A, { decompress: false }).bytes();
  expect(zlib.gunzipSync(raw).toString()).toBe(TEXT);
  expect(net.seen[1]?.fields.has("accept-encoding")).toBe(false);
});

test("corrupt and cut-off data are PayloadErrors with a code", async () => {
  const whole = zlib.gzipSync(TEXT);
  const flipped = Buffer.from(whole);
  flipped.fill(0xff, 20, 30);
  const cases: [Buffer, string][] = [
    [flipped, "body/corrupt"],
    [whole.subarray(0, -10), "body/truncated"],
    [Buffer.from("not gzip at all"), "body/corrupt"],
  ];
  for (const [bytes, code] of cases) {
    const error = await rejection(new FakeNet(() => coded("gzip", bytes)).session().get(URL_A).text());
    expect(error).toBeInstanceOf(PayloadError);
    expect(error.code).toBe(code);
    expect(error.message).toContain("GET http://a.test/x");
  }
});

test("a coding that nobody knows is an error for who reads, not for who looks at the head", async () => {
  const net = new FakeNet(() => coded("aws-chunked", Buffer.from("x")));
  const session = net.session();
  const response = await session.get(URL_A);
  expect([response.status, response.headers.get("content-encoding")]).toEqual([200, "aws-chunked"]);
  expect((await rejection(response.text())).code).toBe("body/unknown-coding");
  expect((await rejection(session.get(URL_A).text())).code).toBe("body/unknown-coding");
  expect(await session.get(URL_A, { decompress: false }).text()).toBe("x");
});

test("maxResponseSize counts decoded bytes: at it, one past it", async () => {
  const net = new FakeNet(() => coded("gzip", zlib.gzipSync("x".repeat(10_000))));
  const session = net.session();
  expect((await session.get(URL_A, { maxResponseSize: 10_000 }).text()).length).toBe(10_000);
  const error = await rejection(session.get(URL_A, { maxResponseSize: 9_999 }).text());
  expect(error).toBeInstanceOf(ResponseTooLargeError);
});

test("a body that expands beyond all measure is refused", async () => {
  const bomb = zlib.brotliCompressSync(Buffer.alloc(40_000_000));
  const error = await rejection(new FakeNet(() => coded("br", bomb)).session().get(URL_A).bytes());
  expect(error).toBeInstanceOf(ResponseTooLargeError);
  expect(error.code).toBe("body/expansion");
});

test("many small bodies of one connection are each decoded by themselves", async () => {
  const net = new FakeNet(({ target }) => coded("gzip", zlib.gzipSync(target)));
  const session = net.session({}, { limit: 1 });
  const texts = await Promise.all(Array.from({ length: 50 }, (_, at) => session.get(`http://a.test/${at}`).text()));
  expect(texts).toEqual(Array.from({ length: 50 }, (_, at) => `/${at}`));
});

test("a JSON error body is decoded too", async () => {
  const body = zlib.gzipSync('{"why":1}');
  const net = new FakeNet(() => [
    `HTTP/1.1 400 \r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ]);
  const error = await rejection<Error & { body: Uint8Array }>(net.session().get(URL_A).json());
  expect(Buffer.from(error.body).toString()).toBe('{"why":1}');
});
