/**
 * 10,000 connections that do nothing cost those that do something nothing but memory, and not much of that. Server and clients are
 * a process each, on `dist`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const IDLE = 10_000;
const ACTIVE = 100;
const SECONDS = 2;
/** Of so many looks the best one counts: what else the machine does only ever makes it worse. */
const LOOKS = 3;
/** What p99 may grow by: machines that test are slow and shared, while a look at every connection per request would cost hundreds. */
const MOST_TIMES = 3;
const MOST_MORE_MS = 50;
/** A connection of Node's own costs about 10 KiB here. */
const MOST_BYTES_EACH = 24 * 1024;

class Program {
  readonly child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor(name: string, ...args: readonly string[]) {
    const file = fileURLToPath(new URL(`./many/${name}`, import.meta.url));
    this.child = spawn(process.execPath, ["--expose-gc", file, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
    });
    const { stdout } = this.child;
    if (stdout === null) throw new Error("The program has no output to read");
    this.#lines = createInterface({ input: stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`${this.child.spawnargs.join(" ")} ended early`);
    return value;
  }

  async tell<Answer>(order: string): Promise<Answer> {
    this.child.stdin?.write(`${order}\n`);
    return JSON.parse(await this.line()) as Answer;
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    if (this.child.exitCode !== null) return;
    this.child.stdin?.end();
    await ended;
  }
}

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0).reverse()) await program.end();
});

function start(name: string, ...args: readonly string[]): Program {
  const program = new Program(name, ...args);
  programs.push(program);
  return program;
}

interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

async function best(clients: Program): Promise<Latencies> {
  const looks: Latencies[] = [];
  for (let look = 0; look < LOOKS; look += 1) looks.push(await clients.tell<Latencies>(`ask ${ACTIVE} ${SECONDS}`));
  return looks.reduce((one, other) => (other.p99 < one.p99 ? other : one));
}

test(`${IDLE} idle connections are held while ${ACTIVE} active ones keep their p99`, async () => {
  const server = start("serving-program.mjs");
  const clients = start("holding-program.mjs", await server.line());
  await clients.tell<Latencies>(`ask ${ACTIVE} 1`);
  const alone = await best(clients);
  const before = await server.tell<{ open: number; rss: number }>("state");

  expect(await clients.tell("hold 10000")).toEqual({ held: IDLE });
  const full = await server.tell<{ open: number; rss: number }>("state");
  expect(full.open).toBeGreaterThanOrEqual(IDLE);
  const among = await best(clients);
  const after = await server.tell<{ open: number; rss: number }>("state");

  const each = Math.round((full.rss - before.rss) / IDLE);
  const shown = ({ count, p50, p99 }: Latencies) =>
    `${count} answers, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
  console.log(`alone: ${shown(alone)}; among ${IDLE}: ${shown(among)}; ${each} bytes each`);
  expect(after.open).toBeGreaterThanOrEqual(IDLE);
  expect(among.p99).toBeLessThan(Math.max(alone.p99 * MOST_TIMES, alone.p99 + MOST_MORE_MS));
  expect(each).toBeLessThan(MOST_BYTES_EACH);
}, 300_000);
