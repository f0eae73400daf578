/**
 * How far a transfer has come, for uploads and downloads alike. Reports are held back by time, so that a fast transfer does not
 * drown its listener; the last one always comes. Time is handed in, and no timer runs: a transfer that stands still is silent.
 */

/** One report. What is counted is bytes on the wire: content as it is coded, framing left out. */
export interface Progress {
  /** Bytes so far: of an upload handed to the connection, of a download arrived from it. */
  readonly transferred: number;
  /** Bytes in all; undefined where nobody knows before the end: a chunked body, or one that is compressed as it is sent. */
  readonly total: number | undefined;
  /** Bytes a second, smoothed over the last few seconds; 0 until there is something to tell. */
  readonly rate: number;
  /** Milliseconds that the rest will take at this rate; undefined where total or rate are not known. */
  readonly remaining: number | undefined;
  /** Milliseconds since the transfer began. */
  readonly elapsed: number;
  /** This is the last report: all bytes have been transferred. It does not come for a transfer that breaks off. */
  readonly done: boolean;
}

/** Told of a transfer. What it throws ends the request, which rejects with just that. */
export type ProgressListener = (progress: Progress) => void;

/** Least milliseconds between two reports, the last one excepted. */
export const PROGRESS_INTERVAL_MS = 100;
/** How long the rate remembers: what was this many milliseconds ago counts a third. */
const RATE_MEMORY_MS = 2_000;

/** Counts the bytes of one transfer and reports them. */
export class ProgressMeter {
  readonly #listener: ProgressListener;
  readonly #now: () => number;
  readonly #total: number | undefined;
  readonly #startedAt: number;
  #transferred = 0;
  #reported = 0;
  #reportedAt: number;
  #rate = 0;
  #first = true;
  #done = false;

  /** The transfer begins now. `now` is milliseconds on any steady scale, `total` the bytes in all, if known. */
  constructor(listener: ProgressListener, now: () => number, total: number | undefined) {
    this.#listener = listener;
    this.#now = now;
    this.#total = total;
    this.#startedAt = now();
    this.#reportedAt = this.#startedAt;
  }

  /** So many more bytes. */
  add(byteLength: number): void {
    this.reach(this.#transferred + byteLength);
  }

  /** So many bytes since the beginning. Throws what the listener throws. */
  reach(transferred: number): void {
    this.#transferred = transferred;
    const now = this.#now();
    if (now - this.#reportedAt >= PROGRESS_INTERVAL_MS) this.#report(now);
  }

  /** All bytes have been transferred, so many in all. Once: a second call does nothing. */
  finish(transferred = this.#transferred): void {
    if (this.#done) return;
    this.#done = true;
    this.#transferred = transferred;
    this.#report(this.#now());
  }

  #report(now: number): void {
    const transferred = this.#transferred;
    const total = this.#done ? (this.#total ?? transferred) : this.#total;
    this.#measure(now);
    const rate = this.#rate;
    const left = total === undefined ? undefined : Math.max(0, total - transferred);
    this.#listener({
      transferred,
      total,
      rate,
      remaining: left === undefined || (rate === 0 && left > 0) ? undefined : left === 0 ? 0 : (left / rate) * 1_000,
      elapsed: now - this.#startedAt,
      done: this.#done,
    });
  }

  /** An exponential average, weighted by how long each stretch was: uneven reports do not bend it. */
  #measure(now: number): void {
    const stretch = now - this.#reportedAt;
    if (stretch > 0) {
      const rate = ((this.#transferred - this.#reported) / stretch) * 1_000;
      const weight = this.#first ? 1 : 1 - Math.exp(-stretch / RATE_MEMORY_MS);
      this.#rate += (rate - this.#rate) * weight;
      this.#first = false;
    }
    this.#reported = this.#transferred;
    this.#reportedAt = now;
  }
}
