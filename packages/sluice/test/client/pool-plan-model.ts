/**
 * The rules of the pool once more, as plainly as possible: arrays that are searched from end to end for each question.
 * What the real plan answers is compared with this one's answers, line by line.
 */
import { OVERTAKE_LIMIT, type PoolLimits } from "../../src/client/pool-plan.js";

export interface ModelWaiter {
  readonly name: string;
  readonly route: string;
  overtaken: number;
}

export interface ModelSlot {
  readonly number: number;
  readonly route: string;
  state: "dialing" | "open";
  capacity: number;
  active: number;
  owner: ModelWaiter | undefined;
  /** When it became available, and when spare: later is greater. */
  availableSince: number;
  spareSince: number;
}

export class PoolModel {
  readonly limits: PoolLimits;
  /** Everybody who waits, in arrival order. */
  waiters: ModelWaiter[] = [];
  /** Slots that are not closed. */
  slots: ModelSlot[] = [];
  #lines: string[] = [];
  #dialed = 0;
  #moment = 0;

  constructor(limits: PoolLimits) {
    this.limits = limits;
  }

  acquire(name: string, route: string): string[] {
    const available = this.#available(route).sort((a, b) => b.availableSince - a.availableSince)[0];
    if (available !== undefined) {
      available.active += 1;
      return [`#${available.number}`];
    }
    const waiter = { name, route, overtaken: 0 };
    const unclaimed = this.slots.filter((slot) => slot.route === route && this.#isUnclaimed(slot));
    const oldest = unclaimed.sort((a, b) => a.spareSince - b.spareSince)[0];
    if (oldest !== undefined) {
      this.waiters.push(waiter);
      oldest.owner = waiter;
      return ["dialing"];
    }
    const room = this.slots.length < this.limits.limit || this.slots.some((slot) => this.#isSpare(slot));
    const dials = room && this.#open(route) < this.limits.limitPerHost;
    if (!dials && this.queued.length >= this.limits.maxQueue) return ["refused"];
    this.waiters.push(waiter);
    this.#settle();
    return [this.#dialOf(waiter) === undefined ? "waiting" : "dialing", ...this.#takeLines()];
  }

  opened(slot: ModelSlot, capacity: number): string[] {
    const { owner } = slot;
    slot.state = "open";
    slot.capacity = capacity;
    slot.owner = undefined;
    if (owner !== undefined) this.#grant(owner, slot);
    this.#serve(slot, -1);
    return this.#takeLines();
  }

  dialFailed(slot: ModelSlot): string[] {
    const { owner } = slot;
    if (owner !== undefined) this.#forget(owner);
    this.slots = this.slots.filter((other) => other !== slot);
    this.#settle();
    return [owner === undefined ? "nobody fails" : `${owner.name} fails`, ...this.#takeLines()];
  }

  released(slot: ModelSlot): string[] {
    const activeBefore = slot.active;
    slot.active -= 1;
    const next = this.waiters.find((waiter) => waiter.route === slot.route);
    const heldUp = this.#heldUp()[0];
    const passes = next !== undefined && heldUp !== undefined && this.#isBefore(heldUp, next);
    const frees = this.queued.every((waiter) => waiter.route !== slot.route);
    if (passes && !frees && slot.active < slot.capacity) {
      if (heldUp.overtaken >= OVERTAKE_LIMIT && slot.active === 0) {
        this.#lines.push(`close #${slot.number} (yielded)`);
        this.slots = this.slots.filter((other) => other !== slot);
        this.#settle();
        return this.#takeLines();
      }
      heldUp.overtaken += 1;
    }
    this.#serve(slot, activeBefore);
    return this.#takeLines();
  }

  capacityChanged(slot: ModelSlot, capacity: number): string[] {
    const wasAvailable = slot.active < slot.capacity;
    slot.capacity = capacity;
    if (!wasAvailable && slot.active < capacity) slot.availableSince = this.#now();
    while (slot.active < slot.capacity && this.waiters.some((waiter) => waiter.route === slot.route))
      this.#grantOldest(slot);
    this.#settle();
    return this.#takeLines();
  }

  closed(slot: ModelSlot): string[] {
    const dialed = this.waiters.filter((waiter) => waiter.route === slot.route && this.#dialOf(waiter) !== undefined);
    const youngest = dialed.at(-1);
    const { owner } = slot;
    this.slots = this.slots.filter((other) => other !== slot);
    if (owner !== undefined && youngest !== undefined && youngest !== owner) {
      const spared = this.#dialOf(youngest);
      if (spared !== undefined) spared.owner = owner;
    }
    this.#settle();
    return this.#takeLines();
  }

  cancelled(waiter: ModelWaiter): string[] {
    const dial = this.#dialOf(waiter);
    this.#forget(waiter);
    if (dial !== undefined) {
      dial.owner = this.queued.find((other) => other.route === dial.route);
      if (dial.owner === undefined) this.#giveUp(dial);
    }
    this.#settle();
    return this.#takeLines();
  }

  /** Waiters without a dial. */
  get queued(): ModelWaiter[] {
    return this.waiters.filter((waiter) => this.#dialOf(waiter) === undefined);
  }

  counts(): Map<string, { open: number; idle: number; dialing: number; queued: number }> {
    const keys = new Set([...this.slots, ...this.waiters].map(({ route }) => route));
    return new Map(
      Array.from(keys, (key) => {
        const slots = this.slots.filter((slot) => slot.route === key);
        const idle = slots.filter((slot) => slot.state === "open" && slot.active === 0).length;
        const dialing = slots.filter((slot) => slot.state === "dialing").length;
        const queued = this.queued.filter((waiter) => waiter.route === key).length;
        return [key, { open: slots.length, idle, dialing, queued }];
      }),
    );
  }

  /** Gives the free capacity of an open slot to the waiters of its route, and notes what became of the rest. */
  #serve(slot: ModelSlot, activeBefore: number): void {
    while (slot.active < slot.capacity && this.waiters.some((waiter) => waiter.route === slot.route))
      this.#grantOldest(slot);
    const wasAvailable = activeBefore !== -1 && activeBefore < slot.capacity;
    if (!wasAvailable && slot.active < slot.capacity) slot.availableSince = this.#now();
    if (slot.active === 0) slot.spareSince = this.#now();
    this.#settle();
  }

  #grantOldest(slot: ModelSlot): void {
    const oldest = this.waiters.find((waiter) => waiter.route === slot.route);
    if (oldest !== undefined) this.#grant(oldest, slot);
  }

  #grant(waiter: ModelWaiter, slot: ModelSlot): void {
    const dial = this.#dialOf(waiter);
    this.#forget(waiter);
    slot.active += 1;
    this.#lines.push(`${waiter.name} gets #${slot.number}`);
    if (dial === undefined) return;
    dial.owner = this.queued.find((other) => other.route === dial.route);
    if (dial.owner === undefined) dial.spareSince = this.#now();
  }

  #settle(): void {
    for (let waiter = this.#dialable()[0]; waiter !== undefined; waiter = this.#dialable()[0]) {
      if (this.slots.length < this.limits.limit) {
        this.#dialed += 1;
        const { route } = waiter;
        const slot = {
          number: this.#dialed,
          route,
          capacity: 1,
          active: 0,
          owner: waiter,
          availableSince: 0,
          spareSince: 0,
        };
        this.slots.push({ ...slot, state: "dialing" });
        this.#lines.push(`dial #${this.#dialed} to ${route}`);
        continue;
      }
      const spare = this.slots.filter((slot) => this.#isSpare(slot)).sort((a, b) => a.spareSince - b.spareSince)[0];
      if (spare === undefined) return;
      this.#giveUp(spare);
    }
  }

  #giveUp(slot: ModelSlot): void {
    this.#lines.push(slot.state === "dialing" ? `cancel #${slot.number}` : `close #${slot.number} (evicted)`);
    this.slots = this.slots.filter((other) => other !== slot);
  }

  #forget(waiter: ModelWaiter): void {
    for (const slot of this.slots) if (slot.owner === waiter) slot.owner = undefined;
    this.waiters = this.waiters.filter((other) => other !== waiter);
  }

  #dialOf(waiter: ModelWaiter): ModelSlot | undefined {
    return this.slots.find((slot) => slot.owner === waiter);
  }

  /** Waiters without a dial whose route may have one more slot. */
  #dialable(): ModelWaiter[] {
    return this.queued.filter((waiter) => this.#open(waiter.route) < this.limits.limitPerHost);
  }

  #heldUp(): ModelWaiter[] {
    return this.slots.length < this.limits.limit ? [] : this.#dialable();
  }

  #available(route: string): ModelSlot[] {
    return this.slots.filter((slot) => slot.route === route && slot.state === "open" && slot.active < slot.capacity);
  }

  #open(route: string): number {
    return this.slots.filter((slot) => slot.route === route).length;
  }

  #isUnclaimed(slot: ModelSlot): boolean {
    return slot.state === "dialing" && slot.owner === undefined;
  }

  #isSpare(slot: ModelSlot): boolean {
    return this.#isUnclaimed(slot) || (slot.state === "open" && slot.active === 0);
  }

  #isBefore(one: ModelWaiter, other: ModelWaiter): boolean {
    return this.waiters.indexOf(one) < this.waiters.indexOf(other);
  }

  #now(): number {
    this.#moment += 1;
    return this.#moment;
  }

  #takeLines(): string[] {
    return this.#lines.splice(0);
  }
}
