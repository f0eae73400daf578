/**
 * A rate that stays as it is: a token bucket, kept as one moment, that at which it would be full again (the "generic cell rate
 * algorithm"). Turns that were waited for are counted from when they were due, so that late timers do not make the rate a lower one.
 */
import { type Rate, ROUNDING_MS } from "./rate.js";
import type { ThrottleState } from "./throttle-store.js";

/** So late may a timer be, in milliseconds, before what was missed is lost. */
const MOST_LATE_MS = 50;

/** So many requests a second, so many at once after a quiet time. */
export class FixedRate implements Rate {
  readonly #intervalMs: number;
  readonly #burstMs: number;

  /** `perSecond`: above 0, Infinity for no limit; `burst`: 1 or more. */
  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1_000 / perSecond;
    this.#burstMs = this.#intervalMs * burst;
  }

  interval(): number {
    return this.#intervalMs;
  }

  take(state: ThrottleState, now: number, dueAt: number): number {
    const fullAt = Math.max(state.fullAt, dueAt, now - MOST_LATE_MS) + this.#intervalMs;
    const wait = fullAt - this.#burstMs - now;
    if (wait >= ROUNDING_MS) return wait;
    state.fullAt = fullAt;
    return 0;
  }
}
