/** got with a keep-alive agent. It throws for statuses of 400 and more by itself. */
import { Agent } from "node:http";
import got from "got";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  const client = got.extend({ agent: { http: new Agent({ keepAlive: true, maxSockets: connections }) } });
  return {
    getText: (path) => client.get(origin + path).text(),
    postJson: (path, value) => client.post(origin + path, { json: value }).json(),
  };
};
