/**
 * Everything that a machine can check and that is not a test: one line for each check, all of them run, problems listed
 * below their line. `npm run ok -- layers gates` runs only those named. Each check is a file of `scripts/ok` with a `title`
 * and a `check()` that gives `{ problems, notes }`.
 *
 * With `SLUICE_TALLY` set to a file name the sums are written there, as the tests do (scripts/vitest/tally.mjs).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Cheap ones first; the last three look at what would be published. */
const ORDER = [
  "style",
  "types",
  "layers",
  "gates",
  "lockfile",
  "texts",
  "limits",
  "compared",
  "conformance",
  "snippets",
  "reference",
  "publint",
  "attw",
  "stranger",
];
const MOST_PROBLEMS = 60;
const MOST_LINES = 60;

async function main(wanted) {
  const unknown = wanted.filter((name) => !ORDER.includes(name));
  if (unknown.length > 0) {
    console.error(`Cannot check ${unknown.join(", ")}: expected some of ${ORDER.join(", ")}`);
    return 2;
  }
  const failed = [];
  const names = wanted.length > 0 ? ORDER.filter((name) => wanted.includes(name)) : ORDER;
  const failures = [];
  for (const name of names) {
    const problems = await runCheck(name);
    if (problems.length === 0) continue;
    failed.push(name);
    failures.push(...problems.map((problem) => `${name}: ${problem.split("\n")[0]}`));
  }
  writeTally({ passed: names.length - failed.length, failed: failed.length, failures });
  console.log(failed.length === 0 ? `\n${names.length} checks passed` : `\nFAILED: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

/** Runs one check and reports it; gives what it found. A check that breaks has found something. */
async function runCheck(name) {
  const startedAt = performance.now();
  let problems;
  let notes = [];
  try {
    const { check } = await import(`./ok/${name}.mjs`);
    ({ problems, notes = [] } = await check());
  } catch (error) {
    problems = [`the check itself broke: ${error.stack}`];
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const verdict = problems.length === 0 ? "ok  " : "FAIL";
  console.log(`${verdict} ${name.padEnd(9)} ${seconds.padStart(5)} s  ${notes[0] ?? ""}`.trimEnd());
  for (const note of notes.slice(1)) console.log(`       ${note}`);
  for (const problem of problems.slice(0, MOST_PROBLEMS)) console.log(`  !    ${shorten(problem)}`);
  if (problems.length > MOST_PROBLEMS) console.log(`  !    and ${problems.length - MOST_PROBLEMS} more`);
  return problems;
}

function shorten(problem) {
  const all = problem.split("\n");
  if (all.length > MOST_LINES) all.splice(MOST_LINES, all.length, `(${all.length - MOST_LINES} more lines)`);
  return all.join("\n       ");
}

function writeTally({ passed, failed, failures }) {
  const file = process.env["SLUICE_TALLY"];
  if (file === undefined) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ node: process.version, passed, failed, skipped: [], failures }));
}

process.exitCode = await main(process.argv.slice(2));
