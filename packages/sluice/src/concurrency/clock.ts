/**
 * Time, and the one place that asks the platform for it. Every time limit of a process hangs in one timer wheel over one Node
 * timer, which sleeps until the next slot in use and does not exist before the first deadline is armed.
 *
 * Precision: a deadline is never early, and late by the wait for whole milliseconds that `setTimeout` has (1–2 ms in an idle
 * process), plus whatever keeps the event loop busy. After a late wake-up the wheel catches up in one look.
 */
import type { Deadline } from "./deadline.js";
import { TimerWheel } from "./timer-wheel.js";

/** `setTimeout` fires at once beyond this; the wheel wakes, sees that nothing is due, and sleeps on. */
const LONGEST_NODE_DELAY_MS = 2 ** 31 - 1;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The only source of time. Production has one `systemClock`, a timer wheel over a single Node timer; tests and the
 * simulated network drive a `ManualClock` by hand.
 */
export interface Clock {
  /** Milliseconds on a monotonic scale of no particular origin. */
  now(): number;
  /** Milliseconds since the Unix epoch: for `Date`, cookies and `Retry-After`, never for measuring. */
  wallTime(): number;
  /**
   * Makes `deadline` due in `delayMs` milliseconds, whether it was armed or not. Never early; late by at most the wheel's
   * resolution under no load. Negative delays count as 0; `Infinity` disarms; NaN throws UsageError `options/out-of-range`.
   * `keepAlive` (default false) makes it hold the process open. A deadline is armed on one clock at a time. `now` spares a
   * look at the time where the caller has just had one: asking the system costs as much as arming does.
   */
  arm(deadline: Deadline, delayMs: number, keepAlive?: boolean, now?: number): void;
  disarm(deadline: Deadline): void;
  /** How many deadlines are armed: zero when nothing waits. For tests and leak checks. */
  readonly armedCount: number;
}

class SystemClock implements Clock {
  readonly #wheel = new TimerWheel(performance.now());
  #timer: NodeJS.Timeout | undefined;
  /** When the Node timer wakes us: `Infinity` while there is none, `-Infinity` while we are awake and will set it ourselves. */
  #wakeAt = NEVER;
  #holding = false;

  get armedCount(): number {
    return this.#wheel.armedCount;
  }

  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  arm(deadline: Deadline, delayMs: number, keepAlive = false, now = performance.now()): void {
    this.#wheel.arm(deadline, now, delayMs, keepAlive);
    if (deadline.dueAt < this.#wakeAt) this.#sleepUntil(deadline.dueAt, now);
    this.#holdOrLetGo();
  }

  disarm(deadline: Deadline): void {
    // The Node timer stays as it is: one idle wake-up costs less than moving it for every deadline that is met.
    this.#wheel.disarm(deadline);
    this.#holdOrLetGo();
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    this.#wakeAt = Number.NEGATIVE_INFINITY;
    this.#wheel.expire(performance.now(), throwLater);
    this.#wakeAt = NEVER;
    this.#holding = this.#wheel.holdCount > 0;
    const next = this.#wheel.nextLookAt();
    if (next !== NEVER) this.#sleepUntil(next, performance.now());
  };

  #sleepUntil(time: number, now: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#wakeAt = time;
    const delay = Math.min(Math.max(Math.ceil(time - now), 1), LONGEST_NODE_DELAY_MS);
    this.#timer = setTimeout(this.#wake, delay);
    if (!this.#holding) this.#timer.unref();
  }

  #holdOrLetGo(): void {
    const holding = this.#wheel.holdCount > 0;
    if (holding === this.#holding) return;
    this.#holding = holding;
    if (holding) this.#timer?.ref();
    else this.#timer?.unref();
  }
}

/** The process's own time. Importing it starts nothing; the Node timer exists only while a deadline waits. */
export const systemClock: Clock = new SystemClock();

/** Resolves in a later turn of the event loop, when the microtasks of this one have run dry. Holds the process open until then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Has something to do when the turn is over. */
export interface TurnEnd {
  turnOver(): void;
}

let ending: TurnEnd[] = [];

/**
 * Calls `task.turnOver()` when everything else that is ready in this turn of the event loop has been worked off, in the order
 * of the calls. A loop with something to do at its end does not sleep first, so nothing waits for longer than the turn lasts.
 */
export function atTurnEnd(task: TurnEnd): void {
  if (ending.length === 0) setImmediate(endTurn);
  ending.push(task);
}

function endTurn(): void {
  const tasks = ending;
  ending = [];
  for (const task of tasks) {
    try {
      task.turnOver();
    } catch (error) {
      throwLater(error);
    }
  }
}

/** An error that belongs to nobody ends up as the process's `uncaughtException`, as one thrown by a timer's callback would. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
