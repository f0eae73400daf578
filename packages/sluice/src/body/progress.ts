/** How far a transfer has come, for uploads and downloads alike. Time is handed in; calls are held back by bytes. */

/** One report. */
export interface Progress {
  /** Body bytes transferred so far. */
  readonly bytes: number;
  /** Bytes in all, if known. */
  readonly total: number | undefined;
  /** Milliseconds since the transfer began. */
  readonly elapsed: number;
}

/** Called with each report; what it throws ends the transfer. */
export type ProgressListener = (progress: Progress) => void;

/** What a meter needs to know. */
export interface ProgressOptions {
  readonly onProgress: ProgressListener;
  /** Milliseconds on any steady scale. */
  readonly now: () => number;
  /** Bytes in all, if known. */
  readonly total: number | undefined;
  /** Least number of bytes between two reports; 0 reports every piece. @default 65_536 */
  readonly everyBytes?: number;
}

/** Least bytes between two reports if nobody says otherwise. */
export const DEFAULT_PROGRESS_BYTES = 64 * 1024;

/** Counts bytes and reports them: one report for every so many bytes, and one at the end. */
export class ProgressMeter {
  readonly #options: ProgressOptions;
  readonly #everyBytes: number;
  readonly #startedAt: number;
  #bytes = 0;
  #reported = 0;

  /** The transfer begins now. */
  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#everyBytes = options.everyBytes ?? DEFAULT_PROGRESS_BYTES;
    this.#startedAt = options.now();
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(byteLength: number): void {
    this.#bytes += byteLength;
    if (this.#bytes - this.#reported >= this.#everyBytes) this.#report();
  }

  /** The transfer is complete: reports what has not been reported, at least once in all. */
  finish(): void {
    if (this.#bytes > this.#reported || this.#bytes === 0) this.#report();
  }

  #report(): void {
    this.#reported = this.#bytes;
    const { onProgress, total, now } = this.#options;
    onProgress({ bytes: this.#bytes, total, elapsed: now() - this.#startedAt });
  }
}
