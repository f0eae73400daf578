/**
 * A vitest reporter that keeps the books: on which Node the tests ran, how many passed, failed and were skipped, and which.
 *
 * With `SLUICE_TALLY` set to a file name the sums are written there for `scripts/count.mjs`. With `CI=true` each skipped
 * test must be listed in `scripts/skips.json` with its reason, or the run fails: a peer that is missing is no excuse.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export default class TallyReporter {
  onInit() {
    console.log(`\n Tests run on Node ${process.version}`);
  }

  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tally = tallyOf(modules, unhandledErrors.length);
    const unlisted = unlistedSkips(tally.skipped, JSON.parse(read("scripts/skips.json")));
    if (tally.skipped.length > 0) {
      console.log(`\n Skipped (scripts/skips.json has the reasons of ${tally.skipped.length - unlisted.length}):`);
      for (const name of tally.skipped) console.log(`   ${name}${unlisted.includes(name) ? "  NOT LISTED" : ""}`);
    }
    if (unlisted.length > 0 && process.env["CI"] === "true") {
      console.error(`\n ${unlisted.length} skipped test(s) without a reason in scripts/skips.json`);
      tally.failed += unlisted.length;
      process.exitCode = 1;
    }
    const file = process.env["SLUICE_TALLY"];
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ node: process.version, ...tally }));
  }
}

/** Counts tests by outcome. A file that could not be loaded and an error outside any test each count as one failure. */
export function tallyOf(modules, unhandledErrorCount) {
  const tally = { passed: 0, failed: unhandledErrorCount, skipped: [] };
  for (const module of modules) {
    const file = relative(ROOT, module.moduleId).replaceAll("\\", "/");
    let hasFailure = false;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") tally.passed += 1;
      else if (state === "failed") {
        tally.failed += 1;
        hasFailure = true;
      } else tally.skipped.push(`${file} > ${test.fullName}`);
    }
    if (module.state() === "failed" && !hasFailure) tally.failed += 1;
  }
  return tally;
}

/** Which of `skipped` have no reason. A key is a test's whole name, or a prefix of names when it ends with `*`. */
export function unlistedSkips(skipped, reasons) {
  const keys = Object.keys(reasons);
  return skipped.filter(
    (name) => !keys.some((key) => (key.endsWith("*") ? name.startsWith(key.slice(0, -1)) : key === name)),
  );
}
