/**
 * The fixed way of a request from the session to the wire:
 *
 *   middleware … → retry → redirects → hopMiddleware … → throttle → auth → cookies → connector
 *
 * Chains are folded once per session. A session without middleware has no chain at all: the request goes to the connector in the
 * same turn, and redirects are looked at when the answer is there.
 */
import { onAbort } from "../concurrency/abort.js";
import { describeError, SluiceError, UsageError } from "../errors.js";
import type { FieldLines } from "../http1/sinks.js";
import { proxyAuthenticationRequired } from "../wire/connect-tunnel.js";
import type { CookieJar } from "./cookie-jar.js";
import { Exchange } from "./exchange.js";
import type { ExchangePool } from "./exchange-pool.js";
import { sendExpecting } from "./expect-continue.js";
import { findField, hasField } from "./field-lines.js";
import { type ClientMiddleware, compose, type Next } from "./middleware.js";
import type { Router } from "./proxy/router.js";
import { followFrom, isRedirect, sendFollowing } from "./redirects.js";
import type { ClientRequest } from "./request.js";
import { cookieUrl, withJarCookies } from "./request-cookies.js";
import type { RequestHeadWriter } from "./request-head.js";
import type { RequestScope } from "./request-scope.js";
import type { ClientResponse } from "./response.js";

/** What a pipeline is put together from. */
export interface PipelineParts {
  readonly pool: ExchangePool;
  readonly heads: RequestHeadWriter;
  readonly jar: CookieJar | undefined;
  /** Outermost first; retry, if any, is its last. */
  readonly requestStage: readonly ClientMiddleware[];
  /** Outermost first; throttle and auth, if any, are its last. */
  readonly hopStage: readonly ClientMiddleware[];
}

/** One session's way to the wire, or that of a request with middleware of its own. */
export class Pipeline {
  /** Whether anything is on the way that might not notice a cancellation by itself. */
  readonly hasMiddleware: boolean;
  readonly #pool: ExchangePool;
  readonly #heads: RequestHeadWriter;
  readonly #writeHead: (request: ClientRequest) => ReturnType<RequestHeadWriter["write"]>;
  readonly #listener: ((request: ClientRequest, response: ClientResponse) => Promise<void> | undefined) | undefined;
  readonly #hop: Next;
  readonly #whole: Next | undefined;

  constructor(parts: PipelineParts) {
    this.#pool = parts.pool;
    this.#heads = parts.heads;
    this.#writeHead = (request) => parts.heads.write(request);
    this.#listener = parts.jar === undefined ? undefined : (request, response) => this.#keepCookies(request, response);
    const connect: Next = (request) => this.#connect(request);
    this.#hop = parts.hopStage.length === 0 ? connect : compose(parts.hopStage, described(connect));
    const following = described((request) => sendFollowing(request, this.#hop));
    this.#whole = parts.requestStage.length === 0 ? undefined : compose(parts.requestStage, preloading(following));
    this.hasMiddleware = parts.hopStage.length + parts.requestStage.length > 0;
  }

  /** Sends a request through everything but, where there is no middleware, redirects: see {@link settle}. */
  send(request: ClientRequest): Promise<ClientResponse> {
    return this.#whole === undefined ? this.#hop(request) : this.#whole(request);
  }

  /** What is left to do when `send` has answered: nothing, or redirects to follow. */
  settle(request: ClientRequest, response: ClientResponse): Promise<ClientResponse> | undefined {
    if (this.#whole !== undefined || !isRedirect(response)) return undefined;
    return followFrom(request, response, this.#hop);
  }

  #connect(request: ClientRequest): Promise<ClientResponse> {
    const { jar } = request.settings;
    const sent = jar === undefined || jar.size === 0 ? request : withJarCookies(request, jar, this.#heads);
    const expects = sent.settings.expectContinue > 0 && sent.payload !== undefined;
    return expects ? sendExpecting(sent, (one) => this.#exchange(one)) : this.#exchange(sent);
  }

  #exchange(sent: ClientRequest): Promise<ClientResponse> {
    const { router } = sent.settings;
    if (router !== undefined) return this.#connectBy(router, sent);
    const exchange = new Exchange(sent, this.#pool, this.#writeHead, this.#listener);
    exchange.start();
    return exchange.promise;
  }

  /** As {@link #connect}, by the way that `router` finds. */
  async #connectBy(router: Router, hop: ClientRequest): Promise<ClientResponse> {
    const route = router(hop);
    hop.route = route instanceof Promise ? await unlessCancelled(route, hop.scope) : route;
    if (hop.route?.proxy !== undefined) refuseProxyCredentials(hop.fields);
    const exchange = new Exchange(hop, this.#pool, this.#writeHead, this.#listener);
    exchange.start();
    const response = await exchange.promise;
    const { proxy, forwards } = hop.route ?? {};
    if (forwards !== true || response.status !== 407) return response;
    response.discard();
    throw proxyAuthenticationRequired(proxy?.label ?? "", response.fields);
  }

  #keepCookies(request: ClientRequest, response: ClientResponse): Promise<void> | undefined {
    if (findField(response.fields, "set-cookie") === undefined) return undefined;
    const kept = request.settings.jar?.store(cookieUrl(request.target), response.headers.getSetCookie());
    return kept instanceof Promise ? kept : undefined;
  }
}

/** `work`'s result, or the reason of the request's own end if that comes first. */
function unlessCancelled<T>(work: Promise<T>, { signal }: RequestScope): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject);
    work.then(resolve, reject).finally(stop);
  });
}

/** Middleware sees errors as callers do: with method, URL and the caller's frames. */
function described(next: Next): Next {
  return async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (error instanceof SluiceError) throw describeError(error, request.scope.context());
      throw error;
    }
  };
}

/**
 * Where the request is consumed as content, an attempt includes its body: one that breaks off half-way can be tried again. Of an
 * error's body only the beginning will be looked at.
 */
function preloading(next: Next): Next {
  return async (request) => {
    const response = await next(request);
    if (request.settings.buffered && response.status < 400) await response.preload();
    return response;
  };
}

/** Through a tunnel they would reach the origin; the `proxy` option sends them to the proxy and to nobody else. */
function refuseProxyCredentials(fields: FieldLines): void {
  if (!hasField(fields, "proxy-authorization")) return;
  throw new UsageError(
    "request/refused-field",
    "Cannot set the header proxy-authorization with a proxy: give proxy.username and password, or proxy.headers",
  );
}
