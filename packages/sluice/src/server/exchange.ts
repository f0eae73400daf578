import type { Body } from "../body/body.js";
import type { FieldLines } from "../http1/sinks.js";
import type { PeerInfo } from "../net/transport.js";
import type { Reply } from "./reply.js";

/**
 * One request being served, as the layer below gives it: the connection makes one per request on the wire, the in-process
 * test client makes one without a wire. `ServerRequest` wraps it for users.
 */
export interface ServerExchange {
  readonly method: string;
  /** The request-target as received (RFC 9112 §3.2), valid in form. */
  readonly target: string;
  /** 10 or 11. */
  readonly version: number;
  readonly fields: FieldLines;
  /** The request's body; asking for it the first time sends 100 (Continue) if that is awaited. */
  readonly body: Body;
  readonly hasBody: boolean;
  readonly secure: boolean;
  /** The client has asked for another protocol, and the connection can be handed over to it (RFC 9110 §7.8). */
  readonly upgrade?: boolean;
  /** Made when first asked for; aborted when the client goes away before the answer is complete, or the server is closed hard. */
  readonly signal: AbortSignal;
  peer(): PeerInfo;
  /** Sends an interim response (RFC 9110 §15.2) before the final one: 102, 103. Ignored towards HTTP/1.0. */
  inform(status: number, fields: FieldLines): void;
}

/** Answers an exchange. Must not throw or reject: errors have become replies by now. */
export type Responder = (exchange: ServerExchange) => Reply | Promise<Reply>;
