/** fetch of the undici package (newer than Node's own) on a Pool. */
import { fetch, Pool } from "undici";
import { checkStatus } from "../workloads.js";
import type { ClientAdapter } from "./client-adapter.js";

const JSON_HEADERS = { "content-type": "application/json" };

export const open: ClientAdapter = ({ origin, connections }) => {
  const dispatcher = new Pool(origin, { connections, pipelining: 1 });
  return {
    async getText(path) {
      const response = await fetch(origin + path, { dispatcher });
      checkStatus(response.status);
      return response.text();
    },
    async postJson(path, value) {
      const body = JSON.stringify(value);
      const response = await fetch(origin + path, { dispatcher, method: "POST", headers: JSON_HEADERS, body });
      checkStatus(response.status);
      return response.json();
    },
  };
};
