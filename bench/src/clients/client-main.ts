/** A process with one client in it: `client-main.js <adapter> <origin> <connections>`. */
import { performance } from "node:perf_hooks";
import type { Run } from "../harness/row.js";
import { cpuMilliseconds, serveOrders } from "../harness/serve-orders.js";
import { checkHello, checkReceipt, ORDER } from "../workloads.js";
import type { BenchClient, ClientAdapter } from "./client-adapter.js";

/** Keeps asking for `path`, with as many requests in flight as there are connections. */
export interface KeepAsking {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Milliseconds before the measured part, and of it. */
  readonly leadIn: number;
  readonly window: number;
}

/** What a process with a client can be told. */
export interface ClientOrders {
  keepAsking(order: KeepAsking): Promise<Run>;
  /** Makes so many requests at once, most of which wait. Figures are milliseconds for the whole. */
  askAtOnce(order: { readonly path: string; readonly count: number }): Promise<Run>;
}

/** A client that has given no answer for so long is broken, not slow. */
const PATIENCE_MS = 20_000;

const [name = "", origin = "", connectionsText = ""] = process.argv.slice(2);
const connections = Number(connectionsText);
const { open } = (await import(`./${name}.js`)) as { open: ClientAdapter };
const client: BenchClient = await open({ origin, connections });

serveOrders<ClientOrders>({ keepAsking, askAtOnce });

async function keepAsking({ method, path, leadIn, window }: KeepAsking): Promise<Run> {
  let done = false;
  let answered = 0;
  const lane = async () => {
    while (!done) {
      if (method === "GET") checkHello(await client.getText(path));
      else checkReceipt(await client.postJson(path, ORDER));
      answered += 1;
    }
  };
  const lanes = Promise.all(Array.from({ length: connections }, lane));
  await Promise.race([lanes, passed(leadIn)]);
  const from = { answered, time: performance.now(), cpu: cpuMilliseconds() };
  // A busy machine may be slow to give the first answer. That is a poor figure and no failure.
  const latest = from.time + PATIENCE_MS;
  do await Promise.race([lanes, passed(window)]);
  while (answered === from.answered && performance.now() < latest);
  const to = { answered, time: performance.now(), cpu: cpuMilliseconds() };
  done = true;
  await lanes;
  const count = to.answered - from.answered;
  if (count === 0) throw new Error(`Not one answer in ${PATIENCE_MS} ms`);
  return { wall: (count / (to.time - from.time)) * 1_000, cpu: (count / (to.cpu - from.cpu)) * 1_000 };
}

async function askAtOnce({ path, count }: { path: string; count: number }): Promise<Run> {
  const [time, cpu] = [performance.now(), cpuMilliseconds()];
  const answers = await Promise.all(Array.from({ length: count }, () => client.getText(path)));
  const run = { wall: performance.now() - time, cpu: cpuMilliseconds() - cpu };
  for (const answer of answers) checkHello(answer);
  return run;
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
