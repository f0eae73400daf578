import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpError } from "../../src/server/http-error.js";
import {
  decodePathPart,
  normalisePath,
  originOf,
  pathOf,
  queryOf,
  tryNormalisePath,
} from "../../src/server/request/request-path.js";

describe("a request-target's parts", () => {
  test.each([
    ["/", "/", ""],
    ["/a/b", "/a/b", ""],
    ["/a?", "/a", ""],
    ["/a?b=c?d", "/a", "b=c?d"],
    ["//evil.example/a", "//evil.example/a", ""],
    ["http://example.com", "/", ""],
    ["http://example.com?x=/y", "/", "x=/y"],
    ["http://example.com:80/a/b?x", "/a/b", "x"],
    ["/a?u=http://b/c", "/a", "u=http://b/c"],
    ["*", "*", ""],
    ["example.com:443", "example.com:443", ""],
  ])("%s has path %s and query %j", (target, path, query) => {
    expect(pathOf(target)).toBe(path);
    expect(queryOf(target)).toBe(query);
  });

  test("only the absolute-form names an origin", () => {
    expect(originOf("HTTP://example.com:81/a?b")).toEqual({ scheme: "http", authority: "example.com:81" });
    expect(originOf("https://example.com?b")).toEqual({ scheme: "https", authority: "example.com" });
    expect(originOf("/a?http://b/")).toBeUndefined();
    expect(originOf("*")).toBeUndefined();
    expect(originOf("example.com:443")).toBeUndefined();
  });
});

describe("one spelling of a path", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["/%61%2D%7e", "/a-~"],
    ["/a%2fb", "/a%2Fb"],
    ["/%c3%a9", "/%C3%A9"],
    ["/%25%32%66", "/%252f"],
    ["/.a/..b/...", "/.a/..b/..."],
  ])("%s becomes %s", (path, normal) => {
    expect(normalisePath(path)).toBe(normal);
    expect(tryNormalisePath(path)).toBe(normal);
  });

  test.each(["/%", "/%4", "/%4g", "/a%%20", "/%u0041"])("%s has a malformed escape: 400", (path) => {
    expect(() => normalisePath(path)).toThrow(HttpError);
    expect(tryNormalisePath(path)).toBeUndefined();
  });

  test.each(["/.", "/..", "/../etc", "/a/./b", "/a/..", "/%2e%2E/x", "/a/.%2e/b", "/a/%2e"])(
    "%s has a dot segment: 404",
    (path) => {
      expect(() => normalisePath(path)).toThrow("dot segment");
      expect(tryNormalisePath(path)).toBeUndefined();
    },
  );

  test("normalising twice changes nothing, and no dot segment survives", () => {
    const piece = fc.constantFrom("a", ".", "%2e", "%2E", "/", "%2f", "%41", "%7E", "%c3%A9", "%25", "%252e");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const normal = tryNormalisePath(`/${pieces.join("")}`);
        if (normal === undefined) return;
        expect(normalisePath(normal)).toBe(normal);
        expect(new URL(`http://h${normal}`).pathname).toBe(normal);
      }),
    );
  });
});

test("a parameter is decoded once, and must be UTF-8", () => {
  expect(decodePathPart("a%2Fb%20%C3%A9")).toBe("a/b é");
  expect(decodePathPart("%2541")).toBe("%41");
  expect(() => decodePathPart("%FF")).toThrow(HttpError);
  expect(() => decodePathPart("%C3")).toThrow("not UTF-8");
});
