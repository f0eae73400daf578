/**
 * A vitest reporter that keeps the books: on which Node the tests ran, how many passed, failed and were skipped, and which.
 *
 * With `SLUICE_TALLY` set to a file name the sums are written there for `scripts/count.mjs`: after each file of tests, so
 * that a run which is stopped leaves what it came to, and what it was at. With `CI=true` each skipped test must be listed in
 * `scripts/skips.json` with its reason, or the run fails: a peer that is missing is no excuse.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export default class TallyReporter {
  #soFar = tallyOf([], []);
  #running = new Set();

  onInit() {
    console.log(`\n Tests run on Node ${process.version}`);
  }

  /** @param {import("vitest/node").TestModule} module */
  onTestModuleStart(module) {
    this.#running.add(fileOf(module));
    writeTally({ ...this.#soFar, running: [...this.#running] });
  }

  /** @param {import("vitest/node").TestModule} module */
  onTestModuleEnd(module) {
    this.#running.delete(fileOf(module));
    addTo(this.#soFar, module);
    writeTally({ ...this.#soFar, running: [...this.#running] });
  }

  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly { message?: string }[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tally = tallyOf(modules, unhandledErrors);
    const unlisted = unlistedSkips(tally.skipped, JSON.parse(read("scripts/skips.json")));
    if (tally.skipped.length > 0) {
      console.log(`\n Skipped (scripts/skips.json has the reasons of ${tally.skipped.length - unlisted.length}):`);
      for (const name of tally.skipped) console.log(`   ${name}${unlisted.includes(name) ? "  NOT LISTED" : ""}`);
    }
    if (unlisted.length > 0 && process.env["CI"] === "true") {
      console.error(`\n ${unlisted.length} skipped test(s) without a reason in scripts/skips.json`);
      tally.failed += unlisted.length;
      tally.failures.push(...unlisted.map((name) => `${name}: skipped without a reason in scripts/skips.json`));
      process.exitCode = 1;
    }
    writeTally(tally);
  }
}

/**
 * Counts tests by outcome; `failures` has a line for each that failed. A file that could not be loaded, a hook that failed and
 * an error outside any test each count as one failure.
 */
export function tallyOf(modules, unhandledErrors) {
  const tally = { passed: 0, failed: 0, skipped: [], failures: [] };
  for (const module of modules) addTo(tally, module);
  for (const error of unhandledErrors) {
    const { VITEST_TEST_PATH: path, VITEST_TEST_NAME: name } = error;
    const during =
      path === undefined ? "" : ` (during ${relative(ROOT, path)}${name === undefined ? "" : ` > ${name}`})`;
    tally.failures.push(`outside any test${during}: ${firstLine([error])}`);
  }
  tally.failed = tally.failures.length;
  return tally;
}

function addTo(tally, module) {
  const file = fileOf(module);
  const before = tally.failures.length;
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result();
    const name = `${file} > ${test.fullName}`;
    if (state === "passed") tally.passed += 1;
    else if (state === "failed") tally.failures.push(`${name}: ${firstLine(errors)}`);
    else tally.skipped.push(name);
  }
  for (const suite of module.children.allSuites()) {
    const errors = suite.errors();
    if (errors.length > 0) tally.failures.push(`${file} > ${suite.fullName}: ${firstLine(errors)}`);
  }
  if (module.errors().length > 0) tally.failures.push(`${file}: ${firstLine(module.errors())}`);
  else if (module.state() === "failed" && tally.failures.length === before) tally.failures.push(`${file}: failed`);
  tally.failed = tally.failures.length;
}

function fileOf(module) {
  return relative(ROOT, module.moduleId).replaceAll("\\", "/");
}

function firstLine(errors) {
  const lines = (errors?.[0]?.message ?? "").split("\n");
  return lines.find((line) => line.trim() !== "")?.trim() ?? "no message";
}

function writeTally(tally) {
  const file = process.env["SLUICE_TALLY"];
  if (file === undefined) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ node: process.version, ...tally }));
}

/** Which of `skipped` have no reason. A key is a test's whole name, or a prefix of names when it ends with `*`. */
export function unlistedSkips(skipped, reasons) {
  const keys = Object.keys(reasons);
  return skipped.filter(
    (name) => !keys.some((key) => (key.endsWith("*") ? name.startsWith(key.slice(0, -1)) : key === name)),
  );
}
