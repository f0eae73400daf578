/** What goes wrong on either side of a proxy, and what the other side is told. */
import { afterEach, describe, expect, test } from "vitest";
import { ConnectError, RequestTimeoutError } from "../../src/errors.js";
import { upstreamFailure } from "../../src/proxy/upstream-failure.js";
import { freePort } from "../interop/peer-process.js";
import { closeAll } from "../interop/places.js";
import { RawClient } from "../server/raw-client.js";
import { answering, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const HOST = "Host: public.example\r\n";
const GET = `GET /secret-path?token=hunter2 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

async function answerBy(target: string, ...rest: [object?, object?]) {
  const { server, errors } = await proxied(target, ...rest);
  const client = await RawClient.to(server);
  client.send(GET);
  return { got: await client.untilClosed(), errors };
}

describe("an origin that cannot be had", () => {
  test("because nobody listens is 502; the client learns nothing of the origin, the log all but secrets", async () => {
    const port = await freePort();
    const { got, errors } = await answerBy(`http://127.0.0.1:${port}`);
    expect(got).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(got).not.toContain(String(port));
    expect(errors).toMatchObject([{ code: "proxy/unreachable", cause: { code: "connect/refused" } }]);
    const { message } = (errors[0] as Error).cause as Error;
    expect(message).toContain("/secret-path");
    expect(message).not.toContain("hunter2");
  });

  test("because it closes before it answers, or answers nonsense, is 502", async () => {
    const origin = await RawOrigin.start((socket) => socket.end());
    const { got, errors } = await answerBy(origin.url);
    expect(got).toMatch(/^HTTP\/1\.1 502 /);
    expect(errors).toMatchObject([{ code: "proxy/bad-answer", cause: { code: "connection/closed" } }]);
  });

  test("because it says nothing is 504", async () => {
    const origin = await RawOrigin.start(() => undefined);
    const { got, errors } = await answerBy(origin.url, { timeout: { headers: 30 } });
    expect(got).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
    expect(errors).toMatchObject([{ code: "proxy/timeout", cause: { code: "timeout.headers" } }]);
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
  });

  test("because too many wait for it is 503", async () => {
    const origin = await RawOrigin.start(() => undefined);
    const session = { connector: { limit: 1, maxQueue: 0 } };
    const { server, errors } = await proxied(origin.url, {}, { session });
    const first = await RawClient.to(server);
    first.send(GET);
    await origin.until(({ received }) => received !== "");
    const second = await RawClient.to(server);
    second.send(GET);
    expect(await second.untilClosed()).toMatch(/^HTTP\/1\.1 503 /);
    expect(errors).toMatchObject([{ code: "proxy/busy", cause: { code: "pool/queue-full" } }]);
  });

  test("because the session is closed is 503", async () => {
    const origin = await RawOrigin.start(() => undefined);
    const { server, session, errors } = await proxied(origin.url);
    await session.close();
    const client = await RawClient.to(server);
    client.send(GET);
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 503 /);
    expect(errors).toMatchObject([{ code: "proxy/busy" }]);
  });

  test.each([
    [new RequestTimeoutError("timeout.queue", "m", { phase: "queue" }), { status: 503 }],
    [new RequestTimeoutError("timeout.connect", "m", { phase: "connect" }), { status: 504 }],
    [new RequestTimeoutError("timeout.total", "m", { phase: "total" }), { status: 504 }],
    [new ConnectError("dns/not-found", "m"), { status: 502 }],
    [new TypeError("a bug"), { message: "a bug" }],
  ])("%s is answered so", (error, answer) => {
    expect(upstreamFailure(error)).toMatchObject(answer);
  });
});

describe("an answer that breaks off", () => {
  test.each([
    ["with a length", "Content-Length: 10\r\n\r\nhalf"],
    ["in chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ])("%s breaks the client's connection off: nobody takes what there is for the whole", async (_how, rest) => {
    const origin = await RawOrigin.start(answering(`HTTP/1.1 200 OK\r\n${rest}`));
    const { server, errors } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(GET);
    await client.untilReceived("half");
    origin.sockets[0]?.destroy();
    await client.untilClosed();
    expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
    expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(client.ended && client.error === undefined && client.received.includes("\r\n0\r\n")).toBe(false);
    expect(errors).toMatchObject([{ code: "proxy/answer-broken" }]);
  });
});

describe("a client that goes away", () => {
  test("before the answer ends the origin's work", async () => {
    const origin = await RawOrigin.start(() => undefined);
    const { server, errors } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(GET);
    await origin.until(({ received }) => received !== "");
    client.socket.resetAndDestroy();
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
    expect(errors).toEqual([]);
  });

  test("during the answer does so too", async () => {
    const origin = await RawOrigin.start(answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
    const { server, errors } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(GET);
    await client.untilReceived("half");
    client.socket.resetAndDestroy();
    await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
    expect(errors).toEqual([]);
  });

  test.each(["by a reset", "by ending too early"])(
    "during its request, %s, leaves the origin one without an end",
    async (how) => {
      const origin = await RawOrigin.start(() => undefined);
      const { server, errors } = await proxied(origin.url);
      const client = await RawClient.to(server);
      client.send(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`);
      await origin.until(({ received }) => received.endsWith("half\r\n"));
      if (how === "by a reset") client.socket.resetAndDestroy();
      else client.socket.end();
      await origin.until(({ sockets }) => sockets.every((socket) => socket.destroyed));
      expect(origin.received).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(errors).toEqual([]);
    },
  );
});

describe("what is not for a gateway", () => {
  test.each([
    ["CONNECT", `CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n`, 501],
    ["TRACE", `TRACE / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 501],
    [
      "a WebSocket on a connection that is to end",
      `GET / HTTP/1.1\r\n${HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      501,
    ],
  ])("%s is refused before the origin hears of it, and nobody's fault", async (_what, request, status) => {
    const { sent, got, errors } = await passage(request, "");
    expect(sent).toBe("");
    expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(errors).toEqual([]);
  });

  test("OPTIONS * is about this server", async () => {
    const { sent, got } = await passage("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "");
    expect(sent).toBe("");
    expect(got).toMatch(/^HTTP\/1\.1 204 /);
  });
});

describe("connections to the origin", () => {
  test("are kept and used again, and a lost one costs an idempotent request nothing", async () => {
    let answers = 0;
    const origin = await RawOrigin.start((socket) => {
      answers += 1;
      // The second request on the first connection finds it closed.
      if (answers === 2) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    for (let round = 1; round <= 3; round += 1) {
      client.send(`GET /${round} HTTP/1.1\r\n${HOST}\r\n`);
      await client.until(({ received }) => received.match(/\r\n\r\nok/g)?.length === round);
    }
    expect(origin.connections).toBe(2);
    expect(origin.received.match(/GET \/\d/g)).toEqual(["GET /1", "GET /2", "GET /2", "GET /3"]);
  });

  test("a request that is not idempotent is not sent twice", async () => {
    let answers = 0;
    const origin = await RawOrigin.start((socket) => {
      answers += 1;
      if (answers === 2) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(`POST /1 HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
    await client.untilReceived("\r\n\r\nok");
    client.send(`POST /2 HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
    await client.untilReceived("502 Bad Gateway");
    expect(origin.received.match(/POST/g)).toHaveLength(2);
  });
});
