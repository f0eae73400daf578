/** Requests by proxies, over real sockets: which way each hop takes, what each end of it sees, and what keeps connections apart. */
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import type { SessionOptions } from "../../src/client/options.js";
import type { ProxySetting } from "../../src/client/proxy/proxy-options.js";
import { ClientSession } from "../../src/client/session.js";
import { ConnectError, ProxyError, RequestTimeoutError, UsageError } from "../../src/errors.js";
import { denyPrivateNetworks } from "../../src/net/private-networks.js";
import { AUTHORITY, SERVER } from "../net/certificates.js";
import { closeAfter, rejection } from "./fake-net.js";
import { startTestProxy, type TestProxy, type TestProxyOptions } from "./test-proxy.js";

const BASIC = `Basic ${Buffer.from("ada:s3cret").toString("base64")}`;

/** What an origin saw of the last request. */
let seen: { url: string | undefined; headers: Record<string, unknown> } = { url: undefined, headers: {} };
const plainOrigin = createServer((request, reply) => {
  seen = { url: request.url, headers: request.headers };
  if (request.url === "/to-secure") reply.writeHead(302, { location: `https://localhost:${securePort}/end` }).end();
  else reply.end(`plain ${request.headers.host}`);
});
const secureOrigin = createTlsServer(SERVER, (request, reply) => {
  seen = { url: request.url, headers: request.headers };
  reply.end(`secure ${request.headers.host}`);
});
let plainPort = 0;
let securePort = 0;

beforeAll(async () => {
  for (const server of [plainOrigin, secureOrigin]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
  plainPort = (plainOrigin.address() as AddressInfo).port;
  securePort = (secureOrigin.address() as AddressInfo).port;
});
afterAll(() => {
  for (const server of [plainOrigin, secureOrigin]) {
    server.closeAllConnections();
    server.close();
  }
});

async function proxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  return closeAfter(await startTestProxy(options));
}

function sessionWith(connector: ConnectorOptions, options: SessionOptions = {}): ClientSession {
  const dns = { lookup: () => ["127.0.0.1"] };
  return closeAfter(new ClientSession({ connector: { tls: { ca: AUTHORITY }, dns, ...connector }, ...options }));
}

describe("an HTTP proxy", () => {
  test("gets http requests whole, in absolute-form, and passes them on (RFC 9112 §3.2.2)", async () => {
    const by = await proxy();
    const session = sessionWith({ proxy: by.url });
    const url = `http://origin.test:${plainPort}/path?q=1#fragment`;
    expect(await session.get(url, { headers: { "x-mine": "1" } }).text()).toBe(`plain origin.test:${plainPort}`);
    expect(by.asked).toEqual([`GET http://origin.test:${plainPort}/path?q=1`]);
    expect(by.heads[0]).toMatchObject({ host: `origin.test:${plainPort}`, "x-mine": "1" });
    await session.post(`http://origin.test:${plainPort}/`, { body: "abc" }).text();
    expect(by.connections()).toBe(1);
  });

  test("gets https requests as a tunnel, and nothing of what is in it", async () => {
    const by = await proxy();
    const session = sessionWith({ proxy: by.url });
    for (let round = 0; round < 3; round += 1) {
      expect(await session.get(`https://localhost:${securePort}/s`).text()).toBe(`secure localhost:${securePort}`);
    }
    expect(by.asked).toEqual([`CONNECT localhost:${securePort}`]);
    expect(Object.keys(by.heads[0] ?? {})).toEqual(["host"]);
    expect(seen.url).toBe("/s");
  });

  test("with `tunnel`, http requests go through one as well", async () => {
    const by = await proxy();
    const session = sessionWith({ proxy: { url: by.url, tunnel: true } });
    expect(await session.get(`http://origin.test:${plainPort}/x`).text()).toBe(`plain origin.test:${plainPort}`);
    expect([by.asked, seen.url]).toEqual([[`CONNECT origin.test:${plainPort}`], "/x"]);
  });

  test("over TLS: TLS in TLS for https, and its own name is proven", async () => {
    const by = await proxy({ tls: true });
    const session = sessionWith({ proxy: by.url });
    expect(await session.get(`https://localhost:${securePort}/`).text()).toBe(`secure localhost:${securePort}`);
    expect(await session.get(`http://origin.test:${plainPort}/`).text()).toBe(`plain origin.test:${plainPort}`);
    const large = await session.post(`https://localhost:${securePort}/`, { body: Buffer.alloc(3_000_000, 1) });
    expect(large.status).toBe(200);
    await large.text();
    const wrongName = sessionWith({ proxy: `https://elsewhere.test:${by.port}` });
    const error = await rejection(wrongName.get(`https://localhost:${securePort}/`).text());
    expect(error).toMatchObject({ code: "proxy/unreachable", cause: { code: "tls/certificate-name-mismatch" } });
    const distrusted = sessionWith({ proxy: { url: by.url, tls: {} } });
    expect(await rejection(distrusted.get(`http://origin.test:${plainPort}/`).text())).toMatchObject({
      cause: { code: "tls/certificate-untrusted" },
    });
  });

  test.each(["in the URL", "as options", "as a header"])(
    "credentials %s reach the proxy, and never the origin",
    async (how) => {
      const by = await proxy({ credentials: BASIC });
      const settings: Record<string, ProxySetting> = {
        "in the URL": by.url.replace("//", "//ada:s3cret@"),
        "as options": { url: by.url, username: "ada", password: "s3cret" },
        "as a header": { url: by.url, headers: { "Proxy-Authorization": BASIC } },
      };
      const session = sessionWith({ proxy: settings[how] ?? false });
      for (const url of [`http://origin.test:${plainPort}/`, `https://localhost:${securePort}/`]) {
        expect((await session.get(url)).status).toBe(200);
        expect(by.heads.at(-1)?.["proxy-authorization"]).toBe(BASIC);
        expect(inspect(seen)).not.toMatch(/proxy-authorization/i);
      }
    },
  );

  test("407 is a ProxyError for both kinds, with what to do", async () => {
    const by = await proxy({ credentials: BASIC });
    const session = sessionWith({ proxy: by.url });
    for (const url of [`http://origin.test:${plainPort}/`, `https://localhost:${securePort}/`]) {
      const error = await rejection(session.get(url).text());
      expect(error).toBeInstanceOf(ProxyError);
      expect(error).toMatchObject({ code: "proxy/authentication-required", status: 407, method: "GET", url });
      expect((error as Error).message).toContain("wants credentials (Basic)");
    }
  });

  test("a Proxy-Authorization header of the request's own is refused: a tunnel would carry it to the origin", async () => {
    const by = await proxy();
    const session = sessionWith({ proxy: by.url });
    const headers = { "Proxy-Authorization": BASIC };
    const error = await rejection(session.get(`https://localhost:${securePort}/`, { headers }).text());
    expect(error).toMatchObject({ code: "request/refused-field" });
    expect(by.asked).toEqual([]);
  });

  test("a refusal, and an answer that is none, say which proxy and what it said", async () => {
    const by = await proxy({
      answer: (target) => (target.startsWith("a") ? "HTTP/1.1 403 Not you\r\n\r\n" : "ICY 200 OK\r\n\r\n"),
    });
    const session = sessionWith({ proxy: by.url });
    const refused = await rejection(session.get("https://a.test/").text());
    expect(refused).toMatchObject({ code: "proxy/refused", status: 403 });
    expect((refused as Error).message).toBe(
      `GET https://a.test/: Cannot open a tunnel to a.test:443: the proxy ${by.url} answered 403 Not you`,
    );
    expect(await rejection(session.get("https://b.test/").text())).toMatchObject({ code: "proxy/bad-answer" });
  });

  test("bytes behind its consent are kept: TLS chokes on them, plain HTTP reads them first", async () => {
    const early = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nearly";
    const by = await proxy({ answer: () => `HTTP/1.1 200 OK\r\n\r\n${early}` });
    const session = sessionWith({ proxy: { url: by.url, tunnel: true } });
    const error = await rejection(session.get(`https://localhost:${securePort}/`).text());
    expect(error).toMatchObject({ code: "tls/not-tls" });
    expect(await session.get(`http://origin.test:${plainPort}/`).text()).toBe("early");
  });

  test("one that cannot be reached is named, with the reason", async () => {
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = await rejection(
      sessionWith({ proxy: `http://ada:s3cret@127.0.0.1:${port}` })
        .get("http://a.test/")
        .text(),
    );
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: "proxy/unreachable", cause: { code: "connect/refused" } });
    expect((error as Error).message).toContain(`Cannot reach the proxy http://127.0.0.1:${port}: Cannot connect to`);
    expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
    const lost = sessionWith({ proxy: "http://proxy.test:1", dns: { lookup: () => [] } });
    expect(await rejection(lost.get("http://a.test/").text())).toMatchObject({ cause: { code: "dns/not-found" } });
  });

  test("timeout.connect spans the proxy's silence, and the connection to it is gone afterwards", async () => {
    const by = await proxy({ answer: () => undefined });
    const session = sessionWith({ proxy: by.url }, { timeout: { connect: 150 } });
    const error = await rejection(session.get("https://a.test/").text());
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(error).toMatchObject({ code: "timeout.connect" });
    expect(session.connector.stats()).toEqual({});
    const signal = AbortSignal.timeout(50);
    expect(await rejection(session.get("https://a.test/", { signal }).text())).toBe(signal.reason);
  });
});

describe("which proxy", () => {
  test("a function is asked for each hop, redirects included, with a URL free of secrets", async () => {
    const [forPlain, forSecure] = [await proxy(), await proxy()];
    const asked: string[] = [];
    const session = sessionWith({
      proxy: (url) => {
        asked.push(url.href);
        return url.protocol === "http:" ? forPlain.url : { url: forSecure.url };
      },
    });
    const url = `http://user:pass@localhost:${plainPort}/to-secure`;
    expect(await session.get(url).text()).toBe(`secure localhost:${securePort}`);
    expect(asked).toEqual([`http://localhost:${plainPort}/to-secure`, `https://localhost:${securePort}/end`]);
    expect([forPlain.asked.length, forSecure.asked]).toEqual([1, [`CONNECT localhost:${securePort}`]]);
  });

  test("a function may look its answer up: it is waited for, and not beyond the request's own end", async () => {
    const chosen = await proxy();
    const session = sessionWith({ proxy: async () => chosen.url });
    expect(await session.get(`http://localhost:${plainPort}/`).text()).toBe(`plain localhost:${plainPort}`);
    expect(chosen.asked).toHaveLength(1);

    const forgotten = sessionWith({ proxy: () => new Promise(() => undefined) });
    const late = forgotten.get("http://a.test/", { timeout: { total: 20 } }).text();
    expect(await rejection(late)).toMatchObject({ code: "timeout.total" });
    const reason = new Error("enough");
    const abort = new AbortController();
    const given = forgotten.get("http://a.test/", { signal: abort.signal }).text();
    setImmediate(() => abort.abort(reason));
    expect(await rejection(given)).toBe(reason);
    const failing = sessionWith({ proxy: () => Promise.reject(reason) });
    expect(await rejection(failing.get("http://a.test/").text())).toBe(reason);
  });

  test.each([undefined, null, false] as const)("a function that answers %s means none", async (answer) => {
    const session = sessionWith({ proxy: () => answer });
    expect(await session.get(`http://localhost:${plainPort}/`).text()).toBe(`plain localhost:${plainPort}`);
  });

  test("a function that throws ends the request with its own error; a bad answer is a UsageError", async () => {
    const reason = new Error("no idea");
    const throwing = sessionWith({
      proxy: () => {
        throw reason;
      },
    });
    expect(await rejection(throwing.get("http://a.test/").text())).toBe(reason);
    for (const answer of [Promise.resolve(7), 7, "ftp://a.test", { url: "http://a.test/path" }]) {
      const session = sessionWith({ proxy: (() => answer) as unknown as ProxySetting });
      expect(await rejection(session.get("http://a.test/").text())).toMatchObject({ code: "options/proxy" });
    }
  });

  test("the request's goes before the session's, and that before the connector's; false is none", async () => {
    const [first, second, third] = [await proxy(), await proxy(), await proxy()];
    const session = sessionWith({ proxy: first.url }, { proxy: second.url });
    const url = `http://localhost:${plainPort}/`;
    await session.get(url).text();
    await session.get(url, { proxy: third.url }).text();
    await session.get(url, { proxy: false }).text();
    expect([first, second, third].map(({ asked }) => asked.length)).toEqual([0, 1, 1]);
    const inherits = closeAfter(new ClientSession({ connector: session.connector }));
    await inherits.get(url).text();
    expect(first.asked.length).toBe(1);
  });

  test("the environment's is taken when asked for, and only then", async () => {
    const by = await proxy();
    process.env["http_proxy"] = by.url;
    process.env["no_proxy"] = "direct.test";
    try {
      const session = sessionWith({ proxy: "env" });
      await session.get(`http://origin.test:${plainPort}/`).text();
      await session.get(`http://direct.test:${plainPort}/`).text();
      await sessionWith({}).get(`http://origin.test:${plainPort}/`).text();
      expect(by.asked).toEqual([`GET http://origin.test:${plainPort}/`]);
    } finally {
      delete process.env["http_proxy"];
      delete process.env["no_proxy"];
    }
  });

  test("unixSocket and a proxy exclude each other", () => {
    const both = { unixSocket: "/tmp/x.sock", proxy: "http://a.test" };
    expect(() => sessionWith(both)).toThrow(expect.objectContaining({ code: "options/conflict" }));
    expect(() => sessionWith({ unixSocket: "/tmp/x.sock" }, { proxy: "env" })).toThrow(UsageError);
  });
});

describe("the pool keeps ways apart", () => {
  test("no connection serves another proxy, other credentials, or straight requests", async () => {
    const [first, second] = [await proxy(), await proxy()];
    const session = sessionWith({});
    const url = `https://localhost:${securePort}/`;
    const ways: (ProxySetting | undefined)[] = [
      undefined,
      first.url,
      second.url,
      first.url.replace("//", "//a:b@"),
      first.url.replace("//", "//a:c@"),
      { url: first.url, headers: { "x-account": "1" } },
      { url: first.url, headers: { "x-account": "2" } },
    ];
    for (let round = 0; round < 2; round += 1) {
      for (const way of ways) await session.get(url, way === undefined ? {} : { proxy: way }).text();
    }
    expect([first.connections(), second.connections()]).toEqual([5, 1]);
    const stats = session.connector.stats();
    expect(Object.keys(stats).sort()).toEqual(
      [url.slice(0, -1), `${url.slice(0, -1)} via ${first.url}`, `${url.slice(0, -1)} via ${second.url}`].sort(),
    );
    expect(stats[`${url.slice(0, -1)} via ${first.url}`]).toMatchObject({ open: 5, idle: 5, reused: 5 });
  });

  test("no credential is in statistics, inspection, errors or traces", async () => {
    const by = await proxy();
    const events: unknown[] = [];
    const trace = Object.fromEntries(
      ["dnsStart", "connectStart", "connectEnd", "tlsEnd", "requestHeadersSent", "requestException"].map((name) => [
        name,
        (event: unknown) => events.push(event),
      ]),
    );
    const secret = by.url.replace("//", "//visible-user:hidden-password@");
    const session = sessionWith({ proxy: secret }, { trace });
    const response = await session.get(`https://localhost:${securePort}/`);
    await session.get(`http://localhost:${plainPort}/`).text();
    const error = await rejection(session.get("https://localhost:1/").text());
    const shown = [session.connector.stats(), session, response, error, events].map((each) => {
      return inspect(each, { depth: 12, showHidden: true }) + JSON.stringify(each);
    });
    const encoded = Buffer.from("visible-user:hidden-password").toString("base64");
    for (const text of shown) {
      expect(text).not.toContain("hidden-password");
      expect(text).not.toContain(encoded);
    }
    expect(events).toContainEqual(expect.objectContaining({ event: "connectEnd", host: "127.0.0.1", port: by.port }));
  });
});

describe("allowAddress with a proxy", () => {
  const guard = denyPrivateNetworks();

  test("the proxy is asked for an address that was looked up and allowed here, not for the name; its own is not asked for", async () => {
    const by = await proxy({ origin: securePort });
    const asked: [string, string][] = [];
    const session = sessionWith({
      proxy: by.url,
      dns: { lookup: () => ["10.0.0.1", "203.0.113.9", "203.0.113.10"] },
      allowAddress: (address, host) => {
        asked.push([address, host]);
        return address === "203.0.113.10";
      },
    });
    expect(await session.get("https://localhost/").text()).toBe("secure localhost");
    expect(by.asked).toEqual(["CONNECT 203.0.113.10:443"]);
    expect(asked).toEqual([
      ["10.0.0.1", "localhost"],
      ["203.0.113.9", "localhost"],
      ["203.0.113.10", "localhost"],
    ]);
  });

  test("http goes through a tunnel as well, for only there the address is ours to choose", async () => {
    const by = await proxy({ origin: plainPort });
    const session = sessionWith({ proxy: by.url, dns: { lookup: () => ["8.8.8.8"] }, allowAddress: guard });
    expect(await session.get("http://public.test/").text()).toBe("plain public.test");
    expect(by.asked).toEqual(["CONNECT 8.8.8.8:80"]);
  });

  test.each(["http", "socks4", "socks4a", "socks5", "socks5h"])(
    "a private address is refused before the %s proxy hears of it",
    async (scheme) => {
      const by = await proxy();
      const session = sessionWith({ proxy: `${scheme}://127.0.0.1:${by.port}`, allowAddress: guard });
      const hosts = ["internal.test", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1"];
      for (const host of [...hosts, "[64:ff9b::7f00:1]", "[::1]"]) {
        for (const origin of [`http://${host}/`, `https://${host}/`]) {
          const error = await rejection(session.get(origin).text());
          expect(error, origin).toMatchObject({ code: "connect/address-refused" });
        }
      }
      expect(by.connections()).toBe(0);
    },
  );

  test("a second address is tried where the proxy has no way to the first", async () => {
    const by = await proxy({
      origin: securePort,
      answer: (target) => (target.startsWith("[") ? "HTTP/1.1 502 No route\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n"),
    });
    const lookup = () => ["2606:4700::1", "8.8.8.8"];
    const session = sessionWith({ proxy: by.url, dns: { lookup }, allowAddress: guard });
    expect(await session.get("https://localhost/").text()).toBe("secure localhost");
    expect(by.asked).toEqual(["CONNECT [2606:4700::1]:443", "CONNECT 8.8.8.8:443"]);
  });

  test("a refusal that is not about the address is not asked for twice", async () => {
    const by = await proxy({ answer: () => "HTTP/1.1 403 No\r\n\r\n" });
    const session = sessionWith({ proxy: by.url, dns: { lookup: () => ["8.8.8.8", "8.8.4.4"] }, allowAddress: guard });
    expect(await rejection(session.get("https://a.test/").text())).toMatchObject({ status: 403 });
    expect(by.asked.length).toBe(1);
  });
});

describe("allowAddress without a proxy", () => {
  test("is asked for the address that is connected to, however the host is written", async () => {
    const session = sessionWith({ allowAddress: denyPrivateNetworks() });
    const hosts = [
      "127.0.0.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "127.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "a.test",
    ];
    for (const host of hosts) {
      const error = await rejection(session.get(`http://${host}:${plainPort}/`).text());
      expect(error, host).toMatchObject({ code: "connect/address-refused" });
    }
    const local = sessionWith({ allowAddress: denyPrivateNetworks({ loopback: true }) });
    expect(await local.get(`http://2130706433:${plainPort}/`).text()).toBe(`plain 127.0.0.1:${plainPort}`);
  });

  test("a name that leads elsewhere the next time gains nothing (DNS rebinding)", async () => {
    const answers = [["127.0.0.1"], ["::1"]];
    const checked: string[] = [];
    const session = sessionWith({
      dns: { ttl: 0, lookup: () => answers.shift() ?? [] },
      allowAddress: (address) => {
        checked.push(address);
        return address === "127.0.0.1";
      },
    });
    const url = `http://rebinding.test:${plainPort}/`;
    await session.get(url, { headers: { connection: "close" } }).text();
    expect(await rejection(session.get(url).text())).toMatchObject({ code: "connect/address-refused" });
    expect(checked).toEqual(["127.0.0.1", "::1"]);
  });

  test("is asked for each hop of a redirect", async () => {
    const asked: string[] = [];
    const session = sessionWith({
      allowAddress: (_address, host) => {
        asked.push(host);
        return host !== "localhost";
      },
    });
    const error = await rejection(session.get(`http://127.0.0.1:${plainPort}/to-secure`).text());
    expect(error).toMatchObject({ code: "connect/address-refused" });
    expect(asked).toEqual(["127.0.0.1", "localhost"]);
  });
});
