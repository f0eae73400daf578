/**
 * Who waits, and which dial is for whom. Within a route everybody stands in arrival order, those whose dial is under way before
 * those without one, so that one pointer per route (`undialed`) divides them; every change here keeps that order.
 * Over all routes, the ones that could use one more connection stand in a heap by their oldest waiter without a dial.
 */

import type { PoolRoute, PoolSlot, PoolWaiter } from "./pool-records.js";
import { RouteHeap } from "./route-heap.js";

/** The waiters of one plan. O(1) for each call, plus O(log routes in line) when a route joins or leaves the contended ones. */
export class PoolQueue {
  readonly #contended = new RouteHeap();
  #waiting = 0;
  /** Dials that have an owner. */
  #claimed = 0;
  #lastSequence = 0;

  /** Waiters of all routes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Waiters of all routes without a dial of their own. */
  get queued(): number {
    return this.#waiting - this.#claimed;
  }

  /** Of the routes below their own limit, the one whose `undialed` waiter is the oldest. */
  get contended(): PoolRoute | undefined {
    return this.#contended.first;
  }

  /** To be called when the number of a route's slots has changed. */
  update(route: PoolRoute): void {
    this.#contended.update(route);
  }

  /** Puts a newcomer at the end of the route's waiters. */
  add(waiter: PoolWaiter, route: PoolRoute): void {
    this.#lastSequence += 1;
    waiter.sequence = this.#lastSequence;
    waiter.overtaken = 0;
    waiter.state = "waiting";
    waiter.route = route;
    route.waiters.addLast(waiter);
    this.#waiting += 1;
    if (route.undialed === undefined) this.#setUndialed(route, waiter);
  }

  /** Takes `waiter` out. A dial of its own is left without an owner: {@link passOn} it. */
  remove(waiter: PoolWaiter, route: PoolRoute, state: "none" | "served"): void {
    const { next, dial } = waiter;
    route.waiters.remove(waiter);
    waiter.state = state;
    waiter.route = undefined;
    this.#waiting -= 1;
    if (dial !== undefined) this.#unclaim(waiter, dial);
    if (route.undialed === waiter) this.#setUndialed(route, next);
  }

  /** A dial without an owner goes to the oldest waiter of its route without a dial. False if there is none. */
  passOn(dial: PoolSlot<unknown>): boolean {
    const { route } = dial;
    const heir = route.undialed;
    if (heir === undefined) return false;
    this.#claim(heir, dial);
    this.#setUndialed(route, heir.next);
    return true;
  }

  /**
   * `owner` loses its dial but waits on. The youngest waiter with a dial gives up its own for it, so that those with a dial
   * still stand before those without.
   */
  loseDial(owner: PoolWaiter, dial: PoolSlot<unknown>): void {
    const { route } = dial;
    this.#unclaim(owner, dial);
    const youngest = route.undialed === undefined ? route.waiters.last : route.undialed.previous;
    const spared = youngest?.dial;
    if (youngest !== undefined && spared !== undefined) {
      this.#unclaim(youngest, spared);
      this.#claim(owner, spared);
    }
    this.#setUndialed(route, youngest);
  }

  #setUndialed(route: PoolRoute, waiter: PoolWaiter | undefined): void {
    route.undialed = waiter;
    this.#contended.update(route);
  }

  #claim(waiter: PoolWaiter, dial: PoolSlot<unknown>): void {
    waiter.dial = dial;
    dial.owner = waiter;
    this.#claimed += 1;
  }

  #unclaim(waiter: PoolWaiter, dial: PoolSlot<unknown>): void {
    waiter.dial = undefined;
    dial.owner = undefined;
    this.#claimed -= 1;
  }
}
