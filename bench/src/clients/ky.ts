/** ky on Node's own fetch. It throws for statuses outside 2xx by itself. */
import ky from "ky";
import { Agent, setGlobalDispatcher } from "undici";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = ({ origin, connections }) => {
  // Node's fetch takes the dispatcher that the undici package sets.
  setGlobalDispatcher(new Agent({ connections, pipelining: 1 }));
  return {
    getText: (path) => ky.get(origin + path).text(),
    postJson: (path, value) => ky.post(origin + path, { json: value }).json(),
  };
};
