import { describe, expect, it } from "vitest";
import type { Position } from "../../src/push/protocol/position.js";
import { CheckedClient } from "./checked-client.js";
import { makeHub, settle } from "./hub-setup.js";

/** Positions in tests are of the epoch that the room has. */
async function published(hub: ReturnType<typeof makeHub>["hub"], room: string, count: number): Promise<Position> {
  let last: Position = { epoch: "", offset: 0 };
  for (let index = 0; index < count; index += 1) last = await hub.publish(room, `m${index + 1}`);
  return last;
}

describe("joining", () => {
  it("begins now: no message of the past, every message from then on", async () => {
    const { hub, connect } = makeHub();
    const { epoch } = await published(hub, "lobby", 3);
    const client = connect();
    expect(await client.join("lobby", { ref: 1 })).toEqual({ type: "joined", room: "lobby", ref: 1, epoch, offset: 3 });
    await hub.publish("lobby", 4);
    expect(client.offsets).toEqual([4]);
  });

  it("begins with the last messages, if asked to, no more than there are and than the limit allows", async () => {
    const { hub, connect } = makeHub({ limits: { maxHistoryPage: 4 } });
    await published(hub, "lobby", 6);
    const [two, four, more] = [connect(), connect(), connect()];
    expect(await two.join("lobby", { history: 2 })).toMatchObject({ offset: 4 });
    expect(two.data).toEqual(["m5", "m6"]);
    await four.join("lobby", { history: 4 });
    expect(four.offsets).toEqual([3, 4, 5, 6]);
    await more.join("lobby", { history: 5 });
    expect(more.offsets).toEqual([3, 4, 5, 6]);
    expect(four.of("gap")).toEqual([]);
  });

  it("an empty room can be joined with history", async () => {
    const { connect } = makeHub();
    const client = connect();
    expect(await client.join("lobby", { history: 5 })).toMatchObject({ type: "joined", offset: 0 });
  });
});

describe("recovery", () => {
  it("gives what was missed, once and in order, and says that nothing is lost", async () => {
    const { hub, connect } = makeHub();
    const { epoch } = await published(hub, "lobby", 5);
    const client = connect();
    const joined = await client.join("lobby", { since: { epoch, offset: 2 } });
    expect(joined).toEqual({ type: "joined", room: "lobby", epoch, offset: 2, recovered: true });
    expect(client.offsets).toEqual([3, 4, 5]);
    await hub.publish("lobby", 6);
    expect(client.offsets).toEqual([3, 4, 5, 6]);
    expect(hub.stats()).toMatchObject({ recovered: 1, unrecovered: 0, gaps: 0 });
  });

  it("is complete when nothing was missed, also in a room that has forgotten everything", async () => {
    const { hub, connect } = makeHub({ history: 0 });
    const since = await published(hub, "lobby", 5);
    const client = connect();
    expect(await client.join("lobby", { since })).toMatchObject({ recovered: true, offset: 5 });
    expect(client.of("gap")).toEqual([]);
  });

  it("tells of the gap when the history does not reach back far enough, then gives what there is", async () => {
    const { hub, connect } = makeHub({ history: 2 });
    const { epoch } = await published(hub, "lobby", 6);
    const heard: unknown[] = [];
    hub.on("gap", (gap) => heard.push(gap));
    const client = connect();
    await client.join("lobby", { since: { epoch, offset: 1 } });
    expect(client.frames.slice(1, 3)).toEqual([
      { type: "joined", room: "lobby", epoch, offset: 4, recovered: false },
      { type: "gap", room: "lobby", epoch, offset: 4, missed: 3, reason: "history" },
    ]);
    expect(client.offsets).toEqual([5, 6]);
    expect(heard).toEqual([{ room: "lobby", reason: "history", missed: 3, connection: client.port.id }]);
    expect(hub.stats()).toMatchObject({ recovered: 0, unrecovered: 1, gaps: 1 });
  });

  it("at the edge of the history nothing is lost; one further it is", async () => {
    const { hub, connect } = makeHub({ history: 2 });
    const { epoch } = await published(hub, "lobby", 6);
    const [at, past] = [connect(), connect()];
    expect(await at.join("lobby", { since: { epoch, offset: 4 } })).toMatchObject({ recovered: true });
    expect(await past.join("lobby", { since: { epoch, offset: 3 } })).toMatchObject({ recovered: false });
    expect(past.of("gap")).toMatchObject([{ missed: 1 }]);
  });

  it("of another epoch is not possible: the gap says so, and what the room has follows", async () => {
    const { hub, connect } = makeHub();
    await published(hub, "lobby", 2);
    const client = connect();
    await client.join("lobby", { since: { epoch: "former", offset: 900 } });
    expect(client.of("joined")).toMatchObject([{ recovered: false, offset: 0 }]);
    expect(client.of("gap")).toMatchObject([{ reason: "epoch", offset: 0 }]);
    expect(client.of("gap")[0]).not.toHaveProperty("missed");
    expect(client.offsets).toEqual([1, 2]);
  });

  it("from a position that the room has not reached is none either", async () => {
    const { hub, connect } = makeHub();
    const { epoch } = await published(hub, "lobby", 2);
    const client = connect();
    await client.join("lobby", { since: { epoch, offset: 7 } });
    expect(client.of("gap")).toMatchObject([{ reason: "epoch", offset: 2 }]);
    await hub.publish("lobby", 3);
    expect(client.offsets).toEqual([3]);
  });

  it.each([
    ["count", { count: 3 }, 3],
    ["count off", { count: Number.POSITIVE_INFINITY }, 5],
    ["bytes, at the limit", { maxBytes: 8 }, 2], // "m4" with its quotes is four bytes
    ["bytes, one less", { maxBytes: 7 }, 1],
    ["nothing", { maxBytes: 0 }, 0],
    ["age 0", { maxAge: 0 }, 0],
  ])("the history is bounded by %s", async (_what, history, expected) => {
    const { hub } = makeHub({ history });
    await published(hub, "lobby", 5);
    expect((await hub.history("lobby")).messages).toHaveLength(expected);
  });

  it("a part of it that cannot be is refused, and not read as another", async () => {
    const { hub } = makeHub();
    await published(hub, "lobby", 3);
    const { epoch } = await hub.history("lobby");
    const read = async (options: object) => (await hub.history("lobby", options)).messages.map(({ offset }) => offset);
    expect(await read({ before: 3, limit: 1 })).toEqual([2]);
    expect(await read({ before: 1 })).toEqual([]);
    expect(await read({ before: Number.POSITIVE_INFINITY, limit: Number.POSITIVE_INFINITY })).toEqual([1, 2, 3]);
    expect(await read({ since: { epoch, offset: 2 }, before: undefined })).toEqual([3]);
    for (const range of [
      { before: 0 },
      { before: 1.5 },
      { before: Number.NaN },
      { before: "2" },
      { limit: 0 },
      { limit: 1.5 },
    ]) {
      await expect(read(range)).rejects.toMatchObject({ code: "options/out-of-range" });
    }
    for (const since of ["2", null, { epoch }, { epoch, offset: -1 }, { epoch: "not an epoch", offset: 1 }]) {
      await expect(read({ since })).rejects.toMatchObject({ code: "options/unknown-value" });
    }
    await expect(read({ since: { epoch, offset: 2 }, before: 3 })).rejects.toMatchObject({ code: "options/conflict" });
  });

  it("messages are forgotten at their age, to the millisecond", async () => {
    const { hub, clock } = makeHub({ history: { maxAge: 1_000 } });
    await hub.publish("lobby", 1);
    clock.advance(500);
    await hub.publish("lobby", 2);
    clock.advance(499);
    expect((await hub.history("lobby")).messages).toHaveLength(2);
    clock.advance(1);
    expect((await hub.history("lobby")).messages.map(({ data }) => data)).toEqual([2]);
  });

  it("a quiet room keeps its epoch for some minutes after everybody has left: nobody is told of a gap that is none", async () => {
    const { hub, clock, connect } = makeHub();
    const client = connect();
    const joined = await client.join("quiet");
    const since = { epoch: joined?.epoch, offset: joined?.offset };
    client.drop();
    clock.advance(290_000);
    const back = connect();
    expect(await back.join("quiet", { since })).toMatchObject({ recovered: true });
    back.drop();
    clock.advance(310_000);
    expect(await connect().join("quiet", { since })).toMatchObject({ recovered: false });
    await hub.close({ over: 0 });
    expect(clock.armedCount).toBe(0);
  });

  it("a long history is given at the pace of the connection: little of it waits at a time", async () => {
    const { hub, connect } = makeHub({ history: { count: 1_000, maxBytes: 10_000_000 } });
    const big = "x".repeat(10_000);
    let epoch = "";
    for (let index = 0; index < 300; index += 1) ({ epoch } = await hub.publish("lobby", big));
    const client = connect();
    client.stuck = true;
    void client.join("lobby", { since: { epoch, offset: 0 } });
    await settle(20);
    let most = 0;
    for (let round = 0; client.offsets.length < 300 && round < 2_000; round += 1) {
      most = Math.max(most, hub.stats().queuedBytes);
      client.release();
      client.stuck = true;
      await settle(1);
    }
    expect(client.offsets).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(most).toBeLessThan(50_000);
    expect(client.ended).toBeUndefined();
  });

  it("a message published while the history is given is neither lost nor given twice", async () => {
    const { hub, connect } = makeHub({ history: 1_000 });
    const { epoch } = await published(hub, "lobby", 250);
    const client = connect();
    const joining = client.join("lobby", { since: { epoch, offset: 0 } });
    for (let index = 0; index < 50; index += 1) {
      await hub.publish("lobby", index);
      if (index % 7 === 0) await settle(1);
    }
    await joining;
    await settle();
    expect(client.offsets).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });

  it("a storm of 300 who come back at once: none lost, none twice, each message written once", async () => {
    const { hub } = makeHub();
    const clients = Array.from({ length: 300 }, () => new CheckedClient(hub));
    for (const client of clients) client.connect();
    await Promise.all(clients.map((client) => client.join("lobby")));
    await published(hub, "lobby", 10);
    await settle(10); // a room of this size has more than one turn
    for (const client of clients) client.drop();
    expect(hub.stats().rooms).toBe(0);
    await published(hub, "lobby", 20);
    for (const client of clients) client.connect();
    const joining = clients.map((client) => client.join("lobby"));
    const more = published(hub, "lobby", 5);
    await Promise.all([...joining, more]);
    await settle();
    const wrong = clients.filter(
      ({ seen, faults, gaps }) => seen.length !== 35 || faults.length > 0 || gaps.length > 0,
    );
    expect(wrong).toEqual([]);
    const frames = new Set(
      clients.flatMap(({ connection }) => connection?.wire.filter(({ place }) => place?.key !== undefined) ?? []),
    );
    expect(frames.size).toBe(25);
  });
});

describe("history", () => {
  it("is given page by page, backward from the newest and forward from a position", async () => {
    const { hub, connect } = makeHub();
    const { epoch } = await published(hub, "lobby", 5);
    const client = connect();
    const offsets = ({ messages }: { messages: { offset: number }[] }): number[] =>
      messages.map(({ offset }) => offset);
    const newest = await client.say({ type: "history", room: "lobby", limit: 2, ref: 1 });
    expect(newest).toMatchObject({ type: "history", ref: 1, room: "lobby", epoch, offset: 5, more: true });
    expect(newest).toMatchObject({
      messages: [
        { offset: 4, id: `${epoch}:4`, data: "m4" },
        { offset: 5, data: "m5" },
      ],
    });
    const before = await client.say({ type: "history", room: "lobby", limit: 3, before: 4 });
    expect([offsets(before as never), before?.more]).toEqual([[1, 2, 3], false]);
    const after = await client.say({ type: "history", room: "lobby", limit: 2, since: { epoch, offset: 1 } });
    expect([offsets(after as never), after?.more]).toEqual([[2, 3], true]);
    const none = await client.say({ type: "history", room: "lobby", before: 1 });
    expect([offsets(none as never), none?.more]).toEqual([[], false]);
  });

  it("a page has no more messages than the limit, whatever is asked for", async () => {
    const { hub, connect } = makeHub({ limits: { maxHistoryPage: 2 } });
    await published(hub, "lobby", 5);
    expect(await connect().say({ type: "history", room: "lobby", limit: 100 })).toMatchObject({
      more: true,
      messages: [{ offset: 4 }, { offset: 5 }],
    });
  });

  it("the application reads it with the data parsed", async () => {
    const { hub } = makeHub();
    await hub.publish("lobby", { n: 1 }, { from: { id: "ada" }, key: "k", id: "i" });
    const { messages, more } = await hub.history("lobby", { limit: 1 });
    expect(more).toBe(false);
    expect(messages).toMatchObject([
      { room: "lobby", id: "i", key: "k", from: { id: "ada" }, data: { n: 1 }, offset: 1 },
    ]);
    await expect(hub.history("lobby", { limit: 0 })).rejects.toMatchObject({ code: "options/out-of-range" });
  });
});
