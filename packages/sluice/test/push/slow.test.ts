import { describe, expect, it } from "vitest";
import { CheckedClient } from "./checked-client.js";
import { makeHub, settle, type TestHub } from "./hub-setup.js";

/** A frame of a message with this data, in a room named "r", has about so many bytes. */
const FRAME_BYTES = 130;

async function publishMany(hub: TestHub["hub"], count: number, key?: (index: number) => string): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    await hub.publish("r", index, key === undefined ? {} : { key: key(index) });
  }
}

describe("a connection that takes nothing", () => {
  it("is ended when more waits than may, comes back, and has lost nothing", async () => {
    const { hub } = makeHub({ history: 1_000, limits: { maxQueuedBytes: 20 * FRAME_BYTES } });
    const heard: unknown[] = [];
    hub.on("slow", ({ room, policy }) => heard.push({ room, policy }));
    const client = new CheckedClient(hub);
    const connection = client.connect();
    await client.join("r");
    connection.stuck = true;
    await publishMany(hub, 100);
    expect(connection.ended).toEqual({ code: 4008, reason: "slow" });
    expect(connection.last).toMatchObject({ type: "bye", reason: "slow", retryAfter: expect.any(Number) });
    expect(heard).toEqual([{ room: "r", policy: "disconnect" }]);
    expect(hub.stats()).toMatchObject({ slow: 1, dropped: 0 });
    await settle();
    client.connect();
    await client.join("r");
    await settle();
    expect(client.gaps).toEqual([]);
    expect(client.faults).toEqual([]);
    expect(client.positions.get("r")?.offset).toBe(100);
    expect(new Set(client.seen).size).toBe(client.seen.length);
  });

  it.each([
    ["at the limit nothing happens", 0, undefined],
    ["one byte past it ends the connection", -1, 4008],
  ])("%s", async (_what, less, code) => {
    const sizes = makeHub();
    const probe = sizes.connect();
    await probe.join("r");
    await publishMany(sizes.hub, 3);
    const bytes = probe.wire.slice(-3).reduce((sum, frame) => sum + frame.byteLength, 0);

    const { hub, connect } = makeHub({ limits: { maxQueuedBytes: bytes + less } });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 3);
    expect(client.ended?.code).toBe(code);
  });

  it("off: everything waits", async () => {
    const { hub, connect } = makeHub({ limits: { maxQueuedBytes: Number.POSITIVE_INFINITY } });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 5_000);
    expect(client.ended).toBeUndefined();
    client.release();
    expect(client.offsets).toHaveLength(5_000);
  });

  it("holds no more than may wait, whatever is published, and holds up nobody", async () => {
    const limit = 50 * FRAME_BYTES;
    const { hub, connect } = makeHub({ slow: "drop-oldest", limits: { maxQueuedBytes: limit } });
    const [stuck, ...others] = Array.from({ length: 20 }, () => connect());
    for (const client of [stuck, ...others]) await client?.join("r");
    if (stuck !== undefined) stuck.stuck = true;
    let most = 0;
    for (let index = 1; index <= 1_000; index += 1) {
      await hub.publish("r", index);
      most = Math.max(most, hub.stats().queuedBytes);
    }
    expect(most).toBeLessThanOrEqual(limit);
    expect(most).toBeGreaterThan(limit / 2);
    for (const client of others) expect(client.offsets).toHaveLength(1_000);
    expect(stuck?.offsets).toHaveLength(1); // that showed that there is no room
    expect(stuck?.ended).toBeUndefined();
  });

  it("does not wait for the whole queue to empty: what has room leaves, in order", async () => {
    const { hub, connect } = makeHub();
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 10);
    expect(client.offsets).toEqual([1]);
    client.release();
    expect(client.offsets).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await hub.publish("r", 11);
    expect(client.offsets.at(-1)).toBe(11);
  });

  it("and is flooded with other frames than messages, is ended", async () => {
    const { connect } = makeHub({ limits: { maxQueuedBytes: 500, framesPerSecond: 10_000 } });
    const client = connect();
    client.stuck = true;
    for (let index = 0; index < 100 && client.ended === undefined; index += 1)
      await client.say({ type: "ping", ref: index });
    expect(client.ended?.code).toBe(4008);
  });
});

describe("policies of a room", () => {
  const limits = { maxQueuedBytes: 10 * FRAME_BYTES };

  it("drop-oldest: the newest arrive, and a gap says what did not", async () => {
    const { hub, connect } = makeHub({ slow: "drop-oldest", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 50);
    client.release();
    const [first, second] = client.of("message");
    const [gap] = client.of("gap");
    expect(client.of("gap")).toHaveLength(1);
    expect(first).toMatchObject({ offset: 1 });
    expect(gap).toMatchObject({ room: "r", reason: "slow", epoch: first?.epoch });
    expect(gap).toMatchObject({ offset: Number(second?.offset) - 1, missed: Number(second?.offset) - 2 });
    expect(client.offsets.at(-1)).toBe(50);
    expect(client.frames.indexOf(gap as never)).toBe(client.frames.indexOf(second as never) - 1);
    expect(hub.stats()).toMatchObject({ dropped: Number(gap?.missed), slow: 0, gaps: 1 });
    await hub.publish("r", 51);
    expect(client.offsets.at(-1)).toBe(51);
    expect(client.of("gap")).toHaveLength(1);
  });

  it("drop-new: what waits arrives, and as soon as there is room a gap says what did not", async () => {
    const { hub, connect } = makeHub({ slow: "drop-new", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 50);
    client.release();
    const got = client.offsets.length;
    expect(client.offsets).toEqual(Array.from({ length: got }, (_, index) => index + 1));
    expect(got).toBeLessThan(15);
    expect(client.last).toMatchObject({ type: "gap", offset: 50, missed: 50 - got, reason: "slow" });
    await hub.publish("r", 51);
    expect(client.last).toMatchObject({ type: "message", offset: 51 });
    expect(client.of("gap")).toHaveLength(1);
  });

  it("drop-new: a gap in the middle stands in its place", async () => {
    const { hub, connect } = makeHub({ slow: "drop-new", limits: { maxQueuedBytes: 5 * FRAME_BYTES } });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 20);
    client.bufferedBytes = 0; // some has left, but there is no word of room yet
    await hub.publish("r", 21);
    client.release();
    const [gap] = client.of("gap");
    expect(gap).toMatchObject({ offset: 20 });
    expect(client.last).toMatchObject({ type: "message", offset: 21 });
    expect(client.frames.at(-2)).toBe(gap);
  });

  it("latest: of what waits, the newest of each key arrives, in order, and no gap is told", async () => {
    const { hub, connect } = makeHub({ slow: "latest", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 60, (index) => `k${index % 3}`);
    client.release();
    expect(client.offsets).toEqual([1, 58, 59, 60]);
    expect(client.of("gap")).toEqual([]);
    expect(hub.stats().dropped).toBe(56);
  });

  it("latest: messages without a key are one", async () => {
    const { hub, connect } = makeHub({ slow: "latest", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 60);
    client.release();
    expect(client.offsets).toEqual([1, 60]);
  });

  it("latest: with more keys than may wait, the connection is ended all the same", async () => {
    const { hub, connect } = makeHub({ slow: "latest", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 60, (index) => `k${index}`);
    expect(client.ended?.code).toBe(4008);
  });

  it("a room has its own, also for how much may wait", async () => {
    const { hub, connect } = makeHub({
      rooms: (room) => (room === "r" ? { slow: "drop-new", maxQueuedBytes: 2 * FRAME_BYTES } : undefined),
    });
    const client = connect();
    await client.join("r");
    await client.join("other");
    client.stuck = true;
    await publishMany(hub, 20);
    await hub.publish("other", 1);
    client.release();
    expect(client.of("message").at(-1)).toMatchObject({ room: "other" });
    expect(client.of("gap")).toMatchObject([{ room: "r", offset: 20 }]);
  });

  it("a connection that was told of a gap and breaks off gets what was dropped when it comes back", async () => {
    const { hub } = makeHub({ slow: "drop-oldest", limits });
    const client = new CheckedClient(hub);
    const connection = client.connect();
    await client.join("r");
    connection.stuck = true;
    await publishMany(hub, 50);
    client.drop(); // before it could hear of the gap
    client.connect();
    await client.join("r");
    await settle();
    expect(client.seen).toHaveLength(50);
    expect(client.gaps).toEqual([]);
  });

  it("other frames are not dropped with the messages", async () => {
    const { hub, connect } = makeHub({ slow: "drop-oldest", limits });
    const client = connect();
    await client.join("r");
    client.stuck = true;
    await publishMany(hub, 5);
    await client.say({ type: "ping", ref: "here" });
    await publishMany(hub, 50);
    client.release();
    expect(client.of("pong")).toEqual([{ type: "pong", ref: "here" }]);
  });
});
