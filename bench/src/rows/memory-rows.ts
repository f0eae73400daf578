/** What a connection that does nothing costs a server, in resident memory. A fresh process for each run: memory once taken stays. */
import { Child } from "../harness/child.js";
import type { Run } from "../harness/row.js";
import type { LoadOrders } from "../load/load-main.js";
import type { ServerOrders } from "../servers/server-main.js";
import { HELLO } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { requestText } from "./loaded-server.js";

const WARM_UP = { connections: 64, depth: 1 };
const WARM_UP_MS = 500;
const SERVERS: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice"],
  ["fastify", "fastify"],
  ["node:http", "node-http"],
];

/** Bytes for each idle connection that has had one answer. */
export async function memoryRows(run: BenchRun): Promise<void> {
  const { idleConnections } = run.effort;
  const generator = new Child<LoadOrders>({ module: "load/load-main.js", core: run.cores.client });
  const contestants = SERVERS.map(([name, file]) => ({ name, run: () => memoryRun(run, file, generator) }));
  try {
    const title = `resident memory for each of ${idleConnections} idle connections`;
    const style = { unit: "bytes", cpuUnit: undefined, lowerIsBetter: true, whole: true, targets: { fastify: 1.25 } };
    await run.row({ part: "memory", title, ...style }, contestants);
  } finally {
    await generator.end();
  }
}

async function memoryRun({ effort, cores }: BenchRun, file: string, generator: Child<LoadOrders>): Promise<Run> {
  const module = "servers/server-main.js";
  const server = new Child<ServerOrders>({ module, args: [file], core: cores.server });
  try {
    const { port } = await server.tell("start", null);
    const target = { port, request: requestText("GET", "/text"), expectedBody: HELLO };
    await generator.tell("open", { ...target, ...WARM_UP });
    await generator.tell("ask", { milliseconds: WARM_UP_MS });
    await generator.tell("close", null);
    const before = await server.tell("memory", null);
    await generator.tell("open", { ...target, connections: effort.idleConnections, depth: 1 });
    const after = await server.tell("memory", null);
    await generator.tell("close", null);
    // Less memory than before is possible when there are few connections; it is no less than a byte each.
    return { wall: Math.max(1, (after - before) / effort.idleConnections), cpu: undefined };
  } finally {
    await server.end();
  }
}
