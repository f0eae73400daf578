/** What compresses messages and undoes it (RFC 7692 §7.2), as the links ask for it; made by `body/coding/message-coding.ts`. */

/** One direction of one connection, outgoing. Calls are in the order in which the messages leave. */
export interface MessageDeflater {
  /**
   * `plain` as it goes into the frames of a message with RSV1 set. Small ones at once; large ones off the event loop: their
   * promises may be fulfilled out of turn, but the frames have to leave in the order of the calls. `plain` must not change
   * until it is done.
   */
  deflate(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Gives up memory, and what is under way: such promises never settle. */
  close(): void;
}

/** One direction of one connection, incoming. */
export interface MessageInflater {
  /**
   * The message whose frames had `coded` for payload. Small ones at once, large ones off the event loop; the next call comes when
   * this one is done. `coded` may be borrowed for the call: what has to wait is copied. Throws, or rejects with,
   * `WebSocketFault`: `websocket/message-too-large` (1009) as soon as there is more than `maxMessageSize`,
   * `websocket/deflate-invalid` (1007).
   */
  inflate(coded: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Gives up memory, and what is under way: such a promise never settles. */
  close(): void;
}
