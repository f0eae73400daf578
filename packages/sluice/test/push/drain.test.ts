import { describe, expect, it } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { MemoryBus } from "../../src/push/bus/memory-bus.js";
import { Hub } from "../../src/push/hub/hub.js";
import { PUSH_PROTOCOL } from "../../src/push/protocol/frames.js";
import { Application } from "../../src/server/application.js";
import type { Frame } from "./fake-subscriber.js";
import { anybody, makeHub } from "./hub-setup.js";

describe("closing a hub", () => {
  it("ends connections one after the other over a while, each with 1012 and a time of its own to come back", async () => {
    const { hub, clock, connect } = makeHub();
    const clients = Array.from({ length: 100 }, () => connect());
    for (const client of clients) await client.join("lobby");
    const closing = hub.close({ over: 1_000 });
    const ended: number[] = [];
    for (let step = 0; step < 20; step += 1) {
      ended.push(clients.filter((client) => client.ended !== undefined).length);
      await clock.advanceAsync(50);
    }
    await closing;
    expect(ended).toEqual(Array.from({ length: 20 }, (_, step) => (step + 1) * 5));
    expect(new Set(clients.map(({ ended: end }) => end?.code))).toEqual(new Set([1012]));
    const times = clients.map(({ last }) => Number(last?.retryAfter));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(2_000);
    expect(new Set(times).size).toBeGreaterThan(50);
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
    expect(clock.armedCount).toBe(0);
  });

  it("at once, if it is to take no time", async () => {
    const { hub, connect } = makeHub();
    const clients = Array.from({ length: 10 }, () => connect());
    await hub.close({ over: 0 });
    for (const client of clients) expect(client.last).toMatchObject({ type: "bye", reason: "restart" });
  });

  it("a farewell published right before reaches every member of a large room, however soon they are ended", async () => {
    const { hub, connect } = makeHub();
    const clients = Array.from({ length: 400 }, () => connect());
    await Promise.all(clients.map((client) => client.join("r")));
    await hub.publish("r", "farewell");
    expect(clients.at(-1)?.data).toEqual([]);
    await hub.close({ over: 0 });
    expect(clients.filter(({ data }) => data.join() !== "farewell")).toEqual([]);
    for (const client of clients) expect(client.last).toMatchObject({ type: "bye", reason: "restart" });
  });

  it("takes nobody meanwhile, lets those who are still there publish nothing more, and can be asked for twice", async () => {
    const { hub, clock, connect } = makeHub();
    const clients = Array.from({ length: 40 }, () => connect());
    const last = clients.at(-1);
    const closing = hub.close({ over: 1_000 });
    expect(hub.close()).toBe(closing);
    expect(() => connect()).toThrow(expect.objectContaining({ status: 503 }));
    expect(await last?.say({ type: "join", room: "r" })).toMatchObject({ code: "unavailable" });
    expect(await last?.say({ type: "publish", room: "r", data: 1 })).toMatchObject({ code: "unavailable" });
    await expect(hub.publish("r", 1)).rejects.toMatchObject({ code: "push/closed" });
    await expect(hub.presence("r")).rejects.toMatchObject({ code: "push/closed" });
    await expect(hub.history("r")).rejects.toMatchObject({ code: "push/closed" });
    for (let step = 0; step < 25; step += 1) await clock.advanceAsync(50);
    await closing;
  });

  it("leaves a bus that was given to it open, and closes its own", async () => {
    const bus = new MemoryBus();
    const { hub } = makeHub({ bus });
    await hub.publish("r", 1);
    await hub.close({ over: 0 });
    expect((await bus.history("r", { before: 9, limit: 9, maxBytes: 99 })).messages).toHaveLength(1);
    await bus.close();
    await expect(bus.presence("r", 1)).rejects.toMatchObject({ code: "push/bus-closed" });
  });

  it("refuses what cannot be a time", () => {
    const { hub } = makeHub();
    expect(() => hub.close({ over: -1 })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });
});

describe("a server that closes", () => {
  it.each([
    ["with a grace", 5_000],
    ["at once", 0],
  ])(
    "has its hub say goodbye, %s, to each with a time of its own: its disposers come when connections are gone",
    async (_how, grace) => {
      const hub = new Hub({ authorize: anybody });
      const app = new Application();
      app.websocket("/push", { protocols: [PUSH_PROTOCOL] }, (socket) => hub.serve(socket));
      app.onStart(() => () => hub.close());
      const server = await app.listen({ port: 0, host: "127.0.0.1" });
      const session = new ClientSession({ baseUrl: server.url });
      const sockets = await Promise.all(
        Array.from({ length: 20 }, () => session.websocket("push", { protocols: [PUSH_PROTOCOL] })),
      );
      for (const socket of sockets) expect(await socket.receiveJson()).toMatchObject({ type: "welcome" });
      const [byes] = await Promise.all([
        Promise.all(sockets.map(async (socket) => (await socket.receiveJson()) as Frame)),
        server.close({ grace }),
      ]);
      expect(new Set(byes.map(({ type, reason }) => `${type} ${reason}`))).toEqual(new Set(["bye restart"]));
      const times = byes.map(({ retryAfter }) => Number(retryAfter));
      expect(new Set(times).size).toBeGreaterThan(5);
      expect(Math.min(...times)).toBeGreaterThanOrEqual(1_000);
      expect(new Set((await Promise.all(sockets.map(({ closed }) => closed))).map(({ code }) => code))).toEqual(
        new Set([1012]),
      );
      expect(hub.stats().connections).toBe(0);
      await session.close();
    },
  );
});
