/** The folder that is shared: what is in it, and how files come and go. Names never lead out of it, and nothing is overwritten. */
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";

/** What a list says of a file. */
export interface SharedFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** RFC 3339. */
  readonly changed: string;
}

/** See the head of this file. */
export class SharedFolder {
  readonly path: string;

  /** `path` exists, and holds nothing but shared files. */
  constructor(path: string) {
    this.path = path;
  }

  /** The files by name. Names that begin with a dot are not shared. */
  async list(): Promise<SharedFile[]> {
    const entries = await readdir(this.path, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
    const files = await Promise.all(names.sort().map((name) => this.#describe(name)));
    return files.filter((file) => file !== undefined);
  }

  /**
   * Takes a name that is free, `name` or the same with a number before its ending, by an empty file of that name: nobody else gets it,
   * not even in the same moment.
   */
  async claim(name: string): Promise<string> {
    const dot = name.lastIndexOf(".");
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? name : `${stem}-${number}${ending}`;
      try {
        await (await open(join(this.path, candidate), "wx")).close();
        return candidate;
      } catch (error) {
        if (!hasCode(error, "EEXIST")) throw error;
      }
    }
  }

  /** False if there is no such file. */
  async remove(name: string): Promise<boolean> {
    if (
      basename(name) !== name ||
      name.startsWith(".") ||
      name.includes("\0") ||
      (await this.#describe(name)) === undefined
    )
      return false;
    // A name of its own first: of two who remove it, one has removed it.
    const doomed = join(this.path, `.removed-${process.pid}-${name}`);
    try {
      await rename(join(this.path, name), doomed);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    }
    await rm(doomed);
    return true;
  }

  async #describe(name: string): Promise<SharedFile | undefined> {
    try {
      // The thing itself: a link is not shared, wherever it leads.
      const status = await lstat(join(this.path, name));
      return status.isFile() ? { name, size: status.size, changed: status.mtime.toISOString() } : undefined;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
