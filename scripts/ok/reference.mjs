/**
 * The API reference can be made from the doc comments, and says everything: every type that the public API mentions is
 * exported or marked `@internal`, and every `{@link}` leads somewhere. What is made here is what `npm run reference` writes.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runNode } from "../lib/command.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "reference";

const OUT = ".cache/reference";
/** What the tool puts before its own words, in colour or not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with an escape
const COLOURS = /\u001b\[\d+m/g;

export async function check() {
  const { ok, output } = runNode("node_modules/typedoc/bin/typedoc", ["--out", OUT]);
  const problems = problemsIn(output);
  if (!ok && problems.length === 0) problems.push(output);
  return { problems, notes: ok ? [`${pagesIn(OUT)} pages`] : [] };
}

/** @returns {string[]} the warnings and errors among the lines of typedoc's output, the sum of them left out */
export function problemsIn(output) {
  return output
    .replace(COLOURS, "")
    .split("\n")
    .flatMap((line) => /^\[(?:warning|error)\] (?!Found \d)(.*)$/.exec(line)?.[1] ?? []);
}

function pagesIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith(".md")).length;
}
