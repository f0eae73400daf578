/** From a transport on which the handshake is done to a WebSocket: what both sides call after the 101. */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import type { Transport } from "../../net/transport.js";
import { systemMaskKey } from "../../platform/random.js";
import type { WebSocketRole } from "../../websocket/opcodes.js";
import type { WebSocketEnd } from "./closed-error.js";
import { ConnectionState } from "./connection-state.js";
import type { MaskSource } from "./frame-outlet.js";
import type { LinkCompression } from "./link-owner.js";
import { WebSocketConnection } from "./websocket-connection.js";
import { WebSocketLink } from "./websocket-link.js";
import type { ResolvedWebSocketOptions } from "./websocket-options.js";

/** What the handshake has settled, and what the connection needs from its owner. */
export interface WebSocketSetup {
  readonly role: WebSocketRole;
  readonly options: ResolvedWebSocketOptions;
  /** The sub-protocol (RFC 6455 §1.9). @default "" */
  readonly protocol?: string | undefined;
  /** `Sec-WebSocket-Extensions` of the answer. @default "" */
  readonly extensions?: string | undefined;
  /** How messages are compressed. @default undefined: it was not agreed */
  readonly compression?: LinkCompression | undefined;
  /** Called once, when the transport is gone. */
  readonly onClosed?: ((end: WebSocketEnd) => void) | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** Masks of a client's frames. @default random numbers that nobody can foresee */
  readonly maskSource?: MaskSource | undefined;
}

/** Takes `transport` over; `rest` is what the peer has sent behind the handshake, and the connection's from now on. */
export function openWebSocket(transport: Transport, rest: Uint8Array, setup: WebSocketSetup): WebSocketConnection {
  const state = new ConnectionState(setup.clock ?? systemClock, setup.onClosed);
  const maskSource = setup.role === "client" ? (setup.maskSource ?? systemMaskKey) : undefined;
  const link = new WebSocketLink(transport, state, setup, maskSource);
  const connection = new WebSocketConnection(link, state, setup);
  link.start(rest);
  return connection;
}
