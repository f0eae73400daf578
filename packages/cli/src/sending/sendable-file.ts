/** A file as something to send: a small one is read once, so that thousands of requests share it; a large one is opened for each send. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { fileProblem } from "../terminal/file-problem.js";

/** Up to here a file is kept in memory, in bytes. */
const MOST_KEPT_BYTES = 1024 * 1024;

/** A body that can be sent again. */
export interface SendableFile {
  readonly body: Uint8Array | (() => Readable);
  /** Bytes. */
  readonly length: number;
}

/** Throws `UsageProblem` for a file that cannot be read. */
export async function sendableFile(path: string): Promise<SendableFile> {
  try {
    const stats = await stat(path);
    if (stats.isFile() && stats.size > MOST_KEPT_BYTES) {
      return { body: () => createReadStream(path), length: stats.size };
    }
    const body = await readFile(path);
    return { body, length: body.length };
  } catch (error) {
    throw fileProblem("send", path, error);
  }
}
