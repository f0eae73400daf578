/**
 * What keeps retries from becoming the load that a failing server dies of: to each origin, only so large a share of what is
 * sent may be retries. Every request earns a part of one; besides, a few a second are free, so that whoever sends little may
 * retry at all. (Finagle's and Envoy's budgets are the precedents; the figures are Finagle's, with half its share.)
 *
 * Within any `t` seconds an origin gets at most `share · requests + floor · (t + 10) + 100` retries.
 */
import { TokenBucket } from "../../../concurrency/token-bucket.js";
import { refuseUnknown, requireNumber } from "../../../options.js";

/** How much of what goes to one origin may be retries. */
export interface RetryBudgetOptions {
  /** Retries that each request earns, from 0 to 1. @default 0.1 */
  readonly share?: number;
  /** Retries a second that are allowed whatever the share, from 0; ten seconds' worth can be used at once. @default 10 */
  readonly floor?: number;
}

const DEFAULTS: Required<RetryBudgetOptions> = { share: 0.1, floor: 10 };
const KNOWN: ReadonlySet<string> = new Set<keyof RetryBudgetOptions>(["share", "floor"]);
/** How many seconds of its floor an origin can save up. */
const FLOOR_SECONDS = 10;
/** Retries that can be saved up from better times. */
const MOST_EARNED = 100;
/** Origins remembered; the one first seen is forgotten, and starts anew. */
const MOST_ORIGINS = 1_000;
/** What adding up shares may have lost to rounding. */
const ROUNDING = 1e-9;

interface Account {
  earned: number;
  readonly floor: TokenBucket | undefined;
}

/** The retries that may still be made, by origin. */
export class RetryBudget {
  readonly #share: number;
  readonly #floor: number;
  readonly #accounts = new Map<string, Account>();

  /** Throws `UsageError` for an option that is unknown or out of range. */
  constructor(options: RetryBudgetOptions = {}) {
    refuseUnknown("retry.budget", options, KNOWN);
    const { share, floor } = { ...DEFAULTS, ...options };
    requireNumber("retry.budget.share", share, 0, 1);
    requireNumber("retry.budget.floor", floor, 0, Number.MAX_SAFE_INTEGER);
    this.#share = share;
    this.#floor = floor;
  }

  /** A request goes to `origin` for the first time. */
  earn(origin: string): void {
    const account = this.#accountOf(origin);
    account.earned = Math.min(account.earned + this.#share, MOST_EARNED);
  }

  /** Takes one retry out of the budget of `origin`; false when there is none. `now`: monotonic milliseconds. */
  tryTake(origin: string, now: number): boolean {
    const account = this.#accountOf(origin);
    if (account.floor?.tryTake(now) === true) return true;
    if (account.earned < 1 - ROUNDING) return false;
    account.earned -= 1;
    return true;
  }

  #accountOf(origin: string): Account {
    const known = this.#accounts.get(origin);
    if (known !== undefined) return known;
    if (this.#accounts.size >= MOST_ORIGINS) {
      const [oldest = ""] = this.#accounts.keys();
      this.#accounts.delete(oldest);
    }
    const burst = Math.max(1, this.#floor * FLOOR_SECONDS);
    const floor = this.#floor === 0 ? undefined : new TokenBucket({ perSecond: this.#floor, burst });
    const account = { earned: 0, floor };
    this.#accounts.set(origin, account);
    return account;
  }
}
