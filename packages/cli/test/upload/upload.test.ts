/** `sluice upload` against our own server: in the test's process where that is enough, in its own where signals count. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Application, type UploadsOptions, uploads } from "sluice/server";
import type { UploadProgress } from "sluice/transfer";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { runProgram } from "../../src/program.js";
import { uploadLine } from "../../src/upload/upload-line.js";
import { FakeIo } from "../support/fake-io.js";
import { emptyFolder } from "../support/folder.js";
import { run } from "../support/in-process.js";
import { jsonLines, start } from "../support/sluice-process.js";

const MIB = 1024 * 1024;

let state: string;

beforeEach(async () => {
  state = await emptyFolder();
  vi.stubEnv("XDG_STATE_HOME", state);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function serving(options: Omit<UploadsOptions, "directory"> = {}): Promise<{ url: string; incoming: string }> {
  const incoming = await emptyFolder();
  const app = new Application({ maxBodySize: 10 * MIB, onError: () => undefined });
  app.mount("/files", uploads({ directory: incoming, ...options }));
  app.put("/plain", async (request) => {
    writeFileSync(join(incoming, "plain"), await request.bytes());
    return null;
  });
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close({ grace: 0 }));
  return { url: server.url, incoming };
}

async function fileOf(bytes: Buffer, name = "data.bin"): Promise<string> {
  const path = join(await emptyFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

test("in a pipe it tells in lines of JSON, the last of which says where it is", async () => {
  const { url, incoming } = await serving();
  const bytes = randomBytes(100_000);
  const place = `${url.slice("http://".length)}/files`;
  const args = ["upload", await fileOf(bytes), place, "--checksum", "sha256", "--chunk-size", "40k"];
  const { code, stdout, stderr } = await run(args);
  const lines = jsonLines(stdout);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(lines.map(({ type }) => type)).toContain("created");
  expect(lines.find(({ type }) => type === "progress")).toMatchObject({ total: 100_000 });
  expect(lines.at(-1)).toMatchObject({ type: "done", size: 100_000, resumedBytes: 0, status: 204 });
  expect(readFileSync(join(incoming, "data.bin")).equals(bytes)).toBe(true);
});

test("on a terminal it paints a bar on standard error and says at the end what there is and where", async () => {
  const { url, incoming } = await serving();
  const io = new FakeIo({ terminal: true, env: { NO_COLOR: "1" } });
  const path = await fileOf(randomBytes(100_000), "evil\u001b[31m.bin");
  expect(await runProgram(["upload", path, `${url}/files`, "--name", "named.bin"], io)).toBe(0);
  expect(io.err.text).toMatch(/\[#*\.*] {2}\d+ % /);
  expect(io.err.text).not.toContain("\u001b[31m");
  expect(stripVTControlCharacters(io.out.text)).toMatch(
    /evil.*\.bin {2}100 kB in [\d.]+ m?s\n {2}http:\/\/127[^\n]*\/files\/[0-9a-f]{32}\n$/,
  );
  expect(readFileSync(join(incoming, "named.bin"))).toHaveLength(100_000);
});

test("standard input goes as a stream; nothing is said with --quiet", async () => {
  const { url, incoming } = await serving();
  const { code, stdout, stderr } = await run(["upload", "-", `${url}/files`, "--name", "in.txt", "-q"], {
    input: "piped",
  });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(readFileSync(join(incoming, "in.txt"), "utf8")).toBe("piped");
});

test("--protocol put sends it in one request; what is tus's alone is refused with it", async () => {
  const { url, incoming } = await serving();
  const path = await fileOf(Buffer.from("all of it"));
  expect((await run(["upload", path, `${url}/plain`, "--protocol", "put"])).code).toBe(0);
  expect(readFileSync(join(incoming, "plain"), "utf8")).toBe("all of it");
  const { code, stderr } = await run(["upload", path, `${url}/plain`, "--protocol", "put", "--fresh"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "sluice: Cannot use --fresh with --protocol put\n" });
});

test("a server that refuses it: exit code 1, one line, and the failure as JSON", async () => {
  const { url } = await serving({ limits: { maxSize: 3 } });
  const { code, stdout, stderr } = await run(["upload", await fileOf(Buffer.from("four")), `${url}/files`]);
  expect(code).toBe(1);
  expect(stderr).toContain("413");
  expect(jsonLines(stdout).at(-1)).toMatchObject({ type: "failed", error: { code: "response.status" } });
});

test("as many --tries as it is told, and no longer than --stall-timeout for each", async () => {
  const path = await fileOf(Buffer.from("four"));
  const { code, stdout } = await run(["upload", path, "http://127.0.0.1:1/", "--tries", "2", "--stall-timeout", "5s"]);
  expect(code).toBe(1);
  const told = jsonLines(stdout).map(({ type }) => type);
  expect(told.filter((type) => type !== "progress")).toEqual(["retry", "failed"]);
});

test("an address that takes no uploads: which one might, and what needs none", async () => {
  const { url } = await serving();
  const path = await fileOf(Buffer.from("four"));
  const { code, stderr } = await run(["upload", path, `${url}/plain`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^sluice: .*405 Method Not Allowed\nNo uploads are created there: sluice serve --uploads does it at \/uploads\/.*\n$/,
  );
  expect((await run(["upload", path, `${url}/plain`, "--quiet"])).stderr).not.toContain("No uploads");
  expect((await run(["upload", path, `${url}/none`, "--protocol", "put"])).stderr).not.toContain("No uploads");
});

test("a file that is not there is wrong usage", async () => {
  const { code, stderr } = await run(["upload", join(state, "none"), "http://127.0.0.1:1/"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^sluice: Cannot upload .*none: there is no regular file\n$/);
});

test("Ctrl-C leaves something to go on with, says so and ends with 130; the same command goes on there", async () => {
  let seen = (): void => undefined;
  const half = new Promise<void>((resolve) => {
    seen = resolve;
  });
  const { url, incoming } = await serving({ onProgress: ({ offset }) => offset >= MIB && seen() });
  const bytes = randomBytes(4 * MIB);
  const args = ["upload", await fileOf(bytes), `${url}/files`, "--chunk-size", "1m"];
  const first = start([...args, "--limit-rate", "1m"], { env: { XDG_STATE_HOME: state } });
  await half;
  first.child.kill("SIGINT");
  const { code, stderr } = await first.ended;
  expect(code).toBe(130);
  expect(stderr).toBe("Stopped. What the server has is kept: the same command goes on with it.\n");

  const second = await run(args);
  expect(second.code).toBe(0);
  const done = jsonLines(second.stdout).at(-1);
  expect(done).toMatchObject({ type: "done", restarts: [] });
  expect(Number(done?.["resumedBytes"])).toBeGreaterThanOrEqual(MIB);
  expect(readFileSync(join(incoming, "data.bin")).equals(bytes)).toBe(true);
}, 90_000);

test("the line for people drops on the right what there is no room for", () => {
  const progress: UploadProgress = {
    ...({ state: "uploading", transferred: 500, confirmed: 0, total: 1_000 } as const),
    ...{ rate: 100, remaining: 5_000, elapsed: 5_000, done: false },
  };
  const whole = "a.bin  [############............]  50 %  500 B of 1.0 kB  100 B/s  ETA 0:05";
  expect(uploadLine("a.bin", progress, 80).replace("1 kB", "1.0 kB")).toBe(whole);
  expect(uploadLine("a.bin", progress, 40)).toBe("a.bin  [############............]  50 %");
  expect(uploadLine("a.bin", { ...progress, state: "waiting" }, 90)).toContain("waiting for the next try");
  expect(uploadLine("a.bin", { ...progress, total: undefined, remaining: undefined }, 90)).toBe(
    "a.bin  500 B  100 B/s",
  );
});
