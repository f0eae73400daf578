/**
 * Sends a head and a body that is in memory already so that a small message is one write, hence one system call and
 * usually one packet. A head is latin1 text (RFC 9112 §2.2: octets, obs-text included), a string body is UTF-8, so the two
 * may be joined as text only where both encodings give the same bytes: where the body, or the head, is ASCII.
 */

import type { Transport } from "../net/transport.js";

/** Bodies up to this many bytes are joined with their head; beyond it copying costs more than a second buffer. */
export const SMALL_BODY_BYTES = 16 * 1024;

/** The part of a transport that sending needs. */
export type WriteTarget = Pick<Transport, "write" | "cork" | "uncork" | "holds">;

/** Whether head and body may be joined into one latin1 string without changing a byte: `bodyBytes` is its UTF-8 length. */
export function isAsciiText(text: string, bodyBytes: number | undefined): boolean {
  return bodyBytes === text.length;
}

/**
 * Writes `head` (latin1 text) and a whole body as one write where that is cheap, else as one corked group. `bodyBytes` is the
 * body's exact length in bytes. Returns what the transport's `write` returned: false asks to wait for its drain.
 */
export function writeWhole(target: WriteTarget, head: string, body: Uint8Array | string, bodyBytes: number): boolean {
  if (bodyBytes === 0) return target.write(head, "latin1");
  if (typeof body === "string") return writeText(target, head, body, bodyBytes);
  if (bodyBytes <= SMALL_BODY_BYTES) {
    const joined = Buffer.allocUnsafe(head.length + bodyBytes);
    joined.write(head, 0, "latin1");
    joined.set(body, head.length);
    return target.write(joined);
  }
  return writeCorked(target, head, body);
}

function writeText(target: WriteTarget, head: string, body: string, bodyBytes: number): boolean {
  if (isAsciiText(body, bodyBytes)) return target.write(head + body, "latin1");
  if (Buffer.byteLength(head, "utf8") === head.length) return target.write(head + body, "utf8");
  return writeCorked(target, head, body);
}

function writeCorked(target: WriteTarget, head: string, body: Uint8Array | string): boolean {
  target.cork();
  target.write(head, "latin1");
  const room = typeof body === "string" ? target.write(body, "utf8") : target.write(body);
  target.uncork();
  return room;
}
