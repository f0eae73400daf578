/** What a client's link and the exchange on it have to do with each other: the request that goes out, the events that come back. */
import type { Payload } from "../body/payload.js";
import type { FieldLines } from "../http1/sinks.js";
import type { Transport } from "../net/transport.js";

/** One request and its answer, as the link tells of it. After `onEnd` or `onFailure` the link says no more. */
export interface LinkExchange {
  onInformational(status: number, reason: string, fields: FieldLines): void;
  onHead(status: number, reason: string, version: number, bodyLength: number, fields: FieldLines): void;
  /** `borrowed`: the bytes are valid until the call returns, see `Transport.lends`. */
  onData(piece: Uint8Array, borrowed: boolean): void;
  onEnd(trailers: FieldLines): void;
  /** The last byte of the request was handed to the connection. Not called if the answer came first. */
  onRequestSent(): void;
  /** So many more bytes of the request's body were handed to the connection. */
  onRequestProgress(bodyBytes: number): void;
  /** The exchange cannot end well. `answered`: at least one byte of the answer had arrived. */
  onFailure(error: Error, answered: boolean): void;
  /**
   * Behind `onHead` with 101 (RFC 9110 §15.2.2), in its turn: the connection is the exchange's own from now on, paused. `rest` are
   * the bytes that came behind the head, also its own. Not called if the exchange ended in `onHead`.
   */
  onUpgrade(transport: Transport, rest: Uint8Array): void;
}

/** An offer to change protocol with the answer (RFC 9110 §7.8), made anew for each send. */
export interface UpgradeOffer {
  /** What the head says of it, `Connection` and `Upgrade` among them. */
  readonly fields: FieldLines;
  /** What is wrong with a 101 of these fields as an answer to this offer; undefined for nothing. */
  faultOf(fields: FieldLines): Error | undefined;
}

/** Makes the offer of one send, beside the request's own field lines. Throws `UsageError` for one of these that is the offer's. */
export type UpgradeMaker = (own: FieldLines) => UpgradeOffer;

/** What is to be sent: a checked head in latin1, and the body it announces. */
export interface LinkRequest {
  readonly method: string;
  readonly head: string;
  readonly payload: Payload | undefined;
  readonly chunked: boolean;
  /** The head has `Expect: 100-continue`: the body waits for 100, or for `sendHeldBody` (RFC 9110 §10.1.1). */
  readonly expectsContinue?: boolean;
  /** The head asks for another protocol, so that 101 may answer it. */
  readonly upgrade?: UpgradeOffer | undefined;
}
