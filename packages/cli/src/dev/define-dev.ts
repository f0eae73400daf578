/** `sluice dev` as it is written on the command line. */
import type { Command } from "commander";
import { value, values } from "../option-parsers.js";
import { parseTimeLimit } from "../parse/duration.js";
import { parsePort } from "../parse/port.js";
import type { Io } from "../terminal/io.js";
import type { DevSettings } from "./settings.js";

const GRACE_MS = 2_000;
const POLL_MS = 500;

const EXAMPLES = `
Examples:
  sluice dev app.ts
  sluice dev --port 8080 --env .env src/app.ts
  sluice dev --watch views --clear server.js

A program that exports an application as its default is served; one that listens by itself is left alone.
What is to be the program's own option stands behind two dashes.
Files in node_modules do not count, unless they are links to a place outside.
TypeScript needs Node 22.18 or newer, or tsx: npm install --save-dev tsx`;

interface DevFlags extends Pick<DevSettings, "port" | "host" | "inspect"> {
  readonly env?: readonly string[];
  readonly watch?: readonly string[];
  readonly poll?: number | true;
  readonly grace?: number;
  readonly tsx?: boolean;
  readonly clear?: boolean;
}

/** Adds the command; `done` is given its exit code. */
export function defineDev(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command("dev")
    .summary("run a program, and again whenever its files change")
    .description("Runs a program, and starts it again when one of the files changes that it imports.")
    .argument("<program>", "a file with JavaScript or TypeScript")
    .argument("[args...]", "the program's own arguments")
    .option("--port <port>", "for the application (default: PORT, or 3000)", value(parsePort))
    .option("--host <address>", "address for the application", "127.0.0.1")
    .option("--env <file>", "variables for the program, may be repeated", values(String))
    .option("--watch <path>", "a file or folder that counts as well, repeatable", values(String))
    .option("--poll [time]", `look for changes every so often (default: ${POLL_MS}ms)`, value(parseTimeLimit))
    .option("--grace <time>", "what a program has to end (default: 2s)", value(parseTimeLimit))
    .option("--tsx", "run it with tsx even where Node knows TypeScript")
    .option("--inspect [address]", "let a debugger in")
    .option("--clear", "clear the screen for each start")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, args: readonly string[], flags: DevFlags) => {
      const { runDev } = await import("./dev-command.js");
      done(await runDev(settingsFrom(file, args, flags), io));
    });
}

function settingsFrom(program: string, args: readonly string[], flags: DevFlags): DevSettings {
  const { port, host, env = [], watch = [], poll, grace = GRACE_MS, tsx = false, inspect, clear = false } = flags;
  const pollMs = poll === true ? POLL_MS : poll;
  return { program, args, port, host, envFiles: env, watch, pollMs, graceMs: grace, tsx, inspect, clear };
}
