/** What a throttle asks of a rate: pure rules over a {@link ThrottleState}, to which moments are handed in. */
import type { RateLimitHint } from "../../../http/rate-limit.js";
import type { ThrottleState } from "./throttle-store.js";

/** Waits shorter than this many milliseconds are rounding errors of the moments we add up. */
export const ROUNDING_MS = 0.001;

/** How one request went, as far as it says something of the server's limits. */
export interface RateNews {
  /** Whether the server refused it because there were too many. */
  readonly refused: boolean;
  /** When it had taken its turn. */
  readonly takenAt: number;
  /** Whether it had to wait for its turn: if nobody waits, the rate is not what limits us. */
  readonly waited: boolean;
  /** Requests of ours that the server may have counted already, or not yet. */
  readonly inFlight: number;
  /** Milliseconds that the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;
  readonly hint: RateLimitHint | undefined;
}

/** When the next request of a key may go. Both methods change the state in place. */
export interface Rate {
  /**
   * Takes a turn if there is one, and gives 0; else the milliseconds until it is worth asking again. `dueAt`: `now`, or for one who has
   * waited, and may have woken up late, when the turn was to be there.
   */
  take(state: ThrottleState, now: number, dueAt: number): number;
  /** Milliseconds between requests, as things stand. */
  interval(state: ThrottleState, now: number): number;
  /** Takes in what an answer says; absent where nothing is learned. */
  learn?(state: ThrottleState, news: RateNews, now: number): void;
}
