/**
 * A clock that moves only when told to, for tests and for the simulated network: every deadline expires at exactly its own
 * time, in order, as soon as time is moved past it. It shares the timer wheel with the system's clock.
 */
import { UsageError } from "../errors.js";
import { type Clock, nextTurn } from "./clock.js";
import type { Deadline } from "./deadline.js";
import { TimerWheel } from "./timer-wheel.js";

/** Looks at one and the same moment before we say that deadlines arm themselves for ever with no delay. */
const MOST_LOOKS_AT_ONE_MOMENT = 10_000;

/** Where a {@link ManualClock} starts. */
export interface ManualClockOptions {
  /** Where `now()` starts, in milliseconds. @default 0 */
  readonly now?: number;
  /** Where `wallTime()` starts, in milliseconds since the Unix epoch. @default 1_767_225_600_000 (1 January 2026, UTC) */
  readonly wallTime?: number;
}

const MANUAL_CLOCK_DEFAULTS: Required<ManualClockOptions> = { now: 0, wallTime: 1_767_225_600_000 };

/** Time that stands still between calls of {@link advance} and {@link advanceAsync}. */
export class ManualClock implements Clock {
  readonly #wheel: TimerWheel;
  readonly #wallOffset: number;
  readonly #errors: unknown[] = [];
  #now: number;
  #advancing = false;
  #looksAtThisMoment = 0;

  constructor(options: ManualClockOptions = {}) {
    const { now, wallTime } = { ...MANUAL_CLOCK_DEFAULTS, ...options };
    this.#now = now;
    this.#wallOffset = wallTime - now;
    this.#wheel = new TimerWheel(now);
  }

  get armedCount(): number {
    return this.#wheel.armedCount;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallOffset + this.#now;
  }

  arm(deadline: Deadline, delayMs: number, keepAlive = false): void {
    this.#wheel.arm(deadline, this.#now, delayMs, keepAlive);
  }

  disarm(deadline: Deadline): void {
    this.#wheel.disarm(deadline);
  }

  /**
   * Moves time on by `ms` (finite, 0 or more), expiring on the way all that becomes due, each at its own `now()`. Promises
   * settled by it continue only after it has returned: see {@link advanceAsync}. What an `expire` throws is thrown once time
   * has arrived, several as one AggregateError. Throws UsageError `clock/bad-advance` for an impossible `ms` or when time is
   * being moved already, `clock/endless-moment` when deadlines arm themselves for ever without delay.
   */
  advance(ms: number): void {
    const end = this.#begin(ms);
    try {
      while (this.#look(end));
      this.#now = end;
    } finally {
      this.#advancing = false;
    }
    this.#throwCollected();
  }

  /**
   * As {@link advance}, but the event loop turns once before, and after each moment at which something may have expired, so
   * that code which awaits one deadline can arm the next.
   */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#begin(ms);
    try {
      do await nextTurn();
      while (this.#look(end));
      this.#now = end;
    } finally {
      this.#advancing = false;
    }
    this.#throwCollected();
  }

  /**
   * Moves time on to the next moment at which a deadline may be due, and expires what is; false when none is armed. Throws as
   * {@link advance} does.
   */
  advanceToNext(): boolean {
    if (this.armedCount === 0) return false;
    this.#enter();
    try {
      this.#look(Number.POSITIVE_INFINITY);
    } finally {
      this.#advancing = false;
    }
    this.#throwCollected();
    return true;
  }

  #enter(): void {
    if (this.#advancing)
      throw new UsageError("clock/bad-advance", "Cannot advance the clock: it is being advanced already");
    this.#advancing = true;
  }

  #begin(ms: number): number {
    if (!(ms >= 0) || ms === Number.POSITIVE_INFINITY) {
      throw new UsageError(
        "clock/bad-advance",
        `Cannot advance the clock: expected 0 or more milliseconds, received ${ms}`,
      );
    }
    this.#enter();
    this.#looksAtThisMoment = 0;
    return this.#now + ms;
  }

  /** Goes to the next moment worth a look and expires what is due there; false when there is none up to `end`. */
  #look(end: number): boolean {
    const next = Math.max(this.#wheel.nextLookAt(), this.#now);
    if (next > end) return false;
    this.#looksAtThisMoment = next > this.#now ? 1 : this.#looksAtThisMoment + 1;
    if (this.#looksAtThisMoment > MOST_LOOKS_AT_ONE_MOMENT) {
      throw new UsageError(
        "clock/endless-moment",
        `Cannot advance the clock past ${next} ms: after ${MOST_LOOKS_AT_ONE_MOMENT} looks deadlines are still armed without delay`,
      );
    }
    this.#now = next;
    this.#wheel.expire(next, (error) => this.#errors.push(error));
    return true;
  }

  #throwCollected(): void {
    const errors = this.#errors.splice(0);
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1)
      throw new AggregateError(errors, `${errors.length} deadlines threw while the clock was advanced`);
  }
}
