import { describe, expect, it } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { seededRandom } from "../../src/platform/random.js";
import type { Bus, HistoryPage } from "../../src/push/bus/bus.js";
import { MemoryBus } from "../../src/push/bus/memory-bus.js";
import { describeBus } from "./bus-conformance.js";
import { CheckedClient } from "./checked-client.js";
import { makeHub, settle, TestClient } from "./hub-setup.js";
import { UnrulyBus } from "./unruly-bus.js";

const RULY = { turns: 0, fail: 0, lose: 0, double: 0 };
const KEEP = { count: 1_000, ageMs: 60_000, bytes: 1_000_000 };

/** What is in one process is connected by being the same; one that was closed is followed by another. */
function shared(wrap: (bus: MemoryBus) => Bus = (bus) => bus): () => Bus {
  let current: MemoryBus | undefined;
  return () => {
    if (current === undefined) {
      const made = new MemoryBus();
      const close = made.close.bind(made);
      made.close = () => {
        current = undefined;
        return close();
      };
      current = made;
    }
    return wrap(current);
  };
}

/** What the histories count as: 2,000 bytes a room, 400 a message, and the data. */
const costOf = (messages: number, dataBytes: number): number => 2_000 + 400 * messages + dataBytes;

describeBus("MemoryBus", shared());
describeBus(
  "a bus that takes its time",
  shared((bus) => new UnrulyBus(bus, seededRandom(7), { ...RULY, turns: 3 })),
);

describe("MemoryBus", () => {
  it("beyond the bound a message costs the same however many rooms have forgotten theirs", async () => {
    const cost = async (rooms: number): Promise<number> => {
      const bus = new MemoryBus({ maxHistoryBytes: 10 * costOf(1, 100), clock: new ManualClock() });
      const retention = { count: 10, ageMs: 60_000, bytes: 10_000 };
      const listener = { onMessage: () => undefined, onPresence: () => undefined, onLost: () => undefined };
      const message = { ts: 0, data: `"${"x".repeat(98)}"` };
      for (let room = 0; room < rooms; room += 1) {
        await bus.subscribe(`room ${room}`, listener); // kept, with or without messages
        await bus.publish(`room ${room}`, message, retention);
      }
      const from = performance.now();
      for (let index = 0; index < 2_000; index += 1) await bus.publish(`room ${index % 20}`, message, retention);
      const spent = performance.now() - from;
      expect(bus.historyBytes).toBe(10 * costOf(1, 100));
      expect(
        (await bus.history("room 19", { before: Number.POSITIVE_INFINITY, limit: 10, maxBytes: 10_000 })).messages,
      ).toHaveLength(1);
      await bus.close();
      return spent;
    };
    await cost(100); // compiled
    const few = await cost(100);
    const many = await cost(10_000);
    // Looked at one by one, a hundred times as many rooms would cost about a hundred times as much.
    expect(many).toBeLessThan(20 * few + 50);
  });

  it("remembers so many bytes in all: beyond it the room that was published to longest ago forgets first", async () => {
    const both = 2 * costOf(5, 50);
    const bus = new MemoryBus({ maxHistoryBytes: both, clock: new ManualClock() });
    const publish = (room: string) => bus.publish(room, { data: '"12345678"', ts: 0 }, KEEP); // ten bytes
    const count = async (room: string) =>
      (await bus.history(room, { before: 99, limit: 99, maxBytes: 999 })).messages.length;
    for (let index = 0; index < 5; index += 1) await publish("old");
    for (let index = 0; index < 5; index += 1) await publish("new");
    expect([await count("old"), await count("new"), bus.historyBytes]).toEqual([5, 5, both]); // at the limit
    await publish("new");
    expect([await count("old"), await count("new"), bus.historyBytes]).toEqual([4, 6, both]); // one past it
    for (let index = 0; index < 10; index += 1) await publish("new");
    // What the room that is gone took besides its messages, others may take.
    expect([await count("old"), await count("new"), bus.historyBytes]).toEqual([0, 14, costOf(14, 140)]);
    await publish("new");
    expect([await count("new"), bus.historyBytes]).toEqual([14, costOf(14, 140)]);
    await bus.close();
    expect(bus.historyBytes).toBe(0);
  });

  it("counts what messages and rooms cost besides their data: many small ones are bounded, too", async () => {
    const rooms = 10;
    const bus = new MemoryBus({ maxHistoryBytes: rooms * costOf(1, 1), clock: new ManualClock() });
    for (let index = 0; index < 100; index += 1) await bus.publish(`r${index}`, { data: "1", ts: 0 }, KEEP);
    const remembered = async (room: string) => (await bus.history(room, { before: 9, limit: 9, maxBytes: 9 })).messages;
    expect([bus.historyBytes, (await remembered("r89")).length, (await remembered("r90")).length]).toEqual([
      rooms * costOf(1, 1),
      0,
      1,
    ]);
    await bus.close();
  });

  it("without that bound it remembers what its rooms may", async () => {
    const bus = new MemoryBus({ maxHistoryBytes: Number.POSITIVE_INFINITY, clock: new ManualClock() });
    for (let index = 0; index < 100; index += 1) await bus.publish("r", { data: '"x"', ts: 0 }, KEEP);
    expect(bus.historyBytes).toBe(costOf(100, 300));
    expect(() => new MemoryBus({ maxHistoryBytes: -1 })).toThrow(
      expect.objectContaining({ code: "options/out-of-range" }),
    );
    expect(() => new MemoryBus({ size: 1 } as object)).toThrow(expect.objectContaining({ code: "options/unknown" }));
  });

  it("keeps a bounded number of rooms that nobody uses, and none for longer than some minutes", async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus({ clock });
    const query = { before: 1, limit: 1, maxBytes: 1 };
    for (let index = 0; index < 10_050; index += 1) await bus.history(`r${index}`, query);
    expect(bus.roomCount).toBe(10_000);
    clock.advance(300_000);
    expect(bus.roomCount).toBe(0);
    expect(clock.armedCount).toBe(0);
  });

  it("lets go of messages when they are too old, though nobody asks", async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus({ clock });
    await bus.publish("r", { data: "1", ts: 0 }, { ...KEEP, ageMs: 1_000 });
    clock.advance(2_000);
    expect(bus.historyBytes).toBe(0);
  });
});

describe("a hub whose bus is out of reach", () => {
  function setup() {
    const bus = new UnrulyBus(new MemoryBus(), seededRandom(1), RULY);
    return { bus, ...makeHub({ bus, history: 1_000 }) };
  }

  it("says so to those who publish, join, read: nothing is pretended", async () => {
    const { bus, hub, connect, errors } = setup();
    const client = connect();
    bus.down = true;
    await expect(hub.publish("r", 1)).rejects.toMatchObject({ name: "ConnectionLostError", code: "push/unavailable" });
    await expect(hub.presence("r")).rejects.toMatchObject({ code: "push/unavailable" });
    await expect(hub.history("r")).rejects.toMatchObject({ code: "push/unavailable" });
    for (const type of ["join", "presence", "history"]) {
      expect(await client.say({ type, room: "r", ref: type })).toMatchObject({
        type: "error",
        code: "unavailable",
        ref: type,
      });
    }
    expect(await client.say({ type: "publish", room: "r", data: 1 })).toMatchObject({
      type: "error",
      code: "unavailable",
    });
    expect(errors.length).toBeGreaterThanOrEqual(4);
    bus.down = false;
    expect(await client.join("r")).toMatchObject({ type: "error" }); // the first answer, of before
    expect(client.last).toMatchObject({ type: "joined" });
    expect(hub.stats()).toMatchObject({ rooms: 1, connections: 1 });
  });

  it("tells members that the room is not live, tries again, and brings what was missed before it says that it is", async () => {
    const { bus, hub, connect, clock } = setup();
    const client = connect();
    await client.join("r");
    await hub.publish("r", 1);
    bus.breakOff();
    bus.down = true;
    expect(client.last).toEqual({ type: "state", room: "r", live: false });
    await bus.inner.publish("r", { data: '"elsewhere"', ts: 0 }, KEEP); // by another hub
    for (let tries = 0; tries < 5; tries += 1) {
      clock.advance(10_000);
      await settle();
    }
    expect(client.of("message")).toHaveLength(1);
    bus.down = false;
    clock.advance(10_000);
    await settle();
    expect(client.frames.slice(-2)).toMatchObject([
      { type: "message", data: "elsewhere" },
      { type: "state", room: "r", live: true },
    ]);
    await hub.publish("r", 3);
    expect(client.offsets).toEqual([1, 2, 3]);
  });

  it("a message that the bus lost is seen to be missing with the next, and read from the history", async () => {
    const { bus, hub, connect } = setup();
    const client = connect();
    await client.join("r");
    bus.unruliness.lose = 1;
    for (const data of [1, 2, 3]) await hub.publish("r", data);
    bus.unruliness.lose = 0;
    expect(client.offsets).toEqual([]);
    await hub.publish("r", 4);
    await settle();
    expect(client.offsets).toEqual([1, 2, 3, 4]);
    expect(client.of("gap")).toEqual([]);
  });

  it("one that the history has no more is a gap, for everybody", async () => {
    const { bus } = setup();
    const { hub, connect } = makeHub({ bus, history: 1 });
    const heard: unknown[] = [];
    hub.on("gap", (gap) => heard.push(gap));
    const clients = [connect(), connect()];
    for (const client of clients) await client.join("r");
    bus.unruliness.lose = 1;
    for (const data of [1, 2, 3]) await hub.publish("r", data);
    bus.unruliness.lose = 0;
    await hub.publish("r", 4);
    await settle();
    for (const client of clients) {
      expect(client.frames.slice(-2)).toMatchObject([
        { type: "gap", offset: 3, missed: 3, reason: "history" },
        { type: "message", offset: 4 },
      ]);
    }
    expect(heard).toEqual([{ room: "r", reason: "history", missed: 3 }]);
  });

  it("a bus that has lost its memory is another epoch: everybody is told, and goes on", async () => {
    const { bus, hub, connect, clock } = setup();
    const client = connect();
    await client.join("r");
    await hub.publish("r", 1);
    const fresh = new MemoryBus();
    Object.assign(bus, { inner: fresh });
    await fresh.publish("r", { data: '"new"', ts: 0 }, KEEP);
    bus.breakOff();
    clock.advance(10_000);
    await settle();
    expect(client.frames.slice(-4)).toMatchObject([
      { type: "state", live: false },
      { type: "gap", reason: "epoch", offset: 0 },
      { type: "message", offset: 1, data: "new" },
      { type: "state", live: true },
    ]);
    await hub.publish("r", 2);
    expect(client.last).toMatchObject({ offset: 2 });
  });

  it("a history that never shows what was delivered does not hold the room up for ever", async () => {
    const { bus, hub, connect } = setup();
    const client = connect();
    await client.join("r");
    bus.unruliness.lose = 1;
    const { epoch } = await hub.publish("r", 1);
    bus.unruliness.lose = 0;
    bus.history = async (): Promise<HistoryPage> => ({ epoch, offset: 0, messages: [], more: false });
    await hub.publish("r", 2);
    await settle();
    expect(client.frames.slice(-2)).toMatchObject([
      { type: "gap", offset: 1, missed: 1 },
      { type: "message", offset: 2 },
    ]);
  });

  it("members who were catching up go on when it is back", async () => {
    const { bus, hub, clock } = setup();
    for (let index = 0; index < 250; index += 1) await hub.publish("r", index);
    const client = new CheckedClient(hub);
    client.positions.set("r", { epoch: (await hub.history("r")).epoch, offset: 0 });
    const connection = client.connect();
    connection.stuck = true;
    await client.join("r");
    bus.down = true;
    connection.release();
    await settle(10);
    expect(client.seen.length).toBeLessThan(250);
    bus.down = false;
    clock.advance(10_000);
    await settle(20);
    expect(client.seen).toHaveLength(250);
    expect([client.faults, client.gaps]).toEqual([[], []]);
  });

  it("one whose methods throw instead of rejecting is as one whose calls fail", async () => {
    const { hub, clock, connect, errors, bus } = setup();
    const client = connect({ user: { id: "ada" } });
    await client.join("r");
    for (const method of ["publish", "subscribe", "history", "touch", "release", "presence"] as const) {
      bus[method] = () => {
        throw new Error(`no ${method}`);
      };
    }
    await expect(hub.publish("r", 1)).rejects.toMatchObject({ code: "push/unavailable" });
    expect(await client.say({ type: "join", room: "other", ref: 1 })).toMatchObject({ code: "unavailable" });
    await clock.advanceAsync(60_000); // leases are renewed
    await client.say({ type: "leave", room: "r" });
    await settle();
    expect(hub.stats()).toMatchObject({ connections: 1, rooms: 0 });
    expect(new Set(errors.map((error) => (error as { code?: string }).code))).toEqual(new Set(["push/unavailable"]));
    expect(errors.map((error) => String((error as Error).cause))).toEqual(
      expect.arrayContaining(["Error: no touch", "Error: no release"]),
    );
  });

  it("presence that could not be said is said with the next renewal", async () => {
    const { bus, hub, clock } = setup();
    const client = new TestClient(hub, { user: { id: "ada" } });
    bus.touch = () => Promise.reject(new Error("bus: out of reach"));
    await client.join("r");
    expect(await hub.presence("r")).toMatchObject({ users: 0 });
    bus.touch = (...given) => bus.inner.touch(...given);
    clock.advance(20_000);
    await settle();
    expect(await hub.presence("r")).toMatchObject({ users: 1 });
  });
});
