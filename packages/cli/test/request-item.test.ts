import { describe, expect, test } from "vitest";
import { parsePart, parseRequestItem } from "../src/parse/request-item.js";
import { UsageProblem } from "../src/usage-problem.js";

const text = (name: string, value: string) => ({
  kind: "field",
  field: { name, value: { kind: "text", text: value } },
});

describe("an item", () => {
  test.each([
    ["name=Ada", text("name", "Ada")],
    ["name=", text("name", "")],
    ["name=a=b", text("name", "a=b")],
    ["name=a==b:=c@d", text("name", "a==b:=c@d")],
    ["a b=c d", text("a b", "c d")],
    ["n:=1.0", { kind: "field", field: { name: "n", value: { kind: "json", text: "1.0" } } }],
    ['n:={"a":[1]}', { kind: "field", field: { name: "n", value: { kind: "json", text: '{"a":[1]}' } } }],
    ["n=@notes.txt", { kind: "field", field: { name: "n", value: { kind: "text-file", path: "notes.txt" } } }],
    ["n:=@data.json", { kind: "field", field: { name: "n", value: { kind: "json-file", path: "data.json" } } }],
    ["f@a.png", { kind: "field", field: { name: "f", value: { kind: "file", path: "a.png", type: undefined } } }],
    [
      "f@a;b.png;type=image/png",
      { kind: "field", field: { name: "f", value: { kind: "file", path: "a;b.png", type: "image/png" } } },
    ],
    ["q==tea", { kind: "query", pair: ["q", "tea"] }],
    ["q==", { kind: "query", pair: ["q", ""] }],
    ["q===x", { kind: "query", pair: ["q", "=x"] }],
    ["Accept:text/html", { kind: "header", pair: ["Accept", "text/html"] }],
    ["Accept: text/html ", { kind: "header", pair: ["Accept", "text/html"] }],
    ["Referer:http://a/?b=c", { kind: "header", pair: ["Referer", "http://a/?b=c"] }],
    ["X-Empty:", { kind: "header", pair: ["X-Empty", ""] }],
    ["@body.bin", { kind: "body", path: "body.bin" }],
    ["@-", { kind: "body", path: "-" }],
  ])("%s", (item, expected) => {
    expect(parseRequestItem(item)).toEqual(expected);
  });

  test.each([
    ["a\\:b=c", text("a:b", "c")],
    ["a\\=b=c", text("a=b", "c")],
    ["a\\@b=c", text("a@b", "c")],
    ["a\\\\=c", text("a\\", "c")],
    ["a\\b=c", text("a\\b", "c")],
    ["a=b\\=c", text("a", "b\\=c")],
    ["\\@a=b", text("@a", "b")],
    ["a\\:=b", text("a:", "b")],
  ])("%s has a backslash before what belongs to its name", (item, expected) => {
    expect(parseRequestItem(item)).toEqual(expected);
  });

  test("takes the separator that begins first, and of those the longest", () => {
    const kinds = ["a:b=c", "a=b:c", "a:=1", "a=:b", "a@b=c", "a==b@c"].map((item) => {
      const parsed = parseRequestItem(item);
      return parsed.kind === "field" ? parsed.field.value.kind : parsed.kind;
    });
    expect(kinds).toEqual(["header", "text", "json", "text", "file", "query"]);
  });

  test.each(["", "name", "=x", ":x", "==x", ":=1", "n=@", "n:=@", "n@", "@", "n:=", "n:=nope", "a b:c", "http://a/b"])(
    'refuses "%s"',
    (item) => {
      expect(() => parseRequestItem(item)).toThrow(UsageProblem);
    },
  );

  test("that is a part of a form is a field", () => {
    expect(parsePart("a=b")).toEqual({ name: "a", value: { kind: "text", text: "b" } });
    for (const other of ["a==b", "A:b", "@file"]) expect(() => parsePart(other)).toThrow(UsageProblem);
    expect(() => parsePart("a")).toThrow(/^expected "name=value" or "name@file"$/);
  });
});
