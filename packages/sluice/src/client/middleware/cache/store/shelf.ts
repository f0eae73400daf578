/**
 * The entries of a store, key by key: read at any time, changed one change after another, so that of two answers that arrive at
 * once neither is lost. What a store throws or rejects with never reaches a request.
 */
import type { CacheEntry, CacheStore } from "./cache-store.js";

/** What a key's entries become; the same array for no change, an empty one to forget the key. */
export type Change = (entries: readonly CacheEntry[]) => readonly CacheEntry[];

const NONE: readonly CacheEntry[] = Object.freeze([]);

/** One cache's access to its store. */
export class Shelf {
  readonly #store: CacheStore;
  readonly #maxVariants: number;
  readonly #onError: (error: unknown) => void;
  /** The last change under way of a key. */
  readonly #changing = new Map<string, Promise<void>>();

  constructor(store: CacheStore, maxVariants: number, onError: (error: unknown) => void) {
    this.#store = store;
    this.#maxVariants = maxVariants;
    this.#onError = onError;
  }

  /** The entries of a key, newest first. */
  async read(key: string): Promise<readonly CacheEntry[]> {
    try {
      // Whoever reads after a change was begun sees it.
      await this.#changing.get(key);
      const entries = await this.#store.get(key);
      return entries === undefined ? NONE : [...entries].slice(0, this.#maxVariants);
    } catch (error) {
      this.#onError(error);
      return NONE;
    }
  }

  /** Resolves when the change has been made, or has failed. */
  change(key: string, change: Change): Promise<void> {
    const before = this.#changing.get(key) ?? Promise.resolve();
    const done = before.then(() => this.#make(key, change));
    this.#changing.set(key, done);
    return done.then(() => {
      if (this.#changing.get(key) === done) this.#changing.delete(key);
    });
  }

  async #make(key: string, change: Change): Promise<void> {
    try {
      const entries = [...((await this.#store.get(key)) ?? NONE)];
      const changed = change(entries);
      if (changed === entries) return;
      if (changed.length === 0) await this.#store.delete(key);
      else await this.#store.set(key, changed.slice(0, this.#maxVariants));
    } catch (error) {
      this.#onError(error);
    }
  }
}
