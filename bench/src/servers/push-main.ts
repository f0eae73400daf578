/** A process with one push server in it: `push-main.js <adapter>`. */
import { hrtime } from "node:process";
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import type { PushAdapter, PushServer } from "./push/push-adapter.js";

/** What the process can be told. */
export interface PushServerOrders {
  start(order: null): Promise<{ readonly port: number }>;
  /** Sends so many messages at once; resolves to when that began, in milliseconds of the machine's clock. */
  broadcast(order: { readonly text: string; readonly count: number }): Promise<number>;
  /** Sends so many bytes to the one that is to be stuck. */
  fill(order: { readonly bytes: number }): Promise<null>;
  cpu(order: null): Promise<number>;
  /** Bytes that wait for subscribers. */
  queuedBytes(order: null): Promise<number>;
}

const [name = ""] = process.argv.slice(2);
let server: PushServer | undefined;

serveOrders<PushServerOrders>({
  async start() {
    const { start } = (await import(`./push/${name}.js`)) as { start: PushAdapter };
    server = await start();
    return { port: server.port };
  },
  async broadcast({ text, count }) {
    const startedAt = Number(hrtime.bigint()) / 1e6;
    for (let index = 0; index < count; index += 1) server?.broadcast(text);
    return startedAt;
  },
  async fill({ bytes }) {
    server?.fill?.(bytes);
    return null;
  },
  cpu: async () => cpuMilliseconds(),
  queuedBytes: async () => server?.queuedBytes?.() ?? 0,
});
