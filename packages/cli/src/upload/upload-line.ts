/** How far an upload is, as one line for people: pure text from figures. */
import type { UploadProgress } from "sluice/transfer";
import { showBytes, showClock } from "../terminal/quantities.js";
import { joinFitting, shorten } from "../terminal/text-width.js";

const BAR_COLUMNS = 24;
const NAME_WIDTH = 28;

/** At most `width` columns: what matters less, on the right, is left out where there is no room. */
export function uploadLine(name: string, progress: UploadProgress, width: number): string {
  const { transferred, total, rate, remaining, state } = progress;
  const parts = [shorten(name, Math.min(NAME_WIDTH, width))];
  if (total !== undefined) {
    const share = total === 0 ? 1 : transferred / total;
    const filled = Math.round(share * BAR_COLUMNS);
    parts.push(`[${"#".repeat(filled)}${".".repeat(BAR_COLUMNS - filled)}]`, `${Math.floor(share * 100)} %`);
  }
  parts.push(total === undefined ? showBytes(transferred) : `${showBytes(transferred)} of ${showBytes(total)}`);
  if (state === "waiting") parts.push("waiting for the next try");
  else parts.push(`${showBytes(rate)}/s`);
  if (remaining !== undefined && state === "uploading") parts.push(`ETA ${showClock(remaining)}`);
  return joinFitting(parts, width);
}
