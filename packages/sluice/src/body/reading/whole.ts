/** Reading a body to its end in one go: to have all of it, or to be rid of it. */

import type { BodyFlow } from "../body-flow.js";
import { Collector, tooLarge } from "../collect.js";
import type { PieceQueue } from "../piece-queue.js";
import { failReader } from "./fail-reader.js";

/** What bounds and helps the collecting. */
export interface WholeLimits {
  /** Beyond this many bytes, after decoding, the body is cancelled. May be `Infinity`. */
  readonly maxBytes: number;
  /** Bytes on the wire as the message declares them. */
  readonly declaredLength: number | undefined;
}

/**
 * Takes in all of the body and gives what `convert` makes of it: one promise. A declared length above the limit is refused
 * without waiting for the bytes.
 */
export function collectWhole<T>(flow: BodyFlow, limits: WholeLimits, convert: (bytes: Uint8Array) => T): Promise<T> {
  const { maxBytes } = limits;
  // With a content coding, the length on the wire says nothing of the length to collect.
  const expected = flow.decoded ? undefined : limits.declaredLength;
  if (expected !== undefined && expected > maxBytes) {
    const error = tooLarge(expected, maxBytes);
    flow.cancel(error);
    return failReader(flow, error);
  }
  return new Promise((resolve) => {
    const collector = new Collector(maxBytes, expected);
    flow.divert({
      onPiece: (piece, borrowed) => collector.add(piece, borrowed),
      onEnd: () => {
        try {
          resolve(convert(collector.take()));
        } catch (error) {
          resolve(failReader(flow, error));
        }
      },
      onFail: (error) => resolve(failReader(flow, error)),
    });
  });
}

/** Drops what comes, undecoded; beyond `maxBytes` more the body is cancelled. Resolves at its end, whatever that is. */
export function dropRest(flow: BodyFlow, maxBytes: number): Promise<void> {
  flow.dropDecoder();
  return new Promise((resolve) => {
    let left = maxBytes;
    flow.divert({
      onPiece: (piece) => {
        left -= piece.byteLength;
        if (left < 0) flow.cancel(undefined);
      },
      onEnd: resolve,
      onFail: () => resolve(),
    });
  });
}

/** All of `pieces` as one; the only one as it is. Throws `ResponseTooLargeError` `body/too-large`. */
export function joinAll(pieces: PieceQueue, maxBytes: number): Uint8Array {
  if (pieces.byteLength > maxBytes) throw tooLarge(pieces.byteLength, maxBytes);
  const first = pieces.shift();
  if (first !== undefined && pieces.byteLength === 0) return first;
  const collector = new Collector(Number.POSITIVE_INFINITY, undefined);
  for (let piece = first; piece !== undefined; piece = pieces.shift()) collector.add(piece, false);
  return collector.take();
}
