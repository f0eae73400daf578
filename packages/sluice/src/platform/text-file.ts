/**
 * Small text files with secrets in them: read whole up to a limit, and replaced whole, so that nobody ever sees half of
 * one.
 */

import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { UsageError } from "../errors.js";

/** Only the owner may read and write. */
const PRIVATE_MODE = 0o600;

/**
 * The text of a file, as UTF-8. Rejects with Node's own error if it cannot be read, with `UsageError` `files/too-large`
 * if it has more than `maxBytes`.
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > maxBytes) {
      throw new UsageError("files/too-large", `Cannot read ${path}: it has ${size} bytes, limit is ${maxBytes}`);
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by one with this text, readable by its owner only. The new file is written beside the old one, forced
 * to disk and then renamed: after a crash there is one or the other. Rejects with Node's own error; the old file is
 * untouched then.
 */
export async function writePrivateTextFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(beside, "wx", PRIVATE_MODE);
  try {
    try {
      await file.writeFile(text, "utf8");
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
