/** A payload with fields behind it (RFC 9110 §6.5): always sent in chunks, because only those leave room for a trailer section. */

import type { ContentCoding } from "../content-coding.js";
import type { Payload, PayloadTrailers } from "../payload.js";

/** The same payload, of unknown length, with trailers. */
export class TrailedPayload implements Payload {
  readonly length = undefined;
  readonly whole = undefined;
  readonly trailers: PayloadTrailers;
  readonly #payload: Payload;

  constructor(payload: Payload, trailers: PayloadTrailers) {
    this.#payload = payload;
    this.trailers = trailers;
  }

  /** The same without trailers. */
  get plain(): Payload {
    return this.#payload;
  }

  get contentType(): string | undefined {
    return this.#payload.contentType;
  }

  get contentEncoding(): ContentCoding | undefined {
    return this.#payload.contentEncoding;
  }

  get ownsType(): boolean | undefined {
    return this.#payload.ownsType;
  }

  get replayable(): boolean {
    return this.#payload.replayable;
  }

  get untouched(): boolean {
    return this.#payload.untouched === true;
  }

  open(): AsyncIterable<Uint8Array> {
    return this.#payload.open();
  }

  discard(): void {
    this.#payload.discard();
  }

  endSoon(): void {
    this.#payload.endSoon?.();
  }
}
