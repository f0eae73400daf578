/** Ours with a cookie in the jar, retries, a throttle that never holds anything back, and a listener for the life of each request. */
import { ClientSession } from "sluice";
import type { ClientAdapter } from "./client-adapter.js";

export const open: ClientAdapter = async ({ origin, connections }) => {
  const session = new ClientSession({
    connector: { limit: connections },
    retry: 3,
    throttle: { requests: 10_000_000, burst: 10_000_000 },
    trace: { requestStart: count, connectionReuse: count, responseHeaders: count, requestEnd: count },
  });
  await session.cookies?.set(origin, "session", "0123456789abcdef");
  return {
    getText: (path) => session.get(origin + path).text(),
    postJson: (path, value) => session.post(origin + path, { json: value }).json(),
  };
};

const seen = { events: 0 };

function count(): void {
  seen.events += 1;
}
