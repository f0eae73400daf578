/**
 * Runs in the program's process before the program (`node --import`), so that the program itself is run by Node as ever: as the main
 * module, with its own arguments, its errors shown as Node shows them.
 */
import { isMainThread } from "node:worker_threads";
import { followCommand } from "./follow-command.js";
import { instructionsFrom } from "./instructions.js";
import { serveExport } from "./serve-export.js";
import { watchImports } from "./watch-imports.js";

const instructions = instructionsFrom(import.meta.url);

// Processes that the program forks inherit this module, but not the pipes; its worker threads have both.
if (process.ppid === instructions.parent) {
  watchImports();
  if (isMainThread) {
    followCommand(instructions.graceMs);
    setImmediate(() => void serveExport(instructions));
  }
}
