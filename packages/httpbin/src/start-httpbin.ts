/** Puts an httpbin on a socket. */

import type { ListenOptions, Server } from "sluice/server";
import { createHttpbin } from "./create-httpbin.js";
import type { HttpbinOptions } from "./options.js";

/** Options of {@link startHttpbin}: those of the httpbin, and where it listens. */
export interface StartHttpbinOptions extends HttpbinOptions, ListenOptions {
  /** 0 for a free one: `server.url` says which. @default 0 */
  readonly port?: number;
  /** Reachable from other machines only if you say so: it does whatever it is asked. @default "127.0.0.1" */
  readonly host?: string;
}

/**
 * Starts an httpbin: on a free loopback port unless told otherwise. Rejects with `UsageError`: `options/…` for an option out of its
 * range, `listen/…` for what is in the way of listening.
 */
export async function startHttpbin(options: StartHttpbinOptions = {}): Promise<Server> {
  const { port, host, path, tls, backlog, removeStaleSocket, signals, ...rest } = options;
  const app = createHttpbin(rest);
  // A Unix socket has neither port nor host.
  const address = path === undefined ? { port: port ?? 0, host: host ?? "127.0.0.1" } : { path, port, host };
  return app.listen({ ...address, tls, backlog, removeStaleSocket, signals });
}
