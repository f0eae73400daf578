/**
 * The line in front of the total limit: the routes that could use one more connection (somebody there has no dial yet, and
 * the route is below its own limit), in the arrival order of the oldest such waiter of each.
 *
 * Routes leave the line when they reach their own limit and come back with an old waiter, so a plain list would have to be
 * searched; a binary heap of routes costs O(log routes in line) when a route leaves the front, and O(1) for a route that
 * joins because of a new waiter, who is younger than all others and therefore stays at the end. Waiters are never visited.
 */

import { NOT_CONTENDED, type PoolRoute } from "./pool-records.js";

/** Contended routes. The queue calls {@link update} after each change of a route's `undialed` or `open`. */
export class RouteHeap {
  readonly #heap: PoolRoute[] = [];

  /** The route whose `undialed` waiter has waited longest. */
  get first(): PoolRoute | undefined {
    return this.#heap[0];
  }

  /** Puts `route` where it belongs now, in the line or out of it. */
  update(route: PoolRoute): void {
    const waiter = route.undialed;
    if (waiter === undefined || route.open >= route.limit) {
      if (route.place !== NOT_CONTENDED) this.#remove(route);
      return;
    }
    route.rank = waiter.sequence;
    if (route.place === NOT_CONTENDED) {
      route.place = this.#heap.length;
      this.#heap.push(route);
    }
    this.#settle(route);
  }

  #remove(route: PoolRoute): void {
    const last = this.#heap.pop();
    if (last !== undefined && last !== route) {
      this.#put(last, route.place);
      this.#settle(last);
    }
    route.place = NOT_CONTENDED;
  }

  /** Moves `route` up while it is older than its parent, or else down while one of its children is older. */
  #settle(route: PoolRoute): void {
    for (let parent = this.#parent(route); parent !== undefined && parent.rank > route.rank; ) {
      this.#swap(route, parent);
      parent = this.#parent(route);
    }
    for (let child = this.#olderChild(route); child !== undefined && child.rank < route.rank; ) {
      this.#swap(route, child);
      child = this.#olderChild(route);
    }
  }

  #parent(route: PoolRoute): PoolRoute | undefined {
    return this.#heap[(route.place - 1) >> 1];
  }

  #olderChild(route: PoolRoute): PoolRoute | undefined {
    const left = this.#heap[2 * route.place + 1];
    const right = this.#heap[2 * route.place + 2];
    return left !== undefined && right !== undefined && right.rank < left.rank ? right : left;
  }

  #swap(route: PoolRoute, other: PoolRoute): void {
    const { place } = route;
    this.#put(route, other.place);
    this.#put(other, place);
  }

  #put(route: PoolRoute, place: number): void {
    route.place = place;
    this.#heap[place] = route;
  }
}
