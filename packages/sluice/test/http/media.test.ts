import { describe, expect, test } from "vitest";
import { negotiateEncoding, negotiateMediaType, parsePreferences } from "../../src/http/accept.js";
import {
  formatMediaType,
  isJsonContentType,
  isJsonType,
  isTextType,
  parseMediaType,
} from "../../src/http/media-type.js";
import {
  findSeparator,
  quoteString,
  readParameters,
  splitOutsideQuotes,
  writeParameters,
} from "../../src/http/parameters.js";

describe("a media type", () => {
  test("is taken apart, names in lower case", () => {
    const parsed = parseMediaType('Text/HTML ; Charset="UTF-8";a=b; c="d;\\"e"');
    expect(parsed).toMatchObject({ type: "text", subtype: "html", essence: "text/html", charset: "utf-8" });
    expect([...(parsed?.parameters ?? [])]).toEqual([
      ["charset", "UTF-8"],
      ["a", "b"],
      ["c", 'd;"e'],
    ]);
  });

  test.each([
    ["text/plain", 0],
    ["text/plain;", 0],
    ["text/plain; ;charset=a", 1],
    ["text/plain;broken;charset=a;charset=b", 1],
    ['text/plain;x="unclosed;charset=a', 0],
    ["text/plain;a b=c;d=e f", 0],
    ['text/plain;a="b"c;d="\\\x01"', 0],
  ])("%j has %i parameters: broken ones are passed over", (value, count) => {
    expect(parseMediaType(value)?.parameters.size).toBe(count);
  });

  test.each(["", "text", "text/", "/plain", "te xt/plain", "text/pl/ain", "*"])("%j is none", (value) => {
    expect(parseMediaType(value)).toBeUndefined();
  });

  test("is JSON, or text, by its name", () => {
    const typed = (value: string): [boolean, boolean] => {
      const mediaType = parseMediaType(value);
      if (mediaType === undefined) throw new Error(value);
      return [isJsonType(mediaType), isTextType(mediaType)];
    };
    expect(typed("application/json; charset=utf-8")).toEqual([true, true]);
    expect(typed("application/problem+json")).toEqual([true, true]);
    expect(typed("text/json")).toEqual([true, true]);
    expect(typed("text/html")).toEqual([false, true]);
    expect(typed("image/svg+xml")).toEqual([false, true]);
    expect(typed("application/xml")).toEqual([false, true]);
    expect(typed("application/x-www-form-urlencoded")).toEqual([false, true]);
    expect(typed("image/json")).toEqual([false, false]);
    expect(typed("application/octet-stream")).toEqual([false, false]);
  });

  test("is written with quotes where they are needed", () => {
    expect(
      formatMediaType("text/plain", [
        ["charset", "utf-8"],
        ["a", 'b "c\\'],
      ]),
    ).toBe('text/plain; charset=utf-8; a="b \\"c\\\\"');
    expect(formatMediaType("text", [])).toBeUndefined();
    expect(formatMediaType("text/plain", [["a b", "c"]])).toBeUndefined();
    expect(formatMediaType("text/plain", [["a", "\n"]])).toBeUndefined();
  });
});

describe("parameters", () => {
  test("are split outside of quoted strings, escapes minded", () => {
    expect(splitOutsideQuotes('a; b="c;\\";d" ;e', ";")).toEqual(["a", 'b="c;\\";d"', "e"]);
    expect(findSeparator("a,b", 0, ",")).toBe(1);
    expect(findSeparator('"a,b"', 0, ",")).toBe(5);
  });

  test("are written as they are read", () => {
    const pairs = [
      ["a", "b"],
      ["c", 'd "e" \\ \xff'],
      ["f", ""],
    ] as const;
    const written = writeParameters(pairs) ?? "";
    expect([...readParameters(splitOutsideQuotes(written, ";"))]).toEqual(pairs);
    expect(quoteString("\0")).toBeUndefined();
    expect(quoteString("\u0100")).toBeUndefined();
  });
});

describe("negotiation of media types", () => {
  const OFFERS = ["application/json", "text/html", "text/plain"] as const;

  test.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["text/html", "text/html"],
    ["TEXT/HTML", "text/html"],
    ["text/*", "text/html"],
    ["text/*;q=0.5, text/plain", "text/plain"],
    ["text/html;q=0.1, */*;q=0.5", "application/json"],
    ["text/*, text/html;q=0", "text/plain"],
    ["application/json;q=0.2, text/plain;q=0.3", "text/plain"],
    ["text/html;level=1, text/plain;q=0.4", "text/plain"],
    ["text/html;charset=utf-8", "text/html"],
    ["image/png", undefined],
    ["*/*;q=0", undefined],
    ["text/html;q=2, text/plain;q=0.1", "text/plain"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
    [",,text/plain,,", "text/plain"],
  ])("%j likes %s best", (accept, expected) => {
    expect(negotiateMediaType(accept, OFFERS)).toBe(expected);
  });

  test("of nothing offered gives nothing", () => {
    expect(negotiateMediaType("*/*", [])).toBeUndefined();
    expect(negotiateMediaType(undefined, [])).toBeUndefined();
  });
});

describe("negotiation of content codings", () => {
  const OFFERS = ["br", "gzip", "identity"] as const;

  test.each([
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP, br", "br"],
    ["gzip, br;q=0.5", "gzip"],
    ["*", "br"],
    ["*;q=0.1, gzip", "gzip"],
    ["deflate", "identity"],
    ["identity, gzip;q=0.5", "identity"],
    ["identity;q=0", undefined],
    ["*;q=0", undefined],
    ["*;q=0, gzip", "gzip"],
    ["gzip;q=0", "identity"],
  ])("%j likes %s best", (acceptEncoding, expected) => {
    expect(negotiateEncoding(acceptEncoding, OFFERS)).toBe(expected);
  });
});

test("preferences keep their order, parameters and quality, and what is malformed is passed over", () => {
  expect(parsePreferences("a;q=0.5, b/c;d=e ;q=0.123, , x y, f;q=1.1, g;q=, h;q=0.1234, i;q=1.000, j/k/l")).toEqual([
    { value: "a", parameters: new Map(), quality: 0.5 },
    { value: "b/c", parameters: new Map([["d", "e"]]), quality: 0.123 },
    { value: "g", parameters: new Map(), quality: 1 },
    { value: "i", parameters: new Map(), quality: 1 },
  ]);
});

test("a Content-Type is JSON by its essence, with or without parameters", () => {
  const json = [
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=x",
    "text/json",
    "a/b+json",
  ];
  for (const value of json) expect(isJsonContentType(value), value).toBe(true);
  for (const value of ["", "json", "text/html", "application/jsonp", "application/json5; x=application/json"])
    expect(isJsonContentType(value), value).toBe(false);
});
