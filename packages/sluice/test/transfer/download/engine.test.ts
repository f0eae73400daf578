/** What a download does besides not being deceived: names, checksums, conditions, signed URLs, rates, progress, ends. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ClientSession } from "../../../src/index.js";
import type { DownloadProgress } from "../../../src/transfer/download/download-progress.js";
import { RateLimiter } from "../../../src/transfer/rate-limiter.js";
import { startDownload } from "../../../src/transfer.js";
import { fileVersion, noise } from "../hostile-server.js";
import { begin, downloadTests, folderContent, inFolder, run, sameBytes, serve } from "./support.js";

downloadTests();

const FILE = fileVersion(noise(200_000));
const sha256 = createHash("sha256").update(FILE.content).digest("hex");
const base64 = createHash("sha256").update(FILE.content).digest("base64");
const SEGMENTS = { segments: 4, minSegmentSize: 64 * 1024 } as const;

describe("where it goes", () => {
  test("into a folder, called as the URL says", async () => {
    const server = await serve(FILE);
    const { result } = await run(server.url, inFolder("."));
    expect(result?.path).toBe(inFolder("file.bin"));
    expect(sameBytes(inFolder("file.bin"), FILE.content)).toBe(true);
  });

  test.each([
    ['attachment; filename="../../etc/passwd"', "passwd"],
    ["attachment; filename*=UTF-8''%e2%82%ac%20rates.csv", "€ rates.csv"],
    ['attachment; filename=".bashrc"', "bashrc"],
    ['attachment; filename="con.txt"', "_con.txt"],
    ['attachment; filename=".."', "file.bin"],
  ])("into a folder, called as the server says, made safe: %s", async (disposition, name) => {
    const server = await serve(FILE, { fields: () => ({ "content-disposition": disposition }) });
    const { error } = await run(server.url, inFolder("."));
    expect(error).toBeUndefined();
    expect(folderContent()).toEqual([name]);
  });

  test("a name that the server chose replaces nothing, unless that is allowed", async () => {
    const server = await serve(FILE, { fields: () => ({ "content-disposition": "attachment; filename=mine.txt" }) });
    writeFileSync(inFolder("mine.txt"), "mine");
    const refused = await run(server.url, inFolder("."));
    expect(refused.error).toMatchObject({ code: "download/exists" });
    expect(readFileSync(inFolder("mine.txt"), "utf8")).toBe("mine");
    expect((await run(server.url, inFolder("."), { overwrite: true })).error).toBeUndefined();
    expect(sameBytes(inFolder("mine.txt"), FILE.content)).toBe(true);
  });

  test("a file that was named is replaced when the new one is whole, unless that is forbidden", async () => {
    const server = await serve(FILE);
    writeFileSync(inFolder("file"), "before");
    expect((await run(server.url, inFolder("file"), { overwrite: false })).error).toMatchObject({
      code: "download/exists",
    });
    expect(server.asked).toEqual([]);
    expect((await run(server.url, inFolder("file"))).error).toBeUndefined();
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test("through a link to what it leads to; a name of the server's replaces the link itself", async () => {
    const server = await serve(FILE);
    writeFileSync(inFolder("real"), "before");
    symlinkSync(inFolder("real"), inFolder("link"));
    await run(server.url, inFolder("link"));
    expect(sameBytes(inFolder("real"), FILE.content)).toBe(true);
    symlinkSync("/dev/null", inFolder("file.bin"));
    const refused = await run(server.url, inFolder("."));
    expect(refused.error).toMatchObject({ code: "download/exists" });
  });

  test("of a relative URL, which the session's base completes", async () => {
    const server = await serve(FILE);
    await using session = new ClientSession({ baseUrl: `${server.origin}/` });
    const { path } = await startDownload(session, "file.bin", inFolder("."), { ifChanged: true }).result;
    expect(path).toBe(inFolder("file.bin"));
  });

  test("what is left in a folder is gone on with", async () => {
    let broken = true;
    const server = await serve(FILE, { cut: () => (broken ? 80_000 : undefined) });
    await run(server.url, inFolder("."), { attempts: 1 });
    broken = false;
    const { result } = await run(server.url, inFolder("."));
    expect(result?.resumedBytes).toBeGreaterThanOrEqual(80_000);
    expect(sameBytes(inFolder("file.bin"), FILE.content)).toBe(true);
  });

  test.each(["file.bin.part", "file.bin.part.json", "FILE.bin.PART.lock"])(
    "of a name that an unfinished download has (%s), called differently: what is unfinished is nobody else's",
    async (name) => {
      let broken = true;
      const genuine = await serve(FILE, { cut: () => (broken ? 80_000 : undefined) });
      await run(genuine.url, inFolder("."), { attempts: 1 });
      const before = folderContent().map((each) => readFileSync(inFolder(each), "latin1"));
      const foreign = await serve(fileVersion(noise(200_000, "foreign")));
      const field = await serve(FILE, {
        instead: (_n, _request, response) => {
          response.writeHead(200, { "content-disposition": `attachment; filename="${name}"` }).end("{}");
          return true;
        },
      });
      expect((await run(`${foreign.origin}/${name}`, inFolder("."))).result?.path).toBe(inFolder(`${name}_`));
      rmSync(inFolder(`${name}_`));
      expect((await run(field.url, inFolder("."), { allowUnknownEnd: true })).result?.path).toBe(inFolder(`${name}_`));
      rmSync(inFolder(`${name}_`));
      expect(folderContent().map((each) => readFileSync(inFolder(each), "latin1"))).toEqual(before);
      broken = false;
      await run(genuine.url, inFolder("."));
      expect(sameBytes(inFolder("file.bin"), FILE.content)).toBe(true);
    },
  );

  test.each([
    ["", "expected the path of a file or a folder"],
    [new URL("https://example.com/x"), "expected the path of a file or a folder"],
    [undefined as unknown as string, "expected the path of a file or a folder"],
    ["a\0b", "there is a NUL character in it"],
  ])("not to %j, which is no path", async (target, message) => {
    const { error } = await run("http://127.0.0.1:1/", target);
    expect(error).toMatchObject({ code: "download/target", message: expect.stringContaining(message) as string });
  });

  test("not into what is no file, nor where there is no folder", async () => {
    const server = await serve(FILE);
    mkdirSync(inFolder("folder"));
    expect((await run(server.url, "/dev/null")).error).toMatchObject({ code: "download/target" });
    expect((await run(server.url, inFolder("nowhere/"))).error).toMatchObject({ code: "download/target" });
    expect((await run(server.url, inFolder("nowhere/file"))).error).toMatchObject({
      code: "download/not-writable",
      message: `Cannot download to ${inFolder("nowhere/file")}: there is no folder ${inFolder("nowhere")}; make it first`,
    });
    writeFileSync(inFolder("plain"), "");
    const below = (await run(server.url, inFolder("plain/file"))).error;
    expect(below).toMatchObject({
      code: "download/target",
      message: expect.stringContaining("is a file where") as string,
    });
    expect(server.asked).toEqual([]);
  });

  test("gets the time of its last change from the server, or not", async () => {
    const server = await serve(FILE);
    await run(server.url, inFolder("file"));
    expect(statSync(inFolder("file")).mtime.toUTCString()).toBe(FILE.lastModified);
    await run(server.url, inFolder("file"), { modifiedTime: false });
    expect(Date.now() - statSync(inFolder("file")).mtimeMs).toBeLessThan(60_000);
  });
});

describe("checksums", () => {
  test.each([
    [{ sha256 }],
    [{ sha256: base64 }],
    [{ sha256: sha256.toUpperCase(), md5: createHash("md5").update(FILE.content).digest("hex") }],
  ])("right: %o", async (checksum) => {
    const server = await serve(FILE);
    const { result } = await run(server.url, inFolder("file"), { ...SEGMENTS, checksum });
    expect(result?.verified).toEqual(Object.keys(checksum));
  });

  test("wrong: an error, and nothing is kept", async () => {
    const server = await serve(FILE);
    const { error } = await run(server.url, inFolder("file"), { checksum: { sha256: "0".repeat(64) } });
    expect(error).toMatchObject({ code: "download/checksum" });
    expect(String(error)).toContain(sha256);
    expect(folderContent()).toEqual([]);
  });

  test("wrong because what was there has gone bad: fetched once more, and right", async () => {
    let broken = true;
    const server = await serve(FILE, { cut: () => (broken ? 80_000 : undefined) });
    await run(server.url, inFolder("file"), { attempts: 1 });
    const part = readFileSync(inFolder("file.part"));
    part[10] = (part[10] ?? 0) ^ 1;
    writeFileSync(inFolder("file.part"), part);
    broken = false;
    const outcome = await run(server.url, inFolder("file"), { checksum: { sha256 } });
    expect(outcome.result?.restarts).toEqual(["checksum"]);
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test.each(["repr-digest", "content-digest"])("of the server's own, in %s: right, and wrong", async (field) => {
    let digest = base64;
    const server = await serve(FILE, { fields: () => ({ [field]: `sha-256=:${digest}:, unixsum=:AAA=:` }) });
    expect((await run(server.url, inFolder("file"))).result?.verified).toEqual(["sha256"]);
    expect(server.asked[0]?.headers["want-repr-digest"]).toBe("sha-256=10, sha-512=5");
    digest = createHash("sha256").update("another").digest("base64");
    expect((await run(server.url, inFolder("other"))).error).toMatchObject({ code: "download/checksum" });
    expect(folderContent()).toEqual(["file"]);
  });

  test("one that proves an answer without a length complete", async () => {
    const server = await serve(FILE, { ranges: "ignored", framing: "connection" });
    expect((await run(server.url, inFolder("file"), { checksum: { sha256 } })).error).toBeUndefined();
  });

  test.each([{ sha256: "12" }, { sha256: "zz".repeat(32) }, { crc32: "00000000" }])(
    "that is none is refused: %o",
    async (checksum) => {
      const { error } = await run("http://127.0.0.1:1/", inFolder("file"), { checksum });
      expect(error).toMatchObject({ name: "UsageError" });
    },
  );
});

describe("only if it has changed", () => {
  test("asked by the noted tag: 304, and nothing is downloaded", async () => {
    const server = await serve(FILE);
    expect((await run(server.url, inFolder("file"), { ifChanged: true })).result?.status).toBe("complete");
    expect(folderContent()).toEqual([".file.sluice.json", "file"]);
    server.sent = 0;
    const second = await run(server.url, inFolder("file"), { ifChanged: true });
    expect(second.result).toMatchObject({ status: "unchanged", size: 200_000 });
    expect(server.asked.at(-1)?.headers["if-none-match"]).toBe(FILE.etag);
    expect(server.sent).toBe(0);
  });

  test("it has: the new file", async () => {
    const server = await serve(FILE);
    await run(server.url, inFolder("."), { ifChanged: true });
    server.version = fileVersion(noise(200_000, "new"));
    const second = await run(server.url, inFolder("."), { ifChanged: true });
    expect(second.result?.status).toBe("complete");
    expect(sameBytes(inFolder("file.bin"), server.version.content)).toBe(true);
  });

  test("somebody has changed it here: fetched anew, whatever the server says", async () => {
    const server = await serve(FILE);
    await run(server.url, inFolder("file"), { ifChanged: true });
    writeFileSync(inFolder("file"), "changed here");
    expect((await run(server.url, inFolder("file"), { ifChanged: true })).result?.status).toBe("complete");
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test("without a note date and size decide; either another is another file", async () => {
    const server = await serve(FILE);
    await run(server.url, inFolder("file"));
    expect((await run(server.url, inFolder("file"), { ifChanged: true })).result?.status).toBe("unchanged");
    utimesSync(inFolder("file"), new Date(), new Date());
    expect((await run(server.url, inFolder("file"), { ifChanged: true })).result?.status).toBe("complete");
  });

  test("at a server that knows no conditions, its tag is compared", async () => {
    const server = await serve(FILE);
    await run(server.url, inFolder("file"), { ifChanged: true });
    server.switches.instead = (_n, request) => {
      delete request.headers["if-none-match"];
      return false;
    };
    expect((await run(server.url, inFolder("file"), { ifChanged: true })).result?.status).toBe("unchanged");
  });
});

describe("URLs that lead elsewhere, and run out", () => {
  test("segments ask the place that answered, not the URL that led there", async () => {
    const server = await serve(FILE, {
      instead: (_n, request, response) => {
        if (request.url !== "/latest") return false;
        response.writeHead(302, { location: "/file.bin" }).end();
        return true;
      },
    });
    await run(`${server.origin}/latest`, inFolder("file"), SEGMENTS);
    expect(server.asked.filter(({ path }) => path === "/latest")).toHaveLength(1);
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test.each([401, 403, 410])("a place that runs out (%i) is found anew, and it goes on", async (status) => {
    let ticket = 0;
    const server = await serve(FILE, {
      cut: (n) => (n < 5 ? 50_000 : undefined),
      instead: (_n, request, response) => {
        if (request.url === "/latest") {
          ticket += 1;
          response.writeHead(302, { location: `/file.bin?ticket=${ticket}` }).end();
          return true;
        }
        const [, given] = /ticket=(\d+)/.exec(request.url ?? "") ?? [];
        if (request.headers.range === "bytes=0-" || Number(given) > 1) return false;
        response.writeHead(status).end();
        return true;
      },
    });
    const outcome = await run(`${server.origin}/latest`, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(outcome.events).toContainEqual({ type: "renewed" });
    expect(outcome.result?.restarts).toEqual([]);
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test("a function that finds URLs is asked again when one has run out", async () => {
    let made = 0;
    const server = await serve(FILE, {
      cut: (n) => (n === 1 ? 50_000 : undefined),
      instead: (_n, request, response) => {
        if (request.headers.range === "bytes=0-" || request.url !== "/1") return false;
        response.writeHead(403).end();
        return true;
      },
    });
    const outcome = await run(() => {
      made += 1;
      return `${server.origin}/${made}`;
    }, inFolder("file"));
    expect(outcome.error).toBeUndefined();
    expect(made).toBe(2);
  });

  test("one that cannot be found anew ends it, and so does one that has run out just now", async () => {
    const server = await serve(FILE, {
      instead: (_n, _request, response) => {
        response.writeHead(403).end();
        return true;
      },
    });
    expect((await run(server.url, inFolder("file"))).error).toMatchObject({ status: 403 });
    expect((await run(() => server.url, inFolder("other"))).error).toMatchObject({ status: 403 });
    expect(server.asked).toHaveLength(2);
  });

  test("fields of the caller's stay at the origin that was asked, but those that say nothing of who asks", async () => {
    const elsewhere = await serve(fileVersion(noise(900_000)));
    const server = await serve(FILE, {
      instead: (_n, _request, response) => {
        response.writeHead(307, { location: elsewhere.url }).end();
        return true;
      },
    });
    const headers = { authorization: "Bearer secret", cookie: "a=1", "x-key": "k", "accept-language": "de" };
    const { error } = await run(server.url, inFolder("file"), { ...SEGMENTS, headers });
    expect(error).toBeUndefined();
    expect(server.asked[0]?.headers).toMatchObject(headers);
    expect(elsewhere.asked.length).toBeGreaterThan(2);
    for (const asked of elsewhere.asked) {
      expect(asked.headers["accept-language"]).toBe("de");
      for (const name of ["authorization", "cookie", "x-key"]) expect(asked.headers).not.toHaveProperty(name);
    }
  });
});

test("what the session sends of its own stays at that origin as well", async () => {
  const elsewhere = await serve(fileVersion(noise(900_000)));
  const server = await serve(FILE, {
    instead: (_n, _request, response) => {
      response.writeHead(307, { location: elsewhere.url }).end();
      return true;
    },
  });
  await using session = new ClientSession({
    auth: { bearer: "secret" },
    headers: { "x-key": "k" },
    params: { key: "value" },
  });
  await startDownload(session, server.url, inFolder("file"), SEGMENTS).result;
  expect(server.asked[0]).toMatchObject({ path: "/file.bin?key=value", headers: { authorization: "Bearer secret" } });
  expect(elsewhere.asked.length).toBeGreaterThan(2);
  for (const { headers, path } of elsewhere.asked) {
    expect(path).toBe("/file.bin");
    for (const name of ["authorization", "x-key"]) expect(headers).not.toHaveProperty(name);
  }
});

describe("rate, progress, end", () => {
  test("two downloads with one limiter share its rate", async () => {
    const server = await serve(FILE);
    const rateLimit = new RateLimiter(800_000);
    const start = performance.now();
    await Promise.all([run(server.url, inFolder("a"), { rateLimit }), run(server.url, inFolder("b"), { rateLimit })]);
    // 400,000 bytes, of which 200,000 may come at once.
    expect(performance.now() - start).toBeGreaterThan(200);
    expect(sameBytes(inFolder("a"), FILE.content) && sameBytes(inFolder("b"), FILE.content)).toBe(true);
  });

  test("tells how far it is, as events and by iteration, up to the end", async () => {
    const server = await serve(FILE, { drip: { every: 20, bytes: 5_000 } });
    const told: DownloadProgress[] = [];
    const task = begin(server.url, inFolder("file"), { ...SEGMENTS, segments: 2, onProgress: (one) => told.push(one) });
    const iterated: DownloadProgress[] = [];
    for await (const progress of task) iterated.push(progress);
    expect(told.at(-1)).toMatchObject({
      state: "done",
      done: true,
      kept: 0,
      transferred: 200_000,
      total: 200_000,
      remaining: 0,
    });
    expect(iterated.at(-1)).toMatchObject({ state: "done" });
    const [first] = iterated.filter(({ state }) => state === "downloading");
    expect(first?.total).toBe(200_000);
    expect(Math.max(...told.map(({ segments }) => segments.length))).toBe(2);
    expect(first?.rate).toBeGreaterThan(0);
    expect(told.at(-1)?.received).toEqual([{ start: 0, end: 200_000 }]);
    for (const [at, { transferred }] of iterated.entries()) {
      expect(transferred).toBeGreaterThanOrEqual(iterated[at - 1]?.transferred ?? 0);
    }
  });

  test("waits for another try, before the first byte and amidst, and downloads when one comes", async () => {
    const server = await serve(FILE, {
      drip: { every: 5, bytes: 5_000 },
      cut: (n) => (n === 2 ? 50_000 : undefined),
      instead: (n, _request, response) => {
        if (n !== 1 && n !== 3) return false;
        response.writeHead(503).end();
        return true;
      },
    });
    const task = begin(server.url, inFolder("file"), {}, { random: () => 0.5 });
    const until = async (holds: (progress: DownloadProgress) => boolean): Promise<DownloadProgress> => {
      while (!holds(task.progress)) await new Promise((resolve) => setTimeout(resolve, 2));
      return task.progress;
    };
    expect((await until(({ state }) => state === "waiting")).transferred).toBe(0);
    expect((await until(({ transferred }) => transferred > 0)).state).toBe("downloading");
    expect((await until(({ state }) => state === "waiting")).transferred).toBe(50_000);
    expect((await until(({ transferred }) => transferred > 50_000)).state).toBe("downloading");
    await task.result;
  });

  test("names the place before anything is written there; a listener's objection ends it, and nothing is left", async () => {
    const server = await serve(FILE);
    const objection = new Error("not there");
    const seen: unknown[] = [];
    for (const target of [inFolder("file"), inFolder(".")]) {
      const task = begin(server.url, target, {
        onEvent: (event) => {
          seen.push(event, folderContent());
          throw objection;
        },
      });
      await expect(task.result).rejects.toBe(objection);
    }
    expect(seen).toEqual([
      { type: "target", path: inFolder("file") },
      [],
      { type: "target", path: inFolder("file.bin") },
      [],
    ]);
    expect(folderContent()).toEqual([]);
  });

  test("tells what a later run can go on with: nothing at a server that marks no version, or gives no ranges", async () => {
    for (const [etag, ranges, least] of [
      ['"one"', undefined, 50_000],
      [undefined, undefined, 0],
      ['"one"', "ignored", 0],
    ] as const) {
      const version = { ...FILE, etag, lastModified: undefined };
      const server = await serve(version, { cut: () => 50_000, ...(ranges && { ranges }) });
      const task = begin(server.url, inFolder(`${etag ?? "no"} ${ranges}`), { attempts: 1 });
      await task.result.catch(() => undefined);
      expect(task.progress.kept).toBe(least);
    }
    expect(
      folderContent().filter((name) => name.startsWith("no")),
      "bytes that nobody can go on with",
    ).toEqual([]);
  });

  test("an abort rejects with its reason, and leaves what can be gone on with, to the byte", async () => {
    const server = await serve(FILE, { drip: { every: 2, bytes: 5_000 } });
    const controller = new AbortController();
    const reason = new Error("enough");
    const task = begin(server.url, inFolder("file"), { signal: controller.signal }, { saveInterval: 60_000 });
    while (task.progress.transferred < 50_000) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort(reason);
    await expect(task.result).rejects.toBe(reason);
    expect(folderContent()).toEqual(["file.part", "file.part.json"]);
    const { transferred } = task.progress;
    server.switches.drip = undefined;
    const { result } = await run(server.url, inFolder("file"));
    expect(result?.resumedBytes).toBe(transferred);
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test("close() ends it and resolves when all is on the disk; afterwards it does nothing", async () => {
    const server = await serve(FILE, { drip: { every: 2, bytes: 5_000 } });
    const task = begin(server.url, inFolder("file"));
    while (task.progress.transferred < 20_000) await new Promise((resolve) => setTimeout(resolve, 2));
    await task.close();
    expect(folderContent()).toEqual(["file.part", "file.part.json"]);
    await expect(task.result).rejects.toMatchObject({ name: "AbortError" });
    await task.close();
  });

  test("before it has begun: an aborted signal sends nothing and leaves nothing", async () => {
    const server = await serve(FILE);
    const { error } = await run(server.url, inFolder("file"), { signal: AbortSignal.abort("no") });
    expect(error).toBe("no");
    expect(server.asked).toEqual([]);
    expect(folderContent()).toEqual([]);
  });

  test("what a listener throws ends it with just that", async () => {
    const server = await serve(FILE, { drip: { every: 5, bytes: 2_000 } });
    const error = new Error("mine");
    const task = begin(server.url, inFolder("file"), {
      onProgress: () => {
        throw error;
      },
    });
    await expect(task.result).rejects.toBe(error);
  });

  test("`fresh` forgets what is there", async () => {
    let broken = true;
    const server = await serve(FILE, { cut: () => (broken ? 80_000 : undefined) });
    await run(server.url, inFolder("file"), { attempts: 1 });
    broken = false;
    const outcome = await run(server.url, inFolder("file"), { fresh: true });
    expect(outcome.result).toMatchObject({ resumedBytes: 0, restarts: ["asked"] });
  });

  test.each([
    ["record", ".part.json", "{}"],
    ["record", ".part.json", ""],
    ["part", ".part", "short"],
  ])("a damaged %s (%s): anew, with that reason", async (reason, suffix, text) => {
    let broken = true;
    const server = await serve(FILE, { cut: () => (broken ? 80_000 : undefined) });
    await run(server.url, inFolder("file"), { attempts: 1 });
    writeFileSync(inFolder(`file${suffix}`), text);
    broken = false;
    const outcome = await run(server.url, inFolder("file"));
    expect(outcome.result).toMatchObject({ resumedBytes: 0, restarts: [reason] });
    expect(sameBytes(inFolder("file"), FILE.content)).toBe(true);
  });

  test("options that cannot be are refused at once, by name", async () => {
    await using session = new ClientSession();
    const wrong = [
      { segments: 0 },
      { segments: 17 },
      { segments: 1.5 },
      { rateLimit: 0 },
      { attempts: 0 },
      { stallTimeout: 0 },
    ];
    for (const options of [...wrong, { minSegmentSize: 65_535 }, { maxRetryAfter: -1 }, { segmnts: 2 } as object]) {
      expect(() => startDownload(session, "http://127.0.0.1:1/", inFolder("file"), options)).toThrow(
        expect.objectContaining({ name: "UsageError" }) as Error,
      );
    }
    expect(existsSync(inFolder("file.part.lock"))).toBe(false);
  });
});
