/**
 * A request's way: path → route → middleware → handler → reply.
 *
 * It takes the shortest way its handler allows: a handler that returns at once is answered at once, without a promise; one that
 * returns a promise costs one more. Middleware is composed round each route when either is registered. Whatever is thrown ends in one
 * place, `#fail`, as the answer it deserves; what is the server's own fault is reported.
 */

import { isThenable } from "../concurrency/thenable.js";
import { ConnectionLostError, RequestTimeoutError, UsageError } from "../errors.js";
import type { Responder } from "./exchange.js";
import { HttpError } from "./http-error.js";
import { publishRequest } from "./life/request-channels.js";
import { problemFor } from "./problem.js";
import type { Reply, ReplyPreparation } from "./reply.js";
import { announce, isAbandonedBy } from "./request/request-access.js";
import { pathOf, tryNormalisePath } from "./request/request-path.js";
import { ServerRequest } from "./request/server-request.js";
import type { Scope } from "./structure/scope.js";
import { toReply } from "./to-reply.js";

/** See the head of this file. */
export class Dispatcher {
  readonly #root: Scope;
  readonly #reported = new WeakSet<object>();

  constructor(root: Scope) {
    this.#root = root;
  }

  /** Answers an exchange; never throws or rejects. */
  readonly dispatch: Responder = (exchange) => {
    const received = pathOf(exchange.target);
    const path = tryNormalisePath(received);
    const destination = this.#root.table.find(exchange, path);
    const { step, scope, surroundings } = destination.value.handler;
    const request = new ServerRequest(exchange, surroundings, path ?? received, destination);
    publishRequest(request, scope.options.clock);
    try {
      const result = step(request);
      return isThenable(result) ? this.#settle(scope, request, result) : this.#finish(scope, request, result);
    } catch (error) {
      return this.#fail(scope, request, error);
    }
  };

  async #settle(scope: Scope, request: ServerRequest, result: PromiseLike<unknown>): Promise<Reply> {
    try {
      return this.#finish(scope, request, await result);
    } catch (error) {
      return this.#fail(scope, request, error);
    }
  }

  #finish(scope: Scope, request: ServerRequest, result: unknown): Reply | Promise<Reply> {
    const made = toReply(result, request, "handler");
    const { prepare } = made;
    return prepare === undefined
      ? this.#complete(scope, request, made)
      : this.#settle(scope, request, prepare(request));
  }

  #complete(scope: Scope, request: ServerRequest, made: Reply): Reply | Promise<Reply> {
    if (made.taken) {
      const route = `${request.method} ${request.route ?? request.path}`;
      throw new UsageError("reply/reused", `Cannot answer ${route}: this Reply has answered another request`);
    }
    made.taken = true;
    const { onTaken } = made;
    if (onTaken === undefined) return this.#announce(scope, request, made);
    return this.#ready(scope, request, made, onTaken);
  }

  #ready(scope: Scope, request: ServerRequest, made: Reply, onTaken: ReplyPreparation): Reply | Promise<Reply> {
    let preparing: ReturnType<ReplyPreparation>;
    try {
      preparing = onTaken(request);
    } catch (error) {
      giveUp(made, error);
      throw error;
    }
    return preparing === undefined
      ? this.#announce(scope, request, made)
      : this.#whenReady(scope, request, made, preparing);
  }

  async #whenReady(scope: Scope, request: ServerRequest, made: Reply, preparing: Promise<unknown>): Promise<Reply> {
    try {
      await preparing;
    } catch (error) {
      giveUp(made, error);
      return this.#fail(scope, request, error);
    }
    try {
      return this.#announce(scope, request, made);
    } catch (error) {
      return this.#fail(scope, request, error);
    }
  }

  #announce(scope: Scope, request: ServerRequest, made: Reply): Reply {
    try {
      announce(request, made);
    } catch (error) {
      made.discard();
      throw error;
    }
    // A connection that changes its protocol may last for hours: the listener, and the request with it, would be kept as long.
    if (made.successor !== undefined) return made;
    made.whenSent((_bodyBytes, error) => {
      if (error !== undefined) this.reportLate(error, request, scope);
    });
    return made;
  }

  #fail(scope: Scope, request: ServerRequest, error: unknown): Reply | Promise<Reply> {
    const failure = error instanceof HttpError ? error : new HttpError(500, undefined, { cause: error });
    if (failure.report && !isAbandonedBy(request, error)) scope.report(error, request);
    try {
      return this.#complete(scope, request, problemFor(request, failure));
    } catch (again) {
      // A beforeReply listener threw. It has been forgotten, so this ends.
      return this.#fail(scope, request, again);
    }
  }

  /**
   * Reports what nobody can be told by an answer any more, such as a broken one, once: the server has it too, and says so without
   * naming the request. The client's going away is no error.
   */
  reportLate(error: unknown, request?: ServerRequest, scope: Scope = this.#root): void {
    if (error instanceof ConnectionLostError || error instanceof RequestTimeoutError) return;
    if (request !== undefined && isAbandonedBy(request, error)) return;
    if (typeof error === "object" && error !== null) {
      if (this.#reported.has(error)) return;
      this.#reported.add(error);
    }
    scope.report(error, request);
  }
}

/** A reply that was to be the answer, and cannot: whoever waits for its end is told so. */
function giveUp(made: Reply, error: unknown): void {
  made.discard();
  made.onSent?.(0, error instanceof Error ? error : new Error(String(error)));
}
