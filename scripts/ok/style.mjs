/** Format and lint, by Biome: biome.json has the rules. `npm run format` mends what can be mended. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lines, runNode } from "../lib/command.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "format and lint";

export async function check() {
  // Biome asks git which files are ignored; a source archive has no git, and so no ignored files that matter.
  const flags = existsSync(join(ROOT, ".git")) ? [] : ["--vcs-enabled=false"];
  const args = ["check", "--error-on-warnings", "--max-diagnostics=40", "--colors=off", ...flags, "."];
  const { ok, output } = runNode("node_modules/@biomejs/biome/bin/biome", args);
  const summary = lines(output).find((line) => line.startsWith("Checked")) ?? "";
  return { problems: ok ? [] : [output], notes: [summary] };
}
