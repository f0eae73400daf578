import { describe, expect, it } from "vitest";
import { MemoryBus } from "../../src/push/bus/memory-bus.js";
import { makeHub } from "./hub-setup.js";

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
