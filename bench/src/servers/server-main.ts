/** A process with one server in it: `server-main.js <adapter>`. With `--expose-gc` its memory can be asked for. */
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import type { ServerAdapter } from "./server-adapter.js";

/** What a process with a server can be told. */
export interface ServerOrders {
  start(order: null): Promise<{ readonly port: number }>;
  /** CPU milliseconds used so far. */
  cpu(order: null): Promise<number>;
  /** Resident bytes, after everything that can be collected is. */
  memory(order: null): Promise<number>;
}

const SETTLE_MS = 300;
const [name = ""] = process.argv.slice(2);

serveOrders<ServerOrders>({
  async start() {
    const { start } = (await import(`./${name}.js`)) as { start: ServerAdapter };
    return { port: await start() };
  },
  cpu: async () => cpuMilliseconds(),
  async memory() {
    for (let time = 0; time < 2; time += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, SETTLE_MS);
      });
      globalThis.gc?.();
    }
    return process.memoryUsage().rss;
  },
});
