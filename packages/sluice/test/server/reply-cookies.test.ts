import { describe, expect, test } from "vitest";
import { type CookieAttributes, serializeSetCookie } from "../../src/http/cookies.js";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { SignedCookies } from "../../src/server/signed-cookies.js";
import { testClient } from "../../src/testing/server/test-client.js";

const OLD = "an old key, which has been in use for years";
const NEW = "the new key, which nobody knows until today";

describe("a cookie on its way out", () => {
  test("says all that a cookie can", async () => {
    const app = new Application();
    app.get("/", () =>
      reply
        .empty()
        .setCookie("__Secure-a", "1", {
          domain: "example.com",
          path: "/x",
          maxAgeSeconds: 60,
          expires: new Date(0),
          secure: true,
          httpOnly: true,
          sameSite: "none",
          partitioned: true,
          priority: "high",
        })
        .setCookie("__Host-b", "2", { secure: true })
        .deleteCookie("c", { path: "/x" }),
    );
    await using client = testClient(app, { cookies: false });
    expect((await client.get("/")).headers.getAll("set-cookie")).toEqual([
      "__Secure-a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Path=/x; Secure; HttpOnly; " +
        "SameSite=None; Partitioned; Priority=High",
      "__Host-b=2; Path=/; Secure",
      "c=; Max-Age=0; Path=/x",
    ]);
  });

  test.each<CookieAttributes["priority"]>(["low", "medium", "high"])("may have the priority %s", (priority) => {
    const named = { low: "Low", medium: "Medium", high: "High" }[priority ?? "low"];
    expect(serializeSetCookie("a", "b", { priority })).toBe(`a=b; Priority=${named}`);
  });

  test("has no other priority", () => {
    const priority = "urgent" as CookieAttributes["priority"];
    expect(() => serializeSetCookie("a", "b", { priority })).toThrow(
      expect.objectContaining({ code: "cookies/attribute-invalid" }),
    );
  });

  test("has no attribute that is misspelt: it would be without", () => {
    const attributes = { httponly: true } as CookieAttributes;
    expect(() => reply.empty().setCookie("a", "b", attributes)).toThrow(
      expect.objectContaining({ code: "options/unknown" }),
    );
    expect(() => reply.empty().deleteCookie("a", attributes)).toThrow(
      expect.objectContaining({ code: "options/unknown" }),
    );
  });

  test("has 4,096 bytes of name and value and no more: browsers would drop it without a word", () => {
    expect(serializeSetCookie("name", "x".repeat(4_092))).toHaveLength(4_097);
    expect(() => serializeSetCookie("name", "x".repeat(4_093))).toThrow(
      expect.objectContaining({ code: "cookies/too-large" }),
    );
  });
});

describe("signed cookies", () => {
  const signed = new SignedCookies([NEW, OLD]);

  test("come back as they were set, and not when they were changed", async () => {
    const app = new Application();
    app.get("/in", () => reply.empty().setCookie("user", signed.sign("user", "ada.1")));
    app.get("/me", (request) => signed.verify("user", request.cookies.get("user")) ?? "nobody");
    await using client = testClient(app);
    await client.get("/in");
    expect(await client.get("/me").text()).toBe("ada.1");
    const value = signed.sign("user", "ada.1");
    for (const forged of [
      value.replace("ada.1", "eve.1"),
      `${value}x`,
      value.slice(0, -1),
      "ada.1",
      "ada.1.",
      ".",
      "",
      signed.sign("other", "ada.1"),
    ]) {
      expect(signed.verify("user", forged)).toBeUndefined();
    }
    expect(signed.verify("user", undefined)).toBeUndefined();
  });

  test("are HMAC-SHA-256 over name and value, in characters that cookies can carry", () => {
    // Computed by: printf 'user=ada' | openssl dgst -sha256 -hmac "$KEY" -binary | basenc --base64url
    expect(new SignedCookies(OLD).sign("user", "ada")).toBe("ada.6f3Oh4G6bTUcBhk6MDO5UGoRtqM8CjM6ZngQp3d_P8A");
    expect(serializeSetCookie("user", signed.sign("user", ""))).toMatch(/^user=\.[\w-]{43}$/);
  });

  test("that were signed with an older key are still good, and known to be stale", () => {
    const old = new SignedCookies(OLD).sign("user", "ada");
    expect(signed.verify("user", old)).toBe("ada");
    expect(signed.isStale("user", old)).toBe(true);
    expect(signed.isStale("user", signed.sign("user", "ada"))).toBe(false);
    expect(signed.isStale("user", "ada.nothing")).toBe(false);
    expect(new SignedCookies(NEW).verify("user", old)).toBeUndefined();
  });

  test.each([
    ["none", []],
    ["31 bytes", "x".repeat(31)],
    ["an older one of 31 bytes", [NEW, new Uint8Array(31)]],
    ["no key at all", [7 as unknown as string]],
  ])("need keys of 32 bytes: %s", (_what, keys) => {
    expect(() => new SignedCookies(keys)).toThrow(expect.objectContaining({ code: "cookies/key-invalid" }));
  });

  test("take 32 bytes, text or not", () => {
    const bytes = new SignedCookies(new Uint8Array(32).fill(120));
    const text = new SignedCookies("x".repeat(32));
    expect(text.verify("a", bytes.sign("a", "b"))).toBe("b");
  });
});
