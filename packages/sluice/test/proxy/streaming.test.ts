/** Bodies on their way through a proxy: as they come, at the pace of the slower side, and not before they are wanted. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { atEnd, closeAll } from "../interop/places.js";
import { RawClient } from "../server/raw-client.js";
import { answering, fieldOf, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HOST = "Host: public.example\r\n";
const LAST = `${HOST}Connection: close\r\n`;
/** Far more than two loopback connections hold in their buffers. */
const LARGE = 64 * 1024 * 1024;
const PIECE = Buffer.alloc(256 * 1024, "x");

/** Resolves when `count` has stood still for a while. */
async function still(count: () => number): Promise<number> {
  for (let last = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (count() === last) return last;
    last = count();
  }
}

/** Writes `total` bytes as fast as `socket` takes them; the count of what was given to it. */
function pour(socket: Socket, total: number): () => number {
  let given = 0;
  const more = (): void => {
    while (given < total) {
      given += PIECE.byteLength;
      if (!socket.write(PIECE)) break;
    }
  };
  socket.on("drain", more);
  more();
  return () => given;
}

describe("back-pressure", () => {
  test("a client that does not read holds the origin back; when it reads, all of the body arrives", async () => {
    let given = (): number => 0;
    const origin = await RawOrigin.start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`);
      given = pour(socket, LARGE);
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.socket.removeAllListeners("data");
    client.socket.pause();
    client.send(`GET / HTTP/1.1\r\n${LAST}\r\n`);
    await origin.until(({ received }) => received !== "");
    expect(await still(() => given())).toBeLessThan(LARGE / 2);
    let read = 0;
    client.socket.on("data", (bytes) => {
      read += bytes.byteLength;
    });
    client.socket.resume();
    await client.untilClosed();
    expect(read).toBeGreaterThan(LARGE);
    expect(read).toBeLessThan(LARGE + 1_000);
  });

  test("an origin that does not read holds the client back; when it reads, all of the body arrives", async () => {
    let read = 0;
    let socketThere: (socket: Socket) => void = () => undefined;
    const connected = new Promise<Socket>((resolve) => {
      socketThere = resolve;
    });
    const origin = createServer((socket) => {
      socket.on("data", (bytes) => {
        if (read === 0) socket.pause();
        read += bytes.byteLength;
        if (read > LARGE) socket.write(OK);
      });
      socketThere(socket);
    }).listen(0, "127.0.0.1");
    atEnd(() => origin.close());
    await once(origin, "listening");
    const { port } = origin.address() as AddressInfo;
    const { server } = await proxied(`http://127.0.0.1:${port}`);
    const client = await RawClient.to(server);
    client.send(`POST / HTTP/1.1\r\n${LAST}Content-Length: ${LARGE}\r\n\r\n`);
    const given = pour(client.socket, LARGE);
    const socket = await connected;
    atEnd(() => socket.destroy());
    expect(await still(given)).toBeLessThan(LARGE / 2);
    socket.resume();
    expect(await client.untilClosed()).toMatch(/\r\n\r\nok$/);
    expect(read).toBeLessThan(LARGE + 1_000);
  });
});

describe("pieces", () => {
  test("of an answer reach the client before the answer has ended", async () => {
    const origin = await RawOrigin.start(
      answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
      ),
    );
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(`GET / HTTP/1.1\r\n${LAST}\r\n`);
    await client.untilReceived("data: 1\n\n");
    origin.sockets[0]?.write("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    await client.untilClosed();
    expect(client.received).toMatch(/\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n$/);
  });

  test("of a request reach the origin before the request has ended, with its trailers behind them", async () => {
    const origin = await RawOrigin.start(
      answering(OK, (received) => received.endsWith("\r\n\r\n") && /\r\n0\r\n/.test(received)),
    );
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(
      `POST / HTTP/1.1\r\n${LAST}Trailer: X-Sum, Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`,
    );
    await origin.until(({ received }) => received.endsWith("\r\n1\r\na\r\n"));
    client.send("2\r\nbc\r\n0\r\nX-Sum: 6\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/\r\n\r\nok$/);
    expect(fieldOf(origin.received, "trailer")).toBe("X-Sum");
    expect(origin.received).toMatch(/\r\n1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 6\r\n\r\n$/);
  });

  test("beyond maxRequestSize end the request at both sides", async () => {
    const origin = await RawOrigin.start(() => undefined);
    const { server, errors } = await proxied(origin.url, { maxRequestSize: 4 });
    const client = await RawClient.to(server);
    client.send(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n`);
    await origin.until(({ received }) => received.endsWith("abcd\r\n"));
    client.send("1\r\ne\r\n");
    await client.untilReceived("413 ");
    expect(client.received).toContain("more than 4 bytes");
    expect(client.received).not.toContain(origin.host);
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
    expect(errors).toEqual([]);
  });
});

describe("100 (Continue)", () => {
  const asking = `POST / HTTP/1.1\r\n${LAST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`;

  test("is sent when the origin sends it, and the body is not asked for before", async () => {
    const origin = await RawOrigin.start((socket, received) => {
      if (received.endsWith("hello")) socket.write(OK);
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(asking);
    await origin.until(({ received }) => received.includes("\r\n\r\n"));
    expect(fieldOf(origin.received, "expect")).toBe("100-continue");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.received).toBe("");
    origin.sockets[0]?.write("HTTP/1.1 100 Continue\r\n\r\n");
    await client.untilReceived("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(origin.received).toMatch(/\r\n\r\nhello$/);
  });

  test("is never sent where the origin refuses by the head", async () => {
    const { sent, got } = await passage(asking, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    expect(got).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(sent).toMatch(/\r\n\r\n$/);
  });

  test("is sent all the same where the origin has no expectations (417)", async () => {
    const origin = await RawOrigin.start((socket, received) => {
      if (received.endsWith("hello")) socket.write(OK);
      else if (/expect/i.test(received)) socket.end("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(asking);
    await client.untilReceived("100 Continue");
    client.send("hello");
    expect(await client.untilClosed()).toMatch(/\r\n\r\nok$/);
    expect(origin.connections).toBe(2);
  });

  test("is sent to the client when the origin has said nothing for a second", async () => {
    const clock = new ManualClock();
    const origin = await RawOrigin.start((socket, received) => {
      if (received.endsWith("hello")) socket.write(OK);
    });
    const { server } = await proxied(origin.url, {}, { session: { connector: { clock } } });
    const client = await RawClient.to(server);
    client.send(asking);
    await origin.until(({ received }) => received.includes("\r\n\r\n"));
    clock.advance(999);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.received).toBe("");
    clock.advance(1);
    await client.untilReceived("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    expect(await client.untilClosed()).toMatch(/\r\n\r\nok$/);
  });

  test("means nothing in HTTP/1.0, nor without a body", async () => {
    const old = await passage("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", OK);
    expect(fieldOf(old.sent, "expect")).toBeUndefined();
    const empty = await passage(`GET / HTTP/1.1\r\n${LAST}Expect: 100-continue\r\n\r\n`, OK);
    expect(fieldOf(empty.sent, "expect")).toBeUndefined();
    expect(empty.got).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("an answer that comes before the request has ended", () => {
  test("ends the upload, and reaches the client", async () => {
    const origin = await RawOrigin.start(answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"));
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${LARGE}\r\n\r\nsome of it`);
    await client.untilReceived("\r\n\r\nno");
    expect(client.received).toMatch(/^HTTP\/1\.1 401 /);
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
  });
});
