/**
 * Programs that we talk to. One that is missing skips its tests on a developer's machine; with CI=true the tests run, and
 * fail by its absence.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { atEnd } from "./places.js";

const run = promisify(execFile);

/** The interpreter that Debian's packages are for comes first. */
const PYTHONS = ["/usr/bin/python3", "python3"];
const NGINXES = ["nginx", "/usr/sbin/nginx"];
const START_MS = 45_000;

/** True where a missing program is no excuse. */
const inCi = process.env["CI"] === "true";

/** Whether tests of a program that was looked for are to be skipped. */
export function isAbsent(found: string | undefined): boolean {
  return found === undefined && !inCi;
}

export const curl: string | undefined = firstThatRuns(["curl"], ["--version"]);
export const nginx: string | undefined = firstThatRuns(NGINXES, ["-v"]);
export const tinyproxy: string | undefined = firstThatRuns(["tinyproxy", "/usr/bin/tinyproxy"], ["-v"]);
export const microsocks: string | undefined = firstThatExists(["/usr/bin/microsocks", "/usr/local/bin/microsocks"]);
export const danted: string | undefined = firstThatRuns(["danted", "/usr/sbin/danted"], ["-v"]);
/** Wants to be called by its whole path. */
export const sshd: string | undefined = firstThatExists(["/usr/sbin/sshd", "/usr/local/sbin/sshd"]);
export const ssh: string | undefined = firstThatRuns(["ssh", "/usr/bin/ssh"], ["-V"]);
export const aiohttpPython: string | undefined = firstThatRuns(PYTHONS, ["-c", "import aiohttp"]);
export const autobahnPython: string | undefined = firstThatRuns(PYTHONS, ["-c", "import autobahn.asyncio.websocket"]);
export const chromiumPath: string | undefined = programOnPath("chromium") ?? programOnPath("chromium-browser");
export const httpbinPython: string | undefined = firstThatRuns(PYTHONS, ["-c", "import httpbin, werkzeug"]);

/** Runs a program to its end; its standard output as bytes. Rejects, with what it wrote on standard error, if it fails. */
export async function output(program: string | undefined, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await run(program ?? "missing-program", [...args], {
    encoding: "buffer",
    maxBuffer: 64 * 1024 * 1024,
    timeout: START_MS,
  });
  return stdout;
}

/** Starts a program that prints a line with a port when it listens, and resolves to that port. Ended by `closeAll`. */
export async function startedServer(program: string | undefined, args: readonly string[]): Promise<number> {
  const child = spawn(program ?? "missing-program", [...args], { stdio: ["ignore", "pipe", "pipe"] });
  atEnd(() => ended(child));
  return new Promise((resolve, reject) => {
    let said = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      const port = /^port (\d+)$/m.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

/** Starts a program that listens where it was told, and resolves when it accepts there. Ended by `closeAll`. */
export async function startedOn(port: number, program: string | undefined, args: readonly string[]): Promise<void> {
  const child = spawn(program ?? "missing-program", [...args], { stdio: ["ignore", "ignore", "pipe"] });
  atEnd(() => ended(child));
  let said = "";
  let over: Error | undefined;
  child.stderr.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.on("error", (error) => {
    over = error;
  });
  child.on("exit", (code) => {
    over ??= new Error(`${program} ended with ${code}: ${said}`);
  });
  const giveUpAt = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (over !== undefined) throw over;
    if (performance.now() > giveUpAt) throw new Error(`${program} does not listen on port ${port}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Below those that systems give away by themselves, so that nobody else gets one before the program that it is for has begun. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** Test files run beside one another, in processes of their own. */
let tried = process.pid * 101;

/** A port that was free just now: for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (;;) {
    tried += 1;
    const port = FIRST_PORT + (tried % PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** A file of `peers/`. */
export function peerFile(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
}

async function accepts(port: number): Promise<boolean> {
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1");
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(hard);
}

/** The whole path of a program, for those who do not look for it themselves. */
function programOnPath(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return firstThatExists(folders.map((folder) => join(folder, name)));
}

function firstThatExists(programs: readonly string[]): string | undefined {
  return programs.find((program) => existsSync(program));
}

function firstThatRuns(programs: readonly string[], args: readonly string[]): string | undefined {
  return programs.find((program) => spawnSync(program, [...args], { stdio: "ignore", timeout: START_MS }).status === 0);
}
