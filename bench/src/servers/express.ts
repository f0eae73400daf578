/** express without the two headers that its documentation has one switch off. */
import type { AddressInfo } from "node:net";
import express from "express";
import { HELLO, type Order, userOf } from "../workloads.js";
import type { ServerAdapter } from "./server-adapter.js";

export const start: ServerAdapter = () => {
  const app = express();
  app.disable("etag");
  app.disable("x-powered-by");
  app.get("/users/:id", (request, response) => {
    response.json(userOf(request.params.id));
  });
  app.get("/text", (_request, response) => {
    response.type("text/plain").send(HELLO);
  });
  app.post("/orders", express.json(), (request, response) => {
    const { id, lines } = request.body as Order;
    response.json({ id, count: lines.length });
  });
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
};
