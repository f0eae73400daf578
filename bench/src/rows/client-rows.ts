/** Clients against one another, all asking the same plain server. */
import type { ClientOrders, KeepAsking } from "../clients/client-main.js";
import { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import type { TargetOrders } from "../load/target-main.js";
import type { BenchRun } from "./bench-run.js";

const IN_FLIGHT = 64;
const UNITS = { unit: "requests/s", cpuUnit: "requests/CPU s" };
/** Names in the table, and files in `clients/`. */
const PEERS: readonly (readonly [name: string, file: string])[] = [
  ["sluice", "sluice"],
  ["undici.request", "undici-request"],
  ["undici.fetch", "undici-fetch"],
  ["node:http", "node-http"],
  ["got", "got"],
  ["axios", "axios"],
  ["ky", "ky"],
  ["needle", "needle"],
];

/** What the rows need: a process for each client, and the server they ask. */
interface Stage {
  readonly run: BenchRun;
  readonly origin: string;
  readonly children: Child<ClientOrders>[];
}

/** A GET of 13 bytes, the same with everything switched on, `fetch` against `fetch`, and a POST of 1 KiB of JSON. */
export async function clientRows(run: BenchRun): Promise<void> {
  const target = new Child<TargetOrders>({ module: "load/target-main.js", core: run.cores.server });
  const { origin } = await target.tell("listen", null);
  const stage: Stage = { run, origin, children: [] };
  try {
    const clients = PEERS.map(([name, file]) => ({ name, child: startClient(stage, file) }));
    const get = { method: "GET", path: "/text" } as const;
    await keepAskingRow(stage, `GET of 13 bytes of text, ${IN_FLIGHT} in flight`, clients, {
      ask: get,
      targets: { "undici.request": 1.5 },
    });
    const allOn = { name: "sluice", child: startClient(stage, "sluice-all-on"), ask: { path: "/cookie" } };
    const bare = clients.filter(({ name }) => name === "undici.request");
    await keepAskingRow(stage, "the same with cookies, retry, throttle and trace on, the peer bare", [allOn, ...bare], {
      ask: get,
      targets: { "undici.request": 1 },
    });
    const fetches = clients.filter(({ name }) => name === "undici.fetch");
    const ours = { name: "sluice", child: startClient(stage, "sluice-fetch") };
    await keepAskingRow(stage, `fetch: GET of 13 bytes of text, ${IN_FLIGHT} in flight`, [ours, ...fetches], {
      ask: get,
      targets: { "undici.fetch": 3 },
    });
    await keepAskingRow(stage, `POST of 1 KiB of JSON, JSON answer, ${IN_FLIGHT} in flight`, clients, {
      ask: { method: "POST", path: "/orders" },
      targets: { "undici.request": 1.4 },
    });
  } finally {
    await Promise.all([...stage.children, target].map((child) => child.end()));
  }
}

function startClient({ run, origin, children }: Stage, file: string): Child<ClientOrders> {
  const args = [file, origin, String(IN_FLIGHT)];
  const child = new Child<ClientOrders>({ module: "clients/client-main.js", args, core: run.cores.client });
  children.push(child);
  return child;
}

interface Entrant {
  readonly name: string;
  readonly child: Child<ClientOrders>;
  readonly ask?: Partial<Pick<KeepAsking, "path">>;
}

async function keepAskingRow(
  { run }: Stage,
  title: string,
  entrants: readonly Entrant[],
  { ask, targets }: { ask: Pick<KeepAsking, "method" | "path">; targets: Readonly<Record<string, number>> },
): Promise<void> {
  const { warmUp, leadIn, window } = run.effort;
  const warm = new Set<Entrant>();
  const contestants = entrants.map((entrant): Contestant => {
    const order = { ...ask, ...entrant.ask };
    return {
      name: entrant.name,
      async run() {
        if (!warm.has(entrant)) await entrant.child.tell("keepAsking", { ...order, leadIn: 0, window: warmUp });
        warm.add(entrant);
        return entrant.child.tell("keepAsking", { ...order, leadIn, window });
      },
    };
  });
  await run.row({ part: "client", title, ...UNITS, targets }, contestants);
}
