import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSecretField, showUrl } from "../../src/http/redact.js";

describe("a shown URL", () => {
  test.each([
    ["https://example.com/a/b", "https://example.com/a/b"],
    ["https://user:pass@example.com:8443/a", "https://example.com:8443/a"],
    ["https://user@pass@example.com/a@b", "https://example.com/a@b"],
    ["https://example.com/?a=1&b=&c", "https://example.com/?a=…&b=…&…"],
    ["https://example.com/?a=1?b=2", "https://example.com/?a=…"],
    ["https://example.com/#token", "https://example.com/#…"],
    ["https://example.com/?a=1#token?b=@", "https://example.com/?a=…#…"],
    ["//user@example.com/x", "//example.com/x"],
    ["users/1?key=planted", "users/1?key=…"],
    ["users/me@example.com", "users/me@example.com"],
    ["http:user:pass@example.com/", "http:example.com/"],
    ["http:\\\\user:pass@example.com\\a", "http:\\\\example.com\\a"],
    ["not a url?x=y", "not%20a%20url?x=…"],
    ["http://a/\r\n\x1b[31m", "http://a/%0D%0A%1B[31m"],
    ["?&&a=b", "?&&a=…"],
    ["", ""],
    ["http:/user:secret@a/b", "http:/a/b"],
    ["http:\t//user:secret@a/\r\nb", "http://a/b"],
  ])("of %j is %j", (url, shown) => {
    expect(showUrl(url)).toBe(shown);
  });

  test("takes URL objects", () => {
    expect(showUrl(new URL("https://u:p@example.com/?a=b#c"))).toBe("https://example.com/?a=…#…");
  });

  test("shows the query values that are asked for, however their names are spelled", () => {
    const names = new Set(["page", "a b", "flag"]);
    expect(showUrl("/?page=2&key=planted&a+b=1&%61%20b=2&flag", names)).toBe("/?page=2&key=…&a+b=1&%61%20b=2&flag");
  });

  test("never shows a planted secret, wherever it is, and is always one word", () => {
    const filler = fc.string({ unit: fc.constantFrom(..."ab/\\?#&=@:%. \n"), maxLength: 8 });
    const form = fc.constantFrom(
      (a: string, b: string) => `http://${a.replace(/[/\\?#]/g, "")}S3CRET@h/${b}`,
      (a: string, b: string) => `http://h/?${a}=S3CRET&${b}`,
      (a: string, b: string) => `http://h/#${a}S3CRET${b}`,
      (a: string, b: string) => `http://h/?${a.replace(/[#]/g, "")}&S3CRET${b.replace(/=/g, "")}`.replace(/=/g, ""),
    );
    fc.assert(
      fc.property(form, filler, filler, (make, before, after) => {
        const shown = showUrl(make(before, after));
        expect(shown).not.toContain("S3CRET");
        expect(shown).not.toMatch(/\s/);
      }),
      { numRuns: 500 },
    );
  });
});

test("secret fields are known in any case, and others by request", () => {
  for (const name of ["Authorization", "COOKIE", "set-cookie", "Proxy-Authorization"]) {
    expect(isSecretField(name)).toBe(true);
  }
  expect(isSecretField("X-Api-Key")).toBe(false);
  expect(isSecretField("X-Api-Key", new Set(["x-api-key"]))).toBe(true);
});
