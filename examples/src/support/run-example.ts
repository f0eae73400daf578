/**
 * What all examples have in common: a server to talk to (the URL on the command line, otherwise an httpbin of their own), a
 * title, lines of report, and claims that are checked. An example whose claims do not all hold ends with exit code 1.
 */
import { bold, green, red } from "./colours.js";
import { startPracticeServer } from "./practice-server.js";

/** What an example is given. */
export interface Stage {
  /** The server's URL, without a path. */
  readonly server: string;
  /** Prints a line. */
  say(line: string): void;
  /** Prints a claim with its figures, and remembers if it does not hold. */
  check(holds: boolean, claim: string): void;
}

/** Runs one example. */
export async function runExample(title: string, example: (stage: Stage) => Promise<void>): Promise<void> {
  const given = process.argv[2];
  if (given !== undefined) return perform(title, example, new URL(given).origin);
  await using server = await startPracticeServer();
  await perform(title, example, server.url);
}

async function perform(title: string, example: (stage: Stage) => Promise<void>, server: string): Promise<void> {
  console.log(bold(title));
  await example({
    server,
    say: (line) => console.log(`    ${line}`),
    check(holds, claim) {
      console.log(`  ${holds ? green("✓") : red("✗")} ${claim}`);
      if (!holds) process.exitCode = 1;
    },
  });
}

/** `1234.5` → `1.23 s`, `12.3` → `12 ms`. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

/** Bytes as megabytes of a million. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** Milliseconds since `start`, which `performance.now()` gave. */
export function since(start: number): number {
  return performance.now() - start;
}
