/**
 * What becomes of requests, on channels of `node:diagnostics_channel`: for monitoring that knows nothing of the application, and that the
 * application knows nothing of. While nobody listens, a request costs a look at two flags.
 */

import type { Clock } from "../../concurrency/clock.js";
import { diagnosticsChannel } from "../../platform/diagnostics.js";
import type { ServerRequest } from "../request/server-request.js";
import type { ResponseSummary } from "./response-watch.js";

/** On `sluice:server:requestStart`: a request has a route, or none, and nobody has seen it yet. */
export interface RequestStartMessage {
  readonly request: ServerRequest;
}

/** On `sluice:server:requestEnd`: its answer is over, complete or not. */
export interface RequestEndMessage extends ResponseSummary {
  readonly request: ServerRequest;
}

/** On `sluice:server:requestError`: what `onError` is told of, too. */
export interface RequestErrorMessage {
  readonly error: unknown;
  /** Undefined where no request is to blame, such as when accepting connections fails. */
  readonly request: ServerRequest | undefined;
}

const started = diagnosticsChannel<RequestStartMessage>("sluice:server:requestStart");
const ended = diagnosticsChannel<RequestEndMessage>("sluice:server:requestEnd");
const failed = diagnosticsChannel<RequestErrorMessage>("sluice:server:requestError");

/** To be called for each request before anybody else sees it. */
export function publishRequest(request: ServerRequest, clock: Clock): void {
  if (ended.hasSubscribers) publishEnd(request, clock);
  if (started.hasSubscribers) started.publish({ request });
}

/** To be called for each error that is reported. */
export function publishError(error: unknown, request: ServerRequest | undefined): void {
  if (failed.hasSubscribers) failed.publish({ error, request });
}

function publishEnd(request: ServerRequest, clock: Clock): void {
  const startedAt = clock.now();
  request.beforeReply((reply) => {
    reply.whenSent((bodyBytes, error) => {
      const durationMs = clock.now() - startedAt;
      ended.publish({ request, status: reply.status, bodyBytes, durationMs, error });
    });
  });
}
