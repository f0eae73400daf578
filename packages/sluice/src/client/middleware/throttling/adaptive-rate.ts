/**
 * A rate that finds out what a server allows, and stays just below. It listens to three things, the first two where they are told:
 *
 * 1. `Retry-After` on a refusal: until then nothing goes.
 * 2. How many requests are left until when (`http/rate-limit.ts`). The first half of a window may be spent as fast as the rate
 *    allows, so that a few requests are not slowed down for nothing; the second half is spread over what is left of the window.
 * 3. Refusals, 429 and 503. Until the first one the rate grows by a few per cent with each request let in ("slow start"). Then it
 *    keeps a little below where it was refused and feels its way up again, the more boldly the longer nothing is refused: a
 *    refusal after many requests costs a twentieth of the rate, one after few a third. Refusals in a row say that a window is used up:
 *    the pauses between tries double, and the rate becomes what the server let in from one such time to the next.
 *
 * A request that went before the rate was last lowered says nothing new by being refused: one burst is one event. A rate that
 * nobody waits for is not raised.
 */
import type { RateLimitHint } from "../../../http/rate-limit.js";
import { type Rate, type RateNews, ROUNDING_MS } from "./rate.js";
import type { ThrottleState } from "./throttle-store.js";

/** The bounds of an adaptive rate, resolved. */
export interface AdaptiveBounds {
  /** Requests a second to begin with. */
  readonly start: number;
  /** … at least … */
  readonly least: number;
  /** … and at most. */
  readonly most: number;
  /** Longest that a server's word holds requests back, in milliseconds: then one is sent to see. */
  readonly maxHoldMs: number;
}

/** Growth with each request let in: before the first refusal, … */
const SLOW_START = 0.04;
/** … up to nine tenths of where the last refusal was, … */
const RECOVERY = 0.01;
const RECOVERED = 0.9;
/** … and beyond: this at first, but no more than that a second; … */
const PROBING = 0.0002;
const PROBING_A_SECOND = 0.02;
/** … growing when nothing is refused for so many requests and so many seconds, … */
const PROBING_STEADY = 300;
const PROBING_STEADY_SECONDS = 10;
/** … up to this, but no more than that a second. */
const PROBING_MOST = 0.03;
const PROBING_MOST_A_SECOND = 0.07;
/** All requests on their way together raise the rate by no more than this, for they say nothing yet. */
const MOST_BLIND_GROWTH = 0.7;
/** What is left of the rate after a refusal, by how many requests had been let in since the last one. */
const LOWERED: readonly (readonly [accepted: number, factor: number])[] = [
  [50, 0.95],
  [15, 0.85],
  [0, 0.7],
];
/** What is used of a rate that was measured from window to window. */
const MEASURED_SHARE = 0.95;
/** A window that should be over is tried with one request; if nobody answers it, with another one after this. */
const PROBE_MS = 1_000;
/** How long it is, as a share of the time before it, where it is no trifle. */
const WINDOW_HELD = 0.25;
/** By how much a time in whole seconds is wrong in the mean. */
const ROUNDED_MS = 500;
/** Stands for the count of a window of which nothing has been told yet. */
const UNTOLD = -1;
/** Two resets no further apart than this belong to one window: servers tell whole seconds. */
const SAME_WINDOW_MS = 1_500;
const MOST_DOUBLINGS = 30;
/** The pause after a first refusal. */
const FIRST_PAUSE_MS = 50;
const MS_PER_SECOND = 1_000;

/** See the head of this file. */
export class AdaptiveRate implements Rate {
  readonly #bounds: AdaptiveBounds;

  constructor(bounds: AdaptiveBounds) {
    this.#bounds = bounds;
  }

  interval(state: ThrottleState, now: number): number {
    const perSecond = state.perSecond === 0 ? this.#bounds.start : state.perSecond;
    const asked = Math.max(paceOf(state, now), pauseOf(state));
    return Math.max(MS_PER_SECOND / perSecond, Math.min(asked, this.#bounds.maxHoldMs));
  }

  take(state: ThrottleState, now: number): number {
    renew(state, now);
    const from = Math.max(state.takenAt + this.interval(state, now), state.heldUntil, this.#openAt(state));
    if (from - now >= ROUNDING_MS) return from - now;
    // Counted from now and not from when it was due: many servers refuse what comes sooner than evenly spaced.
    state.takenAt = now;
    state.remaining = Math.max(0, state.remaining - 1);
    return 0;
  }

  learn(state: ThrottleState, news: RateNews, now: number): void {
    if (state.perSecond === 0) state.perSecond = this.#bounds.start;
    if (news.hint !== undefined) tell(state, news.hint, news.inFlight, now);
    if (news.refused) this.#refused(state, news, now);
    else this.#accepted(state, news, now);
  }

  /** When there is something left to spend; while a window is used up, and its end is far, one request is sent to see. */
  #openAt(state: ThrottleState): number {
    if (state.resetAt === 0 || state.remaining >= 1) return 0;
    return Math.min(state.resetAt, Math.max(state.toldAt, state.takenAt) + this.#bounds.maxHoldMs);
  }

  #accepted(state: ThrottleState, news: RateNews, now: number): void {
    state.cycleAccepted += 1;
    if (state.refusals > 1 && state.resetAt === 0) this.#measure(state, now);
    state.refusals = 0;
    if (news.takenAt < state.loweredAt) return;
    state.accepted += 1;
    if (!news.waited) return;
    const growth = Math.min(growthOf(state), MOST_BLIND_GROWTH / Math.max(news.inFlight, 1));
    // A whole window in a second is as fast as it makes sense to go.
    const most = state.limit > 0 ? Math.max(state.limit, state.perSecond) : Number.POSITIVE_INFINITY;
    state.perSecond = this.#within(Math.min(state.perSecond * (1 + growth), most));
  }

  #refused(state: ThrottleState, news: RateNews, now: number): void {
    const { hint, retryAfterMs } = news;
    if (retryAfterMs !== undefined) this.#hold(state, now + retryAfterMs, now);
    if (state.loweredAt > 0 && news.takenAt < state.loweredAt) return;
    // Where the server counts for us, a window that is used up says nothing of the rate. "In 0 seconds" is less than one.
    if (hint?.remaining === 0) this.#hold(state, now + (hint.resetMs === 0 ? MS_PER_SECOND : 0), now);
    else if (state.refusals === 0) this.#lower(state, retryAfterMs ?? 0, now);
    state.refusals += 1;
    state.loweredAt = now;
    state.accepted = 0;
  }

  /**
   * The first refusal in a row. Where a time of waiting follows that is no trifle beside that of sending before, it is a window that
   * was used up too fast: both together are its length, and what was let in is what it has.
   */
  #lower(state: ThrottleState, retryAfterMs: number, now: number): void {
    const { perSecond } = state;
    const sentMs = now - Math.max(state.cycleAt, state.beganAt);
    const heldMs = Math.max(0, retryAfterMs - ROUNDED_MS);
    const lowered = perSecond * loweredBy(state.accepted);
    const isWindow = state.cycleAccepted > 1 && heldMs > sentMs * WINDOW_HELD;
    const measured = isWindow ? perSecondOf(state.cycleAccepted, sentMs + heldMs) : lowered;
    state.perSecond = this.#within(Math.min(lowered, measured));
    state.refusedAt = measured < lowered ? state.perSecond : perSecond;
    if (retryAfterMs === 0) return;
    state.cycleAt = now + retryAfterMs;
    state.cycleAccepted = 0;
  }

  #hold(state: ThrottleState, until: number, now: number): void {
    state.heldUntil = Math.max(state.heldUntil, Math.min(until, now + this.#bounds.maxHoldMs));
  }

  /**
   * The server lets requests in again: what it let in since the last such moment, or somewhat more, is what it allows. It was closed
   * when it last refused, and open by now.
   */
  #measure(state: ThrottleState, now: number): void {
    const { cycleAt, cycleAccepted, loweredAt } = state;
    // Before the first such moment the rate was on its way up, and says nothing.
    if (cycleAt > 0 && cycleAccepted > 1 && loweredAt > cycleAt) {
      const least = perSecondOf(cycleAccepted, now - cycleAt) * MEASURED_SHARE;
      state.perSecond = this.#within(Math.min(state.perSecond, least));
      state.refusedAt = perSecondOf(cycleAccepted, loweredAt - cycleAt);
    }
    state.cycleAt = now;
    state.cycleAccepted = 0;
  }

  #within(perSecond: number): number {
    return Math.min(Math.max(perSecond, this.#bounds.least), this.#bounds.most);
  }
}

/** Milliseconds between requests so that what is left of a window lasts until its end; 0 where that is plenty, or not known. */
function paceOf(state: ThrottleState, now: number): number {
  // Told the size of the windows only, we keep to that.
  if (state.resetAt === 0) return state.limit > 0 ? state.windowMs / state.limit : 0;
  if (state.told === UNTOLD || state.remaining > state.limit / 2) return 0;
  return Math.max(0, state.resetAt - now) / Math.max(state.remaining, 1);
}

/** Refused, requests are sent one by one to see, with pauses that double, until one is let in. */
function pauseOf({ refusals }: ThrottleState): number {
  return refusals === 0 ? 0 : FIRST_PAUSE_MS * 2 ** Math.min(refusals - 1, MOST_DOUBLINGS);
}

/** A new window should have begun: one request is sent to see. Its answer tells of the rest. */
function renew(state: ThrottleState, now: number): void {
  if (state.resetAt === 0 || now < state.resetAt) return;
  state.remaining = 1;
  state.told = UNTOLD;
  state.resetAt = now + PROBE_MS;
}

/** Takes in what the server counts. */
function tell(state: ThrottleState, hint: RateLimitHint, inFlight: number, now: number): void {
  const { limit, remaining, resetMs, windowMs } = hint;
  state.limit = limit ?? Math.max(state.limit, remaining ?? 0);
  if (windowMs !== undefined) state.windowMs = windowMs;
  if (remaining === undefined || resetMs === undefined) return;
  // "In 0 seconds", rounded down, is less than one: half of one in the mean.
  const resetAt = now + (resetMs === 0 ? ROUNDED_MS : resetMs);
  const same = Math.abs(resetAt - state.resetAt) < SAME_WINDOW_MS && remaining <= state.told + inFlight;
  // Told in whole seconds, mostly rounded up: the earliest of a window is the nearest to the truth.
  state.resetAt = same ? Math.min(state.resetAt, resetAt) : resetAt;
  if (windowMs === undefined) state.windowMs = Math.max(state.windowMs, resetMs);
  state.told = remaining;
  state.toldAt = now;
  state.remaining = Math.max(0, remaining - inFlight);
}

function perSecondOf(count: number, ms: number): number {
  return (count * MS_PER_SECOND) / ms;
}

function growthOf(state: ThrottleState): number {
  if (state.refusedAt === 0) return SLOW_START;
  if (state.perSecond < state.refusedAt * RECOVERED) return RECOVERY;
  const { perSecond, accepted } = state;
  const steadiness = accepted / Math.max(PROBING_STEADY, PROBING_STEADY_SECONDS * perSecond);
  const growth = Math.min(PROBING, PROBING_A_SECOND / perSecond) * (1 + steadiness ** 2);
  return Math.min(growth, PROBING_MOST, PROBING_MOST_A_SECOND / perSecond);
}

function loweredBy(accepted: number): number {
  return LOWERED.find(([least]) => accepted >= least)?.[1] ?? 1;
}
