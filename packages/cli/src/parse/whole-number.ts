import { UsageProblem } from "../usage-problem.js";

/** A whole number in digits, from `least` to `most`. Throws `UsageProblem`. */
export function parseWholeNumber(text: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  throw new UsageProblem(`expected a whole number, ${range}, received "${text}"`);
}
