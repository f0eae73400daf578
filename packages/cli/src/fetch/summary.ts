/** The last words of a run. */
import type { Colours } from "../terminal/colours.js";
import { shortNumber, showBytes, showCount, showDuration } from "../terminal/quantities.js";
import type { Tally } from "./tally.js";

const PERCENTILES = [0.5, 0.9, 0.99];

/** Several lines, each with its end. */
export function summaryText(tally: Tally, elapsedMs: number, colours: Colours): string {
  const lines = [totals(tally, elapsedMs, colours)];
  if (tally.latencies.count > 0) lines.push(`latency   ${latencies(tally)}`);
  if (tally.statusClasses.size > 0) lines.push(`statuses  ${statuses(tally)}`);
  if (tally.errors.size > 0) lines.push(colours("bad", `errors    ${errors(tally)}`));
  return `${lines.join("\n")}\n`;
}

/** `500/s`, `0.4/s`. */
export function showRate(count: number, elapsedMs: number): string {
  const perSecond = elapsedMs > 0 ? (count * 1_000) / elapsedMs : 0;
  return `${perSecond < 10 ? shortNumber(perSecond) : showCount(perSecond)}/s`;
}

function totals(tally: Tally, elapsedMs: number, colours: Colours): string {
  const fine = tally.done - tally.failed;
  const outcome = [
    `${showCount(tally.done)} done in ${showDuration(elapsedMs)}`,
    colours(fine > 0 ? "good" : "faint", `${showCount(fine)} fine`),
    colours(tally.failed > 0 ? "bad" : "faint", `${showCount(tally.failed)} failed`),
    showRate(tally.done, elapsedMs),
    showBytes(tally.bytes),
    `${showBytes(elapsedMs > 0 ? (tally.bytes * 1_000) / elapsedMs : 0)}/s`,
  ];
  if (tally.doneBefore > 0) outcome.push(`${showCount(tally.doneBefore)} done before`);
  return outcome.join(", ");
}

function latencies({ latencies: histogram }: Tally): string {
  const parts = PERCENTILES.map((share) => `p${share * 100} ${showDuration(histogram.percentile(share))}`);
  return [...parts, `max ${showDuration(histogram.max)}`].join("  ");
}

function statuses(tally: Tally): string {
  const classes = [...tally.statusClasses].sort(([one], [other]) => one - other);
  return classes.map(([digit, count]) => `${digit}xx ${showCount(count)}`).join("  ");
}

/** The most frequent first. */
function errors(tally: Tally): string {
  const codes = [...tally.errors].sort(([, one], [, other]) => other - one);
  return codes.map(([code, count]) => `${code} ${showCount(count)}`).join("  ");
}
