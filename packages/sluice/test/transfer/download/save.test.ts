/**
 * `response.save(path, { resume: resuming() })`: an interrupted saving is gone on with, in the same call or the next, and never mixes two
 * versions; what it sends for that, in bytes.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { ClientSession, isSluiceError, makeResponse, type RequestOptions } from "../../../src/index.js";
import { resuming, resumingOn } from "../../../src/transfer/download/resuming.js";
import { type FileVersion, fileVersion, type HostileServer, noise, type Switches } from "../hostile-server.js";
import { downloadTests, folderContent, inFolder, QUICK, run, sameBytes, serve } from "./support.js";

downloadTests();

const SIZE = 300_000;
const OLD = fileVersion(noise(SIZE, "old"));
const NEW = fileVersion(noise(SIZE, "new"));
const JUST_NOW = (): string => new Date().toUTCString();
const session = new ClientSession();
/** `resuming()` but for waiting. */
const resume = resumingOn({}, QUICK);
const path = (): string => inFolder("file");

afterAll(async () => {
  await session.close();
});

async function save(server: HostileServer, options: RequestOptions = {}): Promise<number> {
  const response = await session.get(server.url, options);
  return await response.save(path(), { resume });
}

/** A saving whose server falls silent after so many bytes, and whose caller then gives up. */
async function interrupted(server: HostileServer, at = SIZE / 3): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { version } = server;
  server.switches.instead = (_n, _request, response) => {
    const { etag, lastModified, content } = version;
    response.writeHead(200, {
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { "last-modified": lastModified }),
      "content-length": content.byteLength,
    });
    response.write(content.subarray(0, at));
    return true;
  };
  const saving = session.get(server.url, { signal: controller.signal }).save(path(), { resume });
  const ended = expect(saving).rejects.toBe(reason);
  await expect.poll(() => existsSync(`${path()}.part.json`), { timeout: 15_000 }).toBe(true);
  controller.abort(reason);
  await ended;
  server.switches.instead = () => false;
  server.asked.length = 0;
}

function expectSaved(version: FileVersion): void {
  expect(sameBytes(path(), version.content)).toBe(true);
  expect(folderContent()).toEqual(["file"]);
}

describe("without a break", () => {
  test("is one request, and the file", async () => {
    const server = await serve(OLD);
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatchObject({ range: undefined, ifRange: undefined });
  });

  test("called on the request, too", async () => {
    const server = await serve(OLD);
    expect(await session.get(server.url).save(path(), { resume })).toBe(SIZE);
    expectSaved(OLD);
  });

  test.each([0, 1, 8 * 1024, 8 * 1024 + 1])("with %i bytes", async (size) => {
    const version = fileVersion(noise(size));
    const server = await serve(version);
    expect(await save(server)).toBe(size);
    expectSaved(version);
  });

  test("replaces the file that is there, and tells how far it has come", async () => {
    writeFileSync(path(), "before");
    const server = await serve(OLD);
    const seen: { transferred: number; total: number | undefined; done: boolean }[] = [];
    const response = await session.get(server.url);
    await response.save(path(), { resume, onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ transferred: SIZE, total: SIZE, done: true });
    expectSaved(OLD);
  });

  test("of an answer that is decoded on the way", async () => {
    const server = await serve(OLD, { gzip: true });
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
  });
});

describe("what it is told", () => {
  test("a checksum is looked at, and a file that has another is none", async () => {
    const server = await serve(OLD);
    const sha256 = createHash("sha256").update(OLD.content).digest("hex");
    const right = resumingOn({ checksum: { sha256 } }, QUICK);
    expect(await session.get(server.url).save(path(), { resume: right })).toBe(SIZE);
    server.version = NEW;
    const saving = session.get(server.url).save(inFolder("other"), { resume: right });
    await expect(saving).rejects.toMatchObject({ code: "download/checksum" });
    expect(folderContent()).toEqual(["file"]);
  });

  test("an answer that ends with its connection is taken only if that is said", async () => {
    const server = await serve(OLD, { framing: "connection" });
    await expect(save(server)).rejects.toMatchObject({ code: "download/unknown-end" });
    const taking = resumingOn({ allowUnknownEnd: true }, QUICK);
    expect(await session.get(server.url).save(path(), { resume: taking })).toBe(SIZE);
    expectSaved(OLD);
  });

  test("events say what happens on the way, and `fresh` forgets what is there", async () => {
    const server = await serve(OLD);
    await interrupted(server);
    const said: string[] = [];
    const fresh = resumingOn({ fresh: true, onEvent: ({ type }) => said.push(type) }, QUICK);
    expect(await session.get(server.url).save(path(), { resume: fresh })).toBe(SIZE);
    expect(said).toEqual(["target", "restarted"]);
    expect(server.asked).toHaveLength(1);
  });
});

describe("a connection that breaks", () => {
  test("is made anew for the rest, with the session's and the request's own fields and params", async () => {
    const server = await serve(OLD, { cut: (n) => (n < 4 ? 70_000 : undefined) });
    await using other = new ClientSession({ headers: { "x-session": "s" }, params: { of: "session" } });
    const response = await other.get(server.url, {
      headers: { "x-own": "o" },
      params: { key: "1" },
      cookies: { c: "2" },
    });
    expect(await response.save(path(), { resume })).toBe(SIZE);
    expectSaved(OLD);
    expect(server.asked.map(({ range }) => range)).toEqual([
      undefined,
      "bytes=70000-299999",
      "bytes=140000-299999",
      "bytes=210000-299999",
    ]);
    for (const { path: asked, headers } of server.asked) {
      expect(asked).toBe("/file.bin?of=session&key=1");
      expect(headers).toMatchObject({ "x-session": "s", "x-own": "o", cookie: "c=2" });
    }
    for (const { ifRange, headers } of server.asked.slice(1)) {
      expect(ifRange).toBe(OLD.etag);
      expect(headers["accept-encoding"]).toBe("identity");
    }
  });

  test.each([1, 1_000, 65_535, SIZE - 1])("after %i bytes: the right file", async (cut) => {
    const server = await serve(OLD, { cut: (n) => (n === 1 ? cut : undefined) });
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
  });

  const dated = (version: FileVersion, lastModified: string): FileVersion => ({
    ...version,
    etag: undefined,
    lastModified,
  });
  test.each([
    ["by its tag", OLD, NEW],
    ["by its date", dated(OLD, "Sun, 06 Nov 1994 08:49:37 GMT"), dated(NEW, "Mon, 07 Nov 1994 08:49:37 GMT")],
    ["by its size", OLD, fileVersion(noise(SIZE + 1))],
    [
      "by nothing",
      { ...OLD, etag: undefined, lastModified: undefined },
      { ...NEW, etag: undefined, lastModified: undefined },
    ],
  ])("and the file another one by then, told %s: the new one, whole", async (_how, before, after) => {
    const server = await serve(before, { cut: (n) => (n === 1 ? 100_000 : undefined) });
    server.switches.instead = (n) => {
      if (n === 2) server.version = after;
      return false;
    };
    expect(await save(server)).toBe(after.content.byteLength);
    expectSaved(after);
  });

  test.each<[string, Partial<Switches>]>([
    ["ignores ranges", { ranges: "ignored" }],
    ["forbids ranges", { ranges: "forbidden" }],
    ["hates If-Range", { ifRange: "hated" }],
    ["gives a tag of its own to each answer", { rotatingTags: true }],
    ["sends other bytes than were asked for", { part: "from-later" }],
    ["sends fewer bytes than it says", { part: "short-of-its-word" }],
    ["codes the rest", { part: "gzip" }],
    ["says nothing of how long the answer is", { framing: "chunked" }],
  ])("at a server that %s: the right file", async (_what, switches) => {
    const server = await serve(OLD, { ...switches, cut: (n) => (n === 1 ? 100_000 : undefined) });
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
  });

  test("again and again without a byte: the error, and what is there stays", async () => {
    const server = await serve(OLD, { cut: (n) => (n === 1 ? 100_000 : 0) });
    await expect(save(server)).rejects.toMatchObject({ code: "body/incomplete" });
    expect(existsSync(path())).toBe(false);
    expect(folderContent()).toEqual(["file.part", "file.part.json"]);
    expect(server.asked.length).toBeLessThan(12);
    server.switches.cut = () => undefined;
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
  });

  test("of coded bytes, kept as they are: never goes on with those of the file itself, whose tag is the same", async () => {
    const server = await serve(OLD, { gzip: true, cut: (n) => (n === 1 ? 100_000 : undefined) });
    expect(await save(server, { decompress: false })).toBe(SIZE);
    expectSaved(OLD);
    expect(server.asked.some(({ ifRange }) => ifRange !== undefined)).toBe(false);
  });
});

describe("the next saving", () => {
  test("goes on where the one before was interrupted: it asks for the rest alone", async () => {
    const server = await serve(OLD);
    await interrupted(server);
    expect(existsSync(path())).toBe(false);
    const { size } = JSON.parse(readFileSync(`${path()}.part.json`, "utf8").split("\n")[0] ?? "") as { size: number };
    expect(size).toBe(SIZE);
    expect(await save(server)).toBe(SIZE);
    expectSaved(OLD);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]?.range).toBeUndefined();
    expect(server.asked[1]?.range).toMatch(/^bytes=[1-9]\d*-299999$/);
    expect(server.asked[1]?.ifRange).toBe(OLD.etag);
  });

  test.each([
    ["another tag", NEW],
    ["another size", fileVersion(noise(SIZE + 1, "longer"))],
    ["neither tag nor date any more", { ...NEW, etag: undefined, lastModified: undefined }],
  ])("takes the answer that it has where that is of another version, with %s: one request", async (_what, version) => {
    const server = await serve(OLD);
    await interrupted(server);
    server.version = version;
    expect(await save(server)).toBe(version.content.byteLength);
    expectSaved(version);
    expect(server.asked).toHaveLength(1);
  });

  test("begins anew where the file changes between its answer and its request for the rest", async () => {
    const server = await serve(OLD);
    await interrupted(server);
    server.switches.instead = (n) => {
      if (n === 2) server.version = NEW;
      return false;
    };
    expect(await save(server)).toBe(SIZE);
    expectSaved(NEW);
  });

  test.each([
    ["a weak tag", { etag: 'W/"weak"', lastModified: undefined }],
    ["a date that is a few seconds old", { etag: undefined, lastModified: JUST_NOW() }],
    ["nothing", { etag: undefined, lastModified: undefined }],
  ])("goes on with nothing that %s alone vouches for", async (_what, given) => {
    const version = { ...OLD, ...given };
    const server = await serve(version, { cut: () => 100_000 });
    await expect(save(server)).rejects.toMatchObject({ code: "download/unstable" });
    server.switches.cut = () => undefined;
    // The same validators, another file.
    server.version = { ...NEW, ...given };
    expect(await save(server)).toBe(SIZE);
    expectSaved(NEW);
    expect(server.asked.every(({ ifRange }) => ifRange === undefined)).toBe(true);
  });

  test("leaves what `download` goes on with", async () => {
    const server = await serve(OLD);
    await interrupted(server);
    const { result } = await run(server.url, path());
    expect(result?.resumedBytes).toBeGreaterThan(0);
    expectSaved(OLD);
  });

  test("waits for nobody: a saving there that is under way keeps it out", async () => {
    const server = await serve(OLD, { drip: { every: 5, bytes: 10_000 } });
    const first = save(server);
    await expect.poll(() => existsSync(`${path()}.part`), { timeout: 15_000 }).toBe(true);
    await expect(save(server)).rejects.toMatchObject({ code: "download/locked" });
    expect(await first).toBe(SIZE);
    expectSaved(OLD);
  });
});

describe("what ends a request ends the saving", () => {
  test("its total time, counted from the first request on", async () => {
    const server = await serve(OLD, { cut: () => 0, drip: { every: 1, bytes: 1_000 } });
    server.switches.instead = (n) => n > 1;
    const saving = save(server, { timeout: { total: 300 } });
    await expect(saving).rejects.toMatchObject({ code: "timeout.total" });
    expect(existsSync(path())).toBe(false);
  });

  test("its signal, also between two requests, with its reason", async () => {
    const server = await serve(OLD, { cut: (n) => (n === 1 ? 100_000 : undefined) });
    const controller = new AbortController();
    const reason = new Error("no more");
    server.switches.instead = (n) => {
      if (n > 1) controller.abort(reason);
      return n > 1;
    };
    await expect(save(server, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("and the end of its session", async () => {
    const server = await serve(OLD, { drip: { every: 5, bytes: 1_000 } });
    const other = new ClientSession();
    const saving = other.get(server.url).save(path(), { resume });
    const failed = expect(saving).rejects.toMatchObject({ code: "session/closed" });
    await expect.poll(() => existsSync(`${path()}.part`), { timeout: 15_000 }).toBe(true);
    await other.close();
    await failed;
  });

  test("and `maxResponseSize`, over all its answers together", async () => {
    const server = await serve(OLD, { framing: "chunked", cut: () => 100_000 });
    server.switches.fields = () => ({});
    const saving = save(server, { maxResponseSize: 250_000 });
    await expect(saving).rejects.toMatchObject({ code: "body/too-large" });
    expect(existsSync(path())).toBe(false);
  });
});

describe("is refused", () => {
  test.each<[string, RequestOptions, string]>([
    ["POST", {}, "POST"],
    ["GET", { json: {} }, "has a body"],
    ["GET", { headers: { range: "bytes=0-" } }, "range"],
  ])("for what cannot be asked for again: %s %j", async (method, options, why) => {
    const server = await serve(OLD);
    const response = await session.request(method, server.url, options);
    const saving = response.save(path(), { resume });
    await expect(saving).rejects.toMatchObject({
      code: "response.not-resumable",
      message: expect.stringContaining(why) as string,
    });
    expect(folderContent()).toEqual([]);
  });

  test("for an error, which is told, and for other answers that are no file", async () => {
    const server = await serve(OLD);
    for (const [status, code] of [
      [404, "response.status"],
      [204, "download/bad-answer"],
    ] as const) {
      server.switches.instead = (_n, _request, response) => {
        response.writeHead(status).end();
        return true;
      };
      await expect(save(server)).rejects.toMatchObject({ code });
    }
    expect(folderContent()).toEqual([]);
  });

  test("where the path is a folder, or its folder is not there", async () => {
    const server = await serve(OLD);
    mkdirSync(path());
    await expect(save(server)).rejects.toMatchObject({ code: "download/target" });
    const response = await session.get(server.url);
    const saving = response.save(inFolder("none/file"), { resume });
    await expect(saving).rejects.toMatchObject({ code: "download/not-writable" });
    // The connections were given back, or closed: nothing hangs.
    await session.get(server.url).bytes();
  });

  test("with options that are none, before a byte is read", async () => {
    const server = await serve(OLD);
    const response = await session.get(server.url);
    for (const [options, code] of [
      [{ resume, resum: 1 }, "options/unknown"],
      [{ resume: true }, "options/unknown-value"],
      [{ resume, onProgress: 1 }, "options/unknown-value"],
    ] as const) {
      await expect(response.save(path(), options as never)).rejects.toMatchObject({ code });
    }
    expect(() => resuming({ segments: 2 } as never)).toThrow('Cannot use resuming option "segments"');
    expect(() => resuming({ attempts: 0 })).toThrow("attempts");
    expect(await response.bytes()).toHaveLength(SIZE);
  });

  test("an answer that a middleware has made is saved, as there is nothing to go on with", async () => {
    const made = session.get("http://a.test/file", {
      middleware: [async (request) => makeResponse(request, { body: "made here" })],
    });
    expect(await made.save(path(), { resume })).toBe(9);
    expect(readFileSync(path(), "utf8")).toBe("made here");
  });
});

test("a redirect to another origin takes neither credentials nor cookies of the request along, then or later", async () => {
  const far = await serve(OLD, { cut: (n) => (n < 3 ? 100_000 : undefined) });
  const near = await serve(OLD);
  near.switches.instead = (_n, _request, response) => {
    response.writeHead(302, { location: far.url.replace("127.0.0.1", "localhost") }).end();
    return true;
  };
  await save(near, {
    auth: { username: "u", password: "p" },
    cookies: { c: "1" },
    headers: { "x-key": "secret" },
    params: { token: "t" },
  });
  expectSaved(OLD);
  expect(near.asked).toHaveLength(1);
  expect(near.asked[0]?.headers).toMatchObject({ cookie: "c=1", "x-key": "secret" });
  expect(far.asked).toHaveLength(3);
  for (const { headers, path: asked } of far.asked) {
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBeUndefined();
    expect(headers["x-key"]).toBeUndefined();
    expect(asked).toBe("/file.bin");
  }
});

test("on the wire: what is asked for after a break, byte for byte", async () => {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("data", (bytes) => {
      seen.push(bytes.toString("latin1"));
      if (seen.length === 1) {
        socket.write('HTTP/1.1 200 OK\r\netag: "v1"\r\ncontent-length: 10\r\n\r\n01234', () => socket.destroy());
      } else {
        socket.end(
          'HTTP/1.1 206 Partial Content\r\netag: "v1"\r\ncontent-range: bytes 5-9/10\r\ncontent-length: 5\r\n\r\n56789',
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await using plain = new ClientSession({ omitHeaders: ["user-agent", "accept", "accept-encoding"] });
  const response = await plain.get(`http://127.0.0.1:${port}/f`);
  expect(await response.save(path(), { resume })).toBe(10);
  expect(readFileSync(path(), "utf8")).toBe("0123456789");
  expect(seen).toEqual([
    `GET /f HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`,
    `GET /f HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept-encoding: identity\r\nrange: bytes=5-9\r\nif-range: "v1"\r\n\r\n`,
  ]);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("errors that are ours are known as such", async () => {
  const server = await serve(OLD);
  const response = await session.post(server.url);
  const error: unknown = await response.save(path(), { resume }).catch((reason: unknown) => reason);
  expect(isSluiceError(error)).toBe(true);
});
