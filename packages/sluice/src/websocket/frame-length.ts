/**
 * The length of a payload as frames have it (RFC 6455 §5.2): 7 bits, or 126 and 2 octets, or 127 and 8 octets of which the first
 * bit is 0; never more octets than needed.
 */

import { CLOSE_CODES } from "./close-codes.js";
import { brokenFrame } from "./frame-faults.js";
import { WebSocketFault } from "./websocket-fault.js";

/** In place of a length: it follows in 2 octets. */
export const LENGTH_IN_2 = 126;
/** In place of a length: it follows in 8 octets. */
export const LENGTH_IN_8 = 127;
const MOST_IN_2 = 0xffff;
const WORD = 2 ** 32;
const SIGN = 0x8000_0000;

/** How many octets beyond the 7 bits say `length`. */
export function extendedLengthBytes(length: number): 0 | 2 | 8 {
  if (length < LENGTH_IN_2) return 0;
  return length <= MOST_IN_2 ? 2 : 8;
}

/** The length that stands at `at` in `byteCount` octets. Throws `WebSocketFault` if it should not stand there so. */
export function readExtendedLength(bytes: Buffer, at: number, byteCount: 2 | 8): number {
  const length = byteCount === 2 ? bytes.readUInt16BE(at) : readLong(bytes, at);
  if (length < LENGTH_IN_2 || (byteCount === 8 && length <= MOST_IN_2)) {
    throw brokenFrame("websocket/length-not-minimal", `a length of ${length} stands in ${byteCount} octets`);
  }
  return length;
}

/** Writes the octets that {@link extendedLengthBytes} counts, and returns the offset behind them. */
export function writeExtendedLength(target: Buffer, at: number, length: number): number {
  if (length < LENGTH_IN_2) return at;
  if (length <= MOST_IN_2) return target.writeUInt16BE(length, at);
  return target.writeUInt32BE(length % WORD, target.writeUInt32BE(Math.floor(length / WORD), at));
}

function readLong(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32BE(at);
  if (high >= SIGN) throw brokenFrame("websocket/length-invalid", "the first bit of a length of 64 bits is set");
  const length = high * WORD + bytes.readUInt32BE(at + 4);
  if (length <= Number.MAX_SAFE_INTEGER) return length;
  throw new WebSocketFault(
    "websocket/message-too-large",
    "Cannot take the message: a frame of more than 2^53 - 1 bytes",
    CLOSE_CODES.TOO_BIG,
  );
}
