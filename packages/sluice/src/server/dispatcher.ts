/**
 * A request's way: path → route → middleware → handler → reply.
 *
 * It takes the shortest way its handler allows: a handler that returns at once is answered at once, without a promise; one that
 * returns a promise costs one more. Middleware is composed round each route when either is registered. Whatever is thrown ends in one
 * place, `#fail`, as the answer it deserves; what is the server's own fault is reported.
 */

import { ConnectionLostError, RequestTimeoutError, UsageError } from "../errors.js";
import { report, reportToStandardError } from "./error-report.js";
import type { Responder } from "./exchange.js";
import { HttpError } from "./http-error.js";
import { compose, type Middleware, type Step } from "./middleware-chain.js";
import type { ResolvedApplicationOptions } from "./options.js";
import { problemReply } from "./problem.js";
import type { Reply } from "./reply.js";
import { reply } from "./reply-kinds.js";
import { normalisePath, pathOf, tryNormalisePath } from "./request/request-path.js";
import { type RequestSurroundings, ServerRequest } from "./request/server-request.js";
import { Router } from "./router.js";
import type { ServerWatch } from "./server-watch.js";
import { toReply } from "./to-reply.js";

/** A route's handler in its own middleware, and in the application's as well. */
interface Entry {
  readonly own: Step;
  whole: Step;
}

/** See the head of this file. */
export class Dispatcher {
  readonly #options: ResolvedApplicationOptions;
  readonly #surroundings: RequestSurroundings;
  readonly #router = new Router<Entry>();
  readonly #entries: Entry[] = [];
  readonly #middleware: Middleware[] = [];
  /** Where requests go that no route takes: middleware sees them, too. */
  readonly #unrouted: Entry;
  readonly #reported = new WeakSet<object>();
  readonly #watches = new Set<ServerWatch>();

  constructor(options: ResolvedApplicationOptions, surroundings: RequestSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#unrouted = this.#enter((request) => this.#answerUnrouted(request));
  }

  /** Adds middleware inside what was there before, for all routes, those registered earlier included. */
  use(middleware: readonly Middleware[]): void {
    this.#middleware.push(...middleware);
    for (const entry of this.#entries) entry.whole = compose(this.#middleware, entry.own);
  }

  /** Registers a route; throws as {@link Router.add} does. */
  route(method: string, path: string, middleware: readonly Middleware[], handler: Step): void {
    this.#router.add(method, path, this.#enter(compose(middleware, handler)));
  }

  /** Has `watch` told of errors, until what this returns is called. */
  watch(watch: ServerWatch): () => void {
    this.#watches.add(watch);
    return () => void this.#watches.delete(watch);
  }

  /** Answers an exchange; never throws or rejects. */
  readonly dispatch: Responder = (exchange) => {
    const received = pathOf(exchange.target);
    const path = tryNormalisePath(received);
    const match = path === undefined ? undefined : this.#router.find(exchange.method, path);
    const request = new ServerRequest(exchange, this.#surroundings, path ?? received, match);
    const { accessLog } = this.#options;
    if (accessLog !== undefined) request.beforeReply(accessLog.watch(request));
    try {
      const result = (match === undefined ? this.#unrouted : match.value.handler).whole(request);
      return isThenable(result) ? this.#settle(request, result) : this.#finish(request, result);
    } catch (error) {
      return this.#fail(request, error);
    }
  };

  async #settle(request: ServerRequest, result: PromiseLike<unknown>): Promise<Reply> {
    try {
      return this.#finish(request, await result);
    } catch (error) {
      return this.#fail(request, error);
    }
  }

  #finish(request: ServerRequest, result: unknown): Reply {
    const made = toReply(result, request, "handler");
    if (made.taken) {
      const route = `${request.method} ${request.route ?? request.path}`;
      throw new UsageError("reply/reused", `Cannot answer ${route}: this Reply has answered another request`);
    }
    made.taken = true;
    try {
      ServerRequest.announce(request, made);
    } catch (error) {
      made.discard();
      throw error;
    }
    made.whenSent((_bodyBytes, error) => {
      if (error !== undefined) this.reportLate(error, request);
    });
    return made;
  }

  #fail(request: ServerRequest, error: unknown): Reply {
    const failure = error instanceof HttpError ? error : new HttpError(500, undefined, { cause: error });
    if (failure.status >= 500 && !ServerRequest.isAbandonedBy(request, error)) {
      this.#report(error, request);
    }
    try {
      return this.#finish(request, this.#problem(request, failure));
    } catch (again) {
      // A beforeReply listener threw. It has been forgotten, so this ends.
      return this.#fail(request, again);
    }
  }

  /**
   * Reports what nobody can be told by an answer any more, such as a broken one, once: the server has it too, and says so without
   * naming the request. The client's going away is no error.
   */
  reportLate(error: unknown, request?: ServerRequest): void {
    if (error instanceof ConnectionLostError || error instanceof RequestTimeoutError) return;
    if (request !== undefined && ServerRequest.isAbandonedBy(request, error)) return;
    if (typeof error === "object" && error !== null) {
      if (this.#reported.has(error)) return;
      this.#reported.add(error);
    }
    this.#report(error, request);
  }

  #report(error: unknown, request: ServerRequest | undefined): void {
    const { onError } = this.#options;
    const exchange = request === undefined ? undefined : ServerRequest.exchangeOf(request);
    let watched = false;
    for (const watch of this.#watches) {
      if (exchange !== undefined && !watch.watches(exchange)) continue;
      watched = true;
      watch.onError(error, exchange);
    }
    if (!watched || onError !== reportToStandardError) report(onError, error, request);
  }

  #answerUnrouted(request: ServerRequest): Reply {
    const { method } = request;
    try {
      const path = normalisePath(request.path);
      const allowed = path.startsWith("/") || path === "*" ? this.#router.allowed(path) : undefined;
      if (allowed === undefined) throw new HttpError(501, `This server does not do ${method}`, { expose: true });
      if (allowed.length === 0) throw new HttpError(404, "There is nothing at this path");
      const headers = { Allow: allowed.join(", ") };
      if (method === "OPTIONS") return reply.empty({ headers });
      throw new HttpError(405, `This path does not take ${method}`, { headers });
    } catch (error) {
      if (error instanceof HttpError) return this.#problem(request, error);
      throw error;
    }
  }

  #problem(request: ServerRequest, error: HttpError): Reply {
    return problemReply(error, request.headers.get("accept") ?? undefined, () => request.id);
  }

  #enter(own: Step): Entry {
    const entry = { own, whole: compose(this.#middleware, own) };
    this.#entries.push(entry);
    return entry;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
