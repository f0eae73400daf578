/** Cookies on requests: the jar's over redirects and sites, those of one request, and what it costs to have none. */
import { describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";
import type { RequestOptions } from "../../src/client/options.js";
import { withJarCookies } from "../../src/client/request-cookies.js";
import { RequestHeadWriter } from "../../src/client/request-head.js";
import { answer, FakeNet, ok, redirect, rejection } from "./fake-net.js";

const SITE = "https://www.example.com/";

/** A jar with a cookie of each kind at example.com, and a network that redirects as its table says. */
async function sites(redirects: Readonly<Record<string, string>> = {}, status = 302) {
  const jar = new CookieJar();
  await jar.store(new URL(SITE), [
    "strict=1; path=/; domain=example.com; secure; samesite=strict",
    "lax=1; path=/; domain=example.com; secure; samesite=lax",
    "none=1; path=/; domain=example.com; secure; samesite=none",
    "unsaid=1; path=/; domain=example.com; secure",
  ]);
  const net = new FakeNet((seen) => {
    const to = redirects[seen.url.replace(/:(?:80|443)(?=\/)/, "")];
    return to === undefined ? ok("") : redirect(status, to);
  });
  const names = (at: number): string[] =>
    (net.seen.at(at)?.fields.get("cookie") ?? "").split("; ").map((pair) => pair.replace(/=.*/, ""));
  return { jar, net, names, session: net.session({ cookies: jar }) };
}

const ALL = ["strict", "lax", "none", "unsaid"];

describe("the site that counts is that of the URL the program asked for", () => {
  test("what it asks for itself is of the same site, wherever it has been before", async () => {
    const { session, names } = await sites();
    await session.get("https://elsewhere.test/");
    await session.post(SITE, { body: "b" });
    expect(names(-1)).toEqual(ALL);
  });

  test("a redirect within the site changes nothing: other hosts, ports and to https", async () => {
    for (const from of ["https://login.example.com/", "https://example.com:8443/", "http://example.com/"]) {
      const { session, names } = await sites({ [from]: SITE });
      await session.get(from);
      expect(names(-1), from).toEqual(ALL);
    }
  });

  test("a redirect from another site keeps Strict back, and Lax too unless the method is safe", async () => {
    const evil = "https://evil.test/";
    const { session, names } = await sites({ [evil]: SITE }, 307);
    await session.get(evil);
    expect(names(-1)).toEqual(["lax", "none", "unsaid"]);
    await session.post(evil, { body: "b" });
    expect(names(-1)).toEqual(["none", "unsaid"]);
    await session.request("PURGE", evil);
    expect(names(-1)).toEqual(["none", "unsaid"]);
  });

  test("a way there and back is of the same site, as browsers have it", async () => {
    const { session, names } = await sites({ [SITE]: "https://idp.test/", "https://idp.test/": `${SITE}back` });
    await session.get(SITE);
    expect(names(-1)).toEqual(ALL);
  });

  test("hosts below one public suffix are of different sites, addresses only of their own", async () => {
    const jar = new CookieJar();
    await jar.set(SITE, "a", "1");
    const same = (one: string, other: string): boolean => jar.isSameSite(new URL(one), new URL(other));
    expect(same("https://a.github.io/", "https://b.github.io/")).toBe(false);
    expect(same("https://a.co.uk/", "https://b.co.uk/")).toBe(false);
    expect(same("https://a.b.co.uk/", "http://c.b.co.uk:81/")).toBe(true);
    expect(same("http://10.0.0.1/", "http://11.0.0.1/")).toBe(false);
    expect(same("http://[::1]/", "http://[::1]:8080/")).toBe(true);
    expect(same("http://[::1]/", "http://[::2]/")).toBe(false);
    expect(same("http://localhost/", "http://localhost:8080/")).toBe(true);
    expect(same("http://com/", "http://org/")).toBe(false);
  });

  test("what answers set on the way is kept, Strict too, as for a link that is followed", async () => {
    const jar = new CookieJar();
    const net = new FakeNet(({ url }) =>
      url.includes("evil") ? redirect(302, SITE) : ok("", "set-cookie: s=1; samesite=strict; secure\r\n"),
    );
    await net.session({ cookies: jar }).get("https://evil.test/");
    expect(jar.get(SITE, "s")?.sameSite).toBe("strict");
  });

  test("a jar from a file knows sites at once", async () => {
    const { mkdtemp, rm } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const folder = await mkdtemp(`${tmpdir()}/sluice-sites-`);
    const { jar } = await sites();
    await jar.save(`${folder}/jar`);
    const loaded = await CookieJar.load(`${folder}/jar`);
    expect(loaded.isSameSite(new URL(SITE), new URL("https://example.com/"))).toBe(true);
    await rm(folder, { recursive: true });
  });
});

describe("cookies of one request", () => {
  const sent = async (options: RequestOptions, jar?: CookieJar): Promise<string | undefined> => {
    const net = new FakeNet();
    await net.session(jar === undefined ? {} : { cookies: jar }).get(SITE, options);
    return net.seen[0]?.fields.get("cookie");
  };

  test("go with it, before the jar's and in place of those of the same name, and are not stored", async () => {
    const jar = new CookieJar();
    await jar.store(new URL(SITE), ["a=jar; path=/", "b=jar; path=/"]);
    expect(await sent({ cookies: { c: "own", a: "own" } }, jar)).toBe("c=own; a=own; b=jar");
    expect(await sent({}, jar)).toBe("a=jar; b=jar");
    expect(await sent({ cookies: { a: "1", b: "2" } }, jar)).toBe("a=1; b=2");
  });

  test("go without a jar, beside a Cookie header, and with everything that a value may have", async () => {
    expect(await sent({ cookies: { a: "1", gone: undefined, b: "" } })).toBe("a=1; b=");
    expect(await sent({ cookies: { gone: undefined } })).toBeUndefined();
    expect(await sent({ cookies: {} })).toBeUndefined();
    expect(await sent({ cookies: { a: "1" }, headers: { Cookie: "a=2; c=3" } })).toBe("a=1; c=3");
    expect(await sent({ cookies: { a: '"x, y"=z\\ \xe4' } })).toBe('a="x, y"=z\\ \xe4');
    expect(await sent({ cookies: JSON.parse('{"__proto__":"1"}') })).toBe("__proto__=1");
    const net = new FakeNet();
    await net.session({ cookies: false, headers: { cookie: "s=1" } }).get(SITE, { cookies: { a: "1" } });
    expect(net.seen[0]?.fields.get("cookie")).toBe("a=1; s=1");
  });

  test("a Cookie header of the caller's stands above the jar in the same way", async () => {
    const jar = new CookieJar();
    await jar.store(new URL(SITE), ["a=jar; path=/", "b=jar; path=/"]);
    expect(await sent({ headers: { cookie: "b=own" } }, jar)).toBe("b=own; a=jar");
  });

  test("stay with the origin on a redirect, and go along within it", async () => {
    for (const [to, expected] of [
      ["/next", "a=1"],
      ["https://example.com/", undefined],
      ["https://www.example.com:8443/", undefined],
    ] as const) {
      const net = new FakeNet(({ target }) => (target === "/from" ? redirect(302, to) : ok("")));
      await net.session().get(`${SITE}from`, { cookies: { a: "1" } });
      expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual(["a=1", expected]);
    }
  });

  test("go again with each retry", async () => {
    const net = new FakeNet(({ connection }) => (connection.requests === 1 ? answer(503) : ok("")));
    const done = net.session().get(SITE, { cookies: { a: "1" }, retry: { attempts: 2, baseDelay: 0 } });
    await net.clock.advanceAsync(1);
    await done;
    expect(net.seen.map((seen) => seen.fields.get("cookie"))).toEqual(["a=1", "a=1"]);
  });

  test.each([
    [{ "a b": "pl4nted" }, "cookies/name-invalid"],
    [{ "": "pl4nted" }, "cookies/name-invalid"],
    [{ "a=b": "pl4nted" }, "cookies/name-invalid"],
    [{ a: "pl4nted; b=1" }, "cookies/value-invalid"],
    [{ a: "pl4nted\r\nx: y" }, "cookies/value-invalid"],
    [{ a: "pl4nted€" }, "cookies/value-invalid"],
    [{ a: 1 }, "cookies/value-invalid"],
    [{ a: null }, "cookies/value-invalid"],
    [false, "options/unknown-value"],
    ["a=1", "options/unknown-value"],
    [null, "options/unknown-value"],
    [["a=1"], "options/unknown-value"],
    [new CookieJar(), "options/unknown-value"],
    [new Map([["a", "1"]]), "options/unknown-value"],
  ])("%j is refused, and its value not repeated", async (cookies, code) => {
    const error = await rejection(new FakeNet().session().get(SITE, { cookies: cookies as never }));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("pl4nted");
  });
});

describe("a jar that is empty", () => {
  test("costs nothing: the request is passed on as it is, nothing of its URL is looked at", async () => {
    const jar = new CookieJar();
    jar.cookieHeader = () => {
      throw new Error("asked");
    };
    jar.store = () => {
      throw new Error("asked");
    };
    const net = new FakeNet();
    const session = net.session({ cookies: jar });
    const response = await session.get(SITE);
    expect(response.cookies.size).toBe(0);
    expect(net.seen[0]?.fields.has("cookie")).toBe(false);
  });

  test("once it has a cookie, a host without one is passed on as it is, too", async () => {
    const jar = new CookieJar();
    await jar.set(SITE, "a", "1");
    const net = new FakeNet();
    const response = await net.session({ cookies: jar }).get("https://other.test/x?y");
    expect(withJarCookies(response.request, jar, new RequestHeadWriter([], undefined))).toBe(response.request);
  });
});

test("cookies that a response sets are there by name", async () => {
  const net = new FakeNet(() =>
    ok("", 'set-cookie: a=1; Path=/\r\nset-cookie: b="x=y"; Secure\r\nset-cookie: novalue\r\n'),
  );
  const response = await net.session().get("http://a.test/");
  expect([...response.cookies]).toEqual([
    ["a", "1"],
    ["b", '"x=y"'],
    ["", "novalue"],
  ]);
});

test("what is kept of heads follows the jar, the host and the codings asked for", async () => {
  const net = new FakeNet();
  const session = net.session({ headers: { "x-session": "1" } });
  const jar = session.cookies;
  if (jar === undefined) throw new Error("The session has no jar");
  const cookieOf = (at: number) => net.seen[at]?.fields.get("cookie");
  await jar.set("http://a.test/", "n", "1");
  await session.get("http://a.test/x");
  await session.get("http://a.test/y", { decompress: false });
  await session.get("http://b.test/x");
  await jar.set("http://a.test/", "n", "2");
  await session.get("http://a.test/x");
  await session.get("http://a.test/x", { headers: { "x-own": "1" } });
  await session.get("http://a.test/x", { headers: { cookie: "m=0" } });
  expect([0, 1, 2, 3, 4, 5].map(cookieOf)).toEqual(["n=1", "n=1", undefined, "n=2", "n=2", "m=0; n=2"]);
  expect(net.seen.map(({ fields }) => fields.get("host"))).toEqual([..."aabaaa"].map((host) => `${host}.test`));
  expect(net.seen[1]?.fields.has("accept-encoding")).toBe(false);
  expect(net.seen[3]?.fields.has("accept-encoding")).toBe(true);
  expect(net.seen.every(({ fields }) => fields.get("x-session") === "1")).toBe(true);
  for (let turn = 0; turn < 100; turn += 1) {
    await jar.set("http://a.test/", "n", `t${turn}`);
    await session.get("http://a.test/x");
    expect(net.seen.at(-1)?.fields.get("cookie")).toBe(`n=t${turn}`);
  }
});
