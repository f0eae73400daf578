/** ws, with the loop of its documentation; the text is made once. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { PushAdapter } from "./push-adapter.js";

export const start: PushAdapter = async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    broadcast(data) {
      const text = JSON.stringify({ ts: Date.now(), data });
      for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(text);
    },
  };
};
