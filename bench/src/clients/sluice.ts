/** Ours as it comes: everything available, nothing asked for. */
import { ClientSession } from "sluice";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  const session = new ClientSession({ connector: { limit: connections } });
  return {
    getText: (path) => session.get(origin + path).text(),
    postJson: (path, value) => session.post(origin + path, { json: value }).json(),
  };
};
