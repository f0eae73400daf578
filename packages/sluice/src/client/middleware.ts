/**
 * The contract of client middleware: the same shape at both of its places in the pipeline,
 *
 *   `middleware` (once per logical request) → redirects → `hopMiddleware` (each hop and attempt) → connector
 *
 * and the same order as on the server: first is outermost.
 */
import type { ClientRequest } from "./request.js";
import type { ClientResponse } from "./response.js";

/** Sends the request on its way inwards. Calling it again discards the previous response first. */
export type Next = (request: ClientRequest) => Promise<ClientResponse>;

/** Gets a request on its way inwards and gives the response on its way back; may change, repeat or replace either. */
export type ClientMiddleware = (request: ClientRequest, next: Next) => Promise<ClientResponse>;

/**
 * Folds `middleware` around `innermost`, once per pipeline and not per request. A second call of `next` by one middleware for
 * one request first discards the response of its previous call, so that a retry cannot leak a connection.
 */
export function compose(middleware: readonly ClientMiddleware[], innermost: Next): Next {
  return middleware.reduceRight<Next>(
    (next, current) => (request) => current(request, discardingPrevious(next)),
    innermost,
  );
}

const namesOfHopMiddleware = new WeakMap<ClientMiddleware, string>();

/** Marks middleware that would be wrong around redirects: a session refuses it in `middleware`. Returns it. */
export function forHops(name: string, middleware: ClientMiddleware): ClientMiddleware {
  namesOfHopMiddleware.set(middleware, name);
  return middleware;
}

/** The name of middleware that was marked by {@link forHops}. */
export function hopMiddlewareName(middleware: ClientMiddleware): string | undefined {
  return namesOfHopMiddleware.get(middleware);
}

function discardingPrevious(next: Next): Next {
  let previous: ClientResponse | undefined;
  return async (request) => {
    previous?.discard();
    previous = undefined;
    previous = await next(request);
    return previous;
  };
}
