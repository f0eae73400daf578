import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { OpenFile } from "../../../src/platform/open-file.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { asFileFault } from "../../../src/server/static/file-faults.js";
import { ask } from "../fake-exchange.js";
import { makeFolder, removeFolders, Site, write } from "./static-setup.js";

const POSIX = process.platform !== "win32";

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(removeFolders);

describe("a path that is a trick", () => {
  test.each([
    ...[
      "/s/../secret",
      "/s/a/../../secret",
      "/s/%2e%2e/secret",
      "/s/%2E%2E%2Fsecret",
      "/s/..%2fsecret",
      "/s/..%5csecret",
    ],
    ...[
      "/s/.%2e/secret",
      "/s/%252e%252e/secret",
      "/s//secret",
      "/s///etc/passwd",
      "/s/%2fetc%2fpasswd",
      "/s/etc/passwd",
    ],
    ...[
      "/s/%5c%5cserver%5cshare",
      "/s/..\\secret",
      "/s/a.txt%00",
      "/s/a.txt%00.html",
      "/s/%c0%ae%c0%ae/secret",
      "/s/%ff",
    ],
    ...[
      "/s/C:/secret",
      "/s/c%3a%5csecret",
      "/s/CON",
      "/s/nul.txt",
      "/s/COM1",
      "/s/a.txt::$DATA",
      "/s/a.txt:x",
      "/s/.env",
    ],
    ...[
      "/s/a.txt.",
      "/s/a.txt%20",
      "/s/~root",
      "/s/..;/secret",
      "/s/.../secret",
      `/s/${"x".repeat(5_000)}`,
      `/s/${"a/".repeat(500)}`,
    ],
  ])("%s is 404", async (path) => {
    const folder = makeFolder({ "public/a.txt": "public", "public/.env": "secret", secret: "secret" });
    const site = new Site(join(folder, "public"), { listing: true, fallback: "a.txt", extensions: ["html"] });
    const answer = await site.get(path);
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain("secret\n");
    expect(site.errors).toEqual([]);
  });

  test("in the absolute form is no better", async () => {
    const site = new Site(makeFolder({ "a.txt": "a" }));
    expect((await site.get("http://example.com/s/../x")).status).toBe(404);
    expect((await site.get("http://example.com/s/a.txt")).text).toBe("a");
  });
});

describe.skipIf(!POSIX)("symbolic links", () => {
  function linked(): string {
    const folder = makeFolder({
      "root/real.txt": "real",
      "root/sub/x.txt": "x",
      secret: "secret",
      "outside/y.txt": "y",
      "root2/z": "z",
    });
    const root = join(folder, "root");
    symlinkSync("real.txt", join(root, "inside.txt"));
    symlinkSync("sub", join(root, "inside"));
    symlinkSync(join(folder, "secret"), join(root, "out.txt"));
    symlinkSync(join(folder, "outside"), join(root, "out"));
    symlinkSync("../root2", join(root, "sibling"));
    symlinkSync("loop", join(root, "loop"));
    symlinkSync("nowhere", join(root, "dangling"));
    symlinkSync(join(folder, "secret"), join(root, "real.txt.gz"));
    return root;
  }

  test("are followed within the folder, and lead nowhere beyond it", async () => {
    const site = new Site(linked(), { precompressed: true, listing: true });
    expect((await site.get("/s/inside.txt")).text).toBe("real");
    expect((await site.get("/s/inside/x.txt")).text).toBe("x");
    for (const path of ["out.txt", "out/y.txt", "out", "out/", "sibling/z", "loop", "dangling"]) {
      expect((await site.get(`/s/${path}`)).status).toBe(404);
    }
    expect((await site.get("/s/real.txt", { "Accept-Encoding": "gzip" })).text).toBe("real");
    const { text } = await site.get("/s/", { Accept: "application/json" });
    const names = (JSON.parse(text) as { entries: { name: string }[] }).entries.map(({ name }) => name);
    expect(names).toEqual(["inside", "sub", "inside.txt", "real.txt"]);
  });

  test("are followed anywhere, or not at all, where the application says so", async () => {
    const root = linked();
    const following = new Site(root, { links: "follow" });
    expect((await following.get("/s/out.txt")).text).toBe("secret");
    expect((await following.get("/s/out/y.txt")).text).toBe("y");
    const refusing = new Site(root, { links: "refuse" });
    for (const path of ["inside.txt", "inside/x.txt", "out.txt"])
      expect((await refusing.get(`/s/${path}`)).status).toBe(404);
    expect((await refusing.get("/s/sub/x.txt")).text).toBe("x");
  });

  test("as the folder itself are followed anew: a deployment switches it", async () => {
    const folder = makeFolder({ "1/a.txt": "one", "2/a.txt": "two" });
    symlinkSync("1", join(folder, "current"));
    const site = new Site(join(folder, "current"), { links: "refuse" });
    expect((await site.get("/s/a.txt")).text).toBe("one");
    symlinkSync("2", join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "current"));
    site.clock.advance(1_000);
    expect((await site.get("/s/a.txt")).text).toBe("two");
  });
});

describe.skipIf(!POSIX)("what is no file", () => {
  test("is 404 and never waited for: a FIFO, a socket, a device", async () => {
    const folder = makeFolder({ "a.txt": "a" });
    expect(spawnSync("mkfifo", [join(folder, "fifo.txt")]).status).toBe(0);
    const server = createServer().listen(join(folder, "socket"));
    symlinkSync("/dev/zero", join(folder, "zero"));
    const site = new Site(folder, { links: "follow", listing: true });
    try {
      for (const name of ["fifo.txt", "socket", "zero"]) expect((await site.get(`/s/${name}`)).status).toBe(404);
      expect((await site.get("/s/")).text).not.toMatch(/fifo|socket|zero/);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("is not opened when it takes a file's place between looking and opening", async () => {
    const folder = makeFolder({ "a.txt": "a" });
    expect(spawnSync("mkfifo", [join(folder, "fifo")]).status).toBe(0);
    expect(await OpenFile.open(join(folder, "fifo"))).toBeUndefined();
    expect(await OpenFile.open(folder)).toBeUndefined();
    symlinkSync("a.txt", join(folder, "link"));
    await expect(OpenFile.open(join(folder, "link"))).rejects.toMatchObject({ code: "ELOOP" });
  });
});

describe("what the system refuses", () => {
  test.each([
    ["ENOENT", 404, "static/not-found"],
    ["ENOTDIR", 404, "static/not-found"],
    ["ELOOP", 404, "static/not-found"],
    ["EACCES", 403, "static/forbidden"],
    ["EPERM", 403, "static/forbidden"],
    ["EMFILE", 503, "static/too-many-open"],
    ["ENFILE", 503, "static/too-many-open"],
  ])("%s is %i, and the client is told no path", (code, status, ours) => {
    const cause = Object.assign(new Error(`${code}: open '/srv/private/a.txt'`), { code });
    const fault = asFileFault(cause);
    expect(fault).toBeInstanceOf(HttpError);
    expect(fault).toMatchObject({ status, code: ours, cause, expose: true });
    expect((fault as HttpError).message).not.toContain("/srv");
    expect((fault as HttpError).fields).toEqual(status === 503 ? ["Retry-After", "1"] : []);
  });

  test("anything else is the server's own fault", () => {
    for (const error of [Object.assign(new Error("EIO"), { code: "EIO" }), new Error("x"), "x", undefined]) {
      expect(asFileFault(error)).toBe(error);
    }
  });

  test("a file that is another version at every look is 503, worth asking for again, in memory or not, by folder or by path", async () => {
    const path = write(makeFolder(), "a.txt", "a".repeat(300_000));
    let changes = 0;
    const { open } = OpenFile;
    vi.spyOn(OpenFile, "open").mockImplementation((at) => {
      changes += 1;
      utimesSync(path, 1, changes);
      return open(at);
    });
    vi.spyOn(OpenFile.prototype, "isUnchanged").mockResolvedValue(false);
    const app = new Application({ onError: () => undefined });
    app.static("/kept", dirname(path), { memory: { maxFileSize: 300_000 } });
    app.static("/large", dirname(path));
    app.get("/path", () => reply.file(path));
    for (const asked of ["/kept/a.txt", "/large/a.txt", "/path"]) {
      const { status, headers, text } = await ask(app.dispatch, "GET", asked);
      expect([asked, status, headers["retry-after"]]).toEqual([asked, 503, "1"]);
      expect(text).toContain("This file changes faster than it can be read");
    }
  });

  test("many requests at once for one file open it once, and leave nothing open", async () => {
    const before = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
    const folder = makeFolder({ "a.txt": "a" });
    mkdirSync(join(folder, "b"));
    const path = write(folder, "large.bin", "x".repeat(300_000));
    utimesSync(path, 1, 1);
    const site = new Site(folder);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => site.get(at % 2 === 0 ? "/s/a.txt" : "/s/large.bin")),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await expect
      .poll(() => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0))
      .toBeLessThanOrEqual(before);
  });
});
