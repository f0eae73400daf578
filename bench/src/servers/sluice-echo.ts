/** Ours, with its limits, its heartbeat and its check of origins as they are by default. */
import { Application, type WebSocketRouteOptions } from "sluice/server";
import type { ServerAdapter } from "./server-adapter.js";

/** What arrives is sent back as it is; to wait for `send` is back-pressure, which ws does not have. */
export async function startEcho(options: WebSocketRouteOptions = {}): Promise<number> {
  const app = new Application();
  app.websocket("/echo", options, (socket) => socket.receiveEach((message) => socket.send(message)));
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  return Number(new URL(server.url).port);
}

export const start: ServerAdapter = () => startEcho();
