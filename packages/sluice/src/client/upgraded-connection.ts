/**
 * A connection that 101 has taken out of HTTP (RFC 9110 §7.8), between the exchange that brought it and whoever takes it over. The
 * pool does not count it any more and nobody reads from it: what is not taken is closed.
 */
import type { Transport } from "../net/transport.js";

/** What there is to take. */
export interface TakenConnection {
  /** Paused, and without a handler that cares. */
  readonly transport: Transport;
  /** What came behind the head of the 101, the taker's own. */
  readonly rest: Uint8Array;
}

/** See the head of this file. */
export class UpgradedConnection {
  #connection: TakenConnection | undefined;

  constructor(transport: Transport, rest: Uint8Array) {
    this.#connection = { transport, rest };
  }

  /** The connection, once; undefined afterwards, and when it was dropped. */
  take(): TakenConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    return connection;
  }

  /** Nobody will take it. Idempotent, and harmless once it is taken. */
  drop(): void {
    this.take()?.transport.destroy();
  }
}
