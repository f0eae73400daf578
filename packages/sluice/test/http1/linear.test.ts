/**
 * Work grows with the bytes received, not with the number of pieces they come in. What is counted is not time: it is the octets
 * that the readers' searches and copies pass over, by watching the methods of Buffer that do so.
 */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import { RequestReader } from "../../src/http1/request-reader.js";
import { ResponseReader } from "../../src/http1/response-reader.js";
import { Recorder } from "./recorder.js";

const UNLIMITED = {
  ...HTTP1_LIMITS,
  maxHeadBytes: Number.POSITIVE_INFINITY,
  maxLineBytes: Number.POSITIVE_INFINITY,
  maxFieldCount: Number.POSITIVE_INFINITY,
  maxTargetBytes: Number.POSITIVE_INFINITY,
  maxTrailerBytes: Number.POSITIVE_INFINITY,
  maxTrailerCount: Number.POSITIVE_INFINITY,
  maxChunkExtensionBytes: Number.POSITIVE_INFINITY,
};

let passedOver = 0;

const ORIGINALS = Object.getOwnPropertyDescriptors(Buffer.prototype);

beforeEach(() => {
  passedOver = 0;
  watch("indexOf", (buffer, args, found) => (found === -1 ? buffer.length : Number(found)) - Number(args[1] ?? 0));
  watch("toString", (buffer, args) => Number(args[2] ?? buffer.length) - Number(args[1] ?? 0));
  watch("copy", (_buffer, _args, copied) => Number(copied));
  watch("copyWithin", (buffer, args) => Number(args[2] ?? buffer.length) - Number(args[1]));
  watch("set", (_buffer, args) => (args[0] as Uint8Array).length);
});

afterEach(() => {
  for (const name of ["indexOf", "toString", "copy", "copyWithin", "set"] as const) {
    const original = ORIGINALS[name] as PropertyDescriptor | undefined;
    // `copyWithin` and `set` are inherited from Uint8Array.
    if (original === undefined) Reflect.deleteProperty(Buffer.prototype, name);
    else Object.defineProperty(Buffer.prototype, name, original);
  }
});

type Watched = "indexOf" | "toString" | "copy" | "copyWithin" | "set";

/** Replaces a method by itself and a count of the octets that it passes over. */
function watch(name: Watched, count: (buffer: Buffer, args: readonly unknown[], result: unknown) => number): void {
  const method = Buffer.prototype[name] as (...args: unknown[]) => unknown;
  Object.defineProperty(Buffer.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Buffer, ...args: unknown[]): unknown {
      const result = Reflect.apply(method, this, args);
      passedOver += count(this, args, result);
      return result;
    },
  });
}

/** Octets passed over while `wire` is fed in pieces of `size`. */
function workFor(reader: RequestReader | ResponseReader, wire: Buffer, size: number): number {
  const before = passedOver;
  for (let at = 0; at < wire.length; at += size) reader.feed(wire.subarray(at, at + size));
  return passedOver - before;
}

/** A sink that makes no work of its own. */
const SILENT = { onHead() {}, onInformational() {}, onData() {}, onEnd() {} };

function requests(): RequestReader {
  return new RequestReader(SILENT, UNLIMITED);
}

const KIB = 1_024;

const WIRES: readonly (readonly [string, (size: number) => string])[] = [
  ["a head of one long line", (size) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${"v".repeat(size)}\r\n\r\n`],
  ["a head of many short lines", (size) => `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(size / 6)}\r\n`],
  ["a long request line", (size) => `GET /${"t".repeat(size)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ["a head of carriage returns", (size) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${"\r".repeat(size)}`],
  [
    "chunks of one octet",
    (size) =>
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(size / 6)}0\r\n\r\n`,
  ],
  [
    "a long chunk extension",
    (size) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${"a".repeat(size)}\r\nx\r\n0\r\n\r\n`,
  ],
  [
    "many trailers",
    (size) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"X: y\r\n".repeat(size / 6)}\r\n`,
  ],
  ["many small requests", (size) => "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(size / 28)],
];

describe.each([1, 7, 1_500, 5_000, 1_000_000])("in pieces of %i octets", (size) => {
  test.each(WIRES)("%s costs a few times its length", (_, wire) => {
    for (const length of size < 100 ? [4 * KIB, 32 * KIB] : [16 * KIB, 128 * KIB]) {
      const bytes = Buffer.from(wire(length), "latin1");
      expect(workFor(requests(), bytes, size) / bytes.length).toBeLessThan(8);
    }
  });
});

test("a head with nothing but the limit's worth of one line, octet by octet, is refused at the limit", () => {
  const reader = new RequestReader(SILENT, HTTP1_LIMITS);
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nX: ${"v".repeat(64 * KIB)}`, "latin1");
  expect(() => workFor(reader, bytes, 1)).toThrow("longer than the limit");
  expect(passedOver).toBeLessThan(8 * HTTP1_LIMITS.maxLineBytes);
});

test("pausing after every message of a large feed costs a few times its length", () => {
  const recorder = new Recorder();
  const reader = new RequestReader(recorder, UNLIMITED);
  recorder.afterEvent = (event) => {
    if (event.type === "end") reader.pause();
  };
  const bytes = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5_000), "latin1");
  const before = passedOver;
  reader.feed(bytes);
  while (reader.paused) reader.resume();
  expect(recorder.events).toHaveLength(10_000);
  expect((passedOver - before) / bytes.length).toBeLessThan(50);
});

test("many interim responses, octet by octet, cost a few times their length", () => {
  const reader = new ResponseReader(SILENT, { ...UNLIMITED, maxInterimResponses: Number.POSITIVE_INFINITY });
  reader.expect("GET");
  const bytes = Buffer.from("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(2_000), "latin1");
  expect(workFor(reader, bytes, 1) / bytes.length).toBeLessThan(8);
});
