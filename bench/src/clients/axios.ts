/** axios with a keep-alive agent. It throws for statuses outside 2xx by itself. */
import { Agent } from "node:http";
import axios from "axios";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  const httpAgent = new Agent({ keepAlive: true, maxSockets: connections });
  const client = axios.create({ baseURL: origin, httpAgent });
  return {
    getText: async (path) => (await client.get<string>(path, { responseType: "text" })).data,
    postJson: async (path, value) => (await client.post<unknown>(path, value)).data,
  };
};
