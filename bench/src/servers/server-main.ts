/** A process with one server in it: `server-main.js <adapter>`. */
import { Session } from "node:inspector/promises";
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import type { ServerAdapter } from "./server-adapter.js";

/** What a process with a server can be told. */
export interface ServerOrders {
  start(order: null): Promise<{ readonly port: number }>;
  /** CPU milliseconds used so far. */
  cpu(order: null): Promise<number>;
  /**
   * Resident bytes, after everything that can be collected is, and what is left was moved together. An ordinary collection leaves the room
   * that a burst of new connections has taken, 36 MB of it, whoever the server is and however many they are: that would be divided among them.
   */
  memory(order: null): Promise<number>;
}

const SETTLE_MS = 300;
const COLLECTIONS = 3;
const [name = ""] = process.argv.slice(2);

serveOrders<ServerOrders>({
  async start() {
    const { start } = (await import(`./${name}.js`)) as { start: ServerAdapter };
    return { port: await start() };
  },
  cpu: async () => cpuMilliseconds(),
  async memory() {
    const session = new Session();
    session.connect();
    for (let time = 0; time < COLLECTIONS; time += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, SETTLE_MS);
      });
      await session.post("HeapProfiler.collectGarbage");
    }
    session.disconnect();
    return process.memoryUsage().rss;
  },
});
