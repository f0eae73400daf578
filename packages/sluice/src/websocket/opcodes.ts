/** What a frame is: the bits of its first octet (RFC 6455 §5.2, §11.8). An opcode that is not named here is reserved. */

/** Last frame of its message. */
export const FIN = 0x80;
/** First frame of a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40;

/** Goes on with the message that the last data frame began. */
export const CONTINUATION = 0x0;
/** Begins a message of UTF-8 text. */
export const TEXT = 0x1;
/** Begins a message of bytes. */
export const BINARY = 0x2;
/** The last frame of a connection. Opcodes from here on are control frames: whole, short, between frames of data (§5.5). */
export const CLOSE = 0x8;
/** Asks for a pong with the same payload (§5.5.2). */
export const PING = 0x9;
/** Answers a ping, or comes unasked (§5.5.3). */
export const PONG = 0xa;

/** Most bytes of a control frame's payload (§5.5). */
export const MAX_CONTROL_BYTES = 125;

/** Begins a data message. */
export type DataOpcode = typeof TEXT | typeof BINARY;
/** Any opcode that is not reserved. */
export type Opcode = typeof CONTINUATION | DataOpcode | typeof CLOSE | typeof PING | typeof PONG;

/** Which end of the connection we are: what a client sends is masked, what a server sends is not (§5.1). */
export type WebSocketRole = "client" | "server";
