/** Groups of routes: nothing of them is left when a request comes, their prefix and middleware are the routes'. */

import { UsageError } from "../../errors.js";
import { requireFunction } from "../../options.js";
import type { Middleware } from "../middleware-chain.js";
import { joinPath, readPrefix } from "./prefix.js";
import { type RouteDefinition, type RouteMethod, RouteMethods } from "./route-methods.js";

/** Registers routes that have the beginning of their path, and middleware, in common. Made by `group` of an application or a group. */
export class RouteGroup<Prefix extends string> extends RouteMethods<Prefix> {
  /** A GET route, which answers HEAD too (RFC 9110 §9.3.2). */
  readonly get: RouteMethod<this, Prefix> = this.verb("GET");

  readonly #prefix: string;
  readonly #middleware: readonly Middleware[];
  readonly #target: (definition: RouteDefinition) => void;

  /** Made by the application; `target` takes the definitions, complete. @internal */
  constructor(prefix: string, middleware: readonly Middleware[], target: (definition: RouteDefinition) => void) {
    super();
    this.#prefix = readPrefix(prefix, "group");
    this.#middleware = middleware;
    this.#target = target;
  }

  /** A group within this one: its prefix and middleware come after this one's. */
  group<Inner extends string>(prefix: Inner, define: (group: RouteGroup<`${Prefix}${Inner}`>) => void): this;
  group<Inner extends string>(
    prefix: Inner,
    middleware: readonly Middleware[],
    define: (group: RouteGroup<`${Prefix}${Inner}`>) => void,
  ): this;
  group(prefix: string, ...rest: GroupArguments): this {
    defineGroup(prefix, rest, (definition) => this.add(definition));
    return this;
  }

  /** @internal */
  protected override add(definition: RouteDefinition): void {
    const middleware = [...this.#middleware, ...definition.middleware];
    this.#target({ ...definition, ...joinPath(this.#prefix, definition), middleware });
  }
}

/** What the overloads of `group` accept, after the prefix. */
export type GroupArguments = readonly [
  first: readonly Middleware[] | ((group: RouteGroup<string>) => void),
  second?: (group: RouteGroup<string>) => void,
];

/** Has the group's routes defined. Throws `UsageError` `route/prefix`, `options/unknown-value`, and as registering them does. */
export function defineGroup(
  prefix: string,
  given: GroupArguments,
  target: (definition: RouteDefinition) => void,
): void {
  const [first, second] = given;
  const [middleware, define] = typeof first === "function" ? [[], first] : [first, second];
  if (define === undefined || !Array.isArray(middleware)) {
    throw new UsageError(
      "options/unknown-value",
      `Cannot group ${prefix}: expected a function that defines its routes`,
    );
  }
  requireFunction("group", define);
  for (const each of middleware) requireFunction("middleware", each);
  define(new RouteGroup(prefix, middleware, target));
}
