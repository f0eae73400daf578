/** The line that tells how far a run is: pure text from counts. */
import { shortNumber, showBytes, showClock, showCount } from "../terminal/quantities.js";

/** The counts of one moment. */
export interface ProgressFigures {
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
  /** Inputs in all; undefined as long as nobody knows. */
  readonly total: number | undefined;
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** At most `width` characters: what matters less, on the right, is left out where there is no room. */
export function progressText(figures: ProgressFigures, width: number): string {
  const { done, failed, inFlight, total, requestsPerSecond, bytesPerSecond } = figures;
  const parts = [total === undefined ? `${showCount(done)} done` : `${showCount(done)}/${showCount(total)} done`];
  if (failed > 0) parts.push(`${showCount(failed)} failed`);
  parts.push(`${showCount(inFlight)} in flight`);
  const eta = timeLeft(figures);
  const rest = [
    `${requestsPerSecond < 10 ? shortNumber(requestsPerSecond) : showCount(requestsPerSecond)} req/s`,
    ...(eta === undefined ? [] : [`ETA ${showClock(eta)}`]),
    `${showBytes(bytesPerSecond)}/s`,
  ];
  let text = "";
  for (const part of [...parts, ...rest]) {
    const longer = text === "" ? part : `${text}  ${part}`;
    if (longer.length > width) break;
    text = longer;
  }
  return text;
}

/** Milliseconds until all is done at the present rate; undefined when that cannot be said. */
function timeLeft({ done, total, requestsPerSecond }: ProgressFigures): number | undefined {
  if (total === undefined || total < done || requestsPerSecond <= 0) return undefined;
  return ((total - done) / requestsPerSecond) * 1_000;
}
