/**
 * What is ambiguous ends at our server: the origin never sees a byte of it, and no second request is made of the first one's
 * body. Each request is sent as it stands, with another behind it that must not get through on its own.
 */
import { afterEach, describe, expect, test } from "vitest";
import { closeAll } from "../interop/places.js";
import { RawClient } from "../server/raw-client.js";
import { linesOf, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HOST = "Host: public.example\r\n";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: public.example\r\n\r\n";

/** Request → what is wrong with it. */
const AMBIGUOUS: readonly (readonly [what: string, request: string])[] = [
  [
    "a length and chunks (CL.TE)",
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
  ],
  [
    "chunks and a length (TE.CL)",
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n`,
  ],
  ["two lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello`],
  ["a list of lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 5, 0\r\n\r\nhello`],
  ["a signed length", `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`],
  ["a hexadecimal length", `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x5\r\n\r\nhello`],
  [
    "a coding twice",
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["an unknown coding", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ["chunked and not last", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ["a coding behind a vertical tab", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`],
  ["a space before the colon", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
  ["a folded line", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
  ["a bare line feed", `POST / HTTP/1.1\r\n${HOST}X: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["a bare carriage return", `POST / HTTP/1.1\r\n${HOST}X: 1\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["NUL in a name", `POST / HTTP/1.1\r\n${HOST}Transfer\0-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["NUL in a value", `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
  ["a name with a byte above ASCII", `GET / HTTP/1.1\r\n${HOST}X\xe9: 1\r\n\r\n`],
  ["a line without a colon", `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding chunked\r\n\r\n`],
  ["an empty name", `GET / HTTP/1.1\r\n${HOST}: value\r\n\r\n`],
  ["two hosts", `GET / HTTP/1.1\r\n${HOST}Host: other.example\r\n\r\n`],
  ["a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
  ["no host", "GET / HTTP/1.1\r\n\r\n"],
  ["a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
  ["chunks in HTTP/1.0", `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
];

/** A body whose chunks go wrong when the origin may have seen its beginning: the request ends unfinished there. */
const BROKEN_CHUNKS: readonly (readonly [what: string, body: string])[] = [
  ["a size that is none", "zz\r\n"],
  ["a size beyond all", "ffffffffffffffff\r\n"],
  ["a size with a sign", "-1\r\n"],
  ["a bare line feed behind the size", "1\nZ\r\n0\r\n\r\n"],
  ["no line end behind the chunk", "1\r\nZZ0\r\n\r\n"],
  ["a control character in an extension", "1;a\x01b\r\nZ\r\n0\r\n\r\n"],
  ["a forbidden byte in a trailer", "1\r\nZ\r\n0\r\nX\0: 1\r\n\r\n"],
];

describe("the origin never hears of", () => {
  test.each(AMBIGUOUS)("%s", async (_what, request) => {
    const origin = await RawOrigin.start((socket) => socket.write(OK));
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(request + SMUGGLED);
    const got = await client.untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 (?:400|501) /);
    expect(got.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(origin.received).toBe("");
    expect(origin.connections).toBe(0);
  });

  test.each(BROKEN_CHUNKS)("the end of a body with %s", async (_what, body) => {
    const origin = await RawOrigin.start(() => undefined);
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
    await origin.until(({ received }) => received.endsWith("3\r\nabc\r\n"));
    client.send(body + SMUGGLED);
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 (?:400|413) /);
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
    expect(origin.received).not.toContain("\r\n0\r\n");
    expect(origin.received).not.toContain("smuggled");
  });
});

describe("what is sent on", () => {
  test("a pipelined request gets through as one of its own, and its predecessor's body stays a body", async () => {
    const answered: string[] = [];
    const origin = await RawOrigin.start((socket, received) => {
      const requests = received.match(/(?:POST|GET) [^\r]*/g) ?? [];
      const complete = received.endsWith("GET /x HTTP/1.1\r\n\r\n") || received.endsWith("Via: 1.1 test\r\n\r\n");
      if (!complete) return;
      answered.push(requests.at(-1) ?? "");
      socket.write(OK);
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    const body = "GET /x HTTP/1.1\r\n\r\n";
    const head = `POST /a HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n`;
    client.send(`${head}${body}GET /b HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    const got = await client.untilClosed();
    expect(got.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(origin.received).toContain(`content-length: ${body.length}\r\n\r\n${body}`);
    expect(origin.received).toMatch(/GET \/b HTTP\/1\.1\r\n/);
    expect(origin.received).not.toContain("transfer-encoding");
  });

  test("chunks are cut anew: no extension, no size line of the client's gets through", async () => {
    const request = `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n`;
    const { sent, got } = await passage(
      `${request}000003;ext="a b"\r\nabc\r\n0\r\n\r\n`,
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      {},
      { complete: (received) => received.endsWith("0\r\n\r\n") },
    );
    expect(sent).toMatch(/\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
    expect(linesOf(sent).filter((line) => /transfer-encoding/i.test(line))).toHaveLength(1);
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("an origin that lies", () => {
  const get = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

  test.each([
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
    ["a bare carriage return in a value", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"],
    [
      "a change of protocol that nobody wanted",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ])("with %s is answered for with 502", async (_what, answer) => {
    const { got, errors } = await passage(get, answer);
    expect(got).toMatch(/^HTTP\/1\.1 502 /);
    expect(got).not.toContain("Set-Cookie");
    expect(errors).toMatchObject([{ code: "proxy/bad-answer" }]);
  });

  test("with more bytes than it announced loses its connection, and the next request meets another one", async () => {
    const origin = await RawOrigin.start((socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
    );
    const { server } = await proxied(origin.url);
    for (let round = 1; round <= 2; round += 1) {
      const client = await RawClient.to(server);
      client.send(get);
      const got = await client.untilClosed();
      expect(got).toMatch(/\r\n\r\nok$/);
      expect(origin.connections).toBe(round);
    }
  });
});
