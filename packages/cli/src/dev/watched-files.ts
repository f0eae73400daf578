/**
 * Notices when one of a set of files changes. What is watched are the folders that they are in, because editors put a new file in the
 * place of the old one. What counts is the stamp that a file had when it was loaded: so a change in between is not lost, and an event
 * without a change is none. Where the system tells of nothing (network drives, mounts in containers) the stamps are looked at
 * every so often.
 */
import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { namesIn, stampOf } from "./child/stamp.js";

/** Milliseconds without further news until files are looked at: a save is several events, a checkout many. */
const QUIET_MS = 60;
/** Between looks where watching turns out to be impossible. */
const FALLBACK_POLL_MS = 500;
/** What a program could be waiting for that does not start. */
const SOURCE = /\.(?:[cm]?[jt]sx?|json|node|wasm)$/;

/** Who is told, and how it is found out. */
export interface WatchOptions {
  /** Milliseconds between looks; undefined: the system tells of changes. */
  readonly pollMs: number | undefined;
  /** A file has changed; told once, until the set is begun anew. */
  onChange(path: string): void;
  /** A folder cannot be watched: from now on its files are looked at every so often. */
  onUnwatchable(folder: string, error: Error): void;
}

/** See the head of this file. */
export class WatchedFiles {
  readonly #options: WatchOptions;
  /** Stamps by path. */
  #current = new Map<string, string>();
  /** Those of the runs before this one, until this one is known to be complete. */
  #former = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  /** Source files of which there is news, though they are not in the set. */
  readonly #strangers = new Set<string>();
  #strangersCount = false;
  #told = false;
  #looking: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    if (options.pollMs !== undefined) this.#poll(options.pollMs);
  }

  /** Begins a new set. The former one counts as well until {@link complete}. */
  begin(): void {
    // What has changed by now has been told; what changes from now on is to be seen.
    for (const path of this.#current.keys()) this.#former.set(path, stampOf(path));
    this.#current = new Map();
    this.#strangers.clear();
    this.#strangersCount = false;
    this.#told = false;
  }

  /** The set is what it has to be: the former one is forgotten. */
  complete(): void {
    this.#former = new Map();
    const needed = new Set([...this.#current.keys()].map((path) => existingFolderOf(path)));
    for (const folder of this.#folders.keys()) {
      if (!needed.has(folder)) this.#unwatch(folder);
    }
  }

  /** From now on any source file in the folders counts: a program that does not start may lack it. */
  countStrangers(): void {
    this.#strangersCount = true;
    if (this.#polling === undefined) return;
    for (const folder of new Set([...this.#current.keys()].map((path) => dirname(path)))) this.add(folder);
  }

  /** Adds a file, with the stamp that it had when it was read. */
  add(path: string, stamp: string = stampOf(path)): void {
    if (this.#current.has(path)) return;
    this.#current.set(path, stamp);
    this.#former.delete(path);
    this.#watchFolderOf(path);
    // It is watched from here on, and not from when the stamp was taken.
    if (stampOf(path) !== stamp) this.#lookSoon();
  }

  /** Adds a file, or a folder with all that is in it. */
  addTree(path: string): void {
    this.add(path);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const name of namesIn(path)) this.addTree(join(path, name));
  }

  /** Watches nothing any more. */
  close(): void {
    clearTimeout(this.#looking);
    clearInterval(this.#polling);
    for (const folder of this.#folders.keys()) this.#unwatch(folder);
  }

  #poll(everyMs: number): void {
    this.#polling ??= setInterval(() => this.#look(), everyMs);
  }

  #watchFolderOf(path: string): void {
    if (this.#polling !== undefined) return;
    const folder = existingFolderOf(path);
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => this.#onNews(folder, name));
      watcher.on("error", (error) => this.#giveUpWatching(folder, error));
      this.#folders.set(folder, watcher);
    } catch (error) {
      this.#giveUpWatching(folder, error as Error);
    }
  }

  #unwatch(folder: string): void {
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  #giveUpWatching(folder: string, error: Error): void {
    if (this.#polling !== undefined) return;
    this.#poll(FALLBACK_POLL_MS);
    for (const each of this.#folders.keys()) this.#unwatch(each);
    this.#options.onUnwatchable(folder, error);
  }

  #onNews(folder: string, name: string | null): void {
    // Its own name is what a folder has to say when it is removed or moved: one that is made in its place is another one.
    if (name === basename(folder)) this.#unwatch(folder);
    if (name !== null && SOURCE.test(name)) this.#strangers.add(join(folder, name));
    this.#lookSoon();
  }

  #lookSoon(): void {
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => this.#look(), QUIET_MS);
  }

  #look(): void {
    if (this.#told) return;
    const changed = this.#changed();
    if (changed === undefined) return;
    this.#told = true;
    this.#options.onChange(changed);
  }

  #changed(): string | undefined {
    for (const stamps of [this.#current, this.#former]) {
      for (const [path, stamp] of stamps) {
        if (stampOf(path) !== stamp) return path;
        // A folder on the way to a file that was missing may have come to be.
        if (!this.#folders.has(dirname(path))) this.#watchFolderOf(path);
        this.#strangers.delete(path);
      }
    }
    const [stranger] = this.#strangers;
    this.#strangers.clear();
    return this.#strangersCount ? stranger : undefined;
  }
}

/** The folder of a file, or the nearest one above it that is there. */
function existingFolderOf(path: string): string {
  let folder = dirname(path);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
