/** `sluice download` against servers in this process: what it fetches, tells, and ends with. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../src/program.js";
import { FakeIo, type FakeIoOptions } from "../support/fake-io.js";
import { emptyFolder } from "../support/folder.js";
import { serve } from "../support/server.js";
import { jsonLines, start } from "../support/sluice-process.js";

const CONTENT = Buffer.concat(Array.from({ length: 4_000 }, (_, at) => createHash("sha256").update(`${at}`).digest()));
const sha256 = createHash("sha256").update(CONTENT).digest("hex");

async function downloadIn(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(["download", ...args], io);
  expect(io.listening, "listeners to signals").toBe(0);
  return { code, out: io.out.text, err: io.err.text };
}

/** The file, or a part of it; piece by piece if `every` is more than 0. */
async function give(request: IncomingMessage, response: ServerResponse, every = 0): Promise<void> {
  if (request.url?.includes("missing")) {
    response.writeHead(404).end("no");
    return;
  }
  const first = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const last = Number(/-(\d+)$/.exec(request.headers.range ?? "")?.[1] ?? CONTENT.byteLength - 1);
  const body = CONTENT.subarray(first, last + 1);
  response.writeHead(206, {
    etag: '"one"',
    "content-range": `bytes ${first}-${last}/${CONTENT.byteLength}`,
    "content-length": body.byteLength,
  });
  for (let at = 0; at < body.byteLength && !response.destroyed; at += 4_000) {
    response.write(body.subarray(at, at + 4_000));
    if (every > 0) await new Promise((resolve) => setTimeout(resolve, every));
  }
  response.end();
}

/** What is told, but for how far it is: how often that comes is a matter of time. */
const told = (out: string) => jsonLines(out).filter(({ type }) => type !== "progress");
const events = (out: string): unknown[] => told(out).map(({ type }) => type);

describe("files", () => {
  test("in a pipe: a JSON line when one is there, nothing on standard error, exit code 0", async () => {
    const { url } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    const { code, out, err } = await downloadIn([`${url}/a.bin`, "-o", `${folder}/`, "--checksum", `sha256=${sha256}`]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(told(out)).toMatchObject([
      {
        type: "done",
        index: 0,
        url: `${url}/a.bin`,
        status: "complete",
        file: join(folder, "a.bin"),
        size: 128_000,
        verified: ["sha256"],
      },
    ]);
    expect(Buffer.compare(await readFile(join(folder, "a.bin")), CONTENT)).toBe(0);
  });

  test("several, from a file of URLs into a folder that is made; what fails is told, and is exit code 1", async () => {
    const { url } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    await writeFile(join(folder, "urls"), `${url}/a\n# none\n${url}/missing\n${url}/b\nno-url\n`);
    const { code, out, err } = await downloadIn([
      "-i",
      join(folder, "urls"),
      "-o",
      join(folder, "new", "mirror"),
      "-c",
      "2",
    ]);
    expect(code).toBe(1);
    expect(await readdir(join(folder, "new", "mirror"))).toEqual(["a", "b"]);
    const failed = jsonLines(out).filter(({ type }) => type === "failed");
    expect(failed).toMatchObject([
      { index: 1, error: { code: "response.status" } },
      { index: 3, error: { code: "url/invalid" } },
    ]);
    expect(err).toMatch(/\n2 failed, 2 done\.\n$/);
  });

  test("only if they have changed: unchanged the second time", async () => {
    const { url, seen } = await serve((request, response) => {
      if (request.headers["if-none-match"] !== '"one"') return give(request, response);
      return response.writeHead(304).end();
    });
    const folder = await emptyFolder();
    const args = [`${url}/a`, "-o", `${folder}/`, "--if-changed"];
    await downloadIn(args);
    const { code, out } = await downloadIn(args);
    expect(code).toBe(0);
    expect(told(out)).toMatchObject([{ type: "done", status: "unchanged" }]);
    expect(seen).toHaveLength(2);
  });

  test("fields, cookies and credentials go along; no more than --tries tries", async () => {
    const { url, seen } = await serve((_request, response) => response.writeHead(503).end());
    const folder = await emptyFolder();
    const sent = ["-H", "x-a: b", "--cookie", "c=d", "--bearer", "t", "--tries", "1"];
    const { code, err } = await downloadIn([`${url}/a`, "-o", `${folder}/`, ...sent]);
    expect(code).toBe(1);
    expect(err).toContain("503");
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers).toMatchObject({ "x-a": "b", cookie: "c=d", authorization: "Bearer t" });
  });

  test("no faster than --limit-rate", async () => {
    const { url } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    const begun = performance.now();
    await downloadIn([`${url}/a`, "-o", `${folder}/`, "--limit-rate", "256000"]);
    // 64,000 or a little more may come at once.
    expect(performance.now() - begun).toBeGreaterThan(180);
  });
});

describe("a list", () => {
  const list = (folder: string, ...more: string[]) => ["-o", `${folder}/`, ...more];

  test("that names a URL twice: downloaded once, and told", async () => {
    const { url, seen } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    const withoutScheme = url.slice("http://".length);
    const urls = [`${withoutScheme}/a`, `${url}/b`, `${url}/a#top`];
    const { code, out, err } = await downloadIn([...urls, ...list(folder, "-c", "1")]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(told(out)).toMatchObject([
      { type: "done", index: 0 },
      { type: "done", index: 1 },
      { type: "repeated", index: 2, url: `${url}/a#top`, of: 0 },
    ]);
    expect(seen.map(({ path }) => path)).toEqual(["/a", "/b"]);
    const terminal = await downloadIn([`${url}/a`, `${url}/a`, ...list(folder)], { terminal: true });
    expect(terminal.err).toContain("a: URL 2 is URL 1 again\n");
    expect(terminal.code).toBe(0);
  });

  test.each(["1", "4"])(
    "of URLs that give one file, %s at a time: the first is kept, the other told, none mixed",
    async (c) => {
      const { url } = await serve((request, response) => give(request, response, 1));
      const folder = await emptyFolder();
      const { code, out } = await downloadIn([`${url}/one/a`, `${url}/two/a`, ...list(folder, "-c", c)]);
      expect(code).toBe(1);
      const [failed] = told(out).filter(({ type }) => type === "failed");
      const done = told(out).filter(({ type }) => type === "done");
      expect(done).toHaveLength(1);
      expect(failed).toMatchObject({
        error: {
          code: "usage",
          message: expect.stringMatching(/\/a: URL \d and URL \d of this command both give that file/) as string,
        },
      });
      expect(await readdir(folder)).toEqual(["a"]);
      expect(Buffer.compare(await readFile(join(folder, "a")), CONTENT)).toBe(0);
    },
  );

  test("of URLs for which the server has one name: told as well", async () => {
    const { url } = await serve((request, response) => {
      response.setHeader("content-disposition", "attachment; filename=same.bin");
      return give(request, response);
    });
    const folder = await emptyFolder();
    const { code, out } = await downloadIn([`${url}/?1`, `${url}/?2`, ...list(folder, "-c", "1", "--overwrite")]);
    expect(code).toBe(1);
    expect(told(out)).toMatchObject([{ type: "done" }, { type: "failed", index: 1, error: { code: "usage" } }]);
    expect(await readdir(folder)).toEqual(["same.bin"]);
  });
});

describe("what is said at the end", () => {
  test("a wrong checksum leaves nothing to go on with, and nothing is said of going on", async () => {
    const { url } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    const wrong = `sha256=${"0".repeat(64)}`;
    const { code, err } = await downloadIn([`${url}/a`, "-o", `${folder}/`, "--checksum", wrong]);
    expect(code).toBe(1);
    expect(err).toMatch(/^sluice: Cannot keep the file: its sha256 is [0-9a-f]{64}, expected 0{64}\n$/);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    [[], "What has come is kept: the same command goes on with it.\n"],
    [["--fresh"], "What has come is kept: the same command without --fresh goes on with it.\n"],
  ])("what a broken line has left can be gone on with: %j", async (more, said) => {
    const { url } = await serve((_request, response) => {
      const fields = { etag: '"one"', "accept-ranges": "bytes", "content-length": CONTENT.byteLength };
      response.writeHead(200, fields).write(CONTENT.subarray(0, 64_000), () => response.destroy());
    });
    const folder = await emptyFolder();
    const { code, err } = await downloadIn([`${url}/a`, "-o", `${folder}/`, "--tries", "1", ...more]);
    expect(code).toBe(1);
    expect(err.endsWith(said)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["a.part", "a.part.json"]);
  });

  test("without a mark of the server's nothing is kept, also not by Ctrl-C", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-length": CONTENT.byteLength });
      response.write(CONTENT.subarray(0, 64_000));
    });
    const folder = await emptyFolder();
    const io = new FakeIo();
    const ended = runProgram(["download", `${url}/a.bin`, "-o", `${folder}/`], io);
    await expect.poll(async () => (await readdir(folder)).includes("a.bin.part"), { timeout: 10_000 }).toBe(true);
    io.signal();
    expect(await ended).toBe(130);
    expect(io.err.text).toBe("Stopped.\n");
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("on a terminal", () => {
  test("one bar each and one line for all while they run, and a line for each that is there", async () => {
    const { url } = await serve((request, response) => give(request, response, 12));
    const folder = await emptyFolder();
    const { code, out, err } = await downloadIn([`${url}/a.bin`, `${url}/b.bin`, "-o", folder], {
      terminal: true,
      columns: 100,
    });
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(err).toMatch(/a\.bin {25}\[#*>?\.*\] +\d+% {2}[\d.]+ k?B of 128 kB/);
    expect(err).toMatch(/0\/2 done {2}2 running/);
    expect(err).toContain(`${join(folder, "a.bin")}: 128 kB in `);
    expect(err).toMatch(/[ab]\.bin: 128 kB in .*\n$/);
  });

  test("what fails and is tried again is told, each trouble once", async () => {
    const { url, seen } = await serve((request, response) => {
      if (seen.length < 4) return response.writeHead(503, { "retry-after": "0" }).end();
      return give(request, response);
    });
    const folder = await emptyFolder();
    const { code, err } = await downloadIn([`${url}/a`, "-o", folder], { terminal: true });
    expect(code).toBe(0);
    expect(err.split("Answered 503 Service Unavailable; trying again\n")).toHaveLength(2);
  });

  test("a name from a URL cannot move the cursor", async () => {
    const { url } = await serve((request, response) => give(request, response, 5));
    const folder = await emptyFolder();
    const { err } = await downloadIn([`${url}/%1b%5B2Jx`, "-o", folder], { terminal: true });
    expect(err).not.toContain("\u001b[2J");
  });

  test("with --quiet nothing but what fails", async () => {
    const { url } = await serve((request, response) => give(request, response));
    const folder = await emptyFolder();
    const { out, err } = await downloadIn([`${url}/a`, `${url}/missing`, "-o", folder, "-q"], { terminal: true });
    expect(out).toBe("");
    expect(err).toMatch(/^sluice: GET .*\/missing: Answered 404 Not Found\n$/);
  });
});

test("a reader of the lines who has had enough does not end the downloads", async () => {
  const { url } = await serve((request, response) => give(request, response));
  const folder = await emptyFolder();
  const io = new FakeIo();
  io.out.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  expect(await runProgram(["download", `${url}/a`, `${url}/b`, `${url}/c`, "-o", folder, "-c", "1"], io)).toBe(0);
  expect((await readdir(folder)).sort()).toEqual(["a", "b", "c"]);
});

describe("stopping", () => {
  test("Ctrl-C keeps what has come, says how to go on, and is exit code 130; the same command goes on", async () => {
    const { url, seen } = await serve((request, response) => give(request, response, seen.length < 2 ? 300 : 0));
    const folder = await emptyFolder();
    const args = [`${url}/a.bin`, "-o", `${folder}/`];
    const io = new FakeIo();
    const ended = runProgram(["download", ...args], io);
    await expect.poll(async () => (await readdir(folder)).includes("a.bin.part")).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    io.signal();
    expect(await ended).toBe(130);
    expect(io.err.text).toBe("Stopped. What has come is kept: the same command goes on with it.\n");
    expect((await readdir(folder)).sort()).toEqual(["a.bin.part", "a.bin.part.json"]);
    const { code, out } = await downloadIn(args);
    expect(code).toBe(0);
    expect(events(out)).toEqual(["resumed", "done"]);
    expect(Buffer.compare(await readFile(join(folder, "a.bin")), CONTENT)).toBe(0);
  });

  test("a second Ctrl-C does not wait", async () => {
    const { url } = await serve((request, response) => give(request, response, 15));
    const folder = await emptyFolder();
    const io = new FakeIo();
    const ended = runProgram(["download", `${url}/a.bin`, "-o", `${folder}/`], io);
    await expect.poll(async () => (await readdir(folder)).includes("a.bin.part")).toBe(true);
    io.signal();
    io.signal();
    expect(io.exits).toEqual([130]);
    await ended;
  });

  test("the real command ends on SIGINT with what there is on the disk", async () => {
    const { url } = await serve((request, response) => give(request, response, 300));
    const folder = await emptyFolder();
    const running = start(["download", `${url}/a.bin`, "-o", `${folder}/`]);
    await expect.poll(async () => (await readdir(folder)).includes("a.bin.part"), { timeout: 10_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 150));
    running.child.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: "Stopped. What has come is kept: the same command goes on with it.\n",
    });
    expect((await readdir(folder)).sort()).toEqual(["a.bin.part", "a.bin.part.json"]);
  });
});

describe("wrong usage", () => {
  test.each([
    [[], "Nothing to download: name URLs, or a file of them with --input"],
    [["http://a/", "--segments", "17"], "expected auto or a whole number, 1 to 16"],
    [["http://a/", "--segments", "many"], "expected auto or a whole number, 1 to 16"],
    [["http://a/", "--checksum", "sha256=12"], "expected algorithm=digest (md5, sha1, sha256, sha384, sha512"],
    [["http://a/", "--checksum", "crc32=00000000"], "expected algorithm=digest"],
    [["http://a/", "http://b/", "--checksum", `sha256=${sha256}`], "Cannot use --checksum with several files"],
    [["http://a/", "--limit-rate", "fast"], "expected a size such as 64KiB or 10MB"],
    [["http://a/", "-c", "65"], "expected a whole number, 1 to 64"],
    [["http://a/", "--retries", "3"], "Unknown option '--retries'"],
    [["http://a/", "http://b/", "-o", "/dev/null"], "Cannot make /dev/null: a file is there"],
    [["http://a/", "-o", "-"], "sluice get does that"],
    [["nonsense"], "it is not a valid URL"],
    [["ftp://a/"], "its scheme must be http or https"],
    [["http://a/", "-o", "/dev/null"], "it is neither a file nor a folder"],
  ])("%j", async (args, message) => {
    const { code, err } = await downloadIn(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  test("help has examples, and says what goes where", async () => {
    const { code, out } = await downloadIn(["--help"]);
    expect(code).toBe(0);
    for (const text of [
      "--limit-rate <size>",
      "sluice download -i urls.txt -o mirror/ --if-changed",
      "130 stopped by Ctrl-C",
    ]) {
      expect(out).toContain(text);
    }
  });
});
