/** Where requests go, what of their path travels, and where answers say that things are. */
import { afterEach, describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { type ProxyTarget, proxy } from "../../src/proxy/reverse-proxy.js";
import { Upstream } from "../../src/proxy/upstream.js";
import { Application } from "../../src/server/application.js";
import { closeAll } from "../interop/places.js";
import { ask } from "../server/fake-exchange.js";
import { RawClient } from "../server/raw-client.js";
import { answering, fieldOf, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const get = (target: string, ...lines: string[]) =>
  [`GET ${target} HTTP/1.1`, "Host: public.example", "Connection: close", ...lines, "", ""].join("\r\n");
const targetOf = (sent: string) => sent.split(" ")[1];

describe("the target", () => {
  test.each([
    ["", "/a", "/a"],
    ["/", "/a", "/a"],
    ["/base", "/a?x", "/base/a?x"],
    ["/base/", "/", "/base/"],
    ["/b%20c/d/", "/a", "/b%20c/d/a"],
  ])("with path %j and a request for %s is asked for %s", async (base, asked, wanted) => {
    const origin = await RawOrigin.start(answering(OK));
    const { server } = await proxied(origin.url + base);
    const client = await RawClient.to(server);
    client.send(get(asked));
    await client.untilClosed();
    expect(targetOf(origin.received)).toBe(wanted);
  });

  test("may be a URL object, or a function that chooses for each request, at once or later", async () => {
    const last = OK.replace("Content", "Connection: close\r\nContent");
    const [one, two] = [await RawOrigin.start(answering(last)), await RawOrigin.start(answering(last))];
    let turn = 0;
    const { server } = await proxied(async (request) => {
      turn += 1;
      if (request.path === "/url") return new URL(one.url);
      return turn % 2 === 0 ? one.url : `${two.url}/base`;
    });
    for (const path of ["/1", "/2", "/url"]) {
      const client = await RawClient.to(server);
      client.send(get(path));
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(two.received).toContain("GET /base/1 ");
    expect(one.received).toContain("GET /2 ");
    expect(one.received).toContain("GET /url ");
  });

  test.each([
    ["/relative", "no absolute URL"],
    ["ftp://example.com/", "http or https"],
    ["http://user:secret@example.com/", "credentials"],
    ["http://example.com/?a=b", "query"],
    ["http://example.com/#x", "query"],
  ])("cannot be %s", (target, why) => {
    expect(() => new Upstream(target)).toThrow(why);
    expect(() => new Upstream(target)).not.toThrow("secret");
  });

  test("that a function gives and that is none is the server's fault, not the client's", async () => {
    const { server, errors } = await proxied(() => "nonsense");
    const client = await RawClient.to(server);
    client.send(get("/"));
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 500 /);
    expect(errors).toMatchObject([{ code: "proxy/target" }]);
  });

  test("is never chosen by the request: neither by a path with two slashes, nor by Host, nor in absolute-form", async () => {
    const { sent } = await passage(get("//evil.example/x"), OK);
    expect(targetOf(sent)).toBe("//evil.example/x");
    for (const request of [
      "GET http://evil.example/x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
      "GET http://public.example/x HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n\r\n",
    ]) {
      const absolute = await passage(request, OK);
      expect(absolute.got).toMatch(/^HTTP\/1\.1 421 /);
      expect(absolute.sent).toBe("");
    }
  });
});

describe("paths", () => {
  test.each([
    ["/api", "/"],
    ["/api/", "/"],
    ["/api/a/b?c", "/a/b?c"],
    ["/%61pi/a", "/a"],
    ["/api//a", "//a"],
  ])("lose their prefix: %s becomes %s", async (asked, wanted) => {
    const { sent } = await passage(get(asked), OK, { stripPrefix: "/api" });
    expect(targetOf(sent)).toBe(wanted);
    expect(fieldOf(sent, "x-forwarded-prefix")).toBe("/api");
  });

  test.each(["/", "/apix", "/Api/a", "/a/api/"])("outside the prefix are not for the origin: %s", async (asked) => {
    const { sent, got } = await passage(get(asked), OK, { stripPrefix: "/api" });
    expect(sent).toBe("");
    expect(got).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("outside the prefix go on to the routes behind, and those within do not", async () => {
    const origin = await RawOrigin.start(answering(OK));
    await using session = new ClientSession();
    const app = new Application();
    app.use(proxy(session, origin.url, { stripPrefix: "/api" }));
    app.get("/", () => "home");
    app.get("/api/a", () => "never");
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("home");
    expect((await ask(app.dispatch, "OPTIONS", "*")).status).toBe(204);
    expect((await ask(app.dispatch, "GET", "/api/a")).text).toBe("ok");
    expect((await ask(app.dispatch, "GET", "/api/../b")).status).toBe(404);
  });

  test("of an application that is mounted keep the prefix, unless it is stripped; a route's handler it is as well", async () => {
    const origin = await RawOrigin.start(answering(OK.replace("Content", "Connection: close\r\nContent")));
    await using session = new ClientSession();
    const inner = new Application();
    inner.use(proxy(session, origin.url, { stripPrefix: "/api" }));
    const app = new Application();
    app.mount("/api", inner);
    app.get("/users/:id", proxy(session, origin.url));
    expect((await ask(app.dispatch, "PUT", "/api/a")).text).toBe("ok");
    expect((await ask(app.dispatch, "GET", "/users/7")).text).toBe("ok");
    expect((await ask(app.dispatch, "PUT", "/users/7")).status).toBe(405);
    expect(origin.received.match(/(?:GET|PUT) \S+/g)).toEqual(["PUT /a", "GET /users/7"]);
  });

  test("are what rewritePath makes of them, if that is a path", async () => {
    const { sent } = await passage(get("/users/1?x=1"), OK, {
      rewritePath: (path, request) => `/v2${path}/${request.method}`,
    });
    expect(targetOf(sent)).toBe("/v2/users/1/GET?x=1");
    for (const made of ["no-slash", "/a?b", "/a b", "/a\r\nX-Injected: 1", "http://evil.example/", ""]) {
      const wrong = await passage(get("/"), OK, { rewritePath: () => made });
      expect(wrong.sent).toBe("");
      expect(wrong.errors).toMatchObject([{ code: "proxy/path" }]);
    }
  });

  test.each([
    "/a/..%2fb",
    "/a%2F..%2Fb",
    "/a/..%5cb",
    "/a%5C..",
    "/.%2e%2fadmin",
    "/a/%2e%2e/b",
    "/a/../b",
    "/..%5C..",
    "/a/..;/b",
    "/a/..;x=1/b",
    "/a/..%3b/b",
    "/a/.;/b",
    // A C string ends with its NUL, and some systems leave out spaces at the end of a name.
    "/a/..%00/b",
    "/a/..%00",
    "/a/..%00b",
    "/a/..%20/b",
    "/a/.%20%09%2520",
    "/a/.%0d%0a/b",
    // For an origin that undoes escapes twice, or thrice.
    "/a/%252e%252e/b",
    "/a/.%252E",
    "/a/%25252e%25252e%25252fb",
    "/a%252f..%252fb",
    "/a/..%255cb",
    "/a/..%2500",
  ])("that climb, in whatever disguise, are refused: %s", async (asked) => {
    const { sent, got } = await passage(get(asked), OK);
    expect(got).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(sent).toBe("");
  });

  const harmless = ["/a..b", "/..a/b..", "/a%2Fb", "/...", "/a%5Cb", "/.well-known/x", "/a;v=1/b", "/a../b", "/..a;b"];
  test.each([
    ...harmless,
    "/100%25",
    "/a%252Eb",
    "/%252Ea/x",
    "/a%00b",
    "/a%20b/c",
    "/%25252Fa",
    "/..%20b/c",
    "/.%09x",
  ])("with dots and escapes in names may pass: %s", async (asked) => {
    const { sent } = await passage(get(asked), OK);
    expect(targetOf(sent)).toBe(asked);
  });
});

describe("Location", () => {
  const located = async (location: string, options: Parameters<typeof passage>[2], name = "Location") => {
    const origin = await RawOrigin.start((socket) => {
      const lines = `${name}: ${location.replace("<origin>", origin.host)}\r\nContent-Length: 0\r\n`;
      socket.write(`HTTP/1.1 302 Found\r\n${lines}\r\n`);
    });
    const { server } = await proxied(`${origin.url}/base`, options);
    const client = await RawClient.to(server);
    client.send(get("/api/x"));
    return fieldOf(await client.untilClosed(), name)?.replace(origin.host, "<origin>");
  };

  test.each([
    ["http://<origin>/base/login?x='1'#f", "/api/login?x='1'#f"],
    ["http://<origin>/base", "/api/"],
    ["/base/a", "/api/a"],
    ["/base?x", "/api/?x"],
    // Not below what this proxy serves, or not with this origin.
    ["/other", "/other"],
    ["/baseball", "/baseball"],
    ["http://<origin>/other", "http://<origin>/other"],
    ["https://<origin>/base/a", "https://<origin>/base/a"],
    ["//<origin>/base/a?x#y", "/api/a?x#y"],
    ["//<origin>/other", "//<origin>/other"],
    ["//elsewhere.example/base/a", "//elsewhere.example/base/a"],
    ["///<origin>/base/a", "///<origin>/base/a"],
    ["/\\<origin>/base/a", "/\\<origin>/base/a"],
    ["https://elsewhere.example/base/a", "https://elsewhere.example/base/a"],
    ["next", "next"],
  ])("%s is told as %s", async (sent, told) => {
    expect(await located(sent, { stripPrefix: "/api" })).toBe(told);
  });

  test("goes as it came where that is asked for, and Content-Location is treated alike", async () => {
    expect(await located("/base/a", { stripPrefix: "/api", rewriteLocation: false })).toBe("/base/a");
    expect(await located("/base/a", { stripPrefix: "/api" }, "Content-Location")).toBe("/api/a");
    expect(await located("http://<origin>/base/a", {})).toBe("/a");
  });

  test("that names the origin alone is its root", () => {
    expect(new Upstream("http://example.com").locationFor("http://example.com", "/api")).toBe("/api/");
    expect(new Upstream("http://example.com").locationFor("http://example.com:80/x", "")).toBe("/x");
    expect(new Upstream("http://example.com").locationFor("http://example.com?x", "/api")).toBe("/api/?x");
    expect(new Upstream("http://example.com").locationFor("//example.com", "")).toBe("/");
  });

  test("whose path begins with two slashes does not become another host", () => {
    for (const reference of [
      "http://example.com/base//evil.test/x",
      "//example.com/base//evil.test/x",
      "/base//evil.test/x",
    ]) {
      const located = new Upstream("http://example.com/base").locationFor(reference, "");
      expect(located).toBe("/.//evil.test/x");
      expect(new URL(located, "http://here.test/").href).toBe("http://here.test//evil.test/x");
    }
    expect(new Upstream("http://example.com").locationFor("http://example.com/\\evil.test/x", "")).toBe(
      "/./\\evil.test/x",
    );
    expect(new Upstream("http://example.com").locationFor("http://example.com//a", "/api")).toBe("/api//a");
  });
});

describe("options", () => {
  const make = (options: object, target: ProxyTarget = "http://example.com") => {
    const session = new ClientSession();
    try {
      proxy(session, target, options);
      return "made";
    } catch (error) {
      return (error as { code?: string }).code;
    } finally {
      void session.close();
    }
  };

  test.each([
    [{ stripprefix: "/a" }, "options/unknown"],
    [{ stripPrefix: "a" }, "proxy/path"],
    [{ stripPrefix: "/a/" }, "proxy/path"],
    [{ stripPrefix: "/" }, "proxy/path"],
    [{ stripPrefix: "/%61" }, "proxy/path"],
    [{ stripPrefix: "/a/../b" }, "proxy/path"],
    [{ stripPrefix: "/a", rewritePath: (path: string) => path }, "options/conflict"],
    [{ rewritePath: "/a" }, "options/unknown-value"],
    [{ requestHeaders: {} }, "options/unknown-value"],
    [{ forwarded: true }, "options/unknown-value"],
    [{ via: "" }, "options/unknown-value"],
    [{ via: "two words" }, "options/unknown-value"],
    [{ via: true }, "options/unknown-value"],
    [{ maxRequestSize: -1 }, "options/out-of-range"],
    [{ maxRequestSize: Number.NaN }, "options/out-of-range"],
    [{ timeout: { headers: 0 } }, "options/out-of-range"],
    [{ timeout: { header: 1 } }, "options/unknown"],
    [{ stripPrefix: "/a%2F/b.c", via: false, forwarded: "none", maxRequestSize: 0, timeout: 1 }, "made"],
  ])("%j: %s", (options, outcome) => {
    expect(make(options)).toBe(outcome);
  });

  test("a target that is none, or a session that is none, is refused when the proxy is made", () => {
    expect(make({}, "nonsense")).toBe("proxy/target");
    expect(() => proxy({} as ClientSession, "http://example.com")).toThrow("no ClientSession");
  });
});
