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
    expect(err).toContain("2 failed, 2 done. The same command tries again");
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
    expect(err).toMatch(/0 done {2}2 running/);
    expect(err).toContain(`${join(folder, "a.bin")}: 128 kB in `);
    expect(err).toMatch(/[ab]\.bin: 128 kB in .*\n$/);
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
