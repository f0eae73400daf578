/**
 * Runs any fetch-style application on this server. What it takes is loaded when it is first called: most programs that import
 * `sluice/server` never do.
 */

import { systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireObject } from "../../options.js";
import { CONNECTION_OPTION_NAMES, type ConnectionOptions } from "../connection-options.js";
import { LISTEN_OPTION_NAMES, type ListenOptions, startServer } from "../listen.js";
import type { Server } from "../server.js";
import { ProxyTrust, type TrustProxyOptions } from "../trust-proxy.js";
import type { FetchApplication, FetchHandler } from "./fetch-handler.js";

/** Told of an error and of the request it made fail; of none if it concerns the server, such as its accepting connections. */
export type FetchErrorListener = (error: unknown, request: Request | undefined) => void;

/** Options of {@link serve}: where to listen, the limits of connections, and these. */
export interface ServeOptions extends ListenOptions, ConnectionOptions {
  /**
   * Most bytes of a request body that `text`, `json`, `bytes`, `arrayBuffer`, `blob` and `formData` take into memory, and a copy of the
   * request made by `clone` or `new Request(request)` gives; beyond it they reject with `HttpError` 413, which is the answer unless the
   * application makes another one. `request.body` itself has no limit: it goes at its reader's pace. `Infinity` for no limit.
   * `UsageError` `options/out-of-range` for anything negative or no whole number.
   *
   * @default 16_777_216 (16 MiB)
   */
  readonly maxBodySize?: number;
  /**
   * Proxies that are believed when they say who the client is, and under which scheme and host it asked.
   *
   * @default none: the client is the peer of the connection
   */
  readonly trustProxy?: readonly string[] | TrustProxyOptions;
  /**
   * Replaces the global `Response` of this process by one that costs little to make, until the server is closed. It is a `Response` in
   * every respect, `instanceof` included, and becomes a native one where that takes one; a body in memory is sent without a stream.
   *
   * @default false
   */
  readonly lightweightGlobals?: boolean;
  /**
   * Told of every error that made a request fail on the server's side: what the handler threw, and what broke an answer that had begun.
   * What it throws itself goes to standard error.
   *
   * @default a report on standard error
   */
  readonly onError?: FetchErrorListener;
}

const DEFAULT_MAX_BODY_SIZE = 16 * 1024 * 1024;
const OPTION_NAMES: ReadonlySet<string> = new Set([
  ...["maxBodySize", "trustProxy", "lightweightGlobals", "onError"],
  ...LISTEN_OPTION_NAMES,
  ...CONNECTION_OPTION_NAMES,
]);

/**
 * Listens, and has `application` answer every request: a function, or anything with a `fetch` method. Rejects with `UsageError`
 * `options/…`, or `listen/…` that says what is in the way of listening.
 */
export async function serve(application: FetchHandler | FetchApplication, options: ServeOptions = {}): Promise<Server> {
  requireObject("serve options", options);
  refuseUnknown("serve", options, OPTION_NAMES);
  const handler = handlerOf(application);
  const { maxBodySize = DEFAULT_MAX_BODY_SIZE, trustProxy, lightweightGlobals = false, onError, ...rest } = options;
  assertSize(maxBodySize);
  if (typeof lightweightGlobals !== "boolean") {
    throw new UsageError("options/unknown-value", "Cannot use lightweightGlobals: expected true or false");
  }
  if (onError !== undefined) requireFunction("onError", onError);
  if (trustProxy !== undefined) requireObject("trustProxy", trustProxy);
  const trust = trustProxy === undefined ? undefined : new ProxyTrust(trustProxy);
  const { FetchService } = await import("./fetch-service.js");
  const service = new FetchService(handler, { maxBodySize, trust, lightweightGlobals, onError });
  try {
    const server = await startServer(service.respond, { ...rest, onError: service.onServerError });
    server.whenClosed(() => service.end(options.clock ?? systemClock));
    return server;
  } catch (error) {
    service.release();
    throw error;
  }
}

function handlerOf(application: FetchHandler | FetchApplication): FetchHandler {
  if (typeof application === "function") return application;
  requireObject("the application", application);
  requireFunction("the application's fetch", application.fetch);
  return (request, context, execution) => application.fetch(request, context, execution);
}

function assertSize(maxBodySize: number): void {
  if (maxBodySize === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxBodySize) && maxBodySize >= 0)) return;
  throw new UsageError(
    "options/out-of-range",
    `Cannot use maxBodySize: expected a whole number of bytes from 0, or Infinity, received ${maxBodySize}`,
  );
}
