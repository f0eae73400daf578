/** Ours, with its limits and time-outs as they are by default. */
import { Application } from "sluice/server";
import { z } from "zod";
import { HELLO, type Order, userOf } from "../workloads.js";
import type { ServerAdapter } from "./server-adapter.js";

const ORDER = z.object({
  id: z.int(),
  customer: z.string(),
  note: z.string(),
  lines: z.array(z.object({ sku: z.string(), quantity: z.int(), price: z.number() })),
});

export const start: ServerAdapter = async () => {
  const app = new Application();
  app.get("/users/:id", (request) => userOf(request.params.id));
  app.get("/text", () => HELLO);
  app.post("/orders", async (request) => {
    const { id, lines } = (await request.json()) as Order;
    return { id, count: lines.length };
  });
  app.post("/checked-orders", async (request) => {
    const { id, lines } = await request.json(ORDER);
    return { id, count: lines.length };
  });
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  return Number(new URL(server.url).port);
};
