/**
 * `node scripts/run.mjs <verb> [args…]`: brings a fresh clone to the point where the verb can run, then runs it.
 *
 * Needs nothing but Node and npm. Installs when `node_modules` is not what `package-lock.json` asks for, lets the
 * compiler build what changed, and passes further arguments on. When nothing is to be done it costs about half a second.
 *
 *   build       install, compile, bundle
 *   test        quick tier: unit, wire, real sockets           (arguments go to vitest)
 *   test:long   soaks, fuzzing, difference tests               (arguments go to vitest)
 *   ok          everything else a machine can check            (arguments: names of checks)
 *   demo        the tour: examples/src/demo/main.ts
 *   bench       side by side with other libraries: bench/src/main.ts   (arguments go to it)
 *   reference   the API reference, from the doc comments, to docs/reference
 *   clean       delete what was built
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./lib/bundle.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/root.mjs";

const BUILT = [
  "packages/sluice/dist",
  "packages/httpbin/dist",
  "packages/cli/dist",
  "examples/dist",
  "bench/dist",
  ".cache",
  "docs/reference",
];

/** What each verb runs, and whether it is of use when the compiler has complained. */
const VERBS = {
  build: { file: undefined, despiteErrors: false },
  test: { file: "node_modules/vitest/vitest.mjs", args: ["run", "--config", "vitest.config.ts"], despiteErrors: true },
  "test:long": {
    file: "node_modules/vitest/vitest.mjs",
    args: ["run", "--config", "vitest.long.config.ts"],
    despiteErrors: true,
  },
  ok: { file: "scripts/ok.mjs", args: [], despiteErrors: true },
  demo: { file: "examples/dist/demo/main.js", args: [], despiteErrors: false },
  reference: { file: "node_modules/typedoc/bin/typedoc", args: [], despiteErrors: false },
  bench: { file: "bench/dist/main.js", args: [], despiteErrors: false },
};

const LEAST_NODE = [20, 19];

async function main([verb, ...rest]) {
  if (verb === "clean") return clean();
  const plan = Object.hasOwn(VERBS, verb ?? "") ? VERBS[verb] : undefined;
  if (plan === undefined) {
    return refuse(`Cannot run ${verb ?? "nothing"}: expected one of ${Object.keys(VERBS).join(", ")}, clean`, 2);
  }
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    return refuse(`Sluice needs Node ${LEAST_NODE.join(".")} or newer, this is ${process.version}`, 2);
  }
  // Colours are for people: some tools take CI=true for a terminal.
  if (!process.stdout.isTTY && process.env["FORCE_COLOR"] === undefined) process.env["NO_COLOR"] ??= "1";

  ensureInstalled(ROOT);
  const built = runNode("node_modules/typescript/bin/tsc", ["-b"]);
  if (built !== 0 && !plan.despiteErrors) return refuse("Cannot go on: the compiler found errors (above)", built);
  await bundle(join(ROOT, "packages/sluice"));
  if (plan.file === undefined) return built;
  if (!existsSync(join(ROOT, plan.file))) {
    return refuse(`Cannot run ${verb}: ${plan.file} is missing after the build; its source is not there`, 1);
  }
  const ended = runNode(plan.file, [...plan.args, ...withoutSeparator(rest)]);
  if (ended === 0 && built !== 0) return refuse(`${verb} passed, but the compiler found errors (above)`, 1);
  return ended;
}

function clean() {
  for (const path of BUILT) rmSync(join(ROOT, path), { recursive: true, force: true });
  return 0;
}

/** npm keeps the `--` of `npm test -- -- args` written once too often. */
function withoutSeparator(args) {
  return args[0] === "--" ? args.slice(1) : args;
}

function runNode(file, args) {
  const ended = spawnSync(process.execPath, [join(ROOT, file), ...args], { cwd: ROOT, stdio: "inherit" });
  if (ended.error !== undefined) throw ended.error;
  return ended.status ?? 1;
}

function refuse(message, code) {
  console.error(message);
  return code;
}

process.exitCode = await main(process.argv.slice(2));
