/** needle with a keep-alive agent. */
import { Agent } from "node:http";
import needle, { type NeedleOptions } from "needle";
import { checkStatus } from "../workloads.js";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const plain: NeedleOptions = { agent, parse_response: false };
  const json: NeedleOptions = { agent, json: true };
  return {
    async getText(path) {
      const { statusCode, body } = await needle("get", origin + path, plain);
      checkStatus(statusCode);
      return String(body);
    },
    async postJson(path, value) {
      const { statusCode, body } = await needle("post", origin + path, value as object, json);
      checkStatus(statusCode);
      return body as unknown;
    },
  };
};
