/** socket.io over WebSocket only. Its pings are put off, because the load generator does not answer them. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import type { PushAdapter } from "./push-adapter.js";

const AN_HOUR_MS = 3_600_000;

export const start: PushAdapter = async () => {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], pingInterval: AN_HOUR_MS });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    port: (http.address() as AddressInfo).port,
    broadcast: async (data) => io.emit("message", { ts: Date.now(), data }),
  };
};
