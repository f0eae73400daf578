/** WebSocket servers: echo by the clock and by the CPU, and what an idle socket costs. */
import { Child } from "../harness/child.js";
import type { Contestant, Run } from "../harness/row.js";
import type { WebSocketLoadOrders, WebSocketTarget } from "../load/websocket-load-main.js";
import { type RunningServer, startNodeServer } from "../servers/running-server.js";
import type { ServerOrders } from "../servers/server-main.js";
import type { BenchRun } from "./bench-run.js";

const CONNECTIONS = 64;
/** 128 bytes of text that compresses as texts do. */
const MESSAGE =
  "The quick brown fox jumps over the lazy dog, as foxes do in texts of 128 bytes; this one has some words of its own at the end...";
const UNITS = { unit: "echoes/s", cpuUnit: "echoes/CPU s" };
/** Names in the table, and files in `servers/`. */
const PLAIN: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice-echo"],
  ["ws", "ws-echo"],
];
const COMPRESSING: typeof PLAIN = [
  ["sluice", "sluice-echo-compressed"],
  ["ws", "ws-echo-compressed"],
];
const WARM_UP_MS = 500;

/** Echo of 128 bytes of text, one at a time and 16 deep, compressed; and memory. */
export async function websocketRows(run: BenchRun): Promise<void> {
  const generator = new Child<WebSocketLoadOrders>({ module: "load/websocket-load-main.js", core: run.cores.client });
  try {
    const title = `echo of ${MESSAGE.length} bytes of text, ${CONNECTIONS} connections`;
    await echoRow(run, generator, { title: `${title}, one in flight on each`, servers: PLAIN, depth: 1, least: 1.1 });
    await echoRow(run, generator, { title: "the same, 16 in flight on each", servers: PLAIN, depth: 16, least: 3 });
    const compressed = { title: "the same, one in flight, compressed both ways", servers: COMPRESSING };
    await echoRow(run, generator, { ...compressed, depth: 1, least: 1 });
    await memoryRow(run, generator);
  } finally {
    await generator.end();
  }
}

interface EchoRow {
  readonly title: string;
  readonly servers: typeof PLAIN;
  readonly depth: number;
  readonly least: number;
}

async function echoRow(run: BenchRun, generator: Child<WebSocketLoadOrders>, row: EchoRow): Promise<void> {
  const { title, depth, least } = row;
  const compress = row.servers === COMPRESSING;
  const servers: { readonly name: string; readonly server: RunningServer }[] = [];
  try {
    for (const [name, file] of row.servers)
      servers.push({ name, server: await startNodeServer(file, run.cores.server) });
    const contestants = servers.map(({ name, server }): Contestant => {
      const target = { port: server.port, connections: CONNECTIONS, depth, message: MESSAGE, compress };
      let warm = false;
      return {
        name,
        async run() {
          if (!warm) await echoRun(server, target, generator, { leadIn: 0, window: run.effort.warmUp });
          warm = true;
          return echoRun(server, target, generator, run.effort);
        },
      };
    });
    await run.row({ part: "websocket", title, ...UNITS, targets: { ws: least } }, contestants);
  } finally {
    await Promise.all(servers.map(({ server }) => server.end()));
  }
}

async function echoRun(
  server: RunningServer,
  target: WebSocketTarget,
  generator: Child<WebSocketLoadOrders>,
  { leadIn, window }: { readonly leadIn: number; readonly window: number },
): Promise<Run> {
  await generator.tell("open", target);
  try {
    await generator.tell("echo", { milliseconds: leadIn });
    const before = await server.cpu();
    const { count, milliseconds } = await generator.tell("echo", { milliseconds: window });
    const after = await server.cpu();
    const used = before === undefined || after === undefined ? 0 : after - before;
    return { wall: (count / milliseconds) * 1_000, cpu: used > 0 ? (count / used) * 1_000 : undefined };
  } finally {
    await generator.tell("close", null);
  }
}

async function memoryRow(run: BenchRun, generator: Child<WebSocketLoadOrders>): Promise<void> {
  const title = `resident memory for each of ${run.effort.idleConnections} idle sockets`;
  const style = { unit: "bytes", cpuUnit: undefined, lowerIsBetter: true, whole: true, targets: { ws: 1 } };
  const contestants = PLAIN.map(([name, file]) => ({ name, run: () => memoryRun(run, file, generator) }));
  await run.row({ part: "websocket", title, ...style }, contestants);
}

/** A fresh process for each run: memory once taken stays. Every socket has echoed one message. */
async function memoryRun(
  { effort, cores }: BenchRun,
  file: string,
  generator: Child<WebSocketLoadOrders>,
): Promise<Run> {
  const module = "servers/server-main.js";
  const server = new Child<ServerOrders>({ module, args: [file], core: cores.server });
  try {
    const { port } = await server.tell("start", null);
    const target = { port, message: MESSAGE, compress: false, depth: 1 };
    await generator.tell("open", { ...target, connections: CONNECTIONS });
    await generator.tell("echo", { milliseconds: WARM_UP_MS });
    await generator.tell("close", null);
    const before = await server.tell("memory", null);
    await generator.tell("open", { ...target, connections: effort.idleConnections });
    const after = await server.tell("memory", null);
    await generator.tell("close", null);
    return { wall: Math.max(1, (after - before) / effort.idleConnections), cpu: undefined };
  } finally {
    await server.end();
  }
}
