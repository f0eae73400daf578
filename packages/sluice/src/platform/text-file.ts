/**
 * Small text files with secrets in them: read whole up to a limit, and replaced whole, so that nobody ever sees half of
 * one.
 */

import { randomBytes } from "node:crypto";
import { constants, open, rename, rm } from "node:fs/promises";
import { UsageError } from "../errors.js";

/** Only the owner may read and write. */
const PRIVATE_MODE = 0o600;

/** How a file's bytes are read as text: latin1 is one character a byte. */
export type TextFileEncoding = "utf8" | "latin1";

/**
 * The text of a file. Rejects with Node's own error if it cannot be read, with `UsageError` `files/too-large`
 * if it has more than `maxBytes`.
 */
export async function readTextFile(
  path: string,
  maxBytes: number,
  encoding: TextFileEncoding = "utf8",
): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > maxBytes) {
      throw new UsageError("files/too-large", `Cannot read ${path}: it has ${size} bytes, limit is ${maxBytes}`);
    }
    return await file.readFile(encoding);
  } finally {
    await file.close();
  }
}

/** How {@link readPrivateTextFile} looks at a file. */
export interface PrivateFileOptions {
  /** Largest file that is read. */
  readonly maxBytes: number;
  /** Whether others than its owner may be able to read it. Windows has other ways to say who may. */
  readonly checkPermissions: boolean;
}

/**
 * The text of a regular file with secrets in it, as UTF-8. Rejects with Node's own error if it cannot be read, with `UsageError`
 * `files/too-large`, `files/not-regular` for a pipe or a device, which might never end, or `files/not-private` for one that others
 * can read or that belongs to somebody else: neither root nor whoever runs this process.
 */
export async function readPrivateTextFile(path: string, options: PrivateFileOptions): Promise<string> {
  const { maxBytes, checkPermissions } = options;
  // A pipe would make `open` wait for a writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new UsageError("files/not-regular", `Cannot read ${path}: it is no regular file`);
    if (checkPermissions && process.platform !== "win32") requirePrivate(path, stats);
    if (stats.size > maxBytes) {
      throw new UsageError("files/too-large", `Cannot read ${path}: it has ${stats.size} bytes, limit is ${maxBytes}`);
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

function requirePrivate(path: string, { mode, uid }: { readonly mode: number; readonly uid: number }): void {
  const othersMay = mode & 0o077;
  if (othersMay !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, "0");
    throw new UsageError(
      "files/not-private",
      `Cannot use ${path}: others have rights to it (mode ${shown}), which \`chmod 600\` takes away`,
    );
  }
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw new UsageError("files/not-private", `Cannot use ${path}: it belongs to another user`);
  }
}

/**
 * Replaces a file by one with this text, readable by its owner only. The new file is written beside the old one, forced
 * to disk and then renamed: after a crash there is one or the other. Rejects with Node's own error; the old file is
 * untouched then.
 */
export async function writePrivateTextFile(
  path: string,
  text: string,
  encoding: TextFileEncoding = "utf8",
): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(beside, "wx", PRIVATE_MODE);
  try {
    try {
      await file.writeFile(text, encoding);
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
