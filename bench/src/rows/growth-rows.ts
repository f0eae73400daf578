/**
 * How cost grows: ten times as many header fields, connections, waiting requests. The factor between the two figures of a row is
 * what it is about, and should be about ten at the most.
 */
import type { ClientOrders } from "../clients/client-main.js";
import { Child } from "../harness/child.js";
import type { Contestant, Run } from "../harness/row.js";
import type { LoadOrders } from "../load/load-main.js";
import type { TargetOrders } from "../load/target-main.js";
import { type RunningServer, startNodeServer } from "../servers/running-server.js";
import { HELLO } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { type Load, loadedRun, requestText } from "./loaded-server.js";

const TIMES = 10;
const FEW_FIELDS = 10;
const FEW_CONNECTIONS = 64;
/** Connections of the client whose requests wait. */
const PLACES = 10;
const STYLE = { part: "growth", lowerIsBetter: true, most: TIMES } as const;
const PER_REQUEST = { unit: "µs/request", cpuUnit: "CPU µs/request" };
const MICROSECONDS = 1_000_000;

/** Everything that is compared with ten times itself. */
export async function growthRows(run: BenchRun): Promise<void> {
  await run.attempt("growth of the client's cost", () => clientGrowth(run));
  await run.attempt("growth of the server's cost", () => serverGrowth(run));
}

async function clientGrowth(run: BenchRun): Promise<void> {
  const { cores, effort } = run;
  const { leadIn, window, warmUp, queued } = effort;
  const target = new Child<TargetOrders>({ module: "load/target-main.js", core: cores.server });
  const { origin } = await target.tell("listen", null);
  const module = "clients/client-main.js";
  const client = new Child<ClientOrders>({ module, args: ["sluice", origin, String(PLACES)], core: cores.client });
  try {
    const get = { method: "GET", path: "/text" } as const;
    await client.tell("keepAsking", { ...get, leadIn: 0, window: warmUp });
    const withFields = (count: number): Contestant => ({
      name: `${count} fields`,
      run: async () => costOf(await client.tell("keepAsking", { ...get, path: `/fields/${count}`, leadIn, window }), 1),
    });
    const fields = [withFields(FEW_FIELDS), withFields(FEW_FIELDS * TIMES)];
    await run.row({ ...STYLE, ...PER_REQUEST, title: "client: field lines of an answer" }, fields);
    const waiting = (count: number): Contestant => ({
      name: `${count} waiting`,
      run: () => client.tell("askAtOnce", { path: "/text", count }),
    });
    const queues = [waiting(queued), waiting(queued * TIMES)];
    const title = `client: requests made at once for ${PLACES} connections`;
    await run.row({ ...STYLE, title, unit: "ms for all", cpuUnit: "CPU ms for all" }, queues);
  } finally {
    await Promise.all([client.end(), target.end()]);
  }
}

async function serverGrowth(run: BenchRun): Promise<void> {
  const { cores, effort } = run;
  const generator = new Child<LoadOrders>({ module: "load/load-main.js", core: cores.client });
  const server = await startNodeServer("sluice", cores.server);
  const loaded = (name: string, load: Load, requests: number): Contestant => ({
    name,
    run: async () => costOf(await loadedRun(server, load, generator, effort), requests),
  });
  const usual: Load = {
    connections: FEW_CONNECTIONS,
    depth: 1,
    request: requestText("GET", "/text"),
    expectedBody: HELLO,
  };
  try {
    await warmUp(run, server, usual, generator);
    const withFields = (count: number) => {
      const lines = Array.from({ length: count }, (_, at) => `X-Field-${at}: value number ${at}\r\n`);
      return loaded(`${count} fields`, { ...usual, request: requestText("GET", "/text", lines.join("")) }, 1);
    };
    const fields = [withFields(FEW_FIELDS), withFields(FEW_FIELDS * TIMES)];
    await run.row({ ...STYLE, ...PER_REQUEST, title: "server: field lines of a request" }, fields);
    const on = (count: number) => loaded(`${count} connections`, { ...usual, connections: count }, count);
    const connections = [on(FEW_CONNECTIONS), on(FEW_CONNECTIONS * TIMES)];
    const title = "server: one request on each connection";
    await run.row({ ...STYLE, title, unit: "µs for all", cpuUnit: "CPU µs for all" }, connections);
  } finally {
    await Promise.all([generator.end(), server.end()]);
  }
}

async function warmUp(run: BenchRun, server: RunningServer, load: Load, generator: Child<LoadOrders>): Promise<void> {
  await loadedRun(server, load, generator, { leadIn: 0, window: run.effort.warmUp });
}

/** Microseconds for so many requests, from requests a second. */
function costOf({ wall, cpu }: Run, requests: number): Run {
  return {
    wall: (MICROSECONDS / wall) * requests,
    cpu: cpu === undefined ? undefined : (MICROSECONDS / cpu) * requests,
  };
}
