import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ResponseTooLargeError } from "../../src/errors.js";
import { FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";
const TEN = "0123456789";
const CHUNKED = `HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n`;
const UNTIL_CLOSE = `HTTP/1.1 200 \r\n\r\n${TEN}`;
const GZIPPED = ok(gzipSync(TEN.repeat(1_000)).toString("latin1"), "content-encoding: gzip\r\n");

async function streamed(answer: string, maxResponseSize: number, size: number): Promise<number> {
  const net = new FakeNet(({ connection }) => {
    connection.send(answer);
    if (answer === UNTIL_CLOSE) connection.end();
    return undefined;
  });
  const response = await net.session({ maxResponseSize }).get(URL_A);
  let bytes = 0;
  for await (const piece of response.body) bytes += piece.byteLength;
  expect(bytes).toBe(size);
  return bytes;
}

test.each([
  ["declared", ok(TEN), 10],
  ["chunked", CHUNKED, 10],
  ["until close", UNTIL_CLOSE, 10],
  ["compressed", GZIPPED, 10_000],
])("a body that is %s is taken at the limit and with none, and refused one past it", async (_kind, answer, size) => {
  await streamed(answer, size, size);
  await streamed(answer, Number.POSITIVE_INFINITY, size);
  const error = await rejection(streamed(answer, size - 1, size));
  expect(error).toBeInstanceOf(ResponseTooLargeError);
  expect(error.code).toBe("body/too-large");
});

test("a declared length beyond the limit fails at once, before a byte of the body has come", async () => {
  const net = new FakeNet(() => "HTTP/1.1 200 \r\ncontent-length: 11\r\n\r\n");
  const response = await net.session({ maxResponseSize: 10 }).get(URL_A);
  expect(response.status).toBe(200);
  const error = await rejection(response.body[Symbol.asyncIterator]().next());
  expect([error.code, error.message]).toEqual(["body/too-large", expect.stringContaining("11 bytes, limit is 10")]);
  await turns();
  expect(net.open).toBe(0);
  expect((await rejection(net.session({ maxResponseSize: 10 }).get(URL_A).save("/nowhere"))).code).toBe(
    "body/too-large",
  );
});

test("the length of an answer without a body, or of coded bytes, is no length of a body", async () => {
  const head = new FakeNet(() => "HTTP/1.1 200 \r\ncontent-length: 11\r\n\r\n");
  expect((await head.session({ maxResponseSize: 10 }).head(URL_A)).status).toBe(200);
  const coded = gzipSync("a");
  expect(coded.byteLength).toBeGreaterThan(10);
  const net = new FakeNet(() => ok(coded.toString("latin1"), "content-encoding: gzip\r\n"));
  expect(await net.session({ maxResponseSize: 10 }).get(URL_A).text()).toBe("a");
  expect((await rejection(net.session({ maxResponseSize: 10 }).get(URL_A, { decompress: false }).text())).code).toBe(
    "body/too-large",
  );
});

test("a request's limit replaces the session's, Infinity and 0 included", async () => {
  const net = new FakeNet(() => ok(TEN));
  const session = net.session({ maxResponseSize: 5 });
  expect(await session.get(URL_A, { maxResponseSize: Number.POSITIVE_INFINITY }).text()).toBe(TEN);
  expect((await rejection(session.get(URL_A).text())).code).toBe("body/too-large");
  expect((await rejection(session.get(URL_A, { maxResponseSize: 0 }).text())).code).toBe("body/too-large");
});
