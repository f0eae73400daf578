/** Runs a small program against the compiled package in a process of its own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Written } from "../written.js";

/** The folder of the package: programs import from `./dist/`. */
export const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

export interface ChildOptions {
  /** Further flags of Node. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Most descriptors it may have open. */
  readonly descriptors?: number;
}

export interface ChildOutcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `program` (an ES module's text) until it ends by itself, or for 50 s. */
export function runChild(program: string, options: ChildOptions = {}): Promise<ChildOutcome> {
  const { flags = [], env = {}, descriptors } = options;
  const args = [...flags, "--input-type=module", "--eval", program];
  const limited = ["-c", `ulimit -n ${descriptors} && exec "$0" "$@"`, process.execPath, ...args];
  const [command, commandArgs] = descriptors === undefined ? [process.execPath, args] : ["/bin/sh", limited];
  const child = spawn(command, commandArgs, {
    cwd: PACKAGE,
    env: { ...process.env, NODE_ENV: "", NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 50_000,
    killSignal: "SIGKILL",
  });
  const written = new Written(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output: written.output, errors: written.errors }));
  });
}
