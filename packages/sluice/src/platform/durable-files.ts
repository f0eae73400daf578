/**
 * Files whose owner has to know what is on the disk and what is only on its way there. Writing and syncing are told apart, and so are
 * a file's content and the folder entry that leads to it: after a crash of the machine a synced file may still have no name, and a name
 * may lead to a file without its last writes. Behind an interface, so that a test can put a disk of its own below an engine, drop or
 * tear what was not synced, and see whether the engine finds its way back.
 *
 * Errors are the system's own (`ENOSPC`, `EROFS` …).
 */

import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { writeAll } from "./write-all.js";

/** A file open for reading and writing. Whoever opened it closes it. */
export interface DurableFile {
  /** Bytes in it now, synced or not. */
  size(): Promise<number>;
  /** Fills `bytes` from `at` on; resolves to how many there were, fewer only where the file ends. */
  read(bytes: Uint8Array, at: number): Promise<number>;
  /**
   * Writes all of `pieces`, one after the other, from `at` on. They must not change until then. Resolves when the system has them, not
   * when the disk has.
   */
  write(pieces: readonly Uint8Array[], at: number): Promise<void>;
  /** Cuts it to `size` bytes or, with zeros that take no room, lengthens it. */
  truncate(size: number): Promise<void>;
  /** Resolves when what was written and truncated before is on the disk. */
  sync(): Promise<void>;
  /** {@link DurableFile.sync}, and its times and rights. */
  syncAll(): Promise<void>;
  /** Sets the time of the last change, in milliseconds since the Unix epoch. */
  setModifiedTime(timeMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What is at a path, links followed. */
export interface PathStatus {
  readonly kind: "file" | "folder" | "other";
  /** In bytes. */
  readonly size: number;
  /** Bytes of disk it takes, as far as the system says; a file with holes takes less than its size. */
  readonly allocated: number;
  /** In milliseconds since the Unix epoch. */
  readonly modifiedTime: number;
  /** The same for two names of one file, and for those only. */
  readonly identity: string;
}

/** The part of a file system that an engine writes to. Paths are absolute, or relative to the process's folder. */
export interface DurableFiles {
  /** Makes a file that is not there yet; rejects with `EEXIST` otherwise. */
  create(path: string): Promise<DurableFile>;
  /** Opens a file, no link; undefined if there is nothing. */
  open(path: string): Promise<DurableFile | undefined>;
  /** The text of a file, or undefined if there is none. More than `maxBytes`: what is beyond them is left out. */
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  /** Replaces what is at `to`, at once. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file. Rejects with `EEXIST` if it is taken, with others where the file system knows no such thing. */
  link(from: string, to: string): Promise<void>;
  /** Harmless if there is nothing. */
  remove(path: string): Promise<void>;
  /** Makes a folder and those it lies in; no matter if they are there. A private one is for its owner alone. */
  makeFolder(path: string, kind: "shared" | "private"): Promise<void>;
  /** Resolves when the entries of a folder, new, changed and removed ones, are on the disk. */
  syncFolder(path: string): Promise<void>;
  /** Names in a folder, in no order. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined for nothing. */
  status(path: string): Promise<PathStatus | undefined>;
  /** Sets the time of the last change to now, as the file system's clock has it. */
  touch(path: string): Promise<void>;
  /** Bytes that may still be written where `path` lies; `Infinity` where the file system does not say. */
  freeBytes(path: string): Promise<number>;
}

/** What the process's own mask leaves of these. */
const NEW_FILE = 0o666;
const FOLDER_MODES = { shared: 0o777, private: 0o700 } as const;
/** Without following a link in the place of the file, and without waiting for a FIFO's other end. */
const PLAIN = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const NOTHING: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);
/** What file systems that have no hard links answer, some network and memory card formats among them. */
const NO_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
/** What systems answer that sync no folders: Windows above all, and some network file systems. */
const NO_FOLDER_SYNC: ReadonlySet<unknown> = new Set(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF"]);
const BLOCK_BYTES = 512n;
const NS_PER_MS = 1e6;

/** The system's own file system. */
export const systemFiles: DurableFiles = Object.freeze({
  create: async (path: string) =>
    durable(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, NEW_FILE)),

  async open(path: string) {
    const handle = await ifThere(open(path, constants.O_RDWR | PLAIN));
    return handle === undefined ? undefined : durable(handle);
  },

  async readText(path: string, maxBytes: number) {
    const handle = await ifThere(open(path, "r"));
    if (handle === undefined) return undefined;
    try {
      const bytes = Buffer.alloc(Math.min((await handle.stat()).size, maxBytes));
      return bytes.toString("utf8", 0, await fill(handle, bytes, 0));
    } finally {
      await handle.close();
    }
  },

  rename,
  link,

  // It looks first: on a disk that is read-only, removing what is not there would fail.
  remove: (path: string) => rm(path, { force: true }),

  async makeFolder(path: string, kind: "shared" | "private") {
    await mkdir(path, { recursive: true, mode: FOLDER_MODES[kind] });
  },

  async syncFolder(path: string) {
    try {
      const folder = await open(path, constants.O_RDONLY);
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      if (!NO_FOLDER_SYNC.has(codeOf(error))) throw error;
    }
  },

  list: (path: string) => readdir(path),

  async status(path: string) {
    const stats = await ifThere(stat(path, { bigint: true }));
    return stats === undefined ? undefined : statusOf(stats);
  },

  async touch(path: string) {
    // Writing nothing does not move the time, and our clock is not that of a file server: one byte over itself does it.
    const handle = await open(path, "r+");
    try {
      const byte = Buffer.alloc(1);
      if ((await fill(handle, byte, 0)) === 1) await handle.write(byte, 0, 1, 0);
    } finally {
      await handle.close();
    }
  },

  async freeBytes(path: string) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      // A file system that does not tell will say ENOSPC when it comes to that.
      return Number.POSITIVE_INFINITY;
    }
  },
});

/** Writes a new file and syncs it. Rejects with `EEXIST` if it is there. */
export async function writeNewText(files: DurableFiles, path: string, text: string): Promise<void> {
  const file = await files.create(path);
  try {
    await file.write([Buffer.from(text)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by one with this text, which is on the disk before it gets the name: after a crash there is the old one or the new
 * one. That it is the new one is certain when the folder is synced. One writer at a time: beside it lies `path` with `.new` meanwhile.
 */
export async function replaceText(files: DurableFiles, path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  // One that a killed process has left.
  await files.remove(beside);
  try {
    await writeNewText(files, beside, text);
    await files.rename(beside, path);
  } catch (error) {
    await files.remove(beside);
    throw error;
  }
}

/**
 * Moves a file to a name that nobody has; false if it is taken. A move that a crash has left half done (both names lead to the file)
 * is completed.
 */
export async function moveToFree(files: DurableFiles, from: string, to: string): Promise<boolean> {
  try {
    await files.link(from, to);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EEXIST" && !NO_LINKS.has(code)) throw error;
    const [source, taken] = [await files.status(from), await files.status(to)];
    if (taken === undefined && code !== "EEXIST") {
      // Not safe from others who take the name in between: there is nothing better there.
      await files.rename(from, to);
      return true;
    }
    if (taken === undefined || source?.identity !== taken.identity) return false;
  }
  // Until the new name is on the disk the old one must not go: a crash could keep the one change and lose the other, and the file with it.
  await files.syncFolder(dirname(to));
  await files.remove(from);
  return true;
}

/** Node's code of a system error, such as `ENOSPC`; undefined for what is none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function durable(handle: FileHandle): DurableFile {
  return {
    size: async () => (await handle.stat()).size,
    read: (bytes, at) => fill(handle, bytes, at),
    async write(pieces, at) {
      await writeAll(handle, pieces, at);
    },
    truncate: (size) => handle.truncate(size),
    sync: () => handle.datasync(),
    syncAll: () => handle.sync(),
    async setModifiedTime(timeMs) {
      const { atimeMs } = await handle.stat();
      await handle.utimes(atimeMs / 1_000, timeMs / 1_000);
    },
    close: () => handle.close(),
  };
}

async function fill(handle: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

function statusOf(stats: BigIntStats): PathStatus {
  const { size, blocks, mtimeNs, dev, ino } = stats;
  return {
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other",
    size: Number(size),
    allocated: Number(blocks === undefined ? size : blocks * BLOCK_BYTES),
    modifiedTime: Number(mtimeNs) / NS_PER_MS,
    identity: `${dev}:${ino}`,
  };
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (NOTHING.has(codeOf(error))) return undefined;
    throw error;
  }
}
