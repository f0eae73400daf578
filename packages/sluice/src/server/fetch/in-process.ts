/** One request through a responder, without a wire. */

import { UsageError } from "../../errors.js";
import type { Responder } from "../exchange.js";
import { responseFrom } from "./reply-response.js";
import { RequestExchange } from "./request-exchange.js";

/**
 * Rejects with the reason of the request's signal, with `UsageError` `fetch/request` for what is no `Request`, or has been read, and for
 * nothing else: errors are answers.
 */
export async function fetchInProcess(responder: Responder, request: Request): Promise<Response> {
  assertRequest(request);
  request.signal.throwIfAborted();
  const exchange = new RequestExchange(request);
  try {
    const reply = await exchange.unlessAborted(responder(exchange));
    return responseFrom(reply, exchange);
  } catch (error) {
    exchange.end();
    throw error;
  }
}

function assertRequest(request: unknown): void {
  if (!(request instanceof Request)) {
    const kind = Object.prototype.toString.call(request).slice("[object ".length, -1);
    throw new UsageError("fetch/request", `Cannot fetch from the application: expected a Request, received ${kind}`);
  }
  if (request.bodyUsed || request.body?.locked === true) {
    throw new UsageError(
      "fetch/request",
      "Cannot fetch from the application: the Request's body was read, or is locked",
    );
  }
}
