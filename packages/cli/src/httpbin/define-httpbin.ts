/** `sluice httpbin` as it is written on the command line. */
import type { Command } from "commander";
import { value } from "../option-parsers.js";
import { parsePort } from "../parse/port.js";
import type { Io } from "../terminal/io.js";
import type { HttpbinSettings } from "./httpbin-command.js";

const EXAMPLES = `
Examples:
  sluice httpbin --port 8080
  sluice httpbin --quiet &

Its URL is the one line on standard output; a line for each answer goes to standard error.
It does what any client asks, so let other machines reach it (--host) only where that does no harm.
Ctrl-C lets running requests end; a second one ends at once.`;

/** Adds the command; `done` is given its exit code. */
export function defineHttpbin(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command("httpbin")
    .summary("serve httpbin, to try clients on")
    .description("Serves the well-known httpbin endpoints, and some with faults to practise on.")
    .option("--port <port>", "0 for a free one", value(parsePort), 0)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("-q, --quiet", "no line for each answer")
    .addHelpText("after", EXAMPLES)
    .action(
      async ({ port, host, quiet = false }: Partial<HttpbinSettings> & Pick<HttpbinSettings, "port" | "host">) => {
        const { runHttpbin } = await import("./httpbin-command.js");
        done(await runHttpbin({ port, host, quiet }, io));
      },
    );
}
