/**
 * The time limits of one exchange on a single deadline object: whichever of the current phase and the whole attempt comes
 * first. Entering a phase replaces the one before it.
 */
import type { Clock } from "../concurrency/clock.js";
import { Deadline } from "../concurrency/deadline.js";

/** Phases with a limit of their own, by the names of `TimeoutOptions`; `connect` is a dial's, see `pool-dial.ts`, `continue` is `expectContinue`. */
export type TimedPhase = "queue" | "continue" | "write" | "headers" | "unread" | "read" | "attempt";

/** Who is told that a limit has passed. */
export interface Timed {
  timedOut(phase: TimedPhase, limitMs: number): void;
}

/** What was being waited for, in the words of an error message. */
export const WAITED_FOR: Readonly<Record<TimedPhase, string>> = {
  queue: "waiting for a place in the connection pool",
  continue: "waiting for 100 (Continue)",
  write: "sending the request: the peer takes no more of it",
  headers: "waiting for the head of the answer",
  unread: "for somebody to read the body",
  read: "waiting for more of the body",
  attempt: "for one attempt",
};

/** One exchange's limits. */
export class PhaseDeadline extends Deadline {
  readonly #timed: Timed;
  readonly #clock: Clock;
  #attemptDueAt = Number.POSITIVE_INFINITY;
  #attemptMs = Number.POSITIVE_INFINITY;
  #phase: TimedPhase = "attempt";
  #phaseMs = Number.POSITIVE_INFINITY;
  #phaseDueAt = Number.POSITIVE_INFINITY;

  constructor(timed: Timed, clock: Clock) {
    super();
    this.#timed = timed;
    this.#clock = clock;
  }

  /** Starts the attempt's own limit, in milliseconds from now. */
  limitAttempt(limitMs: number): void {
    if (limitMs === Number.POSITIVE_INFINITY) return;
    this.#attemptMs = limitMs;
    this.#attemptDueAt = this.#clock.now() + limitMs;
    this.#clock.arm(this, limitMs);
  }

  /** Starts a phase, or the same one anew, `now` being the clock's. */
  enter(phase: TimedPhase, limitMs: number, now: number): void {
    this.#phase = phase;
    this.#phaseMs = limitMs;
    this.#phaseDueAt = now + limitMs;
    this.#clock.arm(this, Math.min(limitMs, this.#attemptDueAt - now), false, now);
  }

  /** The attempt's own limit is kept. */
  endAttempt(): void {
    this.#attemptDueAt = Number.POSITIVE_INFINITY;
  }

  /** Only the attempt's limit remains. */
  leavePhase(now: number): void {
    this.#phaseDueAt = Number.POSITIVE_INFINITY;
    this.#clock.arm(this, this.#attemptDueAt - now, false, now);
  }

  stop(): void {
    this.#clock.disarm(this);
  }

  override expire(): void {
    if (this.#attemptDueAt <= this.#phaseDueAt) this.#timed.timedOut("attempt", this.#attemptMs);
    else this.#timed.timedOut(this.#phase, this.#phaseMs);
  }
}
