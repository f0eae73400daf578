/** What all parts of one download share. */

import type { Clock } from "../../concurrency/clock.js";
import type { Random } from "../../platform/random.js";
import type { SpeedMeter } from "../speed-meter.js";
import type { DownloadEvent } from "./download-events.js";
import type { ResolvedDownloadOptions } from "./download-options.js";
import type { BufferStock } from "./segments/segment-sink.js";
import type { Source } from "./source.js";

/** See the head of this file. */
export interface DownloadContext {
  readonly options: ResolvedDownloadOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly source: Source;
  readonly buffers: BufferStock;
  /** Of all segments together. */
  readonly meter: SpeedMeter;
  /** Aborts when the download is to end. */
  readonly signal: AbortSignal;
  emit(event: DownloadEvent): void;
}
