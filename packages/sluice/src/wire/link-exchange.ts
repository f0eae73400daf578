/** What a client's link and the exchange on it have to do with each other: the request that goes out, the events that come back. */
import type { Payload } from "../body/payload.js";
import type { FieldLines } from "../http1/sinks.js";

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
}

/** What is to be sent: a checked head in latin1, and the body it announces. */
export interface LinkRequest {
  readonly method: string;
  readonly head: string;
  readonly payload: Payload | undefined;
  readonly chunked: boolean;
  /** The head has `Expect: 100-continue`: the body waits for 100, or for `sendHeldBody` (RFC 9110 §10.1.1). */
  readonly expectsContinue?: boolean;
}
