/**
 * What a WebSocket peer controls and that would cost us memory without bound. Frames are not counted: a legal message may have
 * many small ones, each costs no more than its octets, and nothing is kept of an empty one (RFC 6455 §5.4, §10.4).
 */

import { requireNumber } from "../options.js";

/** Limits of what a peer may send. A message exactly at the limit is accepted. */
export interface WebSocketLimits {
  /**
   * Bytes of one message, inflated if it was compressed, over all its frames. Refused with the frame head that says too much,
   * or while inflating: `websocket/message-too-large`, close code 1009 (RFC 6455 §7.4.1, §10.4). At least 1; `Infinity`: no limit.
   *
   * @default 1_048_576 (1 MiB) at a server, 16_777_216 (16 MiB) at a client
   */
  readonly maxMessageSize: number;
}

/** What a server takes of a client it knows nothing of. */
export const SERVER_WEBSOCKET_LIMITS: WebSocketLimits = Object.freeze({ maxMessageSize: 1024 * 1024 });
/** What a client takes of the server it chose. */
export const CLIENT_WEBSOCKET_LIMITS: WebSocketLimits = Object.freeze({ maxMessageSize: 16 * 1024 * 1024 });

/** `given` with `defaults` for what is absent. Throws `UsageError` `options/out-of-range`. */
export function resolveWebSocketLimits(
  given: { readonly maxMessageSize?: number | undefined },
  defaults: WebSocketLimits,
): WebSocketLimits {
  const { maxMessageSize = defaults.maxMessageSize } = given;
  requireNumber("maxMessageSize", maxMessageSize, 1, Number.POSITIVE_INFINITY);
  return { maxMessageSize };
}
