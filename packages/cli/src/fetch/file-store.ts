/**
 * The folder that answers are saved to. A file appears under its name when it is complete; a name that is taken gets a number, so that
 * nothing is overwritten unless that was asked for.
 */
import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileProblem } from "../terminal/file-problem.js";
import { numberedName } from "./file-names.js";

/** Names whose next free number is remembered; a forgotten one is found again by trying. */
const MOST_REMEMBERED = 10_000;

/** The folder or its disk is what is wrong, not the body. */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
}

/** Saves bodies; see the head of this file. */
export class FileStore {
  readonly #directory: string;
  readonly #overwrite: boolean;
  readonly #nextNumbers = new Map<string, number>();

  private constructor(directory: string, overwrite: boolean) {
    this.#directory = directory;
    this.#overwrite = overwrite;
  }

  /** Makes the folder where it is missing. Throws `UsageProblem` if that cannot be. */
  static async open(directory: string, { overwrite }: { readonly overwrite: boolean }): Promise<FileStore> {
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      throw fileProblem("save to", directory, error);
    }
    return new FileStore(directory, overwrite);
  }

  /**
   * Writes all pieces and resolves to the name of the file; on failure nothing is left. `name` has no folder in it. Throws
   * {@link StorageFailure}, or what `pieces` throws.
   */
  async save(name: string, pieces: AsyncIterable<Uint8Array>): Promise<string> {
    const partial = join(this.#directory, `.${randomUUID()}.part`);
    try {
      await this.#write(partial, pieces);
      return await this.#orFail(this.#moveTo(name, partial));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async #write(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const handle = await this.#orFail(open(path, "wx"));
    try {
      for await (const piece of pieces) await this.#orFail(handle.writeFile(piece));
    } finally {
      await handle.close();
    }
  }

  /** Gives a complete file its name. */
  async #moveTo(name: string, partial: string): Promise<string> {
    const claimed = this.#overwrite ? await this.#replaceable(name) : await this.#claim(name);
    await rename(partial, join(this.#directory, claimed));
    return claimed;
  }

  async #orFail<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw new StorageFailure(fileProblem("save to", this.#directory, error).message, { cause: error });
    }
  }

  /** Takes the first free one of `name`, `name-2` … by an empty file, which nobody else can take then. */
  async #claim(name: string): Promise<string> {
    for (let number = this.#nextNumbers.get(name) ?? 1; ; number += 1) {
      const candidate = number === 1 ? name : numberedName(name, number);
      try {
        const handle = await open(join(this.#directory, candidate), "wx");
        await handle.close();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
        throw error;
      }
      if (this.#nextNumbers.size >= MOST_REMEMBERED) this.#nextNumbers.clear();
      this.#nextNumbers.set(name, number + 1);
      return candidate;
    }
  }

  /** Renaming replaces a file, and a symbolic link itself, not what it points to; only a folder is in the way. */
  async #replaceable(name: string): Promise<string> {
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? name : numberedName(name, number);
      try {
        if (!(await lstat(join(this.#directory, candidate))).isDirectory()) return candidate;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return candidate;
        throw error;
      }
    }
  }
}
