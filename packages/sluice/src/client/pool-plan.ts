/**
 * Which exchange gets which connection: every decision of the pool and none of its effects. Synchronous, without sockets,
 * timers or promises. The executor reports what happened and carries out what {@link PoolPlan.takeEffects} tells it.
 *
 * Strategy
 * - A *slot* is a connection from the decision to dial it until it is gone; it counts towards its route's limit and the total
 *   limit all that time. Its capacity is known once it is open (1 for HTTP/1.1).
 * - A waiter gets, in this order: an available connection of its route (the most recently used, so that surplus ones age
 *   out); a dial under way that nobody needs any more; a dial of its own; a place in the queue.
 * - At the total limit, room for a dial is made by giving up a *spare* slot: the one that has been idle, or a dial without
 *   an owner, for longest. So nobody waits while there is capacity for them anywhere.
 * - Within a route, connections that come free go out in arrival order. A fresh connection goes to the waiter it was dialed
 *   for, if that one still waits (its time-out and trace events are those of this dial). A waiter whose dial is under way
 *   still takes a connection that comes free earlier; its dial passes to the next waiter without one. Hence those with a dial
 *   always stand before those without, and one pointer per route (`undialed`) divides them.
 * - Between routes, freed capacity goes to the oldest waiter whose route is below its own limit (see pool-queue.ts). A kept-alive
 *   connection serves its own route first, which spares a handshake, but not for ever: a waiter who was overtaken in
 *   this way {@link OVERTAKE_LIMIT} times has the next such connection closed for its benefit.
 *
 * Cost: O(1) for each call, plus O(log routes in line) when capacity passes between routes. Nothing is ever searched.
 */

import { UsageError } from "../errors.js";
import { DIALING, type PoolEffect, type PoolLimits, type PoolRouteStats, REFUSED, WAITING } from "./pool-effects.js";
import { PoolQueue } from "./pool-queue.js";
import type { PoolRoute, PoolSlot, PoolWaiter } from "./pool-records.js";
import { PoolStock } from "./pool-stock.js";

// The executor needs no other file to speak to the plan.
export { DIALING, type PoolEffect, type PoolLimits, type PoolRouteStats, REFUSED, WAITING } from "./pool-effects.js";
export { PoolRoute, PoolSlot, PoolWaiter } from "./pool-records.js";

/** A waiter held up by the total limit lets this many kept-alive connections go to younger waiters of other routes. */
export const OVERTAKE_LIMIT = 16;

/** `Link` is what the executor attaches to a slot. After each call that changes something it drains the effects. */
export class PoolPlan<Link, Waiter extends PoolWaiter = PoolWaiter> {
  readonly #limits: PoolLimits;
  readonly #queue = new PoolQueue();
  readonly #stock: PoolStock<Link>;
  #effects: PoolEffect<Link, Waiter>[] = [];

  constructor(limits: PoolLimits) {
    this.#limits = limits;
    this.#stock = new PoolStock(limits.limitPerHost);
  }

  /** Slots of all routes, those being dialed included. */
  get total(): number {
    return this.#stock.total;
  }

  /** Those with a dial under way included. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Those without a dial of their own: what `maxQueue` bounds. */
  get queued(): number {
    return this.#queue.queued;
  }

  get hasEffects(): boolean {
    return this.#effects.length > 0;
  }

  /**
   * What is to be done since the last call, in order. Calls made while effects are carried out may add more: take those when
   * the batch is done, never in the midst of it. When a dial's turn comes, the slot may be closed by then (skip it), and
   * its owner may be another or nobody (dial all the same); a granted waiter may have ended (release or close its slot).
   */
  takeEffects(): PoolEffect<Link, Waiter>[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /**
   * The record of the route `key`, made if need be. It lasts while it holds a slot or a waiter; a record that was kept for
   * longer is still good for {@link acquire}.
   */
  route(key: string): PoolRoute {
    return this.#stock.route(key);
  }

  /**
   * Asks for a connection. A slot that is returned is the waiter's from now on, until {@link released}, {@link closed} or
   * {@link detached}. With `DIALING` and `WAITING` it comes as a `grant`, unless the waiter is {@link cancelled} or its
   * dial fails. `REFUSED` if `maxQueue` others wait already.
   *
   * @throws UsageError `pool/already-waiting`
   */
  acquire(route: PoolRoute, waiter: Waiter): PoolSlot<Link> | typeof DIALING | typeof WAITING | typeof REFUSED {
    if (waiter.state === "waiting") {
      throw new UsageError(
        "pool/already-waiting",
        "Cannot acquire a connection for a waiter that is in the queue already",
      );
    }
    const available = route.available.first;
    if (available !== undefined) {
      const slot = this.#own(available.slot);
      slot.active += 1;
      waiter.state = "served";
      this.#stock.file(slot);
      return slot;
    }
    if (route.dropped) return this.acquire(this.route(route.key), waiter);
    if (this.queued >= this.#limits.maxQueue && !this.#canDial(route)) {
      this.#stock.dropIfEmpty(route);
      return REFUSED;
    }
    this.#queue.add(waiter, route);
    const unclaimed = route.unclaimed.first;
    if (unclaimed === undefined) this.#settle();
    else this.#claim(this.#own(unclaimed.slot));
    return waiter.dial === undefined ? WAITING : DIALING;
  }

  /**
   * A dial is done. The connection goes to the slot's owner, further capacity to the oldest waiters of its route; what is left is
   * available. `capacity` below 1 counts as 1: the peer's word on more comes by {@link capacityChanged}.
   *
   * @returns false if the plan had given the dial up: the connection is not wanted, and the executor closes it
   */
  opened(slot: PoolSlot<Link>, link: Link, capacity: number): boolean {
    if (slot.state !== "dialing") return false;
    const { owner } = slot;
    this.#stock.open(slot, link, Math.max(1, capacity));
    if (owner !== undefined) this.#grant(owner, slot);
    this.#grantCapacity(slot);
    return true;
  }

  /**
   * A dial failed. Its place goes to the oldest waiter who can use it.
   *
   * @returns the owner, taken out of the queue: the error is its own. `undefined` if nobody waited for this dial any more
   */
  dialFailed(slot: PoolSlot<Link>): Waiter | undefined {
    if (slot.state !== "dialing") return undefined;
    const { owner } = slot;
    if (owner !== undefined) this.#queue.remove(owner, slot.route, "none");
    this.#remove(slot);
    this.#settle();
    return owner as Waiter | undefined;
  }

  /**
   * The peer allows another number of exchanges at once (HTTP/2). 0 takes no more of them and leaves those under way alone,
   * as before an orderly close. Ignored for a slot that is not open.
   */
  capacityChanged(slot: PoolSlot<Link>, capacity: number): void {
    if (slot.state !== "open") return;
    slot.capacity = capacity;
    this.#grantCapacity(slot);
  }

  /**
   * An exchange has ended and left its connection fit for another. Ignored for a slot that is closed or detached by now.
   *
   * @throws UsageError `pool/not-in-use` if no exchange was on it
   */
  released(slot: PoolSlot<Link>): void {
    if (slot.state === "closed") return;
    if (slot.active === 0) {
      throw new UsageError("pool/not-in-use", "Cannot release a connection that carries no exchange");
    }
    slot.active -= 1;
    if (this.#mustYield(slot)) {
      this.#effects.push({ kind: "close", slot, reason: "yielded" });
      this.#remove(slot);
      this.#settle();
      return;
    }
    this.#grantCapacity(slot);
  }

  /**
   * The connection is gone, whatever it was doing, and its place goes to the oldest waiter who can use it. If it was being
   * dialed, its owner waits on. Ignored for a slot that is closed already.
   */
  closed(slot: PoolSlot<Link>): void {
    if (slot.state === "closed") return;
    if (slot.owner !== undefined) this.#queue.loseDial(slot.owner, slot);
    this.#remove(slot);
    this.#settle();
  }

  /** The connection has left the pool's care and its counts, but lives on (CONNECT, an upgrade: RFC 9110 §7.8, §9.3.6). */
  detached(slot: PoolSlot<Link>): void {
    this.closed(slot);
  }

  /** `waiter` stops waiting: nothing is granted to it any more. Ignored if it does not wait. */
  cancelled(waiter: Waiter): void {
    const { dial, route } = waiter;
    if (route === undefined) return;
    this.#queue.remove(waiter, route, "none");
    if (dial === undefined) {
      this.#stock.dropIfEmpty(route);
    } else if (!this.#queue.passOn(dial)) {
      this.#giveUp(this.#own(dial));
      this.#settle();
    }
  }

  /** Whether anybody could go on if a connection of `route` were gone: a waiter of its own, or one held up by the total limit. */
  wants(route: PoolRoute): boolean {
    return route.undialed !== undefined || this.#queue.contended !== undefined;
  }

  /** Counts of every route that holds a connection or a waiter. O(routes). */
  stats(): PoolRouteStats[] {
    return this.#stock.stats();
  }

  /** A route's slots and dials are this plan's own, made in {@link #dial}. */
  #own(slot: PoolSlot<unknown>): PoolSlot<Link> {
    return slot as PoolSlot<Link>;
  }

  /** Whether a newcomer of `route` would not have to queue. */
  #canDial(route: PoolRoute): boolean {
    if (route.unclaimed.size > 0) return true;
    return route.open < route.limit && (this.total < this.#limits.limit || this.#stock.spare !== undefined);
  }

  /** A dial that was set aside has a use again. */
  #claim(dial: PoolSlot<Link>): void {
    this.#stock.reclaim(dial);
    this.#queue.passOn(dial);
  }

  /** Dials for the oldest waiters as long as there are places, or spare slots to give up for one. */
  #settle(): void {
    for (let route = this.#queue.contended; route !== undefined; route = this.#queue.contended) {
      if (this.total < this.#limits.limit) {
        this.#dial(route);
      } else {
        const { spare } = this.#stock;
        if (spare === undefined) return;
        this.#giveUp(spare);
      }
    }
  }

  #dial(route: PoolRoute): void {
    const slot = this.#stock.add(route);
    this.#queue.passOn(slot);
    this.#effects.push({ kind: "dial", slot });
  }

  #giveUp(slot: PoolSlot<Link>): void {
    if (slot.state === "open") this.#effects.push({ kind: "close", slot, reason: "evicted" });
    else this.#effects.push({ kind: "cancel-dial", slot });
    this.#remove(slot);
  }

  #remove(slot: PoolSlot<Link>): void {
    this.#stock.remove(slot);
    this.#queue.update(slot.route);
    this.#stock.dropIfEmpty(slot.route);
  }

  #grant(waiter: PoolWaiter, slot: PoolSlot<Link>): void {
    const { dial } = waiter;
    this.#queue.remove(waiter, slot.route, "served");
    slot.active += 1;
    this.#effects.push({ kind: "grant", waiter: waiter as Waiter, slot });
    if (dial === undefined || dial === slot || this.#queue.passOn(dial)) return;
    this.#stock.setAside(this.#own(dial));
  }

  /** Serves the route's waiters with the slot's free capacity, and files what is left of it. */
  #grantCapacity(slot: PoolSlot<Link>): void {
    const { waiters } = slot.route;
    for (let waiter = waiters.first; waiter !== undefined && slot.active < slot.capacity; waiter = waiters.first) {
      this.#grant(waiter, slot);
    }
    this.#stock.file(slot);
    this.#settle();
  }

  /**
   * Whether a slot just released must be closed for the benefit of an older waiter of another route; if not, and it is about
   * to overtake one, that is counted. No overtaking where the route has a dial for each of its waiters: then the
   * grant leaves a dial without an owner, whose place the older waiter gets at once.
   */
  #mustYield(slot: PoolSlot<Link>): boolean {
    const oldest = slot.route.waiters.first;
    const rival = this.#queue.contended?.undialed;
    if (oldest === undefined || rival === undefined || rival.sequence >= oldest.sequence) return false;
    if (slot.route.undialed === undefined || slot.active >= slot.capacity) return false;
    // A connection that carries other exchanges is not closed under them; the rival's turn comes when it is idle.
    if (slot.active === 0 && rival.overtaken >= OVERTAKE_LIMIT) return true;
    rival.overtaken += 1;
    return false;
  }
}
