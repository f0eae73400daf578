/** Which origin gets what: base URL, defaults, credentials and cookies. */
import { describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";
import { basicAuth } from "../../src/client/middleware/auth/basic.js";
import { bearerAuth } from "../../src/client/middleware/auth/bearer.js";
import { UsageError } from "../../src/errors.js";
import { FakeNet, ok, redirect, rejection } from "./fake-net.js";

const URL_A = "http://a.test/x";

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;

describe("baseUrl", () => {
  test("relative URLs are joined to it as URL does", async () => {
    const net = new FakeNet();
    const session = net.session({ baseUrl: "http://a.test/v1/" });
    for (const url of ["users", "/users", "?q=1", "../x", "", "http://b.test/y", "//c.test/z"]) await session.get(url);
    expect(net.seen.map((seen) => seen.url)).toEqual([
      "http://a.test:80/v1/users",
      "http://a.test:80/users",
      "http://a.test:80/v1/?q=1",
      "http://a.test:80/x",
      "http://a.test:80/v1/",
      "http://b.test:80/y",
      "http://c.test:80/z",
    ]);
  });

  test("a base without its slash is refused with what to do", () => {
    expect(() => new FakeNet().session({ baseUrl: "http://a.test/v1" })).toThrow("end with a slash");
  });

  test("the session's defaults go to its origin only", async () => {
    const net = new FakeNet();
    const session = net.session({
      baseUrl: "http://a.test/",
      headers: { "x-api-key": "k" },
      params: { p: "1" },
      auth: { username: "ada", password: "pw" },
    });
    for (const url of ["x", "http://b.test/x", "https://a.test/x", "http://a.test:81/x"]) await session.get(url);
    const [home, ...others] = net.seen;
    expect(home?.fields.get("x-api-key")).toBe("k");
    expect(home?.fields.get("authorization")).toBe(basic("ada", "pw"));
    expect(home?.target).toBe("/x?p=1");
    for (const other of others) {
      expect(other.fields.has("x-api-key")).toBe(false);
      expect(other.fields.has("authorization")).toBe(false);
      expect(other.target).toBe("/x");
    }
  });

  test("defaultsFor names further origins, as a list or a function", async () => {
    const isB = (origin: string): boolean => origin === "http://b.test";
    for (const defaultsFor of [["http://b.test/"], isB]) {
      const net = new FakeNet();
      const session = net.session({ baseUrl: "http://a.test/", headers: { "x-api-key": "k" }, defaultsFor });
      for (const url of ["x", "http://b.test/x", "http://c.test/x"]) await session.get(url);
      expect(net.seen.map((seen) => seen.fields.has("x-api-key"))).toEqual([true, true, false]);
    }
  });

  test("allowAbsoluteUrls: false refuses other origins, however they are written", async () => {
    const net = new FakeNet();
    const session = net.session({ baseUrl: "http://a.test/v1/", allowAbsoluteUrls: false });
    await session.get("http://a.test/other");
    for (const url of ["http://b.test/", "//b.test/", "https://a.test/", "\\\\b.test/", "http://a.test:81/"]) {
      expect((await rejection(session.get(url))).code, url).toBe("url/absolute");
    }
    expect(net.seen.length).toBe(1);
  });

  test("without baseUrl every origin that is asked for gets the defaults", async () => {
    const net = new FakeNet();
    const session = net.session({ headers: { "x-api-key": "k" } });
    await session.get("http://a.test/");
    await session.get("http://b.test/");
    expect(net.seen.map((seen) => seen.fields.get("x-api-key"))).toEqual(["k", "k"]);
  });
});

describe("credentials", () => {
  test("Basic is UTF-8, bearer is a token or asked for anew each time", async () => {
    const net = new FakeNet();
    let asked = 0;
    const bearer = async (): Promise<string> => {
      asked += 1;
      return `t${asked}`;
    };
    await net.session({ auth: { username: "ädä", password: "p:w" } }).get(URL_A);
    await net.session({ auth: { bearer: "tok" } }).get(URL_A);
    const session = net.session({ auth: { bearer } });
    await session.get(URL_A);
    await session.get(URL_A);
    expect(net.seen.map((seen) => seen.fields.get("authorization"))).toEqual([
      basic("ädä", "p:w"),
      "Bearer tok",
      "Bearer t1",
      "Bearer t2",
    ]);
  });

  test("the request's auth replaces the session's, and an Authorization of the caller's stands above both", async () => {
    const net = new FakeNet();
    const session = net.session({ auth: { bearer: "session" } });
    await session.get(URL_A, { auth: { bearer: "own" } });
    await session.get(URL_A, { headers: { Authorization: "Custom" }, auth: { bearer: "own" } });
    await session.get("http://ada:pw@a.test/");
    expect(net.seen.map((seen) => seen.fields.get("authorization"))).toEqual([
      "Bearer own",
      "Custom",
      basic("ada", "pw"),
    ]);
  });

  test("the request's auth goes to the origin that was asked for, even where the session's does not", async () => {
    const net = new FakeNet(({ target }) => (target === "/away" ? redirect(302, "http://c.test/") : ok("")));
    const session = net.session({
      baseUrl: "http://a.test/",
      auth: { bearer: "session" },
      hopMiddleware: [basicAuth("ada", "pw")],
    });
    await session.get("http://b.test/", { auth: { bearer: "own" } });
    await session.get("http://b.test/away", { auth: { bearer: "own" } });
    expect(net.seen.map((seen) => seen.fields.get("authorization"))).toEqual(["Bearer own", "Bearer own", undefined]);
  });

  test("user info of the URL is percent-decoded and never part of the target", async () => {
    const net = new FakeNet();
    await net.session().get("http://a%40b:p%3Aw%25@a.test/x");
    expect(net.seen[0]?.fields.get("authorization")).toBe(basic("a@b", "p:w%"));
    expect(net.seen[0]?.head).not.toContain("@a.test");
    await net.session().get("http://only@a.test/x");
    expect(net.seen[1]?.fields.get("authorization")).toBe(basic("only", ""));
  });

  test("a user name with a colon is refused", async () => {
    expect(() => new FakeNet().session({ auth: { username: "a:b", password: "" } })).toThrow(UsageError);
    expect((await rejection(new FakeNet().session().get("http://a%3Ab:p@a.test/"))).code).toBe("auth/username");
  });

  test("basicAuth and bearerAuth work as middleware of one's own", async () => {
    const net = new FakeNet();
    await net.session({ hopMiddleware: [bearerAuth("t")] }).get(URL_A);
    expect(net.seen[0]?.fields.get("authorization")).toBe("Bearer t");
  });

  test("a token that cannot be had rejects with that error", async () => {
    const error = new Error("no token");
    const session = new FakeNet().session({ auth: { bearer: () => Promise.reject(error) } });
    expect(await rejection(session.get(URL_A).text())).toBe(error);
  });
});

describe("cookies", () => {
  test("what is set is sent back, over redirects and to its own hosts only", async () => {
    const net = new FakeNet(({ url }) => {
      if (url.endsWith("/login")) return redirect(302, "/home", "set-cookie: sid=1; Path=/; HttpOnly\r\n");
      return ok("");
    });
    const session = net.session();
    const response = await session.get("http://a.test/login");
    expect(response.history[0]?.cookies.get("sid")).toBe("1");
    await session.get("http://b.test/");
    await session.get("http://a.test/");
    expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual([undefined, "sid=1", undefined, "sid=1"]);
  });

  test("a redirect to another origin takes no cookies along, and gets those of its own", async () => {
    const net = new FakeNet(({ url }) => {
      if (url === "http://a.test:80/") return redirect(302, "http://b.test/", "set-cookie: a=1\r\n");
      return ok("", "set-cookie: b=2\r\n");
    });
    const session = net.session();
    await session.get("http://a.test/");
    await session.get("http://a.test/");
    expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual([undefined, undefined, "a=1", "b=2"]);
  });

  test("secure cookies are not sent over http, nor to other paths than theirs", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: s=1; Secure; Path=/\r\nset-cookie: p=1; Path=/deep\r\n"));
    const session = net.session();
    await session.get("https://a.test/");
    await session.get("http://a.test/");
    await session.get("https://a.test/deep/er");
    expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual([undefined, undefined, "p=1; s=1"]);
  });

  test("the caller's own Cookie stands before the jar's", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: jar=1\r\n"));
    const session = net.session();
    await session.get(URL_A);
    await session.get(URL_A, { headers: { cookie: "own=1" } });
    expect(net.seen[1]?.fields.get("cookie")).toBe("own=1; jar=1");
  });

  test("cookies: false keeps none, and a jar can be shared", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=1\r\n"));
    const none = net.session({ cookies: false });
    await none.get(URL_A);
    await none.get(URL_A);
    expect(none.cookies).toBeUndefined();
    const jar = new CookieJar({ wallTime: () => net.clock.wallTime() });
    await net.session({ cookies: jar }).get(URL_A);
    await net.session({ cookies: jar }).get(URL_A);
    expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual([undefined, undefined, undefined, "a=1"]);
    expect(jar.get(URL_A, "a")?.value).toBe("1");
  });

  test("a cookie with a line break or control character never comes back", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=1\tb\r\nset-cookie: ok=1\r\n"));
    const session = net.session();
    await session.get(URL_A);
    await session.get(URL_A);
    expect(net.seen[1]?.fields.get("cookie")).toBe("ok=1");
  });

  test("the response holds its cookies by name", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=1; Path=/\r\nset-cookie: b=x=y\r\nset-cookie: bare\r\n"));
    const { cookies } = await net.session().get(URL_A);
    expect([...cookies]).toEqual([
      ["a", "1"],
      ["b", "x=y"],
      ["", "bare"],
    ]);
  });
});
