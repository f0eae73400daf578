/**
 * How long the slowest hundredth of answers takes while there is room to spare: every server gets the same steady rate, 80 % of what
 * fastify can do on this machine in the same minute. The servers take turns look by look, and a run is the median of its looks: a
 * machine that stands still for a moment does so to one server, and not because of it.
 */
import { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import type { LoadOrders } from "../load/load-main.js";
import { type RunningServer, startNodeServer } from "../servers/running-server.js";
import { userOf } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { type Load, loadedRun, requestText } from "./loaded-server.js";

const CONNECTIONS = 64;
const SHARE = 0.8;
const MICROSECONDS = 1_000;
/** Looks are this many times as long as the slices of other rows, and as many times more: each has a few collections of garbage in it. */
const LOOK_SLICES = 2;
const LOOKS = 8;
/** For the load generator, whose own collections of garbage would be counted as the servers'. */
const ROOMY: readonly string[] = ["--max-semi-space-size=64"];
const SERVERS: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice"],
  ["fastify", "fastify"],
];
const LOAD: Load = {
  connections: CONNECTIONS,
  depth: 1,
  request: requestText("GET", "/users/42"),
  expectedBody: JSON.stringify(userOf("42")),
};

/** p99 at a rate that none of them is to be pressed by. */
export async function latencyRows(run: BenchRun): Promise<void> {
  const { cores, effort } = run;
  const generator = new Child<LoadOrders>({ module: "load/load-main.js", core: cores.client, nodeFlags: ROOMY });
  const servers: { readonly name: string; readonly server: RunningServer }[] = [];
  try {
    for (const [name, file] of SERVERS) servers.push({ name, server: await startNodeServer(file, cores.server) });
    let capacity = 0;
    for (const { name, server } of servers) {
      const { wall } = await loadedRun(server, LOAD, generator, { leadIn: effort.warmUp, window: effort.warmUp });
      if (name === "fastify") capacity = wall;
    }
    const rate = Math.max(1, Math.round(capacity * SHARE));
    const order = { rate, leadIn: effort.leadIn, milliseconds: effort.window * LOOK_SLICES };
    const paced = ({ name, server }: (typeof servers)[number]): Contestant => ({
      name,
      async run() {
        await generator.tell("open", { ...LOAD, port: server.port });
        const { p99 } = await generator.tell("pace", order);
        await generator.tell("close", null);
        return { wall: p99 * MICROSECONDS, cpu: undefined };
      },
    });
    const title = `p99 at ${rate.toLocaleString("en")} requests/s, 80 % of what fastify can do`;
    const style = { unit: "µs", cpuUnit: undefined, lowerIsBetter: true, medianOf: LOOKS, targets: { fastify: 1 } };
    await run.row({ part: "latency", title, ...style }, servers.map(paced));
  } finally {
    await Promise.all([generator.end(), ...servers.map(({ server }) => server.end())]);
  }
}
