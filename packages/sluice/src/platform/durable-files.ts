/**
 * Files whose owner has to know what is on the disk and what is only on its way there. Writing and syncing are told apart, and so are
 * a file's content and the folder entry that leads to it: after a crash of the machine a synced file may still have no name, and a name
 * may lead to a file without its last writes. Behind an interface, so that a test can put a disk of its own below an engine, drop or
 * tear what was not synced, and see whether the engine finds its way back.
 *
 * Errors are the system's own (`ENOSPC`, `EROFS` …).
 */

import { constants } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rename, stat, statfs, unlink } from "node:fs/promises";

/** A file open for reading and writing. Whoever opened it closes it. */
export interface DurableFile {
  /** Bytes in it now, synced or not. */
  size(): Promise<number>;
  /** Up to `length` bytes from `at` on, the receiver's own; fewer where the file ends. */
  read(at: number, length: number): Promise<Uint8Array>;
  /** Writes all of `pieces`, one after the other, from `at` on. Resolves when the system has them, not when the disk has. */
  write(pieces: readonly Uint8Array[], at: number): Promise<void>;
  /** Cuts it to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Resolves when what was written and truncated before is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The part of a file system that an engine writes to. Paths are absolute, or relative to the process's folder. */
export interface DurableFiles {
  /** Makes a file that is not there yet; rejects with `EEXIST` otherwise. */
  create(path: string): Promise<DurableFile>;
  /** Opens a regular file; undefined if there is nothing. */
  open(path: string): Promise<DurableFile | undefined>;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Moves a file to a name that nobody has; false if it is taken. A move that a crash has left half done (both names lead to the file)
   * is completed.
   */
  moveToFree(from: string, to: string): Promise<boolean>;
  /** False if there was nothing. */
  remove(path: string): Promise<boolean>;
  /** Makes a folder and those it lies in; no matter if they are there. A private one is for its owner alone. */
  makeFolder(path: string, kind: "shared" | "private"): Promise<void>;
  /** Resolves when the entries of a folder, new, changed and removed ones, are on the disk. */
  syncFolder(path: string): Promise<void>;
  /** Names in a folder, in no order. */
  list(path: string): Promise<readonly string[]>;
  /** Bytes that may still be written where `path` lies, as far as the system tells. */
  freeBytes(path: string): Promise<number>;
}

/** What the process's own mask leaves of these. */
const NEW_FILE = 0o666;
const FOLDER_MODES = { shared: 0o777, private: 0o700 } as const;
/** Without following a link in the place of the file, and without waiting for a FIFO's other end. */
const PLAIN = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** What file systems that have no hard links answer, some network and memory card formats among them. */
const NO_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
/** What systems answer that sync no folders, Windows above all. */
const NO_FOLDER_SYNC: ReadonlySet<unknown> = new Set(["EISDIR", "EPERM", "EINVAL", "ENOTSUP", "EACCES"]);

/** The system's own file system. */
export const systemFiles: DurableFiles = Object.freeze({
  async create(path: string): Promise<DurableFile> {
    return durable(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, NEW_FILE));
  },

  async open(path: string): Promise<DurableFile | undefined> {
    try {
      return durable(await open(path, constants.O_RDWR | PLAIN));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },

  rename,

  async moveToFree(from: string, to: string): Promise<boolean> {
    try {
      await link(from, to);
    } catch (error) {
      if (NO_LINKS.has(codeOf(error))) return moveWithoutLinks(from, to);
      if (codeOf(error) !== "EEXIST") throw error;
      if (!(await isSameFile(from, to))) return false;
    }
    await unlink(from);
    return true;
  },

  async remove(path: string): Promise<boolean> {
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    }
  },

  async makeFolder(path: string, kind: "shared" | "private"): Promise<void> {
    await mkdir(path, { recursive: true, mode: FOLDER_MODES[kind] });
  },

  async syncFolder(path: string): Promise<void> {
    let folder: FileHandle;
    try {
      folder = await open(path, constants.O_RDONLY);
    } catch (error) {
      if (NO_FOLDER_SYNC.has(codeOf(error))) return;
      throw error;
    }
    try {
      await folder.sync();
    } catch (error) {
      if (!NO_FOLDER_SYNC.has(codeOf(error))) throw error;
    } finally {
      await folder.close();
    }
  },

  list: (path: string) => readdir(path),

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
});

/** Node's code of a system error, such as `ENOSPC`. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function durable(handle: FileHandle): DurableFile {
  return {
    size: async () => (await handle.stat()).size,
    async read(at, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    write: (pieces, at) => writeAll(handle, pieces, at),
    truncate: (size) => handle.truncate(size),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** A system call may take less than it was given. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], start: number): Promise<void> {
  let left = pieces.filter((piece) => piece.byteLength > 0);
  let at = start;
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    const rest: Uint8Array[] = [];
    for (const piece of left) {
      if (bytesWritten < piece.byteLength) rest.push(piece.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - piece.byteLength);
    }
    left = rest;
  }
}

/** Not safe from others who take the name in between: there is nothing better there. */
async function moveWithoutLinks(from: string, to: string): Promise<boolean> {
  try {
    await stat(to);
    return false;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  await rename(from, to);
  return true;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(one, { bigint: true }), stat(other, { bigint: true })]);
  return first.ino === second.ino && first.dev === second.dev;
}
