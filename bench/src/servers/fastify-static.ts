/** fastify with @fastify/static, as it serves files by default. */
import type { AddressInfo } from "node:net";
import fastifyStatic from "@fastify/static";
import { fastify } from "fastify";
import type { ServerAdapter } from "./server-adapter.js";
import { makeStaticFolder } from "./static-folder.js";

export const start: ServerAdapter = async () => {
  const app = fastify({ logger: false });
  await app.register(fastifyStatic, { root: makeStaticFolder(), prefix: "/static/" });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
};
