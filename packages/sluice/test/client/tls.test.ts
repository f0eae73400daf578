/** TLS as sessions see it: names, pins, client certificates and resumed sessions, on real sockets. */
import { createHash, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import { ClientSession } from "../../src/client/session.js";
import { TlsError } from "../../src/errors.js";
import { AUTHORITY, CLIENT, SERVER } from "../net/certificates.js";
import { closeAfter, rejection } from "./fake-net.js";
import { startTestProxy } from "./test-proxy.js";

let port = 0;
let requests = 0;
/** What each request's connection was like: the name asked for, and whether it was resumed. */
const connections: { readonly name: unknown; readonly resumed: boolean; readonly client: unknown }[] = [];

const server = createServer(
  { ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: false },
  (request, reply) => {
    const socket = request.socket as TLSSocket;
    requests += 1;
    const name: unknown = Reflect.get(socket, "servername");
    connections.push({ name, resumed: socket.isSessionReused(), client: socket.authorized });
    if (request.url === "/away") reply.writeHead(302, { location: `https://example.com:${port}/` }).end();
    else reply.end("hello");
  },
);

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function sessionWith(connector: ConnectorOptions): ClientSession {
  const dns = { lookup: () => ["127.0.0.1"] };
  return closeAfter(new ClientSession({ connector: { dns, tls: { ca: AUTHORITY }, ...connector } }));
}

describe("servername of a request", () => {
  test("is asked for and proven in place of the host", async () => {
    const session = sessionWith({});
    const url = `https://127.0.0.1:${port}/`;
    await session.get(url, { servername: "www.example.com" }).text();
    expect(connections.at(-1)?.name).toBe("www.example.com");
    const error = await rejection(session.get(url, { servername: "elsewhere.test" }).text());
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code: "tls/certificate-name-mismatch" });
    expect((error as Error).message).toContain("not for elsewhere.test");
  });

  test("keeps connections apart: what was proven under one name does not serve another", async () => {
    const session = sessionWith({});
    const url = `https://localhost:${port}/`;
    for (const servername of [undefined, "example.com", undefined, "example.com"]) {
      await session.get(url, servername === undefined ? {} : { servername }).text();
    }
    const origin = `https://localhost:${port}`;
    expect(Object.keys(session.connector.stats()).sort()).toEqual([origin, `${origin} as example.com`]);
    expect(session.connector.stats()[origin]).toMatchObject({ open: 1, reused: 1 });
    expect(await rejection(session.get(url, { servername: "elsewhere.test" }).text())).toBeInstanceOf(TlsError);
  });

  test("is left behind by a redirect to another origin, and means nothing without TLS", async () => {
    const session = sessionWith({});
    const response = await session.get(`https://localhost:${port}/away`, { servername: "www.example.com" });
    await response.text();
    expect(connections.slice(-2).map(({ name }) => name)).toEqual(["www.example.com", "example.com"]);
    const error = await rejection(session.get("http://127.0.0.1:1/", { servername: "x.test" }).text());
    expect(error).toMatchObject({ code: "connect/refused" });
    expect(await rejection(session.get("http://a.test/", { servername: "" }).text())).toMatchObject({
      code: "options/unknown-value",
    });
  });
});

describe("tls of a connector", () => {
  test("a pin that fits lets requests through; one that does not, ends them before they are sent", async () => {
    const fingerprint = new X509Certificate(SERVER.cert).fingerprint256;
    const url = `https://localhost:${port}/`;
    expect(
      await sessionWith({ tls: { ca: AUTHORITY, fingerprint } })
        .get(url)
        .text(),
    ).toBe("hello");
    const before = requests;
    const session = sessionWith({ tls: { ca: AUTHORITY, fingerprint: "ab".repeat(32) } });
    expect(await rejection(session.post(url, { body: "secret" }).text())).toMatchObject({
      code: "tls/fingerprint-mismatch",
      url,
    });
    expect(requests).toBe(before);
    const by = closeAfter(await startTestProxy());
    const proxied = sessionWith({ proxy: by.url, tls: { ca: AUTHORITY, fingerprint: "ab".repeat(32) } });
    expect(await rejection(proxied.get(url).text())).toMatchObject({ code: "tls/fingerprint-mismatch" });
  });

  test("a pin of a proxy's own is for the proxy", async () => {
    const by = closeAfter(await startTestProxy({ tls: true }));
    const spki = new X509Certificate(SERVER.cert).publicKey.export({ type: "spki", format: "der" });
    const fingerprint = `sha256//${createHash("sha256").update(spki).digest("base64")}`;
    const url = `https://localhost:${port}/`;
    const session = sessionWith({ proxy: { url: by.url, tls: { ca: AUTHORITY, fingerprint } } });
    expect(await session.get(url).text()).toBe("hello");
    const wrong = sessionWith({ proxy: { url: by.url, tls: { ca: AUTHORITY, fingerprint: "ab".repeat(32) } } });
    expect(await rejection(wrong.get(url).text())).toMatchObject({
      code: "proxy/unreachable",
      cause: { code: "tls/fingerprint-mismatch" },
    });
  });

  test("a client certificate is shown", async () => {
    const url = `https://localhost:${port}/`;
    await sessionWith({ tls: { ca: AUTHORITY, ...CLIENT } })
      .get(url)
      .text();
    expect(connections.at(-1)?.client).toBe(true);
    await sessionWith({}).get(url).text();
    expect(connections.at(-1)?.client).toBe(false);
  });

  test("a server that speaks older versions only is refused", async () => {
    const old = createServer({ ...SERVER, maxVersion: "TLSv1.2" }, (_request, reply) => void reply.end("old"));
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    const url = `https://localhost:${(old.address() as AddressInfo).port}/`;
    expect(await sessionWith({}).get(url).text()).toBe("old");
    const error = await rejection(
      sessionWith({ tls: { ca: AUTHORITY, minVersion: "TLSv1.3" } })
        .get(url)
        .text(),
    );
    expect(error).toMatchObject({ code: "tls/protocol-version" });
    old.closeAllConnections();
    await new Promise((resolve) => old.close(resolve));
  });

  test.each(["straight", "by a proxy"])("sessions are resumed on the next connection, %s", async (way) => {
    const by = closeAfter(await startTestProxy());
    const session = sessionWith(way === "straight" ? {} : { proxy: by.url });
    for (let round = 0; round < 3; round += 1) {
      await session.get(`https://localhost:${port}/`, { headers: { connection: "close" } }).text();
    }
    expect(connections.slice(-3).map(({ resumed }) => resumed)).toEqual([false, true, true]);
  });

  test("a session is not resumed by another way", async () => {
    const [first, second] = [closeAfter(await startTestProxy()), closeAfter(await startTestProxy())];
    const session = sessionWith({});
    const headers = { connection: "close" };
    for (const proxy of [false, first.url, second.url, first.url.replace("//", "//a:b@")] as const) {
      await session.get(`https://localhost:${port}/`, { headers, proxy }).text();
    }
    expect(connections.slice(-4).map(({ resumed }) => resumed)).toEqual([false, false, false, false]);
  });

  test("options that cannot be are told when the connector is made", () => {
    expect(() => sessionWith({ tls: { fingerprint: "abc" } })).toThrow(
      expect.objectContaining({ code: "options/bad-fingerprint" }),
    );
    expect(() => sessionWith({ proxy: { url: "https://a.test", tls: { fingerprint: "abc" } } })).toThrow(
      expect.objectContaining({ code: "options/bad-fingerprint" }),
    );
  });
});
