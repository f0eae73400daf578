/** A server that takes part in a row. */
import type { Child } from "../harness/child.js";
import type { Contestant } from "../harness/row.js";
import type { LoadOrders } from "../load/load-main.js";
import type { RunningServer } from "../servers/running-server.js";
import type { BenchRun } from "./bench-run.js";
import { type Load, loadedRun } from "./loaded-server.js";

/** A server, and its name in the table. */
export interface NamedServer {
  readonly name: string;
  readonly server: RunningServer;
}

/** Has `server` answer `load`; it is warmed up before its first run. */
export function contestant(
  { effort }: BenchRun,
  { name, server }: NamedServer,
  load: Load,
  generator: Child<LoadOrders>,
): Contestant {
  const own = name === "aiohttp" ? { ...load, expectedBody: spaced(load.expectedBody) } : load;
  let warm = false;
  return {
    name,
    async run() {
      if (!warm) await loadedRun(server, own, generator, { leadIn: 0, window: effort.warmUp });
      warm = true;
      return loadedRun(server, own, generator, effort);
    },
  };
}

/** aiohttp writes JSON with a space after `:` and `,`. */
function spaced(json: string): string {
  return json.replaceAll('":', '": ').replaceAll(',"', ', "');
}
