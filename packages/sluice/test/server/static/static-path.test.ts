import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readNames, readSegments } from "../../../src/server/static/static-path.js";

const USUAL = { dotfiles: false, windows: false };
const DOTS = { dotfiles: true, windows: false };
const WINDOWS = { dotfiles: true, windows: true };

describe("a path behind the prefix", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["a.txt", ["a.txt"]],
    ["a/b/c.js", ["a", "b", "c.js"]],
    ["folder/", ["folder"]],
    ["caf%C3%A9/%20x", ["café", " x"]],
    ["100%25", ["100%"]],
    ["a+b;c=d,e@f", ["a+b;c=d,e@f"]],
    ["a:b", ["a:b"]],
  ])("%j is %j", (path, names) => {
    expect(readSegments(path, USUAL)).toEqual(names);
  });

  test.each([
    ["/", "an empty name"],
    ["a//b", "an empty name"],
    ["//example.com/x", "an empty name"],
    ["..", "the folder above"],
    ["a/../b", "the folder above"],
    ["%2e%2e/b", "the folder above, escaped"],
    ["%2E.", "the folder above, half escaped"],
    [".", "this folder"],
    ["a%2fb", "an escaped slash"],
    ["..%2f..%2fetc", "escaped slashes"],
    ["a%5cb", "an escaped backslash"],
    ["a\\b", "a backslash"],
    ["%5c%5cserver%5cshare", "a UNC path"],
    ["a%00.txt", "NUL"],
    ["a%0a", "a line end"],
    ["%7f", "DEL"],
    ["%c0%ae%c0%ae", "overlong dots"],
    ["%c0%af", "an overlong slash"],
    ["%ff", "no UTF-8"],
    ["%ed%a0%80", "half a surrogate pair"],
    ["%zz", "no escape"],
    ["%", "no escape"],
    ["x".repeat(256), "a name of 256 bytes"],
    ["%C3%A9".repeat(128), "a name of 256 bytes in 128 characters"],
    ["a/".repeat(129), "129 names"],
  ])("%j names nothing: %s", (path) => {
    expect(readSegments(path, DOTS)).toBeUndefined();
    expect(readSegments(path, WINDOWS)).toBeUndefined();
  });

  test("may have names of 255 bytes, and 128 of them", () => {
    expect(readSegments("x".repeat(255), USUAL)).toHaveLength(1);
    expect(readSegments("a/".repeat(128), USUAL)).toHaveLength(128);
  });

  test.each([".env", ".git/config", "a/.htaccess", "%2Eenv", "a/.well-known/x"])(
    "%j is hidden unless it is asked to be served",
    (path) => {
      expect(readSegments(path, USUAL)).toBeUndefined();
      expect(readSegments(path, DOTS)).toBeDefined();
    },
  );

  test("/.well-known/ is there to be served (RFC 8615)", () => {
    expect(readSegments(".well-known/security.txt", USUAL)).toEqual([".well-known", "security.txt"]);
    expect(readSegments(".well-known/.env", USUAL)).toBeUndefined();
  });

  test.each([
    ...[
      "CON",
      "con",
      "NUL.txt",
      "aux.tar.gz",
      "COM1",
      "com9.log",
      "LPT1",
      "PRN ",
      "CONIN$",
      "CLOCK$",
      "COM%C2%B9",
      "nul .txt",
    ],
    ...[
      "c:",
      "C:secret",
      "a.txt:stream",
      "a.txt::$DATA",
      "a.txt.",
      "a.txt%20",
      "a?",
      "a*",
      "GIT~1",
      "PROGRA~1",
      "<a>",
      '"a"',
      "a|b",
    ],
  ])("%j is no file on Windows", (path) => {
    expect(readSegments(path, WINDOWS)).toBeUndefined();
  });

  test.each(["console", "con-fig.js", "com", "com10", "nullable.ts", "auxiliary", "lpt", "a~b"])(
    "%j is one like any other there",
    (path) => expect(readSegments(path, WINDOWS)).toEqual([path]),
  );

  test("never climbs: whatever it is, its names have no separator and no dots alone", () => {
    const piece = fc.constantFrom(
      "..",
      ".",
      "/",
      "\\",
      "%2e",
      "%2F",
      "%5C",
      "%00",
      "a",
      ".git",
      "%25",
      ":",
      "C:",
      "~1",
      "%c0",
      "é",
    );
    const path = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(path, fc.boolean(), (received, windows) => {
        for (const name of readSegments(received, { dotfiles: true, windows }) ?? []) {
          expect(name).not.toMatch(/[/\\\0]/);
          expect(["", ".", ".."]).not.toContain(name);
        }
      }),
    );
  });
});

describe("a path that is not escaped", () => {
  test("is read as it stands", () => {
    expect(readNames("a/b%20c.txt", USUAL)).toEqual(["a", "b%20c.txt"]);
    for (const path of ["", "/a", "a/", "../a", "a/..", "a\\b", "a\0", ".env", "a/b/../../../c"]) {
      expect(readNames(path, USUAL)).toBeUndefined();
    }
    expect(readNames("a/".repeat(128), USUAL)).toBeUndefined();
  });
});
