/** How many sockets a route has open, in all and for each client, and that there are no more than it may have. */

import { UsageError } from "../../errors.js";
import { HttpError } from "../http-error.js";
import { clientKey } from "../middleware/rate-limiting/client-key.js";
import type { ServerRequest } from "../request/server-request.js";

const NEVER = Number.POSITIVE_INFINITY;

/** The limits of one route. `Infinity`: none. */
export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
}

/** Checks and completes. Throws `UsageError` `options/out-of-range`. */
export function resolveAdmission(given: { readonly [name in keyof AdmissionLimits]?: number }): AdmissionLimits {
  const { maxConnections = NEVER, maxConnectionsPerClient = NEVER } = given;
  for (const [name, value] of Object.entries({ maxConnections, maxConnectionsPerClient })) {
    if (value === NEVER || (Number.isSafeInteger(value) && value >= 1)) continue;
    const message = `Cannot use ${name}: expected a whole number from 1, or Infinity, received ${String(value)}`;
    throw new UsageError("options/out-of-range", message);
  }
  return { maxConnections, maxConnectionsPerClient };
}

/** See the head of this file. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #byClient: Map<string, number> | undefined;
  #open = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#byClient = limits.maxConnectionsPerClient === NEVER ? undefined : new Map();
  }

  /** Throws `HttpError` 503 `websocket/full`, or 429 `websocket/client-full`, if there is no place for `request`. */
  check(request: ServerRequest<unknown>): void {
    const { maxConnections, maxConnectionsPerClient } = this.#limits;
    if (this.#open >= maxConnections) {
      const message = "No more sockets can be opened here at present";
      throw new HttpError(503, message, { code: "websocket/full", expose: true, report: false });
    }
    if (this.#byClient === undefined || (this.#byClient.get(clientKey(request)) ?? 0) < maxConnectionsPerClient) return;
    throw new HttpError(429, "You have too many sockets open here", { code: "websocket/client-full" });
  }

  /** Takes a place, and returns what gives it back: see {@link leave}. Throws as {@link check} does. */
  enter(request: ServerRequest<unknown>): string {
    this.check(request);
    const clients = this.#byClient;
    const client = clients === undefined ? "" : clientKey(request);
    this.#open += 1;
    clients?.set(client, (clients.get(client) ?? 0) + 1);
    return client;
  }

  /** Gives back one place of `client`, which {@link enter} has returned. */
  leave(client: string): void {
    this.#open -= 1;
    const clients = this.#byClient;
    const rest = (clients?.get(client) ?? 0) - 1;
    if (rest > 0) clients?.set(client, rest);
    else clients?.delete(client);
  }
}
