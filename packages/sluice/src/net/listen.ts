/**
 * Listening on TCP, TLS and Unix sockets: each accepted connection becomes a transport, after the handshake where there is
 * one. Connections are half-open capable: a client that sends FIN after its request still gets its answer (RFC 9112 §9.6
 * leaves that to the server's patience).
 *
 * There is no way to pause accepting: Node cannot, and closing and binding again would refuse, in between, clients the
 * backlog would have kept. A server at its limit holds accepted transports unattached: nothing is read from them.
 */

import { connect } from "node:net";
import { UsageError } from "../errors.js";
import { errorCodeOf } from "./error-code.js";
import { listenError } from "./listen-error.js";
import { SocketListener } from "./socket-listener.js";
import type { ServerTlsOptions, TlsMaterial } from "./tls-server.js";
import type { Transport } from "./transport.js";

const LARGEST_PORT = 65_535;

/** Where to listen and who is told. Give `port` (and `host`), or `path`. */
export interface ListenOptions {
  /** TCP port; 0 lets the system choose a free one. */
  readonly port?: number | undefined;
  /** Address or name to bind. @default every address of the machine, IPv6 and IPv4 */
  readonly host?: string | undefined;
  /** Path of a Unix socket to make; it is removed on close. */
  readonly path?: string | undefined;
  /** Speak TLS, with this certificate. */
  readonly tls?: ServerTlsOptions | undefined;
  /** Connections the system may queue before they are accepted; the system may cap it. @default 511 */
  readonly backlog?: number | undefined;
  /**
   * Removes a socket file that nobody listens on any more and says whether it did (`removeSocketFile` of platform/files).
   * Absent: a left-over file is an address in use.
   */
  readonly removeStaleSocket?: ((path: string) => Promise<boolean>) | undefined;
  /** A connection is there, its handshake done. Attach a handler in this turn or later: nothing is lost in between. */
  onConnection(transport: Transport): void;
  /** Accepting failed once, out of descriptors for example (`code` EMFILE); the listener goes on. */
  onError?(error: Error): void;
  /** A client's TLS handshake failed or took too long; its connection is closed already. */
  onHandshakeFailure?(error: Error, remoteAddress: string | undefined): void;
}

/** Where a listener is bound. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly path: undefined }
  | { readonly host: undefined; readonly port: undefined; readonly path: string };

/** A bound, accepting socket. */
export interface Listener {
  readonly address: ListenAddress;
  /** Whether its connections speak TLS. */
  readonly secure: boolean;
  /**
   * Has handshakes from now on use other certificates; connections keep theirs. Throws `UsageError`, and changes nothing, for what cannot
   * be used. Absent where there is no way to.
   */
  reloadTls?(material: TlsMaterial): void;
  /** Accepted connections still open, those in their handshake included. */
  readonly connections: number;
  /** Stops accepting. Resolves when the listening socket is closed; connections go on. Idempotent. */
  close(): Promise<void>;
  /** Whether listening alone keeps the process alive (it does at first). */
  ref(): void;
  unref(): void;
}

/** Binds and starts to accept. Rejects with a {@link UsageError}: `options/out-of-range`, or `listen/…` that says what is in the way. */
export async function listen(options: ListenOptions): Promise<Listener> {
  if ((options.port === undefined) === (options.path === undefined)) {
    throw new UsageError("listen/no-address", "Cannot listen: give either a port or the path of a Unix socket");
  }
  const { port } = options;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= LARGEST_PORT)) {
    const message = `Cannot listen: expected a port from 0 to ${LARGEST_PORT} as a number, received ${JSON.stringify(port)}`;
    throw new UsageError("options/out-of-range", message);
  }
  const listener = new SocketListener(options);
  try {
    await listener.bind();
  } catch (error) {
    if (!(await clearedStaleSocket(error, options))) throw listenError(error, options);
    await listener.bind().catch((again: unknown) => Promise.reject(listenError(again, options)));
  }
  return listener;
}

/** After a failed bind: true if a socket file that nobody listens on was in the way, and is gone now. */
async function clearedStaleSocket(error: unknown, options: ListenOptions): Promise<boolean> {
  const { path, removeStaleSocket } = options;
  if (path === undefined || removeStaleSocket === undefined) return false;
  if (errorCodeOf(error) !== "EADDRINUSE" || !(await isDeserted(path))) return false;
  return removeStaleSocket(path);
}

/** Whether connecting to the Unix socket at `path` is refused: its file outlived its listener. */
function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => resolve(false));
    probe.on("error", (error) => resolve(errorCodeOf(error) === "ECONNREFUSED"));
    probe.on("connect", () => probe.destroy());
  });
}
