/** hono on @hono/node-server, which replaces the global Request and Response by lighter ones. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { HELLO, type Order, userOf } from "../workloads.js";
import type { ServerAdapter } from "./server-adapter.js";

export const start: ServerAdapter = () => {
  const app = new Hono();
  app.get("/users/:id", (context) => context.json(userOf(context.req.param("id"))));
  app.get("/text", (context) => context.text(HELLO));
  app.post("/orders", async (context) => {
    const { id, lines } = await context.req.json<Order>();
    return context.json({ id, count: lines.length });
  });
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => resolve(port));
  });
};
