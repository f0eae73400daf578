/** The real command in a process of its own, from `dist`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const BIN = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output (or error) has this text in it, so many times. */
  said(text: string, where?: "stdout" | "stderr", times?: number): Promise<void>;
  /** The first line on standard output (or error) with this text in it, once it is whole. */
  line(text: string, where?: "stdout" | "stderr"): Promise<string>;
  /** The first line on standard output, once it is whole. */
  firstLine(): Promise<string>;
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
  readonly cwd?: string;
}

/** Starts it; killed when the test is over, should it still run then. */
export function start(args: readonly string[], { env = {}, nodeArgs = [], cwd }: StartOptions = {}): Running {
  const { NODE_ENV: _ours, NO_COLOR: _noColour, FORCE_COLOR: _colour, ...others } = process.env;
  const inherited = Object.fromEntries(
    Object.entries(others).filter(([name]) => !/^(?:https?|all|no)_proxy$/i.test(name)),
  );
  const child = spawn(process.execPath, [...nodeArgs, BIN, ...args], { env: { ...inherited, ...env }, cwd });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const texts = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const where of ["stdout", "stderr"] as const) {
    child[where].on("data", (piece: Buffer) => {
      texts[where] += piece.toString("utf8");
      for (const listener of [...listeners]) listener();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
  // A command that fails before it reads leaves us with a broken pipe.
  child.stdin.on("error", () => undefined);
  const said: Running["said"] = (text, where = "stdout", times = 1) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (texts[where].split(text).length <= times) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      child.on("close", () => reject(new Error(`It ended without saying "${text}": ${JSON.stringify(texts)}`)));
      look();
    });
  const line: Running["line"] = async (text, where = "stdout") => {
    await said(text, where);
    const from = texts[where].lastIndexOf("\n", texts[where].indexOf(text)) + 1;
    for (let lines = 1; texts[where].indexOf("\n", from) === -1; lines += 1) await said("\n", where, lines);
    return texts[where].slice(from, texts[where].indexOf("\n", from));
  };
  const firstLine = async (): Promise<string> => {
    await said("\n");
    return texts.stdout.slice(0, texts.stdout.indexOf("\n"));
  };
  return { child, ended, said, line, firstLine };
}

/** Runs it to its end, with `input` on standard input. */
export function run(
  args: readonly string[],
  { input = "", ...options }: StartOptions & { readonly input?: string } = {},
): Promise<Ended> {
  const running = start(args, options);
  running.child.stdin.end(input);
  return running.ended;
}

/** JSON lines, parsed. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
