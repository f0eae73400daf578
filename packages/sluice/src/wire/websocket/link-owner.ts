/** What a WebSocket's link needs to know, and what it tells whoever has the connection. */

import type { Clock } from "../../concurrency/clock.js";
import type { MessageInflater } from "../../websocket/message-compression.js";
import type { WebSocketRole } from "../../websocket/opcodes.js";
import type { EndCause, WebSocketEnd } from "./closed-error.js";
import type { SenderCompression } from "./message-sender.js";
import type { ResolvedWebSocketOptions } from "./websocket-options.js";

/** How messages are compressed and inflated; what is needed for it is made when the first one is. */
export interface LinkCompression extends SenderCompression {
  makeInflater(): MessageInflater;
}

/** What a link needs to know; kept as it is given, so that connections may share it. */
export interface LinkSettings {
  readonly role: WebSocketRole;
  readonly options: ResolvedWebSocketOptions;
  /** Undefined where it was not agreed. */
  readonly compression?: LinkCompression | undefined;
}

/** Whoever has the connection. */
export interface LinkOwner {
  readonly clock: Clock;
  onPong(payload: Uint8Array): void;
  /** There is room again for what is sent. */
  onRoom(): void;
  /** Last call: the transport is gone. `cause` says why, where the peer did not. */
  onEnded(end: WebSocketEnd, cause: EndCause | undefined): void;
}
