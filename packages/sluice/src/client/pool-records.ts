/**
 * What the pool's plan keeps records of: the routes that connections lead to, the connections, and those who wait for one.
 * Three records without behaviour that refer to each other, hence one file. Their fields are the plan's to write and
 * everybody's to read, except {@link PoolSlot.link}, which is the executor's.
 */

import { type PoolLinks, PoolList } from "./pool-list.js";

/** A route's place among the contended ones while it is not among them. */
export const NOT_CONTENDED = -1;

/**
 * Somebody who wants a connection. An exchange extends this class, so that waiting allocates nothing. It may wait again
 * (a replay, a redirect) once it has left the queue.
 */
export abstract class PoolWaiter implements PoolLinks<PoolWaiter> {
  previous: PoolWaiter | undefined = undefined;
  next: PoolWaiter | undefined = undefined;
  list: PoolList<PoolWaiter> | undefined = undefined;
  /** `waiting`: in the queue. `served`: a slot was the last thing it got. `none`: never asked, cancelled, or its dial failed. */
  state: "none" | "waiting" | "served" = "none";
  /** Place in the arrival order of all waiters of the plan: smaller is earlier. Set when it starts to wait. */
  sequence = 0;
  /** How often a connection went to a younger waiter of another route while only the total limit held this one up. */
  overtaken = 0;
  /** Where it waits to go; `undefined` while it does not wait. */
  route: PoolRoute | undefined = undefined;
  /** The dial under way for it. */
  dial: PoolSlot<unknown> | undefined = undefined;
}

/** A slot's membership in a list. A slot is in up to two lists at a time, so it has two of these. */
export interface PoolSlotNode<Link> extends PoolLinks<PoolSlotNode<Link>> {
  readonly slot: PoolSlot<Link>;
}

/** One connection, from the decision to open it until it is gone. */
export class PoolSlot<Link> {
  readonly route: PoolRoute;
  /** What the executor attached when the dial was done. */
  link: Link | undefined = undefined;
  /** `closed` as soon as the plan has decided to close it or to cancel its dial, and when it was detached. */
  state: "dialing" | "open" | "closed" = "dialing";
  /** Exchanges it can carry at once: 1 for HTTP/1.1. Taken to be 1 while dialing. */
  capacity = 1;
  /** Exchanges it carries now. */
  active = 0;
  /** The waiter this dial is for; `undefined` once that one was served otherwise and nobody else needs the dial. */
  owner: PoolWaiter | undefined = undefined;
  /** Its place in its route's available connections, or in its route's unclaimed dials. */
  readonly inRoute: PoolSlotNode<unknown> = { slot: this, previous: undefined, next: undefined, list: undefined };
  /** Its place among the slots that may be given up for another route's waiter. */
  readonly inSpare: PoolSlotNode<Link> = { slot: this, previous: undefined, next: undefined, list: undefined };

  constructor(route: PoolRoute) {
    this.route = route;
  }
}

/** Bookkeeping for one route: an origin, or whatever else makes connections interchangeable. */
export class PoolRoute {
  readonly key: string;
  /** Most slots of this route at a time; `Infinity` is off. */
  readonly limit: number;
  /** Slots, those being dialed included. */
  open = 0;
  /** Slots being dialed. */
  dialing = 0;
  /** Open slots that carry nothing. */
  idle = 0;
  /** Everybody who waits, in arrival order. Those with a dial under way always stand before those without. */
  readonly waiters = new PoolList<PoolWaiter>();
  /** The oldest waiter without a dial of its own. */
  undialed: PoolWaiter | undefined = undefined;
  /** Open slots with free capacity, the one to take next first. */
  readonly available = new PoolList<PoolSlotNode<unknown>>();
  /** Dials without an owner, the longest running first. */
  readonly unclaimed = new PoolList<PoolSlotNode<unknown>>();
  /** Index in the line of contended routes, or {@link NOT_CONTENDED}. */
  place = NOT_CONTENDED;
  /** Sequence number of `undialed` while contended. */
  rank = 0;
  /** The plan has forgotten this record, because it held nothing. */
  dropped = false;

  constructor(key: string, limit: number) {
    this.key = key;
    this.limit = limit;
  }

  /** Waiters, those with a dial under way included. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** Waiters without a dial of their own. */
  get queued(): number {
    return this.waiters.size - (this.dialing - this.unclaimed.size);
  }
}
