/**
 * The line before one key: who may not go at once waits here, the important first, then those who came first. One of them at a
 * time, the line itself, asks the store for a turn, and sleeps as long as it is told; whose turn it is when there is one is decided
 * only then. So those who leave take no turn with them, and what is learned meanwhile counts for all.
 */
import type { Clock } from "../../../concurrency/clock.js";
import { CallbackDeadline } from "../../../concurrency/deadline.js";
import type { FifoNode } from "../../../concurrency/fifo.js";
import { PriorityFifo } from "../../../concurrency/priority-fifo.js";
import { SluiceError } from "../../../errors.js";
import type { Rate, RateNews } from "./rate.js";
import { newThrottleState, type ThrottleState, type ThrottleStore } from "./throttle-store.js";

/** Nobody has waited for a turn yet: it is due when it is asked for. */
const NOT_DUE = Number.POSITIVE_INFINITY;

/** What a line is put together from. */
export interface ThrottleLineParts {
  readonly key: string;
  readonly store: ThrottleStore;
  readonly rate: Rate;
  readonly clock: Clock;
}

/** Somebody who waits for a turn. */
export interface Waiter {
  readonly priority: number;
  /** It is this one's turn. */
  go(): void;
  /** There will be no turn. */
  fail(error: unknown): void;
}

/** Those who wait for one key. */
export class ThrottleLine {
  readonly #parts: ThrottleLineParts;
  readonly #waiting = new PriorityFifo<Waiter>();
  readonly #alarm = new CallbackDeadline(() => this.#ask());
  #asking = false;
  /** What the latest try for a turn gave, … */
  #wait = 0;
  /** … when the turn that is waited for was due, by the store's time, and how far apart turns were then. */
  #dueAt = NOT_DUE;
  #interval = 0;
  /** When the latest turn was taken, by the store's time. */
  takenAt = 0;
  /** Requests that have gone and are not answered yet; kept where the rate learns. */
  inFlight = 0;

  constructor(parts: ThrottleLineParts) {
    this.#parts = parts;
  }

  /** Whether nobody waits or is under way: it may be forgotten. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.inFlight === 0 && !this.#asking && !this.#alarm.armed;
  }

  /** Whether those who went last had to wait for the rate, and not for the store alone. */
  get backlogged(): boolean {
    return this.#dueAt !== NOT_DUE;
  }

  /** True if the caller may go at once. If not, {@link join} is to be called in the same turn of the event loop. */
  tryTake(): boolean {
    if (this.#waiting.size > 0 || this.#asking || this.#alarm.armed) return false;
    this.#dueAt = NOT_DUE;
    const asked = this.#take();
    if (asked !== undefined) void this.#settle(asked);
    else if (this.#wait === 0) return true;
    else this.#sleep();
    return false;
  }

  /** Milliseconds until a newcomer with `priority` would have a turn, as far as can be said. */
  expectedWait(priority: number): number {
    const next = this.#alarm.armed ? Math.max(0, this.#alarm.dueAt - this.#parts.clock.now()) : 0;
    return next + this.#waiting.ahead(priority) * this.#interval;
  }

  /** Puts somebody in the line. */
  join(waiter: Waiter): FifoNode<Waiter> {
    return this.#waiting.push(waiter, waiter.priority);
  }

  /** Somebody leaves. When nobody is left, nothing is asked any more. */
  leave(node: FifoNode<Waiter>): void {
    if (this.#waiting.remove(node, node.value.priority) && this.#waiting.size === 0) {
      this.#parts.clock.disarm(this.#alarm);
    }
  }

  /** Takes in what an answer says of the rate. The answer does not wait for the store. */
  learn(news: Omit<RateNews, "inFlight">): void {
    const { key, store, rate } = this.#parts;
    const { inFlight } = this;
    const learned = store.update(key, (before, now) => {
      const state = before ?? newThrottleState(now);
      rate.learn?.(state, { ...news, inFlight }, now);
      return state;
    });
    // A store that fails will tell whoever takes the next turn; this answer is none the worse for it.
    if (learned !== undefined) void learned.then(undefined, () => undefined);
  }

  /** Gives out turns while there are any; then sleeps until the next one, or waits for the store. */
  #ask(): void {
    while (this.#waiting.size > 0) {
      const asked = this.#take();
      if (asked !== undefined) {
        void this.#settle(asked);
        return;
      }
      if (this.#wait > 0) {
        this.#sleep();
        return;
      }
      this.#waiting.shift()?.go();
    }
  }

  #sleep(): void {
    this.#parts.clock.arm(this.#alarm, this.#wait, true);
  }

  /** A store that answers later: one question at a time. */
  async #settle(asked: Promise<void>): Promise<void> {
    this.#asking = true;
    let failure: unknown;
    try {
      await asked;
    } catch (error) {
      failure = error ?? new Error("No reason was given");
    }
    this.#asking = false;
    if (failure !== undefined) this.#waiting.shift()?.fail(storeFailed(failure));
    else if (this.#wait === 0) this.#waiting.shift()?.go();
    else {
      if (this.#waiting.size > 0) this.#sleep();
      return;
    }
    this.#ask();
  }

  /** Tries for a turn; what came of it stands in `#wait`, at once or when the promise is kept. */
  #take(): Promise<void> | undefined {
    const { key, store } = this.#parts;
    try {
      return store.update(key, this.#change) ?? undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #change = (before: ThrottleState | undefined, now: number): ThrottleState => {
    const { rate } = this.#parts;
    const state = before ?? newThrottleState(now);
    this.#wait = rate.take(state, now, Math.min(this.#dueAt, now));
    if (this.#wait > 0) this.#dueAt = now + this.#wait;
    this.#interval = rate.interval(state, now);
    this.takenAt = now;
    return state;
  };
}

function storeFailed(cause: unknown): SluiceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SluiceError("throttle/store-failed", `Cannot take a turn: the store of the throttle failed: ${reason}`, {
    phase: "throttle",
    cause,
  });
}
