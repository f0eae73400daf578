/** A batch that is killed again and again: at its end each input has its line, once, and memory does not grow with what is done. */
import { createWriteStream } from "node:fs";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { emptyFolder } from "./support/folder.js";
import { serve } from "./support/server.js";
import { jsonLines, start } from "./support/sluice-process.js";

const REPORT_MEMORY = fileURLToPath(new URL("support/report-memory.mjs", import.meta.url));
const MOST_RSS_KB = 150_000;

test("killed by SIGKILL at any moment, a run that is resumed ends with each URL exactly once", async () => {
  const URLS = 3_000;
  const KILLS = 8;
  let failing = true;
  const { url } = await serve((request, response) => {
    // A few fail at first, so that files are rewritten between kills as well.
    response.statusCode = failing && Number(request.url?.slice(1)) % 50 === 7 ? 503 : 200;
    setTimeout(() => response.end("x".repeat(500)), 5);
  });
  const folder = await emptyFolder();
  const [input, output] = [join(folder, "urls.txt"), join(folder, "out.jsonl")];
  const urls = Array.from({ length: URLS }, (_, at) => `${url}/${at}`);
  await writeFile(input, urls.join("\n"));
  const args = ["fetch", "-i", input, "-c", "20", "-o", output, "--resume", "--body", "-q"];
  let killed = 0;
  let tornTails = 0;
  for (let round = 1; round <= KILLS; round += 1) {
    const before = await sizeOf(output);
    const { child, ended } = start(args);
    // Wait until it writes, then for a moment that is another one each time.
    while ((await sizeOf(output)) <= before && child.exitCode === null) await pause(5);
    await pause(((round * 37) % 11) * 15);
    child.kill("SIGKILL");
    const { signal } = await ended;
    if (signal === "SIGKILL") killed += 1;
    const text = await readFile(output, "utf8");
    if (!text.endsWith("\n")) tornTails += 1;
    // Writes are whole more often than not: what a kill in the midst of one leaves is made up every other time.
    else if (round % 2 === 0) await appendFile(output, `{"index":${round},"url":"${url}/${round}","ok":tr`);
  }
  failing = false;
  expect((await start(args).ended).code).toBe(0);
  const records = jsonLines(await readFile(output, "utf8"));
  console.log(`killed ${killed} times, ${tornTails} lines torn by it; ${records.length} lines in the end`);
  expect(killed).toBeGreaterThanOrEqual(3);
  expect(records.map((record) => String(record["url"])).sort()).toEqual([...urls].sort());
  expect(records.every(({ ok, body }) => ok === true && String(body).length === 500)).toBe(true);
  expect(records.map(({ index }) => Number(index)).sort((one, other) => one - other)).toEqual(urls.map((_, at) => at));
}, 300_000);

test("100,000 URLs that are done are passed over in less than 150 MB", async () => {
  const URLS = 100_000;
  const { url, seen } = await serve((_request, response) => response.end("x"));
  const folder = await emptyFolder();
  const [input, output] = [join(folder, "urls.txt"), join(folder, "out.jsonl")];
  await writeFile(input, Array.from({ length: URLS + 10 }, (_, at) => `${url}/item/${at}\n`).join(""));
  const stream = createWriteStream(output);
  for (let at = 0; at < URLS; at += 1) {
    const ok = at % 100 !== 99 || at > 1_000;
    const line = `{"index":${at},"url":"${url}/item/${at}","ok":${ok},"elapsed":1,"sends":1,"status":${ok ? 200 : 500},"size":1}\n`;
    if (!stream.write(line)) await new Promise<void>((resolve) => stream.once("drain", resolve));
  }
  await new Promise<void>((resolve) => stream.end(resolve));
  const startedAt = performance.now();
  const { ended } = start(["fetch", "-i", input, "-o", output, "--resume"], { nodeArgs: ["--import", REPORT_MEMORY] });
  const { code, stderr } = await ended;
  const maxRss = Number(/maxRSS (\d+)/.exec(stderr)?.[1]);
  console.log(
    `peak ${Math.round(maxRss / 1_000)} MB in ${Math.round(performance.now() - startedAt)} ms; ${stderr.split("\n")[0]}`,
  );
  expect(code).toBe(0);
  expect(stderr).toContain("99,990 done before");
  expect(seen).toHaveLength(20);
  expect(maxRss).toBeLessThan(MOST_RSS_KB);
  const records = jsonLines(await readFile(output, "utf8"));
  expect(new Set(records.map((record) => record["url"])).size).toBe(URLS + 10);
  expect(records).toHaveLength(URLS + 10);
}, 300_000);

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
