/** A stream of server-sent events that can be gone on with: a reader that comes back gets what follows the last one it has seen. */

import { type Application, HttpError, reply } from "sluice/server";
import { countInQuery, secondsInQuery } from "../numbers.js";
import type { Service } from "../service.js";

const DEFAULT_COUNT = 10;
const MAX_EVENTS = 1_000;
const DEFAULT_DELAY_MS = 1_000;
const NUMBER = /^\d{1,9}$/;

/** `/sse`. */
export function addEventRoutes(app: Application, service: Service): void {
  app.get("/sse", ({ query }) => {
    const count = Math.min(countInQuery(query, "count", DEFAULT_COUNT), MAX_EVENTS);
    const delayMs = Math.min(secondsInQuery(query, "delay", DEFAULT_DELAY_MS), service.maxDelay);
    if (count === 0) throw new HttpError(400, "Cannot stream 0 events: count must be positive");
    return reply.sse(async function* ({ lastEventId, signal }) {
      const seen = lastEventId !== undefined && NUMBER.test(lastEventId) ? Number(lastEventId) : 0;
      for (let id = seen + 1; id <= count; id += 1) {
        yield { event: "ping", id: String(id), data: JSON.stringify({ id, of: count }) };
        if (id < count && delayMs > 0) await service.wait(delayMs, signal);
      }
    });
  });
}
