/** hono on @hono/node-server, which replaces the global Request and Response by lighter ones. */
import { serve } from "@hono/node-server";
import { honoApplication } from "./hono-application.js";
import type { ServerAdapter } from "./server-adapter.js";

export const start: ServerAdapter = () => {
  return new Promise((resolve) => {
    serve({ fetch: honoApplication().fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => resolve(port));
  });
};
