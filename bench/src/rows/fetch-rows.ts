/** One and the same hono application on our server and on its own. */
import { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import type { LoadOrders } from "../load/load-main.js";
import { type RunningServer, startNodeServer } from "../servers/running-server.js";
import { HELLO, ORDER_TEXT, RECEIPT, userOf } from "../workloads.js";
import type { BenchRun } from "./bench-run.js";
import { type Load, loadedRun, requestText } from "./loaded-server.js";

const UNITS = { unit: "requests/s", cpuUnit: "requests/CPU s" };
const OWN = "hono on @hono/node-server";
/** Names in the table, and files in `servers/`. */
const HOSTS: readonly (readonly [name: string, file: string])[] = [
  ["hono on sluice, lightweightGlobals", "hono-on-sluice"],
  ["hono on sluice", "hono-on-sluice-native"],
  [OWN, "hono"],
];
const USUAL = { connections: 64, depth: 1 };
const ROWS: readonly (readonly [title: string, load: Load])[] = [
  [
    "hono: GET of a route with one parameter, JSON answer",
    { ...USUAL, request: requestText("GET", "/users/42"), expectedBody: JSON.stringify(userOf("42")) },
  ],
  ["hono: GET of 13 bytes of text", { ...USUAL, request: requestText("GET", "/text"), expectedBody: HELLO }],
  [
    "hono: POST of 1 KiB of JSON, parsed and answered",
    { ...USUAL, request: requestText("POST", "/orders", "", ORDER_TEXT), expectedBody: JSON.stringify(RECEIPT) },
  ],
];

/** A route with a parameter, static text, and a POST of JSON. */
export async function fetchRows(run: BenchRun): Promise<void> {
  const servers: { readonly name: string; readonly server: RunningServer }[] = [];
  const generator = new Child<LoadOrders>({ module: "load/load-main.js", core: run.cores.client });
  try {
    for (const [name, file] of HOSTS) servers.push({ name, server: await startNodeServer(file, run.cores.server) });
    for (const [title, load] of ROWS) {
      const targets = title === ROWS[0]?.[0] ? { [OWN]: 1.2 } : {};
      await run.row(
        { part: "fetch", title, ...UNITS, targets },
        servers.map(
          ({ name, server }): Contestant =>
            contestant(name, run, (effort) => loadedRun(server, load, generator, effort)),
        ),
      );
    }
  } finally {
    await Promise.all([generator.end(), ...servers.map(({ server }) => server.end())]);
  }
}

function contestant(
  name: string,
  { effort }: BenchRun,
  loaded: (effort: { readonly leadIn: number; readonly window: number }) => ReturnType<Contestant["run"]>,
): Contestant {
  let warm = false;
  return {
    name,
    async run() {
      if (!warm) await loaded({ leadIn: 0, window: effort.warmUp });
      warm = true;
      return loaded(effort);
    },
  };
}
