/**
 * Which route answers a request: one table a method, each a map of static paths and a tree of the others, because a path that
 * one method has exactly and another only by parameter must not hide the second.
 *
 * HEAD comes from GET (RFC 9110 §9.3.2): registering GET fills HEAD's table too, where an explicit HEAD route of the same
 * pattern replaces it. A path that other methods know is a 405 with `Allow` (§15.5.6); OPTIONS answers itself with the same
 * field (§9.3.7), for `*` with every method of the application.
 */

import { UsageError } from "../errors.js";
import { isMethod, normaliseMethod } from "../http/methods.js";
import { MethodTable, type Route } from "./method-table.js";
import { readPattern } from "./route-pattern.js";
import type { TreeMatch } from "./route-tree.js";

/** The order of `Allow`; methods that are not here follow in the order they were registered. */
const USUAL_ORDER = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS"];

/** See the head of this file. */
export class Router<Handler> {
  readonly #tables = new Map<string, MethodTable<Handler>>();

  /**
   * Registers a route. Throws `UsageError`: `route/pattern` for a path that is none, `route/method` for a method that is no
   * token, or a common one in small letters, `route/duplicate` when another route of the method has the same shape. `pattern` is what requests are told of the path.
   */
  add(method: string, path: string, handler: Handler, pattern = path): void {
    checkMethod(method);
    if (path === "*" && method !== "OPTIONS") {
      throw new UsageError("route/pattern", `Cannot route ${method} *: only OPTIONS has a target without a path`);
    }
    const read = readPattern(path);
    const route: Route<Handler> = { method, pattern, names: read.names, handler };
    this.#table(method).add(read, route);
    if (method === "GET") this.#table("HEAD").add(read, route);
  }

  /** The route for a method and a normalised path, or undefined: then {@link Router.allowed} says whether it is 404 or 405. */
  find(method: string, path: string): TreeMatch<Route<Handler>> | undefined {
    return this.#tables.get(method)?.find(path);
  }

  /** The methods that know a normalised path, OPTIONS included; empty when none does. `*` asks for all there are. */
  allowed(path: string): readonly string[] {
    const methods = new Set<string>();
    for (const [method, table] of this.#tables) {
      if (path === "*" || table.find(path) !== undefined) methods.add(method);
    }
    if (methods.size === 0 && path !== "*") return [];
    methods.add("OPTIONS");
    return [...USUAL_ORDER.filter((method) => methods.delete(method)), ...methods];
  }

  #table(method: string): MethodTable<Handler> {
    let table = this.#tables.get(method);
    if (table === undefined) {
      table = new MethodTable(method);
      this.#tables.set(method, table);
    }
    return table;
  }
}

/** Methods are case-sensitive (RFC 9110 §9.1): a route for `get` would never be asked for. */
function checkMethod(method: string): void {
  if (!isMethod(method)) {
    throw new UsageError("route/method", `Cannot route method "${method}": it is no HTTP token`);
  }
  const usual = normaliseMethod(method);
  if (usual === method) return;
  throw new UsageError("route/method", `Cannot route method "${method}": case counts, and clients send "${usual}"`);
}
