/**
 * The listening socket behind `listen`: Node's server with half-open connections, without Nagle's delay, counting what it
 * accepted. Node's own `close` event waits for the last connection; ours is over when the listening descriptor is.
 */

import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import { UsageError } from "../errors.js";
import type { ListenAddress, Listener, ListenOptions, ServerTlsOptions } from "./listen.js";
import { SocketTransport } from "./socket-transport.js";
import { bytesOf } from "./tls-material.js";

/** A client that stalls in its handshake holds a descriptor; Node's own default is two minutes. */
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_BACKLOG = 511;

/** {@link Listener} over one node:net or node:tls server; made by `listen`. */
export class SocketListener implements Listener {
  readonly #options: ListenOptions;
  readonly #server: Server;
  #address: ListenAddress | undefined;
  #connections = 0;
  #closing: Promise<void> | undefined;

  /** Throws {@link UsageError} `listen/bad-certificate` when key and certificate cannot be used. */
  constructor(options: ListenOptions) {
    this.#options = options;
    const { tls } = options;
    this.#server =
      tls === undefined ? createServer({ allowHalfOpen: true, noDelay: true }) : this.#createTlsServer(tls);
    this.#server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  get address(): ListenAddress {
    if (this.#address === undefined) throw new UsageError("listen/not-bound", "Cannot tell the address: not bound yet");
    return this.#address;
  }

  get secure(): boolean {
    return this.#options.tls !== undefined;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Binds once; rejects with Node's error, and may be called again after that. */
  bind(): Promise<void> {
    const { port, host, path, backlog = DEFAULT_BACKLOG } = this.#options;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const place = path === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path };
      server.listen({ ...place, backlog }, () => {
        server.removeListener("error", reject);
        server.on("error", (error) => this.#options.onError?.(error));
        this.#address = addressOf(server);
        resolve();
      });
    });
  }

  close(): Promise<void> {
    // The descriptor is closed within the call; its handle, and on Unix the socket file, are gone after the turn.
    this.#closing ??= new Promise((resolve) => {
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closing;
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    socket.once("close", () => {
      this.#connections -= 1;
    });
    if (this.#options.tls === undefined) this.#options.onConnection(new SocketTransport(socket));
  }

  #createTlsServer(tls: ServerTlsOptions): Server {
    const server = createTlsServer(tls);
    server.on("secureConnection", (socket: TLSSocket) => {
      socket.allowHalfOpen = true;
      this.#options.onConnection(new SocketTransport(socket));
    });
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const { remoteAddress } = socket;
      socket.destroy();
      this.#options.onHandshakeFailure?.(error, remoteAddress);
    });
    return server;
  }
}

function createTlsServer(tls: ServerTlsOptions): Server {
  const { clientCertificate = "none" } = tls;
  if (tls.key === undefined || tls.cert === undefined) {
    const missing = tls.key === undefined ? "key" : "cert";
    throw new UsageError("listen/bad-certificate", `Cannot listen with TLS: \`tls.${missing}\` is not given`);
  }
  const options: TlsOptions = {
    // Half-open only from the handshake on: before, a client that has ended is gone, and need not be waited for.
    allowHalfOpen: false,
    noDelay: true,
    key: bytesOf(tls.key),
    cert: bytesOf(tls.cert),
    minVersion: tls.minVersion ?? "TLSv1.2",
    ALPNProtocols: [...(tls.alpn ?? ["http/1.1", "http/1.0"])],
    handshakeTimeout: tls.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
    requestCert: clientCertificate !== "none",
    rejectUnauthorized: clientCertificate === "require",
    ...(tls.ca === undefined ? {} : { ca: [tls.ca].flat().map(bytesOf) }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
  };
  try {
    return process.getBuiltinModule("node:tls").createServer(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError("listen/bad-certificate", `Cannot listen with TLS: key or certificate refused: ${reason}`, {
      cause,
    });
  }
}

function addressOf(server: Server): ListenAddress {
  const address = server.address();
  if (address === null) throw new UsageError("listen/not-bound", "Cannot tell the address: the server was closed");
  if (typeof address === "string") return { host: undefined, port: undefined, path: address };
  return { host: address.address, port: address.port, path: undefined };
}
