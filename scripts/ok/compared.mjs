/**
 * The tables of docs/compared-*.md keep their word. A row whose "Sluice" cell begins with
 *
 * - `have` names in its last cell the tests that show it, as `path/of/a.test.ts › part of its title`;
 * - `otherwise` links there to the decision that says why, and what to do instead;
 * - `later` says what is still to come, and nothing is checked.
 */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { filesBelow, read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "compared";

const VERDICTS = ["have", "otherwise", "later"];
/** Where the paths of tests begin. */
const TESTS = ["packages/sluice/test", "packages/cli/test", "packages/httpbin/test", "examples/test"];

export function check() {
  const documents = filesBelow("docs", /^(?:.*\/)?compared-[^/]*\.md$/);
  const rows = documents.flatMap((path) => rowsIn(path, read(path)));
  const problems = rows.flatMap((row) => whatIsWrong(row, readTest, (path) => existsSync(join(ROOT, path))));
  if (documents.length === 0) problems.push("docs has no compared-*.md");
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  return { problems, notes: [VERDICTS.map((verdict) => `${count(verdict)} ${verdict}`).join(", ")] };
}

/** @returns {{ at: string, document: string, feature: string, verdict: string, shownBy: string }[]} rows of tables with a column "Sluice" */
export function rowsIn(document, text) {
  const rows = [];
  let verdictColumn = -1;
  for (const [index, line] of text.split("\n").entries()) {
    if (!line.startsWith("|")) {
      verdictColumn = -1;
      continue;
    }
    const cells = cellsOf(line);
    if (verdictColumn === -1) verdictColumn = cells.indexOf("Sluice");
    else if (!/^:?-+:?$/.test(cells[0] ?? "")) {
      const verdict = /^\w+/.exec(cells[verdictColumn] ?? "")?.[0] ?? "";
      rows.push({
        at: `${document}:${index + 1}`,
        document,
        feature: cells[0] ?? "",
        verdict,
        shownBy: cells.at(-1) ?? "",
      });
    }
  }
  return rows;
}

/** `readTest` gives the text of a test file, or undefined; `exists` says whether a path of the project is there. */
export function whatIsWrong({ at, document, feature, verdict, shownBy }, readTest, exists) {
  if (!VERDICTS.includes(verdict))
    return [`${at}: ${feature}: begins with ${verdict || "nothing"}, not ${VERDICTS.join(", ")}`];
  if (verdict === "later") return [];
  if (verdict === "otherwise") {
    const link = /\]\(([^)#]+)[^)]*\)/.exec(shownBy)?.[1];
    if (link === undefined) return [`${at}: ${feature}: links to no decision`];
    const target = normalize(join(dirname(document), link));
    return exists(target) ? [] : [`${at}: ${feature}: ${target} is not there`];
  }
  const named = [...shownBy.matchAll(/`([^`]+?) › ([^`]+)`/g)];
  if (named.length === 0) return [`${at}: ${feature}: names no test`];
  return named.flatMap(([, file, part]) => {
    const text = readTest(file);
    if (text === undefined) return [`${at}: ${feature}: there is no ${file}`];
    return text.includes(part) ? [] : [`${at}: ${feature}: ${file} has no test "${part}"`];
  });
}

/** `\|` is no border. */
function cellsOf(line) {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function readTest(file) {
  const path = TESTS.map((folder) => `${folder}/${file}`).find((candidate) => existsSync(join(ROOT, candidate)));
  return path === undefined ? undefined : read(path);
}
