/** A client that is nothing but a socket: what it sends and receives are bytes. */
import { once } from "node:events";
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Server } from "../../src/server/server.js";

export class RawClient {
  readonly socket: Socket;
  received = "";
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  /** How many reads it took to receive everything: a write each, when nothing else is on the wire. */
  reads = 0;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.reads += 1;
      this.#wake?.();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake?.();
    });
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.closed = true;
      this.#wake?.();
    });
  }

  static async to(server: Server): Promise<RawClient> {
    const { host, port, path } = server.address;
    const place: TcpNetConnectOpts | { path: string } = path === undefined ? { host, port } : { path };
    const client = new RawClient(connect(place));
    await once(client.socket, "connect");
    return client;
  }

  static async toTls(server: Server, ca: string): Promise<RawClient> {
    const { host, port } = server.address;
    if (port === undefined) throw new Error("TLS is tested over TCP");
    const client = new RawClient(connectTls({ host, port, ca, servername: "localhost", ALPNProtocols: ["http/1.1"] }));
    await once(client.socket, "secureConnect");
    return client;
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves when `condition` holds; it is asked again after everything that happens to the socket. */
  async until(condition: (client: RawClient) => boolean): Promise<string> {
    while (!condition(this)) {
      if (this.closed) throw new Error(`The connection was closed; received: ${this.received}`, { cause: this.error });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.received;
  }

  untilReceived(text: string): Promise<string> {
    return this.until((client) => client.received.includes(text));
  }

  async untilClosed(): Promise<string> {
    if (!this.closed) await new Promise((resolve) => this.socket.once("close", resolve));
    return this.received;
  }
}
