import { afterEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ClientSession } from "../../../src/client/session.js";
import type { ProxyOptions } from "../../../src/proxy/proxy-options.js";
import { type ProxyTarget, proxy } from "../../../src/proxy/reverse-proxy.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { closeAll, serveOn } from "../../interop/places.js";
import { RawClient } from "../../server/raw-client.js";
import { ACCEPT, handshakeBytes } from "../../server/websocket/handshake-setup.js";
import { closing, frame, RawSocket } from "../../server/websocket/raw-socket.js";
import { answering, RawOrigin } from "../proxy-setup.js";

afterEach(closeAll);

/** An origin with sockets, which keeps what it sees. */
function origin() {
  const heads: Record<string, string | null>[] = [];
  const ends: number[] = [];
  const app = new Application({ onError: () => undefined });
  app.websocket(
    "/echo",
    { protocols: ["v2"], origins: "any", compress: { threshold: 0 }, maxMessageSize: 1 << 24 },
    async (socket, { headers }) => {
      heads.push(
        Object.fromEntries(
          ["host", "origin", "via", "x-forwarded-for", "cookie"].map((name) => [name, headers.get(name)]),
        ),
      );
      void socket.closed.then(({ code }) => ends.push(code));
      for await (const message of socket) await socket.send(message);
    },
  );
  app.websocket(
    "/guarded",
    {
      upgrade: () => {
        throw new HttpError(401, "Who are you?");
      },
    },
    () => undefined,
  );
  return { app, heads, ends };
}

/** A proxy in front of `target`; `errors` are what it reports. */
async function proxying(target: ProxyTarget, options: ProxyOptions = {}) {
  const errors: unknown[] = [];
  const session = new ClientSession();
  const app = new Application({ onError: (error) => errors.push(error) });
  app.use(proxy(session, target, { via: "edge", ...options }));
  const { server } = await serveOn("http", app);
  return { server, session, errors };
}

const text = (payload: string) => frame(1, payload);

describe("a WebSocket through the proxy", () => {
  test("has its handshake passed on as the client made it, and the answer as the origin gave it", async () => {
    const { app, heads } = origin();
    const place = await serveOn("http", app);
    const { server, session } = await proxying(place.url);
    const fields = {
      "sec-websocket-protocol": "v1, v2",
      "sec-websocket-extensions": "permessage-deflate; client_no_context_takeover",
      origin: "https://app.example.com",
      cookie: "a=b",
    };
    const socket = await RawSocket.open(server, "/echo?x=1", fields, text("early"));
    expect(socket.head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    const answer = [
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${ACCEPT}`,
      "Sec-WebSocket-Protocol: v2",
    ];
    for (const line of [...answer, "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"]) {
      expect(socket.head.split("\r\n").filter((one) => one === line)).toEqual([line]);
    }
    expect(heads).toEqual([
      {
        host: new URL(place.url).host,
        origin: "https://app.example.com",
        via: "1.1 edge",
        "x-forwarded-for": "127.0.0.1",
        cookie: "a=b",
      },
    ]);
    expect(await socket.untilFrames(1)).toMatchObject([{ opcode: 1, compressed: true }]);
    socket.send(frame(8, closing(3_000, "bye")));
    expect(await socket.untilClosing()).toEqual([3_000, ""]);
    expect(Object.values(session.connector.stats()).map(({ open }) => open)).toEqual([]);
    await session.close();
  });

  test("offers what its client offers, and nothing that the session has for requests of its own", async () => {
    const { app } = origin();
    const place = await serveOn("http", app);
    const session = new ClientSession({
      headers: {
        "Sec-WebSocket-Protocol": "v2",
        "sec-websocket-extensions": "permessage-deflate",
        "x-edge": "1",
      },
    });
    const edge = new Application();
    edge.use(proxy(session, place.url));
    const { server } = await serveOn("http", edge);
    const socket = await RawSocket.open(server, "/echo");
    expect(socket.head).toMatch(/^HTTP\/1\.1 101 /);
    expect(socket.head).not.toMatch(/sec-websocket-(?:protocol|extensions)/i);
    socket.send(frame(8, closing(1_000)));
    expect(await socket.untilClosing()).toEqual([1_000, ""]);
    await session.close();
  });

  test("carries large messages both ways, at the pace of the slower side", async () => {
    const { app } = origin();
    const { server, session } = await proxying((await serveOn("http", app)).url);
    const client = new WebSocket(`${server.url.replace("http", "ws")}/echo`);
    await new Promise((resolve) => client.on("open", resolve));
    const large = Buffer.alloc(5_000_000, "large ");
    client.send(large);
    client.pause();
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.resume();
    const back = await new Promise<Buffer>((resolve) => client.once("message", (bytes: Buffer) => resolve(bytes)));
    expect(back.equals(large)).toBe(true);
    client.close(1000);
    await new Promise((resolve) => client.once("close", resolve));
    await session.close();
  });

  test("takes the end of either side to the other", async () => {
    const { app, ends } = origin();
    const place = await serveOn("http", app);
    const { server, session, errors } = await proxying(place.url);
    const vanishing = await RawSocket.open(server, "/echo");
    vanishing.client.socket.resetAndDestroy();
    await eventually(() => ends.length === 1 && server.connections.open === 0);
    const left = await RawSocket.open(server, "/echo");
    await place.server.close({ grace: 0 });
    await left.client.until(({ ended, closed }) => ended || closed);
    left.client.socket.destroy();
    await eventually(() => server.connections.open === 0);
    expect(errors).toEqual([]);
    await session.close();
  });

  test("that the origin refuses is answered as the origin answers", async () => {
    const { app } = origin();
    const { server, session } = await proxying((await serveOn("http", app)).url);
    const guarded = await RawSocket.open(server, "/guarded");
    expect(guarded.head).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    const missing = await RawSocket.open(server, "/nowhere");
    expect(missing.head).toMatch(/^HTTP\/1\.1 404 /);
    // Both connections have gone on with HTTP.
    guarded.client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    const again = await guarded.client.untilReceived("426 Upgrade Required");
    expect(again).toMatch(/\r\nUpgrade: websocket\r\n/);
    expect(again).toMatch(/\r\nConnection: Upgrade\r\n/);
    await session.close();
  });

  test.each([
    [
      "answers another key",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT.replace("s", "x")}\r\n`,
    ],
    ["names no protocol", `Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`],
    [
      "chose a sub-protocol of its own",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: v9\r\n`,
    ],
    [
      "uses an extension nobody offered",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: x\r\n`,
    ],
  ])("is a 502, and no tunnel, where the 101 %s", async (_what, fields) => {
    const raw = await RawOrigin.start(answering(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`));
    const { server, session } = await proxying(raw.url);
    const client = await RawClient.to(server);
    client.send(handshakeBytes("/"));
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 502 /);
    await raw.until(({ sockets }) => sockets.every(({ destroyed }) => destroyed));
    await session.close();
  });

  test("that is no valid handshake never reaches the origin", async () => {
    const raw = await RawOrigin.start(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    const { server, session } = await proxying(raw.url);
    for (const [fields, status] of [
      [{ "sec-websocket-version": "8" }, 426],
      [{ "sec-websocket-key": "short" }, 400],
      [{ "sec-websocket-extensions": ";" }, 400],
    ] as const) {
      const client = await RawClient.to(server);
      client.send(handshakeBytes("/", fields));
      expect(await client.untilReceived("\r\n\r\n")).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      client.socket.destroy();
    }
    expect(raw.received).toBe("");
    await session.close();
  });

  test("is refused with 501 where the proxy is told so, 502 where nobody is", async () => {
    const { app } = origin();
    const place = await serveOn("http", app);
    const without = await proxying(place.url, { websocket: false });
    expect((await RawSocket.open(without.server, "/echo")).head).toMatch(/^HTTP\/1\.1 501 /);
    await place.server.close({ grace: 0 });
    const nobody = await proxying(place.url);
    expect((await RawSocket.open(nobody.server, "/echo")).head).toMatch(/^HTTP\/1\.1 502 /);
    await Promise.all([without.session.close(), nobody.session.close()]);
  });

  test("has a place among so many, in all and for each client", async () => {
    const { app } = origin();
    const place = await serveOn("http", app);
    for (const [limits, status] of [
      [{ maxConnections: 1 }, 503],
      [{ maxConnectionsPerClient: 1 }, 429],
    ] as const) {
      const { server, session } = await proxying(place.url, { websocket: limits });
      const first = await RawSocket.open(server, "/echo");
      expect((await RawSocket.open(server, "/echo")).head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      first.client.socket.destroy();
      await eventually(() => server.connections.upgraded === 0);
      expect((await RawSocket.open(server, "/echo")).head).toMatch(/^HTTP\/1\.1 101 /);
      await session.close();
    }
  });

  test("is one of the connections that the session's connector may have upgraded", async () => {
    const { app } = origin();
    const session = new ClientSession({ connector: { limitUpgraded: 1 } });
    const front = new Application({ onError: () => undefined });
    front.use(proxy(session, (await serveOn("http", app)).url));
    const { server } = await serveOn("http", front);
    const first = await RawSocket.open(server, "/echo");
    expect((await RawSocket.open(server, "/echo")).head).toMatch(/^HTTP\/1\.1 503 /);
    expect((await RawSocket.open(server, "/guarded")).head).toMatch(/^HTTP\/1\.1 503 /);
    first.client.socket.destroy();
    await eventually(() => server.connections.upgraded === 0);
    expect((await RawSocket.open(server, "/guarded")).head).toMatch(/^HTTP\/1\.1 401 /);
    expect((await RawSocket.open(server, "/echo")).head).toMatch(/^HTTP\/1\.1 101 /);
    await session.close();
  });

  test.each(["server", "session"] as const)("is told 1001 on both sides when the %s closes", async (who) => {
    const { app, ends } = origin();
    const { server, session } = await proxying((await serveOn("http", app)).url);
    const socket = await RawSocket.open(server, "/echo");
    socket.send(text("x"));
    await socket.untilFrames(1);
    const closed: Promise<void> = who === "server" ? server.close({ grace: 5_000 }) : session.close();
    expect(await socket.untilClosing()).toEqual([1001, ""]);
    socket.send(frame(8, closing(1001)));
    await socket.client.until(({ ended }) => ended);
    socket.client.socket.end();
    await closed;
    await eventually(() => ends.length === 1);
    expect(ends).toEqual([1001]);
    await eventually(() => server.connections.open === 0);
    await session.close();
  });

  test("options out of range are refused when the proxy is made", () => {
    const session = new ClientSession();
    for (const websocket of [
      { idleTimeout: 0 },
      { maxConnections: 0 },
      { maxConnectionsPerClient: 1.5 },
      { idle: 1 },
    ]) {
      expect(() => proxy(session, "http://127.0.0.1:1", { websocket } as ProxyOptions)).toThrow(/^Cannot use/);
    }
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
