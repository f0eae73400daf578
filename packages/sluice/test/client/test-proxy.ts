/** An HTTP proxy on a loopback port that writes down what it is asked for: it passes requests on, and opens tunnels. */
import { createServer, type IncomingMessage, request as passOn, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SERVER } from "../net/certificates.js";

/** What a proxy of ours does with what it is asked for. */
export interface TestProxyOptions {
  readonly tls?: boolean;
  /** The value of Proxy-Authorization that is let through. */
  readonly credentials?: string;
  /** Every tunnel and request leads here, whatever was asked for. */
  readonly origin?: number;
  /** Answers CONNECT in place of the usual; undefined says nothing, for ever. */
  readonly answer?: (target: string) => string | undefined;
}

/** A running proxy. */
export interface TestProxy {
  readonly port: number;
  /** `http://127.0.0.1:…` or `https://localhost:…`. */
  readonly url: string;
  /** "CONNECT host:port" and "GET http://…", in order. */
  readonly asked: string[];
  readonly heads: IncomingMessage["headers"][];
  readonly connections: () => number;
  close(): Promise<void>;
}

export async function startTestProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const heads: IncomingMessage["headers"][] = [];
  const sockets = new Set<Duplex>();
  let connections = 0;
  const server = (options.tls ? createTlsServer(SERVER) : createServer()) as Server;
  const refused = ({ headers }: IncomingMessage): boolean =>
    options.credentials !== undefined && headers["proxy-authorization"] !== options.credentials;
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  });
  server.on("request", (request, reply) => {
    asked.push(`${request.method} ${request.url}`);
    heads.push(request.headers);
    if (refused(request)) {
      reply.writeHead(407, { "proxy-authenticate": 'Basic realm="test"' }).end("no");
      return;
    }
    const url = new URL(request.url ?? "");
    const { "proxy-authorization": _secret, ...headers } = request.headers;
    const port = options.origin ?? Number(url.port || 80);
    const target = { host: "127.0.0.1", port, path: url.pathname + url.search, method: request.method, headers };
    const onward = passOn(target, (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    onward.on("error", () => reply.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(`CONNECT ${request.url}`);
    heads.push(request.headers);
    socket.on("error", () => socket.destroy());
    if (refused(request)) {
      socket.end('HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm="test"\r\n\r\n');
      return;
    }
    if (options.answer !== undefined) {
      const answer = options.answer(request.url ?? "");
      if (answer !== undefined) socket.write(answer, "latin1");
      if (answer === undefined || !answer.startsWith("HTTP/1.1 200")) return;
    } else socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    const port = options.origin ?? Number((request.url ?? "").split(":").at(-1));
    const onward = connect(port, "127.0.0.1");
    sockets.add(onward);
    onward.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    asked,
    heads,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
