/** A map that cannot grow beyond its size: the entry not touched longest goes first. */
export class RecentMap<Value> {
  readonly #limit: number;
  /** Oldest first: a `Map` keeps the order of insertion, and touching an entry inserts it anew. */
  readonly #entries = new Map<string, Value>();

  /** `limit` is at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Sets, and makes it the newest. */
  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
