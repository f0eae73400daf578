/** A process with one push server in it: `push-main.js <adapter>`. */
import { hrtime } from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import type { PushAdapter, PushServer } from "./push/push-adapter.js";

/** What is sent to all. */
export interface Broadcasts {
  readonly text: string;
  readonly count: number;
}

/** What the process can be told. */
export interface PushServerOrders {
  start(order: null): Promise<{ readonly port: number }>;
  /** Sends so many messages at once; resolves to when that began, in milliseconds of the machine's clock. */
  broadcast(order: Broadcasts): Promise<number>;
  /** Sends so many messages, each in a turn of the loop of its own and when the one before was taken; resolves as `broadcast` does. */
  stream(order: Broadcasts): Promise<number>;
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
    const startedAt = now();
    for (let index = 0; index < count; index += 1) void server?.broadcast(text);
    return startedAt;
  },
  async stream({ text, count }) {
    const startedAt = now();
    for (let index = 0; index < count; index += 1) {
      await server?.broadcast(text);
      await nextTurn();
    }
    return startedAt;
  },
  async fill({ bytes }) {
    server?.fill?.(bytes);
    return null;
  },
  cpu: async () => cpuMilliseconds(),
  queuedBytes: async () => server?.queuedBytes?.() ?? 0,
});

function now(): number {
  return Number(hrtime.bigint()) / 1e6;
}
