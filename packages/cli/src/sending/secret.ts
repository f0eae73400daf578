/** Secrets that need not stand on the command line, where every user of the machine can read them. */
import { readFile } from "node:fs/promises";
import { fileProblem } from "../terminal/file-problem.js";
import type { Io } from "../terminal/io.js";
import { UsageProblem } from "../usage-problem.js";

const FROM_ENVIRONMENT = "env:";

/**
 * The secret at a place: `env:NAME` is a variable of the environment, anything else a file, whose first line counts. Throws
 * `UsageProblem` if there is nothing there; what is there stands in no error.
 */
export async function secretFrom(place: string, { env }: Pick<Io, "env">): Promise<string> {
  const text = place.startsWith(FROM_ENVIRONMENT) ? env[place.slice(FROM_ENVIRONMENT.length)] : await textOf(place);
  const [line = ""] = (text ?? "").replace(/^\uFEFF/, "").split(/\r?\n/, 1);
  if (line !== "") return line;
  throw new UsageProblem(`Cannot use ${place}: there is nothing in it`);
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileProblem("read", path, error);
  }
}
