/**
 * Everything that an application and its sub-applications route, laid flat: a request finds its route in one step, however deep
 * the application it belongs to, and that route has the middleware of all applications round it composed already.
 *
 * One router has the routes of the application and of what is mounted below prefixes; so the most specific route answers, whoever it
 * belongs to, and 405 knows all of them. Every host that has an application of its own has a router of its own, which has all that
 * the host answers. A path without a route belongs to the sub-application with the most specific prefix: its middleware
 * sees the 404.
 */

import { UsageError } from "../../errors.js";
import { HostMap, hostNameOf } from "../../http/hosts.js";
import { randomId } from "../../platform/random.js";
import type { ServerExchange } from "../exchange.js";
import { responseWatcher } from "../life/response-watch.js";
import { compose, type Middleware, type Step } from "../middleware-chain.js";
import type { RequestSurroundings } from "../request/request-parts.js";
import { hostOf, type RequestMatch } from "../request/request-parts.js";
import type { ServerRequest } from "../request/server-request.js";
import { readPattern } from "../route-pattern.js";
import { RouteTree } from "../route-tree.js";
import { Router } from "../router.js";
import { joinPath } from "./prefix.js";
import type { RouteDefinition } from "./route-methods.js";
import type { Child, Scope } from "./scope.js";
import { answerUnrouted } from "./unrouted.js";

/** What answers a request, and as whose. */
export interface Entry {
  readonly step: Step;
  readonly scope: Scope;
  readonly surroundings: RequestSurroundings;
}

/** Where a request goes: to a route, or to a place that has none for it. */
export interface Destination extends RequestMatch {
  readonly value: RequestMatch["value"] & { readonly handler: Entry };
}

/** An application seen from the outermost of a table. */
export interface Place {
  readonly scope: Scope;
  readonly prefix: string;
  /** The host patterns it answers at; undefined for every other host. */
  readonly hosts: readonly string[] | undefined;
  /** From the outermost application to this one. */
  readonly middleware: readonly Middleware[];
}

/** What every step of an application's is put into. */
interface Surroundings {
  readonly scope: Scope;
  readonly middleware: readonly Middleware[];
  readonly watchers: readonly ((request: ServerRequest) => void)[];
  readonly surroundings: RequestSurroundings;
}

interface OwnPlace extends Place, Surroundings {
  readonly routes: RouteSet;
}

/** The routes of one host, or of all hosts that have no application of their own. */
class RouteSet {
  readonly router = new Router<Entry>();
  readonly #unrouted: Destination;
  /** By prefix; made when something is mounted. */
  #mounts: RouteTree<Destination["value"]> | undefined;

  constructor(owner: Surroundings) {
    this.#unrouted = { value: { pattern: undefined, names: [], handler: this.#refuse(owner) }, values: [] };
  }

  /** Finds a path's route, or what stands for its absence. */
  find(method: string, path: string | undefined): Destination {
    if (path === undefined) return this.#unrouted;
    return this.router.find(method, path) ?? this.#unroutedAt(path);
  }

  /**
   * Has what is without a route below `prefix` answered in the surroundings of what is mounted there, in `outer`. Returns false if
   * another one has it already.
   */
  claim(prefix: string, owner: Surroundings, outer: Scope): boolean {
    this.#mounts ??= new RouteTree();
    const { names } = readPattern(`${prefix}/`);
    const value = { pattern: undefined, names, handler: this.#refuse(owner) };
    let free = true;
    for (const spelling of prefix === "" ? ["/*"] : [prefix, `${prefix}/*`]) {
      this.#mounts.insert(readPattern(spelling), (earlier) => {
        free &&= earlier === undefined || earlier.handler.scope === outer;
        return free ? value : (earlier ?? value);
      });
    }
    return free;
  }

  #refuse(owner: Surroundings): Entry {
    return enter(owner, [], (request) => answerUnrouted(request, this.router));
  }

  #unroutedAt(path: string): Destination {
    const mount = this.#mounts?.find(path);
    if (mount === undefined) return this.#unrouted;
    return { value: mount.value, values: mount.values.slice(0, mount.value.names.length) };
  }
}

/** See the head of this file. */
export class RoutingTable {
  readonly #root: Scope;
  readonly #main: RouteSet;
  readonly #places = new Map<Scope, OwnPlace>();
  #hosts: HostMap<RouteSet> | undefined;

  /** Throws `UsageError` `route/…` or `mount/…` when what is mounted does not go together. */
  constructor(root: Scope) {
    this.#root = root;
    const place = { scope: root, prefix: "", hosts: undefined, middleware: root.middleware.slice() };
    const around = this.#around(place, []);
    this.#main = new RouteSet(around);
    this.#settle({ ...place, ...around, routes: this.#main });
  }

  /** The applications, each before those mounted in it. */
  get places(): Iterable<Place> {
    return this.#places.values();
  }

  /** Where a request goes. `path` is normalised, or undefined when it cannot be. */
  find(exchange: ServerExchange, path: string | undefined): Destination {
    const routes = this.#hosts === undefined ? this.#main : this.#atHost(exchange, this.#hosts);
    return routes.find(exchange.method, path);
  }

  /** Adds a route of one method. Throws `UsageError` as `Router.add` does. */
  add(scope: Scope, route: RouteDefinition): void {
    const place = this.#places.get(scope);
    if (place === undefined)
      throw new UsageError("route/pattern", "Cannot route: the application is not in this table");
    const { path, also } = joinPath(place.prefix, route);
    const entry = enter(place, route.middleware, route.handler);
    for (const method of route.methods) {
      place.routes.router.add(method, path, entry);
      if (also !== undefined) place.routes.router.add(method, also, entry, path);
    }
  }

  #atHost(exchange: ServerExchange, hosts: HostMap<RouteSet>): RouteSet {
    const { trust } = this.#root.options;
    return hosts.find(hostNameOf(hostOf(exchange, trust))) ?? this.#main;
  }

  /** Adds what is mounted in `outer`. Throws `UsageError` `route/…` or `mount/…`; the table is of no use then. */
  adopt(outer: Scope, child: Child): void {
    const place = this.#placeOf(outer);
    if (child.hosts === undefined) this.#settleBelow(place, child);
    else this.#settleAtHosts(place, child, child.hosts);
  }

  #placeOf(scope: Scope): OwnPlace {
    const place = this.#places.get(scope);
    if (place === undefined)
      throw new UsageError("route/pattern", "Cannot route: the application is not in this table");
    return place;
  }

  /** Takes in an application's routes, and what is mounted in it. */
  #settle(place: OwnPlace): void {
    this.#places.set(place.scope, place);
    for (const route of place.scope.routes) this.add(place.scope, route);
    for (const child of place.scope.children) this.adopt(place.scope, child);
  }

  #settleBelow(outer: OwnPlace, { scope, prefix: own }: Child): void {
    const { routes, hosts } = outer;
    const prefix = outer.prefix + own;
    const around = this.#around(inside(outer, scope), outer.watchers);
    if (!routes.claim(prefix, around, outer.scope)) {
      const message = `Cannot mount at ${prefix === "" ? "/" : prefix}: another application is mounted there`;
      throw new UsageError("mount/duplicate", message);
    }
    this.#settle({ ...around, prefix, hosts, routes });
  }

  #settleAtHosts(outer: OwnPlace, { scope }: Child, hosts: readonly string[]): void {
    if (outer.scope !== this.#root) {
      const message = "Cannot mount an application that has hosts: they are told apart by the outermost application";
      throw new UsageError("mount/hosts", message);
    }
    const around = this.#around(inside(outer, scope), outer.watchers);
    const routes = new RouteSet(around);
    this.#hosts ??= new HostMap();
    for (const host of hosts) {
      if (this.#hosts.add(host, routes)) continue;
      throw new UsageError("mount/duplicate", `Cannot mount at host ${host}: another application is mounted there`);
    }
    this.#settle({ ...around, prefix: "", hosts, routes });
  }

  #around(place: Pick<Place, "scope" | "middleware">, outerWatchers: Surroundings["watchers"]): Surroundings {
    const { scope, middleware } = place;
    const watchers = [...outerWatchers, ...this.#watchersOf(scope)];
    return { scope, middleware, watchers, surroundings: this.#surroundingsOf(scope) };
  }

  #watchersOf(scope: Scope): Surroundings["watchers"] {
    const { accessLog } = scope.options;
    const watchers: ((request: ServerRequest) => void)[] = [];
    if (accessLog !== undefined) watchers.push((request) => request.beforeReply(accessLog.watch(request)));
    if (scope.responseListeners.length > 0) watchers.push(responseWatcher(scope, this.#root.options.clock));
    return watchers;
  }

  #surroundingsOf(scope: Scope): RequestSurroundings {
    const { lineage } = scope;
    const within = lineage.slice(0, lineage.indexOf(this.#root) + 1);
    const ownerOf = (name: "maxBodySize" | "decompress"): Scope =>
      within.find(({ given }) => given[name] !== undefined) ?? this.#root;
    const { trust, clock } = this.#root.options;
    const { maxBodySize } = ownerOf("maxBodySize").options;
    const { decompression } = ownerOf("decompress").options;
    const reportLate = (error: unknown, request?: ServerRequest) => scope.report(error, request);
    const onOutlived = (former: ServerExchange, present: ServerExchange) => scope.tellOutlived(former, present);
    return { maxBodySize, decompression, trust, clock, values: scope.values, newId: randomId, reportLate, onOutlived };
  }
}

function inside(outer: OwnPlace, scope: Scope): Pick<Place, "scope" | "middleware"> {
  return { scope, middleware: [...outer.middleware, ...scope.middleware] };
}

/** A step in the middleware of its route and its applications, watched by those who want to know of every answer. */
function enter(
  { scope, watchers, middleware, surroundings }: Surroundings,
  own: readonly Middleware[],
  step: Step,
): Entry {
  const whole = compose([...middleware, ...own], step);
  if (watchers.length === 0) return { step: whole, scope, surroundings };
  const watched: Step = (request) => {
    for (const watch of watchers) watch(request);
    return whole(request);
  };
  return { step: watched, scope, surroundings };
}
