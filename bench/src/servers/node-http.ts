/** node:http and nothing else: no router, no checks. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HELLO, type Order, userOf } from "../workloads.js";
import type { ServerAdapter } from "./server-adapter.js";

const USERS = "/users/";

export const start: ServerAdapter = () => {
  const server = createServer(handle);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
};

function handle(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = "" } = request;
  if (method === "GET" && url === "/text") end(response, "text/plain; charset=utf-8", HELLO);
  else if (method === "GET" && url.startsWith(USERS)) {
    end(response, "application/json", JSON.stringify(userOf(url.slice(USERS.length))));
  } else if (method === "POST" && url === "/orders") {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { id, lines } = JSON.parse(Buffer.concat(pieces).toString()) as Order;
      end(response, "application/json", JSON.stringify({ id, count: lines.length }));
    });
  } else response.writeHead(404).end();
}

function end(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) }).end(body);
}
