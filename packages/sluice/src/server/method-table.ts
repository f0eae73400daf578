/** The routes of one method: a map of the static ones, so that finding them allocates nothing, and a tree of the others. */

import { UsageError } from "../errors.js";
import type { RoutePattern } from "./route-pattern.js";
import { RouteTree, type TreeMatch } from "./route-tree.js";

/** A route as the router keeps it. */
export interface Route<Handler> {
  /** The method it was registered for: a GET route stands in HEAD's table, too. */
  readonly method: string;
  /** As registered, such as `/users/:id`. */
  readonly pattern: string;
  /** Names of its parameters, in the order of a match's values. */
  readonly names: readonly string[];
  readonly handler: Handler;
}

/** See the head of this file. */
export class MethodTable<Handler> {
  readonly #method: string;
  readonly #static = new Map<string, TreeMatch<Route<Handler>>>();
  readonly #tree = new RouteTree<Route<Handler>>();

  constructor(method: string) {
    this.#method = method;
  }

  /** Throws `UsageError` `route/duplicate`; routes lent by another method give way to the method's own. */
  add(pattern: RoutePattern, route: Route<Handler>): void {
    const choose = (earlier: Route<Handler> | undefined) => this.#choose(earlier, route);
    if (pattern.names.length > 0) {
      this.#tree.insert(pattern, choose);
      return;
    }
    const path = pattern.parts[0]?.kind === "static" ? pattern.parts[0].text : pattern.source;
    const value = choose(this.#static.get(path)?.value);
    this.#static.set(path, { value, values: Object.freeze([]) });
  }

  /** The most specific route for a normalised path. */
  find(path: string): TreeMatch<Route<Handler>> | undefined {
    return this.#static.get(path) ?? this.#tree.find(path);
  }

  #choose(earlier: Route<Handler> | undefined, route: Route<Handler>): Route<Handler> {
    if (earlier === undefined) return route;
    if (route.method !== this.#method) return earlier;
    if (earlier.method !== this.#method) return route;
    const both =
      earlier.pattern === route.pattern
        ? route.pattern
        : `${route.pattern}, which matches what ${earlier.pattern} does`;
    throw new UsageError("route/duplicate", `Cannot route ${route.method} ${both}: it is routed already`);
  }
}
