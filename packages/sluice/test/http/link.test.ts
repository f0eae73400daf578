/** `Link` fields by the sections of RFC 8288, and extended values by RFC 8187. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeExtendedValue } from "../../src/http/extended-value.js";
import { findLink, parseLinks } from "../../src/http/link.js";

const BASE = new URL("https://api.example.com/v1/items?page=2#part");
const links = (value: string) => parseLinks(value, BASE);
const pairs = (value: string) => links(value).map(({ url, rel }) => [url, rel]);

describe("parseLinks", () => {
  test("§3.5: the examples of the RFC", () => {
    expect(links('<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"')).toMatchObject([
      { url: "http://example.com/TheBook/chapter2", rel: ["previous"], title: "previous chapter" },
    ]);
    expect(links('</>; rel="http://example.net/foo"')).toMatchObject([
      { target: "/", url: "https://api.example.com/", rel: ["http://example.net/foo"] },
    ]);
    expect(links('</terms>; rel="copyright"; anchor="#foo"')).toMatchObject([
      { rel: ["copyright"], anchor: "https://api.example.com/v1/items?page=2#foo" },
    ]);
    expect(
      links(
        "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, " +
          "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
      ).map(({ title }) => title),
    ).toEqual(["letztes Kapitel", "nächstes Kapitel"]);
    expect(pairs('<http://example.org/>; rel="start http://example.net/relation/other"')).toEqual([
      ["http://example.org/", ["start", "http://example.net/relation/other"]],
    ]);
  });

  test.each([
    ['<a>; rel=next, <b>; rel="last"', ["next", "last"]],
    ["<a>;rel=next,<b>;rel=last", ["next", "last"]],
    [" , ,<a>; rel=next ,, <b> ; rel = last , ", ["next", "last"]],
    ['<a,b;c>; rel="next"', ["next"]],
    ['<a>; title="x, <b>; rel=bad; \\"q\\""; rel=next', ["next"]],
    ["<a>; REL=NEXT", ["next"]],
    ["<a>; rel=next; rel=last", ["next"]],
    ["<a>; rel", []],
    ["<a>", []],
    ["<a; rel=next", []],
    ["a; rel=next", []],
    ["nonsense, <a>; rel=next", ["next"]],
    ['<a>; rel="next', ["next"]],
    ["<a>; crossorigin; rel=next", ["next"]],
    ['<a>; rel="next"garbage; title=x', ["next"]],
    ["", []],
  ])("%s: relations are %j", (value, rels) => {
    expect(links(value).flatMap(({ rel }) => rel)).toEqual(rels);
  });

  test("§3.1: targets are resolved against the URL of the answer", () => {
    expect(pairs("<?page=3>; rel=next, <other>; rel=a, <//b.example/>; rel=b, <>; rel=c")).toEqual([
      ["https://api.example.com/v1/items?page=3", ["next"]],
      ["https://api.example.com/v1/other", ["a"]],
      ["https://b.example/", ["b"]],
      ["https://api.example.com/v1/items?page=2", ["c"]],
    ]);
    expect(links("<http://[>; rel=next")).toEqual([]);
  });

  test("§3.2: a link with another context is not the answer's own", () => {
    const both = links('<a>; rel=next; anchor="/other", <b>; rel=next');
    expect(findLink(both, "next")?.target).toBe("b");
    expect(findLink(links('<a>; rel=next; anchor=""'), "NEXT")?.target).toBe("a");
    expect(links('<a>; rel=next; anchor="http://["')).toEqual([]);
  });

  test("§3.4: type and title; title* counts more, unless it is malformed", () => {
    expect(links("<a>; rel=x; type=\"text/html\"; title=t; title*=UTF-8''%e2%82%ac")).toMatchObject([
      { type: "text/html", title: "€" },
    ]);
    expect(links("<a>; rel=x; title=t; title*=UTF-8''%ff")[0]?.title).toBe("t");
    expect(links("<a>; rel=x; hreflang=de")[0]?.parameters.get("hreflang")).toBe("de");
  });

  test("any text at all ends, and gives only links with a URL and a relation", () => {
    const token = fc.constantFrom("<", ">", ";", ",", "=", '"', "\\", " ", "rel", "next", "a", "title*", "UTF-8''x");
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        for (const { url, rel } of links(tokens.join(""))) {
          expect(() => new URL(url)).not.toThrow();
          expect(rel.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a quoted string that ends with a backslash ends with the field", () => {
    expect(links('<a>; rel=next; title="x\\')[0]).toMatchObject({ rel: ["next"], title: "x" });
    expect(links('"\\')).toEqual([]);
    expect(links('<a>; x="\\')).toEqual([]);
  });

  test("links that are written are read", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const text = fc.string({ unit: fc.constantFrom("a", " ", ",", ";", "<", ">", "=", '"', "\\"), maxLength: 10 });
    fc.assert(
      fc.property(fc.array(fc.record({ path: word, rel: word, title: text }), { maxLength: 6 }), (all) => {
        const value = all
          .map(({ path, rel, title }) => `</${path}>; rel="${rel}"; title="${title.replace(/["\\]/g, "\\$&")}"`)
          .join(", ");
        expect(links(value).map(({ target, rel, title }) => [target, rel, title])).toEqual(
          all.map(({ path, rel, title }) => [`/${path}`, [rel], title]),
        );
      }),
    );
  });

  test("takes time in proportion to the field's length", () => {
    const started = performance.now();
    for (const unit of ["<a>; rel=x, ", '<a>; title="', "<", ";=", ' "', "\\", "<a>; "]) links(unit.repeat(20_000));
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("decodeExtendedValue (RFC 8187 §3.2)", () => {
  test.each([
    ["UTF-8'en'%C2%A3%20rates", "£ rates"],
    ["iso-8859-1'en'%A3%20rates", "£ rates"],
    ["UTF-8''plain-._~!#$&+^`|", "plain-._~!#$&+^`|"],
    ["UTF-8''", ""],
    ["UTF-8''%ff", undefined],
    ["UTF-8''a b", undefined],
    ["UTF-8''%4", undefined],
    ["UTF-8'x", undefined],
    ["koi8-r''%c1", undefined],
    ["", undefined],
  ])("%s is %j", (value, text) => {
    expect(decodeExtendedValue(value)).toBe(text);
  });
});
