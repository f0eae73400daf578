/** What the command line says. */

/** The parts of the bench, in the order in which they run. */
export const PART_NAMES = [
  "client",
  "server",
  "fetch",
  "websocket",
  "push",
  "transfer",
  "latency",
  "start",
  "memory",
  "growth",
  "codec",
] as const;
/** One of {@link PART_NAMES}. */
export type PartName = (typeof PART_NAMES)[number];

/** A command line, understood. */
export interface Arguments {
  readonly parts: readonly PartName[];
  readonly brief: boolean;
  /** Where to write the figures; undefined for nowhere. */
  readonly json: string | undefined;
  /** The program to run as Bun. */
  readonly bun: string | undefined;
}

/** How to call it. */
export const USAGE = `Usage: npm run bench -- [${PART_NAMES.join(" | ")}]… [--brief] [--json [FILE]] [--bun FILE]

  no part         all of them
  --brief         only to see that every row still runs: the figures mean nothing
  --json [FILE]   write the figures, to bench/results/<parts>.json if no file is named
  --bun FILE      the Bun to compare with (default: the one on the path, if there is one)`;

/** Throws an error whose message is for the caller. */
export function parseArguments(given: readonly string[]): Arguments {
  const parts: PartName[] = [];
  const found = { brief: false, json: undefined as string | undefined, bun: undefined as string | undefined };
  const rest = [...given];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (isPart(word)) parts.push(word);
    else if (word === "--brief") found.brief = true;
    else if (word === "--json") found.json = isFile(rest[0]) ? rest.shift() : "";
    else if (word === "--bun" && isFile(rest[0])) found.bun = rest.shift();
    else throw new Error(`Cannot understand ${word}\n\n${USAGE}`);
  }
  const json = found.json === "" ? `bench/results/${parts.length === 0 ? "all" : parts.join("-")}.json` : found.json;
  return { ...found, json, parts: parts.length === 0 ? PART_NAMES : parts };
}

function isPart(word: string): word is PartName {
  return (PART_NAMES as readonly string[]).includes(word);
}

function isFile(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith("-") && !isPart(word);
}
