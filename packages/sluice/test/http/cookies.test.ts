import { describe, expect, test } from "vitest";
import { type CookieAttributes, parseCookieHeader, serializeSetCookie } from "../../src/http/cookies.js";

describe("a Cookie field", () => {
  test.each([
    ["a=1; b=2", { a: "1", b: "2" }],
    ["a=1;b=2 ;  c = 3 ", { a: "1", b: "2", c: "3" }],
    ['a="x y"; b=""; c="', { a: "x y", b: "", c: '"' }],
    ["a=1=2; b=", { a: "1=2", b: "" }],
    ["a=first; a=second", { a: "first" }],
    ["broken; =x; a b=c; ok=1;", { ok: "1" }],
    ["", {}],
    ["a=%20", { a: "%20" }],
  ])("%j is read", (value, expected) => {
    expect(Object.fromEntries(parseCookieHeader(value))).toEqual(expected);
  });

  test("with a name like __proto__ is harmless", () => {
    expect(parseCookieHeader("__proto__=x").get("__proto__")).toBe("x");
  });
});

describe("a Set-Cookie field", () => {
  test("has the attributes that were given", () => {
    expect(serializeSetCookie("a", "b")).toBe("a=b");
    expect(serializeSetCookie("a", "")).toBe("a=");
    expect(
      serializeSetCookie("a", "b", {
        maxAgeSeconds: 60,
        expires: new Date(Date.UTC(2030, 0, 1)),
        domain: "example.com",
        path: "/x",
        secure: true,
        httpOnly: true,
        sameSite: "none",
        partitioned: true,
      }),
    ).toBe(
      "a=b; Max-Age=60; Expires=Tue, 01 Jan 2030 00:00:00 GMT; Domain=example.com; Path=/x; Secure; HttpOnly; SameSite=None; Partitioned",
    );
    expect(serializeSetCookie("a", "b", { expires: 0, secure: false, sameSite: "lax", maxAgeSeconds: -1 })).toBe(
      "a=b; Max-Age=-1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax",
    );
    expect(serializeSetCookie("__Host-a", "b", { secure: true, path: "/" })).toBe("__Host-a=b; Path=/; Secure");
    expect(serializeSetCookie("__Secure-a", "b", { secure: true })).toBe("__Secure-a=b; Secure");
  });

  test.each(["", "a b", "a;", "a=", "ä", "a\n"])("refuses the name %j", (name) => {
    expect(() => serializeSetCookie(name, "b")).toThrow(expect.objectContaining({ code: "cookies/name-invalid" }));
  });

  test.each(["a b", "a;b", "a,b", 'a"b', "a\\b", "ä", "a\r\nb", "\0", "\u0100"])(
    "refuses the value %j, and keeps it secret",
    (value) => {
      expect(() => serializeSetCookie("a", value)).toThrow(expect.objectContaining({ code: "cookies/value-invalid" }));
      expect(() => serializeSetCookie("a", `S3CRET${value}`)).toThrow(/^(?!.*S3CRET)/);
    },
  );

  test.each<CookieAttributes>([
    { maxAgeSeconds: 1.5 },
    { maxAgeSeconds: Number.NaN },
    { domain: "a;b" },
    { domain: "" },
    { domain: "-a" },
    { path: "a" },
    { path: "/;" },
    { path: "/\n" },
    { sameSite: "none" },
    { sameSite: "Lax" as "lax" },
    { partitioned: true },
  ])("refuses the attributes %j", (attributes) => {
    expect(() => serializeSetCookie("a", "b", attributes)).toThrow(
      expect.objectContaining({ code: "cookies/attribute-invalid" }),
    );
  });

  test("refuses prefixes whose promises are not kept", () => {
    const cases: [string, CookieAttributes][] = [
      ["__Secure-a", {}],
      ["__secure-a", { path: "/" }],
      ["__Host-a", { path: "/" }],
      ["__Host-a", { secure: true }],
      ["__Host-a", { secure: true, path: "/x" }],
      ["__HOST-a", { secure: true, path: "/", domain: "example.com" }],
    ];
    for (const [name, attributes] of cases) expect(() => serializeSetCookie(name, "b", attributes)).toThrow("prefix");
  });

  test("refuses a date that cannot be written", () => {
    expect(() => serializeSetCookie("a", "b", { expires: new Date(Number.NaN) })).toThrow("years");
  });
});
