import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { ProxyOptions } from "../../src/client/proxy/proxy-options.js";
import { ProxyServer } from "../../src/client/proxy/proxy-server.js";

const server = (given: string | URL | ProxyOptions): ProxyServer => new ProxyServer(given, {});

test.each([
  ["http://proxy.test", "http", "proxy.test", 80, "http://proxy.test:80"],
  ["https://proxy.test", "https", "proxy.test", 443, "https://proxy.test:443"],
  ["socks://proxy.test", "socks5h", "proxy.test", 1080, "socks5h://proxy.test:1080"],
  ["socks4://proxy.test", "socks4", "proxy.test", 1080, "socks4://proxy.test:1080"],
  ["socks4a://proxy.test:9", "socks4a", "proxy.test", 9, "socks4a://proxy.test:9"],
  ["socks5://PROXY.test", "socks5", "proxy.test", 1080, "socks5://proxy.test:1080"],
  ["socks5h://[2001:db8::1]:9/", "socks5h", "2001:db8::1", 9, "socks5h://[2001:db8::1]:9"],
  ["proxy.test:3128", "http", "proxy.test", 3128, "http://proxy.test:3128"],
  ["192.0.2.1", "http", "192.0.2.1", 80, "http://192.0.2.1:80"],
  ["ada:secret@proxy.test:3128", "http", "proxy.test", 3128, "http://proxy.test:3128"],
])("%s", (given, scheme, host, port, label) => {
  expect(server(given)).toMatchObject({ scheme, host, port, label });
  expect(server(new URL(given.includes("//") ? given : `http://${given}`)).label).toBe(label);
});

test("credentials are decoded, and options go before the URL", () => {
  const { fields } = server("http://a%40b:p%3A%C3%A9@proxy.test");
  expect(fields).toEqual(["proxy-authorization", `Basic ${Buffer.from("a@b:p:é").toString("base64")}`]);
  const { credentials } = server({ url: "socks5://a:b@proxy.test", username: "x", password: "y" });
  expect(credentials).toEqual({ username: "x", password: "y" });
  const headers = { "Proxy-Authorization": "Bearer t", "X-Extra": "1" };
  expect(server({ url: "http://a:b@proxy.test", headers }).fields).toEqual(Object.entries(headers).flat());
});

test.each([
  ["ftp://proxy.test", "expected one of http: https: socks:"],
  ["http://", "expected a URL"],
  ["", "expected a URL"],
  ["http://proxy.test/path", "no path"],
  ["http://proxy.test/?q", "no path"],
  ["http://proxy.test:99999", "expected a URL"],
])("refuses %s", (given, reason) => {
  expect(() => server(given)).toThrow(
    expect.objectContaining({ code: "options/proxy", message: expect.stringContaining(reason) }),
  );
});

test("refuses what SOCKS cannot carry, and options it does not know, without showing credentials", () => {
  const long = "p".repeat(256);
  for (const [options, reason] of [
    [{ url: `socks5://ada:${long}@proxy.test` }, "255 bytes"],
    [{ url: "socks4://proxy.test", username: "a\0b" }, "NUL"],
    [{ url: "socks5://proxy.test", headers: {} }, "no headers"],
    [{ url: "socks5://proxy.test", tunnel: false }, "nothing but tunnels"],
  ] as const) {
    expect(() => server(options)).toThrow(expect.objectContaining({ message: expect.stringContaining(reason) }));
  }
  expect(server({ url: `socks5://ada:${"p".repeat(255)}@proxy.test` }).credentials?.password.length).toBe(255);
  expect(() => server({ url: "http://proxy.test", user: "x" } as ProxyOptions)).toThrow(/option "user"/);
  expect(() => server({ url: "http://a:b%3Ac@proxy.test", username: "a:b" })).toThrow(/colon/);
  expect(() => server("ftp://ada:hidden-one@proxy.test")).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("hidden-one") }),
  );
});

test("keys tell apart what must not share connections, and nothing shows the secrets", () => {
  const tls = {};
  const keys = [
    server("http://proxy.test"),
    server("http://a:b@proxy.test"),
    server("http://a:c@proxy.test"),
    server({ url: "http://proxy.test", tunnel: true }),
    server({ url: "http://proxy.test", headers: { x: "1" } }),
    server("https://proxy.test"),
    server({ url: "https://proxy.test", tls }),
    server("socks5://proxy.test"),
    server("socks5://a:b@proxy.test"),
    server("socks5h://proxy.test"),
  ].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(server({ url: "https://proxy.test", tls }).key).toBe(server({ url: "https://proxy.test", tls }).key);
  const secret = server("http://ada:hidden-one@proxy.test");
  const encoded = Buffer.from("ada:hidden-one").toString("base64");
  for (const text of [
    inspect(secret, { showHidden: true, depth: 9 }),
    JSON.stringify(secret),
    JSON.stringify({ secret }),
  ]) {
    expect(text).not.toContain("hidden-one");
    expect(text).not.toContain(encoded);
  }
});
