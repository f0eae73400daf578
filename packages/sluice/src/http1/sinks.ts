/**
 * What the HTTP/1.1 readers tell their owner. Every call happens inside `feed`, `finish` or `resume`, before that
 * returns; a sink may call `pause()` on the reader, which takes effect before the next sink call, and never calls
 * `feed`. Pieces are *borrowed*: valid until the sink call returns, to be copied by whoever keeps them.
 */

/** Field lines as they stood on the wire: name, value, name, value …, order and case kept (RFC 9110 §5.2). */
export type FieldLines = readonly string[];

/** Body length of a head whose body is chunked (RFC 9112 §7.1). Non-negative lengths are exact. */
export const CHUNKED = -1;
/** Body length of a response that ends with the connection (RFC 9112 §6.3, rule 8). */
export const UNTIL_CLOSE = -2;

/** The message says the connection may carry another one after it (RFC 9112 §9.3). */
export const KEEP_ALIVE = 1;
/** `Expect: 100-continue` is there, and nothing else is expected (RFC 9110 §10.1.1). */
export const EXPECT_CONTINUE = 2;
/** `Expect` is there with something we do not know: 417. */
export const EXPECT_UNKNOWN = 4;
/** `Connection: upgrade` with an `Upgrade` field (RFC 9110 §7.8), or a 101 answer to it. */
export const UPGRADE = 8;

/** What both kinds of sink are told behind a head. */
export interface BodySink {
  onData(piece: Uint8Array): void;
  /** The message is complete. `trailers` is empty unless the body was chunked and had some. */
  onEnd(trailers: FieldLines): void;
}

/** Receives one side's requests; `flags` is a union of the constants above. */
export interface RequestSink extends BodySink {
  /**
   * A complete, valid request head. `version` is 10 or 11, `bodyLength` is exact or {@link CHUNKED}.
   * For CONNECT the reader pauses here, before `onEnd`: see `RequestReader`.
   */
  onHead(method: string, target: string, version: number, bodyLength: number, flags: number, fields: FieldLines): void;
}

/** Receives the answers to the requests announced with `ResponseReader.expect`. */
export interface ResponseSink extends BodySink {
  /** A 1xx other than 101 (RFC 9110 §15.2). */
  onInformational(status: number, reason: string, fields: FieldLines): void;
  /** A complete, valid final head. After 101, or 2xx to CONNECT, the reader stops: see `takeRest`. */
  onHead(status: number, reason: string, version: number, bodyLength: number, flags: number, fields: FieldLines): void;
}
