/** What the rest of the library does with a request that a handler has no business with. */

import type { ServerExchange } from "../exchange.js";
import type { Reply } from "../reply.js";
import { lastingParts, receivedId } from "./request-parts.js";
import { ServerRequest } from "./server-request.js";

/**
 * Calls what {@link ServerRequest.beforeReply} has collected. A listener that throws is forgotten, so that the others can be called
 * again with the reply to its error.
 */
export function announce(request: ServerRequest, reply: Reply): void {
  const listeners = ServerRequest.lazyOf(request)?.listeners;
  if (listeners === undefined) return;
  for (const listener of [...listeners]) {
    try {
      listener(reply);
    } catch (error) {
      listeners.splice(listeners.indexOf(listener), 1);
      throw error;
    }
  }
}

/** Whether `error` is only the echo of the client having gone away. */
export function isAbandonedBy(request: ServerRequest, error: unknown): boolean {
  const signal = ServerRequest.lazyOf(request)?.signal;
  return signal?.aborted === true && error === signal.reason;
}

/** The exchange below the request. */
export function exchangeOf(request: ServerRequest<unknown>): ServerExchange {
  return ServerRequest.behind(request).exchange;
}

/** What the last parameter of the route took of the path, still escaped; empty without one. */
export function restOf(request: ServerRequest<unknown>): string {
  return ServerRequest.behind(request).match?.values.at(-1) ?? "";
}

/** The id that {@link ServerRequest.id} gives from now on. */
export function identify(request: ServerRequest, id: string): void {
  ServerRequest.partsOf(request).id = id;
}

/** The id that a trusted proxy has sent in the field `name` (lower case), if it did and it is sane. */
export function trustedId(request: ServerRequest<unknown>, name: string): string | undefined {
  return receivedId(ServerRequest.behind(request), name);
}

/** Most bytes that its readers take in, in place of the application's `maxBodySize`, if they have not begun. */
export function limitBody(request: ServerRequest, maxBytes: number): void {
  ServerRequest.partsOf(request).maxBodySize = maxBytes;
}

/**
 * Has `exchange` stand in for the one that the request came with, when that is over but the request is not, because its connection has
 * become a socket. What can be made anew is let go.
 */
export function outlive(request: ServerRequest, exchange: ServerExchange): void {
  const { exchange: former, surroundings } = ServerRequest.behind(request);
  ServerRequest.settle(request, exchange, lastingParts(ServerRequest.lazyOf(request), exchange));
  surroundings.onOutlived(former, exchange);
}

/**
 * Has {@link ServerRequest.signal} be another one, which has to abort when the one it would have been does. Made when it is asked for,
 * or at once if it has been.
 */
export function narrowSignal(request: ServerRequest, narrow: (signal: AbortSignal) => AbortSignal): void {
  const parts = ServerRequest.partsOf(request);
  const { narrow: outer } = parts;
  if (parts.signal !== undefined) parts.signal = narrow(parts.signal);
  else parts.narrow = outer === undefined ? narrow : (signal) => narrow(outer(signal));
}
