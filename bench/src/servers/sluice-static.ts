/** Our files, as they are served by default. */
import { Application } from "sluice/server";
import type { ServerAdapter } from "./server-adapter.js";
import { makeStaticFolder } from "./static-folder.js";

export const start: ServerAdapter = async () => {
  const app = new Application();
  app.static("/static", makeStaticFolder());
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  return Number(new URL(server.url).port);
};
