/**
 * `npm run bench`: the same work done by Sluice and by others, side by side. Prints one table and, if asked, writes the figures.
 * Ends with 1 if a row does not run; no figure is ever a failure. How it measures: README.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PART_NAMES, type PartName, parseArguments } from "./arguments.js";
import { findCores } from "./harness/cores.js";
import { BRIEF, FULL } from "./harness/effort.js";
import { rowText } from "./report.js";
import { BenchRun, type Part } from "./rows/bench-run.js";
import { clientRows } from "./rows/client-rows.js";
import { codecRows } from "./rows/codec-rows.js";
import { fetchRows } from "./rows/fetch-rows.js";
import { growthRows } from "./rows/growth-rows.js";
import { latencyRows } from "./rows/latency-rows.js";
import { memoryRows } from "./rows/memory-rows.js";
import { pushRows } from "./rows/push-rows.js";
import { serverRows } from "./rows/server-rows.js";
import { startRows } from "./rows/start-rows.js";
import { transferRows } from "./rows/transfer-rows.js";
import { websocketRows } from "./rows/websocket-rows.js";
import { lookAround, type Surroundings } from "./surroundings.js";

const PARTS: Readonly<Record<PartName, Part>> = {
  client: clientRows,
  server: serverRows,
  fetch: fetchRows,
  websocket: websocketRows,
  transfer: transferRows,
  latency: latencyRows,
  start: startRows,
  memory: memoryRows,
  push: pushRows,
  growth: growthRows,
  codec: codecRows,
};
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function main(words: readonly string[]): Promise<number> {
  let given: ReturnType<typeof parseArguments>;
  try {
    given = parseArguments(words);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return EXIT_USAGE;
  }
  const from = Date.now();
  const cores = findCores();
  const surroundings = lookAround(cores, given.bun);
  console.log(introduction(surroundings, given.brief));
  const effort = given.brief ? BRIEF : FULL;
  const run = new BenchRun(effort, cores, given.bun, (row) => console.log(rowText(row, !given.brief)));
  for (const name of PART_NAMES.filter((one) => given.parts.includes(one))) {
    await run.attempt(name, () => PARTS[name](run));
  }
  for (const peer of run.absent) console.log(`Not here, so not compared: ${peer}`);
  for (const failure of run.failures) console.error(`FAILED ${failure}`);
  const seconds = Math.round((Date.now() - from) / 1_000);
  console.log(`${run.rows.length} rows, ${run.failures.length} failed, ${seconds} s`);
  if (given.json !== undefined) writeFigures(given.json, run, surroundings);
  return run.failures.length === 0 ? 0 : EXIT_FAILED;
}

function introduction({ node, cpu, cores, pinned, peers }: Surroundings, brief: boolean): string {
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const where = pinned ? "server and client pinned to a core each" : "not pinned: no taskset, or one core";
  const warning = brief ? "\nBrief: one short run each, to see that it runs. The figures mean nothing." : "";
  return `Node ${node}, ${cores} × ${cpu}, ${where}\n${versions.join(", ")}${warning}\n`;
}

function writeFigures(file: string, { effort, rows, failures, absent }: BenchRun, surroundings: Surroundings): void {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  const figures = { surroundings, effort, absent: [...absent], failures, rows };
  writeFileSync(path, `${JSON.stringify(figures, undefined, 2)}\n`);
  console.log(`Figures are in ${file}`);
}

process.exitCode = await main(process.argv.slice(2));
