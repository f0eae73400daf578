/** Answers that take their time. A client that goes away ends the waiting. */

import { type Application, HttpError, reply, type ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { ANY_METHOD } from "../methods.js";
import { countInQuery, secondsInPath, secondsInQuery } from "../numbers.js";
import { pacedPieces } from "../paced-pieces.js";
import { reportWhole } from "../request-report.js";
import type { Service } from "../service.js";

const SECOND_MS = 1_000;
const DEFAULT_SIZE = 10;
const DEFAULT_DURATION_MS = 2 * SECOND_MS;
const SLOW_DELAY_MS = 2 * SECOND_MS;
/** Pieces of a drip are at least so far apart, and at most so large. */
const LEAST_INTERVAL_MS = 10;
const LARGEST_PIECE_BYTES = 64 * 1024;
const DROP = "*";

/** `/delay/:n`, `/drip`, `/slow`. */
export function addTimedRoutes(app: Application, service: Service): void {
  app.route(ANY_METHOD, "/delay/:n", async (request) => {
    const delayMs = Math.min(secondsInPath(request.params.n), service.maxDelay);
    const { json: _json, ...report } = await reportWhole(request);
    await service.wait(delayMs, request.signal);
    return jsonReply(report);
  });
  app.get("/drip", (request) => drip(request, 0, service));
  app.get("/slow", (request) => drip(request, SLOW_DELAY_MS, service));
}

/** `numbytes` stars over `duration` seconds, the first one after `delay` seconds together with the head. */
async function drip(request: ServerRequest, defaultDelayMs: number, service: Service) {
  const { query, signal } = request;
  const size = Math.min(countInQuery(query, "numbytes", DEFAULT_SIZE), service.maxBytes);
  if (size === 0) throw new HttpError(400, "Cannot drip 0 bytes: the number of bytes must be positive");
  const status = countInQuery(query, "code", 200);
  if (status < 200 || status > 599) throw new HttpError(400, "Cannot use code: expected 200 to 599");
  const durationMs = Math.min(secondsInQuery(query, "duration", DEFAULT_DURATION_MS), service.maxDelay);
  const delayMs = Math.min(secondsInQuery(query, "delay", defaultDelayMs), service.maxDelay);
  if (delayMs > 0) await service.wait(delayMs, signal);
  const pace = { size, pieceBytes: dropBytes(size, durationMs), durationMs };
  const make = (start: number, end: number): Uint8Array => Buffer.alloc(end - start, DROP);
  return reply.stream(pacedPieces(pace, make, service, signal), {
    status,
    headers: { "Content-Length": String(size) },
  });
}

/** One byte at a time, unless that would be too often. */
function dropBytes(size: number, durationMs: number): number {
  const drops = Math.max(1, Math.floor(durationMs / LEAST_INTERVAL_MS));
  return Math.min(Math.ceil(size / drops), LARGEST_PIECE_BYTES);
}
