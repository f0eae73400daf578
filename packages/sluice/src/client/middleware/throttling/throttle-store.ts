/**
 * Where a throttle keeps what it knows of each key: in memory, or in a place that several processes share. A store holds small
 * records of numbers and understands nothing of them; every decision is a pure function that it applies.
 */
import { type Clock, systemClock } from "../../../concurrency/clock.js";

/**
 * What is known of one key. Plain finite numbers, fit for JSON; moments are milliseconds of the store's own time, 0 stands for
 * "not known".
 */
export interface ThrottleState {
  /** When the bucket of a fixed rate is full again. */
  fullAt: number;
  /** When the last request went, at an adaptive rate. */
  takenAt: number;
  /** Nothing goes before: the server asked for it. */
  heldUntil: number;
  /** Requests a second that an adaptive rate has come to. */
  perSecond: number;
  /** What that rate was when the server last refused a request. */
  refusedAt: number;
  /** When the rate was last lowered: refusals of requests that went before say nothing new. */
  loweredAt: number;
  /** Requests let in since then. */
  accepted: number;
  /** Refusals in a row. */
  refusals: number;
  /** When the first request went; … */
  beganAt: number;
  /** … when the server last let requests in after it had held them up, and how many it has let in since. */
  cycleAt: number;
  cycleAccepted: number;
  /** What the server said: requests in a window and how long that is, … */
  limit: number;
  windowMs: number;
  /** … how many were left when it last said so, and when that was, … */
  told: number;
  toldAt: number;
  /** … how many are left by our own count, and when the next window begins. */
  remaining: number;
  resetAt: number;
}

/** A place for {@link ThrottleState}. One that processes share makes their limit a common one. */
export interface ThrottleStore {
  /**
   * Replaces the state of `key` by what `change` makes of it, as one step that no other change comes between. `state` is undefined for
   * a key that is new or forgotten; `change` may alter it in place. `now`: milliseconds on a scale that is the same for all who share
   * the store and never runs backwards. A store that finds another change in its way calls `change` again; its last call counts.
   */
  update(key: string, change: (state: ThrottleState | undefined, now: number) => ThrottleState): void | Promise<void>;
}

/** Keys kept; of more, the oldest one at rest is forgotten. */
const MOST_KEYS = 10_000;
/** A finite stand-in for "never". */
const LONG_AGO_MS = 1e12;
/** How many of the oldest are looked at for one at rest, before the oldest has to go as it is. */
const MOST_LOOKED_AT = 8;

/** The store of one process: 10,000 keys at most. Throttles that are given the same one share their rates. */
export class MemoryThrottleStore implements ThrottleStore {
  readonly #clock: Clock;
  readonly #states = new Map<string, ThrottleState>();

  /** `clock`: whose time it goes by. @default the system's */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Keys it holds. */
  get size(): number {
    return this.#states.size;
  }

  update(key: string, change: (state: ThrottleState | undefined, now: number) => ThrottleState): void {
    const now = this.#clock.now();
    const before = this.#states.get(key);
    const after = change(before, now);
    if (after === before) return;
    if (before === undefined && this.#states.size >= MOST_KEYS) this.#forgetOne(now);
    this.#states.set(key, after);
  }

  #forgetOne(now: number): void {
    let [victim = ""] = this.#states.keys();
    let looked = 0;
    for (const [key, { fullAt, heldUntil, resetAt }] of this.#states) {
      looked += 1;
      if (looked > MOST_LOOKED_AT) break;
      if (Math.max(fullAt, heldUntil, resetAt) > now) continue;
      victim = key;
      break;
    }
    this.#states.delete(victim);
  }
}

/** A key of which nothing is known, at the moment `now`. */
export function newThrottleState(now: number): ThrottleState {
  return {
    fullAt: now,
    takenAt: now - LONG_AGO_MS,
    heldUntil: 0,
    perSecond: 0,
    refusedAt: 0,
    loweredAt: 0,
    accepted: 0,
    refusals: 0,
    beganAt: now,
    cycleAt: 0,
    cycleAccepted: 0,
    limit: 0,
    windowMs: 0,
    told: 0,
    toldAt: 0,
    remaining: 0,
    resetAt: 0,
  };
}
