/**
 * A fetch-style application as a responder: request in, handler, response out. A handler that returns at once, with a body in memory,
 * is answered at once, without a promise.
 */

import { isThenable } from "../../concurrency/thenable.js";
import { ConnectionLostError, RequestTimeoutError } from "../../errors.js";
import { randomId } from "../../platform/random.js";
import type { Responder, ServerExchange } from "../exchange.js";
import { findField } from "../field-lookup.js";
import { isResponse } from "../from-response.js";
import { HttpError } from "../http-error.js";
import { problemReply } from "../problem.js";
import type { Reply } from "../reply.js";
import { pathOf } from "../request/request-path.js";
import type { ClientView, ProxyTrust } from "../trust-proxy.js";
import { answerLight, answerResponse } from "./answer-response.js";
import { type Afterwards, FetchContext } from "./fetch-context.js";
import type { FetchHandler } from "./fetch-handler.js";
import { fetchUrl } from "./fetch-url.js";
import { LightResponse } from "./light-response.js";
import { ServedRequest, servesAsNative } from "./served-request.js";

/** What a responder needs besides the handler. */
export interface FetchResponderSettings {
  readonly maxBodySize: number;
  readonly trust: ProxyTrust | undefined;
  /** The globals are light ones, which know ours: it need not be native where the platform cannot tell. */
  readonly lightweightGlobals: boolean;
  readonly afterwards: Afterwards;
  /** Told of what ended as a 5xx. */
  onError(error: unknown, request: Request | undefined): void;
}

/** Looked up first: it is nearly always one of them. */
const USUAL_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Methods that no `Request` can have (Fetch §2.2.1 "forbidden method"). */
const FORBIDDEN_METHOD = /^(?:connect|trace|track)$/i;

/** See the head of this file. */
export class FetchResponder {
  readonly #handler: FetchHandler;
  readonly #settings: FetchResponderSettings;

  constructor(handler: FetchHandler, settings: FetchResponderSettings) {
    this.#handler = handler;
    this.#settings = settings;
  }

  /** Answers an exchange; never throws or rejects. */
  readonly respond: Responder = (exchange) => {
    let request: Request | undefined;
    try {
      const { trust, afterwards } = this.#settings;
      const view = trust?.view(exchange.peer().remoteAddress, exchange.fields);
      request = this.#request(exchange, view);
      const context = new FetchContext(exchange, view, afterwards);
      const result: unknown = this.#handler(request, context, context);
      const answer = isThenable(result) ? undefined : answerOf(result, exchange);
      if (answer !== undefined && !(answer instanceof Promise)) return answer;
      return this.#settle(exchange, request, answer ?? answerLater(result, exchange));
    } catch (error) {
      return this.#fail(exchange, request, error);
    }
  };

  /** The request of an exchange again, for a report about it; undefined if it never became one. */
  requestOf(exchange: ServerExchange): Request | undefined {
    try {
      return this.#request(exchange, this.#settings.trust?.view(exchange.peer().remoteAddress, exchange.fields));
    } catch (error) {
      if (error instanceof HttpError) return undefined;
      throw error;
    }
  }

  async #settle(exchange: ServerExchange, request: Request, answer: Promise<Reply>): Promise<Reply> {
    try {
      return await answer;
    } catch (error) {
      return this.#fail(exchange, request, error);
    }
  }

  #request(exchange: ServerExchange, view: ClientView | undefined): Request {
    if (!USUAL_METHODS.has(exchange.method) && FORBIDDEN_METHOD.test(exchange.method)) {
      const message = `This server does not do ${exchange.method}`;
      throw new HttpError(501, message, { expose: true, report: false });
    }
    const { maxBodySize, lightweightGlobals } = this.#settings;
    const served = new ServedRequest(exchange, fetchUrl(exchange, view), maxBodySize);
    // Its prototype chain says so.
    const request = served as unknown as Request;
    return servesAsNative || lightweightGlobals ? request : ServedRequest.nativeOf(request);
  }

  #fail(exchange: ServerExchange, request: Request | undefined, error: unknown): Reply {
    const failure = error instanceof HttpError ? error : new HttpError(500, undefined, { cause: error });
    if (failure.report && !isEchoOfLeaving(error, exchange)) this.#settings.onError(error, request);
    return problemReply(failure, findField(exchange.fields, "accept"), randomId);
  }
}

/** Whether `error` says no more than that the client has gone away, or is too slow: its own doing, and nobody's fault here. */
export function isEchoOfLeaving(error: unknown, exchange: ServerExchange | undefined): boolean {
  if (error instanceof ConnectionLostError || error instanceof RequestTimeoutError) return true;
  if (error instanceof TypeError && error.cause instanceof ConnectionLostError) return true;
  return exchange?.signal.aborted === true && error === exchange.signal.reason;
}

/** Throws, or rejects with, `HttpError` 500 `reply/unusable` for what is no response, or else as {@link answerResponse} does. */
function answerOf(result: unknown, exchange: ServerExchange): Reply | Promise<Reply> {
  if (typeof result === "object" && result !== null) {
    const bodiless = exchange.method === "HEAD";
    const light = LightResponse.answerOf(result);
    if (light !== undefined) return answerLight(light, bodiless);
    if (isResponse(result)) return answerResponse(result, bodiless);
  }
  const returned = result === undefined ? "undefined" : result === null ? "null" : `a ${describe(result)}`;
  const message = `The handler of ${exchange.method} ${pathOf(exchange.target)} returned ${returned}: return a Response`;
  throw new HttpError(500, message, { code: "reply/unusable", expose: true });
}

async function answerLater(pending: unknown, exchange: ServerExchange): Promise<Reply> {
  return answerOf(await pending, exchange);
}

function describe(result: unknown): string {
  return Object.prototype.toString.call(result).slice("[object ".length, -1);
}
