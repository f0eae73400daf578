/**
 * The live line at the foot of a terminal. It is painted over with a carriage return and spaces, without escape codes, at most ten
 * times a second, and taken away before anything else is written there.
 */
import type { Output } from "../terminal/output.js";
import { repaint } from "../terminal/repaint.js";
import { progressText } from "./progress-text.js";
import { Speed } from "./speed.js";
import type { Tally } from "./tally.js";

/** Paints a tally; on an output that cannot be painted over it does nothing. */
export class Progress {
  /** Inputs in all, once somebody knows. */
  total: number | undefined;
  readonly #output: Output;
  readonly #tally: Tally;
  readonly #now: () => number;
  readonly #requests: Speed;
  readonly #bytes: Speed;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #painted = 0;
  #note = "";

  /** `now`: monotonic milliseconds. */
  constructor(output: Output, tally: Tally, now: () => number) {
    this.#output = output;
    this.#tally = tally;
    this.#now = now;
    this.#requests = new Speed(now());
    this.#bytes = new Speed(now());
  }

  /** Paints from now on, until {@link end}. */
  start(): void {
    if (this.#output.repaints) this.#running ??= repaint(() => this.paint(), this.#stop.signal);
  }

  /** Said before the figures from now on. */
  note(text: string): void {
    this.#note = `${text}  `;
  }

  /** Takes the line away; the next repaint brings it back. */
  clear(): void {
    if (this.#painted === 0) return;
    this.#output.say(`\r${" ".repeat(this.#painted)}\r`);
    this.#painted = 0;
  }

  /** Takes the line away for good. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.clear();
  }

  /** Paints the figures of this moment. */
  paint(): void {
    const { done, failed, inFlight, bytes, doneBefore } = this.#tally;
    const now = this.#now();
    this.#requests.update(done, now);
    this.#bytes.update(bytes, now);
    const rates = { requestsPerSecond: this.#requests.perSecond, bytesPerSecond: this.#bytes.perSecond };
    // The last column stays free: many terminals go to the next line when it is written.
    const width = this.#output.columns - 1;
    const total = this.total === undefined ? undefined : this.total - doneBefore;
    const figures = progressText({ done, failed, inFlight, total, ...rates }, width - this.#note.length);
    const text = (this.#note + figures).slice(0, width);
    this.#output.say(`\r${text}${" ".repeat(Math.max(0, Math.min(this.#painted, width) - text.length))}`);
    this.#painted = text.length;
  }
}
