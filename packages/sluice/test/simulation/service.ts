/** The servers of a simulation: each kind of answer, and trouble, that a client can meet. Every answer says whose it is. */

import type { Clock } from "../../src/concurrency/clock.js";
import { sleep } from "../../src/concurrency/sleep.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import type { Middleware } from "../../src/server/middleware-chain.js";
import type { Reply } from "../../src/server/reply.js";
import { type RedirectStatus, reply } from "../../src/server/reply-kinds.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import type { Dice } from "./dice.js";
import { bodyOf, type Witness } from "./witness.js";

export interface ServiceParts {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly witness: Witness;
  /** Origins to redirect to. */
  readonly origins: readonly string[];
}

const REDIRECTS: readonly RedirectStatus[] = [301, 302, 303, 307, 308];
const MAX_BODY_SIZE = 150_000;

export function makeService(parts: ServiceParts): Application {
  const { clock, dice, witness } = parts;
  const app = new Application({
    clock,
    maxBodySize: MAX_BODY_SIZE,
    keepAliveTimeout: dice.pick([10, 1_000, 75_000]),
    headersTimeout: dice.pick([500, 10_000]),
    receiveTimeout: dice.pick([5_000, 300_000]),
    sendTimeout: dice.pick([2_000, 60_000]),
    maxRequestsPerConnection: dice.pick([1, 3, 20, Number.POSITIVE_INFINITY]),
    maxConnections: dice.pick([2, 5, 100]),
    maxWaiting: dice.pick([0, 2, 100]),
    onError: () => undefined,
  });
  app.use(testify(witness));
  app.route(["GET", "HEAD"], "/plain/:size", (request) =>
    reply.bytes(bodyOf(idOf(request), Number(request.params.size))),
  );
  app.get("/stream/:size", (request) => reply.stream(pieces(request, Number(request.params.size), parts)));
  app.get("/cut/:size", (request) => reply.stream(cutShort(request, Number(request.params.size), parts)));
  app.route(["POST", "PUT", "PATCH"], "/echo", (request) => echo(request, parts));
  app.route(["POST", "PUT"], "/ignore", (request) => reply.bytes(bodyOf(idOf(request), 10)));
  app.route(["GET", "POST", "PUT"], "/flaky/:percent", (request) =>
    flaky(request, Number(request.params.percent), dice),
  );
  app.route(["GET", "POST"], "/slow/:ms", async (request) => {
    await sleep(Number(request.params.ms), { clock, signal: request.signal });
    return reply.bytes(bodyOf(idOf(request), 5));
  });
  app.route(["GET", "POST"], "/never", async (request) => {
    await sleep(Number.POSITIVE_INFINITY, { clock, signal: request.signal });
    return "never";
  });
  app.get("/close", (request) => reply.bytes(bodyOf(idOf(request), 20), { headers: { connection: "close" } }));
  app.route(["GET", "POST", "PUT"], "/redirect/:count", (request) => redirect(request, parts));
  return app;
}

/** Each request is accounted for, each answer marked; what a handler throws is answered here, so that it is marked too. */
function testify(witness: Witness): Middleware {
  return async (request, next) => {
    witness.accepted(idOf(request), request.method, request.target);
    let answer: Reply;
    try {
      answer = await next();
    } catch (error) {
      answer = reply.text("failed", { status: error instanceof HttpError ? error.status : 500 });
    }
    answer.headers.set("x-id", idOf(request));
    answer.whenSent(() => witness.answered());
    return answer;
  };
}

function idOf(request: ServerRequest): string {
  return request.query.get("id") ?? "nobody";
}

async function echo(request: ServerRequest, { witness, dice, clock }: ServiceParts): Promise<Reply> {
  const id = idOf(request);
  if (dice.chance(0.3)) {
    await sleep(dice.int(1, 2_000), { clock, signal: request.signal });
    witness.unread(id, request.body.bytesReceived);
  }
  const body = await request.bytes();
  if (!bodyOf(id, body.byteLength).equals(body)) witness.mismatch(id, "arrived with the body of another");
  return reply.bytes(body);
}

async function* pieces(
  request: ServerRequest,
  size: number,
  { clock, dice }: ServiceParts,
): AsyncGenerator<Uint8Array> {
  const body = bodyOf(idOf(request), size);
  for (let from = 0; from < size; ) {
    const to = from + dice.int(1, Math.max(1, Math.floor(size / 3)));
    yield body.subarray(from, to);
    from = to;
    if (dice.chance(0.3)) await sleep(dice.int(0, 500), { clock, signal: request.signal });
  }
}

async function* cutShort(request: ServerRequest, size: number, parts: ServiceParts): AsyncGenerator<Uint8Array> {
  yield* pieces(request, size, parts);
  throw new Error("The source broke");
}

function flaky(request: ServerRequest, percent: number, dice: Dice): Reply {
  const id = idOf(request);
  if (!dice.chance(percent / 100)) return reply.bytes(bodyOf(id, 30));
  const headers = dice.chance(0.3) ? { "retry-after": String(dice.int(0, 3)) } : {};
  return reply.text("not now", { status: dice.pick([429, 500, 503]), headers });
}

function redirect(request: ServerRequest<{ count: string }>, { dice, origins }: ServiceParts): Reply {
  const count = Number(request.params.count);
  const path = `${count > 0 ? `/redirect/${count - 1}` : "/plain/40"}?id=${idOf(request)}`;
  const target = dice.chance(0.5) ? path : `${dice.pick(origins)}${path}`;
  // What keeps the method must find a route for it.
  const keeps = request.method === "GET" || count > 0;
  return reply.redirect(target, { status: keeps ? dice.pick(REDIRECTS) : 303 });
}
