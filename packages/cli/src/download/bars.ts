/**
 * The block of lines at the foot of a terminal, one for each download under way and one for all. It is painted over at most ten times a
 * second, and taken away before anything else is written there.
 */
import { sleep } from "sluice";
import type { Output } from "../terminal/output.js";

const REPAINT_MS = 100;
/** Control sequences (ECMA-48 §8.3): cursor up, erase to the end of the line, erase to the end of the screen. */
const UP = (lines: number): string => `\u001b[${lines}A`;
const TO_LINE_END = "\u001b[K";
const TO_SCREEN_END = "\u001b[J";

/** Gives the lines of this moment, each of at most so many characters. */
export type Lines = (width: number) => readonly string[];

/** See the head of this file. On an output that cannot be painted over it does nothing. */
export class Bars {
  readonly #output: Output;
  readonly #lines: Lines;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #painted = 0;

  constructor(output: Output, lines: Lines) {
    this.#output = output;
    this.#lines = lines;
  }

  /** Paints from now on, until {@link Bars.end}. */
  start(): void {
    if (this.#output.repaints) this.#running ??= this.#repaint();
  }

  /** Takes the block away; the next repaint brings it back. */
  clear(): void {
    if (this.#painted === 0) return;
    this.#output.say(`${UP(this.#painted)}\r${TO_SCREEN_END}`);
    this.#painted = 0;
  }

  /** Takes it away for good. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.clear();
  }

  /** Paints this moment. */
  paint(): void {
    // The last column stays free: many terminals go to the next line when it is written.
    const lines = this.#lines(this.#output.columns - 1);
    const back = this.#painted > 0 ? `${UP(this.#painted)}\r` : "";
    const rest = lines.length < this.#painted ? TO_SCREEN_END : "";
    this.#output.say(`${back}${lines.map((line) => `${line}${TO_LINE_END}\n`).join("")}${rest}`);
    this.#painted = lines.length;
  }

  async #repaint(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.paint();
      await sleep(REPAINT_MS, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }
}
