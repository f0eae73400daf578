/** Drives a {@link PoolPlan} in tests: names for slots and waiters, and its decisions as lines of text. */
import {
  type PoolEffect,
  type PoolLimits,
  PoolPlan,
  type PoolRoute,
  PoolSlot,
  PoolWaiter,
} from "../../src/client/pool-plan.js";

export class NamedWaiter extends PoolWaiter {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

export type NamedSlot = PoolSlot<string>;

/** Slots are called `#1`, `#2`, … in the order in which they are dialed; waiters have the names they acquire with. */
export class PlanDriver {
  readonly plan: PoolPlan<string, NamedWaiter>;
  readonly #slots: NamedSlot[] = [];
  readonly #waiters = new Map<string, NamedWaiter>();

  constructor(limits: Partial<PoolLimits> = {}) {
    this.plan = new PoolPlan({
      limit: Number.POSITIVE_INFINITY,
      limitPerHost: Number.POSITIVE_INFINITY,
      maxQueue: Number.POSITIVE_INFINITY,
      ...limits,
    });
  }

  /** Returns the answer, then the effects. */
  acquire(name: string, routeKey: string): string[] {
    const waiter = new NamedWaiter(name);
    this.#waiters.set(name, waiter);
    return this.acquireAgain(waiter, this.plan.route(routeKey));
  }

  acquireAgain(waiter: NamedWaiter, route: PoolRoute): string[] {
    const answer = this.plan.acquire(route, waiter);
    const effects = this.effects();
    return [answer instanceof PoolSlot ? this.#nameOf(answer) : answer, ...effects];
  }

  opened(number: number, capacity = 1): string[] {
    const slot = this.slot(number);
    const wanted = this.plan.opened(slot, `link ${number}`, capacity);
    return wanted ? this.effects() : ["unwanted", ...this.effects()];
  }

  dialFailed(number: number): string[] {
    const failed = this.plan.dialFailed(this.slot(number));
    return [failed === undefined ? "nobody fails" : `${failed.name} fails`, ...this.effects()];
  }

  released(number: number): string[] {
    this.plan.released(this.slot(number));
    return this.effects();
  }

  closed(number: number): string[] {
    this.plan.closed(this.slot(number));
    return this.effects();
  }

  detached(number: number): string[] {
    this.plan.detached(this.slot(number));
    return this.effects();
  }

  capacityChanged(number: number, capacity: number): string[] {
    this.plan.capacityChanged(this.slot(number), capacity);
    return this.effects();
  }

  cancelled(name: string): string[] {
    this.plan.cancelled(this.waiter(name));
    return this.effects();
  }

  /** A connection of `routeKey` in use by a waiter called `name`: acquired, dialed and opened. */
  busy(name: string, routeKey: string): void {
    this.acquire(name, routeKey);
    this.opened(this.#slots.length);
  }

  slot(number: number): NamedSlot {
    const slot = this.#slots[number - 1];
    if (slot === undefined) throw new RangeError(`No slot #${number} was dialed`);
    return slot;
  }

  waiter(name: string): NamedWaiter {
    const waiter = this.#waiters.get(name);
    if (waiter === undefined) throw new RangeError(`Nobody called ${name} asked for a connection`);
    return waiter;
  }

  /** How many names were used by now. */
  get asked(): number {
    return this.#waiters.size;
  }

  get slots(): readonly NamedSlot[] {
    return this.#slots;
  }

  effects(): string[] {
    return this.plan.takeEffects().map((effect) => this.#describe(effect));
  }

  #describe(effect: PoolEffect<string, NamedWaiter>): string {
    switch (effect.kind) {
      case "dial":
        this.#slots.push(effect.slot);
        return `dial ${this.#nameOf(effect.slot)} to ${effect.slot.route.key}`;
      case "cancel-dial":
        return `cancel ${this.#nameOf(effect.slot)}`;
      case "grant":
        return `${effect.waiter.name} gets ${this.#nameOf(effect.slot)}`;
      case "close":
        return `close ${this.#nameOf(effect.slot)} (${effect.reason})`;
    }
  }

  #nameOf(slot: NamedSlot): string {
    return `#${this.#slots.indexOf(slot) + 1}`;
  }
}
