/** `sluice httpbin`: serves until a signal comes, then lets running requests end. */
import { startHttpbin } from "@sluice/httpbin";
import type { Io } from "../terminal/io.js";
import { serveUntilSignal } from "../terminal/serve-until-signal.js";

/** Milliseconds that running requests have after the first signal: the longest delay that a client can ask for, and a little. */
const GRACE_MS = 11_000;

/** What the command line decides. */
export interface HttpbinSettings {
  readonly port: number;
  readonly host: string;
  /** No line for each answer. */
  readonly quiet: boolean;
}

/** Says its URL on standard output, a line for each answer on standard error. Resolves when all is closed. */
export async function runHttpbin({ port, host, quiet }: HttpbinSettings, io: Io): Promise<number> {
  const accessLog = { format: "common", write: (line: string) => io.stderr.say(`${line}\n`) } as const;
  const server = await startHttpbin({ port, host, ...(quiet ? {} : { accessLog }) });
  return serveUntilSignal(server, io, { graceMs: GRACE_MS, onListening: () => io.stdout.say(`${server.url}\n`) });
}
