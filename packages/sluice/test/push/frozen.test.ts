/**
 * A page that is frozen, as a browser does with a tab in the background, on real sockets: it reads nothing for a while. In a room that passes on the
 * latest by key, what waits for it is one value of each key, however long it is away, and the newest are there when it thaws.
 */

import { afterEach, expect, it } from "vitest";
import { Hub } from "../../src/push/hub/hub.js";
import type { WebSocketConnection } from "../../src/wire/websocket/websocket-connection.js";
import { endAll, eventually, hosted, newSession } from "../hostile/hostile-places.js";

const KEYS = ["rate", "latency", "memory", "delay", "errors"] as const;
const ROUNDS = 2_000;
/** More than the hub leaves to a socket before it keeps anything itself. */
const SOCKET_BYTES = 64 * 1024 + 60_000;
const FILLING = "x".repeat(60_000);

interface Value {
  readonly type: string;
  readonly key?: string;
  readonly offset?: number;
  readonly data?: unknown;
}

afterEach(async () => {
  expect(await endAll()).toEqual({ deadlines: 0 });
});

async function next(socket: WebSocketConnection): Promise<Value> {
  return (await socket.receiveJson()) as Value;
}

it("while a page is frozen one value of each key waits for it; when it thaws the newest of each is there, and nothing twice", async () => {
  const hub = new Hub({ slow: "latest", authorize: () => true });
  const host = await hosted((app) =>
    app.websocket("/push", { origins: "any" }, (socket) => hub.serve(socket, { rooms: ["m"] })),
  );
  const page = await newSession().websocket(`${host.url}/push`);
  const other = await newSession().websocket(`${host.url}/push`);
  for (const socket of [page, other]) for (;;) if ((await next(socket)).type === "joined") break;
  const seen = new Map<string, unknown>();
  let fillings = 0;
  const watching = (async () => {
    for await (const text of other) {
      const { type, key = "", data } = JSON.parse(String(text)) as Value;
      if (type !== "message") continue;
      seen.set(key, data);
      if (key === "filling") fillings += 1;
    }
  })();

  // From here on the page reads nothing. First everything between fills up: its own queue, and those of the system.
  for (let sent = 1; hub.stats().queuedBytes < SOCKET_BYTES; sent += 1) {
    await hub.publish("m", FILLING, { key: "filling" });
    await eventually(() => fillings === sent);
    expect(sent).toBeLessThan(2_000);
  }
  const before = hub.stats();
  let most = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const key of KEYS) await hub.publish("m", round, { key });
    most = Math.max(most, hub.stats().queuedBytes);
    if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => KEYS.every((key) => seen.get(key) === ROUNDS)); // nobody else is held up
  // Besides what had filled its way, one value of each key; on the way there what was just being written to the other.
  expect(hub.stats().queuedBytes - before.queuedBytes).toBeLessThan(KEYS.length * 200);
  expect(most - before.queuedBytes).toBeLessThan(64 * 1024);
  expect(hub.stats()).toMatchObject({ connections: 2, slow: 0, gaps: 0 });
  expect(hub.stats().dropped - before.dropped).toBe((ROUNDS - 1) * KEYS.length);

  // It thaws.
  const got: Value[] = [];
  while (got.filter(({ key }) => key !== "filling").length < KEYS.length) {
    const value = await next(page);
    if (value.type === "message") got.push(value);
  }
  expect(got.filter(({ key }) => key !== "filling").map(({ key, data }) => [key, data])).toEqual(
    KEYS.map((key) => [key, ROUNDS]),
  );
  const offsets = got.map(({ offset = 0 }) => offset);
  expect(offsets).toEqual([...new Set(offsets)].sort((one, two) => one - two));
  await hub.publish("m", "live again", { key: "rate" });
  expect(await next(page)).toMatchObject({ key: "rate", data: "live again" });
  expect(hub.stats()).toMatchObject({ slow: 0, gaps: 0 });
  page.terminate();
  other.terminate();
  await watching.catch(() => undefined);
  await hub.close({ over: 0 });
});
