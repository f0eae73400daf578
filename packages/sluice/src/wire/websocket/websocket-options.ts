/**
 * What can be set for one WebSocket, whichever side opened it: everything the peer could use to hold our memory or time, and how
 * we see that it is still there. One interface, one table of defaults, one table of ranges, one resolver.
 */

import { requireNumber } from "../../options.js";
import { CLIENT_WEBSOCKET_LIMITS, SERVER_WEBSOCKET_LIMITS } from "../../websocket/limits.js";

/**
 * Options of a {@link WebSocketConnection}. Sizes are bytes, times milliseconds; `Infinity` switches a limit off. Anything out of
 * range is a `UsageError` `options/out-of-range`.
 */
export interface WebSocketConnectionOptions {
  /**
   * Largest message taken, after inflation. Beyond it the connection ends with 1009, before anything of what is too much was kept
   * (RFC 6455 §7.4.1). From 1.
   *
   * @default 1_048_576 (1 MiB) on servers, 16_777_216 (16 MiB) on clients
   */
  readonly maxMessageSize?: number | undefined;
  /**
   * Messages kept for a program that does not take them yet, each counted with 64 bytes more than it has; beyond it reading stops
   * and the peer has to wait. One message more than fits may be kept. From 0.
   *
   * @default 262_144 (256 KiB)
   */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * A ping is sent at this interval, and a peer from which nothing has come by the next one is taken for dead: the connection ends
   * with 1006 at most two intervals after the last byte. Any byte counts, of a large message too. From 1.
   *
   * @default 30_000
   */
  readonly heartbeat?: number | undefined;
  /**
   * Longest time for the closing handshake and the end of the connection, once it is to close; then it is broken off. From 1.
   *
   * @default 5_000
   */
  readonly closeTimeout?: number | undefined;
}

/** The same, checked and complete. */
export type ResolvedWebSocketOptions = Readonly<Record<keyof WebSocketConnectionOptions, number>>;

const SHARED_DEFAULTS = {
  maxQueuedBytes: 256 * 1024,
  heartbeat: 30_000,
  closeTimeout: 5_000,
} as const;

/** What a server takes for granted: whoever can connect can send. */
export const SERVER_WEBSOCKET_DEFAULTS: ResolvedWebSocketOptions = Object.freeze({
  maxMessageSize: SERVER_WEBSOCKET_LIMITS.maxMessageSize,
  ...SHARED_DEFAULTS,
});

/** What a client takes for granted: it has chosen its peer. */
export const CLIENT_WEBSOCKET_DEFAULTS: ResolvedWebSocketOptions = Object.freeze({
  maxMessageSize: CLIENT_WEBSOCKET_LIMITS.maxMessageSize,
  ...SHARED_DEFAULTS,
});

const LEAST: ResolvedWebSocketOptions = {
  maxMessageSize: 1,
  maxQueuedBytes: 0,
  heartbeat: 1,
  closeTimeout: 1,
};

/** The names of all options, for whoever has more of them and refuses the rest. */
export const WEBSOCKET_OPTION_NAMES: readonly (keyof WebSocketConnectionOptions)[] = Object.freeze(
  Object.keys(LEAST) as (keyof WebSocketConnectionOptions)[],
);

/** `given` over `defaults`. Other properties of `given` are its owner's business. Throws `UsageError` `options/out-of-range`. */
export function resolveWebSocketOptions(
  given: WebSocketConnectionOptions,
  defaults: ResolvedWebSocketOptions,
): ResolvedWebSocketOptions {
  const resolved: Record<keyof WebSocketConnectionOptions, number> = { ...defaults };
  for (const name of WEBSOCKET_OPTION_NAMES) {
    const value = given[name];
    if (value === undefined) continue;
    requireNumber(name, value, LEAST[name], Number.POSITIVE_INFINITY);
    resolved[name] = value;
  }
  return Object.freeze(resolved);
}
