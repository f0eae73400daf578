/**
 * Registering routes: what an application and a group of its routes have in common. Every way ends in `add` with one form of
 * definition; what that does is theirs.
 */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../options.js";
import type { Handler, Middleware, Step } from "../middleware-chain.js";
import type { PathParams } from "../path-params.js";
import type { UpgradeData, UpgradeResult } from "../websocket/upgrade-hook.js";
import type { WebSocketRouteOptions } from "../websocket/websocket-options.js";
import { readWebSocketRoute, type WebSocketArguments, type WebSocketHandler } from "../websocket/websocket-route.js";
import type { RoutePath } from "./prefix.js";

/** The parameters of a route whose path follows a prefix. */
export type RouteParams<Prefix extends string, Path extends string> = string extends Path
  ? PathParams<string>
  : PathParams<`${Prefix}${Path}`>;

/** The last argument of a route. */
export interface RouteOptions {
  /**
   * What `urlFor` finds the route by: not empty, not beginning with a slash (`UsageError` `route/name`). Routes of one path may share
   * a name; anything else is a `UsageError` `route/duplicate-name`.
   */
  readonly name?: string;
}

/** Registers a handler, with middleware of its own if it has some, for a path. Throws as `Application.route` does. */
export interface RouteMethod<Self, Prefix extends string = ""> {
  <Path extends string>(path: Path, handler: Handler<RouteParams<Prefix, Path>>, options?: RouteOptions): Self;
  <Path extends string>(
    path: Path,
    middleware: readonly Middleware[],
    handler: Handler<RouteParams<Prefix, Path>>,
    options?: RouteOptions,
  ): Self;
}

/** Whatever a handler's parameters are, the request that reaches it has them: its path says so. */
export type AnyHandler = Handler<never>;
/** What the overloads of a route method accept, after the path. */
export type RouteArguments = readonly [
  first: readonly Middleware[] | AnyHandler,
  second?: AnyHandler | RouteOptions,
  third?: RouteOptions,
];

/** A route as it was registered, arguments told apart. */
export interface RouteDefinition extends RoutePath {
  readonly methods: readonly string[];
  readonly middleware: readonly Middleware[];
  readonly handler: Step;
  readonly name: string | undefined;
  /** Its answer is a handshake, and what follows a socket. */
  readonly websocket: boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set(["name"]);

/** See the head of this file. `Prefix` is what stands before every path. */
export abstract class RouteMethods<Prefix extends string> {
  readonly head: RouteMethod<this, Prefix> = this.verb("HEAD");
  readonly post: RouteMethod<this, Prefix> = this.verb("POST");
  readonly put: RouteMethod<this, Prefix> = this.verb("PUT");
  readonly patch: RouteMethod<this, Prefix> = this.verb("PATCH");
  readonly delete: RouteMethod<this, Prefix> = this.verb("DELETE");
  readonly query: RouteMethod<this, Prefix> = this.verb("QUERY");
  /** Replaces the answer that OPTIONS gives by itself. The path `*` is the server as a whole (RFC 9110 §9.3.7). */
  readonly options: RouteMethod<this, Prefix> = this.verb("OPTIONS");

  /**
   * Registers a handler for one method or several; any HTTP token is a method, the common ones in capitals. What paths can say: `route-pattern.ts`. Throws
   * `UsageError`: `route/pattern`, `route/method`, `route/handler`, `route/name`, `route/duplicate-name`, `server/started` while the
   * application serves, or `route/duplicate` when a route of the same method and shape is there already.
   */
  route<Path extends string>(
    method: string | readonly string[],
    path: Path,
    handler: Handler<RouteParams<Prefix, Path>>,
    options?: RouteOptions,
  ): this;
  route<Path extends string>(
    method: string | readonly string[],
    path: Path,
    middleware: readonly Middleware[],
    handler: Handler<RouteParams<Prefix, Path>>,
    options?: RouteOptions,
  ): this;
  route(method: string | readonly string[], path: string, ...rest: RouteArguments): this {
    this.add(readRoute(methodsOf(method, path), path, rest));
    return this;
  }

  /**
   * Registers a GET route whose answer opens a WebSocket (RFC 6455); what is no handshake is answered 426. The path is not another GET
   * route's as well. Throws `UsageError` as {@link RouteMethods.route} does, and `options/…`.
   */
  websocket<Path extends string>(path: Path, handler: WebSocketHandler<RouteParams<Prefix, Path>>): this;
  websocket<Path extends string, Result extends UpgradeResult = undefined>(
    path: Path,
    options: WebSocketRouteOptions<RouteParams<Prefix, Path>, Result>,
    handler: WebSocketHandler<RouteParams<Prefix, Path>, UpgradeData<Result>>,
  ): this;
  websocket(path: string, ...rest: WebSocketArguments): this {
    this.add(readWebSocketRoute(path, rest));
    return this;
  }

  /** Takes a route in. @internal */
  protected abstract add(definition: RouteDefinition): void;

  /** @internal */
  protected verb(method: string): RouteMethod<this, Prefix> {
    return (path: string, ...rest: RouteArguments): this => {
      this.add(readRoute([method], path, rest));
      return this;
    };
  }
}

/** Throws `UsageError` `route/method` for no method at all: the route would never be asked for. */
function methodsOf(given: string | readonly string[], path: string): readonly string[] {
  const methods = typeof given === "string" ? [given] : given;
  if (Array.isArray(methods) && methods.length > 0 && methods.every((method) => typeof method === "string"))
    return methods;
  throw new UsageError("route/method", `Cannot route ${path}: expected a method, or a list of one or more`);
}

/** Tells a route's arguments apart. Throws `UsageError` `route/handler`, `options/…`. */
export function readRoute(methods: readonly string[], path: string, given: RouteArguments): RouteDefinition {
  const [first, second, third] = given;
  const plain = typeof first === "function";
  const middleware = plain ? [] : first;
  const handler = plain ? first : second;
  const options = (plain ? second : third) ?? {};
  if (typeof handler !== "function" || !Array.isArray(middleware)) {
    throw new UsageError("route/handler", `Cannot route ${methods.join(", ")} ${path}: its handler is no function`);
  }
  for (const each of middleware) requireFunction("middleware", each);
  requireObject("route options", options);
  refuseUnknown("route", options, OPTION_NAMES);
  const { name } = options as RouteOptions;
  return { methods, path, also: undefined, middleware, handler: handler as Step, name, websocket: false };
}
