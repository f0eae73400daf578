/** hono on our server, with the platform's own Response. */
import { serve } from "sluice/server";
import { honoApplication } from "./hono-application.js";
import type { ServerAdapter } from "./server-adapter.js";

export const start: ServerAdapter = async () => {
  const server = await serve(honoApplication(), { host: "127.0.0.1", port: 0 });
  return Number(new URL(server.url).port);
};
