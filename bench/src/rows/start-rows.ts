/** What it costs to begin: importing the library, and starting the command. Each run is the median of several fresh processes. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { pinned } from "../harness/cores.js";
import type { Contestant, Run } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import type { BenchRun } from "./bench-run.js";

const IMPORT_MAIN = fileURLToPath(new URL("../start/import-main.js", import.meta.url));
const SLUICE_COMMAND = fileURLToPath(new URL("../../../packages/cli/bin/sluice.js", import.meta.url));
const UNITS = { unit: "ms", cpuUnit: "CPU ms", lowerIsBetter: true, whole: true };
/** Linux counts CPU time in these, whatever the kernel's own clock is. */
const TICK_MS = 10;

/** `import "sluice"`, and `sluice --version` beside Node alone. */
export async function startRows(run: BenchRun): Promise<void> {
  await run.row(
    { part: "start", title: "import of the whole package", ...UNITS, targets: { undici: 1 } },
    ["sluice", "undici"].map((name) => ({ name, run: () => importRun(run, name) })),
  );
  const commands: readonly Contestant[] = [
    { name: "sluice --version", run: () => processRun(run, [SLUICE_COMMAND, "--version"]) },
    { name: "node -e 0", run: () => processRun(run, ["-e", "0"]) },
  ];
  await run.row({ part: "start", title: "process from start to end (aim: 60 ms over Node alone)", ...UNITS }, commands);
}

async function importRun({ effort, cores }: BenchRun, name: string): Promise<Run> {
  const runs = Array.from({ length: effort.starts }, () => {
    const output = runNode(cores.client, [IMPORT_MAIN, name]);
    return JSON.parse(output) as { wall: number; cpu: number };
  });
  return { wall: spreadOf(runs.map(({ wall }) => wall)).median, cpu: spreadOf(runs.map(({ cpu }) => cpu)).median };
}

async function processRun({ effort, cores }: BenchRun, args: readonly string[]): Promise<Run> {
  const before = childCpu();
  const walls = Array.from({ length: effort.starts }, () => {
    const from = performance.now();
    runNode(cores.client, args);
    return performance.now() - from;
  });
  const after = childCpu();
  const known = before !== undefined && after !== undefined && after > before;
  return { wall: spreadOf(walls).median, cpu: known ? (after - before) / effort.starts : undefined };
}

function runNode(core: number | undefined, args: readonly string[]): string {
  const [command, commandArgs] = pinned(core, process.execPath, args);
  const ended = spawnSync(command, commandArgs, {
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (ended.status !== 0) throw new Error(`node ${args.join(" ")} ended with ${ended.status ?? ended.signal}`);
  return ended.stdout;
}

/** CPU milliseconds of all processes that this one has started and that have ended (16th and 17th field); Linux only. */
function childCpu(): number | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
