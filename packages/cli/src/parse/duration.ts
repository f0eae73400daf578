/** Times on the command line: a number with a unit (`500ms`, `1.5s`, `2m`, `1h`), or without one where an option names its own. */
import { UsageProblem } from "../usage-problem.js";

const MS_PER_UNIT: Readonly<Record<TimeUnit, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)?$/;

/** A unit of time as it is written. */
export type TimeUnit = "ms" | "s" | "m" | "h";

/** Milliseconds, 0 or more. `unit` is meant where none is written. Throws `UsageProblem`. */
export function parseDuration(text: string, unit: TimeUnit): number {
  const found = DURATION.exec(text);
  if (found === null) throw new UsageProblem(`expected a time such as 10s or 500ms, received "${text}"`);
  const written = found[2] as TimeUnit | undefined;
  return Number(found[1]) * MS_PER_UNIT[written ?? unit];
}

/** A time limit in milliseconds: a bare number is in seconds, and 0 is refused, because nothing ends in no time. Throws `UsageProblem`. */
export function parseTimeLimit(text: string): number {
  const ms = parseDuration(text, "s");
  if (ms > 0) return ms;
  throw new UsageProblem(`expected a time above 0 such as 10s or 500ms, received "${text}"`);
}

/**
 * A wait, or the bounds between which it is drawn: `200`, `200ms`, `100-500ms`, `100..500`, `1s-3s`, in milliseconds; a bare number is
 * in milliseconds, and a unit after the second bound alone holds for both. Throws `UsageProblem`.
 */
export function parseDelay(text: string): readonly [leastMs: number, mostMs: number] {
  const [, lower, upper] = /^(.*?)(?:-|\.\.)(.*)$/s.exec(text) ?? [];
  if (lower === undefined || upper === undefined) {
    const ms = parseDuration(text, "ms");
    return [ms, ms];
  }
  const unit = (DURATION.exec(upper)?.[2] as TimeUnit | undefined) ?? "ms";
  const leastMs = parseDuration(lower, unit);
  const mostMs = parseDuration(upper, unit);
  if (leastMs <= mostMs) return [leastMs, mostMs];
  throw new UsageProblem(`expected the smaller bound first, received "${text}"`);
}
