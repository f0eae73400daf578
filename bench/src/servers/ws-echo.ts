/** ws, as its documentation recommends for speed. */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { ServerAdapter } from "./server-adapter.js";

/** Messages are text; what arrives is sent back as it is. */
export function startWs(perMessageDeflate: false | { readonly threshold: number }): ReturnType<ServerAdapter> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      socket.send(data, { binary: isBinary });
    });
    socket.on("error", console.error);
  });
  return new Promise((resolve) => {
    server.on("listening", () => resolve((server.address() as AddressInfo).port));
  });
}

export const start: ServerAdapter = () => startWs(false);
