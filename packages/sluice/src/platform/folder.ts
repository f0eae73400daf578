/**
 * A folder whose files are shown to others: paths below it become real places on the disk, and links that lead out of it do
 * not. The folder itself may be a link, which is followed anew each time: deployments switch versions that way.
 *
 * Whoever may write in the folder and swaps links for folders between two looks of ours is not held by this; nobody who can
 * only ask for paths gains anything by it.
 */

import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { type FileVersion, versionOf } from "./open-file.js";

/** `inside`: links that stay in the folder; `follow`: wherever they lead; `refuse`: none. */
export type LinkPolicy = "inside" | "follow" | "refuse";

/** What is at a path. */
export interface Place {
  readonly kind: "file" | "folder";
  /** Without links. */
  readonly path: string;
  readonly version: FileVersion;
}

/** One entry of a folder that may be shown. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** In bytes. */
  readonly size: number;
  /** In milliseconds since the Unix epoch. */
  readonly modifiedTime: number;
}

/** Entries looked at together: each is a trip to another thread, of which Node has four. */
const LOOKED_AT_TOGETHER = 16;
/** What the system says of a path that leads nowhere, and Node of one with NUL in it. */
const NOWHERE: ReadonlySet<unknown> = new Set([
  ...["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EINVAL", "UNKNOWN"],
  "ERR_INVALID_ARG_VALUE",
]);

/** See the head of this file. */
export class Folder {
  readonly #path: string;
  readonly #links: LinkPolicy;

  /** `path` may be relative to where the process stands now. */
  constructor(path: string, links: LinkPolicy) {
    this.#path = resolve(path);
    this.#links = links;
  }

  /**
   * What is at the path of `segments` below the folder; undefined for nothing, for what is neither file nor folder, and for what a
   * link puts out of reach. The segments are names: what could climb was refused before. Rejects with the system's error otherwise.
   */
  async find(segments: readonly string[]): Promise<Place | undefined> {
    try {
      const [root, path] = await Promise.all([realpath(this.#path), realpath(join(this.#path, ...segments))]);
      return this.#mayShow(root, path, segments) ? placeOf(path, await stat(path)) : undefined;
    } catch (error) {
      if (isNowhere(error)) return undefined;
      throw error;
    }
  }

  /** The entries that {@link Folder.find} would find, unsorted; undefined when there are more than `most`. */
  async list(segments: readonly string[], most: number): Promise<readonly FolderEntry[] | undefined> {
    const found = await readdir(join(this.#path, ...segments), { withFileTypes: true });
    const candidates = found.filter((entry) => entry.isFile() || entry.isDirectory() || entry.isSymbolicLink());
    if (candidates.length > most) return undefined;
    const entries: FolderEntry[] = [];
    for (let at = 0; at < candidates.length; at += LOOKED_AT_TOGETHER) {
      const looked = candidates.slice(at, at + LOOKED_AT_TOGETHER).map((entry) => this.#look(segments, entry));
      for (const entry of await Promise.all(looked)) if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  async #look(segments: readonly string[], { name }: Dirent): Promise<FolderEntry | undefined> {
    const place = await this.find([...segments, name]);
    if (place === undefined) return undefined;
    const { size, modifiedTime } = place.version;
    return { name, kind: place.kind, size, modifiedTime };
  }

  #mayShow(root: string, path: string, segments: readonly string[]): boolean {
    if (this.#links === "follow") return true;
    if (this.#links === "refuse") return path === join(root, ...segments);
    return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
  }
}

/** The regular file at `path`; undefined for anything else, a link to one included. */
export async function findPlainFile(path: string): Promise<Place | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? placeOf(path, stats) : undefined;
  } catch (error) {
    if (isNowhere(error)) return undefined;
    throw error;
  }
}

/** What is at `path`, which is nobody else's word, links and all; undefined for nothing and what is neither file nor folder. */
export async function findPlace(path: string): Promise<Place | undefined> {
  try {
    const real = await realpath(path);
    return placeOf(real, await stat(real));
  } catch (error) {
    if (isNowhere(error)) return undefined;
    throw error;
  }
}

function placeOf(path: string, stats: Stats): Place | undefined {
  if (stats.isFile()) return { kind: "file", path, version: versionOf(stats) };
  return stats.isDirectory() ? { kind: "folder", path, version: versionOf(stats) } : undefined;
}

function isNowhere(error: unknown): boolean {
  return error instanceof Error && "code" in error && NOWHERE.has(error.code);
}
