/** What goes into the pool's plan besides events, and what comes out of it: limits, answers, effects, counts. */

import type { PoolSlot, PoolWaiter } from "./pool-records.js";

/** Answer of `PoolPlan.acquire`: the waiter waits, and a connection is being opened for it. */
export const DIALING = "dialing";
/** Answer of `PoolPlan.acquire`: the waiter waits for a connection, or for the right to open one. */
export const WAITING = "waiting";
/** Answer of `PoolPlan.acquire`: the queue is full; the waiter is not in it. */
export const REFUSED = "refused";

/** What bounds a pool. */
export interface PoolLimits {
  /** Most slots at a time, 1 to `Infinity`. */
  readonly limit: number;
  /** Most slots of one route at a time, 1 to `Infinity`. */
  readonly limitPerHost: number;
  /** Most waiters without a dial at a time, 0 (nobody ever waits for a place) to `Infinity`. */
  readonly maxQueue: number;
}

/**
 * Something for the executor to do. The plan has already counted it: a slot to be closed or whose dial is to be cancelled
 * is `closed`, and a granted waiter's place on its slot is taken.
 */
export type PoolEffect<Link, Waiter extends PoolWaiter = PoolWaiter> =
  /** Open a connection, and report `PoolPlan.opened` or `PoolPlan.dialFailed`. */
  | { readonly kind: "dial"; readonly slot: PoolSlot<Link> }
  /** Abandon the dial; nobody needs it. */
  | { readonly kind: "cancel-dial"; readonly slot: PoolSlot<Link> }
  /** Start the waiter's exchange on this connection. */
  | { readonly kind: "grant"; readonly waiter: Waiter; readonly slot: PoolSlot<Link> }
  /**
   * Close an idle connection. `evicted`: it was the longest idle one, and a waiter of another route needs its place.
   * `yielded`: it was just released, and its place goes to a waiter who was overtaken too often.
   */
  | { readonly kind: "close"; readonly slot: PoolSlot<Link>; readonly reason: "evicted" | "yielded" };

/** Counts of one route. */
export interface PoolRouteStats {
  readonly key: string;
  /** Connections, those being dialed included. */
  readonly open: number;
  readonly idle: number;
  readonly dialing: number;
  /** Waiters without a dial of their own. */
  readonly queued: number;
}
