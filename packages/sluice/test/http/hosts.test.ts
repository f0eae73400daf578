import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HostMap, hostNameOf, readHostPattern } from "../../src/http/hosts.js";

describe("hostNameOf", () => {
  test.each([
    ["example.com", "example.com"],
    ["EXAMPLE.com:8080", "example.com"],
    ["example.com.", "example.com"],
    ["example.com.:443", "example.com"],
    ["[::1]", "[::1]"],
    ["[2001:DB8::1]:80", "[2001:db8::1]"],
    ["127.0.0.1:1", "127.0.0.1"],
    ["", ""],
    [":80", ""],
  ])("of %j it is %j", (authority, name) => {
    expect(hostNameOf(authority)).toBe(name);
  });
});

describe("readHostPattern", () => {
  test.each([
    ["example.com", "example.com"],
    ["Example.COM.", "example.com"],
    ["*.Example.com", "*.example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["*.bücher.example", "*.xn--bcher-kva.example"],
    ["localhost", "localhost"],
    ["127.0.0.1", "127.0.0.1"],
    ["[::1]", "[::1]"],
    ["my_service.internal", "my_service.internal"],
  ])("%j is %j", (given, read) => {
    expect(readHostPattern(given)).toBe(read);
  });

  test.each([
    "",
    "*",
    "*.",
    "a.*.example.com",
    "**.example.com",
    "*example.com",
    "example.com:80",
    "http://example.com",
    "example.com/",
    "user@example.com",
    "example .com",
    "a..example.com",
    "-a.example.com",
    "*.[::1]",
    "exa%6dple.com",
    undefined as unknown as string,
  ])("%j is refused", (given) => {
    expect(() => readHostPattern(given)).toThrow(expect.objectContaining({ code: "host/pattern" }));
  });
});

describe("HostMap", () => {
  test("the exact name goes first, and a star is one label", () => {
    const map = new HostMap<string>();
    for (const pattern of ["example.com", "*.example.com", "api.example.com", "*.a.example.com"]) {
      expect(map.add(pattern, pattern)).toBe(true);
    }
    expect(map.add("*.example.com", "again")).toBe(false);
    expect(map.add("example.com", "again")).toBe(false);
    const found = (name: string) => map.find(name);
    expect(found("example.com")).toBe("example.com");
    expect(found("api.example.com")).toBe("api.example.com");
    expect(found("www.example.com")).toBe("*.example.com");
    expect(found("x.a.example.com")).toBe("*.a.example.com");
    for (const none of ["x.y.example.com", "notexample.com", ".example.com", "com", "", "example.com.evil"]) {
      expect(found(none), none).toBeUndefined();
    }
  });

  test("it finds what comparing label by label finds", () => {
    const label = fc.constantFrom("a", "b", "c");
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const pattern = fc.tuple(fc.boolean(), name).map(([wild, rest]) => (wild ? `*.${rest}` : rest));
    const property = fc.property(fc.array(pattern, { maxLength: 8 }), name, (patterns, asked) => {
      const map = new HostMap<string>();
      for (const each of patterns) map.add(each, each);
      const fits = patterns.filter((each) => {
        const [labels, parts] = [each.split("."), asked.split(".")];
        return labels.length === parts.length && labels.every((one, at) => one === parts[at] || one === "*");
      });
      expect(map.find(asked)).toBe(fits.find((each) => each === asked) ?? fits[0]);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
