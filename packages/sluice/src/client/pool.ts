/**
 * Carries out what the plan decides: dials, hands connections to exchanges, closes what is to be closed. All decisions are in
 * `pool-plan.ts`; dialing is in `pool-dial.ts`, unread bodies are in `unread-bodies.ts`; here everything meets its effects.
 */
import type { Clock } from "../concurrency/clock.js";
import { CallbackDeadline } from "../concurrency/deadline.js";
import { SessionClosedError, SluiceError, UsageError } from "../errors.js";
import type { Http1Limits } from "../http1/limits.js";
import type { Transport } from "../net/transport.js";
import { type ConnectorStats, countByOrigin } from "./connector-stats.js";
import type { Exchange } from "./exchange.js";
import type { ExchangePool } from "./exchange-pool.js";
import { PoolDial, type PoolDialer, type PoolTarget } from "./pool-dial.js";
import { DIALING, type PoolEffect, PoolPlan, REFUSED, WAITING } from "./pool-plan.js";
import type { PoolRoute, PoolSlot } from "./pool-records.js";
import { type ConnectionOwner, PooledConnection } from "./pooled-connection.js";
import { UnreadBodies, type UnreadHost } from "./unread-bodies.js";

/** The connector's options, resolved: what bounds its pool. */
export interface PoolSettings {
  readonly limit: number;
  readonly limitPerHost: number;
  readonly maxQueue: number;
  /** Milliseconds that a connection may be idle. */
  readonly keepAliveTimeout: number;
  /** Bytes that unread bodies may hold in memory together. */
  readonly unreadMemory: number;
  readonly limits: Readonly<Required<Http1Limits>>;
}

type Slot = PoolSlot<PooledConnection>;

/** The connections of one connector. */
export class Pool implements ExchangePool, ConnectionOwner, UnreadHost<Exchange> {
  readonly clock: Clock;
  readonly unread: UnreadBodies<Exchange>;
  readonly #settings: PoolSettings;
  readonly #dialer: PoolDialer;
  readonly #targetOf: (exchange: Exchange) => PoolTarget;
  readonly #plan: PoolPlan<PooledConnection, Exchange>;
  readonly #connections = new Set<PooledConnection>();
  readonly #dials = new Map<Slot, PoolDial>();
  readonly #graceEnd = new CallbackDeadline(() => this.destroy());
  #route: PoolRoute | undefined;
  #draining = false;
  #closed = false;
  #whenEmpty: (() => void) | undefined;

  constructor(clock: Clock, settings: PoolSettings, dialer: PoolDialer, targetOf: (exchange: Exchange) => PoolTarget) {
    this.clock = clock;
    this.unread = new UnreadBodies(clock, settings.unreadMemory, this);
    this.#settings = settings;
    this.#dialer = dialer;
    this.#targetOf = targetOf;
    this.#plan = new PoolPlan(settings);
  }

  // ExchangePool.

  enter(exchange: Exchange): void {
    if (this.#closed) {
      exchange.refused(closedError());
      return;
    }
    const slot = this.#plan.acquire(this.#routeTo(routeKeyOf(exchange)), exchange);
    if (typeof slot !== "string") {
      this.#use(slot, exchange);
      return;
    }
    if (slot === REFUSED) {
      const { maxQueue } = this.#settings;
      const message = `No free connection, and ${maxQueue} requests wait already (maxQueue)`;
      exchange.refused(new SluiceError("pool/queue-full", message, { phase: "queue" }));
      return;
    }
    const { tracer } = exchange.request;
    tracer?.emit("queueStart", { origin: exchange.request.target.origin });
    if (slot === DIALING) exchange.connecting();
    else exchange.queued();
    if (slot === WAITING) this.unread.placesWanted();
    this.#drain();
  }

  leave(exchange: Exchange): void {
    this.#plan.cancelled(exchange);
    this.#drain();
  }

  distrust(exchange: Exchange): void {
    const key = routeKeyOf(exchange);
    for (const connection of this.#connections) {
      if (connection.slot.route.key === key && connection.link.usable) connection.close();
    }
  }

  // UnreadHost.

  waitingCount(): number {
    return this.#plan.queued;
  }

  isWanted(exchange: Exchange): boolean {
    return this.#plan.wants(this.#routeTo(routeKeyOf(exchange)));
  }

  // ConnectionOwner.

  connectionReusable(connection: PooledConnection): void {
    if (this.#closed) {
      connection.close();
      return;
    }
    this.#plan.released(connection.slot);
    if (this.#plan.hasEffects) this.#drain();
    this.#restIfIdle(connection);
  }

  connectionGone(connection: PooledConnection): void {
    this.clock.disarm(connection);
    this.#connections.delete(connection);
    this.#plan.closed(connection.slot);
    this.#drain();
    this.#tellIfEmpty();
  }

  connectionUpgraded(connection: PooledConnection): void {
    this.#connections.delete(connection);
    this.#plan.detached(connection.slot);
    this.#drain();
    this.#tellIfEmpty();
  }

  // For the connector.

  stats(): Record<string, ConnectorStats> {
    const connections = [...this.#connections];
    return countByOrigin(
      this.#plan.stats(),
      connections.map(({ slot, link }) => [slot.route.key, link.exchanges] as const),
    );
  }

  /** Refuses newcomers, closes what is idle, lets what runs end; resolves when every connection is gone. */
  drain(): Promise<void> {
    this.#closed = true;
    this.#closeIdle();
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      this.#tellIfEmpty();
    });
  }

  /** Breaks off everything at once. */
  destroy(): void {
    this.#closed = true;
    const reason = closedError();
    for (const dial of [...this.#dials.values()]) dial.cancel(reason);
    for (const connection of [...this.#connections]) connection.link.destroy(reason);
  }

  /** Breaks off what still runs in `grace` milliseconds, unless everything has ended by then. */
  destroyIn(grace: number): void {
    this.clock.arm(this.#graceEnd, grace);
  }

  // Effects.

  #routeTo(key: string): PoolRoute {
    // Most programs speak to one origin for a while: one comparison saves the look-up.
    let route = this.#route;
    if (route === undefined || route.key !== key || route.dropped) {
      route = this.#plan.route(key);
      this.#route = route;
    }
    return route;
  }

  #use(slot: Slot, exchange: Exchange): void {
    const connection = slot.link;
    if (connection === undefined) throw new UsageError("pool/no-link", "The plan granted a slot without a connection");
    connection.work(this.clock);
    exchange.granted(connection.link);
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#plan.hasEffects) for (const effect of this.#plan.takeEffects()) this.#carryOut(effect);
    } finally {
      this.#draining = false;
    }
  }

  #carryOut(effect: PoolEffect<PooledConnection, Exchange>): void {
    switch (effect.kind) {
      case "dial":
        this.#dial(effect.slot);
        break;
      case "cancel-dial":
        this.#cancelDial(effect.slot);
        break;
      case "grant":
        this.#grant(effect.slot, effect.waiter);
        break;
      case "close":
        effect.slot.link?.close();
        break;
    }
  }

  #grant(slot: Slot, exchange: Exchange): void {
    if (exchange.waiting) {
      const { tracer, target } = exchange.request;
      tracer?.emit("queueEnd", { origin: target.origin, elapsed: this.clock.now() - exchange.times.started });
      this.#use(slot, exchange);
    }
    // It ended between the decision and now.
    else if (slot.link !== undefined) this.connectionReusable(slot.link);
  }

  #dial(slot: Slot): void {
    if (slot.state !== "dialing") return;
    const owner = slot.owner as Exchange | undefined;
    if (owner === undefined || this.#closed) {
      // Everybody it was for has been served; or nobody is to be any more.
      this.#failDial(slot, closedError());
      return;
    }
    owner.connecting();
    const dial = new PoolDial({
      clock: this.clock,
      dialer: this.#dialer,
      target: this.#targetOf(owner),
      limitMs: owner.request.settings.timeouts.connect,
      owner: () => slot.owner as Exchange | undefined,
      freeDescriptors: () => this.#closeIdle(),
      done: (error, transport) => {
        this.#dials.delete(slot);
        if (transport !== undefined) this.#opened(slot, transport);
        else this.#failDial(slot, error ?? closedError());
      },
    });
    this.#dials.set(slot, dial);
    dial.begin();
  }

  #cancelDial(slot: Slot): void {
    const dial = this.#dials.get(slot);
    this.#dials.delete(slot);
    dial?.cancel(new SluiceError("connect/cancelled", "Nobody waits for it any more"));
  }

  #opened(slot: Slot, transport: Transport): void {
    if (slot.state !== "dialing" || this.#closed) {
      transport.destroy();
      this.#failDial(slot, closedError());
      return;
    }
    const connection = new PooledConnection(slot, transport, this.#settings.limits, this);
    this.#connections.add(connection);
    this.#plan.opened(slot, connection, 1);
    this.#drain();
    this.#restIfIdle(connection);
  }

  #failDial(slot: Slot, error: Error): void {
    this.#plan.dialFailed(slot)?.refused(error);
    this.#drain();
    this.#tellIfEmpty();
  }

  #restIfIdle(connection: PooledConnection): void {
    const { slot } = connection;
    if (slot.state === "open" && slot.active === 0) connection.rest(this.clock, this.#settings.keepAliveTimeout);
  }

  #closeIdle(): void {
    for (const connection of [...this.#connections]) if (connection.link.usable) connection.close();
  }

  #tellIfEmpty(): void {
    if (this.#whenEmpty === undefined || this.#connections.size > 0 || this.#dials.size > 0) return;
    this.clock.disarm(this.#graceEnd);
    this.#whenEmpty();
    this.#whenEmpty = undefined;
  }
}

/** What makes connections interchangeable for it: its origin, and how it gets there. */
function routeKeyOf({ request }: Exchange): string {
  const { route, target } = request;
  return route === undefined ? target.origin : route.key;
}

function closedError(): SessionClosedError {
  return new SessionClosedError("session/closed", "The session's connector is closed");
}
