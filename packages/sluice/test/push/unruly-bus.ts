/**
 * A bus that does everything a bus may do wrong: calls complete late and out of order, or fail; deliveries are late, doubled, swapped and lost;
 * subscriptions break. What is stored is right. All by a seed, in turns of the event loop.
 */

import { setImmediate as immediate } from "node:timers/promises";
import type { Random } from "../../src/platform/random.js";
import type {
  Bus,
  BusListener,
  BusSubscription,
  HistoryPage,
  HistoryQuery,
  NewMessage,
  PresenceEntry,
  PresenceSnapshot,
  Published,
  Retention,
} from "../../src/push/bus/bus.js";

/** How unruly it is: chances from 0 to 1. */
export interface Unruliness {
  /** Most turns that a call or a delivery takes. */
  turns: number;
  fail: number;
  lose: number;
  double: number;
}

export class UnrulyBus implements Bus {
  readonly inner: Bus;
  readonly random: Random;
  unruliness: Unruliness;
  /** Nothing gets through, in either direction. */
  down = false;
  readonly #listeners = new Map<BusListener, () => Promise<void>>();

  constructor(inner: Bus, random: Random, unruliness: Unruliness) {
    this.inner = inner;
    this.random = random;
    this.unruliness = unruliness;
  }

  /** Breaks every subscription. */
  breakOff(): void {
    for (const [listener, close] of this.#listeners) {
      void close();
      listener.onLost(new Error("bus: broken off"));
    }
    this.#listeners.clear();
  }

  publish(room: string, message: NewMessage, retention: Retention): Promise<Published> {
    return this.#call(() => this.inner.publish(room, message, retention));
  }

  async subscribe(room: string, listener: BusListener): Promise<BusSubscription> {
    let open = true;
    const relay: BusListener = {
      onMessage: (message) => this.#deliver(() => open && listener.onMessage(message)),
      onPresence: (change) => this.#deliver(() => open && listener.onPresence(change)),
      onLost: (error) => listener.onLost(error),
    };
    const subscription = await this.#call(() => this.inner.subscribe(room, relay));
    const close = async (): Promise<void> => {
      open = false;
      this.#listeners.delete(listener);
      await subscription.close();
    };
    this.#listeners.set(listener, close);
    return { epoch: subscription.epoch, offset: subscription.offset, close };
  }

  history(room: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.#call(() => this.inner.history(room, query));
  }

  touch(room: string, entries: readonly PresenceEntry[], leaseMs: number): Promise<void> {
    return this.#call(() => this.inner.touch(room, entries, leaseMs));
  }

  release(room: string, connections: readonly string[], lingerMs: number): Promise<void> {
    return this.#call(() => this.inner.release(room, connections, lingerMs));
  }

  presence(room: string, mostMembers: number): Promise<PresenceSnapshot> {
    return this.#call(() => this.inner.presence(room, mostMembers));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    await this.#turns();
    if (this.down || this.random() < this.unruliness.fail) throw new Error("bus: out of reach");
    const result = await call();
    await this.#turns();
    return result;
  }

  #deliver(deliver: () => void): void {
    const { lose, double } = this.unruliness;
    if (this.down || this.random() < lose) return;
    const copies = this.random() < double ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) void this.#turns().then(deliver);
  }

  async #turns(): Promise<void> {
    const turns = Math.floor(this.random() * (this.unruliness.turns + 1));
    for (let turn = 0; turn < turns; turn += 1) await immediate();
  }
}
