/**
 * Keeps the two sides apart: servers run on the first core that this process may use, clients and load generators on the second.
 * Without `taskset`, or with one core, the system decides.
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The cores of the two sides; undefined where they cannot be pinned. */
export interface Cores {
  readonly server: number | undefined;
  readonly client: number | undefined;
}

const UNPINNED: Cores = { server: undefined, client: undefined };

/** Looks for `taskset` and two cores. */
export function findCores(): Cores {
  if (process.platform !== "linux" || availableParallelism() < 2) return UNPINNED;
  const asked = spawnSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" });
  if (asked.error !== undefined || asked.status !== 0) return UNPINNED;
  const [server, client] = coresOf(asked.stdout.slice(asked.stdout.lastIndexOf(":") + 1));
  return client === undefined ? UNPINNED : { server, client };
}

/** The numbers in a list such as `0-3,8`. */
export function coresOf(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, at) => first + at);
    });
}

/** The command that runs `file` on `core`. */
export function pinned(core: number | undefined, file: string, args: readonly string[]): [string, string[]] {
  return core === undefined ? [file, [...args]] : ["taskset", ["-c", String(core), file, ...args]];
}
