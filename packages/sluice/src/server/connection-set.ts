/**
 * The connections of one server: how many are served, which wait for a place, and how they all end. No more than `maxConnections` are
 * served; up to `maxWaiting` more are held unread, first come, first served; what comes then is closed at once, and so is who
 * has waited for `headersTimeout`.
 */

import { CallbackDeadline } from "../concurrency/deadline.js";
import { Fifo } from "../concurrency/fifo.js";
import { ConnectionLostError } from "../errors.js";
import type { Transport } from "../net/transport.js";
import { HandedOver, type HandedOverOwner } from "../wire/handed-over.js";
import { Connection, type ConnectionHost } from "./connection.js";

interface Waiting {
  readonly transport: Transport;
  /** When it has waited long enough. */
  readonly until: number;
}

/** What a set of connections has seen. */
export interface ConnectionStats {
  /** Connections served now. */
  readonly open: number;
  /** Of these, the ones on which nothing is asked or answered. */
  readonly idle: number;
  /** Of these, the ones that have left HTTP: WebSockets. */
  readonly upgraded: number;
  /** Connections that wait for a place. */
  readonly waiting: number;
  /** Connections served so far, the present ones included. */
  readonly accepted: number;
  /** Connections closed unserved. */
  readonly refused: number;
}

/** Serves transports, within limits. */
export class ConnectionSet {
  readonly #host: ConnectionHost;
  readonly #served = new Set<Connection | HandedOver>();
  readonly #waiting = new Fifo<Waiting>();
  readonly #deadline = new CallbackDeadline(() => this.#expireWaiting());
  #accepted = 0;
  #refused = 0;
  #retired = false;
  #onEmpty: (() => void) | undefined;
  /** Of all connections that have left HTTP. */
  readonly #successorOwner: HandedOverOwner = {
    onReleased: (connection) => this.#remove(connection),
    onReleaseError: (error) => this.#host.onError(error, undefined),
  };

  /** What becomes of connections is the set's own business. */
  constructor(host: Omit<ConnectionHost, "onConnectionClosed" | "onConnectionHandedOver">) {
    this.#host = {
      ...host,
      onConnectionClosed: (connection) => this.#remove(connection),
      onConnectionHandedOver: (connection, successor) => this.#replace(connection, successor),
    };
  }

  get stats(): ConnectionStats {
    let idle = 0;
    let upgraded = 0;
    for (const connection of this.#served) {
      if (connection instanceof HandedOver) upgraded += 1;
      else if (connection.idle) idle += 1;
    }
    return {
      open: this.#served.size,
      idle,
      upgraded,
      waiting: this.#waiting.size,
      accepted: this.#accepted,
      refused: this.#refused,
    };
  }

  /** A client has connected. */
  add(transport: Transport): void {
    const { options, clock } = this.#host;
    if (this.#retired) {
      transport.destroy();
    } else if (this.#served.size < options.maxConnections) {
      this.#serve(transport);
    } else if (this.#waiting.size < options.maxWaiting) {
      if (this.#waiting.size === 0) clock.arm(this.#deadline, options.headersTimeout);
      this.#waiting.push({ transport, until: clock.now() + options.headersTimeout });
    } else {
      this.#refuse(transport);
    }
  }

  /** Ends every connection after what has been asked; idle and waiting ones, and those that come now, at once. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#host.clock.disarm(this.#deadline);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#refuse(next.transport);
    for (const connection of [...this.#served]) connection.retire();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.retire();
    const reason = new ConnectionLostError("server/closed", "Cannot complete the answer: the server was closed");
    for (const connection of [...this.#served]) connection.destroy(reason);
  }

  /** Resolves when no connection is left. For once. */
  whenEmpty(): Promise<void> {
    if (this.#served.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #serve(transport: Transport): void {
    this.#accepted += 1;
    this.#served.add(new Connection(transport, this.#host));
  }

  #refuse(transport: Transport): void {
    this.#refused += 1;
    transport.destroy();
  }

  #replace(connection: Connection, successor: HandedOver): HandedOverOwner {
    this.#served.delete(connection);
    this.#served.add(successor);
    return this.#successorOwner;
  }

  #remove(connection: Connection | HandedOver): void {
    this.#served.delete(connection);
    while (this.#served.size < this.#host.options.maxConnections) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (!next.transport.destroyed) this.#serve(next.transport);
    }
    if (this.#waiting.size === 0) this.#host.clock.disarm(this.#deadline);
    if (this.#served.size === 0) this.#onEmpty?.();
  }

  #expireWaiting(): void {
    const { clock } = this.#host;
    const now = clock.now();
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (next.until > now) {
        clock.arm(this.#deadline, next.until - now);
        return;
      }
      this.#waiting.shift();
      this.#refuse(next.transport);
    }
  }
}
