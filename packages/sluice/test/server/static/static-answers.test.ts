import { mkdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatHttpDate } from "../../../src/http/dates.js";
import type { FakeAnswer } from "../fake-exchange.js";
import { makeFolder, presentClock, removeFolders, Site, write } from "./static-setup.js";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz";
const LARGE = ALPHABET.repeat(20_000);
const OLD = new Date("2024-05-01T12:00:00.750Z");
const MODIFIED = "Wed, 01 May 2024 12:00:00 GMT";

let folder: string;
let site: Site;

beforeAll(() => {
  folder = makeFolder({
    "letters.txt": ALPHABET,
    "large.bin": LARGE,
    "empty.css": "",
    "page.html": "<p>",
    noending: "?",
  });
  for (const name of ["letters.txt", "large.bin", "empty.css"]) utimesSync(join(folder, name), OLD, OLD);
  site = new Site(folder);
});
afterAll(removeFolders);

async function tagOf(path: string): Promise<string> {
  return (await site.get(path)).headers["etag"] ?? "";
}

/** The parts of a multipart answer: their heads and bodies. */
function partsOf({ headers, text }: FakeAnswer): { range: string; type: string; body: string }[] {
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers["content-type"] ?? "")?.[1];
  const [before = "?", ...parts] = `\r\n${text}`.split(`\r\n--${boundary}`);
  expect(before).toBe("");
  expect(parts.pop()).toBe("--\r\n");
  return parts.map((part) => {
    const match = /^\r\nContent-Type: (.*)\r\nContent-Range: (.*)\r\n\r\n([\s\S]*)$/.exec(part);
    return { type: match?.[1] ?? "", range: match?.[2] ?? "", body: match?.[3] ?? "" };
  });
}

describe("a file in a folder", () => {
  test("is sent with what a client and a cache want to know", async () => {
    const answer = await site.get("/s/letters.txt");
    expect(answer).toMatchObject({ status: 200, text: ALPHABET });
    expect(answer.headers).toEqual({
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^"[\w-]{24}"$/),
      "last-modified": MODIFIED,
      "accept-ranges": "bytes",
    });
    expect(answer.reply.payload?.length).toBe(26);
  });

  test("of any size is the same", async () => {
    const answer = await site.get("/s/large.bin");
    expect(answer.status).toBe(200);
    expect(answer.text === LARGE).toBe(true);
    expect(answer.reply.payload?.length).toBe(LARGE.length);
    expect(answer.headers).toMatchObject({ "last-modified": MODIFIED, "content-type": "application/octet-stream" });
    expect(await site.get("/s/empty.css")).toMatchObject({ status: 200, text: "" });
  });

  test("has a head for HEAD, with the length and without being opened", async () => {
    const small = await site.get("/s/letters.txt", {}, "HEAD");
    expect(small.reply.payload?.length).toBe(26);
    const large = await site.get("/s/large.bin", { Range: "bytes=0-1" }, "HEAD");
    expect(large).toMatchObject({ status: 200, text: "" });
    expect(large.headers["content-length"]).toBe(String(LARGE.length));
    expect(large.headers["etag"]).toBe(await tagOf("/s/large.bin"));
  });

  test.each(["POST", "PUT", "DELETE", "PATCH"])("is not for %s: 405", async (method) => {
    const answer = await site.get("/s/letters.txt", {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe("GET, HEAD, OPTIONS");
  });

  test("is typed by the ending of its name, in any case, and by what the application says", async () => {
    const typed = makeFolder({
      "a.JS": "",
      "a.json": "",
      "a.svg": "",
      "a.wasm": "",
      "a.MD": "",
      noending: "",
      "a.zzz": "",
    });
    const own = new Site(typed, { types: { ".md": "text/x-own", zzz: "application/x-own; a=b" } });
    const typeOf = async (name: string) => (await own.get(`/s/${name}`)).headers["content-type"];
    expect(await typeOf("a.JS")).toBe("text/javascript; charset=utf-8");
    expect(await typeOf("a.json")).toBe("application/json");
    expect(await typeOf("a.svg")).toBe("image/svg+xml");
    expect(await typeOf("a.wasm")).toBe("application/wasm");
    expect(await typeOf("a.MD")).toBe("text/x-own");
    expect(await typeOf("a.zzz")).toBe("application/x-own; a=b");
    expect(await typeOf("noending")).toBe("application/octet-stream");
  });

  test("that is not there is 404, without a word about the server's folders", async () => {
    const answer = await site.get("/s/none.txt");
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain(folder);
    expect((await site.get("/s/letters.txt/")).status).toBe(404);
    expect((await site.get("/s/letters.txt/more")).status).toBe(404);
    expect(site.errors).toEqual([]);
  });

  test("whose folder is not there is 404 too, until it is", async () => {
    const late = new Site(join(folder, "later"));
    expect((await late.get("/s/a.txt")).status).toBe(404);
    write(folder, "later/a.txt", "now");
    expect((await late.get("/s/a.txt")).text).toBe("now");
  });
});

describe("conditions", () => {
  test.each(["/s/letters.txt", "/s/large.bin"])(
    "%s is 304 to whoever has it, and says what a 304 says",
    async (path) => {
      const etag = await tagOf(path);
      for (const fields of [
        { "If-None-Match": etag },
        { "if-none-match": `W/${etag}, "x"` },
        { "If-Modified-Since": MODIFIED },
      ]) {
        const answer = await site.get(path, fields);
        expect(answer).toMatchObject({ status: 304, text: "" });
        expect(answer.headers).toEqual({ etag, "last-modified": MODIFIED, "cache-control": "no-cache" });
      }
      expect((await site.get(path, { "If-None-Match": '"x"', "If-Modified-Since": MODIFIED })).status).toBe(200);
      expect((await site.get(path, { "If-Modified-Since": "Wed, 01 May 2024 11:59:59 GMT" })).status).toBe(200);
    },
  );

  test("that fail are 412", async () => {
    const etag = await tagOf("/s/letters.txt");
    expect((await site.get("/s/letters.txt", { "If-Match": '"x"' })).status).toBe(412);
    expect((await site.get("/s/letters.txt", { "If-Match": etag })).status).toBe(200);
    expect((await site.get("/s/letters.txt", { "If-Unmodified-Since": "Wed, 01 May 2024 11:59:59 GMT" })).status).toBe(
      412,
    );
    expect((await site.get("/s/letters.txt", { "If-Unmodified-Since": MODIFIED })).status).toBe(200);
  });

  test("go before ranges", async () => {
    const etag = await tagOf("/s/letters.txt");
    expect((await site.get("/s/letters.txt", { "If-None-Match": etag, Range: "bytes=99-" })).status).toBe(304);
    expect((await site.get("/s/letters.txt", { "If-Match": '"x"', Range: "bytes=0-0" })).status).toBe(412);
  });

  test("of a file written just now: no date is given out, nor taken", async () => {
    const now = new Site(makeFolder({ "a.txt": "new", "large.bin": LARGE }), {}, presentClock());
    const { headers } = await now.get("/s/a.txt");
    expect(headers).not.toHaveProperty("last-modified");
    expect(headers["etag"]).not.toContain("W/");
    expect((await now.get("/s/a.txt", { "If-None-Match": headers["etag"] ?? "" })).status).toBe(304);
    expect((await now.get("/s/a.txt", { "If-Modified-Since": formatHttpDate(Date.now() + 60_000) })).status).toBe(200);
    const weak = (await now.get("/s/large.bin")).headers["etag"] ?? "";
    expect(weak).toMatch(/^W\//);
    expect((await now.get("/s/large.bin", { "If-Range": weak, Range: "bytes=0-1" })).status).toBe(200);
    expect((await now.get("/s/large.bin", { Range: "bytes=0-1" })).status).toBe(206);
  });
});

describe("ranges", () => {
  test.each(["/s/letters.txt", "/s/large.bin"])("of %s are sent as 206", async (path) => {
    const size = path === "/s/large.bin" ? LARGE.length : 26;
    const answer = await site.get(path, { Range: "bytes=1-3" });
    expect(answer).toMatchObject({ status: 206, text: "bcd" });
    expect(answer.headers).toMatchObject({
      "content-range": `bytes 1-3/${size}`,
      etag: await tagOf(path),
      "last-modified": MODIFIED,
      "cache-control": "no-cache",
    });
    expect((await site.get(path, { Range: "bytes=-2" })).text).toBe("yz");
    expect((await site.get(path, { Range: "bytes=0-0,0-1" })).headers["content-range"]).toBe(`bytes 0-1/${size}`);
  });

  test.each(["/s/letters.txt", "/s/large.bin"])("several of %s are a multipart", async (path) => {
    const answer = await site.get(path, { Range: "bytes=24-25, 0-1,4-4" });
    const size = path === "/s/large.bin" ? LARGE.length : 26;
    const type = path === "/s/large.bin" ? "application/octet-stream" : "text/plain; charset=utf-8";
    expect(answer.status).toBe(206);
    expect(answer.headers).not.toHaveProperty("content-range");
    expect(answer.reply.payload?.length).toBe(answer.text.length);
    expect(partsOf(answer)).toEqual([
      { type, range: `bytes 24-25/${size}`, body: "yz" },
      { type, range: `bytes 0-1/${size}`, body: "ab" },
      { type, range: `bytes 4-4/${size}`, body: "e" },
    ]);
  });

  test("outside of the file are 416 with its size", async () => {
    const answer = await site.get("/s/letters.txt", { Range: "bytes=26-" });
    expect(answer.status).toBe(416);
    expect(answer.headers["content-range"]).toBe("bytes */26");
  });

  test("that are none, too many, or of an empty file, get all of it", async () => {
    const many = `bytes=${Array.from({ length: 65 }, (_, at) => `${at * 2}-${at * 2}`)}`;
    for (const Range of ["lines=1-2", "bytes=x", many]) {
      expect(await site.get("/s/letters.txt", { Range })).toMatchObject({ status: 200, text: ALPHABET });
    }
    expect((await site.get("/s/empty.css", { Range: "bytes=0-" })).status).toBe(200);
  });

  test("under If-Range are of the version the client has, or all is sent", async () => {
    const etag = await tagOf("/s/letters.txt");
    const Range = "bytes=0-2";
    for (const validator of [etag, MODIFIED]) {
      expect(await site.get("/s/letters.txt", { Range, "If-Range": validator })).toMatchObject({
        status: 206,
        text: "abc",
      });
    }
    for (const validator of ['"x"', `W/${etag}`, "Wed, 01 May 2024 12:00:01 GMT", "nonsense"]) {
      expect(await site.get("/s/letters.txt", { Range, "If-Range": validator })).toMatchObject({
        status: 200,
        text: ALPHABET,
      });
    }
    expect((await site.get("/s/letters.txt", { Range: "bytes=99-", "If-Range": '"x"' })).status).toBe(200);
  });

  test("give the bytes that a naive reading gives", async () => {
    const position = fc.nat({ max: 30 });
    const spec = fc.oneof(
      fc.tuple(position, position).map(([first, last]) => `${first}-${last}`),
      position.map((first) => `${first}-`),
      position.map((suffix) => `-${suffix}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 6 }), async (specs) => {
        const answer = await site.get("/s/letters.txt", { Range: `bytes=${specs.join(",")}` });
        const asked = new Set(specs.flatMap(naivePositions));
        if (asked.size === 0) {
          expect(answer.status).toBe(416);
          return;
        }
        const multipart = answer.headers["content-type"]?.startsWith("multipart/");
        const sent = multipart ? partsOf(answer).map(({ body }) => body) : [answer.text];
        expect(answer.status).toBe(206);
        expect([...sent.join("")].sort().join("")).toBe([...ALPHABET].filter((_, at) => asked.has(at)).join(""));
      }),
      { numRuns: 60 },
    );
  });
});

describe("Cache-Control", () => {
  const files = { "app.3f9a.js": "1", "index.html": "2", "plain.js": "3" };

  test("is as long as the application says", async () => {
    const aged = new Site(makeFolder(files), { maxAgeSeconds: 3_600 });
    expect((await aged.get("/s/plain.js")).headers["cache-control"]).toBe("max-age=3600");
    expect((await new Site(makeFolder(files), { maxAgeSeconds: 0 }).get("/s/plain.js")).headers["cache-control"]).toBe(
      "max-age=0",
    );
  });

  test("is for ever where a name never gets another content, but for a folder's own page", async () => {
    const some = new Site(makeFolder(files), { immutable: /\.[0-9a-f]{4}\.js$/g, maxAgeSeconds: 60 });
    for (let time = 0; time < 2; time += 1) {
      expect((await some.get("/s/app.3f9a.js")).headers["cache-control"]).toBe("max-age=60, immutable");
    }
    expect((await some.get("/s/plain.js")).headers["cache-control"]).toBe("max-age=60");
    const all = new Site(makeFolder(files), { immutable: true });
    expect((await all.get("/s/plain.js")).headers["cache-control"]).toBe("max-age=31536000, immutable");
    expect((await all.get("/s/")).headers["cache-control"]).toBe("no-cache");
  });

  test("and any other field can be the application's own, on a 304 as well where it belongs", async () => {
    const headers = {
      "cache-control": "private",
      "X-Own": "1",
      "Content-Security-Policy": "default-src 'self'",
      Vary: "Cookie",
    };
    const own = new Site(makeFolder(files), { headers });
    const answer = await own.get("/s/plain.js");
    expect(answer.headers).toMatchObject({ "cache-control": "private", "x-own": "1", vary: "Cookie" });
    const second = await own.get("/s/plain.js", { "If-None-Match": answer.headers["etag"] ?? "" });
    expect(second.status).toBe(304);
    expect(second.headers).toMatchObject({
      "cache-control": "private",
      "content-security-policy": "default-src 'self'",
    });
    expect(second.headers).not.toHaveProperty("content-type");
  });
});

describe("precompressed siblings", () => {
  let compressed: Site;
  let root: string;

  beforeAll(() => {
    root = makeFolder({
      ...{ "app.js": "original, the longest", "app.js.br": "br", "app.js.gz": "gzipped", "app.js.zst": "zstd" },
      ...{ "only.css": "original", "only.css.gz": "gz", "large.js": LARGE, "large.js.gz": LARGE.slice(0, 400_000) },
      ...{ "longer.js": "1", "longer.js.gz": "longer", "stale.js": "original", "stale.js.gz": "old", "plain.js": "x" },
    });
    mkdirSync(join(root, "folder.js.gz"));
    write(root, "folder.js", "has a folder beside it");
    const { mtimeMs } = statSync(join(root, "stale.js"));
    utimesSync(join(root, "stale.js.gz"), new Date(), new Date(mtimeMs - 1_001));
    compressed = new Site(root, { precompressed: true });
  });

  test.each([
    ["br, gzip, zstd", "br", "br"],
    ["gzip;q=1, br;q=0.5", "gzip", "gzipped"],
    ["gzip, zstd", "zstd", "zstd"],
    ["x-gzip", "gzip", "gzipped"],
    ["*", "br", "br"],
    ["br;q=0, *;q=0.1", "zstd", "zstd"],
  ])("Accept-Encoding: %s is sent %s", async (accepted, coding, text) => {
    const answer = await compressed.get("/s/app.js", { "Accept-Encoding": accepted });
    expect(answer).toMatchObject({ status: 200, text });
    expect(answer.headers).toMatchObject({
      "content-encoding": coding,
      "content-type": "text/javascript; charset=utf-8",
      vary: "Accept-Encoding",
    });
  });

  test.each(["", "identity", "deflate", "gzip;q=0", "*;q=0, identity;q=1", "identity;q=1, br;q=0.5"])(
    "Accept-Encoding: %j is sent the original",
    async (accepted) => {
      const answer = await compressed.get("/s/app.js", { "Accept-Encoding": accepted });
      expect(answer.text).toBe("original, the longest");
      expect(answer.headers).not.toHaveProperty("content-encoding");
      expect(answer.headers["vary"]).toBe("Accept-Encoding");
    },
  );

  test("have tags of their own: a copy in one coding is no copy in another", async () => {
    const tags = new Map<string, string>();
    for (const coding of ["br", "gzip", "zstd", "identity"]) {
      tags.set(coding, (await compressed.get("/s/app.js", { "Accept-Encoding": coding })).headers["etag"] ?? "");
    }
    expect(new Set(tags.values()).size).toBe(4);
    const fields = { "If-None-Match": tags.get("br") ?? "" };
    const again = await compressed.get("/s/app.js", { ...fields, "Accept-Encoding": "br" });
    expect(again.status).toBe(304);
    expect(again.headers["vary"]).toBe("Accept-Encoding");
    expect((await compressed.get("/s/app.js", { ...fields, "Accept-Encoding": "gzip" })).status).toBe(200);
  });

  test("have ranges of their own bytes", async () => {
    const answer = await compressed.get("/s/app.js", { "Accept-Encoding": "gzip", Range: "bytes=2-" });
    expect(answer).toMatchObject({ status: 206, text: "ipped" });
    expect(answer.headers).toMatchObject({ "content-range": "bytes 2-6/7", "content-encoding": "gzip" });
    const large = await compressed.get("/s/large.js", { "Accept-Encoding": "gzip" });
    expect(large.reply.payload?.length).toBe(400_000);
  });

  test("longer than the original, older by a second, or no files, are passed over", async () => {
    for (const name of ["longer.js", "stale.js", "folder.js", "plain.js"]) {
      const answer = await compressed.get(`/s/${name}`, { "Accept-Encoding": "gzip" });
      expect(answer.headers).not.toHaveProperty("content-encoding");
      expect(answer.headers).not.toHaveProperty("vary");
    }
  });

  test("are looked for only when that is asked for, and only in the codings asked for", async () => {
    const none = new Site(root);
    expect((await none.get("/s/app.js", { "Accept-Encoding": "br" })).headers).not.toHaveProperty("content-encoding");
    const gzip = new Site(root, { precompressed: ["gzip"] });
    expect((await gzip.get("/s/app.js", { "Accept-Encoding": "br, gzip" })).headers["content-encoding"]).toBe("gzip");
  });

  test("that come and go are seen", async () => {
    const changing = makeFolder({ "a.js": "original" });
    const own = new Site(changing, { precompressed: true });
    const gzip = { "Accept-Encoding": "gzip" };
    expect((await own.get("/s/a.js", gzip)).headers).not.toHaveProperty("vary");
    write(changing, "a.js.gz", "gz");
    own.clock.advance(1_000);
    expect((await own.get("/s/a.js", gzip)).headers).toMatchObject({
      "content-encoding": "gzip",
      vary: "Accept-Encoding",
    });
    expect((await own.get("/s/a.js")).headers["vary"]).toBe("Accept-Encoding");
  });
});

function naivePositions(spec: string): number[] {
  const [from = "", to = ""] = spec.split("-");
  return [...ALPHABET].flatMap((_, at) => {
    const inside = from === "" ? at >= 26 - Number(to) : at >= Number(from) && (to === "" || at <= Number(to));
    return inside ? [at] : [];
  });
}
