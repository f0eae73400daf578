/**
 * A regular file open for being sent, held to one version of itself. The descriptor stays with the file that was opened whatever
 * happens to its name, so a file replaced by renaming is sent to its end as it was. One that is written to in place is found
 * out by size and modification time, which the system changes with every write: asked of the descriptor, never of the name.
 */

import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { PayloadError } from "../errors.js";

/** What tells one content of a file from another, as far as the system keeps it. Times are milliseconds with a fraction. */
export interface FileVersion {
  readonly size: number;
  /** Last change of the content; programs can set it. */
  readonly modifiedTime: number;
  /** Last change of content, name or rights; nobody can set it. */
  readonly changedTime: number;
  readonly inode: number;
  readonly device: number;
}

/** Without waiting for a FIFO's other end, and without following a link put in the place of what was looked at before. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_LINK = constants.O_NOFOLLOW ?? 0;

/** The version that `stats` describe. */
export function versionOf(stats: Stats): FileVersion {
  const { size, mtimeMs, ctimeMs, ino, dev } = stats;
  return { size, modifiedTime: mtimeMs, changedTime: ctimeMs, inode: ino, device: dev };
}

/** Whether both are the same file with, as far as anybody can tell, the same content. */
export function isSameVersion(one: FileVersion, other: FileVersion): boolean {
  return (
    one.size === other.size &&
    one.modifiedTime === other.modifiedTime &&
    one.changedTime === other.changedTime &&
    one.inode === other.inode &&
    one.device === other.device
  );
}

/** See the head of this file. Whoever opened it closes it. */
export class OpenFile {
  readonly version: FileVersion;
  readonly #handle: FileHandle;
  #closed = false;

  private constructor(handle: FileHandle, version: FileVersion) {
    this.#handle = handle;
    this.version = version;
  }

  /**
   * Opens the regular file at `path`, which must not be a link itself; undefined for what is none. Rejects with the system's
   * error.
   */
  static async open(path: string): Promise<OpenFile | undefined> {
    const handle = await open(path, READ_ONLY | NO_LINK);
    try {
      const stats = await handle.stat();
      if (stats.isFile()) return new OpenFile(handle, versionOf(stats));
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  /**
   * The bytes from `start` up to, not including, `end`; the receiver's own. Rejects with `PayloadError` `file/truncated` where the
   * file ends before.
   */
  read(start: number, end: number): Promise<Uint8Array> {
    return this.fill(Buffer.allocUnsafeSlow(end - start), start);
  }

  /** Reads into `bytes`, from `start` on, until they are full; resolves to them. Rejects as {@link OpenFile.read} does. */
  async fill(bytes: Uint8Array, start: number): Promise<Uint8Array> {
    for (let filled = 0; filled < bytes.byteLength; ) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.byteLength - filled, start + filled);
      if (bytesRead === 0) {
        const at = start + filled;
        throw new PayloadError(
          "file/truncated",
          `Cannot read on at byte ${at} of ${start + bytes.byteLength}: the file has become shorter while it was sent`,
        );
      }
      filled += bytesRead;
    }
    return bytes;
  }

  /** Whether what was read so far is of {@link OpenFile.version}, all of it. */
  async isUnchanged(): Promise<boolean> {
    const { size, mtimeMs } = await this.#handle.stat();
    return size === this.version.size && mtimeMs === this.version.modifiedTime;
  }

  /** Idempotent; does not wait. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Nothing was written, so there is nothing that closing could lose.
    this.#handle.close().catch(() => undefined);
  }
}
