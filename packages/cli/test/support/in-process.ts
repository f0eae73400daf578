/** The command in the process of the test: all but `bin/sluice.js` and `main.ts`, in a fraction of the time that a process takes. */
import { runProgram } from "../../src/program.js";
import { FakeIo } from "./fake-io.js";
import type { Ended } from "./sluice-process.js";

/** Runs a command line to its end, outputs being pipes, with `input` on standard input and nothing but `env` as environment. */
export async function run(
  args: readonly string[],
  { input = "", env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Ended> {
  const io = new FakeIo({ env, stdin: input });
  const code = await runProgram(args, io);
  return { code, signal: null, stdout: io.out.text, stderr: io.err.text };
}
