/** The client over real sockets, against Node's own server: TCP, TLS and Unix sockets. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import { ClientSession } from "../../src/client/session.js";
import { systemClock } from "../../src/concurrency/clock.js";
import { TlsError } from "../../src/errors.js";
import { AUTHORITY, SERVER } from "../net/certificates.js";
import { socketFolder } from "../net/connected-pair.js";
import { closeAfter, rejection } from "./fake-net.js";

const LARGE = Buffer.alloc(5_000_000, "0123456789abcdef");

async function serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "", "http://x");
  const hash = createHash("sha256");
  let bytes = 0;
  if (pathname === "/early") {
    reply.writeHead(413).end("too much");
    return;
  }
  for await (const piece of request) {
    bytes += (piece as Buffer).byteLength;
    hash.update(piece as Buffer);
  }
  if (pathname === "/large") reply.end(LARGE);
  else if (pathname === "/gzip") reply.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(LARGE));
  else if (pathname === "/to") reply.writeHead(302, { location: "/echo" }).end("moved");
  else if (pathname === "/chunks") {
    for (let chunk = 0; chunk < 5; chunk += 1) reply.write(`chunk ${chunk}\n`);
    reply.end();
  } else if (pathname === "/kill") request.socket.destroy();
  else {
    reply.setHeader("content-type", "application/json");
    reply.end(JSON.stringify({ method: request.method, url: request.url, bytes, hash: hash.digest("hex") }));
  }
}

const KINDS: [kind: string, listen: (server: Server) => Promise<{ url: string; connector: ConnectorOptions }>][] = [
  [
    "TCP",
    async (server) => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connector: {} };
    },
  ],
  [
    "TLS",
    async (server) => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const lookup = () => Promise.resolve(["127.0.0.1"]);
      return { url: `https://localhost:${port}`, connector: { tls: { ca: AUTHORITY }, dns: { lookup } } };
    },
  ],
  [
    "a Unix socket",
    async (server) => {
      const { path, remove } = socketFolder();
      server.on("close", remove);
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return { url: "http://any.test", connector: { unixSocket: path } };
    },
  ],
];

describe.each(KINDS)("over %s", (kind, listen) => {
  const handler = (request: IncomingMessage, reply: ServerResponse): void => {
    serve(request, reply).catch(() => reply.destroy());
  };
  const server = kind === "TLS" ? createTlsServer(SERVER, handler) : createServer(handler);
  let url = "";
  let connector: ConnectorOptions = {};
  let connections = 0;

  beforeAll(async () => {
    server.on(kind === "TLS" ? "secureConnection" : "connection", () => {
      connections += 1;
    });
    ({ url, connector } = await listen(server as Server));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const session = (options: ConnectorOptions = {}): ClientSession =>
    closeAfter(new ClientSession({ baseUrl: `${url}/`, connector: { ...connector, ...options } }));

  test("requests with and without bodies, answers of every framing, redirects", async () => {
    const own = session();
    expect(await own.get("echo?x=1").json()).toMatchObject({ method: "GET", url: "/echo?x=1", bytes: 0 });
    expect(await own.post("echo", { json: { a: 1 } }).json()).toMatchObject({ method: "POST", bytes: 7 });
    expect(await own.get("chunks").text()).toBe("chunk 0\nchunk 1\nchunk 2\nchunk 3\nchunk 4\n");
    expect(await own.get("to").json()).toMatchObject({ url: "/echo" });
    const response = await own.head("echo");
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("a large body arrives whole, collected, in chunks, decoded, or after a pause", async () => {
    const own = session();
    expect(LARGE.equals(await own.get("large").bytes())).toBe(true);
    expect(LARGE.equals(await own.get("gzip").bytes())).toBe(true);
    const hash = createHash("sha256");
    const response = await own.get("large");
    await new Promise((resolve) => setTimeout(resolve, 50));
    for await (const chunk of response.body.chunks(64 * 1024)) hash.update(chunk);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(LARGE).digest("hex"));
  });

  test("a large upload arrives whole, from memory and from a source", async () => {
    async function* source(): AsyncGenerator<Buffer> {
      for (let at = 0; at < LARGE.length; at += 100_000) yield LARGE.subarray(at, at + 100_000);
    }
    const sum = createHash("sha256").update(LARGE).digest("hex");
    for (const body of [LARGE, source(), () => source()]) {
      expect(await session().put("echo", { body }).json()).toMatchObject({ bytes: LARGE.length, hash: sum });
    }
  });

  test("one connection carries one request after the other, and parallel ones have their own", async () => {
    const own = session();
    const before = connections;
    for (let count = 0; count < 20; count += 1) await own.get("echo").text();
    expect(connections - before).toBe(1);
    await Promise.all(Array.from({ length: 10 }, () => own.get("echo").text()));
    // A dial that is overtaken by a connection that comes free is not needed any more.
    expect(connections - before).toBeGreaterThan(1);
    expect(connections - before).toBeLessThanOrEqual(10);
  });

  test("500 requests through 20 connections, bodies read, unread, aborted and lost, leave nothing behind", async () => {
    const own = session({ limit: 20 });
    const outcomes = await Promise.all(
      Array.from({ length: 500 }, async (_, at) => {
        if (at % 10 === 1)
          return own.get("kill").then(
            () => "",
            (error: Error) => error.name,
          );
        if (at % 10 === 2)
          return own
            .get("large", { signal: AbortSignal.timeout(5) })
            .text()
            .catch(() => "aborted");
        if (at % 10 === 3) return String((await own.get("echo")).status);
        return own
          .get(`echo?${at}`)
          .json<{ url: string }>()
          .then((echo) => echo.url === `/echo?${at}`);
      }),
    );
    expect(outcomes.filter((outcome) => outcome === false)).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === "ConnectionLostError").length).toBe(50);
    for (const stats of Object.values(own.connector.stats())) expect(stats).toMatchObject({ queued: 0, dialing: 0 });
    await own.close();
    expect(own.connector.stats()).toEqual({});
  });

  test("200 large bodies that nobody reads do not hold up what comes after them", async () => {
    const own = session({ limit: 50 });
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await own.get("large")).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await own.get("echo")).status).toBe(200);
  });

  test("an early answer to an upload is had, and the source stops", async () => {
    let released = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) {
          yield Buffer.alloc(10_000);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        released = true;
      }
    }
    const response = await session().post("early", { body: endless() });
    expect([response.status, await response.text()]).toEqual([413, "too much"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).toBe(true);
  });

  if (kind === "TLS") {
    test("a certificate that cannot be trusted is a TlsError, unless nobody wants to know", async () => {
      const trusting = { ...connector, tls: {} };
      const strict = closeAfter(new ClientSession({ connector: trusting }));
      expect(await rejection(strict.get(url))).toBeInstanceOf(TlsError);
      const blind = closeAfter(new ClientSession({ connector: { ...connector, tls: { rejectUnauthorized: false } } }));
      expect((await blind.get(`${url}/echo`)).status).toBe(200);
    });
  }
});

test("no timer of the process is left when all sessions are closed", async () => {
  await expect.poll(() => systemClock.armedCount).toBe(0);
});
