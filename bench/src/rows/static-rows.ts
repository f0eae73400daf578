/** Files from a folder: a small one, which fits into memory and into one packet, and a large one, which is read and sent in pieces. */
import type { Child } from "../harness/child.js";
import type { LoadOrders } from "../load/load-main.js";
import { startNodeServer } from "../servers/running-server.js";
import { LARGE_FILE, SMALL_FILE } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { requestText } from "./loaded-server.js";
import { contestant, type NamedServer } from "./server-contestant.js";

const CONNECTIONS = 64;
const LARGE_CONNECTIONS = 16;
const UNITS = { unit: "requests/s", cpuUnit: "requests/CPU s" };
/** Names in the table, and files in `servers/`. */
const PEERS: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice-static"],
  ["@fastify/static", "fastify-static"],
];
const SMALL = { request: requestText("GET", "/static/small.txt"), expectedBody: SMALL_FILE };
const LARGE = { request: requestText("GET", "/static/large.txt"), expectedBody: LARGE_FILE };

/** A file of 1 KiB and one of 1 MiB. */
export async function staticRows(run: BenchRun, generator: Child<LoadOrders>): Promise<void> {
  const servers: NamedServer[] = [];
  try {
    for (const [name, file] of PEERS) servers.push({ name, server: await startNodeServer(file, run.cores.server) });
    const small = { ...SMALL, connections: CONNECTIONS, depth: 1 };
    await run.row(
      { part: "server", title: "static 1 KiB", ...UNITS, targets: { "@fastify/static": 1.5 } },
      servers.map((entrant) => contestant(run, entrant, small, generator)),
    );
    const large = { ...LARGE, connections: LARGE_CONNECTIONS, depth: 1 };
    await run.row(
      { part: "server", title: "static 1 MiB", ...UNITS, targets: { "@fastify/static": 1 } },
      servers.map((entrant) => contestant(run, entrant, large, generator)),
    );
  } finally {
    await Promise.all(servers.map(({ server }) => server.end()));
  }
}
