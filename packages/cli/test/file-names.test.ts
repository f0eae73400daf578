import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileNameFor, numberedName } from "../src/fetch/file-names.js";

const SAFE = /^[a-z0-9_][a-z0-9._-]*$/;

describe("the name of a file", () => {
  test("tells host and path of a plain URL", () => {
    expect(fileNameFor("https://example.com/docs/a.html", "text/html")).toBe("example.com-docs-a.html");
    expect(fileNameFor("http://example.com/a.json", undefined)).toBe("example.com_80-a.json");
    expect(fileNameFor("https://example.com:8443/a.json", undefined)).toBe("example.com_8443-a.json");
  });

  test("takes its extension from the media type where the path has none, and a hash that keeps it apart from a path that has", () => {
    expect(fileNameFor("https://example.com/", "text/html; charset=utf-8")).toMatch(
      /^example\.com-index-[0-9a-f]{10}\.html$/,
    );
    expect(fileNameFor("https://example.com/about", "application/json")).toMatch(
      /^example\.com-about-[0-9a-f]{10}\.json$/,
    );
    expect(fileNameFor("https://example.com/about", undefined)).toMatch(/^example\.com-about-[0-9a-f]{10}$/);
  });

  test("differs for URLs that differ in their query, and not for those that differ in their fragment", () => {
    const first = fileNameFor("https://example.com/a.html?page=1", undefined);
    expect(first).not.toBe(fileNameFor("https://example.com/a.html?page=2", undefined));
    expect(first).toBe(fileNameFor("https://example.com/a.html?page=1#top", undefined));
    expect(first).not.toContain("?");
  });

  test.each([
    "https://example.com/..%2f..%2fetc/passwd",
    "https://example.com/%2e%2e/%2e%2e/etc/passwd",
    "https://example.com/..;/..;/x",
    "https://example.com/..\\..\\windows\\system.ini",
    "https://example.com/a%00b",
    "https://example.com/%0d%0a",
    "https://example.com/-rf",
    "https://example.com/C:/x",
    "https://[::1]:8080/x",
    "https://user:secret@example.com/x",
    "https://example.com/~;rm -rf $HOME;`id`|&<>'\"*?.txt",
    "https://con/nul.txt",
    "https://nul.x/y",
    "https://example.com/.htaccess",
    "https://example.com/a.tar.gz.",
  ])("leads out of no folder and surprises no shell: %s", (url) => {
    const name = fileNameFor(url, "text/html");
    expect(name).toMatch(SAFE);
    expect(name).not.toContain("secret");
    expect(name.split(".")[0]).not.toMatch(/^(con|nul|prn|aux)$/);
  });

  test("stays short enough for every file system however long the URL is", () => {
    const name = fileNameFor(`https://example.com/${"a/".repeat(5_000)}b.html`, undefined);
    expect(name.length).toBeLessThan(180);
    expect(name).toMatch(/-[0-9a-f]{10}\.html$/);
  });

  test("is safe for any URL, and two URLs that are sent differently have different names", () => {
    const urls = fc.webUrl({ withQueryParameters: true, validSchemes: ["http", "https"] });
    fc.assert(
      fc.property(urls, urls, fc.constantFrom("text/html", "application/json", undefined), (one, other, type) => {
        const names = [one, other].map((url) => fileNameFor(url, type));
        for (const name of names) expect(name).toMatch(SAFE);
        if (new URL(one).href !== new URL(other).href) expect(names[0]).not.toBe(names[1]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["https://a/b-c.txt", "https://a/b/c.txt"],
    ["https://my/site.com/a.txt", "https://my-site.com/a.txt"],
    ["https://a/b.TXT", "https://a/b.txt"],
    ["https://a/B.txt", "https://a/b.txt"],
    ["https://a/index.html", "https://a/"],
    ["https://a/b.html", "https://a/b"],
    ["http://a/b.txt", "https://a/b.txt"],
    ["https://a:80/b.txt", "http://a/b.txt"],
    ["https://a/b_c.txt", "https://a/b%c.txt"],
    ["https://a/b//c.txt", "https://a/b/c.txt"],
    ["https://a/b.txt?", "https://a/b.txt?x"],
    ["https://a/b.txt?", "https://a/b.txt"],
  ])("tells %s from %s, on file systems without cases too", (one, other) => {
    const names = [one, other].map((url) => fileNameFor(url, "text/html").toLowerCase());
    expect(names[0]).not.toBe(names[1]);
  });
});

test("a number comes before the extension", () => {
  expect(numberedName("a.html", 2)).toBe("a-2.html");
  expect(numberedName("a", 3)).toBe("a-3");
});
