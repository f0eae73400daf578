/** How a WebSocket ended, and the error for whoever has to be told. */

import { WebSocketClosedError } from "../../errors.js";

/** The end of a WebSocket. */
export interface WebSocketEnd {
  /**
   * What the peer's close frame said (RFC 6455 §7.4): 1005 if it gave no code; the code that we sent where we ended the connection
   * for the peer's faults; 1006 if it broke off.
   */
  readonly code: number;
  /** The peer's words, or ours for its faults; empty if there are none. */
  readonly reason: string;
  /** Whether the closing handshake was completed: nothing that was sent before it is lost. */
  readonly wasClean: boolean;
}

/** What a {@link WebSocketClosedError} is made of: the code is `websocket/…`, `why` begins with a lower-case letter. */
export interface EndCause {
  readonly code: string;
  readonly why: string;
  readonly cause?: unknown;
}

/** Codes after which nothing is amiss (RFC 6455 §7.4.1): normal, going away, and no code given. */
export function endsQuietly(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}

/** `doing`: what cannot be done, such as "receive". */
export function closedError(doing: string, end: WebSocketEnd, cause: EndCause | undefined): WebSocketClosedError {
  const details = { closeCode: end.code, closeReason: end.reason, cause: cause?.cause };
  if (cause !== undefined) return new WebSocketClosedError(cause.code, `Cannot ${doing}: ${cause.why}`, details);
  const words = end.reason === "" ? "" : ` (${printable(end.reason)})`;
  return new WebSocketClosedError(
    "websocket/closed",
    `Cannot ${doing}: the WebSocket was closed with ${end.code}${words}`,
    details,
  );
}

/** The peer wrote it: on one line, without control characters. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");
}
