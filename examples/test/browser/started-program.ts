/** An example that serves until it is stopped, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Started {
  readonly url: string;
  readonly port: string;
  /** As a machine does that loses its power: no goodbye. */
  kill(): Promise<void>;
  /** As an operator does; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Everything it wrote on standard error. */
  readonly errors: () => string;
}

/** Runs `examples/dist/<name>/main.js` until it says where it serves. */
export async function startProgram(name: string, ...args: readonly string[]): Promise<Started> {
  const file = fileURLToPath(new URL(`../../dist/${name}/main.js`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const url = await firstUrl(child, () => errors);
  return {
    url,
    port: new URL(url).port,
    kill: () => end(child, "SIGKILL").then(() => undefined),
    stop: () => end(child, "SIGTERM"),
    errors: () => errors,
  };
}

async function firstUrl(child: ChildProcess, errors: () => string): Promise<string> {
  let output = "";
  for await (const text of child.stdout?.setEncoding("utf8") ?? []) {
    output += text;
    const url = /http:\/\/\S+/.exec(output)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`It ended without serving: ${output}${errors()}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  const [code] = await ended;
  return code;
}
