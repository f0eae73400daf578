/** What an application consists of, for people and for tests: its routes and its middleware, as they will be asked. */

import type { Middleware } from "../middleware-chain.js";
import { joinPath } from "./prefix.js";
import type { Place } from "./routing-table.js";

/** One route. */
export interface RouteOverview {
  readonly methods: readonly string[];
  /** Whether it opens sockets: a GET route of its own kind. */
  readonly websocket: boolean;
  /** The whole pattern, prefixes included. */
  readonly path: string;
  readonly name: string | undefined;
  /** The hosts of its application; undefined: every host without an application of its own. */
  readonly hosts: readonly string[] | undefined;
  /** The prefix its application is mounted at; empty for the outermost's own routes. */
  readonly mount: string;
  /** The names of all functions that stand before its handler, the outermost first; `(anonymous)` for one without. */
  readonly middleware: readonly string[];
}

const NOTHING = "–";
const HEADINGS = ["METHOD", "PATH", "NAME", "HOST", "MIDDLEWARE"] as const;

/** Made by `inspect` of an application. As text it is a table. */
export class ApplicationOverview {
  /** In the order of registration, a sub-application's after those of the application it is mounted in. */
  readonly routes: readonly RouteOverview[];
  /** The application's own middleware, which stands before every route and every 404. */
  readonly middleware: readonly string[];

  constructor(places: Iterable<Place>, middleware: readonly Middleware[]) {
    this.routes = [...places].flatMap(routesAt);
    this.middleware = middleware.map(nameOf);
  }

  /** A line for each route, in columns; columns without an entry are left out. */
  toString(): string {
    const rows = this.routes.map(({ methods, websocket, path, name, hosts, middleware }) => {
      return [
        websocket ? "WEBSOCKET" : methods.join(","),
        path,
        name ?? "",
        hosts?.join(",") ?? "",
        middleware.join(" > "),
      ];
    });
    const used = HEADINGS.map((_heading, column) => column < 2 || rows.some((row) => row[column] !== ""));
    return [[...HEADINGS], ...rows]
      .map((row) =>
        lineOf(
          row.map((cell) => cell || NOTHING),
          rows,
          used,
        ),
      )
      .join("\n");
  }
}

function routesAt({ scope, prefix, hosts, middleware }: Place): RouteOverview[] {
  const outer = middleware.map(nameOf);
  return scope.routes.map((route): RouteOverview => {
    const { path } = joinPath(prefix, route);
    const own = route.middleware.map(nameOf);
    const { methods, name, websocket } = route;
    return { methods, websocket, path, name, hosts, mount: prefix, middleware: [...outer, ...own] };
  });
}

function nameOf(middleware: Middleware): string {
  return middleware.name === "" ? "(anonymous)" : middleware.name;
}

function lineOf(row: readonly string[], rows: readonly (readonly string[])[], used: readonly boolean[]): string {
  const cells = row.map((cell, column) => {
    const longest = Math.max(...rows.map((each) => (each[column] ?? "").length), (HEADINGS[column] ?? "").length);
    return used[column] === true ? cell.padEnd(longest) : undefined;
  });
  return cells
    .filter((cell) => cell !== undefined)
    .join("  ")
    .trimEnd();
}
