import { request } from "node:http";
import { request as requestTls } from "node:https";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Listener } from "../../src/net/listen.js";
import { memoryPair } from "../../src/net/memory.js";
import type { Responder } from "../../src/server/exchange.js";
import { type ServerOptions, startServer } from "../../src/server/listen.js";
import { Reply } from "../../src/server/reply.js";
import type { Server } from "../../src/server/server.js";
import { AUTHORITY, SERVER } from "../net/certificates.js";
import { socketFolder } from "../net/connected-pair.js";
import { record } from "../net/recorder.js";
import { get, inMemory, streamed } from "../wire/server-link-setup.js";
import { echo, text } from "./connection-setup.js";
import { RawClient } from "./raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

const errors: unknown[] = [];

async function started(responder: Responder, options: Partial<ServerOptions> = {}): Promise<Server> {
  const place = options.path === undefined ? { port: 0, host: "127.0.0.1" } : {};
  const server = await startServer(responder, { ...place, onError: (error) => errors.push(error), ...options });
  cleanUp.push(() => server.close({ grace: 0 }));
  return server;
}

async function client(server: Server): Promise<RawClient> {
  const made = await RawClient.to(server);
  cleanUp.push(() => made.socket.destroy());
  return made;
}

/** What node:http's client makes of an answer. */
function asked(server: Server, path: string, body?: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const secure = server.url.startsWith("https:");
    const options = {
      method: body === undefined ? "GET" : "POST",
      agent: false,
      ca: AUTHORITY,
      servername: "localhost",
    };
    const { path: socketPath, host, port } = server.address;
    const place = socketPath === undefined ? { host, port } : { socketPath };
    const sent = (secure ? requestTls : request)({ ...options, ...place, path }, (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (piece) => {
        received += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode, text: received }));
    });
    sent.on("error", reject).end(body);
  });
}

describe("startServer", () => {
  test("answers on TCP, and says where", async () => {
    const server = await started((exchange) =>
      text(`${exchange.target} ${exchange.secure} ${exchange.peer().remoteAddress}`),
    );
    expect(server.url).toBe(`http://127.0.0.1:${server.address.port}`);
    expect(await asked(server, "/x")).toEqual({ status: 200, text: "/x false 127.0.0.1" });
  });

  test("answers on TLS", async () => {
    const server = await started((exchange) => text(`${exchange.secure} ${exchange.peer().tls?.alpn}`), {
      tls: SERVER,
    });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await asked(server, "/")).toMatchObject({ status: 200, text: expect.stringMatching(/^true /) });
    const raw = await RawClient.toTls(server, AUTHORITY);
    cleanUp.push(() => raw.socket.destroy());
    raw.send(get("/1") + get("/2", "Connection: close\r\n"));
    expect(await raw.untilClosed()).toMatch(/true http\/1\.1HTTP.*Connection: close\r\n\r\ntrue http\/1\.1$/s);
  });

  test("answers on a Unix socket", async () => {
    const folder = socketFolder();
    cleanUp.push(() => folder.remove());
    const { path } = folder;
    const server = await started(echo, { path });
    expect(server.url).toBe(`unix:${path}`);
    expect(await asked(server, "/", "over a file")).toEqual({ status: 200, text: "over a file" });
  });

  test("answers on IPv6, and names every address localhost", async () => {
    const six = await started(echo, { host: "::1" });
    expect(six.url).toBe(`http://[::1]:${six.address.port}`);
    expect(await asked(six, "/", "six")).toMatchObject({ text: "six" });
    const every = await started(echo, { host: "0.0.0.0" });
    expect(every.url).toBe(`http://localhost:${every.address.port}`);
  });

  test("ends an idle connection with a FIN, so that no byte of the last answer is thrown away", async () => {
    const server = await started(echo, { keepAliveTimeout: 50 });
    const socket = connect(server.address.port ?? 0, "127.0.0.1");
    const ended = new Promise<string>((resolve) => {
      socket.on("error", (error) => resolve(error.message));
      socket.on("end", () => resolve("FIN"));
    });
    socket.resume().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await ended).toBe("FIN");
    socket.destroy();
  });

  test("refuses what it cannot use before it listens", async () => {
    const onError = () => undefined;
    await expect(startServer(echo, { port: 0, maxPipelined: 0, onError })).rejects.toMatchObject({
      code: "options/out-of-range",
    });
    await expect(startServer(echo, { onError })).rejects.toMatchObject({ code: "listen/no-address" });
    const server = await started(echo);
    const { port } = server.address;
    await expect(startServer(echo, { port, host: "127.0.0.1", onError })).rejects.toMatchObject({
      code: expect.stringMatching(/^listen\//),
    });
  });
});

describe("over real sockets", () => {
  test("the answers to requests pipelined in one packet arrive in one piece", async () => {
    const server = await started((exchange) => text(exchange.target));
    const raw = await client(server);
    raw.send(get("/1") + get("/2") + get("/3"));
    await raw.untilReceived("/3");
    expect(raw.reads).toBe(1);
    expect(raw.received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });

  test("head and body of a streamed answer that is ready arrive in one piece", async () => {
    const server = await started(
      () =>
        new Reply(
          200,
          [],
          streamed(async function* () {
            yield Buffer.from("a");
            yield Buffer.from("b");
          }),
        ),
    );
    const raw = await client(server);
    raw.send(get("/"));
    await raw.untilReceived("0\r\n\r\n");
    expect(raw.reads).toBe(1);
  });

  test("a client that half-closes right after its request gets its answer", async () => {
    const server = await started(async (exchange) => {
      await new Promise((resolve) => setImmediate(resolve));
      return text(exchange.target);
    });
    const raw = await client(server);
    raw.send(get("/half"));
    raw.socket.end();
    expect(await raw.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\/half$/s);
    expect(raw.error).toBeUndefined();
  });

  test("a client that uploads far more than is taken can read the refusal", async () => {
    const server = await started(() => new Reply(413, [], inMemory("too large")), { maxDrainBytes: 1_000 });
    const raw = await client(server);
    raw.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    for (let sent = 0; sent < 30; sent += 1) raw.send("x".repeat(100_000));
    await raw.until((seen) => seen.ended);
    expect(raw.received).toMatch(/^HTTP\/1\.1 413 .*Connection: close\r\n\r\ntoo large$/s);
    expect(raw.error).toBeUndefined();
    raw.socket.end();
    await raw.untilClosed();
  });

  test("a large body goes both ways at once, however slowly it is read", async () => {
    const size = 5_000_000;
    const server = await started(
      (exchange) =>
        new Reply(
          200,
          ["Content-Length", String(size)],
          streamed(() => exchange.body),
        ),
    );
    const raw = await client(server);
    raw.socket.pause();
    raw.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += 100_000) raw.send("x".repeat(100_000));
    await new Promise((resolve) => setImmediate(resolve));
    raw.socket.resume();
    await raw.until((seen) => seen.received.length >= size);
    expect(raw.received.slice(raw.received.indexOf("\r\n\r\n") + 4)).toBe("x".repeat(size));
  });

  test("the signal aborts when the client is gone before the answer is complete", async () => {
    let aborted: (reason: unknown) => void = () => undefined;
    const reason = new Promise((resolve) => {
      aborted = resolve;
    });
    const server = await started((exchange) => {
      exchange.signal.addEventListener("abort", () => aborted(exchange.signal.reason));
      const ticks = async function* () {
        for (;;) {
          yield Buffer.from("tick\n");
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      return new Reply(200, [], streamed(ticks));
    });
    const raw = await client(server);
    raw.send(get("/"));
    await raw.untilReceived("tick");
    raw.socket.resetAndDestroy();
    expect(await reason).toMatchObject({ name: "ConnectionLostError", code: "server/client-gone" });
  });

  test("a stream that breaks off never looks complete", async () => {
    errors.length = 0;
    const server = await started(
      () =>
        new Reply(
          200,
          [],
          streamed(async function* () {
            yield Buffer.from("half");
            throw new Error("broken source");
          }),
        ),
    );
    const raw = await client(server);
    raw.send(get("/"));
    const received = await raw.untilClosed();
    expect(received).not.toContain("0\r\n\r\n");
    expect(errors).toMatchObject([{ message: "broken source" }]);
  });

  test("keep-alive carries many requests, and the statistics count", async () => {
    const server = await started((exchange) => text(exchange.target));
    const raw = await client(server);
    for (let n = 0; n < 50; n += 1) {
      raw.send(get(`/n${n}.`));
      await raw.untilReceived(`/n${n}.`);
    }
    expect(server.connections).toEqual({ open: 1, idle: 1, upgraded: 0, waiting: 0, accepted: 1, refused: 0 });
  });

  test("beyond maxConnections and maxWaiting a client is closed, and who waits is served later", async () => {
    const server = await started((exchange) => text(exchange.target), { maxConnections: 1, maxWaiting: 1 });
    const first = await client(server);
    first.send(get("/first"));
    await first.untilReceived("/first");
    const second = await client(server);
    second.send(get("/second"));
    const third = await client(server);
    await third.untilClosed();
    expect(second.received).toBe("");
    first.socket.destroy();
    expect(await second.untilReceived("/second")).toContain("200 OK");
  });
});

test("`open` accepts connections in place of the network", async () => {
  let closed = 0;
  const [near, far] = memoryPair();
  const listener: Listener = {
    address: { host: "somewhere", port: 7, path: undefined },
    secure: true,
    connections: 1,
    close: async () => {
      closed += 1;
    },
    ref() {},
    unref() {},
  };
  const server = await startServer(() => text("from memory"), {
    onError: (error) => errors.push(error),
    open: ({ onConnection }) => {
      onConnection(far);
      return listener;
    },
  });
  expect(server.url).toBe("https://somewhere:7");
  const received = record(near);
  near.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await received.until(() => received.text.endsWith("from memory"));
  await server.close({ grace: 0 });
  expect(closed).toBe(1);
});
