/** A body that is sent at a leisurely pace: pieces at even intervals, however long the sending of each takes. */

import type { Service } from "./service.js";

/** How a body is cut and timed. */
export interface Pace {
  /** Bytes of the whole body. */
  readonly size: number;
  /** Bytes of each piece but the last; at least 1. */
  readonly pieceBytes: number;
  /** Milliseconds the whole body is meant to take. The last piece leaves one interval before their end. */
  readonly durationMs: number;
}

/** The bytes from `start` to before `end` of a body. */
export type MakePiece = (start: number, end: number) => Uint8Array;

/** Ends with the signal's reason when the client goes away. */
export async function* pacedPieces(
  pace: Pace,
  make: MakePiece,
  service: Service,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const { size, pieceBytes, durationMs } = pace;
  const begun = service.now();
  for (let start = 0; start < size; start += pieceBytes) {
    const due = begun + (durationMs * start) / size;
    const early = due - service.now();
    if (early > 0) await service.wait(early, signal);
    yield make(start, Math.min(size, start + pieceBytes));
  }
}
