import { UsageProblem } from "../usage-problem.js";

const LEAST_STATUS = 200;
const MOST_STATUS = 599;
const STATUSES_OF_CLASS = 100;

/** Statuses with commas between them, `5xx` for all of a class, from 200 to 599: `429,503`, `408,5xx`. Throws `UsageProblem`. */
export function parseStatuses(text: string): readonly number[] {
  const statuses = new Set<number>();
  for (const part of text.split(",")) {
    for (const status of statusesOf(part.trim())) statuses.add(status);
  }
  return [...statuses].sort((one, other) => one - other);
}

function statusesOf(text: string): readonly number[] {
  const [, digit] = /^([2-5])xx$/i.exec(text) ?? [];
  if (digit !== undefined) {
    return Array.from({ length: STATUSES_OF_CLASS }, (_, at) => Number(digit) * STATUSES_OF_CLASS + at);
  }
  const status = /^\d{3}$/.test(text) ? Number(text) : 0;
  if (status >= LEAST_STATUS && status <= MOST_STATUS) return [status];
  throw new UsageProblem(`expected statuses such as 429,503 or 5xx, received "${text}"`);
}
