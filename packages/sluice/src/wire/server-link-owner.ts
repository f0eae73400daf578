/** What a server's link needs to know, and what it tells whoever serves the connection. */

import type { HandedOver, HandedOverOwner } from "./handed-over.js";
import type { Http1Exchange } from "./http1-exchange.js";
import type { IntakeSettings } from "./request-intake.js";

/**
 * What the connection waits for, for whoever limits the waiting: `idle` for a request, `head` for the rest of one's head, `body` for
 * the rest of one's body, `busy` for ourselves, `linger` for the peer's end after ours.
 */
export type ReadPhase = "idle" | "head" | "body" | "busy" | "linger";

/** What a link needs to know. */
export interface ServerLinkSettings extends IntakeSettings {
  /** Requests read and not yet answered; beyond it reading stops. At least 1. */
  readonly maxPipelined: number;
  /** Bytes let pass unread after our own end. */
  readonly lingerBytes: number;
  /** The `Date` field line of this second, with its line end (RFC 9110 §6.6.1). */
  dateLine(): string;
}

/** Whoever serves the connection. Never called from inside the reading of a packet. */
export interface ServerLinkOwner {
  /** Answer this with `link.answer`, now or later. */
  onRequest(exchange: Http1Exchange): void;
  /** The phase is another, or the connection is `idle` again after something happened. */
  onPhase(phase: ReadPhase): void;
  /** Writing waits for the peer to read (true), or goes on (false). */
  onStalled(stalled: boolean): void;
  /** An answer could not be sent as it was given, or not to its end; or a listener of its end threw. For a log. */
  onAnswerError(error: unknown, exchange: Http1Exchange): void;
  /**
   * Last call, if another protocol gets the transport: `connection` stands for it from now on, and this link for nothing. Returns who is
   * told of its end.
   */
  onHandedOver(connection: HandedOver): HandedOverOwner;
  /** Last call otherwise: the connection is gone. */
  onClosed(): void;
}
