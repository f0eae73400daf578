/**
 * Routes that become sockets. What they need beyond their options, the codec, the link and compression, is loaded with the first handshake:
 * an application without sockets does not pay for it.
 */

import { UsageError } from "../../errors.js";
import { requireFunction } from "../../options.js";
import type { WebSocketConnection } from "../../wire/websocket/websocket-connection.js";
import type { Step } from "../middleware-chain.js";
import type { ServerRequest } from "../request/server-request.js";
import type { RouteDefinition } from "../structure/route-methods.js";
import type { UpgradeResult } from "./upgrade-hook.js";
import { resolveRouteOptions, type WebSocketRouteOptions } from "./websocket-options.js";

/**
 * Converses with one client. When it returns, the socket is closed with 1000 unless it is closed already; when it throws, with 1011,
 * and the error is reported as any other handler's. `data` is what the route's `upgrade` hook gave.
 */
export type WebSocketHandler<Params = Readonly<Record<string, string>>, Data = undefined> = (
  socket: WebSocketConnection,
  request: ServerRequest<Params>,
  data: Data,
) => unknown;

/** Whatever a handler's parameters are: its path and its hook say what they get. */
export type AnyWebSocketHandler = WebSocketHandler<never, never>;
/** What the overloads of `websocket` accept, after the path. */
export type WebSocketArguments = readonly [
  first: AnyWebSocketHandler | WebSocketRouteOptions<never, UpgradeResult>,
  second?: AnyWebSocketHandler,
];

/** Tells a route's arguments apart. Throws `UsageError` `route/handler`, `options/…`. */
export function readWebSocketRoute(path: string, [first, second]: WebSocketArguments): RouteDefinition {
  const [options, handler] = typeof first === "function" ? [{}, first] : [first, second];
  if (typeof handler !== "function") {
    throw new UsageError("route/handler", `Cannot route WebSocket ${path}: its handler is no function`);
  }
  const terms = resolveRouteOptions(options);
  const { name, middleware = [] } = options;
  if (!Array.isArray(middleware)) {
    throw new UsageError("options/unknown-value", `Cannot route WebSocket ${path}: middleware is to be a list`);
  }
  for (const each of middleware) requireFunction("middleware", each);
  const step: Step = async (request) => {
    const { answerHandshake } = await import("./handshake.js");
    return answerHandshake(request, terms, handler);
  };
  return { methods: ["GET"], path, also: undefined, middleware, handler: step, name, websocket: true };
}
