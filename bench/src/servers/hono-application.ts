/** The application of hono's rows, the same on every server. */
import { Hono } from "hono";
import { HELLO, type Order, userOf } from "../workloads.js";

/** What `server-adapter.ts` says, in hono. */
export function honoApplication(): Hono {
  const app = new Hono();
  app.get("/users/:id", (context) => context.json(userOf(context.req.param("id"))));
  app.get("/text", (context) => context.text(HELLO));
  app.post("/orders", async (context) => {
    const { id, lines } = await context.req.json<Order>();
    return context.json({ id, count: lines.length });
  });
  return app;
}
