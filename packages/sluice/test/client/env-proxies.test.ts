import { describe, expect, test } from "vitest";
import { type Environment, EnvProxies } from "../../src/client/proxy/env-proxies.js";
import { RequestUrl } from "../../src/client/request-url.js";

const PROXY = "http://proxy.test:3128";

function proxyFor(url: string, environment: Environment, platform?: string): string | undefined {
  return new EnvProxies(environment, platform).proxyFor(new RequestUrl(new URL(url)));
}

/** Whether `no_proxy` excludes the URL. */
function excludes(entries: string, url: string): boolean {
  return proxyFor(url, { http_proxy: PROXY, https_proxy: PROXY, no_proxy: entries }) === undefined;
}

describe("the proxy of the environment", () => {
  test("by scheme, and all_proxy for the scheme that has none", () => {
    const environment = { http_proxy: "http://a.test", all_proxy: "socks5://b.test" };
    expect(proxyFor("http://x.test", environment)).toBe("http://a.test");
    expect(proxyFor("https://x.test", environment)).toBe("socks5://b.test");
    expect(proxyFor("https://x.test", { http_proxy: PROXY })).toBeUndefined();
    expect(proxyFor("http://x.test", {})).toBeUndefined();
  });

  test("lower case goes before upper case, and an empty one is none", () => {
    const environment = { https_proxy: "http://lower.test", HTTPS_PROXY: "http://upper.test" };
    expect(proxyFor("https://x.test", environment)).toBe("http://lower.test");
    expect(proxyFor("https://x.test", { ...environment, https_proxy: "" })).toBe("http://upper.test");
    expect(proxyFor("https://x.test", { https_proxy: " ", ALL_PROXY: PROXY })).toBe(PROXY);
    expect(proxyFor("https://x.test", { HTTPS_PROXY: PROXY, NO_PROXY: "x.test" })).toBeUndefined();
  });

  test("HTTP_PROXY is not believed in a CGI program, where a client can set it (CVE-2016-5385)", () => {
    const environment = { HTTP_PROXY: "http://evil.test", REQUEST_METHOD: "GET" };
    expect(proxyFor("http://x.test", { HTTP_PROXY: PROXY }, "linux")).toBe(PROXY);
    expect(proxyFor("http://x.test", environment, "linux")).toBeUndefined();
    expect(proxyFor("http://x.test", { ...environment, http_proxy: PROXY }, "linux")).toBe(PROXY);
    expect(proxyFor("http://x.test", { ...environment, all_proxy: PROXY }, "linux")).toBe(PROXY);
    // Names have no case there: http_proxy may be HTTP_PROXY.
    expect(proxyFor("http://x.test", { ...environment, http_proxy: PROXY }, "win32")).toBeUndefined();
    expect(proxyFor("https://x.test", { REQUEST_METHOD: "GET", HTTPS_PROXY: PROXY }, "linux")).toBe(PROXY);
  });
});

describe("no_proxy", () => {
  test.each([
    ["x.test", "http://x.test"],
    ["x.test", "https://x.test:8443/path"],
    ["x.test", "http://a.b.x.test"],
    [".x.test", "http://x.test"],
    [".x.test", "http://a.x.test"],
    ["*.x.test", "http://a.x.test"],
    ["X.TEST", "http://x.test"],
    ["x.test.", "http://x.test"],
    ["x.test", "http://x.test."],
    ["x.test:8080", "http://x.test:8080"],
    ["x.test:443", "https://x.test"],
    ["a.test, x.test", "http://x.test"],
    ["a.test x.test", "http://x.test"],
    [",,x.test,", "http://x.test"],
    ["*", "http://anything.test"],
    ["a.test,*", "http://anything.test"],
    ["192.0.2.1", "http://192.0.2.1"],
    ["192.0.2.1:81", "http://192.0.2.1:81"],
    ["192.0.2.0/24", "http://192.0.2.77"],
    ["192.0.2.7/24", "http://192.0.2.77"],
    ["0.0.0.0/0", "http://192.0.2.77"],
    ["127.0.0.1", "http://[::ffff:127.0.0.1]"],
    ["::1", "http://[::1]"],
    ["[::1]", "http://[::1]"],
    ["[::1]:81", "http://[::1]:81"],
    ["2001:db8::/32", "http://[2001:db8:1::2]"],
    ["2001:0DB8:0::5", "http://[2001:db8::5]"],
  ])("%s excludes %s", (entries, url) => {
    expect(excludes(entries, url)).toBe(true);
  });

  test.each([
    ["x.test", "http://yx.test"],
    ["x.test", "http://x.test.evil.test"],
    ["x.test:8080", "http://x.test"],
    ["192.0.2.0/24", "http://192.0.3.1"],
    ["192.0.2.0/24", "http://a192.0.2.1.test"],
    ["192.0.2.1:81", "http://192.0.2.1:82"],
    ["10.0.0.0/33", "http://10.0.0.1"],
    ["10.0.0.0/", "http://10.0.0.1"],
    ["10.*", "http://10.0.0.1"],
    ["2001:db8::/32", "http://[2001:db9::1]"],
    ["::1", "http://[::2]"],
    ["0.0.0.0/0", "http://[2001:db8::1]"],
    ["*.x.test.*", "http://x.test"],
    ["", "http://x.test"],
    ["http://x.test", "http://x.test"],
  ])("%s does not exclude %s", (entries, url) => {
    expect(excludes(entries, url)).toBe(false);
  });
});
