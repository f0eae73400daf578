import { createServer as createPlainServer, type Server } from "node:net";
import { createSecureContext, createServer as createTlsServer, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/concurrency/clock.js";
import { TlsError, UsageError } from "../../src/errors.js";
import type { DialEvents } from "../../src/net/dial.js";
import { DnsCache } from "../../src/net/dns-cache.js";
import { type Listener, listen } from "../../src/net/listen.js";
import type { TlsClientOptions } from "../../src/net/tls-client.js";
import type { ServerTlsOptions } from "../../src/net/tls-server.js";
import type { Transport } from "../../src/net/transport.js";
import { AUTHORITY, CLIENT, EXPIRED, SELF_SIGNED, SERVER } from "./certificates.js";
import { dialed, dialFailure, newDialer, socketFolder } from "./connected-pair.js";
import { record, turns } from "./recorder.js";

/** Everything made by a test, closed after it. */
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** Every name is this machine. */
const dialer = newDialer({ dns: new DnsCache(systemClock, { lookup: async () => ["127.0.0.1"] }) });

interface TlsServer {
  readonly port: number;
  readonly accepted: readonly Transport[];
  readonly handshakeFailures: readonly Error[];
}

async function serve(tls: ServerTlsOptions): Promise<TlsServer> {
  const accepted: Transport[] = [];
  const handshakeFailures: Error[] = [];
  const listener: Listener = await listen({
    port: 0,
    host: "127.0.0.1",
    tls,
    onConnection: (transport) => accepted.push(transport),
    onHandshakeFailure: (error) => handshakeFailures.push(error),
  });
  opened.push(() => listener.close());
  opened.push(() => accepted.forEach((transport) => void transport.destroy()));
  return { port: listener.address.port ?? 0, accepted, handshakeFailures };
}

/** A server of Node's own, for what ours does not do. */
async function serveWith(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function connected(host: string, port: number, tls: TlsClientOptions): Promise<Transport> {
  const transport = await dialed({ host, port, tls }, dialer);
  opened.push(() => transport.destroy());
  return transport;
}

function failure(host: string, port: number, tls: TlsClientOptions): Promise<unknown> {
  return dialFailure({ host, port, tls }, dialer);
}

describe("TLS to a trusted server", () => {
  test("tells what was agreed", async () => {
    const { port } = await serve(SERVER);
    const steps: unknown[] = [];
    const events: DialEvents = {
      onTlsStart: (servername) => steps.push(servername),
      onTlsEnd: (outcome) => steps.push(outcome),
    };
    const transport = await dialed({ host: "example.com", port, tls: { ca: AUTHORITY } }, dialer, events);
    expect(transport.peer().tls).toEqual({
      protocol: "TLSv1.3",
      cipher: expect.stringMatching(/^TLS_/),
      alpn: "http/1.1",
      servername: "example.com",
      authorized: true,
      resumed: false,
    });
    expect(steps).toEqual(["example.com", transport.peer().tls]);
    transport.destroy();
  });

  test("asks for the host by name, without a trailing dot (RFC 6066 §3)", async () => {
    const { port, accepted } = await serve(SERVER);
    const transport = await connected("www.example.com.", port, { ca: AUTHORITY });
    expect(transport.peer().tls?.servername).toBe("www.example.com");
    await waitFor(() => accepted.length === 1);
    expect(accepted[0]?.peer().tls).toMatchObject({ servername: "www.example.com", alpn: "http/1.1" });
  });

  test("does not send an IP address as a name, but finds it in the certificate", async () => {
    const { port, accepted } = await serve(SERVER);
    const transport = await connected("127.0.0.1", port, { ca: AUTHORITY });
    expect(transport.peer().tls).toMatchObject({ servername: undefined, authorized: true });
    await waitFor(() => accepted.length === 1);
    expect(accepted[0]?.peer().tls?.servername).toBeUndefined();
  });

  test("servername replaces the host, in the question and in the proof", async () => {
    const { port, accepted } = await serve(SERVER);
    await connected("elsewhere.test", port, { ca: AUTHORITY, servername: "example.com" });
    await waitFor(() => accepted.length === 1);
    expect(accepted[0]?.peer().tls?.servername).toBe("example.com");
    const error = await failure("example.com", port, { ca: AUTHORITY, servername: "elsewhere.test" });
    expect(error).toMatchObject({ code: "tls/certificate-name-mismatch" });
  });

  test("takes several authorities, as bytes too", async () => {
    const { port } = await serve({ cert: Buffer.from(SERVER.cert), key: new Uint8Array(Buffer.from(SERVER.key)) });
    await connected("localhost", port, { ca: [SELF_SIGNED.cert, new Uint8Array(Buffer.from(AUTHORITY))] });
  });

  test("a context of one's own decides ciphers, versions and authorities", async () => {
    const { port } = await serve(SERVER);
    const ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384";
    const secureContext = createSecureContext({ ca: AUTHORITY, ciphers, maxVersion: "TLSv1.2" });
    const transport = await connected("localhost", port, { secureContext });
    const { tls } = transport.peer();
    expect(tls).toMatchObject({ protocol: "TLSv1.2", authorized: true });
    expect(ciphers).toContain(tls?.cipher ?? "none");
    const trusting = createSecureContext({ ciphers });
    expect(await failure("localhost", port, { secureContext: trusting })).toBeInstanceOf(TlsError);
  });

  test("works over a Unix socket, for the name in the URL", async () => {
    const { path, remove } = socketFolder();
    const listener = await listen({ path, tls: SERVER, onConnection: (transport) => void record(transport) });
    const target = { port: 443, unixSocket: path, tls: { ca: AUTHORITY } };
    const transport = await dialed({ host: "example.com", ...target });
    expect(transport.peer().tls?.authorized).toBe(true);
    transport.destroy();
    const error = await dialFailure({ host: "elsewhere.test", ...target });
    expect(error).toMatchObject({ code: "tls/certificate-name-mismatch" });
    await listener.close();
    remove();
  });
});

describe("TLS to a server that cannot be trusted", () => {
  test.each([
    {
      title: "an expired certificate",
      certificate: EXPIRED,
      tls: { ca: AUTHORITY },
      code: "tls/certificate-expired",
      message:
        /^Cannot trust localhost:\d+: the certificate of localhost is refused: it expired on Jan {2}1 00:00:00 2021 GMT; its owner must renew it/,
    },
    {
      title: "a certificate signed by itself",
      certificate: SELF_SIGNED,
      tls: { ca: AUTHORITY },
      code: "tls/certificate-self-signed",
      message: /it is signed by itself; give it as `ca` to trust it/,
    },
    {
      title: "an unknown authority",
      certificate: SERVER,
      tls: {},
      code: "tls/certificate-untrusted",
      message: /it is signed by Sluice Test Authority, which is not trusted; give that authority's certificate as `ca`/,
    },
  ])("$title: $code", async ({ certificate, tls, code, message }) => {
    const { port, accepted, handshakeFailures } = await serve(certificate);
    const error = await failure("localhost", port, tls);
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code, phase: "tls", message: expect.stringMatching(message) });
    expect(error).toHaveProperty("cause.code");
    await waitFor(() => accepted.length + handshakeFailures.length === 1);
    for (const there of accepted.map(record)) {
      await there.until(() => there.ended || there.closed);
      expect(there.byteCount).toBe(0);
    }
  });

  test("a certificate for other names: says which", async () => {
    const { port } = await serve(SERVER);
    const error = await failure("other.test", port, { ca: AUTHORITY });
    expect(error).toMatchObject({
      code: "tls/certificate-name-mismatch",
      message: expect.stringMatching(/it is for DNS:localhost, DNS:example\.com, .*, not for other\.test/),
      cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
  });

  test("is accepted when rejectUnauthorized is off, and not called authorized", async () => {
    for (const certificate of [EXPIRED, SELF_SIGNED, SERVER]) {
      const { port } = await serve(certificate);
      const transport = await connected("other.test", port, { rejectUnauthorized: false });
      expect(transport.peer().tls?.authorized).toBe(false);
    }
  });
});

describe("a handshake that fails", () => {
  test("at a port that speaks something else", async () => {
    const port = await serveWith(
      createPlainServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      }),
    );
    const error = await failure("localhost", port, {});
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code: "tls/not-tls", message: expect.stringContaining(`localhost:${port}`) });
  });

  test("because the server closes", async () => {
    const port = await serveWith(createPlainServer((socket) => socket.destroy()));
    expect(await failure("localhost", port, {})).toMatchObject({ code: "tls/closed", phase: "tls" });
  });

  test("because no version is common", async () => {
    const options: TlsOptions = { ...SERVER, maxVersion: "TLSv1.2" };
    const port = await serveWith(createTlsServer(options));
    const error = await failure("localhost", port, { ca: AUTHORITY, minVersion: "TLSv1.3" });
    expect(error).toMatchObject({ code: "tls/protocol-version" });
    const newer = await serve({ ...SERVER, minVersion: "TLSv1.3" });
    expect((await connected("localhost", newer.port, { ca: AUTHORITY })).peer().tls?.protocol).toBe("TLSv1.3");
  });

  test("because no application protocol is common (RFC 7301 §3.2)", async () => {
    const { port, handshakeFailures } = await serve(SERVER);
    const error = await failure("localhost", port, { ca: AUTHORITY, alpn: ["h2"] });
    expect(error).toMatchObject({ code: "tls/no-application-protocol" });
    await waitFor(() => handshakeFailures.length === 1);
  });

  test("is cancelled without a trace", async () => {
    const sockets: { destroyed: boolean }[] = [];
    const port = await serveWith(
      createPlainServer((socket) => {
        sockets.push(socket.resume());
        socket.on("error", () => socket.destroy());
      }),
    );
    const reason = new Error("no patience");
    const error = await new Promise((resolve) => {
      const dialing = dialer.dial(
        { host: "localhost", port, tls: {} },
        { onTlsStart: () => setImmediate(() => dialing.cancel(reason)) },
        resolve,
      );
    });
    expect(error).toBe(reason);
    await waitFor(() => sockets.length === 1 && sockets.every(({ destroyed }) => destroyed));
  });

  test("with key material that cannot be read is the caller's mistake", async () => {
    const { port } = await serve(SERVER);
    const error = await failure("localhost", port, { cert: "nonsense", key: "nonsense" });
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "options/bad-certificate" });
  });
});

describe("client certificates", () => {
  const mutual: ServerTlsOptions = { ...SERVER, ca: AUTHORITY, clientCertificate: "require" };

  test("let a client in that has one", async () => {
    const { port, accepted } = await serve(mutual);
    await connected("localhost", port, { ca: AUTHORITY, ...CLIENT });
    await waitFor(() => accepted.length === 1);
    expect(accepted[0]?.peer().tls?.authorized).toBe(true);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("keep one out that has none (%s)", async (version) => {
    const { port, accepted, handshakeFailures } = await serve({ ...mutual, minVersion: version });
    // In TLS 1.3 the client's handshake is done before the server has seen its certificate (RFC 8446 §4.4.2.4).
    const transport = await connected("localhost", port, { ca: AUTHORITY });
    const here = record(transport);
    await here.until(() => here.ended || here.closed);
    expect(here.byteCount).toBe(0);
    await waitFor(() => handshakeFailures.length === 1);
    expect(accepted).toEqual([]);
  });

  test("are asked for, and not insisted on, with `request`", async () => {
    const { port, accepted } = await serve({ ...mutual, clientCertificate: "request" });
    await connected("localhost", port, { ca: AUTHORITY });
    await waitFor(() => accepted.length === 1);
    expect(accepted[0]?.peer().tls?.authorized).toBe(false);
  });
});

/** Lets the loop turn until `condition` holds; the test's time-out is the limit. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1);
}
