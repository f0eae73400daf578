/** How far a download has come. */

import type { Progress } from "../../body/progress.js";

/** What one segment is at. */
export interface SegmentProgress {
  /** The next byte it waits for. */
  readonly position: number;
  /** Where its stretch ends; undefined where nobody knows how long the file is. */
  readonly end: number | undefined;
  /** Bytes a second, smoothed. */
  readonly rate: number;
}

/** One report. `transferred` counts bytes of the file that are there, those of earlier runs included; `rate` only those that come. */
export interface DownloadProgress extends Progress {
  /** `waiting`: after a failure, for the next try. */
  readonly state: "connecting" | "downloading" | "waiting" | "verifying" | "done";
  /** Bytes that a later run could go on with by now: on the disk and recorded. None where the server gives nothing to go on by, or no ranges. */
  readonly kept: number;
  /** Those under way, by position. */
  readonly segments: readonly SegmentProgress[];
  /** Which bytes have come, in order: from `start` up to, not including, `end`. */
  readonly received: readonly { readonly start: number; readonly end: number }[];
}
