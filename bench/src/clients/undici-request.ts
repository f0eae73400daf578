/** undici's own interface on a Pool. */
import { Pool } from "undici";
import { checkStatus } from "../workloads.js";
import type { ClientAdapter } from "./client-adapter.js";

const JSON_HEADERS = { "content-type": "application/json" };

export const open: ClientAdapter = ({ origin, connections }) => {
  const pool = new Pool(origin, { connections, pipelining: 1 });
  return {
    async getText(path) {
      const { statusCode, body } = await pool.request({ path, method: "GET" });
      checkStatus(statusCode);
      return body.text();
    },
    async postJson(path, value) {
      const sent = JSON.stringify(value);
      const { statusCode, body } = await pool.request({ path, method: "POST", headers: JSON_HEADERS, body: sent });
      checkStatus(statusCode);
      return body.json();
    },
  };
};
