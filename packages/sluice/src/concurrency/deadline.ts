import type { Clock } from "./clock.js";

/**
 * One moment at which something is to happen, armed and disarmed many times in the life of its owner: the timer wheel
 * links the object itself, so arming allocates nothing. Moving a deadline further away is the cheap case: the wheel leaves it
 * where it is and looks again when that slot comes up.
 */
export abstract class Deadline {
  /** Monotonic milliseconds at which `expire` is due, or `Infinity` while disarmed. Kept by the clock. */
  dueAt = Number.POSITIVE_INFINITY;
  /** Links within the clock's wheel. Kept by the clock. */
  wheelNext: Deadline | undefined = undefined;
  wheelPrevious: Deadline | undefined = undefined;
  /** The slot this is linked in; negative while it is in none. Kept by the clock. */
  wheelSlot = -1;
  /** Rank of the latest arming, so that deadlines due at the same moment expire in the order they were armed. Kept by the clock. */
  wheelOrder = 0;
  /** Whether the latest arming holds the process open. Kept by the clock. */
  holdsProcess = false;

  /** Called once by the clock when `dueAt` has passed; the deadline is disarmed by then and may be armed again. */
  abstract expire(): void;

  get armed(): boolean {
    return this.dueAt !== Number.POSITIVE_INFINITY;
  }
}

/** A deadline that calls a function. */
export class CallbackDeadline extends Deadline {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  override expire(): void {
    this.#callback();
  }
}

/**
 * Arms a new deadline that calls `callback` in `delayMs` milliseconds; disarm it through the same clock. The process may end before unless it
 * `holdsProcess`.
 */
export function callLater(clock: Clock, delayMs: number, callback: () => void, holdsProcess = false): Deadline {
  const deadline = new CallbackDeadline(callback);
  clock.arm(deadline, delayMs, holdsProcess);
  return deadline;
}
