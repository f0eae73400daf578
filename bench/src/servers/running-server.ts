/** A server that runs, whatever it is written in. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import { pinned } from "../harness/cores.js";
import type { ServerOrders } from "./server-main.js";

/** A server under test. */
export interface RunningServer {
  readonly port: number;
  /** CPU milliseconds used so far; undefined where the system does not tell. */
  cpu(): Promise<number | undefined>;
  end(): Promise<void>;
}

/** Linux counts CPU time in these, whatever the kernel's own clock is. */
const TICK_MS = 10;

/** Starts one of the adapters in this folder, in Node. */
export async function startNodeServer(name: string, core: number | undefined): Promise<RunningServer> {
  const child = new Child<ServerOrders>({ module: "servers/server-main.js", args: [name], core });
  const { port } = await child.tell("start", null);
  return { port, cpu: () => child.tell("cpu", null), end: () => child.end() };
}

/** Starts a program that prints `{"port": …}` as its first line. */
export async function startForeignServer(
  file: string,
  args: readonly string[],
  core: number | undefined,
): Promise<RunningServer> {
  const [command, commandArgs] = pinned(core, file, args);
  const process = spawn(command, commandArgs, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await firstLine(process, file);
  const { port } = JSON.parse(line) as { port: number };
  return {
    port,
    cpu: async () => cpuOf(process.pid),
    async end() {
      const gone = once(process, "exit");
      process.kill("SIGKILL");
      await gone;
    },
  };
}

/** The bun to run: the one given, else the first on the path; undefined if there is none. */
export function findBun(given: string | undefined): string | undefined {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "bun"));
  return [given, ...places].find((file) => file !== undefined && existsSync(file));
}

/** The first Python on the machine that has aiohttp. */
export function findAiohttp(): string | undefined {
  const asksFor = ["-c", "import aiohttp"];
  return ["python3", "/usr/bin/python3"].find((file) => spawnSync(file, asksFor).status === 0);
}

/** `bun.js` of this folder. */
export const BUN_SERVER = fileURLToPath(new URL("bun.js", import.meta.url));
/** Python is not compiled: it stands in the sources. */
export const AIOHTTP_SERVER = fileURLToPath(new URL("../../src/servers/aiohttp-server.py", import.meta.url));

async function firstLine(process: ChildProcess, file: string): Promise<string> {
  if (process.stdout === null) throw new Error("The server was started without a pipe");
  for await (const line of createInterface({ input: process.stdout })) return line;
  throw new Error(`${file} ended without saying where it listens`);
}

/** User and system time, from the 14th and 15th field of `/proc/<pid>/stat` (the second may have spaces). */
function cpuOf(pid: number | undefined): number | undefined {
  const path = `/proc/${pid}/stat`;
  if (pid === undefined || !existsSync(path)) return undefined;
  const text = readFileSync(path, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
