/** Our `fetch`, as an SDK would be given it: asked and read as undici's. */
import { ClientSession } from "sluice";
import { checkStatus } from "../workloads.js";
import type { ClientAdapter } from "./client-adapter.js";

const JSON_HEADERS = { "content-type": "application/json" };

export const open: ClientAdapter = ({ origin, connections }) => {
  const { fetch } = new ClientSession({ connector: { limit: connections } });
  return {
    async getText(path) {
      const response = await fetch(origin + path);
      checkStatus(response.status);
      return response.text();
    },
    async postJson(path, value) {
      const response = await fetch(origin + path, {
        method: "POST",
        headers: JSON_HEADERS,
        body: JSON.stringify(value),
      });
      checkStatus(response.status);
      return response.json();
    },
  };
};
