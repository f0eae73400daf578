/** `sluice/websocket`: what there is to WebSockets beside `session.websocket` and `app.websocket`, and the types of both. */

export type { SocketMessage } from "./client/websocket/message-relay.js";
export {
  isPassing,
  type SocketEnding,
  type SocketReconnectOptions,
} from "./client/websocket/reconnect-policy.js";
export type {
  ReconnectingWebSocketOptions,
  SocketOpening,
  SocketReconnect,
} from "./client/websocket/reconnecting-options.js";
export {
  type ReconnectingState,
  ReconnectingWebSocket,
  type SocketAddress,
} from "./client/websocket/reconnecting-websocket.js";
export type { QueueOverflow } from "./client/websocket/send-queue.js";
export type { WebSocketOptions } from "./client/websocket/websocket-options.js";
export type { Handler } from "./client/websocket/whatwg/event-handlers.js";
export type { Sendable } from "./client/websocket/whatwg/outgoing.js";
export {
  SocketCloseEvent,
  type SocketCloseEventInit,
  type SocketCloseEventLike,
} from "./client/websocket/whatwg/socket-close-event.js";
export { SocketErrorEvent } from "./client/websocket/whatwg/socket-error-event.js";
export { type WhatwgWebSocketClass, webSocketFor } from "./client/websocket/whatwg/websocket-for.js";
export {
  type SocketBinaryType,
  type SocketReadyState,
  type WhatwgHome,
  WhatwgWebSocket,
} from "./client/websocket/whatwg/whatwg-websocket.js";
export { WebSocketClosedError } from "./errors.js";
export { CLOSE_CODES, mayBeReceived, mayBeSent } from "./websocket/close-codes.js";
export type { DeflateOptions } from "./websocket/deflate-options.js";
export type { SendOptions, SendStreamOptions, WaitOptions } from "./wire/websocket/call-options.js";
export type { WebSocketEnd } from "./wire/websocket/closed-error.js";
export type { Message } from "./wire/websocket/inbox.js";
export type { MessageInput, MessageSource } from "./wire/websocket/message-input.js";
export type { MessageStream } from "./wire/websocket/message-stream.js";
export { type PreparedMessage, type PrepareOptions, prepareMessage } from "./wire/websocket/prepared-message.js";
export {
  WebSocketConnection,
  type WebSocketState,
} from "./wire/websocket/websocket-connection.js";
export type { WebSocketConnectionOptions } from "./wire/websocket/websocket-options.js";
