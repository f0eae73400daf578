/** Views of a buffer that is lent again and again. */

import { expect, test } from "vitest";
import { ReadBuffer, readBufferSource } from "../../src/net/read-buffer.js";

test("what was read is seen without a copy, whatever was read before", () => {
  const buffer = new ReadBuffer(1024);
  buffer.bytes.write("GET / HTTP/1.1", "latin1");
  // 3 and 259 share a place.
  for (const length of [3, 259, 3, 1024, 0, 3]) {
    const view = buffer.first(length);
    expect(view).toHaveLength(length);
    expect(view.buffer).toBe(buffer.bytes.buffer);
    expect(view.byteOffset).toBe(buffer.bytes.byteOffset);
  }
  buffer.bytes.write("PUT", "latin1");
  expect(String(buffer.first(3))).toBe("PUT");
});

test("the same length again takes nothing new", () => {
  const buffer = new ReadBuffer(1024);
  expect(buffer.first(73)).toBe(buffer.first(73));
});

test.skipIf(process.platform === "win32")("all connections of one source read into one buffer", () => {
  const take = readBufferSource(2048);
  expect(take().bytes).toHaveLength(2048);
  expect(take()).toBe(take());
  expect(readBufferSource(2048)()).not.toBe(take());
});
