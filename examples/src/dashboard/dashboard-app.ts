/**
 * A dashboard: an application that shows how it is itself. Once a second a sample goes to a room of the hub. The room keeps 300 of them, five minutes, so
 * that who opens the page sees where the curves come from, and for who is slow only the latest sample waits: a dashboard shows now, not then.
 */
import { fileURLToPath } from "node:url";
import { Hub, PUSH_PROTOCOL } from "sluice/push";
import { Application, reply, type Server } from "sluice/server";
import { servePage } from "../support/serve-page.js";
import { Recorder } from "./recorder.js";

const ROOM = "metrics";
const KEPT_SAMPLES = 300;
/** All samples are new values of one thing. */
const KEY = "now";

const UPLOT = fileURLToPath(new URL("./", import.meta.resolve("uplot")));

export interface Dashboard {
  readonly app: Application;
  /** Begins to measure: `server` is the one whose connections are counted. */
  watch(server: Server): void;
}

export interface DashboardOptions {
  /** Milliseconds from one sample to the next. @default 1_000 */
  readonly interval?: number;
}

export function dashboardApp({ interval = 1_000 }: DashboardOptions = {}): Dashboard {
  const app = new Application();
  const hub = new Hub({
    rooms: () => ({ slow: "latest", history: { count: KEPT_SAMPLES, maxAge: KEPT_SAMPLES * interval } }),
  });
  const recorder = new Recorder(app);
  servePage(app, "dashboard", hub);
  app.get("/uplot.js", () => reply.file("uPlot.esm.js", { root: UPLOT }));
  app.get("/uplot.css", () => reply.file("uPlot.min.css", { root: UPLOT }));

  // Everybody may look, nobody may publish: without `authorize`, clients do nothing but join these rooms.
  app.websocket("/push", { protocols: [PUSH_PROTOCOL] }, (socket) => hub.serve(socket, { rooms: [ROOM] }));
  app.get("/push/events", (request) => hub.sse(request, { rooms: [ROOM] }));
  app.post("/push/events", (request) => hub.post(request, { rooms: [ROOM] }));

  let timer: NodeJS.Timeout | undefined;
  app.onStop(() => {
    clearInterval(timer);
    return hub.close();
  });
  const watch = (server: Server) => {
    timer = setInterval(async () => {
      const { open: connections } = server.connections;
      const sample = recorder.take({ connections, watchers: hub.stats().connections });
      await hub.publish(ROOM, sample, { key: KEY });
    }, interval);
  };
  return { app, watch };
}
