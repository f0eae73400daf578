import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isAuthority,
  isIpLiteral,
  isRequestTarget,
  parseAuthority,
  parseRequestTarget,
} from "../../src/http/target.js";

describe("a request-target", () => {
  const none = { scheme: undefined, authority: undefined };

  test.each([
    ["GET", "/", { ...none, form: "origin", path: "/", query: undefined }],
    ["GET", "/a/b?c=d?e", { ...none, form: "origin", path: "/a/b", query: "c=d?e" }],
    ["GET", "//a?", { ...none, form: "origin", path: "//a", query: "" }],
    ["OPTIONS", "*", { ...none, form: "asterisk", path: "", query: undefined }],
    [
      "GET",
      "HTTP://Example.com",
      {
        form: "absolute",
        scheme: "http",
        authority: { host: "Example.com", port: undefined },
        path: "/",
        query: undefined,
      },
    ],
    [
      "GET",
      "https://[::1]:8443?q",
      { form: "absolute", scheme: "https", authority: { host: "[::1]", port: 8443 }, path: "/", query: "q" },
    ],
    [
      "CONNECT",
      "example.com:443",
      { ...none, form: "authority", authority: { host: "example.com", port: 443 }, path: "", query: undefined },
    ],
  ])("%s %s is taken apart", (method, target, parts) => {
    expect(parseRequestTarget(target, method)).toEqual(parts);
    expect(isRequestTarget(target, method)).toBe(true);
  });

  test.each([
    ["GET", ""],
    ["GET", "a"],
    ["GET", "*"],
    ["GET", "/a b"],
    ["GET", "/a#b"],
    ["GET", "/\n"],
    ["GET", "/\u0100"],
    ["GET", "http:a"],
    ["GET", "http:///a"],
    ["GET", "http://:80/"],
    ["GET", "http://a:b/"],
    ["GET", "http://u@a/"],
    ["GET", "1http://a/"],
    ["GET", "ftp://a/"],
    ["GET", "gopher://a"],
    ["GET", "://a/"],
    ["GET", "urn:a:b"],
    ["CONNECT", "a"],
    ["CONNECT", "a:"],
    ["CONNECT", "a:0"],
    ["CONNECT", ":80"],
    ["CONNECT", "/"],
    ["CONNECT", "*"],
    ["OPTIONS", "**"],
  ])("%s %j is refused", (method, target) => {
    expect(parseRequestTarget(target, method)).toBeUndefined();
    expect(isRequestTarget(target, method)).toBe(false);
  });
});

describe("an authority", () => {
  test.each([
    ["", "", undefined],
    ["a", "a", undefined],
    ["a:", "a", undefined],
    ["a:0", "a", 0],
    ["a:65535", "a", 65_535],
    ["a:00080", "a", 80],
    ["[2001:db8::1]:80", "[2001:db8::1]", 80],
    ["%41!$&'()*+,;=", "%41!$&'()*+,;=", undefined],
    [":80", "", 80],
  ])("%j is host %j and port %s", (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port });
    expect(isAuthority(text)).toBe(true);
  });

  test.each([
    "a b",
    "a:65536",
    "a:-1",
    "a:+1",
    "a:1:2",
    "a/",
    "a?",
    "a#",
    "u@a",
    "[::1",
    "[::1]x",
    "[]",
    "::1",
    "%4",
    "%zz",
    "ä",
  ])("%j is refused", (text) => {
    expect(parseAuthority(text)).toBeUndefined();
    expect(isAuthority(text)).toBe(false);
  });

  test("may be an IPv6 address in any valid form, without a zone", () => {
    for (const valid of [
      "::",
      "::1",
      "1::",
      "1:2:3:4:5:6:7:8",
      "1::8",
      "::1.2.3.4",
      "1:2:3:4:5:6:1.2.3.4",
      "1:2:3:4:5:6:7::",
      "v1.a:b",
      "ABCD::",
    ]) {
      expect(isIpLiteral(valid), valid).toBe(true);
    }
    for (const invalid of [
      "",
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "12345::",
      "g::",
      "::1.2.3",
      "::1.2.3.256",
      "::01.2.3.4",
      "1.2.3.4::",
      "::1%25eth0",
      "1:2:3:4:5:6:7:1.2.3.4",
      "v.a",
      "1::2:3:4:5:6:7:8",
      ":1::2",
    ]) {
      expect(isIpLiteral(invalid), invalid).toBe(false);
    }
  });

  test("agrees with URL on every host that URL accepts as it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.domain(),
          fc.ipV4(),
          fc.ipV6().map((text) => `[${text}]`),
        ),
        fc.integer({ min: 1, max: 65_535 }),
        (host, port) => {
          expect(URL.canParse(`http://${host}:${port}/`)).toBe(true);
          expect(parseAuthority(`${host}:${port}`)).toEqual({ host, port });
        },
      ),
    );
  });
});
