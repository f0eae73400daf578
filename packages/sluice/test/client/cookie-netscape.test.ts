import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CookieJar } from "../../src/client/cookie-jar.js";
import { formatNetscapeCookies, parseNetscapeCookies } from "../../src/client/cookie-netscape.js";
import type { StoredCookie } from "../../src/client/cookie-store.js";

const SITE = new URL("https://www.example.com/a/b");
const line = (...fields: string[]): string => fields.join("\t");

describe("cookies.txt", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-cookies-txt-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("what is saved is what others write, by owners only, and is loaded again but for SameSite", async () => {
    const jar = new CookieJar({ wallTime: () => 1_000_000 });
    await jar.store(SITE, [
      "a=1; path=/; secure; httponly; samesite=lax",
      "b=; domain=example.com; max-age=10",
      "c=gr\xfcn; path=/x",
    ]);
    const path = join(folder, "cookies.txt");
    await jar.save(path, { format: "netscape" });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "latin1")).toBe(
      [
        "# Netscape HTTP Cookie File",
        "",
        line("#HttpOnly_www.example.com", "FALSE", "/", "TRUE", "0", "a", "1"),
        line(".example.com", "TRUE", "/a", "FALSE", "1010", "b", ""),
        line("www.example.com", "FALSE", "/x", "FALSE", "0", "c", "gr\xfcn"),
        "",
      ].join("\n"),
    );
    const loaded = await CookieJar.load(path, { wallTime: () => 1_000_000 });
    expect(loaded.all()).toEqual(jar.all().map((cookie) => ({ ...cookie, sameSite: undefined })));
    expect((await CookieJar.load(path, { wallTime: () => 1_010_000 })).size).toBe(2);
  });

  test("what curl, yt-dlp and Python write is read: comments, other line ends, fractions, no value, a byte order mark", async () => {
    const path = join(folder, "others.txt");
    const text = [
      "\ufeff# HTTP Cookie File\r",
      "# https://curl.se/docs/http-cookies.html\r",
      "\r",
      line("#HttpOnly_.Example.com", "true", "/", "false", "4102444800.5", "a", "1"),
      line("example.com", "FALSE", "/", "FALSE", "", "b"),
    ].join("\n");
    await writeFile(path, text);
    const jar = await CookieJar.load(path);
    expect(jar.all()).toMatchObject([
      { name: "a", domain: "example.com", hostOnly: false, httpOnly: true, expires: 4_102_444_800_500 },
      { name: "b", value: "", domain: "example.com", hostOnly: true, expires: undefined },
    ]);
    expect(jar.cookieHeader(SITE)).toBe("a=1");
  });

  test("without its first line, too", () => {
    expect(parseNetscapeCookies(line("a.test", "TRUE", "/", "TRUE", "0", "n", "v"), "f")).toHaveLength(1);
  });

  test.each([
    ["pl4nted", 1],
    [`\n${line("a.test", "TRUE", "/", "TRUE", "0")}`, 2],
    [line("a.test", "TRUE", "/", "TRUE", "0", "n", "pl4nted", "x"), 1],
    [line("a.test", "YES", "/", "TRUE", "0", "n", "pl4nted"), 1],
    [line("a.test", "TRUE", "/", "TRUE", "soon", "n", "pl4nted"), 1],
    [line("a.test", "TRUE", "/", "TRUE", "-1", "n", "pl4nted"), 1],
    [line("a.test", "TRUE", "x", "TRUE", "0", "n", "pl4nted"), 1],
    [line("", "TRUE", "/", "TRUE", "0", "n", "pl4nted"), 1],
    [line("a.test", "TRUE", "/", "TRUE", "0", "", "pl4nted"), 1],
    [line("a.test", "TRUE", "/", "TRUE", "0", "n", "pl4nted;x"), 1],
    [line("a.test", "TRUE", "/", "TRUE", "0", "n", "pl4nted\0"), 1],
    ["a.test TRUE / TRUE 0 n pl4nted", 1],
  ])("%j is refused by its line, which is not repeated", async (text, number) => {
    const path = join(folder, "bad.txt");
    await writeFile(path, text);
    await expect(CookieJar.load(path)).rejects.toMatchObject({
      code: "cookies/file-invalid",
      message: expect.stringMatching(new RegExp(`^(?!.*pl4nted).*bad\\.txt: line ${number} is no cookie`)),
    });
  });

  test.each(["", " \n", "\ufeff"])("%j is no jar, but an empty file", async (text) => {
    const path = join(folder, "empty.txt");
    await writeFile(path, text);
    await expect(CookieJar.load(path)).rejects.toThrow("it is empty");
  });

  test("JSON that breaks off is said to be no file of ours, not no cookies.txt", async () => {
    const path = join(folder, "half.json");
    await writeFile(path, '{"format":"sluice-cookies","cook');
    await expect(CookieJar.load(path)).rejects.toThrow("it is not a cookie file of this library");
  });

  test("another format is refused", async () => {
    const saving = new CookieJar().save(join(folder, "x"), { format: "csv" as "json" });
    await expect(saving).rejects.toMatchObject({ code: "options/out-of-range" });
  });

  test("whatever a jar can hold comes back", () => {
    const text = fc.string({ unit: fc.constantFrom(..."aZ0 =#\"',.\xe4\xff"), maxLength: 8 });
    const cookie: fc.Arbitrary<StoredCookie> = fc.record({
      name: text.map((name) => `n${name}`),
      value: text,
      domain: fc.constantFrom("example.com", "192.0.2.1", "::1"),
      hostOnly: fc.boolean(),
      path: text.map((path) => `/${path}`),
      secure: fc.boolean(),
      httpOnly: fc.boolean(),
      sameSite: fc.constant(undefined),
      expires: fc.constantFrom(undefined, 1_000, 4_102_444_800_000),
    });
    fc.assert(
      fc.property(fc.array(cookie), (cookies) => {
        expect(parseNetscapeCookies(formatNetscapeCookies(cookies), "f")).toEqual(cookies);
      }),
    );
  });
});
