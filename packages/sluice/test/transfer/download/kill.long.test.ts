/**
 * `kill -9`, twenty times while bytes are coming: what is left is gone on with each time, and the file is right in the end. And two
 * processes on one file. They run the compiled package, as processes of their own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { sha256 } from "../../../src/platform/digest.js";
import { seededRandom } from "../../../src/platform/random.js";
import { readControl } from "../../../src/transfer/download/store/control-record.js";
import { fileVersion, noise } from "../hostile-server.js";
import { downloadTests, folderContent, inFolder, run, sameBytes, serve } from "./support.js";

downloadTests();

const PROGRAM = fileURLToPath(new URL("./download-program.mjs", import.meta.url));
const SAVE_PROGRAM = fileURLToPath(new URL("./save-program.mjs", import.meta.url));
const KILLS = 20;
const MOST_MS = 90_000;
const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});

function start(url: string, target: string, options: object = {}): ChildProcess {
  return startProgram(PROGRAM, url, target, JSON.stringify(options));
}

function startProgram(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Bytes that the record claims. */
function claimed(): number {
  const path = inFolder("file.part.json");
  if (!existsSync(path)) return 0;
  return readControl(readFileSync(path, "utf8"), sha256)?.extents.byteLength ?? 0;
}

async function until(holds: () => boolean, child: ChildProcess): Promise<void> {
  for (const end = Date.now() + 30_000; !holds(); await wait(2)) {
    if (Date.now() > end || child.exitCode !== null)
      throw new Error(`it never came to that; exit code ${child.exitCode}`);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

test("killed twenty times, at least fifteen of them while bytes were coming: the right file", {
  timeout: 2 * MOST_MS,
}, async () => {
  const seed = Number(process.env["SLUICE_SEED"] ?? (process.env["CI"] === "true" ? 9110 : Date.now() % 1_000_000));
  const random = seededRandom(seed);
  const file = fileVersion(noise(24_000_000));
  const server = await serve(file, { drip: { every: 5, bytes: 8_000 } });
  const offsets: number[] = [];
  let moving = 0;
  for (let kills = 0; kills < KILLS; kills += 1) {
    const before = claimed();
    const child = start(server.url, inFolder("file"));
    // Something new is recorded, and then it is anybody's guess what it is at.
    await until(() => claimed() > before, child);
    await wait(random() * 120);
    await kill(child);
    const after = claimed();
    offsets.push(after);
    if (after > before && after < file.content.byteLength) moving += 1;
    expect(existsSync(inFolder("file")), `seed ${seed}`).toBe(false);
  }
  console.log(`kill -9: seed ${seed}, ${moving} of ${KILLS} while bytes were coming, at ${offsets.join(" ")}`);
  expect(moving).toBeGreaterThanOrEqual(15);
  expect(
    [...offsets].sort((a, b) => a - b),
    "what is recorded stays",
  ).toEqual(offsets);
  server.switches.drip = undefined;
  const { result, error } = await run(server.url, inFolder("file"));
  expect(error, `seed ${seed}`).toBeUndefined();
  expect(result?.resumedBytes).toBe(offsets.at(-1));
  expect(sameBytes(inFolder("file"), file.content), `seed ${seed}`).toBe(true);
  expect(folderContent()).toEqual(["file"]);
});

test("`save` with `resuming()`, killed again and again: another process goes on, and the file is right", {
  timeout: MOST_MS,
}, async () => {
  const file = fileVersion(noise(12_000_000));
  const server = await serve(file, { drip: { every: 20, bytes: 8_000 } });
  const offsets: number[] = [];
  for (let kills = 0; kills < 4; kills += 1) {
    const before = claimed();
    const child = startProgram(SAVE_PROGRAM, server.url, inFolder("file"));
    await until(() => claimed() > before, child);
    await kill(child);
    offsets.push(claimed());
    expect(existsSync(inFolder("file"))).toBe(false);
  }
  server.switches.drip = undefined;
  const asked = server.asked.length;
  const [code] = (await once(startProgram(SAVE_PROGRAM, server.url, inFolder("file")), "exit")) as [number];
  expect(code).toBe(0);
  expect(server.asked.slice(asked).map(({ range }) => range)).toEqual([undefined, `bytes=${offsets.at(-1)}-11999999`]);
  expect(sameBytes(inFolder("file"), file.content)).toBe(true);
  expect(folderContent()).toEqual(["file"]);
});

test("a living process keeps others out, also when it is stopped; once it is killed, nothing does", async () => {
  const file = fileVersion(noise(3_000_000));
  const server = await serve(file, { drip: { every: 10, bytes: 8_000 } });
  const child = start(server.url, inFolder("file"));
  await until(() => claimed() > 0, child);
  expect((await run(server.url, inFolder("file"))).error).toMatchObject({ code: "download/locked" });
  child.kill("SIGSTOP");
  expect((await run(server.url, inFolder("file"))).error).toMatchObject({ code: "download/locked" });
  await kill(child);
  server.switches.drip = undefined;
  const { result, error } = await run(server.url, inFolder("file"));
  expect(error).toBeUndefined();
  expect(result?.resumedBytes).toBeGreaterThan(0);
  expect(sameBytes(inFolder("file"), file.content)).toBe(true);
});

test("with force the other one stops, and the file is right", async () => {
  const file = fileVersion(noise(3_000_000));
  const server = await serve(file, { drip: { every: 10, bytes: 8_000 } });
  const child = start(server.url, inFolder("file"));
  let said = "";
  child.stdout?.on("data", (text: Buffer) => {
    said += text.toString();
  });
  await until(() => claimed() > 0, child);
  const forced = run(server.url, inFolder("file"), { force: true });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(1);
  expect(said).toContain("download/lock-lost");
  server.switches.drip = undefined;
  expect((await forced).error).toBeUndefined();
  expect(sameBytes(inFolder("file"), file.content)).toBe(true);
});
