/**
 * A payload in a content coding (RFC 9110 §8.4). What is small and in memory is coded at once and keeps a length; everything
 * else is coded while it is sent, on another thread, one piece at a time.
 */

import type { ContentCoding, ContentEncoder } from "../content-coding.js";
import type { Payload } from "../payload.js";
import { CompressedPieces } from "./compressed-pieces.js";
import { TrailedPayload } from "./trailed-payload.js";
import { WholePayload } from "./whole-payload.js";

/** How a payload is compressed. */
export interface CompressOptions {
  /** Most bytes that are coded at once, in memory, while everything else waits. @default 65_536 */
  readonly atOnceBytes?: number;
  /** Whether what a source has given leaves when it pauses, rather than when there is enough of it. @default false */
  readonly flushOnPause?: boolean;
}

/** Coding this much takes about as long as one round through a thread. */
const AT_ONCE_BYTES = 64 * 1024;

/** The payload as `encoder` codes it. */
export function compressedPayload(payload: Payload, encoder: ContentEncoder, options: CompressOptions = {}): Payload {
  if (payload.trailers !== undefined && payload.plain !== undefined) {
    return new TrailedPayload(compressedPayload(payload.plain, encoder, options), payload.trailers);
  }
  const { whole, length, trailers } = payload;
  const { atOnceBytes = AT_ONCE_BYTES, flushOnPause = false } = options;
  if (whole === undefined || length === undefined || length > atOnceBytes) {
    const compressed = new CompressedPayload(payload, encoder, flushOnPause);
    return trailers === undefined ? compressed : new TrailedPayload(compressed, trailers);
  }
  const { contentType, ownsType = false } = payload;
  return new WholePayload(encoder.encodeAtOnce(bytesOf(whole)), contentType, {
    contentEncoding: encoder.coding,
    ownsType,
  });
}

/** What is in memory, coded on another thread. */
export async function compressedWhole(whole: Uint8Array | string, encoder: ContentEncoder): Promise<Payload> {
  return new WholePayload(await encoder.encode(bytesOf(whole)), undefined, { contentEncoding: encoder.coding });
}

function bytesOf(whole: Uint8Array | string): Uint8Array {
  return typeof whole === "string" ? Buffer.from(whole, "utf8") : whole;
}

class CompressedPayload implements Payload {
  readonly length = undefined;
  readonly whole = undefined;
  readonly #payload: Payload;
  readonly #encoder: ContentEncoder;
  readonly #flushOnPause: boolean;

  constructor(payload: Payload, encoder: ContentEncoder, flushOnPause: boolean) {
    this.#payload = payload;
    this.#encoder = encoder;
    this.#flushOnPause = flushOnPause;
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
    const stream = this.#encoder.open();
    const flush = this.#flushOnPause ? () => this.#encoder.flush(stream) : undefined;
    return new CompressedPieces(this.#payload.open()[Symbol.asyncIterator](), stream, flush);
  }

  discard(): void {
    this.#payload.discard();
  }

  endSoon(): void {
    this.#payload.endSoon?.();
  }
}
