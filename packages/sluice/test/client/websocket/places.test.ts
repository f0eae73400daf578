/** WebSockets over real connections: through proxies, TLS, Unix sockets, past guards, and what a process is left with. */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { ConnectorOptions } from "../../../src/client/connector.js";
import { ClientSession } from "../../../src/client/session.js";
import type { WebSocketConnection } from "../../../src/wire/websocket/websocket-connection.js";
import { AUTHORITY, SERVER } from "../../net/certificates.js";
import { socketFolder } from "../../net/connected-pair.js";
import { rejection } from "../fake-net.js";
import { startTestProxy } from "../test-proxy.js";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of closing.splice(0).reverse()) await job();
});

/** An echo of ws; `/http` is answered as a page. */
async function served(options: { readonly tls?: boolean; readonly path?: string } = {}) {
  const http = (options.tls ? createTlsServer(SERVER) : createServer()) as Server;
  http.on("request", (_request, response) => response.end("page"));
  const server = new WebSocketServer({ server: http });
  const sockets: WebSocket[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (bytes, isBinary) => socket.send(bytes, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => {
    if (options.path === undefined) http.listen(0, "127.0.0.1", resolve);
    else http.listen(options.path, resolve);
  });
  closing.push(async () => {
    for (const socket of sockets) socket.terminate();
    server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const address = http.address();
  return { port: typeof address === "object" ? (address as AddressInfo).port : 0, sockets };
}

function sessionWith(connector: ConnectorOptions): ClientSession {
  const session = new ClientSession({ connector, timeout: 10_000 });
  closing.push(() => session.close());
  return session;
}

async function echoes(session: ClientSession, url: string): Promise<void> {
  const socket = await session.websocket(url);
  await socket.send("hello");
  expect(await socket.receive()).toBe("hello");
  await socket.close();
}

async function proxied(options: Parameters<typeof startTestProxy>[0] = {}) {
  const proxy = await startTestProxy(options);
  closing.push(() => proxy.close());
  return proxy;
}

describe("HTTP proxies", () => {
  test("are asked for a tunnel, for ws: as for wss:", async () => {
    const plain = await served();
    const secure = await served({ tls: true });
    const proxy = await proxied();
    const session = sessionWith({ proxy: proxy.url, tls: { ca: AUTHORITY } });
    await echoes(session, `ws://localhost:${plain.port}/`);
    await echoes(session, `wss://localhost:${secure.port}/`);
    expect(proxy.asked).toEqual([`CONNECT localhost:${plain.port}`, `CONNECT localhost:${secure.port}`]);
  });

  test("a request to the same origin goes as ever, and neither takes the other's connection", async () => {
    const { port } = await served();
    const proxy = await proxied();
    const session = sessionWith({ proxy: proxy.url });
    const url = `http://localhost:${port}/`;
    await session.get(url).text();
    await echoes(session, url);
    await session.get(url).text();
    expect(proxy.asked).toEqual([`GET ${url}`, `CONNECT localhost:${port}`, `GET ${url}`]);
    expect(proxy.connections()).toBe(2);
  });

  test("get their credentials with CONNECT, the origin none of them", async () => {
    const { port } = await served();
    const proxy = await proxied({ credentials: "Basic YWRhOnB3" });
    await echoes(sessionWith({ proxy: proxy.url.replace("//", "//ada:pw@") }), `ws://localhost:${port}/`);
    const refused = sessionWith({ proxy: proxy.url }).websocket(`ws://localhost:${port}/`);
    expect((await rejection(refused)).code).toBe("proxy/authentication-required");
  });
});

describe("TLS", () => {
  test("trusts whom the connector trusts, and nobody else", async () => {
    const { port, sockets } = await served({ tls: true });
    const url = `wss://localhost:${port}/`;
    await echoes(sessionWith({ tls: { ca: AUTHORITY } }), url);
    await echoes(sessionWith({ tls: { rejectUnauthorized: false } }), url);
    expect((await rejection(sessionWith({}).websocket(url))).name).toBe("TlsError");
    expect(sockets).toHaveLength(2);
  });

  test("servername is the name that is asked for", async () => {
    const { port } = await served({ tls: true });
    const session = sessionWith({ tls: { ca: AUTHORITY } });
    const socket = await session.websocket(`wss://127.0.0.1:${port}/`, { servername: "localhost" });
    await socket.close();
  });
});

test("a Unix socket is as good as a port", async () => {
  const folder = socketFolder();
  closing.push(() => folder.remove());
  await served({ path: folder.path });
  await echoes(sessionWith({ unixSocket: folder.path }), "ws://localhost/");
});

test("allowAddress is asked before anything is connected to", async () => {
  const { port, sockets } = await served();
  const session = sessionWith({ allowAddress: () => false });
  expect((await rejection(session.websocket(`ws://127.0.0.1:${port}/`))).code).toBe("connect/address-refused");
  expect(sockets).toHaveLength(0);
});

test("a place of the pool is free again as soon as the socket is open", async () => {
  const { port, sockets } = await served();
  const session = sessionWith({ limit: 1 });
  const open: WebSocketConnection[] = [];
  for (let count = 0; count < 5; count += 1) open.push(await session.websocket(`ws://127.0.0.1:${port}/`));
  expect(await session.get(`http://127.0.0.1:${port}/http`).text()).toBe("page");
  expect(sockets).toHaveLength(5);
  for (const socket of open) await socket.close();
});

test("closing the session says 1001, also where nobody waits for an answer", async () => {
  const { port, sockets } = await served();
  const session = sessionWith({});
  await session.websocket(`ws://127.0.0.1:${port}/`);
  const told = new Promise((resolve) => sockets[0]?.on("close", resolve));
  await session.close();
  expect(await told).toBe(1001);
});
