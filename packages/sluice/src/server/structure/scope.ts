/**
 * One application in a tree of applications: what was registered with it, and whose sub-application it is.
 *
 * Every scope has a routing table of everything below it, itself included, because every application can be asked by itself. A route
 * is added to the tables of its scope and of all scopes round it, and so is a sub-application; what does not go with what is there is
 * refused by the first of these tables that has both. New middleware has them made anew, when they are next asked.
 */

import { UsageError } from "../../errors.js";
import { type ErrorListener, report, reportToStandardError } from "../error-report.js";
import type { ServerExchange } from "../exchange.js";
import { KeyStore } from "../keys.js";
import { publishError } from "../life/request-channels.js";
import type { ResponseListener } from "../life/response-watch.js";
import type { Middleware } from "../middleware-chain.js";
import type { ApplicationOptions, ResolvedApplicationOptions } from "../options.js";
import { exchangeOf } from "../request/request-access.js";
import type { ServerRequest } from "../request/server-request.js";
import type { ServerWatch } from "../server-watch.js";
import { joinPath, type RoutePath } from "./prefix.js";
import type { RouteDefinition } from "./route-methods.js";
import { RoutingTable } from "./routing-table.js";

/** Where a sub-application stands: below a prefix, or at hosts, with an empty prefix. */
export interface MountPoint {
  readonly prefix: string;
  /** As `readHostPattern` gave them. */
  readonly hosts: readonly string[] | undefined;
}

/** A sub-application in its place. */
export interface Child extends MountPoint {
  readonly scope: Scope;
}

/** See the head of this file. */
export class Scope {
  readonly options: ResolvedApplicationOptions;
  /** What the application was given itself; what it was not, the one round it decides. */
  readonly given: ApplicationOptions;
  readonly values = new KeyStore();
  readonly middleware: Middleware[] = [];
  readonly routes: RouteDefinition[] = [];
  readonly children: Child[] = [];
  readonly responseListeners: ResponseListener[] = [];
  readonly errorListeners: ErrorListener[] = [];
  /** Told of errors while a server is watched. */
  readonly watches = new Set<ServerWatch>();
  readonly #paths = new Map<string, string>();
  #outer: Scope | undefined;
  #point: MountPoint | undefined;
  /** Undefined while it is to be made anew. */
  #table: RoutingTable | undefined;

  constructor(given: ApplicationOptions, options: ResolvedApplicationOptions) {
    this.given = given;
    this.options = options;
  }

  get table(): RoutingTable {
    this.#table ??= new RoutingTable(this);
    return this.#table;
  }

  /** The application that this one is mounted in. */
  get outer(): Scope | undefined {
    return this.#outer;
  }

  /** This scope and those round it, innermost first. */
  get lineage(): readonly Scope[] {
    const lineage: Scope[] = [this];
    for (let scope = this.#outer; scope !== undefined; scope = scope.#outer) lineage.push(scope);
    return lineage;
  }

  /** The prefixes of this scope and those round it, as one. */
  get prefix(): string {
    const own = this.#point?.prefix ?? "";
    return this.#outer === undefined ? own : this.#outer.prefix + own;
  }

  /** Throws `UsageError` `route/…`; nothing has changed then. */
  addRoute(route: RouteDefinition): void {
    const { name, path } = route;
    if (name !== undefined) this.#checkName(name, path);
    try {
      for (const scope of this.lineage) scope.table.add(this, route);
    } catch (error) {
      this.outdate(); // some have it now
      throw error;
    }
    this.routes.push(route);
    if (name !== undefined) this.#paths.set(name, path);
  }

  /** The path, in this application, of the route that has this name, or this path. */
  pathOf(nameOrPath: string): string | undefined {
    if (!nameOrPath.startsWith("/")) return this.#paths.get(nameOrPath);
    return this.routes.some(({ path }) => path === nameOrPath) ? nameOrPath : undefined;
  }

  /** Where a route of this application stands in the outermost. */
  locate(path: RoutePath): RoutePath {
    return joinPath(this.prefix, path);
  }

  /** Throws `UsageError` `route/…` or `mount/…`; nothing has changed then. */
  adopt(child: Scope, point: MountPoint): void {
    if (this.lineage.includes(child)) {
      throw new UsageError("mount/itself", "Cannot mount an application in itself, or in what is mounted in it");
    }
    if (child.#outer !== undefined) {
      const place = child.#point?.hosts?.join(", ") ?? child.prefix;
      throw new UsageError("mount/twice", `Cannot mount an application twice: this one is mounted at ${place || "/"}`);
    }
    const lineage = this.lineage;
    const mounted: Child = { ...point, scope: child };
    child.#outer = this;
    child.#point = point;
    try {
      for (const scope of lineage) scope.table.adopt(this, mounted);
    } catch (error) {
      child.#outer = undefined;
      child.#point = undefined;
      this.outdate(); // some have it now
      throw error;
    }
    this.children.push(mounted);
    child.values.fallBackOn(this.values);
  }

  /** Has the tables of this scope and of those round it made anew when they are next asked: its middleware or listeners have changed. */
  outdate(): void {
    for (const scope of this.lineage) scope.#table = undefined;
  }

  /**
   * Tells of an error: every listener of this application and of those round it, innermost first, and the `onError` option of the
   * innermost that has one; standard error where nobody listens or watches.
   */
  report(error: unknown, request: ServerRequest | undefined): void {
    publishError(error, request);
    const lineage = this.lineage;
    const listeners = lineage.flatMap((scope) => scope.errorListeners);
    const option = lineage.find((scope) => scope.given.onError !== undefined)?.given.onError;
    if (option !== undefined) listeners.unshift(option);
    const watched = lineage.map((scope) => tellWatches(scope.watches, error, request)).includes(true);
    if (listeners.length === 0 && !watched) listeners.push(reportToStandardError);
    for (const listener of listeners) report(listener, error, request);
  }

  /** Tells those that watch `former` that `present` stands in for it. */
  tellOutlived(former: ServerExchange, present: ServerExchange): void {
    for (const scope of this.lineage) {
      for (const watch of scope.watches) if (watch.watches(former)) watch.onOutlived(former, present);
    }
  }

  #checkName(name: string, path: string): void {
    if (typeof name !== "string" || name === "" || name.startsWith("/")) {
      const message = `Cannot name the route ${path} ${JSON.stringify(name)}: a name is text that does not begin with a slash`;
      throw new UsageError("route/name", message);
    }
    const earlier = this.#paths.get(name);
    if (earlier === undefined || earlier === path) return;
    throw new UsageError("route/duplicate-name", `Cannot name the route ${path} "${name}": ${earlier} has that name`);
  }
}

/** Returns whether one of them was told: those that do not watch this request are not. */
function tellWatches(watches: ReadonlySet<ServerWatch>, error: unknown, request: ServerRequest | undefined): boolean {
  const exchange = request === undefined ? undefined : exchangeOf(request);
  let watched = false;
  for (const watch of watches) {
    if (exchange !== undefined && !watch.watches(exchange)) continue;
    watched = true;
    watch.onError(error, exchange);
  }
  return watched;
}
