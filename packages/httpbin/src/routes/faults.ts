/** Servers on a bad day: for practising retries, throttling and broken connections. What is remembered of clients is bounded. */

import { type Application, ConnectionLostError, HttpError, type Reply, reply, type ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { ANY_METHOD } from "../methods.js";
import { countInQuery, secondsInQuery, valueInQuery } from "../numbers.js";
import { RecentMap } from "../recent-map.js";
import { originOf } from "../request-report.js";
import type { Service } from "../service.js";

const SECOND_MS = 1_000;
const DEFAULT_FAILURES = 2;
const DEFAULT_REQUESTS = 10;
/** A request this much too early is not refused: clients' timers are not better. */
const TOLERANCE_MS = 1;
/** Times are fractions of milliseconds, and differences of them are not exact: what is counted is rounded from here on. */
const ROUNDING = 1e-6;
/** Keys are kept, so their length is limited. */
const MAX_KEY_CHARS = 200;
const BROKEN_OFF_BYTES = 1_024;
/** Time for what was written to leave before the connection is broken off. */
const FLUSH_MS = 20;

/** `/flaky`, `/rate-limited`, `/close`. */
export function addFaultRoutes(app: Application, service: Service): void {
  const attempts = new RecentMap<number>(service.maxKeys);
  const fullAt = new RecentMap<number>(service.maxKeys);
  app.route(ANY_METHOD, "/flaky", (request) => replyFlakily(request, attempts));
  app.route(ANY_METHOD, "/rate-limited", (request) => replyAtRate(request, fullAt, service));
  app.get("/close", (request) => breakOff(request, service));
}

/** Fails the first `fail` requests of each `key`, and answers all that follow. */
function replyFlakily({ query }: ServerRequest, attempts: RecentMap<number>): Reply {
  const failures = countInQuery(query, "fail", DEFAULT_FAILURES);
  const status = countInQuery(query, "status", 503);
  if (status < 400 || status > 599) throw new HttpError(400, "Cannot use status: expected 400 to 599");
  const retryAfter = countInQuery(query, "retry_after", 0);
  const key = keyFrom(query, "");
  const attempt = (attempts.get(key) ?? 0) + 1;
  attempts.set(key, attempt);
  const failed = attempt <= failures;
  const headers = failed && retryAfter > 0 ? { "Retry-After": String(retryAfter) } : {};
  return jsonReply({ attempt, fail: failures, key, ok: !failed }, { status: failed ? status : 200, headers });
}

/**
 * Lets `requests` through in `per` seconds, all at once or evenly, and answers the others 429 with the whole seconds to wait. This is
 * a token bucket kept as one number a key, the time at which it will be full again: each request moves that on by one interval.
 */
function replyAtRate(request: ServerRequest, fullAt: RecentMap<number>, service: Service): Reply {
  const { query } = request;
  const requests = countInQuery(query, "requests", DEFAULT_REQUESTS);
  const perMs = secondsInQuery(query, "per", SECOND_MS);
  if (requests === 0 || perMs === 0) throw new HttpError(400, "Cannot limit: requests and per must be positive");
  const key = keyFrom(query, originOf(request));
  const bucket = `${requests}/${perMs}/${key}`;
  const now = service.now();
  const intervalMs = perMs / requests;
  const nextFullAt = Math.max(now, fullAt.get(bucket) ?? now) + intervalMs;
  const earlyMs = nextFullAt - perMs - now;
  if (earlyMs > TOLERANCE_MS) {
    const headers = { "Retry-After": String(Math.ceil(earlyMs / SECOND_MS - ROUNDING)) };
    return jsonReply({ key, limited: true, retry_after_ms: Math.ceil(earlyMs) }, { status: 429, headers });
  }
  fullAt.set(bucket, nextFullAt);
  const remaining = Math.max(0, Math.floor((now + perMs - nextFullAt) / intervalMs + ROUNDING));
  return jsonReply({ key, limited: false, remaining });
}

function keyFrom(query: URLSearchParams, fallback: string): string {
  const key = valueInQuery(query, "key") ?? fallback;
  if (key.length > MAX_KEY_CHARS) throw new HttpError(400, `Cannot use key: more than ${MAX_KEY_CHARS} characters`);
  return key;
}

/** How much of the body leaves before the connection ends. */
const SENT_BYTES: ReadonlyMap<string, number> = new Map([
  ["head", 0],
  ["body", 512],
  ["chunk", 512],
]);

/**
 * Ends the connection at a place where no server should: `head` right after the head of the answer, `body` within a body of known
 * length, `chunk` between two chunks.
 */
function breakOff(request: ServerRequest, service: Service): Reply {
  const at = valueInQuery(request.query, "at") ?? "body";
  const sentBytes = SENT_BYTES.get(at);
  if (sentBytes === undefined) throw new HttpError(400, "Cannot use at: expected head, body or chunk");
  const headers = at === "chunk" ? {} : { "Content-Length": String(BROKEN_OFF_BYTES) };
  // Otherwise what fails before its first piece would become an error's answer.
  return reply.stream(brokenOff(sentBytes, request.signal, service), { headers, headFirst: true });
}

async function* brokenOff(sentBytes: number, signal: AbortSignal, service: Service): AsyncGenerator<Uint8Array, void> {
  if (sentBytes > 0) yield Buffer.alloc(sentBytes, "*");
  await service.wait(FLUSH_MS, signal);
  // Of the kind that is not reported: it was asked for.
  throw new ConnectionLostError("httpbin/broken-off", "Cannot complete the answer: the client asked for a broken one");
}
