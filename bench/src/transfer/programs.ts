/** Programs that are run from start to end, ours and others', and what they take: CPU time by the system's account, peak of memory by looking. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { pinned } from "../harness/cores.js";

/** What a program took. */
export interface Taken {
  /** Milliseconds. */
  readonly wall: number;
  /** Milliseconds, of it and its own children; undefined where the system does not tell. */
  readonly cpu: number | undefined;
  /** Megabytes, as far as a look every few milliseconds sees; undefined where the system does not tell. */
  readonly peak: number | undefined;
  readonly output: string;
}

const TICK_MS = 10;
const LOOK_MS = 20;
const KIB = 1024;
const HIGH_WATER = /^VmHWM:\s+(\d+) kB$/m;

/** Runs a program on `core`; throws unless it ends with 0. One at a time, or they are counted together. */
export async function takenBy(core: number | undefined, program: string, args: readonly string[]): Promise<Taken> {
  const [command, commandArgs] = pinned(core, program, args);
  const before = childCpu();
  const from = performance.now();
  const env = { ...process.env, NODE_ENV: "production" };
  const child = spawn(command, commandArgs, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  let peak: number | undefined;
  const looking = setInterval(() => {
    peak = Math.max(peak ?? 0, peakOf(child.pid) ?? 0);
  }, LOOK_MS);
  const [status, signal] = (await ended.finally(() => clearInterval(looking))) as [number | null, string | null];
  if (status !== 0) throw new Error(`${program} ended with ${status ?? signal}`);
  const wall = performance.now() - from;
  const after = childCpu();
  return { wall, cpu: before === undefined || after === undefined ? undefined : after - before, peak, output };
}

/** CPU milliseconds of all processes that this one has started and that have ended (proc(5), fields 16 and 17); Linux only. */
export function childCpu(): number | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Megabytes that a process has had at the most (proc(5), VmHWM); undefined for one that is gone. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const match = HIGH_WATER.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? undefined : (Number(match[1]) * KIB) / 1_000_000;
  } catch {
    // It has ended, or this is no Linux.
    return undefined;
  }
}
