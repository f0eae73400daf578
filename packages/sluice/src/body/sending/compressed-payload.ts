/**
 * A payload in a content coding (RFC 9110 §8.4). What is small and in memory is coded at once and keeps a length; everything
 * else is coded while it is sent, on another thread, one piece at a time.
 */

import type { ContentCoding, ContentEncoder } from "../content-coding.js";
import type { Payload } from "../payload.js";
import { CompressedPieces } from "./compressed-pieces.js";
import { WholePayload } from "./whole-payload.js";

/** Coding this much takes about as long as one round through a thread. */
const AT_ONCE_BYTES = 64 * 1024;

/** The payload as `encoder` codes it. */
export function compressedPayload(payload: Payload, encoder: ContentEncoder): Payload {
  const { whole, length } = payload;
  if (whole === undefined || length === undefined || length > AT_ONCE_BYTES) {
    return new CompressedPayload(payload, encoder);
  }
  const bytes = typeof whole === "string" ? Buffer.from(whole, "utf8") : whole;
  const { contentType, ownsType = false } = payload;
  return new WholePayload(encoder.encodeAtOnce(bytes), contentType, { contentEncoding: encoder.coding, ownsType });
}

class CompressedPayload implements Payload {
  readonly length = undefined;
  readonly whole = undefined;
  readonly #payload: Payload;
  readonly #encoder: ContentEncoder;

  constructor(payload: Payload, encoder: ContentEncoder) {
    this.#payload = payload;
    this.#encoder = encoder;
  }

  get contentType(): string | undefined {
    return this.#payload.contentType;
  }

  get contentEncoding(): ContentCoding {
    return this.#encoder.coding;
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

  open(): AsyncIterableIterator<Uint8Array, undefined> {
    return new CompressedPieces(this.#payload.open()[Symbol.asyncIterator](), this.#encoder.open());
  }

  discard(): void {
    this.#payload.discard();
  }
}
