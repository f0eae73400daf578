/** What a run has not worked off, in a file that a later run can take as its input. */
import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { fileProblem } from "../terminal/file-problem.js";
import { StorageFailure } from "./file-store.js";

/** Characters that are written at once. */
const WRITE_CHARACTERS = 64 * 1024;

/**
 * Writes one line for each, and resolves to their number. The file is replaced when all of them are written: it may be the one that the
 * lines come from. Throws {@link StorageFailure}.
 */
export async function writeRemaining(path: string, urls: AsyncIterable<string>): Promise<number> {
  const partial = `${path}.${randomUUID()}.part`;
  try {
    const count = await writeLines(partial, urls);
    await rename(partial, path);
    return count;
  } catch (error) {
    await rm(partial, { force: true });
    throw new StorageFailure(fileProblem("write", path, error).message, { cause: error });
  }
}

async function writeLines(path: string, lines: AsyncIterable<string>): Promise<number> {
  const handle = await open(path, "wx");
  try {
    let count = 0;
    let text = "";
    for await (const line of lines) {
      count += 1;
      text += `${line}\n`;
      if (text.length < WRITE_CHARACTERS) continue;
      await handle.writeFile(text);
      text = "";
    }
    await handle.writeFile(text);
    return count;
  } finally {
    await handle.close();
  }
}
