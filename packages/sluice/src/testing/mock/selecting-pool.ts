/** A pool in front of several: each exchange goes to the one that was chosen for its origin. */

import type { Exchange } from "../../client/exchange.js";
import type { ExchangePool } from "../../client/exchange-pool.js";

/** Sends exchanges to the pool selected for their origin, all others to `usual`. */
export class SelectingPool implements ExchangePool {
  readonly #usual: ExchangePool;
  readonly #selected = new Map<string, ExchangePool>();

  constructor(usual: ExchangePool) {
    this.#usual = usual;
  }

  /** Unread bodies are counted together, whoever carries them. */
  get unread(): ExchangePool["unread"] {
    return this.#usual.unread;
  }

  select(origin: string, pool: ExchangePool): void {
    this.#selected.set(origin, pool);
  }

  enter(exchange: Exchange): void {
    this.#poolOf(exchange).enter(exchange);
  }

  leave(exchange: Exchange): void {
    this.#poolOf(exchange).leave(exchange);
  }

  distrust(exchange: Exchange): void {
    this.#poolOf(exchange).distrust(exchange);
  }

  #poolOf(exchange: Exchange): ExchangePool {
    return this.#selected.get(exchange.request.target.origin) ?? this.#usual;
  }
}
