/**
 * A stranger's install: the tarballs, in a folder outside the project. Imports and requires every entry, compiles a
 * program against each under `nodenext` (as ESM and as CommonJS) and `bundler` with `skipLibCheck` off and no `lib.dom`,
 * and starts the command.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lines, run } from "../lib/command.mjs";
import { npmCommand } from "../lib/install.mjs";
import { packAll } from "../lib/pack.mjs";
import { read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "a stranger's install";

const STRICT = {
  target: "ES2023",
  lib: ["ES2023"],
  types: ["node"],
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
};
const RESOLUTIONS = {
  nodenext: { ...STRICT, module: "nodenext", moduleResolution: "nodenext" },
  bundler: { ...STRICT, module: "esnext", moduleResolution: "bundler" },
};

export async function check() {
  const folder = mkdtempSync(join(tmpdir(), "sluice-stranger-"));
  try {
    return inspect(folder, packAll());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function inspect(folder, packed) {
  const installed = install(folder, packed);
  if (!installed.ok) return { problems: [`npm install failed:\n${installed.output}`] };
  const entries = packed.flatMap(({ name, manifest }) =>
    Object.keys(manifest.exports ?? {})
      .filter((subpath) => subpath !== "./package.json")
      .map((subpath) => `${name}${subpath.slice(1)}`),
  );
  const problems = [
    ...entries.flatMap((entry) => load(folder, entry)),
    ...compile(folder, entries),
    ...packed.flatMap((one) => startCommands(folder, one)),
  ];
  return {
    problems,
    notes: [`${entries.join(", ")}: import, require, ${Object.keys(RESOLUTIONS).join(", ")}; the command`],
  };
}

function install(folder, packed) {
  const types = JSON.parse(read("package-lock.json")).packages["node_modules/@types/node"].version;
  const dependencies = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const manifest = { private: true, dependencies, devDependencies: { "@types/node": types } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const npm = npmCommand();
  const flags = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  return run(npm.file, [...npm.args, ...flags], { cwd: folder, shell: npm.shell });
}

/** Both module systems see the same names, nothing is printed, and nothing keeps the process alive. */
function load(folder, entry) {
  const print = "console.log(JSON.stringify(Object.keys(module).filter((name) => name !== '__esModule').sort()))";
  const programs = {
    import: ["--input-type=module", "--eval", `const module = await import("${entry}"); ${print}`],
    require: ["--input-type=commonjs", "--eval", `{ const module = require("${entry}"); ${print} }`],
  };
  const problems = [];
  const seen = [];
  for (const [way, args] of Object.entries(programs)) {
    const { ok, output, stdout } = run(process.execPath, args, { cwd: folder, timeout: 20_000 });
    if (!ok) problems.push(`${way} ${entry}: ${output}`);
    else if (output !== stdout.trim()) problems.push(`${way} ${entry} prints: ${output.replace(stdout.trim(), "")}`);
    else if (stdout.trim() === "[]") problems.push(`${way} ${entry}: exports nothing`);
    seen.push(stdout);
  }
  if (problems.length === 0 && seen[0] !== seen[1]) problems.push(`${entry}: import and require see other names`);
  return problems;
}

function compile(folder, entries) {
  const program = entries.map((entry, index) => `import * as entry${index} from "${entry}";`).join("\n");
  const uses = entries.map((_, index) => `entry${index}`).join(", ");
  writeFileSync(join(folder, "esm.mts"), `${program}\nexport const all: readonly object[] = [${uses}];\n`);
  const required = program.replaceAll(/import \* as (\w+) from ("[^"]+")/g, "import $1 = require($2)");
  writeFileSync(join(folder, "cjs.cts"), `${required}\nexport const all: readonly object[] = [${uses}];\n`);
  const problems = [];
  for (const [name, compilerOptions] of Object.entries(RESOLUTIONS)) {
    const files = name === "nodenext" ? ["esm.mts", "cjs.cts"] : ["esm.mts"];
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files }));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { ok, output } = run(process.execPath, [tsc, "-p", `tsconfig.${name}.json`, "--pretty", "false"], {
      cwd: folder,
    });
    if (!ok) problems.push(...lines(output).map((line) => `TypeScript, ${name}: ${line}`));
  }
  return problems;
}

function startCommands(folder, { name, manifest }) {
  return Object.keys(manifest.bin ?? {}).flatMap((command) => {
    const file = join(folder, "node_modules", ".bin", command);
    const { ok, output } = run(file, ["--version"], {
      cwd: folder,
      timeout: 20_000,
      shell: process.platform === "win32",
    });
    if (!ok) return [`${command} --version: ${output}`];
    const { version } = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
    return output.includes(version) ? [] : [`${command} --version printed ${output}, the package is ${version}`];
  });
}
