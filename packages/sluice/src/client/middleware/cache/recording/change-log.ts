/**
 * Which resources have been changed of late, so that an answer that was overtaken by a change of its resource is not stored
 * (RFC 9111 §4.4). What is forgotten counts as changed.
 */

/** Keys remembered. */
const MOST_KEYS = 1_000;

/** The changes that one cache has seen pass. */
export class ChangeLog {
  /** By key, the number of its last change; the longest ago first. */
  readonly #last = new Map<string, number>();
  #count = 0;
  /** The last change that has been forgotten. */
  #forgotten = 0;

  /** A mark for {@link isChangedSince}. */
  get now(): number {
    return this.#count;
  }

  /** What `key` stands for has been changed. */
  note(key: string): void {
    this.#count += 1;
    this.#last.delete(key);
    this.#last.set(key, this.#count);
    if (this.#last.size <= MOST_KEYS) return;
    for (const [oldest, change] of this.#last) {
      this.#forgotten = change;
      this.#last.delete(oldest);
      return;
    }
  }

  /** Whether it was changed, or may have been, after `now` was read as `mark`. */
  isChangedSince(key: string, mark: number): boolean {
    return Math.max(this.#last.get(key) ?? 0, this.#forgotten) > mark;
  }
}
