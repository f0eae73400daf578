/** How long a file is, as far as one may rely on it. */

import { fstatSync, statSync } from "node:fs";

/**
 * The size in bytes of the regular file at a path or behind a descriptor. Undefined for everything else (pipes,
 * devices, what cannot be looked at) and for size 0, which the kernel's own files claim whatever they hold.
 * Synchronous: one system call, at a moment when the answer decides what is written next.
 */
export function fileSize(file: string | Uint8Array | number): number | undefined {
  try {
    const stats =
      typeof file === "number" ? fstatSync(file) : statSync(typeof file === "string" ? file : Buffer.from(file));
    return stats.isFile() && stats.size > 0 ? stats.size : undefined;
  } catch {
    // Whoever opens the file will meet the same error, and report it.
    return undefined;
  }
}
