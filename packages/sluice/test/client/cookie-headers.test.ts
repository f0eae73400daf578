/** Finished `Cookie` values: few, right, and cheap, however many URLs and cookies there are. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CookieHeaders } from "../../src/client/cookie-headers.js";
import { CookieStore, type StoredCookie } from "../../src/client/cookie-store.js";

const COOKIE: StoredCookie = {
  name: "a",
  value: "1",
  domain: "example.com",
  hostOnly: false,
  path: "/",
  secure: false,
  httpOnly: false,
  sameSite: undefined,
  expires: undefined,
};

function storeWith(...cookies: Partial<StoredCookie>[]): CookieStore {
  const store = new CookieStore({ maxPerDomain: 50, maxCookies: 3_000 });
  for (const cookie of cookies) store.keep({ ...COOKIE, ...cookie }, 0);
  return store;
}

const urlOf = (pathname: string, hostname = "www.example.com") => ({ protocol: "https:", hostname, pathname });

describe("however many URLs are asked for", () => {
  test("the cookies are looked through once for a host, and a value is made once for a path of theirs", () => {
    const store = storeWith({}, { name: "b", path: "/a" }, { name: "c", path: "/a/b" }, { name: "d", path: "/a/" });
    const looked = vi.spyOn(store, "ofHost");
    const headers = new CookieHeaders(store);
    for (let count = 0; count < 10_000; count += 1) {
      expect(headers.header(urlOf(`/a/b/${count}`), "same", 0)).toBe("c=1; d=1; b=1; a=1");
      expect(headers.header(urlOf(`/a/${count}`), "same", 0)).toBe("d=1; b=1; a=1");
      expect(headers.header(urlOf(`/${count}`), "same", 0)).toBe("a=1");
    }
    expect(looked).toHaveBeenCalledTimes(1);
    expect(headers.size).toBe(3);
  });

  test("hosts without cookies take one place each, and no more than 256 have one", () => {
    const store = storeWith({});
    const headers = new CookieHeaders(store);
    for (let count = 0; count < 5_000; count += 1) {
      expect(headers.header(urlOf(`/${count}`, `h${count}.example.com`), "same", 0)).toBe("a=1");
      expect(headers.header(urlOf(`/${count}`, `h${count}.test`), "same", 0)).toBeUndefined();
    }
    expect(headers.size).toBeLessThanOrEqual(256);
  });
});

describe("a value is forgotten", () => {
  test("when a cookie of its domain changes, and no other's", () => {
    const store = storeWith({}, { domain: "other.test", name: "o" });
    const headers = new CookieHeaders(store);
    const other = urlOf("/", "other.test");
    const looked = vi.spyOn(store, "ofHost");
    headers.header(urlOf("/"), "same", 0);
    headers.header(other, "same", 0);
    store.keep({ ...COOKIE, value: "2" }, 0);
    headers.forget("example.com");
    expect(headers.header(urlOf("/"), "same", 0)).toBe("a=2");
    expect(headers.header(other, "same", 0)).toBe("o=1");
    expect(looked).toHaveBeenCalledTimes(3);
  });

  test("when the first of its host's cookies expires, to the millisecond", () => {
    const headers = new CookieHeaders(storeWith({ expires: 1_000 }, { name: "b", expires: 2_000, path: "/x" }));
    const at = (now: number) => headers.header(urlOf("/x"), "same", now);
    expect([at(0), at(999), at(1_000), at(1_999), at(2_000)]).toEqual([
      "b=1; a=1",
      "b=1; a=1",
      "b=1",
      "b=1",
      undefined,
    ]);
  });
});

test("whatever the cookies, hosts, paths and sites: the same as looking them up", () => {
  const path = fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/a/b/", "/b");
  const cookie = fc.record({
    name: fc.constantFrom("x", "y"),
    domain: fc.constantFrom("example.com", "www.example.com", "com.test"),
    hostOnly: fc.boolean(),
    path,
    secure: fc.boolean(),
    sameSite: fc.constantFrom(undefined, "strict" as const, "lax" as const, "none" as const),
    expires: fc.constantFrom(undefined, 5, 10),
  });
  const url = fc.record({
    protocol: fc.constantFrom("http:", "https:"),
    hostname: fc.constantFrom("example.com", "www.example.com", "a.www.example.com", "x.com.test"),
    pathname: fc.tuple(path, fc.constantFrom("", "c", "/c")).map(([start, end]) => start + end),
  });
  const ask = fc.tuple(url, fc.constantFrom("same" as const, "cross" as const, "cross-safe" as const));
  const step = fc.oneof(ask, cookie, fc.constantFrom(1, 4));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const store = storeWith();
      const headers = new CookieHeaders(store);
      let now = 0;
      for (const each of steps) {
        if (typeof each === "number") now += each;
        else if (Array.isArray(each)) {
          const [to, site] = each;
          const expected = store
            .matching(to, site, now)
            .map(({ name, value }) => `${name}=${value}`)
            .join("; ");
          expect(headers.header(to, site, now) ?? "").toBe(expected);
        } else {
          store.keep({ ...COOKIE, ...each, value: String(now) }, now);
          headers.forget(each.domain);
        }
      }
    }),
  );
});
