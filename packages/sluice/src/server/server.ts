/**
 * A listening server and its end. Closing has two steps (RFC 9112 §9.6): first nothing new is accepted, idle connections end and every
 * running request gets its answer with `Connection: close`; what is left after the grace is broken off, and the
 * signals of its requests abort.
 */

import type { Clock } from "../concurrency/clock.js";
import { callLater } from "../concurrency/deadline.js";
import { UsageError } from "../errors.js";
import type { ListenAddress, Listener } from "../net/listen.js";
import type { ConnectionSet, ConnectionStats } from "./connection-set.js";

/** How a server ends. */
export interface CloseOptions {
  /**
   * Milliseconds that running requests get to be answered, from 0; `Infinity` waits for ever. Anything else: `UsageError`
   * `options/out-of-range`.
   *
   * @default 10_000
   */
  readonly grace?: number;
}

const DEFAULT_GRACE_MS = 10_000;

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
   * Stops accepting, lets running requests be answered within the grace, then breaks off the rest. Resolves when all is gone.
   * Called again, it waits for the same end; a shorter grace counts from then on.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const { grace = DEFAULT_GRACE_MS } = options;
    if (typeof grace !== "number" || !(grace >= 0)) {
      const message = `Cannot use grace: expected 0 or more milliseconds, received ${String(grace)}`;
      return Promise.reject(new UsageError("options/out-of-range", message));
    }
    this.#closing ??= this.#close();
    this.#limit(grace);
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

  async #close(): Promise<void> {
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
      connections.destroy();
      return;
    }
    const deadline = callLater(clock, grace, () => connections.destroy());
    this.whenClosed(() => clock.disarm(deadline));
  }
}

/** As it stands in a URL (RFC 3986 §3.2.2). */
function urlHost(host: string): string {
  if (host === "::" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
