/** What compresses messages and undoes it (RFC 7692 §7.2), as the links ask for it; `body/messages/message-coding.ts` makes it. */

/** One direction of one connection, outgoing. Calls are in the order in which the messages leave. */
export interface MessageDeflater {
  /**
   * `plain` as it goes into the frames of a message with RSV1 set. Small ones at once; large ones off the event loop: their
   * promises may be fulfilled out of turn, but the frames have to leave in the order of the calls. `plain` must not change
   * until it is done.
   */
  deflate(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** The same for a part of a message, to be followed by others and by `deflate` for the last. */
  deflatePart(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Gives up memory. What is under way is done, for nobody. */
  close(): void;
}

/** One direction of one connection, incoming. */
export interface MessageInflater {
  /**
   * The message whose frames had `coded` for payload. Small ones at once, large ones off the event loop; the next call comes when
   * this one is done. `coded` may be borrowed for the call. Throws, or rejects with, `WebSocketFault`:
   * `websocket/message-too-large` (1009) while there is more than `maxMessageSize`, `websocket/deflate-invalid` (1007).
   */
  inflate(coded: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Gives up memory. What is under way is done, for nobody. */
  close(): void;
}
