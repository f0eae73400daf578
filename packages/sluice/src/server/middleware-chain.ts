/**
 * Middleware round a handler: the first is the outermost, as on the client. Composed once, when it is registered; a request
 * pays one closure for each middleware and nothing when there is none.
 */

import { UsageError } from "../errors.js";
import type { Reply } from "./reply.js";
import type { ServerRequest } from "./request/server-request.js";
import { type HandlerResult, toReply } from "./to-reply.js";

/** Goes on to the next middleware or the handler. Rejects with what that threw; a 404 or 405 is a reply like any other. */
export type Next = () => Promise<Reply>;

/** Stands between requests and handlers. It returns what `next` gave, changed or not, or anything else a handler may return. */
export type Middleware = (request: ServerRequest, next: Next) => HandlerResult | Promise<HandlerResult>;

/** Answers requests; `Params` are the parameters of its route's path. */
export type Handler<Params = Readonly<Record<string, string>>> = (
  request: ServerRequest<Params>,
) => HandlerResult | Promise<HandlerResult>;

/** A handler, with or without middleware round it, before anybody has looked at what it returns. */
export type Step = (request: ServerRequest) => unknown;

/** Puts `middleware` round `innermost`; without any, that is `innermost` itself. */
export function compose(middleware: readonly Middleware[], innermost: Step): Step {
  return middleware.reduceRight<Step>((inner, outer) => (request) => runMiddleware(outer, request, inner), innermost);
}

async function runMiddleware(middleware: Middleware, request: ServerRequest, inner: Step): Promise<Reply> {
  let called = false;
  let given: Reply | undefined;
  const next = async (): Promise<Reply> => {
    if (called) throw new UsageError("middleware/next-twice", "Cannot go on: this middleware has called next() before");
    called = true;
    given = await prepared(toReply(await inner(request), request, "handler"), request);
    return given;
  };
  try {
    return await prepared(toReply(await middleware(request, next), request, "middleware"), request);
  } catch (error) {
    // Nobody has the reply any more; a file that it holds open is to be closed.
    given?.discard();
    throw error;
  }
}

function prepared(reply: Reply, request: ServerRequest): Reply | Promise<Reply> {
  return reply.prepare === undefined ? reply : reply.prepare(request);
}
