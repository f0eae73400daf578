/** Choices of a workload, all from one source of chance. */

export class Dice {
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** A whole number from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.int(0, choices.length - 1)];
    if (chosen === undefined) throw new Error("Nothing to pick from");
    return chosen;
  }

  /** Mostly small, now and then large. */
  size(): number {
    return this.chance(0.8) ? this.int(0, 3_000) : this.int(3_000, 200_000);
  }
}
