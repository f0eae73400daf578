/** A subscriber that reads nothing, among many who do, on real sockets: what the server holds for it stays within what may wait for it. */
import { afterEach, expect, it } from "vitest";
import type { ClientSession } from "../../src/client/session.js";
import { systemClock } from "../../src/concurrency/clock.js";
import type { SlowPolicy } from "../../src/push/delivery/lane.js";
import { Hub } from "../../src/push/hub/hub.js";
import type { WebSocketConnection } from "../../src/wire/websocket/websocket-connection.js";
import { heldBytes } from "./held-bytes.js";
import { endAll, eventually, hosted, newSession } from "./hostile-places.js";

const MIB = 1024 * 1024;
const MESSAGE = 10_000;
const FLOOD_BYTES = 48 * MIB;
const READERS = 20;
/** A frame is kept as the text that it was made as, and in the form that all sockets share. */
const FORMS = 2;
/** Code, feedback, sockets' own queues and the newest frames of the room. */
const MARGIN_BYTES = 6 * MIB;

afterEach(async () => {
  await endAll();
  await eventually(() => systemClock.armedCount === 0);
});

async function subscribe(session: ClientSession, url: string): Promise<WebSocketConnection> {
  const socket = await session.websocket(`${url}/push`);
  for (;;) if (String(await socket.receive()).includes('"joined"')) return socket;
}

async function run(slow: SlowPolicy, maxQueuedBytes: number): Promise<{ held: number; most: number; hub: Hub }> {
  const hub = new Hub({ slow, history: 0, authorize: () => true, limits: { maxQueuedBytes } });
  const host = await hosted((app) =>
    app.websocket("/push", { origins: "any" }, (socket) => hub.serve(socket, { rooms: ["r"] })),
  );
  const session = newSession();
  const stuck = await subscribe(session, host.url);
  const counts: number[] = [];
  for (let index = 0; index < READERS; index += 1) {
    const socket = await subscribe(session, host.url);
    counts[index] = 0;
    void (async () => {
      for await (const message of socket)
        counts[index] = (counts[index] ?? 0) + (String(message).includes('"message"') ? 1 : 0);
    })().catch(() => undefined);
  }
  const before = await heldBytes();
  const messages = Math.ceil(FLOOD_BYTES / MESSAGE);
  let most = 0;
  for (let index = 0; index < messages; index += 1) {
    await hub.publish("r", String(index).padEnd(MESSAGE, "x"));
    if (index % 20 === 19) {
      most = Math.max(most, hub.stats().queuedBytes);
      await eventually(() => counts.every((count) => count === index + 1)); // those who read have all
    }
  }
  const held = (await heldBytes()) - before;
  expect(stuck.state).toBe("open");
  return { held, most, hub };
}

it.each([[1 * MIB], [16 * MIB]])(
  "with a limit of %d bytes no more is held for it, whatever is sent to the others",
  async (limit) => {
    const { held, most, hub } = await run("drop-oldest", limit);
    expect(most).toBeLessThanOrEqual(limit);
    expect(most).toBeGreaterThan(limit / 2);
    expect(held).toBeLessThan(FORMS * limit + MARGIN_BYTES);
    await hub.close({ over: 0 });
  },
  120_000,
);

it("the look at memory sees what is held: without a limit it is what was sent", async () => {
  const { held, most, hub } = await run("drop-oldest", Number.POSITIVE_INFINITY);
  expect(most).toBeGreaterThan(FLOOD_BYTES / 2);
  expect(held).toBeGreaterThan(FLOOD_BYTES / 2);
  await hub.close({ over: 0 });
}, 120_000);
