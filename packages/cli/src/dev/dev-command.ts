/**
 * `sluice dev`: runs a program, and again whenever a file changes that it has loaded. What the program is told and how it ends are its
 * own: signals are passed on, and when it ends by itself, well or badly, the next change starts it again.
 */
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";
import { DevSession } from "./dev-session.js";
import { nodeArguments } from "./node-arguments.js";
import type { DevSettings } from "./settings.js";

/** Resolves to the exit code when a signal has ended it. Throws `UsageProblem` for files that are not there, or tsx if it is needed. */
export async function runDev(settings: DevSettings, io: Io): Promise<number> {
  const program = existing("run", settings.program);
  if (!statSync(program).isFile()) throw new UsageProblem(`Cannot run ${settings.program}: it is no file`);
  const envFiles = settings.envFiles.map((file) => existing("read", file));
  const watch = settings.watch.map((path) => existing("watch", path));
  const nodeArgs = nodeArguments(program, { ...settings, envFiles });
  return new DevSession({ ...settings, program, envFiles, watch }, nodeArgs, io).run();
}

/** Where a file or folder really is. Throws `UsageProblem` if it is not there. */
function existing(purpose: string, path: string): string {
  try {
    return realpathSync(resolve(path));
  } catch (error) {
    throw fileProblem(purpose, path, error);
  }
}
