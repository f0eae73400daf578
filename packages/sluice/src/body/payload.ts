/**
 * What is to be sent as a message body, in the one form that both the client's requests and the server's replies take.
 * A payload says how long it is (if that is known), what it is, and gives its bytes once, or as often as asked if it can.
 */
export interface Payload {
  /** Exact bytes, or undefined: chunked (or until close, to HTTP/1.0). */
  readonly length: number | undefined;
  /** `Content-Type` to send when the caller gave none. */
  readonly contentType: string | undefined;
  /** Whether `open` may be called again for a retry or a redirect that keeps the body. */
  readonly replayable: boolean;
  /** The whole body when it is in memory already: small ones leave in one write with the head. A string is UTF-8. */
  readonly whole: Uint8Array | string | undefined;
  /** The pieces, pulled one at a time. Ending the iteration early releases the source. */
  open(): AsyncIterable<Uint8Array>;
  /** Releases a source that will never be opened. */
  discard(): void;
}
