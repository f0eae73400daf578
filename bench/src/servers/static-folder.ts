/** The folder that the static rows are served from: made for one process, and gone with it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LARGE_FILE, SMALL_FILE } from "../workloads.js";

/** Makes the folder; it holds `small.txt` and `large.txt`. */
export function makeStaticFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-static-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "small.txt"), SMALL_FILE);
  writeFileSync(join(folder, "large.txt"), LARGE_FILE);
  return folder;
}
