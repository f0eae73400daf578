/**
 * Ours, with history, presence, the hub's heartbeat and limits as they are by default; a subscriber that is too slow loses the oldest and stays. Pings
 * of the WebSockets are put off, because the load generator does not answer them.
 */
import { Hub } from "sluice/push";
import { Application } from "sluice/server";
import type { PushAdapter } from "./push-adapter.js";

const ROOM = "all";
const ALONE = "alone";
const AN_HOUR_MS = 3_600_000;

export const start: PushAdapter = async () => {
  const hub = new Hub({ slow: "drop-oldest" });
  const app = new Application();
  app.websocket("/push", { heartbeat: AN_HOUR_MS }, (socket, { query }) => {
    return hub.serve(socket, { rooms: query.has(ALONE) ? [ALONE, ROOM] : [ROOM] });
  });
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    port: Number(new URL(server.url).port),
    broadcast: (text) => hub.publish(ROOM, text),
    fill: (bytes) => void hub.publish(ALONE, "x".repeat(bytes)),
    queuedBytes: () => hub.stats().queuedBytes,
  };
};
