/**
 * The listening socket behind `listen`: Node's server with half-open connections, without Nagle's delay, counting what it
 * accepted. Node's own `close` event waits for the last connection; ours is over when the listening descriptor is.
 */

import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { UsageError } from "../errors.js";
import type { ListenAddress, Listener, ListenOptions } from "./listen.js";
import { readBufferSource } from "./read-buffer.js";
import { SocketTransport } from "./socket-transport.js";
import { type TlsMaterial, TlsServer } from "./tls-server.js";

const DEFAULT_BACKLOG = 511;
/** The most that one read takes. */
const READ_BUFFER_BYTES = 64 * 1024;

/** What all accepted sockets of the process read into, one after the other, made for the first. */
const takeReadBuffer = readBufferSource(READ_BUFFER_BYTES);

/** {@link Listener} over one node:net or node:tls server; made by `listen`. */
export class SocketListener implements Listener {
  readonly #options: ListenOptions;
  readonly #tls: TlsServer | undefined;
  readonly #server: Server;
  #address: ListenAddress | undefined;
  #connections = 0;
  #closing: Promise<void> | undefined;
  /** One for all: a closure for each would be a good part of what an idle connection costs. */
  readonly #onSocketClose = (): void => {
    this.#connections -= 1;
  };

  /** Throws {@link UsageError} `listen/bad-certificate` when key and certificate cannot be used. */
  constructor(options: ListenOptions) {
    this.#options = options;
    this.#tls = options.tls === undefined ? undefined : new TlsServer(options.tls);
    this.#server =
      this.#tls === undefined ? createServer({ allowHalfOpen: true, noDelay: true }) : this.#watchTls(this.#tls);
    this.#server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  get address(): ListenAddress {
    if (this.#address === undefined) throw new UsageError("listen/not-bound", "Cannot tell the address: not bound yet");
    return this.#address;
  }

  get secure(): boolean {
    return this.#tls !== undefined;
  }

  /** Throws {@link UsageError} `listen/no-tls` where there is no TLS, and as {@link TlsServer.replace} does. */
  reloadTls(material: TlsMaterial): void {
    if (this.#tls === undefined) {
      throw new UsageError("listen/no-tls", "Cannot replace certificates: this listener does not speak TLS");
    }
    this.#tls.replace(material);
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
    if (this.#tls === undefined) this.#hand(socket, this.#onSocketClose);
    else socket.on("close", this.#onSocketClose);
  }

  #hand(socket: Socket, onGone: (() => void) | undefined): void {
    this.#options.onConnection(SocketTransport.accepted(socket, takeReadBuffer(), onGone));
  }

  #watchTls({ server }: TlsServer): Server {
    server.on("secureConnection", (socket: TLSSocket) => {
      socket.allowHalfOpen = true;
      this.#hand(socket, undefined);
    });
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const { remoteAddress } = socket;
      socket.destroy();
      this.#options.onHandshakeFailure?.(error, remoteAddress);
    });
    return server;
  }
}

function addressOf(server: Server): ListenAddress {
  const address = server.address();
  if (address === null) throw new UsageError("listen/not-bound", "Cannot tell the address: the server was closed");
  if (typeof address === "string") return { host: undefined, port: undefined, path: address };
  return { host: address.address, port: address.port, path: undefined };
}
