/**
 * Every case number of the Autobahn testsuite has a case of ours in the list, and none of them accepts more than one outcome without a
 * reason. Of the two test files the text is searched: for both roles, for both lists of cases, and for ways to leave tests out. Whether each
 * case becomes a test, under which name, and whether it passes is not looked up here. The cases are
 * packages/sluice/test/autobahn/fixtures/cases.json; docs/websocket-conformance.md has them as a table, which
 * `node scripts/ok/conformance.mjs --write` writes.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "conformance";

const CASES = "packages/sluice/test/autobahn/fixtures/cases.json";
const DOCUMENT = "docs/websocket-conformance.md";
const TESTS = ["packages/sluice/test/autobahn/autobahn.test.ts", "packages/sluice/test/autobahn/autobahn.long.test.ts"];
/** What the text of each of these files has to have: both roles, and the names of the lists of both kinds of cases. */
const RUNS = [
  'describe.each(["server", "client"] as const)("the Autobahn testsuite',
  "test.each(",
  "FRAMES_CASES",
  "DEFLATE_CASES",
];
const LEFT_OUT = /\.(?:skip|skipIf|only|todo|fails)\b/;
const TABLE = /(<!-- cases:begin[^>]*-->\n)([\s\S]*?)(<!-- cases:end -->)/;

/** How many cases the testsuite has in each group (`autobahntestsuite/case/__init__.py` and what it imports); 9.9 is switched off there. */
export const GROUPS = {
  1.1: 8,
  1.2: 8,
  2: 11,
  3: 7,
  4.1: 5,
  4.2: 5,
  5: 20,
  6.1: 3,
  6.2: 4,
  6.3: 2,
  6.4: 4,
  6.5: 5,
  6.6: 11,
  6.7: 4,
  6.8: 2,
  6.9: 4,
  "6.10": 3,
  6.11: 5,
  6.12: 8,
  6.13: 5,
  6.14: 10,
  6.15: 1,
  6.16: 3,
  6.17: 5,
  6.18: 5,
  6.19: 5,
  "6.20": 7,
  6.21: 8,
  6.22: 34,
  6.23: 7,
  7.1: 6,
  7.3: 6,
  7.5: 1,
  7.7: 13,
  7.9: 9,
  7.13: 2,
  9.1: 6,
  9.2: 6,
  9.3: 9,
  9.4: 9,
  9.5: 6,
  9.6: 6,
  9.7: 6,
  9.8: 6,
  10.1: 1,
  12.1: 18,
  12.2: 18,
  12.3: 18,
  12.4: 18,
  12.5: 18,
  13.1: 18,
  13.2: 18,
  13.3: 18,
  13.4: 18,
  13.5: 18,
  13.6: 18,
  13.7: 18,
};

export function check() {
  const { cases } = JSON.parse(read(CASES));
  const document = read(DOCUMENT);
  const problems = [
    ...whatIsMissing(cases),
    ...whatIsTolerated(cases),
    ...TESTS.flatMap((path) => whatIsLeftOut(path, read(path))),
  ];
  if (TABLE.exec(document)?.[2] !== casesAsMarkdown(cases)) {
    problems.push(`${DOCUMENT}: its tables are not those of ${CASES}; run: node scripts/ok/conformance.mjs --write`);
  }
  const open = cases.filter(({ informational }) => informational !== undefined).length;
  return { problems, notes: [`${cases.length} cases in two roles, ${open} of them left open by the testsuite`] };
}

/** The numbers that have no case, and the cases that have no number or another's. */
export function whatIsMissing(cases) {
  const wanted = Object.entries(GROUPS).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, index) => `${group}.${index + 1}`),
  );
  const ids = cases.map(({ id }) => id);
  const there = new Set(ids);
  const known = new Set(wanted);
  return [
    ...wanted.filter((id) => !there.has(id)).map((id) => `${CASES}: case ${id} is missing`),
    ...ids.filter((id) => !known.has(id)).map((id) => `${CASES}: the testsuite has no case ${id}`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${CASES}: case ${id} is there twice`),
  ];
}

/** Cases that would pass whatever happens, without saying why. */
export function whatIsTolerated(cases) {
  return cases.flatMap(({ id, expect, close, informational, deflate }) => {
    const problems = [];
    const exact = deflate !== undefined || (Array.isArray(expect) && (typeof close === "number" || close === null));
    if (!exact && informational === undefined)
      problems.push(`${CASES}: case ${id} accepts more than one outcome, and gives no reason`);
    if (informational !== undefined && informational.length < 40)
      problems.push(`${CASES}: case ${id} gives no reason worth the name`);
    return problems;
  });
}

/** A test file whose text lacks a role or a list of cases, or has a way to leave tests out; what becomes of the lists is not followed. */
export function whatIsLeftOut(path, text) {
  const problems = RUNS.filter((part) => !text.includes(part)).map((part) => `${path}: has no ${part}`);
  if (LEFT_OUT.test(text)) problems.push(`${path}: leaves cases out`);
  return problems;
}

/** What the document says of this check. */
const CHECKED = `\`npm run ok -- conformance\` compares the numbers in the list of cases with those of the testsuite, refuses a case that accepts more than one
outcome without a reason, and compares these tables with the list. In the two test files it looks for both roles, for both lists of cases, and for ways to
leave tests out. It looks up no test by its name and runs none: that a case passes is shown by \`npm test\`, not by this check.`;

/** The tables of the document: a row for each case, and a grid for the compressed ones. */
export function casesAsMarkdown(cases) {
  const framed = cases.filter(({ deflate }) => deflate === undefined);
  const deflated = cases.filter(({ deflate }) => deflate !== undefined);
  return `\n${[CHECKED, "", ...framedTable(framed), "", ...deflatedTable(deflated), "", ...reasons(framed)].join("\n")}\n`;
}

function framedTable(cases) {
  const rows = cases.map(({ id, what, close, informational }) => {
    const end = close === null ? "closed, no code" : `closed with ${close}`;
    return `| ${id} | ${what.replaceAll("|", "\\|")} | ${end} | ${informational === undefined ? "strict" : "left open"} |`;
  });
  return ["| case | what | end | as server and as client |", "|---|---|---|---|", ...rows];
}

/** Case numbers of one size in a row, by subgroup. */
function deflatedTable(cases) {
  const rows = new Map();
  for (const { id, size, fragment } of cases) {
    const key = `${size.toLocaleString("en")} | ${fragment === 0 ? "–" : fragment.toLocaleString("en")}`;
    rows.set(key, [...(rows.get(key) ?? []), id]);
  }
  const lines = [...rows].map(([key, ids]) => `| ${key} | ${ids.join(", ")} | strict |`);
  return ["| bytes of a message | of a frame | cases | as server and as client |", "|---|---|---|---|", ...lines];
}

function reasons(cases) {
  const open = cases.filter(({ informational }) => informational !== undefined);
  return open.map(({ id, informational }) => `- ${id}: ${informational}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { cases } = JSON.parse(read(CASES));
  if (process.argv.includes("--write")) {
    const written = read(DOCUMENT).replace(TABLE, (_, begin, __, end) => `${begin}${casesAsMarkdown(cases)}${end}`);
    writeFileSync(join(ROOT, DOCUMENT), written);
  } else console.log(casesAsMarkdown(cases));
}
