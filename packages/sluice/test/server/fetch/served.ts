/** Servers and in-process exchanges for the tests of fetch-style applications. */
import { afterEach } from "vitest";
import type { FetchHandler } from "../../../src/server/fetch/fetch-handler.js";
import { FetchResponder, type FetchResponderSettings } from "../../../src/server/fetch/fetch-responder.js";
import { type ServeOptions, serve } from "../../../src/server/fetch/serve.js";
import type { Server } from "../../../src/server/server.js";
import { RawClient } from "../raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

/** A server that ends with its test. */
export async function served(handler: FetchHandler, options: ServeOptions = {}): Promise<Server> {
  const server = await serve(handler, { host: "127.0.0.1", port: 0, onError: () => undefined, ...options });
  cleanUp.push(() => server.close({ grace: 0 }));
  return server;
}

/** A connection that ends with its test. */
export async function clientOf(server: Server): Promise<RawClient> {
  const client = await RawClient.to(server);
  cleanUp.push(() => client.socket.destroy());
  return client;
}

/** A responder without a wire, and what it reports. */
export function responding(handler: FetchHandler, settings: Partial<FetchResponderSettings> = {}) {
  const errors: unknown[] = [];
  const responder = new FetchResponder(handler, {
    maxBodySize: 1_000,
    trust: undefined,
    lightweightGlobals: false,
    afterwards: { waitUntil: () => undefined },
    onError: (error) => errors.push(error),
    ...settings,
  });
  return { respond: responder.respond, responder, errors };
}
