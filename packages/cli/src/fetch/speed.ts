/** How fast a count grows, smoothed so that a number can be read while it changes. */

/** What happened so long ago, in milliseconds, weighs 1/e of what happens now. */
const MEMORY_MS = 3_000;

/** Follows one count. */
export class Speed {
  readonly #startedAt: number;
  #at: number;
  #count = 0;
  #perSecond = 0;

  constructor(now: number) {
    this.#startedAt = now;
    this.#at = now;
  }

  /** Per second, as of the last update. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** `count` is the whole so far; `now` in milliseconds, never less than before. */
  update(count: number, now: number): void {
    const passed = now - this.#at;
    if (passed <= 0) return;
    const current = ((count - this.#count) * 1_000) / passed;
    // At first there is no past worth remembering: the plain average of what there is.
    const memory = Math.min(MEMORY_MS, now - this.#startedAt);
    const share = 1 - Math.exp(-passed / memory);
    this.#perSecond = passed >= now - this.#startedAt ? current : this.#perSecond + (current - this.#perSecond) * share;
    this.#at = now;
    this.#count = count;
  }
}
