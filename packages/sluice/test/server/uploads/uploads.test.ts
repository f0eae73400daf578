/** What `uploads()` promises beyond the protocol: limits, names, hooks, expiry, restarts, other origins, other stores. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import type { UploadInfo } from "../../../src/server/uploads/upload-info.js";
import { uploads } from "../../../src/server/uploads/uploads.js";
import { base64, OCTETS, TUS, TusPlace } from "./tus-setup.js";

const BARE = { ...TUS, "Content-Length": "0" };
const named = (name: string, length = 1): Record<string, string> => ({
  "Upload-Length": String(length),
  "Upload-Metadata": `filename ${base64(name)}`,
});

describe("limits", () => {
  const limits = (given: object): { limits: object } => ({ limits: { minFreeBytes: 0, ...given } });

  test("maxUnfinished: at the limit created, one more is 503 with Retry-After; a completed one makes room", async () => {
    await using place = await TusPlace.with(limits({ maxUnfinished: 2 }));
    const path = await place.create({ "Upload-Length": "1" });
    await place.create({ "Upload-Length": "1" });
    const refused = await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1" });
    expect([refused.status, refused.fields["retry-after"]]).toEqual([503, "60"]);
    await place.append(path, 0, "x");
    await place.create({ "Upload-Length": "1" });
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1" })).status).toBe(503);
  });

  test("maxUnfinished counts what was there before a restart, and termination makes room", async () => {
    await using place = await TusPlace.with(limits({ maxUnfinished: 1 }));
    const path = await place.create({ "Upload-Length": "1" });
    await place.stop();
    await place.start(limits({ maxUnfinished: 1 }));
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1" })).status).toBe(503);
    await place.ask("DELETE", path, TUS);
    await place.create({ "Upload-Length": "1" });
  });

  test("maxTotalBytes: what is announced counts, to the byte; 507 beyond", async () => {
    await using place = await TusPlace.with(limits({ maxTotalBytes: 10 }));
    await place.create({ "Upload-Length": "6" });
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "5" })).status).toBe(507);
    await place.create({ "Upload-Length": "4" });
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1" })).status).toBe(507);
  });

  test("maxTotalBytes: of an upload without a length what has come counts, and a length told late", async () => {
    await using place = await TusPlace.with(limits({ maxTotalBytes: 10 }));
    const path = await place.create({ "Upload-Defer-Length": "1" });
    await place.append(path, 0, "12345");
    await place.create({ "Upload-Length": "3" });
    expect((await place.append(path, 5, "678")).status).toBe(413);
    expect((await place.append(path, 5, "", { "Upload-Length": "8" })).status).toBe(507);
    expect((await place.append(path, 5, "67", { "Upload-Length": "7" })).status).toBe(204);
  });

  test("maxMetadataBytes: at the limit taken, one more is 413, off anything goes", async () => {
    await using place = await TusPlace.with(limits({ maxMetadataBytes: 14 }));
    const create = (metadata: string) =>
      place.ask("POST", "/files", { ...BARE, "Upload-Length": "1", "Upload-Metadata": metadata });
    expect((await create("a MDEyMzQ1Njc4")).status).toBe(201);
    expect((await create("ab MDEyMzQ1Njc4")).status).toBe(413);
    await place.stop();
    await place.start(limits({ maxMetadataBytes: Number.POSITIVE_INFINITY }));
    expect((await create(`a ${"MDEy".repeat(2_000)}`)).status).toBe(201);
  });

  test("maxSize: off, nothing is said of it", async () => {
    await using place = await TusPlace.with(limits({ maxSize: Number.POSITIVE_INFINITY }));
    expect((await place.ask("OPTIONS", "/files", {})).fields).not.toHaveProperty("tus-max-size");
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1000000000000000" })).status).toBe(507);
  });

  test("minFreeBytes: an upload that would leave less on the disk is refused with 507 before a byte is sent", async () => {
    await using place = await TusPlace.with({ limits: { minFreeBytes: 2 ** 52 } });
    expect((await place.ask("POST", "/files", { ...BARE, "Upload-Length": "1" })).status).toBe(507);
    expect(place.inside()).toEqual([]);
  });

  test("maxRate: what comes faster is held back", async () => {
    const begun = performance.now();
    await using place = await TusPlace.with(limits({ maxRate: 320 * 1024 }));
    const path = await place.create({ "Upload-Length": String(192 * 1024) });
    expect((await place.append(path, 0, "x".repeat(192 * 1024))).status).toBe(204);
    // 64 KiB at once, the rest at 320 KiB a second.
    expect(performance.now() - begun).toBeGreaterThan(380);
  });

  test.each([
    [{}, "one of directory and store"],
    [{ directory: "" }, "directory has to be a path"],
    [{ directory: "x", expireAfter: 0 }, "expireAfter"],
    [{ directory: "x", limits: { maxSize: -1 } }, "maxSize"],
    [{ directory: "x", limits: { maxSize: Number.NaN } }, "maxSize"],
    [{ directory: "x", limits: { maxUnfinished: 0 } }, "maxUnfinished"],
    [{ directory: "x", limits: { maxsize: 1 } }, "maxsize"],
    [{ directory: "x", onComplete: true }, "onComplete"],
    [{ directory: "x", folder: "y" }, "folder"],
    [{ directory: "x", cors: { origins: "*" } }, "origins"],
    [{ directory: "x", cors: "*" }, "cors"],
  ])("options %j are refused, by name", (options, words) => {
    expect(() => uploads(options as never)).toThrow(words);
  });
});

describe("names of complete uploads", () => {
  test.each([
    ["../../etc/passwd", "passwd"],
    ["..\\..\\boot.ini", "boot.ini"],
    [".htaccess", "htaccess"],
    ["CON.txt", "_CON.txt"],
    ["a\u0000b\u202ec.txt", "abc.txt"],
    ["x:y|z", "x_y_z"],
  ])("%j becomes %j", async (given, safe) => {
    await using place = await TusPlace.with();
    await place.append(await place.create(named(given)), 0, "x");
    expect(place.names()).toEqual([safe]);
  });

  test("a name of nothing usable, or none, becomes the id", async () => {
    await using place = await TusPlace.with();
    const path = await place.create(named("..", 1));
    await place.append(path, 0, "x");
    expect(place.names()).toEqual([path.split("/").at(-1)]);
  });

  test("a name that is taken gets a number, and what had it stays; after nine the id", async () => {
    await using place = await TusPlace.with();
    writeFileSync(join(place.folder, "a.tar.gz"), "mine");
    mkdirSync(join(place.folder, "a.tar (2).gz"));
    for (let round = 0; round < 8; round += 1) {
      await place.append(await place.create(named("a.tar.gz")), 0, String(round));
    }
    expect(place.content("a.tar.gz")).toBe("mine");
    expect(place.content("a.tar (3).gz")).toBe("0");
    expect(place.names().filter((name) => /^a\.tar \([0-9a-f]{32}\)\.gz$/.test(name))).toHaveLength(1);
  });

  test("the option filename decides, and is made safe nevertheless", async () => {
    await using place = await TusPlace.with({ filename: ({ metadata }) => `../${metadata.get("who")}.bin` });
    const path = await place.create({ "Upload-Length": "1", "Upload-Metadata": `who ${base64("ada")}` });
    await place.append(path, 0, "x");
    expect(place.names()).toEqual(["ada.bin"]);
  });
});

describe("hooks", () => {
  test("onCreate and authorize refuse with what they throw, and nothing is done", async () => {
    const asked: string[] = [];
    await using place = await TusPlace.with({
      authorize(request, action, upload) {
        asked.push(`${action} ${upload === undefined ? "-" : upload.offset}`);
        if (request.headers.get("x-key") === "wrong") throw new HttpError(403, "Not yours");
      },
      onCreate({ filename }) {
        if (filename === "virus.exe") throw new HttpError(422, "No programs");
      },
    });
    expect((await place.ask("POST", "/files", { ...BARE, ...named("virus.exe") })).status).toBe(422);
    expect((await place.ask("POST", "/files", { ...BARE, ...named("a"), "X-Key": "wrong" })).status).toBe(403);
    expect(place.inside()).toEqual([]);
    const path = await place.create(named("a", 2));
    expect((await place.append(path, 0, "x", { "X-Key": "wrong" })).status).toBe(403);
    await place.append(path, 0, "x");
    expect((await place.ask("DELETE", path, { ...TUS, "X-Key": "wrong" })).status).toBe(403);
    expect(await place.offsetOf(path)).toBe("1");
    expect(asked.slice(-4)).toEqual(["append 0", "append 0", "terminate 1", "inspect 1"]);
  });

  test("who may not is refused before the one who may is disturbed", async () => {
    await using place = await TusPlace.with({
      authorize(request) {
        if (request.headers.get("x-key") === "wrong") throw new HttpError(403);
      },
    });
    const path = await place.create(named("quiet.txt", 4));
    const client = await place.client();
    const fields = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n";
    client.send(`PATCH ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n${fields}\r\nab`);
    expect((await place.ask("HEAD", path, { ...TUS, "X-Key": "wrong" })).status).toBe(403);
    client.send("cd");
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 204 /);
  });

  test("onProgress and onComplete are told what is durable; onComplete before the client", async () => {
    const told: string[] = [];
    await using place = await TusPlace.with({
      onProgress: ({ offset }) => told.push(`at ${offset}`),
      onComplete: async ({ place: path, filename, length }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        told.push(`${filename} ${length} ${existsSync(path ?? "")}`);
      },
    });
    const path = await place.create(named("a.txt", 5));
    await place.append(path, 0, "he");
    await place.append(path, 2, "llo");
    expect(told).toEqual(["at 2", "at 5", "a.txt 5 true"]);
  });

  test("onComplete that fails is 500 for the client, who may ask again: it is called again, with the file in its place", async () => {
    const places: (string | undefined)[] = [];
    await using place = await TusPlace.with({
      onComplete({ place: path }) {
        places.push(path);
        if (places.length < 3) throw new Error("not yet");
      },
    });
    const path = await place.create(named("a.txt"));
    expect((await place.append(path, 0, "x")).status).toBe(500);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(500);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(200);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(200);
    expect(places).toEqual([1, 2, 3].map(() => join(place.folder, "a.txt")));
    expect(place.names()).toEqual(["a.txt"]);
  });

  test("onComplete may take the file away: when it is called again, after it has failed, the upload is not held for lost", async () => {
    const places: (string | undefined)[] = [];
    await using place = await TusPlace.with({
      onComplete({ place: path }) {
        places.push(path);
        rmSync(path ?? "", { force: true });
        if (places.length < 2) throw new Error("not yet");
      },
    });
    const path = await place.create(named("a.txt"));
    expect((await place.append(path, 0, "x")).status).toBe(500);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(200);
    expect(places).toEqual([join(place.folder, "a.txt"), join(place.folder, "a.txt")]);
  });

  test.each([
    ["is gone", () => undefined],
    ["is another one", (path: string) => writeFileSync(path, "longer")],
  ])(
    "content that somebody has taken away before it was placed, when what has its name %s: an error that says so",
    async (_, put) => {
      await using place = await TusPlace.with();
      const path = await place.create(named("a.txt"));
      await place.stop();
      // As if a crash had come after the name was recorded.
      const [record = ""] = place.inside().filter((name) => name.endsWith(".json"));
      const inside = join(place.folder, ".uploads");
      const { length, ...rest } = JSON.parse(readFileSync(join(inside, record), "utf8")) as { length: number };
      writeFileSync(join(inside, record), JSON.stringify({ ...rest, length: 0, name: "a.txt" }));
      expect(length).toBe(1);
      rmSync(join(inside, record.replace(".json", ".part")));
      put(join(place.folder, "a.txt"));
      await place.start();
      expect((await place.ask("HEAD", path, TUS)).status).toBe(500);
      expect(place.errors.map(String).join()).toMatch(/upload\/content-lost|neither in .*\.part nor in .*a\.txt/);
    },
  );

  test("what onProgress and onTerminate throw goes to onError, and hurts nobody", async () => {
    const told: string[] = [];
    await using place = await TusPlace.with({
      onProgress() {
        throw new Error("progress");
      },
      onTerminate(upload, reason) {
        told.push(`${upload.offset} ${reason}`);
        throw new Error("terminate");
      },
    });
    const path = await place.create(named("a.txt", 2));
    expect((await place.append(path, 0, "x")).status).toBe(204);
    expect((await place.ask("DELETE", path, TUS)).status).toBe(204);
    expect(told).toEqual(["1 client"]);
    expect(place.errors.map(String)).toEqual(["Error: progress", "Error: terminate"]);
  });
});

describe("expiry", () => {
  test("answers say when; every byte puts it off; what has expired is 410, and swept", async () => {
    const clock = new ManualClock();
    const ended: [UploadInfo["offset"], string][] = [];
    const options = {
      clock,
      expireAfter: 60_000,
      onTerminate: (upload: UploadInfo, why: string) => ended.push([upload.offset, why]),
    };
    await using place = await TusPlace.with(options as never);
    const created = await place.ask("POST", "/files", { ...BARE, "Upload-Length": "2" });
    const path = created.fields["location"] ?? "";
    expect(Date.parse(created.fields["upload-expires"] ?? "")).toBe(
      Math.floor((clock.wallTime() + 60_000) / 1000) * 1000,
    );
    clock.advance(50_000);
    const appended = await place.append(path, 0, "x");
    expect(Date.parse(appended.fields["upload-expires"] ?? "")).toBe(
      Math.floor((clock.wallTime() + 60_000) / 1000) * 1000,
    );
    clock.advance(59_000);
    expect(await place.offsetOf(path)).toBe("1");
    clock.advance(2_000);
    expect((await place.ask("HEAD", path, TUS)).status).toBe(410);
    expect(ended).toEqual([[1, "expired"]]);
    expect(place.inside()).toEqual([]);
  });

  test("the sweep removes what nobody asks for, and of complete uploads the record alone", async () => {
    const clock = new ManualClock();
    await using place = await TusPlace.with({ clock, expireAfter: 60_000 });
    await place.create({ "Upload-Length": "2" });
    await place.append(await place.create(named("kept.txt")), 0, "x");
    expect(place.inside()).toHaveLength(5);
    clock.advance(90_000);
    await expect.poll(() => place.inside(), { timeout: 10_000 }).toEqual([]);
    expect(place.names()).toEqual(["kept.txt"]);
  });

  test("Infinity: never, and nothing is said of it", async () => {
    const clock = new ManualClock();
    await using place = await TusPlace.with({ clock, expireAfter: Number.POSITIVE_INFINITY });
    const created = await place.ask("POST", "/files", { ...BARE, "Upload-Length": "2" });
    expect(created.fields).not.toHaveProperty("upload-expires");
    clock.advance(10 ** 12);
    expect(await place.offsetOf(created.fields["location"] ?? "")).toBe("0");
  });
});

describe("restarts", () => {
  test("an upload goes on where it was", async () => {
    await using place = await TusPlace.with();
    const path = await place.create(named("a.txt", 11));
    await place.append(path, 0, "hello ");
    await place.stop();
    await place.start();
    expect(await place.offsetOf(path)).toBe("6");
    await place.append(path, 6, "world");
    expect(place.content("a.txt")).toBe("hello world");
  });

  test("what was complete without having been placed is placed at the start", async () => {
    let broken = true;
    const onComplete = (): void => {
      if (broken) throw new Error("broken");
    };
    await using place = await TusPlace.with({ onComplete });
    await place.append(await place.create(named("a.txt")), 0, "x");
    await place.stop();
    broken = false;
    await place.start({ onComplete, limits: { maxUnfinished: 1, minFreeBytes: 0 } });
    // It counts no more.
    await place.create({ "Upload-Length": "1" });
  });

  test("files that belong to no upload are removed, what is not ours is left alone", async () => {
    await using place = await TusPlace.with();
    await place.stop();
    const inside = join(place.folder, ".uploads");
    for (const name of ["a.part", "a.mark", "b.json.new", "notes.txt"]) writeFileSync(join(inside, name), "x");
    await place.start();
    expect(readdirSync(inside)).toEqual(["notes.txt"]);
  });

  test("a damaged record is reported, and keeps nobody from the others", async () => {
    await using place = await TusPlace.with();
    const path = await place.create(named("a.txt"));
    await place.stop();
    writeFileSync(join(place.folder, ".uploads", `${"f".repeat(32)}.json`), "{");
    await place.start();
    expect(place.errors.map(String).join()).toContain("it is damaged");
    expect(await place.offsetOf(path)).toBe("0");
    expect((await place.ask("HEAD", `/files/${"f".repeat(32)}`, TUS)).status).toBe(500);
  });
});

describe("other origins", () => {
  const ORIGIN = { Origin: "https://page.example" };

  test("without cors nothing is said to them", async () => {
    await using place = await TusPlace.with();
    const { fields } = await place.ask("OPTIONS", "/files", { ...ORIGIN, "Access-Control-Request-Method": "POST" });
    expect(fields).not.toHaveProperty("access-control-allow-origin");
  });

  test("with cors a preflight is answered, and answers show scripts what the protocol needs, errors too", async () => {
    await using place = await TusPlace.with({ cors: true });
    const preflight = await place.ask("OPTIONS", "/files", {
      ...ORIGIN,
      "Access-Control-Request-Method": "PATCH",
      "Access-Control-Request-Headers": "tus-resumable,upload-offset",
    });
    expect(preflight.fields).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST, HEAD, PATCH, DELETE",
      "access-control-allow-headers": "tus-resumable,upload-offset",
    });
    const created = await place.ask("POST", "/files", { ...BARE, ...ORIGIN, "Upload-Length": "1" });
    const exposed = created.fields["access-control-expose-headers"] ?? "";
    for (const name of ["Location", "Upload-Offset", "Upload-Length", "Upload-Expires"])
      expect(exposed).toContain(name);
    expect((await place.ask("HEAD", `/files/${"0".repeat(32)}`, { ...TUS, ...ORIGIN })).fields).toMatchObject({
      "access-control-allow-origin": "*",
    });
  });

  test("with one origin allowed another is not", async () => {
    await using place = await TusPlace.with({ cors: { origin: "https://other.example" } });
    const { fields } = await place.ask("POST", "/files", { ...BARE, ...ORIGIN, "Upload-Length": "1" });
    expect(fields).not.toHaveProperty("access-control-allow-origin");
  });
});

test("in-process, without a server: app.fetch", async () => {
  await using place = await TusPlace.with();
  const app = new Application().mount("/up/:who", uploads({ directory: place.folder, limits: { minFreeBytes: 0 } }));
  const headers = { ...OCTETS, ...named("fetched.txt", 5) };
  const made = await app.fetch(new Request("http://localhost/up/ada/", { method: "POST", headers, body: "hello" }));
  expect([made.status, made.headers.get("location")?.slice(0, 8)]).toEqual([201, "/up/ada/"]);
  expect(place.content("fetched.txt")).toBe("hello");
});
