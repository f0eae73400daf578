/** "Are the types wrong?" on each package that exports any, as ESM: that Node can require() it is the stranger's check. */
import { runNode } from "../lib/command.mjs";
import { packAll } from "../lib/pack.mjs";

export const title = "types as published";

export async function check() {
  const problems = [];
  const withTypes = packAll().filter(({ manifest }) => manifest.exports !== undefined);
  for (const { name, tarball } of withTypes) {
    const args = [
      tarball,
      "--profile",
      "esm-only",
      "--format",
      "ascii",
      "--no-color",
      "--no-emoji",
      "--no-definitely-typed",
    ];
    const { ok, output } = runNode("node_modules/@arethetypeswrong/cli/dist/index.js", args);
    if (!ok) problems.push(`${name}:\n${output}`);
  }
  return { problems, notes: [withTypes.map(({ name }) => name).join(", ")] };
}
