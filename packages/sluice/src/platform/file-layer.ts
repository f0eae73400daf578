/**
 * The few operations on files that something which must survive a crash is made of, as an interface: whoever decides in which order
 * bytes are written and synced is handed one of these, so that the order can be recorded, cut at any point and tried again. Errors are
 * the system's own (`ENOSPC`, `EROFS` …).
 */

import type { Stats } from "node:fs";
import { constants, type FileHandle, link, open, rename, rm, stat, statfs } from "node:fs/promises";

/** A file open for reading and writing. Whoever opened it closes it. */
export interface LayerFile {
  /** Writes all of `bytes` at `position`. They must not change until then. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Reads into `bytes` from `position` on; resolves to how many there were, 0 at the end. */
  read(bytes: Uint8Array, position: number): Promise<number>;
  /** Cuts or, with zeros that take no room, lengthens it. */
  truncate(size: number): Promise<void>;
  /** What was written, and the size, is on the disk when this resolves. */
  syncData(): Promise<void>;
  /** {@link LayerFile.syncData}, and its times and rights. */
  sync(): Promise<void>;
  /** Sets the time of the last change, in milliseconds since the Unix epoch. */
  setModifiedTime(timeMs: number): Promise<void>;
  /** In bytes. */
  size(): Promise<number>;
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
}

/** See the head of this file. */
export interface FileLayer {
  /** Opens for reading and writing; `create` makes the file if it is not there. */
  open(path: string, how: "create" | "existing"): Promise<LayerFile>;
  /** The text of a file, or undefined if there is none. More than `maxBytes`: what is beyond them is left out. */
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  /** Writes a new file and syncs it. Rejects with `EEXIST` if it is there. */
  writeNew(path: string, text: string): Promise<void>;
  /** Replaces what is at `to`, at once. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file. Rejects with `EEXIST` if it is taken, with others where the file system knows no such thing. */
  link(from: string, to: string): Promise<void>;
  /** Harmless if there is none. */
  remove(path: string): Promise<void>;
  /** What was made, renamed and removed in the folder stays so. */
  syncFolder(path: string): Promise<void>;
  /** Undefined for nothing. */
  status(path: string): Promise<PathStatus | undefined>;
  /** Sets the time of the last change to now, as the file system's clock has it. */
  touch(path: string): Promise<void>;
  /** Bytes that may still be written to the file system of a folder; undefined where it does not say. */
  freeBytes(folder: string): Promise<number | undefined>;
}

/** What systems say that cannot sync a folder: Windows, and some network file systems. */
const NO_FOLDER_SYNC: ReadonlySet<unknown> = new Set(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF"]);
const BLOCK_BYTES = 512;

/** The machine's own files. */
export const nodeFiles: FileLayer = {
  async open(path, how) {
    const flags = constants.O_RDWR | (how === "create" ? constants.O_CREAT : 0);
    return new NodeLayerFile(await open(path, flags, 0o666));
  },

  async readText(path, maxBytes) {
    const handle = await openIfThere(path);
    if (handle === undefined) return undefined;
    try {
      const bytes = Buffer.alloc(maxBytes);
      const { bytesRead } = await handle.read(bytes, 0, maxBytes, 0);
      return bytes.toString("utf8", 0, bytesRead);
    } finally {
      await handle.close();
    }
  },

  async writeNew(path, text) {
    const handle = await open(path, "wx");
    try {
      await handle.writeFile(text, "utf8");
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  rename,
  link,

  remove: (path) => rm(path, { force: true }),

  async syncFolder(path) {
    try {
      const handle = await open(path, "r");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (!NO_FOLDER_SYNC.has(codeOf(error))) throw error;
    }
  },

  async status(path) {
    try {
      return statusOf(await stat(path));
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
      throw error;
    }
  },

  async touch(path) {
    // Writing nothing does not move the time, and our clock is not that of a file server: one byte over itself does it.
    const handle = await open(path, "r+");
    try {
      const byte = Buffer.alloc(1);
      const { bytesRead } = await handle.read(byte, 0, 1, 0);
      if (bytesRead === 1) await handle.write(byte, 0, 1, 0);
    } finally {
      await handle.close();
    }
  },

  async freeBytes(folder) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch {
      // A file system that does not tell will say ENOSPC when it comes to that.
      return undefined;
    }
  },
};

class NodeLayerFile implements LayerFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      // A system call may take less than it was given.
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, position + done);
      done += bytesWritten;
    }
  }

  async read(bytes: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.byteLength, position);
    return bytesRead;
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  syncData(): Promise<void> {
    return this.#handle.datasync();
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async setModifiedTime(timeMs: number): Promise<void> {
    const { atimeMs } = await this.#handle.stat();
    await this.#handle.utimes(atimeMs / 1_000, timeMs / 1_000);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function statusOf(stats: Stats): PathStatus {
  return {
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other",
    size: stats.size,
    allocated: stats.blocks === undefined ? stats.size : stats.blocks * BLOCK_BYTES,
    modifiedTime: stats.mtimeMs,
  };
}

/** The system's name for what went wrong; undefined if it was not the system. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
