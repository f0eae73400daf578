/** Types: the packages as they are built, then every test and the tools' configuration, all strict. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lines, runNode } from "../lib/command.mjs";
import { filesBelow, workspaces } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "types";
const TSC = "node_modules/typescript/bin/tsc";

export async function check() {
  const tested = workspaces()
    .map(({ folder }) => folder)
    .filter((folder) => filesBelow(`${folder}/test`, /\.ts$/).length > 0);
  const missing = tested.filter((folder) => !existsSync(join(ROOT, folder, "tsconfig.test.json")));
  const projects = tested.filter((folder) => !missing.includes(folder)).map((folder) => `${folder}/tsconfig.test.json`);
  // One build: it knows that the tests' projects stand on the packages', and reports each error once.
  const { ok, output } = runNode(TSC, ["-b", "tsconfig.json", "tsconfig.tools.json", ...projects, "--pretty", "false"]);
  const problems = missing.map((folder) => `${folder} has tests and no tsconfig.test.json: nothing checks their types`);
  if (!ok) problems.push(...lines(output));
  return { problems, notes: [`packages, ${projects.length} test projects, tools`] };
}
