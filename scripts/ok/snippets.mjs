/**
 * Every TypeScript example in the documents is compiled against the built packages, strictly, and those marked `run` are
 * run. Errors are reported at their line in the document. scripts/lib/snippets.mjs has the convention.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lines, run, runNode } from "../lib/command.mjs";
import { filesBelow, read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";
import { programsIn } from "../lib/snippets.mjs";

export const title = "examples in documents";

const FOLDER = ".cache/snippets";
const RUN_TIMEOUT_MS = 60_000;
const TSCONFIG = {
  extends: "../../tsconfig.base.json",
  compilerOptions: {
    composite: false,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: ".",
    outDir: "out",
  },
  include: ["*.ts"],
};

export async function check() {
  const documents = filesBelow("", /\.md$/).filter((path) => !/(^|\/)fixtures\//.test(path));
  const found = documents.map((path) => programsIn(path, read(path)));
  const problems = found.flatMap((one) => one.problems);
  const programs = new Map(found.flatMap((one) => one.programs).map((program) => [nameOf(program), program]));
  if (programs.size > 0) {
    writePrograms(programs);
    problems.push(...compile(programs));
    if (problems.length === 0) problems.push(...runMarked(programs));
  }
  const runCount = [...programs.values()].filter(({ runs }) => runs).length;
  return { problems, notes: [`${programs.size} in ${documents.length} documents, ${runCount} run`] };
}

function nameOf({ path, line }) {
  return `${path.replace(/\.md$/, "").replaceAll(/[^\w]+/g, "-")}-${line}`;
}

function writePrograms(programs) {
  const folder = join(ROOT, FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  for (const [name, program] of programs) {
    const text = program.lines.map((line) => line.text).join("\n");
    writeFileSync(join(folder, `${name}.ts`), `${text}\nexport {};\n`);
  }
}

function compile(programs) {
  const { ok, output } = runNode("node_modules/typescript/bin/tsc", ["-p", FOLDER, "--pretty", "false"]);
  return ok ? [] : lines(output).map((line) => atDocument(line, programs));
}

/** `.cache/snippets/README-12.ts(3,7): error …` → `README.md:14: error …` */
function atDocument(line, programs) {
  const [, name, row, rest] = /^\.cache\/snippets\/([^(]+)\.ts\((\d+),\d+\): (.*)$/.exec(line) ?? [];
  const program = programs.get(name);
  if (program === undefined) return line;
  const place = program.lines[Number(row) - 1] ?? program.lines.at(-1);
  return `${program.path}:${place?.line ?? program.line}: ${rest}`;
}

function runMarked(programs) {
  const problems = [];
  for (const [name, program] of programs) {
    if (!program.runs) continue;
    const file = join(ROOT, FOLDER, "out", `${name}.js`);
    const options = { cwd: join(ROOT, FOLDER), timeout: RUN_TIMEOUT_MS };
    const { ok, output } = run(process.execPath, [file], options);
    if (!ok) problems.push(`${program.path}:${program.line}: the example failed when run:\n${output}`);
  }
  return problems;
}
