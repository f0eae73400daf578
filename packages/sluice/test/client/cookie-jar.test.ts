import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CookieJar, type CookieJarOptions, type CookieUrl } from "../../src/client/cookie-jar.js";

const SITE = new URL("https://www.example.com/a/b");

/** A jar with a clock to be moved by hand. */
function jarAt(now = 0, options: CookieJarOptions = {}): { jar: CookieJar; time: { now: number } } {
  const time = { now };
  return { jar: new CookieJar({ ...options, wallTime: () => time.now }), time };
}

async function jarWith(lines: readonly string[], url = SITE, options: CookieJarOptions = {}): Promise<CookieJar> {
  const { jar } = jarAt(0, options);
  await jar.store(url, lines);
  return jar;
}

const sentTo = (jar: CookieJar, url: string) => jar.cookieHeader(new URL(url));

describe("an empty jar", () => {
  test("answers at once, without looking at the URL", () => {
    const untouchable: CookieUrl = {
      get protocol(): string {
        throw new Error("looked");
      },
      hostname: "",
      pathname: "",
    };
    expect(new CookieJar().cookieHeader(untouchable)).toBeUndefined();
    expect(new CookieJar().store(SITE, [])).toBeUndefined();
  });

  test("stores later the first time, at once from then on", async () => {
    const { jar } = jarAt();
    const first = jar.store(SITE, ["a=1"]);
    expect(first).toBeInstanceOf(Promise);
    const second = jar.store(SITE, ["a=2"]);
    expect(jar.size).toBe(0);
    await Promise.all([first, second]);
    expect(sentTo(jar, "https://www.example.com/a/c")).toBe("a=2");
    expect(jar.store(SITE, ["b=1"])).toBeUndefined();
    expect(jar.size).toBe(2);
  });
});

describe("which cookies a request gets", () => {
  test("those of the host itself, unless a domain was named", async () => {
    const jar = await jarWith(["host=1; path=/", "wide=2; path=/; domain=example.com"]);
    expect(sentTo(jar, "https://www.example.com/")).toBe("host=1; wide=2");
    expect(sentTo(jar, "https://sub.www.example.com/")).toBe("wide=2");
    expect(sentTo(jar, "https://example.com/")).toBe("wide=2");
    expect(sentTo(jar, "https://example.org/")).toBeUndefined();
    expect(sentTo(jar, "https://notexample.com/")).toBeUndefined();
  });

  test("those of the path and below, the longest first, then the oldest", async () => {
    const jar = await jarWith([
      "new=1; path=/a",
      "root=2; path=/",
      "deep=3; path=/a/b",
      "other=4; path=/ab",
      "also=5; path=/a/",
    ]);
    expect(sentTo(jar, "https://www.example.com/a/b/c")).toBe("deep=3; also=5; new=1; root=2");
    expect(sentTo(jar, "https://www.example.com/a")).toBe("new=1; root=2");
    expect(sentTo(jar, "https://www.example.com/abc")).toBe("root=2");
    await jar.store(SITE, ["first=1; path=/", "root=again; path=/"]);
    expect(sentTo(jar, "https://www.example.com/")).toBe("root=again; first=1");
  });

  test("the default path is as it was sent, up to its last slash", async () => {
    const jar = await jarWith(["a=1"], new URL("https://www.example.com/x%20y/z"));
    expect(jar.all()[0]?.path).toBe("/x%20y");
    expect(sentTo(jar, "https://www.example.com/x%20y/")).toBe("a=1");
    expect(sentTo(jar, "https://www.example.com/x")).toBeUndefined();
  });

  test("secure ones only over TLS, or to this machine", async () => {
    const jar = await jarWith(["a=1; secure; path=/"]);
    expect(sentTo(jar, "https://www.example.com/")).toBe("a=1");
    expect(sentTo(jar, "wss://www.example.com/")).toBe("a=1");
    expect(sentTo(jar, "http://www.example.com/")).toBeUndefined();
    for (const local of [
      "http://localhost:8080/",
      "http://127.0.0.1/",
      "http://[::1]:3000/",
      "http://app.localhost/",
    ]) {
      const own = await jarWith(["a=1; secure; path=/"], new URL(local));
      expect(sentTo(own, local), local).toBe("a=1");
    }
  });

  test("a port makes no difference, letters neither", async () => {
    const jar = await jarWith(["a=1; path=/; domain=EXAMPLE.com"]);
    expect(sentTo(jar, "https://WWW.example.COM:8443/")).toBe("a=1");
  });

  test("hosts that are addresses or single names have their own", async () => {
    for (const host of ["192.0.2.1", "[2001:db8::1]", "test", "local", "backend"]) {
      const url = new URL(`http://${host}/`);
      const jar = await jarWith(["a=1", "b=2; domain=2.1", "c=3; domain=db8::1"], url);
      expect(jar.cookieHeader(url), host).toBe("a=1");
    }
  });

  test("a request from another site gets, and sets, only what is meant for that", async () => {
    const jar = await jarWith([
      "s=1; samesite=strict; path=/",
      "l=1; samesite=lax; path=/",
      "n=1; samesite=none; secure; path=/",
      "u=1; path=/",
    ]);
    expect(jar.cookieHeader(SITE, { crossSite: true })).toBe("n=1; u=1");
    expect(jar.cookieHeader(SITE, { crossSite: true, safe: true })).toBe("l=1; n=1; u=1");
    expect(jar.cookieHeader(SITE, { safe: false })).toBe("s=1; l=1; n=1; u=1");
    expect(jar.cookieHeader(SITE)).toBe("s=1; l=1; n=1; u=1");
    await jar.store(SITE, ["x=1; samesite=lax; path=/", "y=1; samesite=none; secure; path=/"], { crossSite: true });
    expect(jar.get(SITE, "x")).toBeUndefined();
    expect(jar.get(SITE, "y")?.sameSite).toBe("none");
  });
});

describe("which cookies are refused", () => {
  test.each([
    ["a public suffix", "a=1; domain=com"],
    ["a private public suffix", "a=1; domain=github.io", "https://me.github.io/"],
    ["another host", "a=1; domain=example.org"],
    ["a host below", "a=1; domain=sub.www.example.com"],
    ["Secure without TLS", "a=1; secure", "http://www.example.com/"],
    ["__Secure- without Secure", "__Secure-a=1"],
    ["__Host- with a domain", "__Host-a=1; secure; path=/; domain=www.example.com"],
    ["__Host- without path", "__Host-a=1; secure"],
    ["a prefix in other letters without what it promises", "__sEcure-a=1"],
    ["__HOST- below a path", "__HOST-a=1; secure; path=/a"],
    ["SameSite=None without Secure", "a=1; samesite=none"],
    ["a path with a control character", "a=1; path=/\u0001"],
    ["no name", "=1"],
    ["no pair", "; secure"],
    ["a control character", "a=1\u0001"],
    ["a delete character, which no field may have", "a=1\u007f"],
    ["characters beyond latin1", "a=\u20ac"],
    ["two dots before the domain", "a=1; domain=..example.com"],
  ])("%s", async (_name, line, url = SITE.href) => {
    const jar = await jarWith([line], new URL(url));
    expect([jar.size, jar.all()]).toEqual([0, []]);
  });

  test("and the good ones beside them are kept", async () => {
    const jar = await jarWith([
      "a=1; domain=com",
      "b=2; path=/",
      "__Host-c=3; secure; path=/",
      "__Secure-d=4; secure; path=/",
    ]);
    expect(jar.cookieHeader(SITE)).toBe("b=2; __Host-c=3; __Secure-d=4");
  });
});

describe("a secure cookie is not outdone from plain HTTP (RFC 6265bis §5.7)", () => {
  const PLAIN = new URL("http://www.example.com/");

  test.each([
    ["in its place", "a=evil; path=/"],
    ["beside it, for the domain above", "a=evil; path=/; domain=example.com"],
    ["beside it, below its path", "a=evil; path=/login/en"],
    ["by ending it", "a=; path=/; max-age=0"],
  ])("%s", async (_what, line) => {
    const jar = await jarWith(["a=1; path=/; secure", "a=2; path=/login; secure; domain=example.com"]);
    await jar.store(PLAIN, [line]);
    expect(jar.all().map(({ value }) => value)).toEqual(["1", "2"]);
    await jar.store(SITE, [line]);
    expect(jar.all().map(({ value }) => value)).not.toEqual(["1", "2"]);
  });

  test("others are set as ever: another name, another host, above its path", async () => {
    const jar = await jarWith(["a=1; path=/login; secure"]);
    await jar.store(PLAIN, ["b=1; path=/login", "a=2; path=/", "a=3; path=/logins"]);
    await jar.store(new URL("http://other.example.com/"), ["a=4; path=/login"]);
    expect(jar.all().map(({ value }) => value)).toEqual(["1", "1", "2", "3", "4"]);
    jar.delete({ path: "/login" });
    await jar.store(PLAIN, ["a=5; path=/login"]);
    expect(jar.get("http://www.example.com/login", "a")?.value).toBe("5");
  });

  test("when a domain has too many, those that are not secure go first", async () => {
    const lines = [
      "s0=1; secure; path=/",
      "p1=1; path=/",
      "s2=1; secure; path=/",
      "p3=1; path=/",
      "s4=1; secure; path=/",
    ];
    const names = async (maxPerDomain: number) => {
      const jar = await jarWith(lines, SITE, { maxPerDomain });
      return jar.all().map(({ name }) => name);
    };
    expect(await names(4)).toEqual(["s0", "s2", "p3", "s4"]);
    expect(await names(3)).toEqual(["s0", "s2", "s4"]);
    expect(await names(2)).toEqual(["s2", "s4"]);
  });
});

describe("expiry", () => {
  test("goes by the clock that was handed in, to the millisecond", async () => {
    const { jar, time } = jarAt(1_000_000);
    await jar.store(SITE, [
      "a=1; max-age=10; path=/",
      `b=2; expires=${new Date(1_005_000).toUTCString()}; path=/`,
      "c=3; path=/",
    ]);
    expect(jar.cookieHeader(SITE)).toBe("a=1; b=2; c=3");
    time.now = 1_004_999;
    expect(jar.cookieHeader(SITE)).toBe("a=1; b=2; c=3");
    time.now = 1_005_000;
    expect(jar.cookieHeader(SITE)).toBe("a=1; c=3");
    time.now = 1_009_999;
    expect(jar.get(SITE, "a")?.expires).toBe(1_010_000);
    time.now = 1_010_000;
    expect(jar.cookieHeader(SITE)).toBe("c=3");
    expect(jar.all().map(({ name }) => name)).toEqual(["c"]);
  });

  test.each(["max-age=34560001", "expires=Thu, 01 Jan 2099 00:00:00 GMT"])(
    "is at most 400 days away, whatever %s says (RFC 6265bis §5.5)",
    async (attribute) => {
      const day = 24 * 60 * 60 * 1_000;
      const { jar, time } = jarAt();
      await jar.store(SITE, [`a=1; path=/; ${attribute}`]);
      time.now = 400 * day - 1;
      expect(sentTo(jar, SITE.href)).toBe("a=1");
      time.now = 400 * day;
      expect(sentTo(jar, SITE.href)).toBeUndefined();
    },
  );

  test("is not put off by use, and Max-Age wins over Expires", async () => {
    const { jar, time } = jarAt(0);
    await jar.store(SITE, ["a=1; max-age=10; expires=Thu, 01 Jan 2099 00:00:00 GMT; path=/"]);
    for (time.now = 0; time.now < 10_000; time.now += 1_000) expect(jar.cookieHeader(SITE)).toBe("a=1");
    expect(jar.cookieHeader(SITE)).toBeUndefined();
  });

  test("in the past removes at once", async () => {
    const { jar } = jarAt(1_000_000);
    await jar.store(SITE, ["a=1; path=/", "b=1; path=/", "c=1; path=/"]);
    await jar.store(SITE, [
      "a=; max-age=0; path=/",
      "b=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/",
      "c=; max-age=-1; path=/x",
    ]);
    expect(jar.size).toBe(1);
    expect(jar.cookieHeader(SITE)).toBe("c=1");
  });
});

describe("finished values", () => {
  test("are forgotten when a cookie changes, comes or goes", async () => {
    const jar = await jarWith(["a=1; path=/"]);
    expect(jar.cookieHeader(SITE)).toBe("a=1");
    await jar.store(SITE, ["a=2; path=/"]);
    expect(jar.cookieHeader(SITE)).toBe("a=2");
    await jar.set(SITE, "b", "3", { path: "/" });
    expect(jar.cookieHeader(SITE)).toBe("a=2; b=3");
    expect(jar.delete({ name: "a" })).toBe(1);
    expect(jar.cookieHeader(SITE)).toBe("b=3");
    jar.clear();
    expect(jar.cookieHeader(SITE)).toBeUndefined();
  });

  test("know the path when there are cookies for paths", async () => {
    const jar = await jarWith(["a=1; path=/a", "r=1; path=/"]);
    for (let count = 0; count < 2; count += 1) {
      expect(sentTo(jar, "https://www.example.com/a")).toBe("a=1; r=1");
      expect(sentTo(jar, "https://www.example.com/b")).toBe("r=1");
    }
  });

  test("are bounded, and right for more hosts than fit", async () => {
    const jar = await jarWith(["a=1; domain=example.com; path=/"]);
    for (let count = 0; count < 2_500; count += 1) expect(sentTo(jar, `https://h${count}.example.com/`)).toBe("a=1");
    expect(sentTo(jar, "https://h1.example.com/")).toBe("a=1");
  });
});

describe("limits", () => {
  const numbered = (count: number) => Array.from({ length: count }, (_value, index) => `c${index}=1; path=/`);

  test.each([
    ["at", 3, ["c0", "c1", "c2"]],
    ["one past", 4, ["c1", "c2", "c3"]],
  ])("%s the number for one domain: the one set longest ago goes", async (_name, count, left) => {
    const jar = await jarWith(numbered(count), SITE, { maxPerDomain: 3 });
    expect(jar.all().map(({ name }) => name)).toEqual(left);
  });

  test("by default 50 for a domain and 3,000 in all; off with Infinity", async () => {
    const jar = await jarWith(numbered(51));
    expect(jar.size).toBe(50);
    for (let host = 0; host < 65; host += 1) await jar.store(new URL(`https://h${host}.example.org/`), numbered(50));
    expect(jar.size).toBe(3_000);
    expect(sentTo(jar, SITE.href)).toBeUndefined();
    const unlimited = await jarWith(numbered(200), SITE, { maxPerDomain: Number.POSITIVE_INFINITY });
    expect(unlimited.size).toBe(200);
  });

  test("in all, across domains: set again counts as set last, expired ones go first", async () => {
    const { jar, time } = jarAt(0, { maxCookies: 3 });
    await jar.store(SITE, ["a=1; path=/", "b=1; path=/", "c=1; path=/"]);
    await jar.store(SITE, ["a=2; path=/"]);
    await jar.store(new URL("https://example.org/"), ["d=1"]);
    expect(jar.all().map(({ name }) => name)).toEqual(["c", "a", "d"]);
    await jar.store(SITE, ["a=3; max-age=1; path=/"]);
    time.now = 1_000;
    await jar.store(SITE, ["e=1; path=/"]);
    expect(jar.all().map(({ name }) => name)).toEqual(["c", "d", "e"]);
  });

  test.each([
    ["at", 4_096, 4_096, 1],
    ["pair one past", 4_097, 100, 0],
    ["attributes one past", 100, 4_097, 0],
  ])("of size: %s", async (_name, pairBytes, attributeBytes, size) => {
    const line = `a=${"x".repeat(pairBytes - 1)}; x=${"y".repeat(attributeBytes - 4)}`;
    expect((await jarWith([line])).size).toBe(size);
    expect((await jarWith([line], SITE, { maxCookieBytes: Number.POSITIVE_INFINITY })).size).toBe(1);
  });

  test.each([
    ["at", 1_024, 1_024, "/"],
    ["one past", 1_025, 1_024, "/a"],
    ["one past its own", 11, 10, "/a"],
    ["off", 3_000, Number.POSITIVE_INFINITY, "/"],
  ])("of an attribute: %s it, the others are kept", async (_name, length, maxAttributeBytes, expected) => {
    const path = `/${"x".repeat(length - 1)}`;
    const line = `a=1; Path = ${path} ; HttpOnly; Max-Age=60`;
    const jar = await jarWith([line], SITE, { maxAttributeBytes });
    const kept = expected === "/" ? path : expected;
    expect(jar.all()).toMatchObject([{ path: kept, httpOnly: true, expires: 60_000 }]);
  });

  test.each([{ maxAttributeBytes: 0 }, { maxPerDomain: 0 }, { maxCookies: Number.NaN }, { maxCookieBytes: -1 }])(
    "%o is out of range",
    (options) => {
      expect(() => new CookieJar(options)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    },
  );
});

test("an option that there is not is refused", () => {
  expect(() => new CookieJar({ maxPerHost: 1 } as CookieJarOptions)).toThrow(
    expect.objectContaining({ code: "options/unknown" }),
  );
});

describe("by hand", () => {
  test("set, get, all and delete", async () => {
    const { jar } = jarAt(0);
    await jar.set("https://www.example.com/x/y", "a", "1", { httpOnly: true, sameSite: "lax", maxAgeSeconds: 60 });
    await jar.set(SITE, "b", "2", { domain: "example.com", path: "/", secure: true });
    expect(jar.get("https://www.example.com/x", "a")).toEqual({
      name: "a",
      value: "1",
      domain: "www.example.com",
      hostOnly: true,
      path: "/x",
      secure: false,
      httpOnly: true,
      sameSite: "lax",
      expires: 60_000,
    });
    expect(jar.get(SITE, "a")).toBeUndefined();
    expect(jar.all().map(({ name }) => name)).toEqual(["a", "b"]);
    expect(jar.all("https://example.com/").map(({ name }) => name)).toEqual(["b"]);
    expect([jar.delete({ domain: "example.com", path: "/x" }), jar.delete({ domain: "example.com" })]).toEqual([0, 1]);
    expect(jar.size).toBe(1);
  });

  test("set refuses what is no cookie, and what the host may not set", async () => {
    const jar = new CookieJar();
    await expect(jar.set(SITE, "a b", "1")).rejects.toMatchObject({ code: "cookies/name-invalid" });
    await expect(jar.set(SITE, "a", "1\r\nx")).rejects.toMatchObject({ code: "cookies/value-invalid" });
    await expect(jar.set(SITE, "a", "secret", { domain: "com" })).rejects.toMatchObject({
      code: "cookies/refused",
      message: expect.not.stringContaining("secret"),
    });
    await jar.set(SITE, "a", "1", { maxAgeSeconds: 0 });
    expect(jar.size).toBe(0);
  });

  test("inspecting or printing a jar shows no cookie", async () => {
    const jar = await jarWith(["session=hunter2"]);
    expect(inspect(jar, { depth: 9, showHidden: true }) + JSON.stringify(jar)).not.toContain("hunter2");
  });
});

describe("files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-cookies-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("what is saved is loaded again, by owners only, expired ones left out", async () => {
    const { jar, time } = jarAt(0);
    const value = Buffer.from("grün", "utf8").toString("latin1");
    await jar.store(SITE, [
      `a=${value}; path=/; secure; httponly; samesite=lax`,
      "b=2; max-age=10; domain=example.com; path=/",
    ]);
    const path = join(folder, "jar.json");
    await writeFile(path, "old", { mode: 0o644 });
    await jar.save(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const loaded = await CookieJar.load(path, { wallTime: () => time.now });
    expect(loaded.all()).toEqual(jar.all());
    expect(loaded.cookieHeader(SITE)).toBe(`a=${value}; b=2`);
    const later = await CookieJar.load(path, { wallTime: () => 10_000 });
    expect(later.all().map(({ name }) => name)).toEqual(["a"]);
    expect(await readdir(folder)).toEqual(["jar.json"]);
  });

  test("a failed save leaves the old file and nothing beside it", async () => {
    const path = join(folder, "no-such-folder", "jar.json");
    await expect(new CookieJar().save(path)).rejects.toMatchObject({ code: "ENOENT" });
    const target = join(folder, "is-a-folder");
    await mkdir(join(target, "x"), { recursive: true });
    await expect(new CookieJar().save(target)).rejects.toThrow();
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("what is no cookie file is refused, without a word of its content", async () => {
    const good = {
      name: "a",
      value: "1",
      domain: "example.com",
      hostOnly: true,
      path: "/",
      secure: false,
      httpOnly: false,
    };
    const file = (cookie: object) => JSON.stringify({ format: "sluice-cookies", version: 1, cookies: [cookie] });
    const path = join(folder, "bad.json");
    for (const text of [
      "hunter2 {",
      "null",
      "[]",
      '{"format":"sluice-cookies","version":2,"cookies":[]}',
      '{"format":"sluice-cookies","version":1,"cookies":{}}',
      file({ ...good, value: "hunter2\r\nx: y" }),
      file({ ...good, name: "" }),
      file({ ...good, path: "x" }),
      file({ ...good, secure: "yes" }),
      file({ ...good, sameSite: "maybe" }),
      file({ ...good, expires: "tomorrow" }),
      file({ ...good, domain: 1 }),
      '{"format":"sluice-cookies","version":1,"cookies":[null]}',
    ]) {
      await writeFile(path, text);
      await expect(CookieJar.load(path), text).rejects.toMatchObject({
        code: "cookies/file-invalid",
        message: expect.not.stringContaining("hunter2"),
      });
    }
    await writeFile(path, file(good));
    expect((await CookieJar.load(path)).size).toBe(1);
    await expect(CookieJar.load(join(folder, "missing"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readFile(path, "utf8")).toBe(file(good));
  });

  test("a file beyond all measure is not read", async () => {
    const path = join(folder, "huge.json");
    await writeFile(path, "");
    await truncate(path, 65 * 1024 * 1024);
    await expect(CookieJar.load(path)).rejects.toMatchObject({ code: "files/too-large" });
  });
});
