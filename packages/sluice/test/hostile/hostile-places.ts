/** A server and a client of ours with short limits, on real sockets, and peers that are nothing but sockets. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import { systemClock } from "../../src/concurrency/clock.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { Server } from "../../src/server/server.js";
import { RawClient } from "../server/raw-client.js";

const closing: (() => unknown)[] = [];

/** For `afterEach`: ends everything that a test began, and says what was left behind. */
export async function endAll(): Promise<{ readonly deadlines: number }> {
  for (const job of closing.splice(0).reverse()) await job();
  return { deadlines: systemClock.armedCount };
}

export interface Hosted {
  readonly server: Server;
  readonly url: string;
  /** What handlers and answers ended with on the server's side. */
  readonly errors: unknown[];
}

/** The application that `routes` makes, with short limits. */
export async function hosted(routes: (app: Application) => void, options: ApplicationOptions = {}): Promise<Hosted> {
  const errors: unknown[] = [];
  const app = new Application({ lingerTimeout: 100, onError: (error) => errors.push(error), ...options });
  routes(app);
  const server = await app.listen({ port: 0, host: "127.0.0.1" });
  closing.push(() => server.close({ grace: 0 }));
  return { server, url: server.url, errors };
}

/** A raw socket to a server of ours. */
export async function rawTo({ server }: Hosted): Promise<RawClient> {
  const client = await RawClient.to(server);
  closing.push(() => client.socket.destroy());
  return client;
}

/** Whether the server still answers `/fine` to somebody else. */
export async function stillServes({ url }: Hosted): Promise<boolean> {
  const session = new ClientSession({ timeout: 10_000 });
  try {
    return (await session.get(`${url}/fine`).text()) === "fine";
  } finally {
    await session.close();
  }
}

/** A TCP server that does with each connection what `behave` says, once the first bytes of a request are there. */
export async function hostileServer(behave: (socket: Socket, request: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: NetServer = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => behave(socket, bytes.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has a port");
  return `http://127.0.0.1:${address.port}`;
}

/** A session that ends with the test. */
export function newSession(options: SessionOptions = {}): ClientSession {
  const session = new ClientSession({ timeout: 15_000, ...options });
  closing.push(() => session.close());
  return session;
}

/** The error that `work` rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("It should have failed");
}

/** Resolves when `condition` holds; the test's own time limit is the end of patience. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
