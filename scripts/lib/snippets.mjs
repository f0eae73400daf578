/**
 * Takes TypeScript examples out of Markdown. The convention (CONTRIBUTING.md, "Examples in documents"):
 *
 *   ```ts             compiled
 *   ```ts run         compiled and run; it must end by itself, with exit code 0
 *   ```ts continue    the same program as the block before it; may be combined: ```ts run continue
 *   <!-- snippet …    lines put before the block that follows, which a reader need not see; closed by a line with -->
 *   <!-- table …      the same before a table: the code in the last cell of each row is compiled, each row by itself
 *
 * Other languages (`js`, `sh`, `text`, …) are left alone.
 */

const FENCE = /^(\s*)(`{3,})\s*([^`]*)$/;
const HIDDEN = /^<!-- snippet\s*$/;
const TABLE = /^<!-- table\s*$/;
const KNOWN_WORDS = new Set(["run", "continue"]);

/**
 * @typedef {object} Program
 * @property {string} path the document
 * @property {number} line where its first visible block begins, counting from 1
 * @property {boolean} runs
 * @property {{ text: string, line: number }[]} lines each with its place in the document
 */

/**
 * The programs of one document.
 *
 * @returns {{ programs: Program[], problems: string[] }}
 */
export function programsIn(path, text) {
  /** @type {Program[]} */
  const programs = [];
  const problems = [];
  const documentLines = text.split("\n");
  let hidden = [];
  for (let at = 0; at < documentLines.length; at += 1) {
    const line = documentLines[at];
    if (HIDDEN.test(line)) {
      const end = indexFrom(documentLines, at + 1, (one) => one.trim() === "-->");
      hidden = numbered(documentLines, at + 1, end, "");
      at = end;
      continue;
    }
    if (TABLE.test(line)) {
      const end = indexFrom(documentLines, at + 1, (one) => one.trim() === "-->");
      const rows = rowsAfter(documentLines, end + 1);
      if (rows.length === 0) problems.push(`${path}:${at + 1}: a table comment without a table with code after it`);
      else
        programs.push({
          path,
          line: end + 2,
          runs: false,
          lines: [...numbered(documentLines, at + 1, end, ""), ...rows],
        });
      at = end;
      continue;
    }
    const opening = FENCE.exec(line);
    if (opening === null) {
      if (line.trim() !== "") hidden = dropUnused(hidden, path, problems);
      continue;
    }
    const [, indent, ticks, info] = opening;
    const end = indexFrom(documentLines, at + 1, (one) => one.trim() === ticks);
    const [language, ...words] = info.trim().split(/\s+/);
    if (language === "ts") {
      for (const word of words) if (!KNOWN_WORDS.has(word)) problems.push(`${path}:${at + 1}: unknown word "${word}"`);
      const lines = [...hidden, ...numbered(documentLines, at + 1, end, indent)];
      addBlock({ programs, problems }, { path, line: at + 1, lines, words });
      hidden = [];
    } else hidden = dropUnused(hidden, path, problems);
    at = end;
  }
  dropUnused(hidden, path, problems);
  return { programs, problems };
}

function addBlock({ programs, problems }, { path, line, lines, words }) {
  const runs = words.includes("run");
  if (!words.includes("continue")) {
    programs.push({ path, line, runs, lines });
    return;
  }
  const before = programs.at(-1);
  if (before === undefined) {
    problems.push(`${path}:${line}: nothing to continue`);
    return;
  }
  before.lines.push(...lines);
  before.runs ||= runs;
}

/** The code in the last cells of the table that begins at `from`, each row as a function of its own. */
function rowsAfter(documentLines, from) {
  const start = indexFrom(documentLines, from, (one) => one.trim() !== "");
  const end = indexFrom(documentLines, start, (one) => !one.startsWith("|"));
  return documentLines.slice(start, end).flatMap((text, index) => {
    const cell =
      text
        .trimEnd()
        .replace(/\|$/, "")
        .split(/(?<!\\)\|/)
        .at(-1) ?? "";
    const code = [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span.replaceAll("\\|", "|"));
    return code.length === 0 ? [] : [{ text: `async () => { ${code.join(" ")} };`, line: start + index + 1 }];
  });
}

function dropUnused(hidden, path, problems) {
  if (hidden.length > 0) problems.push(`${path}:${hidden[0].line}: a snippet comment without a ts block after it`);
  return [];
}

function numbered(documentLines, from, to, indent) {
  return documentLines.slice(from, to).map((text, index) => ({
    text: text.startsWith(indent) ? text.slice(indent.length) : text.trimStart(),
    line: from + index + 1,
  }));
}

/** The first index from `from` that satisfies `test`, or the end. */
function indexFrom(list, from, test) {
  const found = list.findIndex((one, index) => index >= from && test(one));
  return found === -1 ? list.length : found;
}
