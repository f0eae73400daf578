#!/usr/bin/env node
// Starts the compiled command. In a checkout that has not been built yet it builds first; a published package always is.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/main.js", import.meta.url);
const runScript = fileURLToPath(new URL("../../../scripts/run.mjs", import.meta.url));

if (!existsSync(main) && existsSync(runScript)) {
  const { spawnSync } = await import("node:child_process");
  // What is said while building must not mix with the command's output.
  const stdio = ["ignore", process.stderr, "inherit"];
  const built = spawnSync(process.execPath, [runScript, "build"], { stdio });
  if (built.status !== 0) {
    console.error("Cannot start sluice: it is not built yet, and building it failed. Run: npm run build");
    process.exit(1);
  }
}
await import(main.href);
