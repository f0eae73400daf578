/**
 * The block of lines at the foot of a terminal that tell how far things are, one for each download for instance. It is painted over at most ten times a
 * second, and taken away before anything else is written there.
 */
import type { Output } from "./output.js";
import { repaint } from "./repaint.js";
import { widthOf } from "./text-width.js";

/** Control sequences (ECMA-48 §8.3): cursor up, erase to the end of the line, erase to the end of the screen. */
const UP = (lines: number): string => `\u001b[${lines}A`;
const TO_LINE_END = "\u001b[K";
const TO_SCREEN_END = "\u001b[J";

/** Gives the lines of this moment: each of at most so many columns, and no more than so many. */
export type Lines = (width: number, height: number) => readonly string[];

/** See the head of this file. On an output that cannot be painted over it does nothing. */
export class Bars {
  readonly #output: Output;
  readonly #lines: Lines;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #painted: readonly string[] = [];

  constructor(output: Output, lines: Lines) {
    this.#output = output;
    this.#lines = lines;
  }

  /** Paints from now on, until {@link Bars.end}. */
  start(): void {
    if (this.#output.repaints) this.#running ??= repaint(() => this.paint(), this.#stop.signal);
  }

  /** Takes the block away; the next repaint brings it back. */
  clear(): void {
    if (this.#painted.length === 0) return;
    this.#output.say(`${this.#back()}${TO_SCREEN_END}`);
    this.#painted = [];
  }

  /** Takes it away for good. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.clear();
  }

  /** Paints this moment, where that can be painted over. */
  paint(): void {
    if (!this.#output.repaints) return;
    // The last column stays free, as many terminals go to the next line when it is written; and so does the cursor's line.
    const lines = this.#lines(this.#output.columns - 1, this.#output.rows - 1);
    const text = lines.map((line) => `${line}${TO_LINE_END}\n`).join("");
    this.#output.say(`${this.#back()}${text}${this.#painted.length > 0 ? TO_SCREEN_END : ""}`);
    this.#painted = lines;
  }

  /** To the beginning of the block. In a terminal that has become narrower its lines are broken into several. */
  #back(): string {
    const { columns } = this.#output;
    const height = this.#painted.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    return height === 0 ? "" : `${UP(height)}\r`;
  }
}
