/** Medians and ranges; a few runs say no more than that. */

/** A figure of several runs. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Throws for no values: a row without runs is a fault of the bench. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [upper, lower, lowest, highest] = [sorted[middle], sorted[middle - 1], sorted[0], sorted.at(-1)];
  if (upper === undefined || lowest === undefined || highest === undefined) throw new Error("No runs to summarise");
  const median = sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
  return { median, lowest, highest };
}
