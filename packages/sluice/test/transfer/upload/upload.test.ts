/** `upload()` against `uploads()`: what arrives is what was sent, whatever happened on the way and in whichever process. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { startUpload, terminateUpload, upload } from "../../../src/transfer/upload/upload-task.js";
import { TusPlace } from "../../server/uploads/tus-setup.js";
import { Desk } from "./upload-setup.js";

const MIB = 1024 * 1024;

describe("what can be uploaded", () => {
  test("a file by its path: under its name, with the bytes it has", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("päper ☂.bin", 3 * MIB + 17);

    const result = await upload(desk.session, place.url, path, desk.options());

    expect(result).toMatchObject({ size: 3 * MIB + 17, resumedBytes: 0, restarts: [], status: 204 });
    expect(result.url).toMatch(/\/files\/[0-9a-f]{32}$/);
    expect(readFileSync(join(place.folder, "päper ☂.bin")).equals(readFileSync(path))).toBe(true);
    expect(desk.told()).toEqual(["created"]);
    expect(readdirSync(join(desk.folder, "state"))).toEqual([]);
  });

  test("bytes, a Blob, and a File with its name", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    await upload(desk.session, place.url, Buffer.from("bytes"), desk.options({ metadata: { filename: "a" } }));
    await upload(desk.session, place.url, new Blob(["blob"]), desk.options({ metadata: { filename: "b" } }));
    await upload(desk.session, place.url, new File(["file"], "c"), desk.options());
    expect(["a", "b", "c"].map((name) => place.content(name))).toEqual(["bytes", "blob", "file"]);
  });

  test.each([
    ["empty", 0, 1_000],
    ["shorter than a part", 10, 1_000],
    ["of one part exactly", 1_000, 1_000],
    ["of two parts exactly", 2_000, 1_000],
    ["of some parts and a bit", 2_500, 1_000],
  ])("a stream %s, whose length nobody knows before its end", async (_what, size, chunkSize) => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const bytes = Buffer.alloc(size, "stream");
    const stream = Readable.from(
      (function* () {
        for (let from = 0; from < size; from += 300) yield bytes.subarray(from, from + 300);
      })(),
    );
    const options = desk.options({ chunkSize, metadata: { filename: "streamed" } });
    const result = await upload(desk.session, place.url, stream, options);
    expect(result.size).toBe(size);
    expect(place.content("streamed")).toBe(bytes.toString("latin1"));
  });

  test("an empty file", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const result = await upload(desk.session, place.url, desk.file("empty", ""), desk.options());
    expect([result.size, result.status]).toEqual([0, 201]);
    expect(place.content("empty")).toBe("");
  });

  test("what is no regular file, or no source at all, is refused before anything is asked", async () => {
    await using desk = new Desk();
    const to = (source: unknown) => upload(desk.session, "http://127.0.0.1:1/", source as string, desk.options());
    await expect(to(join(desk.folder, "absent"))).rejects.toMatchObject({ code: "upload/no-file" });
    await expect(to(desk.folder)).rejects.toMatchObject({ code: "upload/no-file" });
    await expect(to(7)).rejects.toMatchObject({ code: "upload/unknown-source" });
    await expect(to(Readable.from(["text"]))).rejects.toMatchObject({ code: "body/bad-piece" });
  });
});

describe("how", () => {
  test("in parts, each with a checksum that the server verifies", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("checked.bin", 2_500);
    await upload(desk.session, place.url, path, desk.options({ chunkSize: 1_000, checksum: "sha256" }));
    expect(readFileSync(join(place.folder, "checked.bin")).equals(readFileSync(path))).toBe(true);
  });

  test("with its first part in the request that creates it", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("at-once.bin", 1_000);
    const result = await upload(desk.session, place.url, path, desk.options({ dataWithCreation: true }));
    expect(result.status).toBe(201);
    expect(readFileSync(join(place.folder, "at-once.bin")).equals(readFileSync(path))).toBe(true);
  });

  test("without PATCH and DELETE on the wire", async () => {
    const methods = new Set<string>();
    await using place = await TusPlace.with({ authorize: (request) => void methods.add(request.method) });
    await using desk = new Desk();
    const options = desk.options({ overrideMethod: true });
    const { url } = await upload(desk.session, place.url, desk.file("a", "hello"), options);
    await terminateUpload(desk.session, url, { overrideMethod: true });
    expect([...methods]).toEqual(["POST"]);
    expect(place.content("a")).toBe("hello");
  });

  test("relative to the session's base, with its credentials, which go to no other origin", async () => {
    const seen = new Set<string | null>();
    await using place = await TusPlace.with({ authorize: (request) => void seen.add(request.headers.get("x-key")) });
    await using desk = new Desk();
    const session = desk.session.extend({ baseUrl: `${place.server.url}` });
    await upload(session, "files", desk.file("a", "hello"), desk.options({ headers: { "X-Key": "one" } }));
    expect([...seen]).toEqual(["one"]);
  });

  test("not faster than rateLimit", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const begun = performance.now();
    await upload(desk.session, place.url, desk.file("slow", 300_000), desk.options({ rateLimit: 500_000 }));
    // 125 KB at once; a piece that was read already goes before the wait for it.
    expect(performance.now() - begun).toBeGreaterThan(250);
  });
});

describe("progress", () => {
  test("is told and iterated, and ends with all bytes confirmed", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const task = startUpload(desk.session, place.url, desk.file("a", 2 * MIB), desk.options());
    const states: string[] = [];
    for await (const { state, transferred, total, confirmed } of task) {
      states.push(state);
      expect(transferred).toBeGreaterThanOrEqual(confirmed);
      expect(transferred).toBeLessThanOrEqual(total ?? 0);
    }
    expect(states.at(-1)).toBe("done");
    expect(desk.progress.at(-1)).toMatchObject({
      state: "done",
      done: true,
      transferred: 2 * MIB,
      confirmed: 2 * MIB,
      remaining: 0,
    });
    await task.result;
  });

  test("iterating a failing upload throws what it fails with, once", async () => {
    await using desk = new Desk();
    const task = startUpload(desk.session, "http://127.0.0.1:1/", desk.file("a", "x"), desk.options({ attempts: 1 }));
    await expect(async () => {
      for await (const _ of task);
    }).rejects.toMatchObject({ code: "connect/refused" });
  });

  test.each(["onProgress", "onEvent"] as const)("what %s throws ends the upload with just that", async (name) => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const error = new Error("enough");
    const options = desk.options({
      [name]: () => {
        throw error;
      },
    });
    await expect(upload(desk.session, place.url, desk.file("a", MIB), options)).rejects.toBe(error);
  });
});

describe("going on", () => {
  const PART = 64 * 1024;
  const SIZE = 4 * PART;

  /** Uploads half of a file of four parts, and is stopped. */
  async function half(desk: Desk, place: TusPlace, path: string): Promise<void> {
    const stop = new AbortController();
    place.onDurable = ({ offset }) => {
      if (offset === 2 * PART) stop.abort(new Error("stopped"));
    };
    const options = desk.options({ chunkSize: PART, signal: stop.signal });
    await expect(upload(desk.session, place.url, path, options)).rejects.toThrow("stopped");
    place.onDurable = undefined;
    desk.events.length = 0;
  }

  test("an upload that was stopped is gone on with by the next run, which says where", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    await half(desk, place, path);
    expect(readdirSync(join(desk.folder, "state"))).toHaveLength(1);

    const result = await upload(desk.session, place.url, path, desk.options());

    expect(result.resumedBytes).toBeGreaterThanOrEqual(2 * PART);
    expect(desk.told()).toEqual([`resumed: ${result.resumedBytes}`]);
    expect(readFileSync(join(place.folder, "big.bin")).equals(readFileSync(path))).toBe(true);
    expect(place.names()).toEqual(["big.bin"]);
    expect(readdirSync(join(desk.folder, "state"))).toEqual([]);
  });

  test("what is remembered can be read by its owner only, and names no credentials", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    await half(desk, place, desk.file("big.bin", SIZE));
    const [name = ""] = readdirSync(join(desk.folder, "state"));
    const path = join(desk.folder, "state", name);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(join(desk.folder, "state")).mode & 0o077).toBe(0);
    expect(Object.keys(JSON.parse(readFileSync(path, "utf8")))).toEqual(["format", "url", "version", "expiresAt"]);
  });

  test.each([
    ["another size", (path: string) => writeFileSync(path, Buffer.alloc(5 * PART, "n"))],
    ["other bytes of the same size", (path: string) => writeFileSync(path, Buffer.alloc(SIZE, "n"))],
    ["another time", (path: string) => utimesSync(path, 1_700_000_000, 1_700_000_000)],
  ])("a file that has %s by now begins anew, and says why", async (_what, change) => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    await half(desk, place, path);
    change(path);
    const result = await upload(desk.session, place.url, path, desk.options());
    expect([result.resumedBytes, result.restarts]).toEqual([0, ["changed"]]);
    expect(desk.told()).toEqual(["restarted: changed", "created"]);
    expect(readFileSync(join(place.folder, "big.bin")).equals(readFileSync(path))).toBe(true);
  });

  test("other bytes of the same size and time are told apart by both ends", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    utimesSync(path, 1_700_000_000, 1_700_000_000);
    await half(desk, place, path);
    writeFileSync(path, Buffer.alloc(SIZE, "n"));
    utimesSync(path, 1_700_000_000, 1_700_000_000);
    expect((await upload(desk.session, place.url, path, desk.options())).restarts).toEqual(["changed"]);
  });

  test("an upload that the server has forgotten begins anew, and says why", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    await half(desk, place, path);
    const { url } = JSON.parse(
      readFileSync(join(desk.folder, "state", readdirSync(join(desk.folder, "state"))[0] ?? ""), "utf8"),
    ) as { url: string };
    await terminateUpload(desk.session, url);
    const result = await upload(desk.session, place.url, path, desk.options());
    expect(result.restarts).toEqual(["gone"]);
    expect(readFileSync(join(place.folder, "big.bin")).equals(readFileSync(path))).toBe(true);
  });

  test("fresh forgets the earlier run", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    await half(desk, place, path);
    expect((await upload(desk.session, place.url, path, desk.options({ fresh: true }))).restarts).toEqual(["asked"]);
  });

  test("what is remembered and cannot be read is nothing to go on with", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    await half(desk, place, path);
    const [name = ""] = readdirSync(join(desk.folder, "state"));
    for (const damage of ["{", "null", '{"format":2}', '{"format":1,"url":7}']) {
      writeFileSync(join(desk.folder, "state", name), damage);
      const stop = new AbortController();
      const options = desk.options({
        signal: stop.signal,
        onEvent: ({ type }) => type === "created" && stop.abort(new Error("seen")),
      });
      await expect(upload(desk.session, place.url, path, options), damage).rejects.toThrow("seen");
    }
  });

  test("stateFolder false remembers nothing", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("a.bin", MIB);
    const stop = new AbortController();
    const options = desk.options({
      stateFolder: false,
      signal: stop.signal,
      onEvent: () => stop.abort(new Error("stopped")),
    });
    await expect(upload(desk.session, place.url, path, options)).rejects.toThrow("stopped");
    expect(readdirSync(desk.folder)).toEqual(["a.bin"]);
  });

  test("a server that goes away and comes back is waited for, in the middle of a file", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    const { port = 0 } = place.server.address;
    let gone: Promise<unknown> | undefined;
    place.onDurable = () => {
      gone ??= place.stop().then(() => place.start({}, port));
    };
    const options = desk.options({ chunkSize: PART, attempts: 1_000, backOff: { base: 20, cap: 20 } });
    const result = await upload(desk.session, place.url, path, options);
    await gone;
    expect(desk.told()).toContain("retry");
    expect(result.restarts).toEqual([]);
    expect(readFileSync(join(place.folder, "big.bin")).equals(readFileSync(path))).toBe(true);
  });

  test("a file that changes while it is sent is given up: never mixed from two", async () => {
    await using place = await TusPlace.with();
    await using desk = new Desk();
    const path = desk.file("big.bin", SIZE);
    place.onDurable = () => writeFileSync(path, Buffer.alloc(SIZE, "n"));
    const given = upload(desk.session, place.url, path, desk.options({ chunkSize: PART }));
    await expect(given).rejects.toMatchObject({ code: "upload/changed" });
    expect(place.names()).toEqual([]);
    expect(readdirSync(join(desk.folder, "state"))).toEqual([]);
  });
});
