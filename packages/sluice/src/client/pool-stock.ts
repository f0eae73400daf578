/**
 * Which routes and connections there are, and which of them are free. Each slot is filed by its state: open with free capacity, in its
 * route's `available`; dialed for nobody, in its route's `unclaimed`; idle or dialed for nobody, also among the *spare*
 * slots of all routes, which may be given up when another route needs the place.
 */

import type { PoolRouteStats } from "./pool-effects.js";
import { PoolList } from "./pool-list.js";
import { PoolRoute, PoolSlot, type PoolSlotNode } from "./pool-records.js";

/** The routes and slots of one plan. O(1) for each call but {@link stats}. */
export class PoolStock<Link> {
  readonly #limitPerRoute: number;
  readonly #routes = new Map<string, PoolRoute>();
  readonly #spare = new PoolList<PoolSlotNode<Link>>();
  #total = 0;

  constructor(limitPerRoute: number) {
    this.#limitPerRoute = limitPerRoute;
  }

  /** Slots of all routes, those being dialed included. */
  get total(): number {
    return this.#total;
  }

  /** The slot that has been spare for longest. */
  get spare(): PoolSlot<Link> | undefined {
    return this.#spare.first?.slot;
  }

  /** The record of the route `key`, made if need be. */
  route(key: string): PoolRoute {
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const route = new PoolRoute(key, this.#limitPerRoute);
    this.#routes.set(key, route);
    return route;
  }

  /** Forgets a route that has neither slots nor waiters, so that a crawler's thousand hosts leave nothing behind. */
  dropIfEmpty(route: PoolRoute): void {
    if (route.open > 0 || route.waiters.size > 0) return;
    route.dropped = true;
    this.#routes.delete(route.key);
  }

  /** O(routes). */
  stats(): PoolRouteStats[] {
    return Array.from(this.#routes.values(), ({ key, open, idle, dialing, queued }) => {
      return { key, open, idle, dialing, queued };
    });
  }

  /** A new slot, to be dialed. */
  add(route: PoolRoute): PoolSlot<Link> {
    this.#total += 1;
    route.open += 1;
    route.dialing += 1;
    return new PoolSlot<Link>(route);
  }

  /** The dial is done. The caller fills the slot with waiters and then files it. */
  open(slot: PoolSlot<Link>, link: Link, capacity: number): void {
    this.reclaim(slot);
    slot.route.dialing -= 1;
    slot.state = "open";
    slot.link = link;
    slot.capacity = capacity;
  }

  /** Puts an open slot where its free capacity belongs. One that stays available keeps its place there. */
  file(slot: PoolSlot<Link>): void {
    const { route, inRoute, inSpare } = slot;
    if (slot.active >= slot.capacity) route.available.remove(inRoute);
    else if (inRoute.list === undefined) route.available.addFirst(inRoute);
    if (slot.active > 0) {
      if (this.#spare.remove(inSpare)) route.idle -= 1;
    } else if (inSpare.list === undefined) {
      this.#spare.addLast(inSpare);
      route.idle += 1;
    }
  }

  /** Nobody needs this dial for now. It goes on, for the next newcomer or to become idle, unless its place is needed. */
  setAside(dial: PoolSlot<Link>): void {
    dial.route.unclaimed.addLast(dial.inRoute);
    this.#spare.addLast(dial.inSpare);
  }

  /** Undoes {@link setAside}, if that was done. */
  reclaim(dial: PoolSlot<Link>): void {
    dial.route.unclaimed.remove(dial.inRoute);
    this.#spare.remove(dial.inSpare);
  }

  /** The slot, in whatever state, is counted no more. */
  remove(slot: PoolSlot<Link>): void {
    const { route } = slot;
    if (slot.state === "dialing") {
      this.reclaim(slot);
      route.dialing -= 1;
    } else {
      route.available.remove(slot.inRoute);
      if (this.#spare.remove(slot.inSpare)) route.idle -= 1;
    }
    slot.state = "closed";
    slot.active = 0;
    route.open -= 1;
    this.#total -= 1;
  }
}
