/** `sluice fetch -o FILE --resume`: what is done stays done, what failed or broke off is done, and nothing twice. */
import { chmod, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runProgram } from "../src/program.js";
import { FakeIo, type FakeIoOptions } from "./support/fake-io.js";
import { emptyFolder } from "./support/folder.js";
import { serve } from "./support/server.js";
import { jsonLines, run } from "./support/sluice-process.js";

async function fetchIn(args: readonly string[], options?: FakeIoOptions) {
  const io = new FakeIo(options);
  const code = await runProgram(["fetch", ...args], io);
  return { code, out: io.out.text, err: io.err.text };
}

/** A server whose failing paths are those in the set, and files to work with. */
async function place() {
  const failing = new Set<string>();
  const { url, seen } = await serve((request, response) => {
    response.statusCode = failing.has(request.url ?? "") ? 500 : 200;
    response.end(request.url);
  });
  const folder = await emptyFolder();
  return { url, seen, failing, folder, file: join(folder, "out.jsonl") };
}

const urlsIn = async (file: string): Promise<string[]> =>
  jsonLines(await readFile(file, "utf8")).map((record) => String(record["url"]));

describe("--output-file", () => {
  test("has the JSON lines, and standard output nothing, on a terminal too", async () => {
    const { url, folder } = await place();
    for (const terminal of [false, true]) {
      const file = join(folder, `out-${terminal}`);
      const { code, out, err } = await fetchIn([url, "-o", file], { terminal, env: { TERM: "dumb" } });
      expect({ code, out }).toEqual({ code: 0, out: "" });
      expect(err).toContain("1 done in ");
      expect(jsonLines(await readFile(file, "utf8"))).toMatchObject([{ index: 0, url, ok: true, status: 200 }]);
    }
  });

  test("is not replaced unless that is said, and what was in it stays", async () => {
    const { url, seen, file } = await place();
    await writeFile(file, "mine\n");
    const { code, err } = await fetchIn([url, "-o", file]);
    expect(code).toBe(2);
    expect(err).toContain("it is not empty; --resume goes on with it, --overwrite replaces it");
    expect(await readFile(file, "utf8")).toBe("mine\n");
    expect(seen).toHaveLength(0);
    expect((await fetchIn([url, "-o", file, "--overwrite"])).code).toBe(0);
    expect(await urlsIn(file)).toEqual([url]);
  });

  test("goes with a folder of files", async () => {
    const { url, folder, file } = await place();
    expect((await fetchIn([`${url}/a.txt`, "-o", file, "--output-dir", join(folder, "files")])).code).toBe(0);
    const [record] = jsonLines(await readFile(file, "utf8"));
    expect(await readdir(join(folder, "files"))).toEqual([record?.["file"]]);
  });

  test("that cannot be written any more ends the run in one line", async () => {
    const { url } = await place();
    const { code, err } = await fetchIn([url, "-q", "-o", "/dev/full"]);
    expect({ code, err }).toEqual({ code: 1, err: "sluice: Cannot write /dev/full: the disk is full\n" });
  });
});

describe("--resume", () => {
  test("begins where there is no file yet, and has nothing to do when all is done", async () => {
    const { url, seen, file } = await place();
    const args = [`${url}/1`, `${url}/2`, "-o", file, "--resume"];
    expect((await fetchIn(args)).code).toBe(0);
    const before = await readFile(file, "utf8");
    const { code, err } = await fetchIn(args);
    expect(code).toBe(0);
    expect(err).toContain("0 done in ");
    expect(err).toContain(", 2 done before");
    expect(await readFile(file, "utf8")).toBe(before);
    expect(seen).toHaveLength(2);
  });

  test("tries failures again, whose lines give way to new ones; other lines stay as they are", async () => {
    const { url, seen, failing, file } = await place();
    failing.add("/2").add("/4");
    const args = [1, 2, 3, 4, 5].map((path) => `${url}/${path}`).concat("-o", file, "--resume", "-c", "1");
    expect((await fetchIn(args)).code).toBe(1);
    const before = (await readFile(file, "utf8")).split("\n");
    failing.delete("/2");
    await chmod(file, 0o640);
    expect((await fetchIn(args)).code).toBe(1);
    expect(seen.map(({ path }) => path)).toEqual(["/1", "/2", "/3", "/4", "/5", "/2", "/4"]);
    const after = await readFile(file, "utf8");
    expect(after.split("\n").slice(0, 3)).toEqual([before[0], before[2], before[4]]);
    expect(jsonLines(after).map(({ index, ok }) => [index, ok])).toEqual([
      [0, true],
      [2, true],
      [4, true],
      [1, true],
      [3, false],
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    failing.clear();
    expect((await fetchIn(args)).code).toBe(0);
    expect((await urlsIn(file)).sort()).toEqual([1, 2, 3, 4, 5].map((path) => `${url}/${path}`));
  });

  test("does a line again that was cut off anywhere, and loses no other", async () => {
    const { url, file } = await place();
    const args = [`${url}/1`, `${url}/2`, "-o", file, "--resume", "-q", "-c", "1"];
    await fetchIn(args);
    const whole = await readFile(file);
    const lastStart = whole.indexOf(0x0a) + 1;
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(file, whole.subarray(0, length));
      expect((await fetchIn(args)).code).toBe(0);
      const after = await readFile(file);
      expect(
        jsonLines(after.toString()).map(({ index }) => index),
        `cut at ${length}`,
      ).toEqual([0, 1]);
      if (length >= lastStart) expect(after.subarray(0, lastStart).equals(whole.subarray(0, lastStart))).toBe(true);
    }
  });

  test("does an input that is there several times as often, in one run or in several", async () => {
    const { url, seen, file } = await place();
    const input = [`${url}/a`, `${url}/b`, `${url}/a`, `${url}/a`].join("\n");
    const args = ["-i", "-", "-o", file, "--resume", "-q", "-c", "1"];
    await fetchIn(args, { stdin: input });
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    await writeFile(file, `${lines[0]}\n${lines[1]}\n`);
    await fetchIn(args, { stdin: input });
    expect((await urlsIn(file)).sort()).toEqual([`${url}/a`, `${url}/a`, `${url}/a`, `${url}/b`]);
    expect(seen).toHaveLength(6);
  });

  test("takes an input that has changed: only what is new is done", async () => {
    const { url, seen, file } = await place();
    await fetchIn([`${url}/a`, `${url}/b`, "-o", file, "-q"]);
    await fetchIn([`${url}/new`, `${url}/b`, `${url}/a`, "-o", file, "--resume", "-q"]);
    expect(seen.map(({ path }) => path).sort()).toEqual(["/a", "/b", "/new"]);
  });

  test("goes on with what standard output was redirected to, through a link as well", async () => {
    const { url, seen, folder, failing, file } = await place();
    failing.add("/a");
    const { out } = await fetchIn([`${url}/a`, `${url}/b`, "-q", "-c", "1"]);
    await writeFile(file, out);
    await symlink(file, join(folder, "link"));
    failing.clear();
    expect((await fetchIn([`${url}/a`, `${url}/b`, "-o", join(folder, "link"), "--resume", "-q"])).code).toBe(0);
    expect(seen.map(({ path }) => path)).toEqual(["/a", "/b", "/a"]);
    expect(await urlsIn(file)).toEqual([`${url}/b`, `${url}/a`]);
    expect((await readdir(folder)).sort()).toEqual(["link", "out.jsonl"]);
  });

  test("does not touch a file that is something else", async () => {
    const { url, seen, file } = await place();
    for (const content of ["https://example.com/\n", "notes", '{"index":0}\n']) {
      await writeFile(file, content);
      const { code, err } = await fetchIn([url, "-o", file, "--resume"]);
      expect(code).toBe(2);
      expect(err).toContain("line 1 is not one that sluice fetch writes");
      expect(await readFile(file, "utf8")).toBe(content);
    }
    expect(seen).toHaveLength(0);
  });

  test("leaves out of --remaining what is done, and says how to go on after Ctrl-C", async () => {
    const { url, file, folder } = await place();
    const paths = [1, 2, 3].map((path) => `${url}/${path}`);
    await fetchIn([...paths.slice(0, 1), "-o", file, "-q"]);
    const slow = await serve(() => undefined);
    const io = new FakeIo({ stdin: `${slow.url}/x\n${paths.join("\n")}\n` });
    const left = join(folder, "left.txt");
    const running = runProgram(["fetch", "-i", "-", "-c", "1", "-o", file, "--resume", "--remaining", left], io);
    while (slow.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    io.signal();
    slow.server.closeAllConnections();
    expect(await running).toBe(130);
    expect((await readFile(left, "utf8")).split("\n")).toEqual([...paths.slice(1), ""]);
  });

  test("in a process of its own is told as such", async () => {
    const { url, file } = await place();
    const args = ["fetch", `${url}/1`, `${url}/2`, "-o", file, "--resume"];
    expect(await run(args)).toMatchObject({ code: 0, stdout: "" });
    const second = await run([...args, `${url}/3`]);
    expect(second).toMatchObject({ code: 0, stdout: "" });
    expect(second.stderr).toMatch(/^1 done in .*, 2 done before\n/);
    expect(await urlsIn(file)).toHaveLength(3);
  });
});
