/** Puts a responder on a TCP, TLS or Unix socket. */

import { type Clock, systemClock } from "../concurrency/clock.js";
import { type Listener, listen, type ListenOptions as SocketOptions } from "../net/listen.js";
import { refuseUnknown, requireObject } from "../options.js";
import { DateLine } from "../wire/date-line.js";
import type { ServerLinkSettings } from "../wire/server-link-owner.js";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  type ResolvedConnectionOptions,
  resolveConnectionOptions,
} from "./connection-options.js";
import { ConnectionSet } from "./connection-set.js";
import type { Responder, ServerExchange } from "./exchange.js";
import { type CloseOptions, checkCloseOptions, Server } from "./server.js";
import { closeOnSignals } from "./signals.js";

/** Where to listen, and how the process's end is to be taken. */
export interface ListenOptions
  extends Pick<SocketOptions, "port" | "host" | "path" | "tls" | "backlog" | "removeStaleSocket"> {
  /**
   * Close on SIGINT and SIGTERM: the first one gracefully, with these options of `close` if there are any, the second at once. The
   * process ends when nothing else holds it open.
   *
   * @default false
   */
  readonly signals?: boolean | CloseOptions | undefined;
  /** Accepts connections in place of the network, wherever they come from; port, host, path and TLS are its own business then. */
  readonly open?: ((host: ListenHost) => Listener | Promise<Listener>) | undefined;
  /** The source of time for connections. @default the application's, which is the system's */
  readonly clock?: Clock;
}

/** Where a listener's connections go. */
export type ListenHost = Pick<Required<SocketOptions>, "onConnection" | "onError">;

/** Options of {@link startServer}. */
export interface ServerOptions extends ListenOptions, ConnectionOptions {
  /**
   * Told of what went wrong on this side of the network: an answer that could not be sent as it was given or not to its end (then
   * `exchange` says which), or accepting connections. Must not throw.
   */
  onError(error: unknown, exchange: ServerExchange | undefined): void;
}

/** All of {@link ListenOptions}. */
export const LISTEN_OPTION_NAMES: ReadonlySet<string> = new Set([
  "port",
  "host",
  "path",
  "tls",
  "backlog",
  "removeStaleSocket",
  "signals",
  "open",
  "clock",
]);
const SERVER_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...LISTEN_OPTION_NAMES,
  ...CONNECTION_OPTION_NAMES,
  "onError",
]);

/**
 * Listens, and has `responder` answer every request. Rejects with `UsageError`: `options/out-of-range`, `options/unknown`, or `listen/…` that says
 * what is in the way of listening.
 */
export async function startServer(responder: Responder, options: ServerOptions): Promise<Server> {
  refuseUnknown("server", options, SERVER_OPTION_NAMES);
  const { clock = systemClock, onError, signals = false } = options;
  if (typeof signals !== "boolean") requireObject("signals", signals);
  if (typeof signals === "object") checkCloseOptions(signals);
  const resolved = resolveConnectionOptions(options);
  const linkSettings = linkSettingsFrom(resolved, clock);
  const connections = new ConnectionSet({ responder, options: resolved, linkSettings, clock, onError });
  const host: ListenHost = {
    onConnection: (transport) => connections.add(transport),
    onError: (error) => onError(error, undefined),
  };
  const { open } = options;
  const listener = await (open === undefined ? listen({ ...socketOptionsFrom(options), ...host }) : open(host));
  const server = new Server({ listener, connections, clock });
  if (signals !== false) {
    const closing = signals === true ? {} : signals;
    server.whenClosed(closeOnSignals(server, closing, (error) => onError(error, undefined)));
  }
  return server;
}

/** The link's part of a connection's options. */
export function linkSettingsFrom(options: ResolvedConnectionOptions, clock: Clock): ServerLinkSettings {
  const date = new DateLine(() => clock.wallTime());
  return {
    limits: options.limits,
    maxRequests: options.maxRequestsPerConnection,
    maxPipelined: options.maxPipelined,
    bufferBytes: options.maxBufferedBytes,
    drainBytes: options.maxDrainBytes,
    lingerBytes: options.maxLingerBytes,
    dateLine: () => date.text,
  };
}

function socketOptionsFrom(options: ListenOptions): Omit<SocketOptions, "onConnection"> {
  const { port, host, path, tls, backlog, removeStaleSocket } = options;
  return { port, host, path, tls, backlog, removeStaleSocket };
}
