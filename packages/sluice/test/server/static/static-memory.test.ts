import { appendFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FileCache, type StaticFile } from "../../../src/server/static/file-cache.js";
import type { Representation } from "../../../src/server/static/representation.js";
import { makeFolder, presentClock, removeFolders, Site, write } from "./static-setup.js";

const KIB = 1_024;

afterAll(removeFolders);

function fileOf(bytes: number): StaticFile {
  const representation = { whole: new Uint8Array(bytes) } as Partial<Representation> as Representation;
  return { original: representation, siblings: [] };
}

describe("a file that was sent a moment ago", () => {
  test("is sent again without a promise and without a look at it", async () => {
    const folder = makeFolder({ "a.txt": "first" });
    const site = new Site(folder);
    await site.get("/s/a.txt");
    rmSync(join(folder, "a.txt"));
    expect((await site.get("/s/a.txt")).text).toBe("first");
    site.clock.advance(999);
    expect((await site.get("/s/a.txt")).text).toBe("first");
    site.clock.advance(1);
    expect((await site.get("/s/a.txt")).status).toBe(404);
    write(folder, "a.txt", "again");
    expect((await site.get("/s/a.txt")).text).toBe("again");
  });

  test("is looked at each time, where that is asked for", async () => {
    const folder = makeFolder({ "a.txt": "first" });
    const site = new Site(folder, { memory: { recheckAfter: 0 } });
    const first = await site.get("/s/a.txt");
    write(folder, "a.txt", "other");
    const second = await site.get("/s/a.txt");
    expect([first.text, second.text]).toEqual(["first", "other"]);
    expect(second.headers["etag"]).not.toBe(first.headers["etag"]);
  });

  test.each<[string, (path: string) => void, string]>([
    ["written over in place, as long as before", (path) => writeFileSync(path, "SECOND", { flag: "r+" }), "SECOND"],
    ["appended to", (path) => appendFileSync(path, "+"), "first!+"],
    ["truncated", (path) => truncateSync(path, 2), "fi"],
    [
      "replaced by renaming",
      (path) => {
        writeFileSync(`${path}.new`, "second");
        utimesSync(`${path}.new`, 1, 1);
        renameSync(`${path}.new`, path);
      },
      "second",
    ],
    [
      "replaced, with size and date of before",
      (path) => {
        writeFileSync(`${path}.new`, "other!");
        utimesSync(`${path}.new`, 2, 2);
        renameSync(`${path}.new`, path);
      },
      "other!",
    ],
  ])("%s is sent as it is now: bytes, length and tag", async (_how, change, text) => {
    const folder = makeFolder({ "a.txt": "first!" });
    const path = join(folder, "a.txt");
    utimesSync(path, 2, 2);
    const site = new Site(folder);
    const before = await site.get("/s/a.txt");
    change(path);
    site.clock.advance(1_000);
    const after = await site.get("/s/a.txt");
    expect(after.text).toBe(text);
    expect(after.reply.payload?.length).toBe(text.length);
    expect(after.headers["etag"]).not.toBe(before.headers["etag"]);
  });

  test("touched but not changed keeps its tag, for that is of its bytes", async () => {
    const folder = makeFolder({ "a.txt": "same" });
    const site = new Site(folder);
    const etag = (await site.get("/s/a.txt")).headers["etag"];
    utimesSync(join(folder, "a.txt"), 5, 5);
    site.clock.advance(1_000);
    const after = await site.get("/s/a.txt");
    expect([after.headers["etag"], after.headers["last-modified"]]).toEqual([etag, "Thu, 01 Jan 1970 00:00:05 GMT"]);
  });

  test("that has just been written is not kept: it could change once more within one tick of its times", async () => {
    const folder = makeFolder({ "a.txt": "first" });
    const site = new Site(folder, {}, presentClock());
    expect((await site.get("/s/a.txt")).text).toBe("first");
    write(folder, "a.txt", "other");
    expect((await site.get("/s/a.txt")).text).toBe("other");
  });

  test("that is too large to be kept is read anew, and known to be another at once", async () => {
    const folder = makeFolder({ "a.bin": "x".repeat(5) });
    const site = new Site(folder, { memory: { maxFileSize: 4 } });
    const first = await site.get("/s/a.bin");
    write(folder, "a.bin", "yyyyy");
    const second = await site.get("/s/a.bin");
    expect([first.text, second.text]).toEqual(["xxxxx", "yyyyy"]);
    expect(second.headers["etag"]).not.toBe(first.headers["etag"]);
    rmSync(join(folder, "a.bin"));
    expect((await site.get("/s/a.bin")).status).toBe(404);
  });

  test("of exactly the largest size is kept, one byte more is not", async () => {
    const folder = makeFolder({ "four.txt": "1234", "five.txt": "12345" });
    const site = new Site(folder, { memory: { maxFileSize: 4 } });
    await Promise.all([site.get("/s/four.txt"), site.get("/s/five.txt")]);
    for (const name of ["four.txt", "five.txt"]) rmSync(join(folder, name));
    expect((await site.get("/s/four.txt")).status).toBe(200);
    expect((await site.get("/s/five.txt")).status).toBe(404);
  });

  test("is not kept at all where there is no room", async () => {
    const folder = makeFolder({ "a.txt": "first" });
    const site = new Site(folder, { memory: { maxSize: 0 } });
    await site.get("/s/a.txt");
    write(folder, "a.txt", "other");
    expect((await site.get("/s/a.txt")).text).toBe("other");
  });

  test("is the same file under every path that leads to it, and as index", async () => {
    const site = new Site(makeFolder({ "index.html": "i" }));
    expect((await site.get("/s/index.html")).headers["etag"]).toBe((await site.get("/s/")).headers["etag"]);
    expect((await site.get("/s/index%2Ehtml")).text).toBe("i");
  });
});

describe("FileCache", () => {
  test("weighs what it keeps, and lets go of what was looked at longest ago", () => {
    const cache = new FileCache(10 * KIB);
    cache.set("a", fileOf(4 * KIB), 1);
    cache.set("b", fileOf(3 * KIB), 1);
    expect([cache.size, cache.bytes]).toEqual([2, 9 * KIB + 4]);
    cache.set("a", fileOf(4 * KIB), 2);
    cache.set("c", fileOf(2 * KIB), 2);
    expect([cache.get("a")?.checkedAt, cache.get("b"), cache.get("c")?.checkedAt]).toEqual([2, undefined, 2]);
    expect(cache.bytes).toBe(8 * KIB + 4);
    cache.delete("a");
    cache.delete("a");
    expect([cache.size, cache.bytes]).toEqual([1, 3 * KIB + 2]);
  });

  test("keeps what fits exactly, and nothing that is larger than all of it", () => {
    const cache = new FileCache(2 * KIB + 2);
    cache.set("a", fileOf(KIB), 1);
    expect(cache.size).toBe(1);
    cache.set("b", fileOf(KIB + 1), 1);
    expect([cache.size, cache.get("a")?.checkedAt]).toEqual([1, 1]);
    cache.set("a", fileOf(KIB + 1), 2);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  test("counts empty files too: names without end do not fill memory", () => {
    const cache = new FileCache(100 * KIB);
    for (let at = 0; at < 10_000; at += 1) cache.set(`file ${at}`, fileOf(0), at);
    expect(cache.size).toBeLessThan(100);
    expect(cache.bytes).toBeLessThanOrEqual(100 * KIB);
  });
});
