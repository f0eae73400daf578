/**
 * Carries out what the plan decides: dials, hands connections to exchanges, closes what is to be closed. All decisions are in
 * `pool-plan.ts`; here are sockets and time.
 *
 * An unread body never silently costs a connection: exchanges whose connection stands still because nobody reads are known
 * here, and while others wait for a place, the one that has stood for longest is given up after {@link UNREAD_GRACE_MS}.
 */
import type { Clock } from "../concurrency/clock.js";
import { CallbackDeadline, callLater } from "../concurrency/deadline.js";
import { RequestTimeoutError, SessionClosedError, SluiceError, UsageError } from "../errors.js";
import type { Http1Limits } from "../http1/limits.js";
import type { DialEvents, DialTarget } from "../net/dial.js";
import type { Transport } from "../net/transport.js";
import type { Exchange, ExchangePool } from "./exchange.js";
import { DIALING, type PoolEffect, PoolPlan, type PoolRouteStats, REFUSED, WAITING } from "./pool-plan.js";
import type { PoolRoute, PoolSlot } from "./pool-records.js";
import { type ConnectionOwner, PooledConnection } from "./pooled-connection.js";

/**
 * How long a reader may take to begin with a body larger than what is taken in unread, while others wait for its connection.
 * Long enough for a reader that opens a file first, short enough that a thousand forgotten bodies do not hold a program up.
 */
const UNREAD_GRACE_MS = 250;
/** Pause before dialing again when the process or the system has no file descriptor left. */
const DESCRIPTOR_PAUSE_MS = 100;

/** Opens connections: the dialer, or whatever stands in for it. */
export interface PoolDialer {
  dial(target: DialTarget, events: DialEvents, done: PoolDialDone): { cancel(reason: Error): void };
}

export type PoolDialDone = (error: Error | undefined, transport: Transport | undefined) => void;

export interface PoolSettings {
  readonly limit: number;
  readonly limitPerHost: number;
  readonly maxQueue: number;
  readonly keepAliveTimeout: number;
  readonly unreadMemory: number;
  readonly limits: Readonly<Required<Http1Limits>>;
}

/** Counts of one origin. */
export interface ConnectorStats extends PoolRouteStats {
  /** Exchanges that the connections open now have carried beyond their first. */
  readonly reused: number;
}

type Slot = PoolSlot<PooledConnection>;

export class Pool implements ExchangePool, ConnectionOwner {
  readonly clock: Clock;
  readonly #settings: PoolSettings;
  readonly #dialer: PoolDialer;
  readonly #targetOf: (exchange: Exchange) => DialTarget;
  readonly #plan: PoolPlan<PooledConnection, Exchange>;
  readonly #connections = new Set<PooledConnection>();
  readonly #dials = new Map<Slot, { cancel(reason: Error): void }>();
  /** Exchanges whose connection stands still unread, and since when; the longest-standing first. */
  readonly #standing = new Map<Exchange, number>();
  readonly #reclaim = new CallbackDeadline(() => this.#reclaimUnread());
  readonly #graceEnd = new CallbackDeadline(() => this.destroy());
  #route: PoolRoute | undefined;
  #unreadBytes = 0;
  #draining = false;
  #closed = false;
  #whenEmpty: (() => void) | undefined;

  constructor(clock: Clock, settings: PoolSettings, dialer: PoolDialer, targetOf: (exchange: Exchange) => DialTarget) {
    this.clock = clock;
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
    const slot = this.#plan.acquire(this.#routeTo(exchange.request.target.origin), exchange);
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
    tracer?.emit("queueStart", {});
    exchange.enterPhase(slot === DIALING ? "connect" : "queue");
    if (slot === WAITING) this.#scheduleReclaim();
    this.#drain();
  }

  leave(exchange: Exchange): void {
    this.#plan.cancelled(exchange);
    this.#drain();
  }

  distrust(exchange: Exchange): void {
    const { origin } = exchange.request.target;
    for (const connection of this.#connections) {
      if (connection.slot.route.key === origin && connection.link.usable) connection.close();
    }
  }

  holdUnread(bytes: number): boolean {
    this.#unreadBytes += bytes;
    return this.#unreadBytes <= this.#settings.unreadMemory;
  }

  stalled(exchange: Exchange, stands: boolean): void {
    if (!stands) {
      this.#standing.delete(exchange);
      return;
    }
    this.#standing.set(exchange, this.clock.now());
    if (this.#plan.queued > 0) this.#scheduleReclaim();
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

  // For the connector.

  stats(): Record<string, ConnectorStats> {
    const stats: Record<string, ConnectorStats> = {};
    for (const route of this.#plan.stats()) stats[route.key] = { ...route, reused: 0 };
    for (const { slot, link } of this.#connections) {
      const route = stats[slot.route.key];
      if (route !== undefined)
        stats[slot.route.key] = { ...route, reused: route.reused + Math.max(0, link.exchanges - 1) };
    }
    return stats;
  }

  /** Refuses newcomers, closes what is idle, lets what runs end; resolves when every connection is gone. */
  drain(): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#connections]) if (connection.link.usable) connection.close();
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

  #routeTo(origin: string): PoolRoute {
    // Most programs speak to one origin for a while: one comparison saves the look-up.
    let route = this.#route;
    if (route === undefined || route.key !== origin || route.dropped) {
      route = this.#plan.route(origin);
      this.#route = route;
    }
    return route;
  }

  #use(slot: Slot, exchange: Exchange): void {
    const connection = slot.link;
    if (connection === undefined) throw new UsageError("pool/no-link", "The plan granted a slot without a connection");
    if (connection.armed) {
      this.clock.disarm(connection);
      connection.link.transport.ref();
    }
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
        this.#dials.get(effect.slot)?.cancel(new SluiceError("connect/cancelled", "Nobody waits for it any more"));
        this.#dials.delete(effect.slot);
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
    exchange.request.tracer?.emit("queueEnd", {});
    if (exchange.waiting) this.#use(slot, exchange);
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
    owner.enterPhase("connect");
    const limitMs = owner.request.settings.timeouts.connect;
    // A dial may outlive the exchange it was begun for, and serve another: its time runs here.
    const deadline = callLater(this.clock, limitMs, () => this.#dials.get(slot)?.cancel(connectTimeout(limitMs)));
    const dialing = this.#dialer.dial(this.#targetOf(owner), dialEvents(owner, this.clock), (error, transport) => {
      this.clock.disarm(deadline);
      this.#dials.delete(slot);
      if (transport !== undefined) this.#opened(slot, transport);
      else this.#dialFailed(slot, error ?? new SluiceError("connect/failed", "The connection could not be made"));
    });
    this.#dials.set(slot, dialing);
  }

  #opened(slot: Slot, transport: Transport): void {
    if (slot.state !== "dialing" || this.#closed) {
      transport.destroy();
      if (this.#closed) this.#failDial(slot, closedError());
      return;
    }
    const connection = new PooledConnection(slot, transport, this.#settings.limits, this);
    this.#connections.add(connection);
    this.#plan.opened(slot, connection, 1);
    this.#drain();
    this.#restIfIdle(connection);
  }

  #dialFailed(slot: Slot, error: Error): void {
    if ((error as SluiceError).code === "connect/too-many-files" && slot.state === "dialing" && !this.#closed) {
      this.#waitForDescriptor(slot);
      return;
    }
    this.#failDial(slot, error);
  }

  #failDial(slot: Slot, error: Error): void {
    this.#plan.dialFailed(slot)?.refused(error);
    this.#drain();
    this.#tellIfEmpty();
  }

  /** An idle connection does not keep the process alive, and goes when its time is over. */
  #restIfIdle(connection: PooledConnection): void {
    const { slot, link } = connection;
    if (slot.state !== "open" || slot.active > 0) return;
    link.transport.unref();
    this.clock.arm(connection, this.#settings.keepAliveTimeout);
  }

  /** EMFILE, ENFILE: idle connections are given up, and the dial is tried again while somebody waits for it. */
  #waitForDescriptor(slot: Slot): void {
    for (const connection of [...this.#connections]) if (connection.link.usable) connection.close();
    const pause = callLater(this.clock, DESCRIPTOR_PAUSE_MS, () => {
      this.#dials.delete(slot);
      if (slot.state === "dialing") this.#dial(slot);
    });
    this.clock.arm(pause, DESCRIPTOR_PAUSE_MS, true);
    this.#dials.set(slot, {
      cancel: (reason) => {
        this.clock.disarm(pause);
        this.#dials.delete(slot);
        this.#failDial(slot, reason);
      },
    });
  }

  // Unread bodies.

  #scheduleReclaim(): void {
    if (this.#reclaim.armed) return;
    const first = this.#standing.values().next();
    if (first.done === true) return;
    this.clock.arm(this.#reclaim, Math.max(0, first.value + UNREAD_GRACE_MS - this.clock.now()));
  }

  #reclaimUnread(): void {
    const due = this.clock.now() - UNREAD_GRACE_MS;
    let wanted = this.#plan.queued;
    for (const [exchange, since] of this.#standing) {
      if (wanted === 0 || since > due) break;
      wanted -= 1;
      exchange.giveUpUnread("others waited for its connection");
    }
    if (this.#plan.queued > 0) this.#scheduleReclaim();
  }

  #tellIfEmpty(): void {
    if (this.#whenEmpty === undefined || this.#connections.size > 0 || this.#dials.size > 0) return;
    this.clock.disarm(this.#graceEnd);
    this.#whenEmpty();
    this.#whenEmpty = undefined;
  }
}

function closedError(): SessionClosedError {
  return new SessionClosedError("session/closed", "The session's connector is closed");
}

function connectTimeout(limitMs: number): RequestTimeoutError {
  const message = `Timed out after ${limitMs} ms connecting (timeout.connect)`;
  return new RequestTimeoutError("timeout.connect", message, { phase: "connect" });
}

/** Passes on what happens while dialing: to the trace if there is one, and as durations to the exchange's timings. */
function dialEvents(exchange: Exchange, clock: Clock): DialEvents {
  const { times, request } = exchange;
  const { tracer } = request;
  const host = request.target.hostname;
  let began = 0;
  return {
    onDnsCacheHit: () => tracer?.emit("dnsCacheHit", { host }),
    onDnsCacheMiss: () => tracer?.emit("dnsCacheMiss", { host }),
    onDnsStart: () => {
      began = clock.now();
      tracer?.emit("dnsStart", { host });
    },
    onDnsEnd: (_host, addresses) => {
      times.dns = clock.now() - began;
      tracer?.emit("dnsEnd", { host, addresses });
    },
    onConnectStart: (address, port) => {
      began = clock.now();
      tracer?.emit("connectStart", { host, address, port });
    },
    onConnectEnd: (address, port) => {
      times.connect = clock.now() - began;
      tracer?.emit("connectEnd", { host, address, port });
    },
    onTlsStart: () => {
      began = clock.now();
      tracer?.emit("tlsStart", { host });
    },
    onTlsEnd: (tls) => {
      times.tls = clock.now() - began;
      tracer?.emit("tlsEnd", { host, tls });
    },
  };
}
