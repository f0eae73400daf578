/** Our WebSockets against other people's servers, and through other people's proxies. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import { ClientSession } from "../../src/client/session.js";
import type { WebSocketOptions } from "../../src/client/websocket/websocket-options.js";
import { AUTHORITY } from "../net/certificates.js";
import { startedNginx } from "./nginx-process.js";
import { patternBytes } from "./origin-application.js";
import { aiohttpPython, autobahnPython, isAbsent, microsocks, nginx, tinyproxy } from "./peer-process.js";
import { closeAll, SCHEMES, type Scheme } from "./places.js";
import { startedMicrosocks, startedTinyproxy, TINYPROXY_PASSWORD, USER } from "./proxy-peers.js";
import { PROTOCOL, startedAiohttp, startedAutobahn, startedWs } from "./websocket-peers.js";

afterAll(closeAll);

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000];
const TEXTS = ["", "hello", "ünïcödé ✓ 🙂", "x".repeat(70_000)];
const FAST = 200;

function sessionWith(connector: ConnectorOptions = {}): ClientSession {
  return new ClientSession({ connector: { tls: { ca: AUTHORITY }, ...connector }, timeout: 15_000 });
}

function urlOf(scheme: Scheme, port: number): string {
  return `${scheme === "https" ? "wss" : "ws"}://localhost:${port}/`;
}

/** Everything that a conversation has, in both directions. */
async function converse(session: ClientSession, url: string, options: WebSocketOptions = {}): Promise<void> {
  const socket = await session.websocket(url, { protocols: ["other", PROTOCOL], ...options });
  expect(socket.protocol).toBe(PROTOCOL);
  expect(socket.extensions.startsWith("permessage-deflate")).toBe(options.compress !== undefined);
  for (const text of TEXTS) {
    await socket.send(text);
    expect(await socket.receive()).toBe(text);
  }
  for (const size of SIZES) {
    const bytes = patternBytes(size);
    await socket.send(bytes);
    const back = await socket.receive();
    expect(Buffer.compare(Buffer.from(back as Uint8Array), Buffer.from(bytes)), `${size} bytes`).toBe(0);
  }
  for (let at = 0; at < FAST; at += 1) void socket.send(`message ${at}`);
  for (let at = 0; at < FAST; at += 1) expect(await socket.receive()).toBe(`message ${at}`);
  expect(await socket.ping({ timeout: 5_000 })).toBeGreaterThanOrEqual(0);
  await socket.close(1000, "done");
  expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true });
}

/** A server that says goodbye first. */
async function leftByPeer(session: ClientSession, url: string): Promise<void> {
  const socket = await session.websocket(url);
  await socket.send("close 4001");
  expect(await socket.closed).toEqual({ code: 4001, reason: "as you wish", wasClean: true });
}

const PEERS = [
  ["ws", startedWs, false],
  ["aiohttp", startedAiohttp, isAbsent(aiohttpPython)],
  ["autobahn", startedAutobahn, isAbsent(autobahnPython)],
] as const;

describe.each(PEERS)("%s", (_name, start, absent) => {
  describe.skipIf(absent).each(SCHEMES)("over %s", (scheme) => {
    let url: string;
    beforeAll(async () => {
      url = urlOf(scheme, await start(scheme));
    });

    test("understands us, and we it", async () => {
      await using session = sessionWith();
      await converse(session, url);
    });

    test("with compressed messages, too", async () => {
      await using session = sessionWith();
      await converse(session, url, { compress: true });
      await converse(session, url, { compress: { clientNoContextTakeover: true, serverNoContextTakeover: true } });
    });

    test("may leave first", async () => {
      await using session = sessionWith();
      await leftByPeer(session, url);
    });

    test("is told 1001 when the session is closed, and answers", async () => {
      const session = sessionWith();
      const socket = await session.websocket(url);
      await session.close({ grace: 5_000 });
      // Some answer with the code they were told, some with 1000.
      expect(await socket.closed).toMatchObject({ code: expect.toBeOneOf([1000, 1001]), wasClean: true });
    });
  });
});

describe.skipIf(isAbsent(nginx)).each(SCHEMES)("nginx before ws, over %s", (scheme) => {
  test("passes everything on", async () => {
    const origin = await startedWs("http");
    const base = await startedNginx(
      scheme,
      `location /socket/ {
        proxy_pass http://127.0.0.1:${origin}/;
        proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      }`,
    );
    await using session = sessionWith();
    await converse(session, `${base}/socket/`);
    await leftByPeer(session, `${base}/socket/`);
    const refused = session.websocket(`${base}/hello.txt`);
    await expect(refused).rejects.toMatchObject({ code: "websocket/refused", status: 200 });
  });
});

describe.each(SCHEMES)("through a proxy, over %s", (scheme) => {
  let url: string;
  beforeAll(async () => {
    url = urlOf(scheme, await startedWs(scheme));
  });

  test.skipIf(isAbsent(tinyproxy))("tinyproxy opens a tunnel, for ws: as well, with credentials", async () => {
    const port = await startedTinyproxy(true);
    await using session = sessionWith({ proxy: `http://${USER}:${TINYPROXY_PASSWORD}@127.0.0.1:${port}` });
    await converse(session, url);
    await leftByPeer(session, url);
  });

  test.skipIf(isAbsent(microsocks))("microsocks", async () => {
    const port = await startedMicrosocks(false);
    await using session = sessionWith({ proxy: `socks5h://127.0.0.1:${port}` });
    await converse(session, url);
    await leftByPeer(session, url);
  });
});

test("a certificate that nobody vouches for is refused before anything is sent", async () => {
  const port = await startedWs("https");
  await using session = new ClientSession();
  await expect(session.websocket(urlOf("https", port))).rejects.toMatchObject({ name: "TlsError" });
});
