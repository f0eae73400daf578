/**
 * `node scripts/count.mjs STAGES TALLIES`: adds up a run of .ci/run and prints its last lines: what was skipped, what failed and why,
 * how the stages ended, and the sum. Names stand at the very end because records of long runs lose their middle.
 *
 * STAGES has a line `name <tab> exit code <tab> seconds` for each stage. TALLIES is a folder where a stage that counts its
 * tests left `<name>.json`. A stage without one counts as one test; so does one that failed although its tests did not.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What `timeout` ends with. */
const STOPPED = 124;
/** Of one stage: a broken build fails everything. */
const MOST_FAILURES = 40;
const MOST_LENGTH = 400;

/**
 * @param {{ name: string, code: number }[]} stages
 * @param {(name: string) => { passed: number, failed: number, skipped: string[] } | undefined} tallyOf
 */
export function total(stages, tallyOf) {
  const sum = { passed: 0, failed: 0, skipped: [] };
  for (const { name, code } of stages) {
    const tally = tallyOf(name);
    if (tally === undefined) {
      if (code === 0) sum.passed += 1;
      else sum.failed += 1;
      continue;
    }
    sum.passed += tally.passed;
    sum.failed += code !== 0 && tally.failed === 0 ? 1 : tally.failed;
    sum.skipped.push(...tally.skipped);
  }
  return sum;
}

/**
 * A line for each failure: stage, file, name of the test, beginning of the error.
 *
 * @param {{ name: string, code: number }[]} stages
 * @param {(name: string) => { failures?: string[], running?: string[] } | undefined} tallyOf
 */
export function failuresOf(stages, tallyOf) {
  return stages.flatMap(({ name, code }) => {
    const { failures = [], running = [] } = tallyOf(name) ?? {};
    const lines = failures.slice(0, MOST_FAILURES);
    if (failures.length > lines.length) lines.push(`and ${failures.length - lines.length} more`);
    const ended = code === STOPPED ? "stopped when its time was over" : `ended with ${code}`;
    if (code !== 0 && running.length > 0) lines.push(`${ended} in ${running.join(", ")}`);
    else if (code !== 0 && (lines.length === 0 || code === STOPPED)) lines.push(ended);
    return lines.map((line) => `${name}: ${line.length > MOST_LENGTH ? `${line.slice(0, MOST_LENGTH)}…` : line}`);
  });
}

function main([stagesFile, tallyFolder]) {
  const stages = readFileSync(stagesFile, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name, code, seconds] = line.split("\t");
      return { name, code: Number(code), seconds: Number(seconds) };
    });
  const tallyOf = (name) => {
    const file = join(tallyFolder, `${name}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  };
  const { passed, failed, skipped } = total(stages, tallyOf);
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const line of failuresOf(stages, tallyOf)) console.log(`failed: ${line}`);
  for (const { name, code, seconds } of stages) {
    console.log(`${code === 0 ? "ok  " : "FAIL"} ${name.padEnd(28)} ${String(seconds).padStart(5)} s`);
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return failed === 0 && stages.every(({ code }) => code === 0) ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(process.argv.slice(2));
}
