import { expect, test } from "vitest";
import { parseUrl } from "../../src/http/parse-url.js";
import { showUrl } from "../../src/http/redact.js";

test("a URL is read as the WHATWG parser reads it, and one that it refuses is undefined", () => {
  expect(parseUrl("HTTP://Example.com:80/a b")?.href).toBe("http://example.com/a%20b");
  expect(parseUrl("../x", new URL("https://example.com/a/b/c"))?.href).toBe("https://example.com/a/x");
  for (const text of ["", "/path", "http://", "http://exa mple.com/", "http://example.com:99999/"])
    expect(parseUrl(text), text).toBeUndefined();
});

test("Latin-1 text whose bytes look like UTF-8 is refused as often as it is tried", () => {
  const text = "http://user@\u00c7\r\n\u008020";
  // The optimised path of Node 20's `URL.canParse` says yes here, after some thousands of calls.
  for (let turn = 0; turn < 20_000; turn += 1) if (parseUrl(text) !== undefined) throw new Error(`at turn ${turn}`);
  expect(() => showUrl(text)).not.toThrow();
});
