/**
 * The server side's face: routes, middleware, what to open and close, and listening. A request's way through all this is in
 * `dispatcher.ts`.
 */

import { UsageError } from "../errors.js";
import { refuseUnknown, requireFunction } from "../options.js";
import { randomId } from "../platform/random.js";
import { Dispatcher } from "./dispatcher.js";
import type { Responder } from "./exchange.js";
import { Key, KeyStore } from "./keys.js";
import { Lifecycle, type Starter } from "./lifecycle.js";
import { LISTEN_OPTION_NAMES, type ListenOptions, startServer } from "./listen.js";
import type { Handler, Middleware, Step } from "./middleware-chain.js";
import { type ApplicationOptions, type ResolvedApplicationOptions, resolveApplicationOptions } from "./options.js";
import type { PathParams } from "./path-params.js";
import type { Server } from "./server.js";
import type { ServerWatch } from "./server-watch.js";

/** Registers a handler, with middleware of its own if it has some, for a path. Throws as {@link Application.route} does. */
export interface RouteMethod {
  <Path extends string>(path: Path, handler: Handler<PathParams<Path>>): Application;
  <Path extends string>(path: Path, middleware: readonly Middleware[], handler: Handler<PathParams<Path>>): Application;
}

/** `app.get`: a GET route, or the value of a key. */
export interface GetMethod extends RouteMethod {
  <Value>(key: Key<Value>): Value;
}

/** Whatever a handler's parameters are, the request that reaches it has them: its path says so. */
type AnyHandler = Handler<never>;

/** Serves requests. */
export class Application {
  /** A GET route, which answers HEAD too (RFC 9110 §9.3.2). With a key: the value set under it, `UsageError` `key/unset` if none is. */
  readonly get = this.#getMethod();
  readonly head = this.#routeMethod("HEAD");
  readonly post = this.#routeMethod("POST");
  readonly put = this.#routeMethod("PUT");
  readonly patch = this.#routeMethod("PATCH");
  readonly delete = this.#routeMethod("DELETE");
  readonly query = this.#routeMethod("QUERY");
  /** Replaces the answer that OPTIONS gives by itself. The path `*` is the server as a whole (RFC 9110 §9.3.7). */
  readonly options = this.#routeMethod("OPTIONS");

  readonly #options: ResolvedApplicationOptions;
  readonly #dispatcher: Dispatcher;
  readonly #lifecycle = new Lifecycle();
  readonly #values = new KeyStore();

  /** Throws `UsageError` `options/…` for an option out of its range, of the wrong kind, or unknown. */
  constructor(options: ApplicationOptions = {}) {
    this.#options = resolveApplicationOptions(options);
    const { maxBodySize, trust } = this.#options;
    this.#dispatcher = new Dispatcher(this.#options, { maxBodySize, trust, values: this.#values, newId: randomId });
  }

  /** Answers one exchange: what a server, or an in-process client, calls. Never throws or rejects. Needs no `this`. */
  get dispatch(): Responder {
    return this.#dispatcher.dispatch;
  }

  /**
   * Registers a handler for one method or several; any HTTP token is a method. What paths can say: `route-pattern.ts`. Throws
   * `UsageError`: `route/pattern`, `route/method`, or `route/duplicate` when a route of the same method and shape is there already.
   */
  route<Path extends string>(method: string | readonly string[], path: Path, handler: Handler<PathParams<Path>>): this;
  route<Path extends string>(
    method: string | readonly string[],
    path: Path,
    middleware: readonly Middleware[],
    handler: Handler<PathParams<Path>>,
  ): this;
  route(
    method: string | readonly string[],
    path: string,
    first: readonly Middleware[] | AnyHandler,
    second?: AnyHandler,
  ): this {
    for (const each of typeof method === "string" ? [method] : method) this.#add(each, path, first, second);
    return this;
  }

  /**
   * Adds middleware for all routes, and for requests that have none; the first added is the outermost. `UsageError`
   * `options/unknown-value` for what is no function.
   */
  use(...middleware: readonly Middleware[]): this {
    for (const each of middleware) requireFunction("middleware", each);
    this.#dispatcher.use(middleware);
    return this;
  }

  /** A new key for a value of this application or of its requests; `name` is for error messages. */
  key<Value>(name: string): Key<Value> {
    return new Key(name);
  }

  /** Sets the value that `app.get(key)`, and `request.get(key)` of every request, give. */
  set<Value>(key: Key<Value>, value: Value): this {
    this.#values.set(key, value);
    return this;
  }

  /**
   * Has `starter` run, in order of registration, before the first server of this application listens; the disposers that starters
   * return run in reverse when the last one has closed. A failing starter has the earlier ones disposed of and `listen` reject.
   */
  onStart(starter: Starter): this {
    this.#lifecycle.add(starter);
    return this;
  }

  /**
   * Starts what `onStart` registered, and serves. Several servers of one application share what was started. Rejects with what a
   * starter threw, or as `startServer` does; nothing is left open then.
   */
  listen(options: ListenOptions = {}): Promise<Server> {
    return this.#listen(options, this.dispatch);
  }

  /** {@link Application.listen}, watched from inside: for the tools of `sluice/testing`. @internal */
  static async listenWatched(app: Application, options: ListenOptions, watch: ServerWatch): Promise<Server> {
    const end = app.#dispatcher.watch(watch);
    try {
      const server = await app.#listen(options, watch.around(app.dispatch));
      server.whenClosed(end);
      return server;
    } catch (error) {
      end();
      throw error;
    }
  }

  async #listen(options: ListenOptions, responder: Responder): Promise<Server> {
    refuseUnknown("listen", options, LISTEN_OPTION_NAMES);
    await this.#lifecycle.start();
    try {
      const { connection } = this.#options;
      const { clock = this.#options.clock } = options;
      const onError = (error: unknown) => this.#dispatcher.reportLate(error);
      const server = await startServer(responder, { ...connection, ...options, clock, onError });
      server.whenClosed(() => this.#lifecycle.stop());
      return server;
    } catch (error) {
      await this.#lifecycle.abandon(error);
      throw error;
    }
  }

  /** Whether a server of this application listens or is about to: from the call of {@link listen} until the last one has closed. */
  get listening(): boolean {
    return this.#lifecycle.inUse;
  }

  #add(method: string, path: string, first: readonly Middleware[] | AnyHandler, second: AnyHandler | undefined): void {
    const [middleware, handler] = typeof first === "function" ? [[], first] : [first, second];
    if (typeof handler !== "function") {
      throw new UsageError("route/handler", `Cannot route ${method} ${path}: its handler is no function`);
    }
    this.#dispatcher.route(method, path, middleware, handler as Step);
  }

  #routeMethod(method: string): RouteMethod {
    return (path: string, first: readonly Middleware[] | AnyHandler, second?: AnyHandler): this => {
      this.#add(method, path, first, second);
      return this;
    };
  }

  #getMethod(): GetMethod {
    const get = (
      first: string | Key<unknown>,
      ...rest: [] | [AnyHandler] | [readonly Middleware[], AnyHandler]
    ): unknown => {
      if (typeof first !== "string") return this.#values.get(first);
      this.#add("GET", first, rest[0] ?? [], rest[1]);
      return this;
    };
    // An overload by what is asked: a path makes a route, a key gives its value.
    return get as GetMethod;
  }
}
