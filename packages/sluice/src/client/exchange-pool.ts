/** What an exchange and its surroundings ask of each other: the pool below it, the head writer and the cookie jar beside it. */
import type { LinkRequest } from "../wire/link-exchange.js";
import type { Exchange } from "./exchange.js";
import type { ClientRequest } from "./request.js";
import type { ClientResponse } from "./response.js";
import type { UnreadBodies } from "./unread-bodies.js";

/** What an exchange asks of the pool. */
export interface ExchangePool {
  /** Calls `granted` at once, or later, or `refused`. */
  enter(exchange: Exchange): void;
  /** The exchange waits no longer. */
  leave(exchange: Exchange): void;
  /** A reused connection turned out dead: the other idle ones to that origin are not to be trusted either. */
  distrust(exchange: Exchange): void;
  /** Where it accounts for a body that nobody reads. */
  readonly unread: UnreadBodies;
}

/** Makes the head that goes on the wire. Throws `UsageError` for what cannot be sent. */
export type HeadWriter = (request: ClientRequest) => LinkRequest;

/** Told of a response before whoever waits for it; a promise holds the response back until it is settled. */
export type HeadListener = (request: ClientRequest, response: ClientResponse) => Promise<void> | undefined;

/** Moments of an exchange, in the clock's milliseconds, and how long its connection took to make; 0 is "not yet", or "not at all". */
export interface ExchangeTimes {
  started: number;
  granted: number;
  sent: number;
  headed: number;
  ended: number;
  dns: number;
  connect: number;
  tls: number;
}
