/**
 * Looks at what a stream has ready before the head of its answer is written: a body that is all there is sent in one piece, with its
 * length; a stream that fails at once can still become a 500. Nothing is waited for: a stream whose first piece is not
 * ready is sent as it comes.
 */

import type { ReadableStream as WebReadableStream } from "node:stream/web";
import { type Payload, toPayload } from "../../body/payload.js";
import { SourcePayload } from "../../body/sending/source-payload.js";
import { type HalfRead, type Reading, ReadPieces } from "./read-pieces.js";

/** Bodies up to this many bytes are gathered; it is the size below which head and body leave in one write. */
const GATHERED_BYTES = 16 * 1024;
/** Pieces gathered: a body in memory is one. */
const MOST_PIECES = 4;
/** Steps of the microtask queue that a ready piece, or end, of the platform's own streams may take. */
const STEPS = 8;

/** The payload of `stream`, which is locked from now on. Rejects with what the stream fails with at once. */
export async function readAhead(stream: WebReadableStream<unknown>): Promise<Payload> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  for (;;) {
    const reading = reader.read();
    const read = await soon(reading);
    if (read?.done === true) return toPayload(Buffer.concat(pieces));
    // What is no piece of bytes fails where pieces are checked, with the error for it.
    if (!(read?.value instanceof Uint8Array)) return rest({ stream, reader, pieces, reading });
    pieces.push(read.value);
    byteCount += read.value.byteLength;
    if (byteCount > GATHERED_BYTES || pieces.length >= MOST_PIECES)
      return rest({ stream, reader, pieces, reading: undefined });
  }
}

/**
 * Pieces that can be released without having been asked for: the source of a payload is discarded first, and ends its iteration
 * afterwards.
 */
function rest(from: HalfRead): Payload {
  const pieces = new ReadPieces(from);
  return new SourcePayload({
    length: undefined,
    contentType: undefined,
    replayable: false,
    open: () => pieces,
    discard: () => {
      pieces.return().catch(() => undefined);
    },
  });
}

/** Undefined: not ready. */
async function soon(reading: Reading): Promise<Awaited<Reading> | undefined> {
  let settled: Awaited<Reading> | undefined;
  let failure: { readonly error: unknown } | undefined;
  reading.then(
    (read) => {
      settled = read;
    },
    (error: unknown) => {
      failure = { error };
    },
  );
  for (let step = 0; step < STEPS && settled === undefined && failure === undefined; step += 1) await undefined;
  if (failure !== undefined) throw failure.error;
  return settled;
}
