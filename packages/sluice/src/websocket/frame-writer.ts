/**
 * Writes frames (RFC 6455 §5.2). What may be sent when is the caller's to know; how it is written is decided here. The first
 * octet of a frame is given as a sum of bits: `FIN | TEXT`, `FIN | RSV1 | BINARY`, `CONTINUATION`.
 */

import { extendedLengthBytes, LENGTH_IN_2, LENGTH_IN_8, writeExtendedLength } from "./frame-length.js";
import { mask } from "./mask.js";

const MASKED = 0x80;
const MASK_BYTES = 4;

/** Bytes of the head of a frame with a payload of `payloadBytes`. */
export function headBytes(payloadBytes: number, masked: boolean): number {
  return 2 + extendedLengthBytes(payloadBytes) + (masked ? MASK_BYTES : 0);
}

/**
 * A head alone, for a large payload that follows by itself. `key`: the mask's octets as one big-endian number, from a source that
 * nobody can foresee (§5.3), with which the payload is then to be masked; undefined on a server.
 */
export function frameHead(first: number, payloadBytes: number, key?: number): Buffer {
  const head = Buffer.allocUnsafe(headBytes(payloadBytes, key !== undefined));
  head[0] = first;
  writeLengthAndKey(head, 1, payloadBytes, key);
  return head;
}

/** Head and payload in one buffer. The payload is copied; a string is sent as UTF-8. `key` as for {@link frameHead}. */
export function wholeFrame(first: number, payload: Uint8Array | string, key?: number): Buffer {
  const payloadBytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
  const start = headBytes(payloadBytes, key !== undefined);
  const frame = Buffer.allocUnsafe(start + payloadBytes);
  frame[0] = first;
  writeLengthAndKey(frame, 1, payloadBytes, key);
  if (typeof payload === "string") frame.write(payload, start, "utf8");
  else frame.set(payload, start);
  if (key !== undefined) mask(frame.subarray(start), key);
  return frame;
}

/** The payload of a close frame (§5.5.1); none at all for no code. `code` and `reason` are taken to be what may be sent. */
export function closePayload(code: number | undefined, reason = ""): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2, "utf8");
  return payload;
}

/** Writes everything of a head but its first octet, from `at` on, and returns the offset behind it. */
export function writeLengthAndKey(target: Buffer, at: number, payloadBytes: number, key: number | undefined): number {
  const maskBit = key === undefined ? 0 : MASKED;
  const extended = extendedLengthBytes(payloadBytes);
  target[at] = maskBit | (extended === 0 ? payloadBytes : extended === 2 ? LENGTH_IN_2 : LENGTH_IN_8);
  const behind = writeExtendedLength(target, at + 1, payloadBytes);
  return key === undefined ? behind : target.writeInt32BE(key >> 0, behind);
}
