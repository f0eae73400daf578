import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../src/catalogue.js";
import { field, json } from "./ask.js";
import { useHttpbin } from "./httpbin-server.js";

const httpbin = useHttpbin();

describe("the index", () => {
  test("names every endpoint and loads nothing", async () => {
    const answer = await httpbin.get("/");
    const page = answer.body.toString();
    expect(field(answer, "content-type")).toBe("text/html; charset=utf-8");
    expect(page).not.toMatch(/https?:|src=|<link|<script/);
    for (const { endpoints } of CATALOGUE)
      for (const { example } of endpoints) expect(page).toContain(`href="${example.replaceAll("&", "&amp;")}"`);
  });

  for (const { endpoints } of CATALOGUE) {
    for (const { example } of endpoints) {
      test(`${example} leads somewhere`, async () => {
        expect((await httpbin.send(`OPTIONS ${example}`)).status).toBe(204);
      });
    }
  }
});

describe("fixed content", () => {
  const types = {
    "/html": "text/html; charset=utf-8",
    "/json": "application/json",
    "/xml": "application/xml",
    "/robots.txt": "text/plain",
    "/deny": "text/plain",
    "/encoding/utf8": "text/html; charset=utf-8",
    "/forms/post": "text/html; charset=utf-8",
  };

  for (const [path, type] of Object.entries(types)) {
    test(`${path} is ${type}`, async () => {
      const answer = await httpbin.get(path);
      expect([answer.status, field(answer, "content-type")]).toEqual([200, type]);
      expect(answer.body.byteLength).toBeGreaterThan(20);
    });
  }

  test("/json is the slide show", async () => {
    expect(json(await httpbin.get("/json"))).toMatchObject({ slideshow: { title: "Sample Slide Show" } });
  });

  test("/encoding/utf8 has characters of one to four bytes", async () => {
    const text = (await httpbin.get("/encoding/utf8")).body.toString("utf8");
    for (const character of ["a", "ß", "€", "😀"]) expect(text).toContain(character);
  });

  test("the form posts to /post", async () => {
    expect((await httpbin.get("/forms/post")).body.toString()).toContain('<form method="post" action="/post">');
  });
});

describe("codings", () => {
  const codings = [
    { path: "/gzip", name: "gzip", flag: "gzipped", decode: zlib.gunzipSync },
    { path: "/deflate", name: "deflate", flag: "deflated", decode: zlib.inflateSync },
    { path: "/brotli", name: "br", flag: "brotli", decode: zlib.brotliDecompressSync },
  ];

  for (const { path, name, flag, decode } of codings) {
    test(`${path} is coded, wanted or not`, async () => {
      const answer = await httpbin.get(path, { "X-A": "1" });
      expect(field(answer, "content-encoding")).toBe(name);
      expect(JSON.parse(decode(answer.body).toString())).toMatchObject({
        [flag]: true,
        method: "GET",
        headers: { "X-A": "1" },
        origin: "127.0.0.1",
      });
    });
  }

  test("/zstd is coded where Node can, and otherwise says so", async () => {
    const answer = await httpbin.get("/zstd");
    if (!("zstdDecompressSync" in zlib)) {
      expect(answer.status).toBe(501);
      return;
    }
    const decode = zlib.zstdDecompressSync as (bytes: Uint8Array) => Buffer;
    expect(field(answer, "content-encoding")).toBe("zstd");
    expect(JSON.parse(decode(answer.body).toString())).toMatchObject({ zstd: true });
  });
});

describe("pictures", () => {
  const signatures = {
    png: { type: "image/png", start: Buffer.from("\x89PNG\r\n\x1a\n", "latin1") },
    jpeg: { type: "image/jpeg", start: Buffer.from([0xff, 0xd8, 0xff]) },
    webp: { type: "image/webp", start: Buffer.from("RIFF") },
    svg: { type: "image/svg+xml", start: Buffer.from("<svg ") },
  };

  for (const [name, { type, start }] of Object.entries(signatures)) {
    test(`/image/${name} is what it says`, async () => {
      const answer = await httpbin.get(`/image/${name}`);
      expect(field(answer, "content-type")).toBe(type);
      expect(answer.body.subarray(0, start.length)).toEqual(start);
    });
  }

  test("/image follows Accept", async () => {
    const chosen = async (accept: string): Promise<string> =>
      field(await httpbin.get("/image", { Accept: accept }), "content-type");
    expect(await chosen("image/jpeg")).toBe("image/jpeg");
    expect(await chosen("image/webp, image/png")).toBe("image/png");
    expect(field(await httpbin.get("/image"), "vary")).toContain("Accept");
    expect(await chosen("image/webp;q=0.1, image/png;q=0.9")).toBe("image/png");
    expect(await chosen("image/webp;q=0, image/jpeg")).toBe("image/jpeg");
    expect(await chosen("image/*")).toBe("image/png");
    expect(await chosen("*/*")).toBe("image/png");
    expect(await chosen("text/html, image/svg+xml;q=0.8, */*;q=0.1")).toBe("image/svg+xml");
    expect(field(await httpbin.get("/image"), "content-type")).toBe("image/png");
  });

  test("/image answers 406 with what there is", async () => {
    const answer = await httpbin.get("/image", { Accept: "text/html" });
    expect(answer.status).toBe(406);
    expect(json(answer)).toMatchObject({
      accept: ["image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*"],
    });
  });
});

describe("caching", () => {
  test("/cache answers conditional requests with 304, others with validators", async () => {
    const answer = await httpbin.get("/cache");
    expect(field(answer, "etag")).toMatch(/^"[0-9a-f-]{36}"$/);
    expect(Date.parse(field(answer, "last-modified"))).toBeGreaterThan(0);
    for (const headers of [{ "If-None-Match": '"x"' }, { "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT" }]) {
      const unchanged = await httpbin.get("/cache", headers);
      expect([unchanged.status, unchanged.body.byteLength]).toEqual([304, 0]);
    }
  });

  test("/cache/:seconds may be kept for so long", async () => {
    expect(field(await httpbin.get("/cache/60"), "cache-control")).toBe("public, max-age=60");
    expect((await httpbin.get("/cache/x")).status).toBe(404);
  });

  test("/etag/:etag honours If-None-Match and If-Match, in the order of RFC 9110 §13.2.2", async () => {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await httpbin.get("/etag/abc", headers)).status;
    expect(field(await httpbin.get("/etag/abc"), "etag")).toBe('"abc"');
    for (const value of ['"abc"', 'W/"abc"', '"x", "abc"', "*"])
      expect(await status({ "If-None-Match": value })).toBe(304);
    for (const value of ['"x"', '"*"', '"abcd"', "", "abc"]) expect(await status({ "If-None-Match": value })).toBe(200);
    for (const value of ['"abc"', "*", '"x", "abc"']) expect(await status({ "If-Match": value })).toBe(200);
    expect(await status({ "If-Match": '"x"' })).toBe(412);
    expect(await status({ "If-Match": '"x"', "If-None-Match": '"abc"' })).toBe(412);
    expect((await httpbin.get("/etag/a%22b")).status).toBe(400);
  });
});
