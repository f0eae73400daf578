/** Basic, and what the `auth` option takes. */
import { describe, expect, test } from "vitest";
import { basicAuth } from "../../../../src/client/middleware/auth/basic.js";
import type { AuthOptions } from "../../../../src/client/options.js";
import { FakeNet, ok, redirect, rejection } from "../../fake-net.js";

const URL_A = "http://a.test/x";
const sent = (net: FakeNet): (string | undefined)[] => net.seen.map((seen) => seen.fields.get("authorization"));
const encoded = (bytes: string): string => `Basic ${Buffer.from(bytes, "latin1").toString("base64")}`;

describe("Basic", () => {
  test("RFC 7617 §2 and §2.1: the examples", async () => {
    const net = new FakeNet();
    await net.session({ hopMiddleware: [basicAuth("Aladdin", "open sesame")] }).get(URL_A);
    await net.session({ hopMiddleware: [basicAuth("test", "123£")] }).get(URL_A);
    expect(sent(net)).toEqual(["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic dGVzdDoxMjPCow=="]);
  });

  test("characters are composed; latin1 is for old servers, and refuses what it lacks", async () => {
    const net = new FakeNet();
    await net.session({ auth: { username: "a\u0308", password: "p" } }).get(URL_A);
    await net.session({ auth: { username: "ä", password: "£", charset: "latin1" } }).get(URL_A);
    expect(sent(net)).toEqual([encoded("\xc3\xa4:p"), encoded("\xe4:\xa3")]);
    expect(() => basicAuth("€", "p", { charset: "latin1" })).toThrow(expect.objectContaining({ code: "auth/charset" }));
    expect(() => basicAuth("a", "p", { charset: "utf-16" as "latin1" })).toThrow("expected utf-8 or latin1");
  });

  test.each([
    ["a:b", "p", "auth/username"],
    ["a\r", "p", "auth/username"],
    ["a", "p\x7f", "auth/password"],
  ])("%j with %j is refused", (username, password, code) => {
    expect(() => basicAuth(username, password)).toThrow(expect.objectContaining({ code }));
  });

  test("goes with no redirect to another origin, whoever shares it", async () => {
    const net = new FakeNet(({ target }) => (target === "/away" ? redirect(307, "http://b.test/") : ok("")));
    const shared = basicAuth("ada", "pw");
    const named = basicAuth("ada", "pw", { origins: ["http://a.test", "http://b.test"] });
    for (const middleware of [shared, named]) {
      for (const place of ["hopMiddleware", "middleware"] as const) {
        net.seen.splice(0);
        const session = net.session({ baseUrl: "http://a.test/", [place]: [middleware] });
        await session.post("away", { body: "b" });
        await session.get("http://b.test/");
        const value = encoded("ada:pw");
        expect(sent(net)).toEqual([value, undefined, middleware === named ? value : undefined]);
      }
    }
  });
});

describe("the option `auth`", () => {
  test.each([
    [{}, "options/unknown-value"],
    [{ user: "a", password: "b" }, "options/unknown"],
    [{ username: "a", password: "b", scheme: "x" }, "options/unknown"],
    [{ username: "a" }, "auth/password"],
    [{ bearer: "t", token: "t" }, "options/unknown"],
    [{ digest: { username: "a", password: "b", qop: "auth" } }, "options/unknown"],
    [{ digest: { username: "a" } }, "auth/password"],
    [{ digest: true }, "options/unknown-value"],
    [{ netrc: "path" }, "options/unknown-value"],
    [{ netrc: { file: "path" } }, "options/unknown"],
    [false, "options/unknown-value"],
    ["ada:pw", "options/unknown-value"],
  ])("%j is refused", async (auth, code) => {
    const thrown = expect.objectContaining({ code });
    expect(() => new FakeNet().session({ auth: auth as AuthOptions })).toThrow(thrown);
    if (auth !== false) {
      expect((await rejection(new FakeNet().session().get(URL_A, { auth: auth as AuthOptions }))).code).toBe(code);
    }
  });

  test("is left out by `false`, and by `undefined` in `extend`", async () => {
    const net = new FakeNet();
    const session = net.session({ auth: { bearer: "tok" } });
    await session.get(URL_A, { auth: false });
    await session.extend({ auth: undefined } as object).get(URL_A);
    await session.get(URL_A);
    expect(sent(net)).toEqual([undefined, undefined, "Bearer tok"]);
  });
});
