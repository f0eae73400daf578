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

  /** Seconds since 1970, then a column for each name. Where nothing was measured there is a row of nulls, and no line is drawn across. */
  columns(names: readonly (keyof Sample)[]): [number[], ...(number | null)[][]] {
    const rows: (number | null)[][] = names.map(() => []);
    const times: number[] = [];
    let before = Number.POSITIVE_INFINITY;
    for (const sample of this.#samples) {
      const start = sample.at - sample.span;
      if (start - before > sample.span) {
        times.push(start / 1_000);
        for (const row of rows) row.push(null);
      }
      times.push(sample.at / 1_000);
      for (const [index, name] of names.entries()) rows[index]?.push(sample[name]);
      before = sample.at;
    }
    return [times, ...rows];
  }
}
