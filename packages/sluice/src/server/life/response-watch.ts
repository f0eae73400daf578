/** Tells those who registered with `onResponse` what became of each answer. */

import type { Clock } from "../../concurrency/clock.js";
import type { ServerRequest } from "../request/server-request.js";
import type { Scope } from "../structure/scope.js";

/** What became of an answer. */
export interface ResponseSummary {
  readonly status: number;
  /** Bytes of the body that were handed to the transport, after content coding, without framing. */
  readonly bodyBytes: number;
  /** Milliseconds from the request's head to the answer's end. */
  readonly durationMs: number;
  /** Why the answer is incomplete; undefined when all of it was sent. */
  readonly error: Error | undefined;
}

/** Told of an answer when it is over. What it throws, or rejects with, goes to the application's `onError`. */
export type ResponseListener = (request: ServerRequest, response: ResponseSummary) => unknown;

/** What is to be called when a request begins. */
export function responseWatcher(scope: Scope, clock: Clock): (request: ServerRequest) => void {
  const { responseListeners: listeners } = scope;
  return (request) => {
    const startedAt = clock.now();
    request.beforeReply((reply) => {
      reply.whenSent((bodyBytes, error) => {
        const durationMs = clock.now() - startedAt;
        const summary: ResponseSummary = { status: reply.status, bodyBytes, durationMs, error };
        for (const listener of listeners) tell(scope, listener, request, summary);
      });
    });
  };
}

function tell(scope: Scope, listener: ResponseListener, request: ServerRequest, summary: ResponseSummary): void {
  try {
    const result = listener(request, summary);
    if (result instanceof Promise) result.catch((error: unknown) => scope.report(error, request));
  } catch (error) {
    scope.report(error, request);
  }
}
