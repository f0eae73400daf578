/** What `bin/sluice.js` starts: the process becomes the command's surroundings, its arguments the command line. */
import { EXIT_FAILED } from "./exit-codes.js";
import { processIo } from "./terminal/io.js";
import { version } from "./version.js";

const args = process.argv.slice(2);
// The library's hints are for programs that are being written with it; this one is, and those that `dev` runs are not.
if (args[0] !== "dev") process.env["NODE_ENV"] ??= "production";

if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  // The one answer that scripts ask for in passing: not even the argument parser is needed for it.
  process.stdout.write(`${version()}\n`);
} else {
  start().catch((error: unknown) => {
    process.exitCode = EXIT_FAILED;
    console.error(error);
  });
}

async function start(): Promise<void> {
  const { runProgram } = await import("./program.js");
  process.exitCode = await runProgram(args, processIo());
}
