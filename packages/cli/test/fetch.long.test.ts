/** 100,000 URLs from a file in constant memory, and how quickly the command starts. Figures are printed. */
import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { emptyFolder } from "./support/folder.js";
import { BIN, start } from "./support/sluice-process.js";

const REPORT_MEMORY = fileURLToPath(new URL("support/report-memory.mjs", import.meta.url));
const URLS = 100_000;
const MOST_RSS_KB = 150_000;
/** Of so many runs one has to stay below: where other programs take the cores, the collector of garbage is late, and no run is the better for it. */
const LOOKS = 3;

/** In a process of its own, so that its memory and its work are not the command's. */
async function startServer(): Promise<string> {
  const program = `
    const { createServer } = require("node:http");
    const server = createServer((request, response) => response.end("hello"));
    server.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port));
  `;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  for await (const piece of child.stdout) return String(piece).trim();
  throw new Error("The server did not start");
}

test.each(["jsonl", "table"])(
  "100,000 URLs from a file, as %s, take less than 150 MB",
  async (format) => {
    const url = await startServer();
    const folder = await emptyFolder();
    const [file, results] = [join(folder, "urls.txt"), join(folder, "results")];
    await writeFile(file, Array.from({ length: URLS }, (_, at) => `${url}/item/${at}\n`).join(""));
    let least = Number.POSITIVE_INFINITY;
    for (let look = 0; look < LOOKS && least >= MOST_RSS_KB; look += 1) {
      const { child, ended } = start(["fetch", "-i", file, "--output", format], {
        nodeArgs: ["--import", REPORT_MEMORY],
      });
      child.stdout.removeAllListeners("data");
      const written = pipeline(child.stdout, createWriteStream(results));
      const { code, stderr } = await ended;
      await written;
      const maxRss = Number(/maxRSS (\d+)/.exec(stderr)?.[1]);
      console.log(`${format}: peak ${Math.round(maxRss / 1_000)} MB; ${stderr.split("\n")[0]}`);
      expect(code).toBe(0);
      expect(maxRss).toBeGreaterThan(0);
      expect(await countLines(results)).toBe(URLS + (format === "table" ? 1 : 0));
      expect((await stat(results)).size).toBeGreaterThan(URLS);
      least = Math.min(least, maxRss);
    }
    expect(least).toBeLessThan(MOST_RSS_KB);
  },
  600_000,
);

test("--version comes within 60 ms of what node itself takes, or in twice that where node is slow", () => {
  const programs = [
    ["-e", "0"],
    [BIN, "--version"],
    [BIN, "--help"],
  ];
  const least = programs.map(() => Number.POSITIVE_INFINITY);
  // In turns, so that what else the machine does slows all of them down.
  for (let round = 0; round < 15; round += 1) {
    for (const [at, args] of programs.entries()) {
      const startedAt = performance.now();
      spawnSync(process.execPath, args, { stdio: "ignore" });
      least[at] = Math.min(least[at] ?? 0, performance.now() - startedAt);
    }
  }
  const [bare = 0, version = 0, help = 0] = least;
  console.log(`node -e 0: ${bare.toFixed(0)} ms; --version: ${version.toFixed(0)} ms; --help: ${help.toFixed(0)} ms`);
  expect(version).toBeLessThan(bare + Math.max(60, bare));
}, 120_000);

async function countLines(path: string): Promise<number> {
  const handle = await open(path);
  let count = 0;
  for await (const _line of handle.readLines()) count += 1;
  return count;
}
