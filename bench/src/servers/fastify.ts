/** fastify without its log, with schemas for the answers: that is what makes it fast. */
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { HELLO, ORDER_SCHEMA, type Order, userOf } from "../workloads.js";
import type { ServerAdapter } from "./server-adapter.js";

const USER = { type: "object", properties: { id: { type: "string" }, name: { type: "string" } } };
const RECEIPT = { type: "object", properties: { id: { type: "integer" }, count: { type: "integer" } } };

export const start: ServerAdapter = async () => {
  const app = fastify({ logger: false });
  app.get<{ Params: { id: string } }>("/users/:id", { schema: { response: { 200: USER } } }, (request, reply) => {
    reply.send(userOf(request.params.id));
  });
  app.get("/text", (_request, reply) => {
    reply.send(HELLO);
  });
  app.post<{ Body: Order }>("/orders", { schema: { response: { 200: RECEIPT } } }, (request, reply) => {
    const { id, lines } = request.body;
    reply.send({ id, count: lines.length });
  });
  const checked = { schema: { body: ORDER_SCHEMA, response: { 200: RECEIPT } } };
  app.post<{ Body: Order }>("/checked-orders", checked, (request, reply) => {
    const { id, lines } = request.body;
    reply.send({ id, count: lines.length });
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
};
