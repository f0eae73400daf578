/** A proxy of ours between a client that is nothing but a socket and an origin that is nothing but one. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import type { ProxyOptions } from "../../src/proxy/proxy-options.js";
import { type ProxyTarget, proxy } from "../../src/proxy/reverse-proxy.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { Server } from "../../src/server/server.js";
import { atEnd } from "../interop/places.js";
import { RawClient } from "../server/raw-client.js";

/** What the origin does with what has come in so far on one connection. */
export type OriginScript = (socket: Socket, received: string) => void;

/** An origin that writes what it is told, and knows every byte that it was sent. */
export class RawOrigin {
  received = "";
  connections = 0;
  readonly sockets: Socket[] = [];
  readonly #server: NetServer;
  #wake: (() => void) | undefined;

  private constructor(script: OriginScript) {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.sockets.push(socket);
      let own = "";
      socket.on("error", () => this.#wake?.());
      socket.on("close", () => this.#wake?.());
      socket.on("data", (bytes) => {
        own += bytes.toString("latin1");
        this.received += bytes.toString("latin1");
        script(socket, own);
        this.#wake?.();
      });
    });
  }

  static async start(script: OriginScript): Promise<RawOrigin> {
    const origin = new RawOrigin(script);
    await new Promise<void>((resolve) => origin.#server.listen(0, "127.0.0.1", resolve));
    atEnd(() => {
      for (const socket of origin.sockets) socket.destroy();
      origin.#server.close();
    });
    return origin;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("A TCP server has a port");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Host and port, as they stand in `Host`. */
  get host(): string {
    return this.url.slice("http://".length);
  }

  /** Resolves when `condition` holds; asked again after everything that happens to a connection. */
  async until(condition: (origin: RawOrigin) => boolean): Promise<string> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.received;
  }
}

/** Answers once on each connection, as soon as `complete` holds of what has come in: by itself, when there is a head. */
export function answering(answer: string, complete = hasHead): OriginScript {
  const answered = new WeakSet<Socket>();
  return (socket, received) => {
    if (answered.has(socket) || !complete(received)) return;
    answered.add(socket);
    socket.write(answer, "latin1");
  };
}

function hasHead(received: string): boolean {
  return received.includes("\r\n\r\n");
}

/** A running proxy. */
export interface Proxied {
  readonly server: Server;
  readonly session: ClientSession;
  /** What its application reported. */
  readonly errors: unknown[];
}

export interface Surroundings {
  readonly session?: SessionOptions;
  readonly app?: ApplicationOptions;
  /** Of `passage`: when the origin answers. */
  readonly complete?: (received: string) => boolean;
}

/** A proxy for everything, on a loopback port; ended by `closeAll`. */
export async function proxied(
  target: ProxyTarget,
  options: ProxyOptions = {},
  { session: sessionOptions, app: appOptions }: Surroundings = {},
): Promise<Proxied> {
  const errors: unknown[] = [];
  const session = new ClientSession(sessionOptions);
  const app = new Application({ onError: (error) => errors.push(error), ...appOptions });
  app.use(proxy(session, target, { via: "test", ...options }));
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  atEnd(async () => {
    await server.close({ grace: 0 });
    await session.close();
  });
  return { server, session, errors };
}

/** One request and its answer, as bytes at both ends. */
export interface Passage {
  /** What the origin was sent. */
  readonly sent: string;
  /** What the client got. */
  readonly got: string;
  readonly errors: unknown[];
}

/** Sends `request` through a proxy to an origin that answers it with `answer`; `Connection: close` has to be in the request. */
export async function passage(
  request: string,
  answer: string,
  options: ProxyOptions = {},
  surroundings: Surroundings = {},
): Promise<Passage> {
  const origin = await RawOrigin.start(answering(answer, surroundings.complete));
  const { server, errors } = await proxied(origin.url, options, surroundings);
  const client = await RawClient.to(server);
  client.send(request);
  const got = await client.untilClosed();
  return {
    sent: origin.received.replaceAll(origin.host, "<origin>"),
    got: got.replaceAll(origin.host, "<origin>"),
    errors,
  };
}

/** The field lines of the first head in `text`, without its start line. */
export function linesOf(text: string): string[] {
  const head = text.slice(0, text.indexOf("\r\n\r\n"));
  return head.split("\r\n").slice(1);
}

/** The value of a field in the first head of `text`. */
export function fieldOf(text: string, name: string): string | undefined {
  const line = linesOf(text).find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return line?.slice(line.indexOf(":") + 1).trim();
}
