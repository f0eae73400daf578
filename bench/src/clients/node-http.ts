/** node:http with a keep-alive agent. */
import { Agent, type RequestOptions, request } from "node:http";
import { checkStatus } from "../workloads.js";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const ask = (options: RequestOptions, body?: string) =>
    new Promise<string>((resolve, reject) => {
      const sent = request({ hostname, port, agent, ...options }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          text += piece;
        });
        response.on("end", () => resolve(text));
        response.on("error", reject);
        checkStatus(response.statusCode);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  return {
    getText: (path) => ask({ path }),
    async postJson(path, value) {
      const body = JSON.stringify(value);
      const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
      return JSON.parse(await ask({ path, method: "POST", headers }, body));
    },
  };
};
