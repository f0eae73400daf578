/** Which seeds are run, and what is said of those that fail. */
// Loaded on first use otherwise, in real time, while the clock of the world goes on: a request would seem to miss its deadline.
import "../../src/client/elaborate-payload.js";
import { simulate } from "./simulate.js";

/** Seeds that once found a bug: run first, in both tiers. A change to the workload gives them other worlds; then they are found anew. */
export const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [17, "the deadline for unread bodies, rounded two ways, was armed again without end"],
  [161, "the same"],
];

/** The seeds named in `SIMULATION_SEEDS`, such as `7` or `100-199,250`; undefined if there are none. */
export function namedSeeds(named = process.env["SIMULATION_SEEDS"]): number[] | undefined {
  if (named === undefined || named === "") return undefined;
  return named.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last)) {
      throw new Error(`Cannot read SIMULATION_SEEDS: expected seeds such as 7 or 100-199,250, received ${named}`);
    }
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

/** Runs the kept seeds and then `seeds`; gives a report for each that fails, with the command that repeats it. */
export async function failuresOf(seeds: Iterable<number>, mostFailures = 5): Promise<string[]> {
  const failures: string[] = [];
  for (const seed of [...KEPT_SEEDS.map(([kept]) => kept), ...seeds]) {
    const { breaches } = await simulate(seed);
    if (breaches.length === 0) continue;
    const again = `SIMULATION_SEEDS=${seed} npx vitest run --config vitest.config.ts packages/sluice/test/simulation`;
    failures.push(`seed ${seed}:\n  ${breaches.join("\n  ")}\n  again: ${again}`);
    if (failures.length === mostFailures) break;
  }
  return failures;
}

export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}
