/**
 * Time that goes on by itself when nothing else does: whenever a deadline is armed and the process has run dry of jobs, time jumps to the
 * next deadline. Hours pass in a moment, and in the same way each time.
 *
 * Strategy: "dry" is two turns of the event loop. Microtasks and ticks run to their end within a turn, what they put off with
 * `setImmediate` in the next. Waiting for anything else (a file, a thread, a real timer) is not seen: time passes meanwhile.
 */

import { nextTurn } from "../../concurrency/clock.js";
import type { Deadline } from "../../concurrency/deadline.js";
import { ManualClock } from "../../concurrency/manual-clock.js";
import { UsageError } from "../../errors.js";

/** Turns of the event loop between two moments. */
const TURNS_BETWEEN = 2;

/** A clock that moves by itself while deadlines are armed, until it is stopped. */
export class SimulatedClock extends ManualClock {
  #running = false;
  #stopped = false;
  #whenStill: (() => void)[] = [];

  override arm(deadline: Deadline, delayMs: number, keepAlive?: boolean): void {
    super.arm(deadline, delayMs, keepAlive);
    if (!this.#running && !this.#stopped && this.armedCount > 0) void this.#run();
  }

  /** Whether something is still to happen by itself. */
  get moving(): boolean {
    return this.#running;
  }

  /** Resolves when no deadline is armed any more: nothing can happen from then on by itself. */
  still(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenStill.push(resolve);
    });
  }

  /** From now on time stands still, unless it is moved by hand. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    do for (let turn = 0; turn < TURNS_BETWEEN; turn += 1) await nextTurn();
    while (!this.#stopped && this.#step());
    this.#running = false;
    for (const resolve of this.#whenStill.splice(0)) resolve();
  }

  /** False when no deadline is armed. */
  #step(): boolean {
    try {
      return this.advanceToNext();
    } catch (error) {
      // It belongs to nobody: an unhandled rejection ends the process, as what a timer's callback throws does.
      void Promise.reject(error);
      if (error instanceof UsageError && error.code === "clock/endless-moment") this.stop();
      return true;
    }
  }
}
