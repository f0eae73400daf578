/** Figures for people. */
import type { ContestantFigures, RowFigures } from "./harness/row.js";
import type { Spread } from "./harness/statistics.js";

/** A tenth more than the size of the step is noise. */
const GROWTH_MARGIN = 1.1;
/** How far the lowest run may lie below a target that counts as met. */
const LOWEST_SHARE = 0.95;

/** One row: a line for each contestant, ratios at the end, with what is thought of them if `judged`. */
export function rowText(row: RowFigures, judged: boolean): string {
  const head = ["", row.unit, row.cpuUnit ?? "", ratioTitle(row)];
  const lines = row.contestants.map((one) => [
    `  ${one.name}`,
    spreadText(one.wall),
    one.cpu === undefined ? "" : spreadText(one.cpu),
    one.ratio === undefined ? "" : ratioText(one.ratio) + (judged ? verdict(row, one) : ""),
  ]);
  return `${row.part}: ${row.title}\n${aligned([head, ...lines])}\n`;
}

/** Whether the target is met, or growth kept, by the rule in the README; empty where there is neither. */
export function verdict(row: RowFigures, { ratio, target }: ContestantFigures): string {
  if (ratio === undefined) return "";
  if (row.most !== undefined)
    return `   most ${row.most}: ${ratio.median <= row.most * GROWTH_MARGIN ? "kept" : "OVER"}`;
  if (target === undefined) return "";
  const met = ratio.median >= target && ratio.lowest >= target * LOWEST_SHARE;
  return `   target ${target}: ${met ? "met" : "MISSED"}`;
}

function ratioTitle({ part, most, lowerIsBetter }: RowFigures): string {
  if (most !== undefined || part === "codec") return "costs";
  return lowerIsBetter === true ? "theirs / ours" : "ours / theirs";
}

function spreadText({ median, lowest, highest }: Spread): string {
  return lowest === highest ? figure(median) : `${figure(median)} (${figure(lowest)} to ${figure(highest)})`;
}

function ratioText({ median, lowest, highest }: Spread): string {
  const range = lowest === highest ? "" : ` (${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
  return `${median.toFixed(2)} ×${range}`;
}

/** Three digits are enough for figures below 100; larger ones are whole. */
function figure(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  return padded.map((cells) => cells.join("   ").trimEnd()).join("\n");
}
