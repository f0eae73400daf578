/** What tells one version of a file from another, without reading it. */
import { readdirSync, statSync } from "node:fs";

/** The stamp of what is not there, or cannot be looked at, which for a program is the same. */
export const ABSENT = "absent";

/**
 * Changes when the file does: written, replaced, made or removed. A folder's changes when a name in it comes or goes that is not an
 * editor's own (`.app.ts.swp`, `app.ts~`).
 */
export function stampOf(path: string): string {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? namesIn(path).join("/") : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    return ABSENT;
  }
}

/** The names in a folder that count, in order. Throws as the file system does. */
export function namesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith(".") && !name.endsWith("~"));
  return names.filter((name) => name !== "node_modules").sort();
}
