/** The samples of the last five minutes, in columns as the charts want them. Never more than that, however long the page is open. */
import type { Sample } from "../../src/dashboard/sample.js";

export const MOST_SAMPLES = 300;

export class History {
  #samples: readonly Sample[] = [];

  get size(): number {
    return this.#samples.length;
  }

  get newest(): Sample | undefined {
    return this.#samples.at(-1);
  }

  /** In order of time, each once: those that fill a hole come late. */
  add(samples: readonly Sample[]): void {
    const byTime = new Map([...this.#samples, ...samples].map((sample) => [sample.at, sample]));
    this.#samples = [...byTime.values()].sort((a, b) => a.at - b.at).slice(-MOST_SAMPLES);
  }

  /** The newest ones, newest first. */
  latest(count: number): readonly Sample[] {
    return this.#samples.slice(-count).reverse();
  }

  /** Seconds since 1970, then a column for each name. */
  columns(names: readonly (keyof Sample)[]): [number[], ...(number | null)[][]] {
    return [this.#samples.map(({ at }) => at / 1_000), ...names.map((name) => this.#samples.map((one) => one[name]))];
  }
}
