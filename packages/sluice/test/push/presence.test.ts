import { describe, expect, it } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { MemoryBus } from "../../src/push/bus/memory-bus.js";
import { Hub } from "../../src/push/hub/hub.js";
import { anybody, makeHub, settle, TestClient } from "./hub-setup.js";

const ADA = { id: "ada", info: { name: "Ada" } };
const BOB = { id: "bob" };

describe("presence", () => {
  it("counts users once, however many connections they have, and those without a user as connections", async () => {
    const { connect, hub } = makeHub();
    for (const user of [ADA, ADA, BOB, undefined]) await connect({ user }).join("lobby");
    expect(await hub.presence("lobby")).toEqual({
      users: 2,
      connections: 4,
      members: [
        { ...ADA, connections: 2 },
        { ...BOB, connections: 1 },
      ],
    });
    expect(await hub.presence("elsewhere")).toEqual({ users: 0, connections: 0, members: [] });
  });

  it("is given with the join to those who ask, the one who joins included, and by a frame", async () => {
    const { connect } = makeHub();
    await connect({ user: ADA }).join("lobby");
    const bob = connect({ user: BOB });
    const presence = {
      users: 2,
      connections: 2,
      members: [
        { ...ADA, connections: 1 },
        { ...BOB, connections: 1 },
      ],
    };
    expect(await bob.join("lobby", { presence: true })).toMatchObject({ type: "joined", presence });
    expect(await bob.say({ type: "presence", room: "lobby", ref: 1 })).toEqual({
      type: "presence",
      ref: 1,
      room: "lobby",
      ...presence,
    });
  });

  it("a snapshot names as many users as the limit allows, and counts all", async () => {
    const { connect, hub } = makeHub({ limits: { maxPresentUsers: 2 } });
    for (const id of ["a", "b", "c"]) await connect({ user: { id } }).join("lobby");
    expect(await hub.presence("lobby")).toMatchObject({
      users: 3,
      connections: 3,
      members: [{ id: "a" }, { id: "b" }],
    });
    expect((await hub.presence("lobby")).members).toHaveLength(2);
  });

  it("a user comes with the first connection and leaves with the last, after a moment", async () => {
    const { connect, clock } = makeHub({ presence: { linger: 2_000 } });
    const [watcher, other] = [connect(), connect()];
    await watcher.join("lobby", { presence: true });
    await other.join("lobby");
    const [one, two] = [connect({ user: ADA }), connect({ user: ADA })];
    await one.join("lobby");
    await two.join("lobby");
    expect(watcher.of("presence")).toEqual([
      { type: "presence", room: "lobby", event: "join", ...ADA, users: 1, connections: 3 },
    ]);
    one.drop();
    clock.advance(10_000);
    expect(watcher.of("presence")).toHaveLength(1);
    two.drop();
    clock.advance(1_999);
    expect(watcher.of("presence")).toHaveLength(1);
    clock.advance(1);
    expect(watcher.last).toEqual({ type: "presence", room: "lobby", event: "leave", ...ADA, users: 0, connections: 2 });
    expect(other.of("presence")).toEqual([]);
  });

  it("a page that is loaded anew does not leave and come back", async () => {
    const { connect, clock, hub } = makeHub();
    const watcher = connect();
    await watcher.join("lobby", { presence: true });
    const ada = connect({ user: ADA });
    await ada.join("lobby");
    ada.drop();
    expect(await hub.presence("lobby")).toMatchObject({ users: 1, connections: 1, members: [{ connections: 0 }] });
    clock.advance(1_000);
    await connect({ user: ADA }).join("lobby");
    clock.advance(10_000);
    expect(watcher.of("presence")).toHaveLength(1);
    expect(await hub.presence("lobby")).toMatchObject({ users: 1, connections: 2, members: [{ connections: 1 }] });
  });

  it("who leaves on purpose is gone at once", async () => {
    const { connect } = makeHub();
    const watcher = connect();
    await watcher.join("lobby", { presence: true });
    const ada = connect({ user: ADA });
    await ada.join("lobby");
    await ada.say({ type: "leave", room: "lobby" });
    expect(watcher.last).toMatchObject({ event: "leave", id: "ada" });
  });

  it("a change that comes while a client joins is told after it has been told that it joined", async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus({ clock });
    const slow = new Proxy(bus, {
      get(target, name) {
        if (name === "presence") return (...given: [string, number]) => settle(3).then(() => target.presence(...given));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { connect } = makeHub({ clock, bus: slow });
    const watcher = connect();
    const joining = watcher.join("lobby", { presence: true });
    await settle(1);
    await connect({ user: ADA }).join("lobby");
    await joining;
    expect(watcher.frames.map(({ type }) => type)).toEqual(["welcome", "joined", "presence"]);
    expect(watcher.of("joined")).toMatchObject([{ presence: { users: 1 } }]); // said twice rather than not at all
  });

  it("a hub that has died takes its members with it when their leases run out, and not before", async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus({ clock });
    const options = {
      bus,
      clock,
      authorize: anybody,
      presence: { lease: 60_000 },
      heartbeat: Number.POSITIVE_INFINITY,
    };
    const stillClock = new ManualClock();
    const dying = new Hub({ ...options, clock: stillClock }); // its time stands still: it renews nothing
    const living = new Hub(options);
    const watcher = new TestClient(living);
    await watcher.join("lobby", { presence: true });
    await new TestClient(dying, { user: ADA }).join("lobby");
    await new TestClient(living, { user: BOB }).join("lobby");
    for (let step = 0; step < 5; step += 1) await clock.advanceAsync(11_999);
    expect(await living.presence("lobby")).toMatchObject({ users: 2 });
    await clock.advanceAsync(5);
    expect(await living.presence("lobby")).toMatchObject({ users: 1, connections: 2, members: [{ id: "bob" }] });
    expect(watcher.last).toMatchObject({ type: "presence", event: "leave", id: "ada" });
    for (let step = 0; step < 20; step += 1) await clock.advanceAsync(20_000);
    expect(await living.presence("lobby")).toMatchObject({ users: 1, connections: 2 });
    await living.close({ over: 0 });
  });

  it("a room without presence counts nobody", async () => {
    const { connect, hub, clock } = makeHub({ rooms: () => ({ presence: false }) });
    const client = connect({ user: ADA });
    expect(await client.join("lobby", { presence: true })).toMatchObject({ presence: { users: 0, connections: 0 } });
    clock.advance(100_000);
    expect((await hub.presence("lobby")).connections).toBe(0);
  });
});
