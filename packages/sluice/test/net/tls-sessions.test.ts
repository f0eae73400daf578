/** Resumption of TLS sessions: the store by itself, and against Node's server in both versions. */
import type { AddressInfo, Socket } from "node:net";
import { createServer, type SecureVersion, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/concurrency/clock.js";
import type { Dialer, DialTarget } from "../../src/net/dial.js";
import { DnsCache } from "../../src/net/dns-cache.js";
import type { TlsClientOptions } from "../../src/net/tls-client.js";
import { TlsSessions } from "../../src/net/tls-sessions.js";
import { AUTHORITY, SELF_SIGNED, SERVER } from "./certificates.js";
import { dialed, dialFailure, newDialer } from "./connected-pair.js";

const session = (text: string): Buffer => Buffer.from(text);
const textOf = (taken: Buffer | undefined): string | undefined => taken?.toString();

describe("the store of sessions", () => {
  test("a ticket of TLS 1.3 is given once, the newest first, four of a place at most", () => {
    const sessions = new TlsSessions();
    const settings = {};
    for (const name of ["a", "b", "c", "d", "e"]) sessions.keep(settings, "place", session(name), true);
    const taken = Array.from({ length: 5 }, () => textOf(sessions.take(settings, "place")));
    expect(taken).toEqual(["e", "d", "c", "b", undefined]);
  });

  test("a session of TLS 1.2 is given until there is another", () => {
    const sessions = new TlsSessions();
    const settings = {};
    sessions.keep(settings, "place", session("a"), false);
    expect([1, 2].map(() => textOf(sessions.take(settings, "place")))).toEqual(["a", "a"]);
    sessions.keep(settings, "place", session("b"), false);
    expect(textOf(sessions.take(settings, "place"))).toBe("b");
    sessions.forget(settings, "place");
    expect(sessions.take(settings, "place")).toBeUndefined();
  });

  test("places and settings are apart", () => {
    const sessions = new TlsSessions();
    const [strict, lax] = [{ ca: "x" }, { ca: "x" }];
    sessions.keep(strict, "place", session("a"), false);
    expect(sessions.take(strict, "other")).toBeUndefined();
    expect(sessions.take(lax, "place")).toBeUndefined();
  });

  test("the least recently used place leaves first, at the limit and not before; 0 keeps none", () => {
    const settings = { maxCachedSessions: 2 };
    const sessions = new TlsSessions();
    sessions.keep(settings, "a", session("a"), false);
    sessions.keep(settings, "b", session("b"), false);
    expect(textOf(sessions.take(settings, "a"))).toBe("a");
    sessions.keep(settings, "c", session("c"), false);
    expect(["a", "b", "c"].map((key) => textOf(sessions.take(settings, key)))).toEqual(["a", undefined, "c"]);
    const none = { maxCachedSessions: 0 };
    sessions.keep(none, "a", session("a"), false);
    expect(sessions.take(none, "a")).toBeUndefined();
  });
});

const opened: (() => unknown)[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

async function serve(options: TlsOptions, version?: SecureVersion): Promise<number> {
  const versions = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const server: Server = createServer({ ...SERVER, ...options, ...versions }, (socket: TLSSocket) => {
    socket.on("error", () => socket.destroy());
    socket.resume();
    socket.write("hello");
  });
  servers.push(server);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function localDialer(): Dialer {
  return newDialer({ dns: new DnsCache(systemClock, { lookup: async () => ["127.0.0.1"] }) });
}

/** Connects, waits for the server's first bytes (tickets come before them), closes; whether the session was resumed. */
async function resumed(dialer: Dialer, target: DialTarget): Promise<boolean | undefined> {
  const transport = await dialed(target, dialer);
  await new Promise<void>((resolve) => {
    transport.attach({
      onData: () => resolve(),
      onEnd: () => resolve(),
      onDrain: () => undefined,
      onClose: () => resolve(),
    });
  });
  const { tls } = transport.peer();
  // Tickets may come behind them, and Node tells of new sessions a little later.
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  transport.destroy();
  return tls?.resumed;
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("resumption in %s", (version) => {
  test("a new connection to the same place resumes the session, in TLS 1.3 once by each ticket", async () => {
    const port = await serve({}, version);
    const target: DialTarget = { host: "localhost", port, tls: { ca: AUTHORITY } };
    const dialer = localDialer();
    const outcomes: unknown[] = [];
    for (let round = 0; round < 3; round += 1) outcomes.push(await resumed(dialer, target));
    expect(outcomes).toEqual([false, true, true]);
    // Node's server gives two tickets of TLS 1.3 in a full handshake, and none in a resumed one.
    expect(await resumed(dialer, target)).toBe(version === "TLSv1.2");
  });

  test("not for another name, scope, port or dialer, nor under other settings", async () => {
    const [port, otherPort] = [await serve({}, version), await serve({}, version)];
    const tls: TlsClientOptions = { ca: AUTHORITY };
    const target: DialTarget = { host: "localhost", port, tls };
    const dialer = localDialer();
    expect(await resumed(dialer, target)).toBe(false);
    const others: DialTarget[] = [
      { ...target, host: "example.com" },
      { ...target, servername: "example.com" },
      { ...target, sessionScope: "by a proxy" },
      { ...target, port: otherPort },
      { ...target, tls: { ca: AUTHORITY } },
      { ...target, tls: { ca: AUTHORITY, rejectUnauthorized: false } },
    ];
    for (const other of others) expect(await resumed(dialer, other), JSON.stringify(other)).toBe(false);
    expect(await resumed(localDialer(), target)).toBe(false);
    expect(await resumed(dialer, target)).toBe(true);
  });

  test("not with maxCachedSessions: 0", async () => {
    const port = await serve({}, version);
    const target: DialTarget = { host: "localhost", port, tls: { ca: AUTHORITY, maxCachedSessions: 0 } };
    const dialer = localDialer();
    expect([await resumed(dialer, target), await resumed(dialer, target)]).toEqual([false, false]);
  });

  test("what a server gave that was not trusted is thrown away", async () => {
    const port = await serve(SELF_SIGNED, version);
    const tls: TlsClientOptions = { ca: AUTHORITY };
    const dialer = localDialer();
    for (let round = 0; round < 2; round += 1) {
      const error = await dialFailure({ host: "localhost", port, tls }, dialer);
      expect(error).toMatchObject({ code: "tls/certificate-self-signed" });
    }
  });

  test("a wrong name that is tolerated stays a wrong name", async () => {
    const port = await serve({}, version);
    const target: DialTarget = { host: "other.test", port, tls: { ca: AUTHORITY, rejectUnauthorized: false } };
    const dialer = localDialer();
    for (let round = 0; round < 3; round += 1) {
      const transport = await dialed(target, dialer);
      expect(transport.peer().tls).toMatchObject({ authorized: false, resumed: false });
      transport.destroy();
    }
  });

  test("a server that has lost its keys is spoken to in full, and resumed after that", async () => {
    const port = await serve({ ticketKeys: Buffer.alloc(48, 1) }, version);
    const target: DialTarget = { host: "localhost", port, tls: { ca: AUTHORITY } };
    const dialer = localDialer();
    await resumed(dialer, target);
    servers.at(-1)?.setTicketKeys(Buffer.alloc(48, 2));
    // Two tickets may be there of TLS 1.3.
    const outcomes = [await resumed(dialer, target), await resumed(dialer, target), await resumed(dialer, target)];
    expect([outcomes[0], outcomes[2]]).toEqual([false, true]);
  });

  test("a pin holds for a session that is resumed, and none is resumed under another pin", async () => {
    const port = await serve(SELF_SIGNED, version);
    const { X509Certificate } = await import("node:crypto");
    const fingerprint = [new X509Certificate(SELF_SIGNED.cert).fingerprint256];
    const tls: TlsClientOptions = { fingerprint, rejectUnauthorized: false };
    const target: DialTarget = { host: "localhost", port, tls };
    const dialer = localDialer();
    expect([await resumed(dialer, target), await resumed(dialer, target)]).toEqual([false, true]);
    const changed = { ...tls, fingerprint: ["00".repeat(32)] };
    expect(await dialFailure({ ...target, tls: changed }, dialer)).toMatchObject({ code: "tls/fingerprint-mismatch" });
  });
});
