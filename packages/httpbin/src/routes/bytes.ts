/** Bodies of any size: random, or a predictable pattern to ask ranges of. */

import { randomFillSync } from "node:crypto";
import {
  type Application,
  formatContentRange,
  HttpError,
  parseByteRanges,
  type Reply,
  reply,
  type ServerRequest,
} from "sluice/server";
import { MersenneTwister } from "../mersenne-twister.js";
import { countInPath, countInQuery, secondsInQuery, valueInQuery } from "../numbers.js";
import { pacedPieces } from "../paced-pieces.js";
import type { Service } from "../service.js";

const KIB = 1024;
/** Up to this size a body is made as a whole, beyond it in pieces of this size. */
const PIECE_BYTES = 64 * KIB;
const DEFAULT_CHUNK_BYTES = 10 * KIB;
/** Smaller chunks than this number would need are made larger: each one costs a turn of the event loop. */
const MAX_CHUNKS = 65_536;
const SEED = /^-?[0-9]{1,15}$/;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz";
/** Read only: bodies of `/range` are cut out of it. */
const ALPHABETS = Buffer.from(ALPHABET.repeat(Math.ceil(PIECE_BYTES / ALPHABET.length) + 1));

/** `/bytes/:n`, `/stream-bytes/:n`, `/range/:n`. */
export function addByteRoutes(app: Application, service: Service): void {
  app.get("/bytes/:n", ({ params, query }) => {
    const size = Math.min(countInPath(params.n), service.maxBytes);
    const fill = fillerFor(query);
    if (size <= PIECE_BYTES) return reply.bytes(filled(size, fill));
    return reply.stream(randomPieces(size, PIECE_BYTES, fill), { headers: { "Content-Length": String(size) } });
  });
  app.get("/stream-bytes/:n", ({ params, query }) => {
    const size = Math.min(countInPath(params.n), service.maxBytes);
    return reply.stream(randomPieces(size, chunkBytes(query, size), fillerFor(query)));
  });
  app.get("/range/:n", (request) => replyWithRange(request, countInPath(request.params.n), service));
}

type Fill = (bytes: Uint8Array) => unknown;

/** With a seed the same bytes each time; without one, bytes that nobody can foresee. */
function fillerFor(query: URLSearchParams): Fill {
  const seed = valueInQuery(query, "seed");
  if (seed === undefined) return randomFillSync;
  if (!SEED.test(seed)) throw new HttpError(400, "Cannot use seed: expected a whole number of at most 15 digits");
  const twister = new MersenneTwister(Number(seed));
  return (bytes) => twister.fill(bytes);
}

function filled(size: number, fill: Fill): Uint8Array {
  const bytes = new Uint8Array(size);
  fill(bytes);
  return bytes;
}

async function* randomPieces(size: number, pieceBytes: number, fill: Fill): AsyncGenerator<Uint8Array, void> {
  for (let left = size; left > 0; left -= pieceBytes) yield filled(Math.min(left, pieceBytes), fill);
}

function chunkBytes(query: URLSearchParams, size: number): number {
  const wanted = countInQuery(query, "chunk_size", DEFAULT_CHUNK_BYTES);
  return Math.min(Math.max(1, wanted, Math.ceil(size / MAX_CHUNKS)), PIECE_BYTES);
}

/** RFC 9110 §14. The body is the alphabet over and over, so that each part of it can be told apart from its neighbours. */
function replyWithRange(request: ServerRequest<unknown>, size: number, service: Service): Reply {
  const headers = { ETag: `"range${size}"`, "Accept-Ranges": "bytes" };
  if (size === 0 || size > service.maxBytes) {
    throw new HttpError(404, `The number of bytes must be from 1 to ${service.maxBytes}`, { headers });
  }
  const ranges = parseByteRanges(request.headers.get("range") ?? undefined, size);
  if (ranges === "unsatisfiable") {
    return reply.empty({ status: 416, headers: { ...headers, "Content-Range": formatContentRange(undefined, size) } });
  }
  // As httpbin does: of several parts it sends none, but the whole.
  const [range = { first: 0, last: size - 1 }] = ranges?.length === 1 ? ranges : [];
  const { first, last } = range;
  const length = last + 1 - first;
  const perByteMs = Math.min(secondsInQuery(request.query, "duration", 0), service.maxDelay) / size;
  const pace = { size: length, pieceBytes: chunkBytes(request.query, length), durationMs: perByteMs * length };
  const make = (start: number, end: number): Uint8Array => alphabetPart(first + start, end - start);
  return reply.stream(pacedPieces(pace, make, service, request.signal), {
    status: length === size ? 200 : 206,
    headers: { ...headers, "Content-Length": String(length), "Content-Range": formatContentRange(range, size) },
  });
}

function alphabetPart(start: number, length: number): Uint8Array {
  const offset = start % ALPHABET.length;
  return ALPHABETS.subarray(offset, offset + length);
}
