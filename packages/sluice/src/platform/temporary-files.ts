/**
 * Files for what is too large for memory and not wanted for long. They lie in a folder of their own that nobody else may enter (mode
 * 0700; the files 0600), under names that nobody can guess, and go with it all at once. Folders still there when the process exits go
 * then; what remains is what a killed process could not take away.
 */

import { rmSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { UsageError } from "../errors.js";
import { randomHex } from "./random.js";
import { writeAll } from "./write-all.js";

/** A temporary file being written. */
export interface TemporaryFile {
  readonly path: string;
  /** Appends; what has been handed over may be written later, at the latest by `close`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Whoever has created it closes it. */
  close(): Promise<void>;
}

/** Bytes collected before they are written: each write is a trip to another thread. */
const WRITE_BYTES = 256 * 1024;
const NAME_BYTES = 16;
/** Windows does not let go of a file at once. */
const REMOVAL = { recursive: true, force: true, maxRetries: 3 } as const;

/** The folders that are there now. */
const folders = new Set<string>();

/** The temporary files of one purpose, removed together. Costs nothing before the first is created. */
export class TemporaryFiles {
  readonly #parent: string;
  #folder: Promise<string> | undefined = undefined;
  #state: "open" | "removed" = "open";

  /** `parent`: a folder that is there. @default the system's folder for temporary files */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent;
  }

  /** An empty file. Throws `UsageError` `file/removed` once everything was removed; what the system refuses is its own error. */
  async create(): Promise<TemporaryFile> {
    this.#assertOpen();
    this.#folder ??= makeFolder(this.#parent);
    const path = `${await this.#folder}/${randomHex(NAME_BYTES)}`;
    this.#assertOpen();
    const handle = await open(path, "wx", 0o600);
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    const flush = async () => {
      const batch = waiting;
      waiting = [];
      waitingBytes = 0;
      await writeAll(handle, batch, undefined);
    };
    return {
      path,
      async write(bytes) {
        waiting.push(bytes);
        waitingBytes += bytes.byteLength;
        if (waitingBytes >= WRITE_BYTES) await flush();
      },
      async close() {
        try {
          await flush();
        } finally {
          await handle.close();
        }
      },
    };
  }

  /** Removes all files; harmless when it has been done, or there are none. No more can be created. */
  async removeAll(): Promise<void> {
    this.#state = "removed";
    // A folder that could not be made: whoever wanted a file has been told.
    const folder = await this.#folder?.catch(() => undefined);
    if (folder === undefined) return;
    await rm(folder, REMOVAL);
    forget(folder);
  }

  #assertOpen(): void {
    if (this.#state === "open") return;
    throw new UsageError("file/removed", "Cannot create a temporary file: what it belongs to is over");
  }
}

async function makeFolder(parent: string): Promise<string> {
  const folder = await mkdtemp(`${parent}/sluice-`);
  if (folders.size === 0) process.once("exit", removeRest);
  folders.add(folder);
  return folder;
}

function forget(folder: string): void {
  folders.delete(folder);
  if (folders.size === 0) process.off("exit", removeRest);
}

function removeRest(): void {
  for (const folder of folders) rmSync(folder, REMOVAL);
}
