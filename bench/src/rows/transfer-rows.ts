/**
 * Downloads to the disk: what a large file costs beside curl, how fast several segments are beside aria2c where each connection is
 * limited, and how much memory that takes; and uploads, which have a file of their own. Every run is a process of its own, and a target that
 * is not there.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import { pinned } from "../harness/cores.js";
import type { Contestant, Run } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import type { FileServerOrders } from "../transfer/file-server-main.js";
import { childCpu } from "../transfer/programs.js";
import type { BenchRun } from "./bench-run.js";
import { uploadRows } from "./upload-rows.js";

const DOWNLOAD_MAIN = fileURLToPath(new URL("../transfer/download-main.js", import.meta.url));
const MIB = 1024 * 1024;
const SEGMENTS = 8;
const COUNTED_RUNS = 3;
/** Of every run: the last one's file is taken away when the next one begins, whoever made it. */
const TARGET = "target";
/** Bytes a second on each connection. */
const RATE = 10_000_000;
const UNITS = { part: "transfer", lowerIsBetter: true, whole: true } as const;

/** What a run of ours prints. */
interface Taken {
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
}

/** Everything about downloads and uploads. */
export async function transferRows(run: BenchRun): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    await run.attempt("transfer: large file", () => largeFile(run, folder));
    await run.attempt("transfer: limited connections", () => limitedConnections(run, folder));
    await run.attempt("transfer: uploads", () => uploadRows(run, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function largeFile(run: BenchRun, folder: string): Promise<void> {
  const size = run.effort.brief ? 4 * MIB : 1024 * MIB;
  await withServer(run, size, 0, async (url) => {
    const peaks: Record<number, number> = {};
    const ours = (segments: number): Contestant => ({
      name: segments === 1 ? "sluice" : `sluice, ${segments} segments`,
      run: async () => {
        const { wall, cpu, peak } = downloadRun(run, url, join(folder, TARGET), { size, segments });
        peaks[segments] = Math.max(peaks[segments] ?? 0, peak);
        return { wall, cpu };
      },
    });
    const curl = peer(run, "curl", size, (file) => ["-s", "-S", "-f", "-o", file, url]);
    await run.row(
      { ...UNITS, title: `${size / MIB} MiB to disk`, unit: "ms", cpuUnit: "CPU ms", targets: { curl: 1 / 1.3 } },
      [ours(1), ours(SEGMENTS), ...curl(folder)].map(ledIn),
    );
    const peakOf = (segments: number): Contestant => ({
      name: `${segments} segment${segments === 1 ? "" : "s"}`,
      run: () => Promise.resolve({ wall: peaks[segments] ?? 0, cpu: undefined }),
    });
    const title = `${size / MIB} MiB to disk: peak memory (aim: 100 MB)`;
    await run.row({ ...UNITS, title, unit: "MB", cpuUnit: undefined }, [peakOf(1), peakOf(SEGMENTS)]);
  });
}

/**
 * Each run comes after one of its own kind that is not counted. What a page of the file cache costs depends on whether the machine has the
 * memory already: in a virtual machine whose host lends it at the first touch, and takes it back, the same program wrote the same GiB for 0.2 s
 * of CPU or for 2.4 s, and who came after whom decided which. Of those that count, the median is taken, for the host takes back what it
 * likes in between.
 */
function ledIn(contestant: Contestant): Contestant {
  return {
    ...contestant,
    run: async () => {
      await contestant.run();
      const runs: Run[] = [];
      while (runs.length < COUNTED_RUNS) runs.push(await contestant.run());
      const cpu = runs.flatMap((one) => one.cpu ?? []);
      return { wall: medianOf(runs.map(({ wall }) => wall)), cpu: cpu.length === 0 ? undefined : medianOf(cpu) };
    },
  };
}

function medianOf(figures: readonly number[]): number {
  return spreadOf(figures).median;
}

async function limitedConnections(run: BenchRun, folder: string): Promise<void> {
  const size = run.effort.brief ? 2 * MIB : 400 * MIB;
  await withServer(run, size, RATE, async (url) => {
    const ours: Contestant = {
      name: "sluice",
      run: async () => {
        const { wall } = downloadRun(run, url, join(folder, TARGET), { size, segments: SEGMENTS });
        return { wall, cpu: undefined };
      },
    };
    const places = ["-x8", "-s8", "-k1M", "-q", "--allow-overwrite=true", "--file-allocation=none"];
    const aria2c = peer(run, "aria2c", size, (file) => [
      ...places,
      "-d",
      folder,
      "-o",
      file.slice(folder.length + 1),
      url,
    ]);
    const byWall = aria2c(folder).map(
      ({ name, run: one }): Contestant => ({
        name,
        run: async () => ({ wall: (await one()).wall, cpu: undefined }),
      }),
    );
    const title = `${size / MIB} MiB, 10 MB/s a connection, ${SEGMENTS} segments`;
    await run.row({ ...UNITS, title, unit: "ms", cpuUnit: undefined, targets: { aria2c: 1 / 1.1 } }, [ours, ...byWall]);
  });
}

async function withServer(
  run: BenchRun,
  size: number,
  rate: number,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = new Child<FileServerOrders>({ module: "transfer/file-server-main.js", core: run.cores.server });
  try {
    const { url } = await server.tell("listen", { size, rate });
    await work(url);
  } finally {
    await server.end();
  }
}

function downloadRun(
  { cores }: BenchRun,
  url: string,
  file: string,
  { size, segments }: { readonly size: number; readonly segments: number },
): Taken {
  rmSync(file, { force: true });
  const output = runProgram(cores.client, process.execPath, [DOWNLOAD_MAIN, url, file, String(segments)]);
  requireSize(file, size);
  return JSON.parse(output) as Taken;
}

/** A program of somebody else's, if it is here: what it takes from start to end. */
function peer(
  run: BenchRun,
  name: string,
  size: number,
  argsFor: (file: string) => readonly string[],
): (folder: string) => Contestant[] {
  return (folder) => {
    if (spawnSync(name, ["--version"]).error !== undefined) {
      run.absent.add(name);
      return [];
    }
    const file = join(folder, TARGET);
    const one = (): Promise<Run> => {
      rmSync(file, { force: true });
      const before = childCpu();
      const from = performance.now();
      runProgram(run.cores.client, name, argsFor(file));
      const wall = performance.now() - from;
      const after = childCpu();
      requireSize(file, size);
      return Promise.resolve({ wall, cpu: before === undefined || after === undefined ? undefined : after - before });
    };
    return [{ name, run: one }];
  };
}

function requireSize(file: string, size: number): void {
  const found = statSync(file).size;
  if (found !== size) throw new Error(`${file} has ${found} bytes, expected ${size}`);
}

function runProgram(core: number | undefined, program: string, args: readonly string[]): string {
  const [command, commandArgs] = pinned(core, program, args);
  const env = { ...process.env, NODE_ENV: "production" };
  const ended = spawnSync(command, commandArgs, { encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"] });
  if (ended.status !== 0) throw new Error(`${program} ended with ${ended.status ?? ended.signal}`);
  return ended.stdout;
}
