/**
 * A listening server and its end. Closing has two steps (RFC 9112 §9.6): first nothing new is accepted, idle connections end and every
 * running request gets its answer with `Connection: close`; what is left after the grace is broken off, and the
 * signals of its requests abort.
 */

import { type Clock, nextTurn } from "../concurrency/clock.js";
import { callLater, type Deadline } from "../concurrency/deadline.js";
import { UsageError } from "../errors.js";
import type { ListenAddress, Listener } from "../net/listen.js";
import type { TlsMaterial } from "../net/tls-server.js";
import { refuseUnknown, requireNumber } from "../options.js";
import type { ConnectionSet, ConnectionStats } from "./connection-set.js";

/** How a server ends. */
export interface CloseOptions {
  /**
   * Milliseconds for which everything goes on as it was, but for `closing` being true and readiness routes answering 503: time for
   * load balancers to look elsewhere. From 0.
   *
   * @default 0
   */
  readonly drainDelay?: number;
  /**
   * Milliseconds that running requests get to be answered after that, from 0; `Infinity` waits for ever. Anything else:
   * `UsageError` `options/out-of-range`.
   *
   * @default 10_000
   */
  readonly grace?: number;
}

const DEFAULT_GRACE_MS = 10_000;
/** What a timer can take. */
const MAX_DRAIN_DELAY_MS = 2 ** 31 - 1;
const CLOSE_OPTION_NAMES: ReadonlySet<string> = new Set(["drainDelay", "grace"]);

/** Throws `UsageError` `options/…` for what `close` would refuse. */
export function checkCloseOptions(options: CloseOptions): void {
  refuseUnknown("close", options, CLOSE_OPTION_NAMES);
  const { drainDelay = 0, grace = DEFAULT_GRACE_MS } = options;
  requireNumber("drainDelay", drainDelay, 0, MAX_DRAIN_DELAY_MS);
  if (typeof grace === "number" && grace >= 0) return;
  const message = `Cannot use grace: expected 0 or more milliseconds, received ${String(grace)}`;
  throw new UsageError("options/out-of-range", message);
}

/** What a server consists of. */
export interface ServerParts {
  readonly listener: Listener;
  readonly connections: ConnectionSet;
  readonly clock: Clock;
}

/** A server that accepts connections; made by `startServer`. */
export class Server implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #address: ListenAddress;
  readonly #cleanUp: (() => void | Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  /** Goes on with closing when the drain delay is over; undefined before `close` and from then on. */
  #stop: (() => void) | undefined;
  #drain: Deadline | undefined;
  #graceMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#address = parts.listener.address;
  }

  /** Where it is bound. */
  get address(): ListenAddress {
    return this.#address;
  }

  /**
   * How clients on this machine reach it, without a path: `http://127.0.0.1:8080`; `localhost` where it is bound to every address; for
   * a Unix socket `unix:` and its path.
   */
  get url(): string {
    const { host, port, path } = this.#address;
    if (path !== undefined) return `unix:${path}`;
    return `${this.#parts.listener.secure ? "https" : "http"}://${urlHost(host)}:${port}`;
  }

  /** Its connections, counted now. */
  get connections(): ConnectionStats {
    return this.#parts.connections.stats;
  }

  /** Whether it has been told to close: from then on, and when it has closed. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether the server alone keeps the process alive (it does at first). Its connections do in any case. */
  ref(): void {
    this.#parts.listener.ref();
  }

  unref(): void {
    this.#parts.listener.unref();
  }

  /**
   * Has handshakes from now on use these certificates, all that were given before being forgotten; connections go on with theirs.
   * Throws `UsageError`, and changes nothing: `listen/bad-certificate` for what cannot be used, `host/pattern`, `listen/no-tls`.
   */
  reloadTls(material: TlsMaterial): void {
    const { listener } = this.#parts;
    if (listener.reloadTls === undefined) {
      throw new UsageError("listen/no-tls", "Cannot replace certificates: the listener has no way to do so");
    }
    listener.reloadTls(material);
  }

  /**
   * Stops accepting when the drain delay is over, lets running requests be answered within the grace, then breaks off the rest.
   * Resolves when all is gone. Called again, it waits for the same end; a shorter delay or grace counts from then on, and no grace
   * ends a delay that is not given again.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const { grace = DEFAULT_GRACE_MS, drainDelay } = options;
    try {
      checkCloseOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#graceMs = Math.min(this.#graceMs, grace);
    const first = this.#closing === undefined;
    this.#closing ??= new Promise((resolve, reject) => {
      this.#stop = () => this.#end().then(resolve, reject);
    });
    if (this.#stop === undefined) this.#limit(grace);
    else if (first || drainDelay !== undefined) this.#stopWithin(drainDelay ?? 0);
    else if (grace === 0) this.#stopNow();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Has `job` run when all connections are gone, or next if they are. `close` waits for it, and rejects with the first error of all
   * jobs when all have run.
   */
  whenClosed(job: () => void | Promise<void>): void {
    if (this.#closed) this.#closing = this.#closing?.then(job);
    else this.#cleanUp.push(job);
  }

  #stopWithin(delayMs: number): void {
    const { clock } = this.#parts;
    if (delayMs === 0) {
      this.#stopNow();
    } else if (this.#drain === undefined || clock.now() + delayMs < this.#drain.dueAt) {
      if (this.#drain !== undefined) clock.disarm(this.#drain);
      this.#drain = callLater(clock, delayMs, () => this.#stopNow());
    }
  }

  #stopNow(): void {
    const stop = this.#stop;
    if (this.#drain !== undefined) this.#parts.clock.disarm(this.#drain);
    this.#stop = undefined;
    stop?.();
    this.#limit(this.#graceMs);
  }

  async #end(): Promise<void> {
    const { listener, connections } = this.#parts;
    const stopped = listener.close();
    connections.retire();
    await Promise.all([stopped, connections.whenEmpty()]);
    this.#closed = true;
    const jobs = await Promise.allSettled(this.#cleanUp.splice(0).map(async (job) => job()));
    const failed = jobs.find((job) => job.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #limit(grace: number): void {
    const { connections, clock } = this.#parts;
    if (this.#closed) return;
    if (grace === 0) {
      // What is said leaves at the end of the turn: 1001 on WebSockets.
      void nextTurn().then(() => connections.destroy());
      return;
    }
    // It may be the last thing that holds the process: a handler can go on behind a connection that is gone.
    const deadline = callLater(clock, grace, () => connections.destroy(), true);
    this.whenClosed(() => clock.disarm(deadline));
  }
}

/** As it stands in a URL (RFC 3986 §3.2.2). */
function urlHost(host: string): string {
  if (host === "::" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
