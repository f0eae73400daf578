/**
 * The server side's face: routes, sub-applications, middleware, hooks, what to open and close, and listening. What belongs together
 * is kept by its scope (`structure/scope.ts`); a request's way through all this is in `dispatcher.ts`.
 */

import { UsageError } from "../errors.js";
import { readHostPatterns } from "../http/hosts.js";
import { refuseUnknown, requireFunction, requireObject } from "../options.js";
import { Dispatcher } from "./dispatcher.js";
import type { ErrorListener } from "./error-report.js";
import type { Responder } from "./exchange.js";
import { appFetch } from "./fetch/app-fetch.js";
import { Key } from "./keys.js";
import { type HealthOptions, healthRoutes } from "./life/health.js";
import type { ResponseListener } from "./life/response-watch.js";
import { Serving } from "./life/serving.js";
import { type Disposer, Lifecycle, type Starter } from "./lifecycle.js";
import { LISTEN_OPTION_NAMES, type ListenOptions, startServer } from "./listen.js";
import type { Middleware } from "./middleware-chain.js";
import { type ApplicationOptions, resolveApplicationOptions } from "./options.js";
import type { Server } from "./server.js";
import type { ServerWatch } from "./server-watch.js";
import type { StaticOptions } from "./static/static-options.js";
import { staticRoutes } from "./static/static-route.js";
import { ApplicationOverview } from "./structure/overview.js";
import { readPrefix } from "./structure/prefix.js";
import { defineGroup, type GroupArguments, type RouteGroup } from "./structure/route-group.js";
import {
  type RouteArguments,
  type RouteDefinition,
  type RouteMethod,
  RouteMethods,
  readRoute,
} from "./structure/route-methods.js";
import { type MountPoint, Scope } from "./structure/scope.js";
import { fillPattern, type UrlArguments, type UrlOptions, type UrlParams } from "./structure/url-for.js";

/** `app.get`: a GET route, or the value of a key. */
export interface GetMethod extends RouteMethod<Application> {
  <Value>(key: Key<Value>): Value;
}

const URL_OPTION_NAMES: ReadonlySet<string> = new Set(["query"]);

/** Serves requests, by itself or as part of another application. */
export class Application extends RouteMethods<""> {
  /** A GET route, which answers HEAD too (RFC 9110 §9.3.2). With a key: the value set under it, `UsageError` `key/unset` if none is. */
  readonly get: GetMethod = this.#getMethod();

  /**
   * Answers a `Request` in-process: the application as a fetch handler, for tests, other servers and other runtimes. Needs no `this`. What
   * `onStart` registered is not started by it: that is its caller's business. Rejects with the reason of the request's signal, and with
   * `UsageError` `fetch/request` for what is no fresh `Request`; every other error is an answer.
   */
  readonly fetch: (request: Request) => Promise<Response> = appFetch(() => this.dispatch);

  readonly #scope: Scope;
  readonly #dispatcher: Dispatcher;
  readonly #lifecycle = new Lifecycle();
  readonly #serving = new Serving();

  /** Throws `UsageError` `options/…` for an option out of its range, of the wrong kind, or unknown. */
  constructor(options: ApplicationOptions = {}) {
    super();
    this.#scope = new Scope(options, resolveApplicationOptions(options));
    this.#dispatcher = new Dispatcher(this.#scope);
  }

  /** Answers one exchange: what a server, or an in-process client, calls. Never throws or rejects. Needs no `this`. */
  get dispatch(): Responder {
    return this.#dispatcher.dispatch;
  }

  // ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds middleware for all routes, sub-applications' included, and for requests that have none; the first added is the outermost.
   * Throws `UsageError` `options/unknown-value` for what is no function, `server/started` while the application serves.
   */
  use(...middleware: readonly Middleware[]): this {
    for (const each of middleware) requireFunction("middleware", each);
    this.#serving.refuseChange("add middleware");
    this.#scope.middleware.push(...middleware);
    this.#scope.outdate();
    return this;
  }

  /**
   * Routes whose paths begin with `prefix`, and which have `middleware` of their own between the application's and theirs. The path
   * `/` of a group is its prefix, with and without a slash at the end. Throws `UsageError` `route/prefix`, and as `route` does.
   */
  group<Prefix extends string>(prefix: Prefix, define: (group: RouteGroup<Prefix>) => void): this;
  group<Prefix extends string>(
    prefix: Prefix,
    middleware: readonly Middleware[],
    define: (group: RouteGroup<Prefix>) => void,
  ): this;
  group(prefix: string, ...rest: GroupArguments): this {
    defineGroup(prefix, rest, (definition) => this.add(definition));
    return this;
  }

  /**
   * Makes `application` part of this one: its routes stand below `prefix`, which may have parameters. Its middleware is inside this
   * one's and also sees what has no route there; keys and options that it does not have itself are this one's; its starters run
   * with this one's, where they stand among them. Routes may be added to it later. Throws `UsageError`: `route/prefix`,
   * `mount/itself`, `mount/twice`, `mount/duplicate` when another is mounted there, `mount/hosts`, and `route/…` for a route
   * that does not go with those there are.
   */
  mount(prefix: string, application: Application): this {
    return this.#adopt(application, { prefix: readPrefix(prefix, "mount"), hosts: undefined });
  }

  /**
   * Makes `application` answer everything that is asked of a host, 404 included: `"example.com"`, `"*.example.com"` for any one
   * label, or several of these. What clients name in `Host`, or trusted proxies pass on, counts, without port. Otherwise as
   * {@link Application.mount}; throws `UsageError` `host/pattern` for what is no host.
   */
  host(pattern: string | readonly string[], application: Application): this {
    const hosts = readHostPatterns(pattern);
    return this.#adopt(application, { prefix: "", hosts });
  }

  /**
   * Serves the files of `directory` at the paths behind `prefix`, to GET and HEAD; routes of yours that say more of a path go before
   * it. `prefix` is static text that begins with a slash. Throws `UsageError`: `options/…`, and as {@link Application.route} does.
   */
  static(prefix: string, directory: string, options: StaticOptions = {}): this {
    const { files, slash } = staticRoutes(directory, options, this.#scope.options.clock);
    const base = prefix.replace(/\/$/, "");
    if (base !== "") this.get(base, slash);
    this.get(`${base}/*path`, files);
    return this;
  }

  /**
   * The path of a route of this application, by its name or its pattern, with these values for its parameters: `app.urlFor("user",
   * { id: 7 }, { query: { page: 2 } })`. Prefixes that the application is mounted at are before it, and their parameters among
   * the values. Throws `UsageError`: `route/unknown`, or `route/params` for values that are missing, too many or unusable.
   */
  urlFor<Target extends string>(target: Target, ...rest: UrlArguments<Target>): string;
  urlFor(target: string, params: UrlParams<string> = {}, options: UrlOptions = {}): string {
    requireObject("urlFor parameters", params);
    requireObject("urlFor options", options);
    refuseUnknown("urlFor", options, URL_OPTION_NAMES);
    const path = this.#scope.pathOf(target);
    if (path === undefined) {
      throw new UsageError("route/unknown", `Cannot make a URL: this application has no route "${target}"`);
    }
    return fillPattern(this.#scope.locate({ path, also: undefined }).path, params, options);
  }

  /** Its routes and middleware, those of sub-applications included, as they are now. `String()` of it is a table. */
  inspect(): ApplicationOverview {
    return new ApplicationOverview(this.#scope.table.places, this.#scope.middleware);
  }

  // ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A new key for a value of this application or of its requests; `name` is for error messages. */
  key<Value>(name: string): Key<Value> {
    return new Key(name);
  }

  /** Sets the value that `app.get(key)`, and `request.get(key)` of every request, give; of sub-applications', too. */
  set<Value>(key: Key<Value>, value: Value): this {
    this.#scope.values.set(key, value);
    return this;
  }

  /** Whether `app.get(key)` would find something. */
  has(key: Key<unknown>): boolean {
    return this.#scope.values.has(key);
  }

  // ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Has `starter` run, in order of registration, before the first server of this application listens; the disposers that starters
   * return run in reverse when the last one has closed. A failing starter has the earlier ones disposed of and `listen` reject.
   */
  onStart(starter: Starter): this {
    this.#serving.refuseChange("add a starter");
    this.#lifecycle.add(starter);
    return this;
  }

  /**
   * Has `job` run when the last server has closed: in reverse order of registration, among the disposers. When one fails, the others
   * run nevertheless, and `close` rejects at the end.
   */
  onStop(job: Disposer): this {
    requireFunction("onStop", job);
    return this.onStart(() => job);
  }

  /**
   * Tells `listener` of each answer when it is over, an error's or a 404's too; in sub-applications after this one's. Its own errors
   * go to `onError`. What never becomes a request, such as a malformed head, is not among them.
   */
  onResponse(listener: ResponseListener): this {
    requireFunction("onResponse", listener);
    this.#serving.refuseChange("add a listener");
    this.#scope.responseListeners.push(listener);
    this.#scope.outdate();
    return this;
  }

  /**
   * Tells `listener` of each error that the option `onError` is told of, after it; of sub-applications' errors, too. With a listener
   * nothing is written to standard error any more.
   */
  onError(listener: ErrorListener): this {
    requireFunction("onError", listener);
    this.#scope.errorListeners.push(listener);
    return this;
  }

  /**
   * Adds GET routes for load balancers and supervisors: `/livez` answers 200 as long as anything is answered, `/readyz` 503 from the
   * moment that a server of the application is told to close, and while a check fails. What makes a check fail goes to `onError`, once.
   * They are routes like any other: middleware stands before them. Throws `UsageError` `options/…`, and as `route` does.
   */
  health(options: HealthOptions = {}): this {
    const { clock } = this.#scope.options;
    const isEnding = (): boolean => this.#serving.ending;
    const onError = (error: unknown): void => this.#scope.report(error, undefined);
    for (const [path, handler] of healthRoutes(options, { clock, isEnding, onError })) this.get(path, handler);
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
    app.#scope.watches.add(watch);
    try {
      const server = await app.#listen(options, watch.around(app.dispatch));
      server.whenClosed(() => void app.#scope.watches.delete(watch));
      return server;
    } catch (error) {
      app.#scope.watches.delete(watch);
      throw error;
    }
  }

  /** Whether a server of this application listens or is about to: from the call of {@link listen} until the last one has closed. */
  get listening(): boolean {
    return this.#lifecycle.inUse;
  }

  async #listen(options: ListenOptions, responder: Responder): Promise<Server> {
    refuseUnknown("listen", options, LISTEN_OPTION_NAMES);
    await this.#lifecycle.start();
    try {
      const { connection, clock: own } = this.#scope.options;
      const { clock = own } = options;
      const onError = (error: unknown) => this.#dispatcher.reportLate(error);
      const server = await startServer(responder, { ...connection, ...options, clock, onError });
      this.#serving.add(server);
      server.whenClosed(() => this.#lifecycle.stop());
      return server;
    } catch (error) {
      await this.#lifecycle.abandon(error);
      throw error;
    }
  }

  /** @internal */
  protected override add(definition: RouteDefinition): void {
    this.#serving.refuseChange(`route ${definition.methods.join(", ")} ${definition.path}`);
    this.#scope.addRoute(definition);
  }

  #adopt(application: Application, point: MountPoint): this {
    if (!(application instanceof Application)) {
      throw new UsageError("options/unknown-value", "Cannot mount: expected an Application");
    }
    this.#serving.refuseChange("mount an application");
    this.#scope.adopt(application.#scope, point);
    application.#serving.joinIn(this.#serving);
    this.#lifecycle.add(async () => {
      await application.#lifecycle.start();
      return () => application.#lifecycle.stop();
    });
    return this;
  }

  #getMethod(): GetMethod {
    const get = (first: string | Key<unknown>, ...rest: RouteArguments | []): unknown => {
      if (typeof first !== "string") return this.#scope.values.get(first);
      this.add(readRoute(["GET"], first, rest as RouteArguments));
      return this;
    };
    // An overload by what is asked: a path makes a route, a key gives its value.
    return get as GetMethod;
  }
}
