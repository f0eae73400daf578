/**
 * Files as bodies: read in pieces, written so that a file is either complete or not there. Errors of the
 * system are Node's own (`ENOENT`, `ENOSPC` …): they name the path and what was tried.
 */

import type { Stats } from "node:fs";
import { chmod, type FileHandle, lstat, open, realpath, rename, rm, stat, unlink } from "node:fs/promises";
import { PayloadError, UsageError } from "../errors.js";
import { absolutePath, beginningOf, folderOf, inFolder, nameOf } from "./paths.js";
import { randomId } from "./random.js";
import { writeAll } from "./write-all.js";

/** One read of a file: what a socket takes in a few writes. */
const READ_BYTES = 256 * 1024;
/** Pieces are collected to this size before they are written: each call is a trip to another thread, and small pieces share one. */
const WRITE_BYTES = 1024 * 1024;
const PERMISSIONS = 0o777;
/** Of a name that gets an ending: file systems take 255 with it. */
const MOST_NAME_BYTES = 200;

/** A regular file, open for reading. Several may read from it at a time. Whoever opened it closes it. */
export interface FileSource {
  /** In bytes, when it was opened. */
  readonly size: number;
  /** Last change in milliseconds since the Unix epoch. */
  readonly modifiedTime: number;
  /**
   * The bytes from `start` up to, not including, `end` (defaults: all), in pieces of at most 256 KiB that are the receiver's.
   * Throws {@link PayloadError} `file/truncated` when the file has become shorter.
   */
  slice(start?: number, end?: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Opens a file for reading. Rejects with {@link UsageError} `file/not-regular` for others: a FIFO would wait for ever. */
export async function openFile(path: string | URL): Promise<FileSource> {
  const kind = await stat(path);
  if (!kind.isFile()) throw new UsageError("file/not-regular", `Cannot read ${String(path)}: it is not a regular file`);
  const handle = await open(path, "r");
  const { size, mtimeMs } = await handle.stat();
  let closing: Promise<void> | undefined;
  return {
    size,
    modifiedTime: mtimeMs,
    slice: (start = 0, end = size) => readPieces(handle, start, Math.min(end, size)),
    close: () => {
      closing ??= handle.close();
      return closing;
    },
  };
}

/**
 * Writes all pieces to `path` and resolves to their size in bytes. The file appears there, replacing any other, when it is
 * complete; on failure nothing is left. What is not a regular file (a device, a FIFO) is written to as it is.
 */
export async function writeFileAtomically(path: string | URL, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const source = pieces[Symbol.asyncIterator]();
  try {
    const target = await realPathOf(path);
    if (await isSpecial(target)) return await writePieces(await open(target, "w"), source);
    return await replaceFile(target, source);
  } catch (error) {
    await source.return?.();
    throw error;
  }
}

/**
 * Moves a file that is ours to `path`, replacing any other there at once; the mode is that of a new file. Between file systems it is
 * copied, and on failure nothing of the copy is left.
 */
export async function moveFile(from: string, path: string | URL): Promise<void> {
  const target = await realPathOf(path);
  if (!(await isSpecial(target)) && (await renameAsNew(from, target))) return;
  const source = await openFile(from);
  try {
    await writeFileAtomically(path, source.slice());
  } finally {
    await source.close();
  }
  await unlink(from);
}

/**
 * Removes a Unix socket's file, and says whether it did: false for what is not a socket, or not there. For
 * `ListenOptions.removeStaleSocket`, which has made sure that nobody listens on it.
 */
export async function removeSocketFile(path: string): Promise<boolean> {
  const kind = await lstatOrUndefined(path);
  if (!kind?.isSocket()) return false;
  await unlink(path);
  return true;
}

async function* readPieces(
  handle: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at < end; ) {
    const piece = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) {
      throw new PayloadError("file/truncated", `Cannot read on at byte ${at} of ${end}: the file has become shorter`);
    }
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function replaceFile(target: string | URL, source: AsyncIterator<Uint8Array>): Promise<number> {
  const partial = besides(target, `.${randomId().slice(0, 8)}.part`);
  const handle = await open(partial, "wx");
  try {
    const writtenBytes = await writePieces(handle, source);
    await rename(partial, target);
    return writtenBytes;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Renames, with the mode that a new file gets there; false if it lies on another file system. */
async function renameAsNew(from: string, target: string | URL): Promise<boolean> {
  const placeholder = besides(target, `.${randomId().slice(0, 8)}.part`);
  const handle = await open(placeholder, "wx");
  try {
    const { mode } = await handle.stat();
    await chmod(from, mode & PERMISSIONS);
    await rename(from, target);
    return true;
  } catch (error) {
    if (isErrno(error, "EXDEV")) return false;
    throw error;
  } finally {
    await handle.close();
    await rm(placeholder, { force: true });
  }
}

/** The same name with something after it, as far as there is room: in the same folder, so that renaming does not copy. */
function besides(path: string | URL, suffix: string): string {
  const target = absolutePath(path);
  return inFolder(folderOf(target), beginningOf(nameOf(target), MOST_NAME_BYTES) + suffix);
}

/** Writes what `source` gives, and closes the file. Resolves to the bytes written. */
async function writePieces(handle: FileHandle, source: AsyncIterator<Uint8Array>): Promise<number> {
  try {
    let writtenBytes = 0;
    let collected: Uint8Array[] = [];
    let collectedBytes = 0;
    for (let step = await source.next(); !step.done; step = await source.next()) {
      collected.push(step.value);
      collectedBytes += step.value.length;
      if (collectedBytes < WRITE_BYTES) continue;
      writtenBytes += await writeAll(handle, collected, undefined);
      collected = [];
      collectedBytes = 0;
    }
    return writtenBytes + (await writeAll(handle, collected, undefined));
  } finally {
    await handle.close();
  }
}

/** Where a symbolic link leads, so that the file is replaced and not the link; what is not there yet, as it is. */
async function realPathOf(path: string | URL): Promise<string | URL> {
  return (await lstatOrUndefined(path)) === undefined ? path : realpath(path);
}

async function isSpecial(path: string | URL): Promise<boolean> {
  const kind = await lstatOrUndefined(path);
  return kind !== undefined && !kind.isFile();
}

async function lstatOrUndefined(path: string | URL): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
