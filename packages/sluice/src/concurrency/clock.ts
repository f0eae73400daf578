import type { Deadline } from "./deadline.js";

/**
 * The only source of time. Production has one {@link systemClock}, a timer wheel over a single Node timer; tests and the
 * simulated network drive a {@link ManualClock} by hand.
 */
export interface Clock {
  /** Milliseconds on a monotonic scale of no particular origin. */
  now(): number;
  /** Milliseconds since the Unix epoch: for `Date`, cookies and `Retry-After`, never for measuring. */
  wallTime(): number;
  /**
   * Makes `deadline` due in `delayMs` milliseconds, whether it was armed or not. Never early; late by at most the wheel's
   * resolution under no load. `Infinity` disarms. `keepAlive` (default false) makes it hold the process open.
   */
  arm(deadline: Deadline, delayMs: number, keepAlive?: boolean): void;
  disarm(deadline: Deadline): void;
  /** How many deadlines are armed: zero when nothing waits. For tests and leak checks. */
  readonly armedCount: number;
}
