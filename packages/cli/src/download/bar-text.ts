/** The lines that tell how far downloads are: pure text from figures. */
import type { DownloadProgress } from "sluice/transfer";
import { showBytes, showClock } from "../terminal/quantities.js";
import { joinFitting, padded, shorten, widthOf } from "../terminal/text-width.js";

const NAME_WIDTH = 28;
const LEAST_BAR = 10;
const MOST_BAR = 40;

/** How far one file is. */
export type BarFigures = Pick<
  DownloadProgress,
  "state" | "transferred" | "total" | "rate" | "remaining" | "segments" | "received"
>;

/**
 * One line of at most `width` columns: name, a strip that shows which parts of the file are there, and figures. `#` is there, `>` is
 * where a segment is at, `.` is missing. What matters less, on the right, is left out where there is no room.
 */
export function barText(name: string, figures: BarFigures, width: number): string {
  const { transferred, total, rate, remaining, segments } = figures;
  const share = total === undefined || total === 0 ? undefined : transferred / total;
  const parts = [
    share === undefined ? "" : `${String(Math.floor(share * 100)).padStart(3)}%`,
    total === undefined ? showBytes(transferred) : `${showBytes(transferred)} of ${showBytes(total)}`,
    stateText(figures),
    ...(remaining === undefined || rate === 0 ? [] : [`ETA ${showClock(remaining)}`]),
    ...(segments.length > 1 ? [`${segments.length} segments`] : []),
  ].filter((part) => part !== "");
  const nameWidth = Math.min(NAME_WIDTH, width);
  const label = padded(shorten(name, nameWidth), nameWidth);
  const tail = joinFitting(parts, width - nameWidth - 2);
  const room = width - nameWidth - widthOf(tail) - 6;
  if (total === undefined || room < LEAST_BAR) return joinFitting([label, tail], width).trimEnd();
  return `${label}  [${strip(figures, Math.min(room, MOST_BAR))}]  ${tail}`;
}

/** The line below several: all of them together. */
export function totalText(
  figures: {
    readonly done: number;
    readonly failed: number;
    readonly running: number;
    readonly total: number | undefined;
    readonly bytes: number;
    readonly rate: number;
  },
  width: number,
): string {
  const { done, failed, running, total, bytes, rate } = figures;
  const parts = [
    total === undefined ? `${done} done` : `${done}/${total} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    `${running} running`,
    showBytes(bytes),
    `${showBytes(rate)}/s`,
  ];
  return joinFitting(parts, width);
}

function stateText({ state, rate }: BarFigures): string {
  if (state === "downloading") return `${showBytes(rate)}/s`;
  return state === "done" ? "" : state;
}

/** Which cells of `width` are there whole. */
function strip({ total = 0, received, segments }: BarFigures, width: number): string {
  const cells = Array.from({ length: width }, () => ".");
  const cellOf = (position: number): number => (position / Math.max(1, total)) * width;
  for (const { start, end } of received) {
    const last = end >= total ? width : Math.floor(cellOf(end));
    for (let at = Math.ceil(cellOf(start)); at < last; at += 1) cells[at] = "#";
  }
  for (const { position } of segments) {
    const at = Math.min(width - 1, Math.floor(cellOf(position)));
    if (cells[at] === ".") cells[at] = ">";
  }
  return cells.join("");
}
