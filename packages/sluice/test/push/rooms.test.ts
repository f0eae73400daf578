import { describe, expect, it } from "vitest";
import { anybody, makeHub, settle } from "./hub-setup.js";

const ADA = { id: "ada", info: { name: "Ada" } };
const BOB = { id: "bob" };

describe("welcome", () => {
  it("says who the client is, which rooms to join, and what it has to keep to", () => {
    const { clock, connect } = makeHub();
    const client = connect({ user: ADA, rooms: ["lobby"], expiresAt: clock.wallTime() + 5_000 });
    expect(client.frames).toEqual([
      {
        type: "welcome",
        version: 1,
        connection: client.port.id,
        user: ADA,
        rooms: ["lobby"],
        heartbeat: 25_000,
        expiresIn: 5_000,
        limits: { messageSize: 65_536, rooms: 128, framesPerSecond: 50, history: 100 },
      },
    ]);
  });

  it("leaves out what is off: heartbeat, limits, an end of the authorisation; and the user if there is none", () => {
    const off = Number.POSITIVE_INFINITY;
    const limits = { maxMessageSize: off, maxRooms: off, framesPerSecond: off, maxHistoryPage: off };
    const { connect } = makeHub({ heartbeat: off, limits });
    const client = connect();
    expect(client.frames).toEqual([{ type: "welcome", version: 1, connection: client.port.id, rooms: [], limits: {} }]);
  });

  it("shows of a user its id and info, and nothing else that the application keeps there", async () => {
    const { connect, hub } = makeHub();
    const user = { ...ADA, token: "secret" };
    const client = connect({ user });
    await client.join("lobby", { presence: true });
    await client.say({ type: "publish", room: "lobby", data: 1 });
    expect(JSON.stringify([client.frames, await hub.presence("lobby"), await hub.history("lobby")])).not.toContain(
      "secret",
    );
  });
});

describe("rooms", () => {
  it("a message reaches every member of its room, the publisher too, and nobody else", async () => {
    const { connect } = makeHub();
    const [ada, bob, eve] = [connect({ user: ADA }), connect({ user: BOB }), connect()];
    await ada.join("lobby");
    await bob.join("lobby");
    await eve.join("elsewhere");
    const ok = await ada.say({ type: "publish", room: "lobby", ref: 7, data: { text: "hello" } });

    const [message] = bob.of("message");
    const epoch = message?.epoch;
    const expected = { room: "lobby", epoch, offset: 1, id: `${epoch}:1`, ts: 1_767_225_600_000, from: ADA };
    expect(message).toEqual({ type: "message", ...expected, data: { text: "hello" } });
    expect(ada.of("message")).toEqual([message]);
    expect(ok).toEqual({ type: "ok", ref: 7, room: "lobby", epoch, offset: 1, id: `${epoch}:1` });
    expect(eve.of("message")).toEqual([]);
  });

  it("each message is one buffer for all members, in each form", async () => {
    const { connect, hub } = makeHub();
    const clients = [connect(), connect(), connect()];
    for (const client of clients) await client.join("lobby");
    await hub.publish("lobby", "once");
    const [first, ...others] = clients.map(({ wire }) => wire.at(-1));
    for (const other of others) {
      expect(other).toBe(first);
      expect(other?.eventWithId).toBe(first?.eventWithId);
    }
  });

  it("order is kept: everybody gets the messages of all publishers in the order of their offsets", async () => {
    const { connect, hub } = makeHub();
    const clients = [connect(), connect()];
    for (const client of clients) await client.join("lobby");
    await Promise.all(Array.from({ length: 50 }, (_, index) => hub.publish("lobby", index)));
    for (const client of clients) expect(client.offsets).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it("publishing while a message is given out keeps the order: a listener that answers comes after", async () => {
    const { connect, hub } = makeHub();
    const client = connect();
    await client.join("lobby");
    hub.on("message", ({ data }) => {
      if (data === "ping") void hub.publish("lobby", "pong");
    });
    await hub.publish("lobby", "ping");
    await settle();
    expect(client.data).toEqual(["ping", "pong"]);
  });

  it("leaving ends it: no more messages, and an answer", async () => {
    const { connect, hub } = makeHub();
    const client = connect();
    await client.join("lobby");
    expect(await client.say({ type: "leave", room: "lobby", ref: "x" })).toEqual({
      type: "left",
      room: "lobby",
      ref: "x",
    });
    await hub.publish("lobby", 1);
    expect(client.of("message")).toEqual([]);
    expect(await client.say({ type: "leave", room: "lobby" })).toMatchObject({ type: "error", code: "not-joined" });
  });

  it("joining twice is refused, and changes nothing; while the first is under way too", async () => {
    const { connect, hub } = makeHub();
    const client = connect();
    await Promise.all([client.join("lobby"), client.join("lobby")]);
    expect(client.of("joined")).toHaveLength(1);
    expect(client.of("error")).toMatchObject([{ code: "already-joined", room: "lobby" }]);
    await hub.publish("lobby", 1);
    expect(client.offsets).toEqual([1]);
  });

  it("a room is let go of with its last member, and nothing is left of it in the hub", async () => {
    const { connect, hub } = makeHub();
    const [one, two] = [connect(), connect()];
    await one.join("lobby");
    await two.join("lobby");
    expect(hub.stats()).toMatchObject({ connections: 2, rooms: 1 });
    one.drop();
    expect(hub.stats().rooms).toBe(1);
    two.drop();
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0, joined: 2 });
  });

  it("a connection that goes while it joins leaves nothing behind", async () => {
    const { connect, hub } = makeHub({ authorize: () => settle(1).then(anybody) });
    const client = connect();
    const joining = client.say({ type: "join", room: "lobby" });
    client.drop();
    await joining;
    await settle();
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
    expect((await hub.presence("lobby")).connections).toBe(0);
    expect(client.of("joined")).toEqual([]);
  });

  it("in a large room members are served in turns, and those who join and leave meanwhile are served rightly", async () => {
    const { connect, hub } = makeHub({ presence: { lease: Number.POSITIVE_INFINITY } });
    const clients = Array.from({ length: 1_200 }, () => connect());
    for (const client of clients) void client.say({ type: "join", room: "large" });
    await settle();
    const published = [hub.publish("large", 1), hub.publish("large", 2)];
    const [first, , last] = [clients[0], clients[1], clients.at(-1)];
    expect(first?.offsets).toEqual([1]);
    expect(last?.offsets).toEqual([]); // its turn comes later
    const late = connect();
    await late.port.receive('{"type":"join","room":"large"}');
    clients[1_100]?.drop();
    await Promise.all(published);
    await settle(20);
    expect(late.offsets).toEqual([2]); // it stands after 1, which was under way
    expect(clients[1_100]?.offsets).toEqual([]);
    const wrong = clients.filter((client, index) => index !== 1_100 && client.offsets.join() !== "1,2");
    expect(wrong).toEqual([]);
  });
});

describe("frames that cannot be", () => {
  it.each([
    [{ type: "join" }, "bad-request"],
    [{ type: "join", room: "" }, "bad-request"],
    [{ type: "join", room: "a\nb" }, "bad-request"],
    [{ type: "join", room: "r", since: 5 }, "bad-request"],
    [{ type: "join", room: "r", since: { epoch: "a b", offset: 1 } }, "bad-request"],
    [{ type: "join", room: "r", since: { epoch: "a", offset: -1 } }, "bad-request"],
    [{ type: "join", room: "r", history: -1 }, "bad-request"],
    [{ type: "join", room: "r", presence: 1 }, "bad-request"],
    [{ type: "publish", room: "r" }, "bad-request"],
    [{ type: "publish", room: "r", data: 1, id: "" }, "bad-request"],
    [{ type: "publish", room: "r", data: 1, id: "x".repeat(65) }, "bad-request"],
    [{ type: "publish", room: "r", data: 1, key: 4 }, "bad-request"],
    [{ type: "history", room: "r", limit: 0 }, "bad-request"],
    [{ type: "history", room: "r", before: 1.5 }, "bad-request"],
    [{ type: "history", room: "r", before: 1, since: { epoch: "a", offset: 1 } }, "bad-request"],
    [{ type: "renew" }, "bad-request"],
    [{ type: "ping", ref: {} }, "bad-request"],
    [{ type: "ping", ref: "x".repeat(65) }, "bad-request"],
    [{ type: "nonsense", ref: 5 }, "unknown-type"],
    [{ type: "toString" }, "unknown-type"],
  ])("%j is answered with %s, and the connection goes on", async (frame, code) => {
    const { connect } = makeHub();
    const client = connect();
    expect(await client.say(frame)).toMatchObject({ type: "error", code });
    expect(await client.say({ type: "ping", ref: 1 })).toEqual({ type: "pong", ref: 1 });
  });

  it.each(["", "nonsense", "[]", "null", "4", "{}", '{"type":4}', new Uint8Array([1])])(
    "%j is no frame: the connection ends with 4000, and is not to come back",
    async (message) => {
      const { connect } = makeHub();
      const client = connect();
      await client.port.receive(message);
      expect(client.last).toEqual({ type: "bye", reason: "policy", retryAfter: null });
      expect(client.ended?.code).toBe(4000);
    },
  );

  it("names at their limit are taken: rooms of 128 characters, ids and keys of 64", async () => {
    const { connect } = makeHub();
    const client = connect();
    const room = "r".repeat(128);
    expect(await client.join(room)).toMatchObject({ type: "joined" });
    const id = "i".repeat(64);
    expect(await client.say({ type: "publish", room, data: 1, id, key: id, ref: 1 })).toMatchObject({ type: "ok", id });
    expect(await client.join(`${room}r`)).toBeUndefined();
    expect(client.last).toMatchObject({ code: "bad-request" });
  });
});

describe("publishing by the application", () => {
  it.each([
    [undefined, "push/not-json"],
    [() => 1, "push/not-json"],
    [10n, "push/not-json"],
  ])("refuses %s, which JSON cannot say", async (data, code) => {
    const { hub } = makeHub();
    await expect(hub.publish("lobby", data)).rejects.toMatchObject({ name: "UsageError", code });
  });

  it("refuses rooms, ids and keys that cannot be, users without an id, and options it does not know", async () => {
    const { hub } = makeHub();
    await expect(hub.publish("", 1)).rejects.toMatchObject({ code: "push/room-name" });
    await expect(hub.publish("r", 1, { id: "" })).rejects.toMatchObject({ code: "push/label" });
    await expect(hub.publish("r", 1, { key: "x".repeat(65) })).rejects.toMatchObject({ code: "push/label" });
    await expect(hub.publish("r", 1, { from: { id: "" } })).rejects.toMatchObject({ code: "push/user" });
    await expect(hub.publish("r", 1, { to: "x" } as object)).rejects.toMatchObject({ code: "options/unknown" });
  });

  it("the same id is published once, as long as the first is remembered", async () => {
    const { hub, connect } = makeHub({ history: 2 });
    const client = connect();
    await client.join("lobby");
    const first = await hub.publish("lobby", 1, { id: "a" });
    expect(await hub.publish("lobby", 1, { id: "a" })).toEqual({ ...first, duplicate: true });
    expect(client.offsets).toEqual([1]);
    await hub.publish("lobby", 2);
    await hub.publish("lobby", 3);
    expect(await hub.publish("lobby", 1, { id: "a" })).toMatchObject({ offset: 4, duplicate: false });
  });
});

describe("authorisation", () => {
  it("without `authorize` the rooms that were named can be joined, no others, and nothing published", async () => {
    const { connect, hub } = makeHub({ authorize: undefined });
    const client = connect({ rooms: ["lobby"] });
    expect(await client.join("lobby")).toMatchObject({ type: "joined" });
    expect(await client.join("staff")).toMatchObject({ type: "error", code: "forbidden", room: "staff" });
    expect(await client.say({ type: "publish", room: "lobby", data: 1, ref: 1 })).toMatchObject({ code: "forbidden" });
    expect(await client.say({ type: "presence", room: "staff" })).toMatchObject({ code: "forbidden" });
    expect(await client.say({ type: "history", room: "staff" })).toMatchObject({ code: "forbidden" });
    expect(hub.stats()).toMatchObject({ refused: 4, published: 0 });
  });

  it("is asked with the user, the room and what is to be done, for rooms that were named too", async () => {
    const asked: unknown[] = [];
    const authorize = (...given: unknown[]): boolean => {
      asked.push(given);
      return given[2] === "join";
    };
    const { connect } = makeHub({ authorize });
    const client = connect({ user: ADA, rooms: ["lobby"] });
    await client.join("lobby");
    expect(await client.say({ type: "publish", room: "lobby", data: 1 })).toMatchObject({ code: "forbidden" });
    expect(asked).toEqual([
      [ADA, "lobby", "join"],
      [ADA, "lobby", "publish"],
    ]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("database");
      },
    ],
    ["rejects", () => Promise.reject(new Error("database"))],
  ])("one that %s is a refusal, told to the application, and harms nobody else", async (_how, fault) => {
    const { connect, errors } = makeHub({ authorize: (user) => (user?.id === "bob" ? fault() : true) });
    const [ada, bob] = [connect({ user: ADA }), connect({ user: BOB })];
    await ada.join("lobby");
    expect(await bob.join("lobby")).toMatchObject({ type: "error", code: "failed" });
    expect(JSON.stringify(bob.frames)).not.toContain("database");
    expect(errors).toMatchObject([{ message: "database" }]);
    await ada.say({ type: "publish", room: "lobby", data: 1 });
    expect(ada.offsets).toEqual([1]);
  });

  it("anything but true is a refusal", async () => {
    const { connect } = makeHub({ authorize: () => 1 as unknown as boolean });
    expect(await connect().join("lobby")).toMatchObject({ code: "forbidden" });
  });

  it("a user can be sent away, or taken out of a room", async () => {
    const { connect, hub } = makeHub();
    const [one, two, bob] = [connect({ user: ADA }), connect({ user: ADA }), connect({ user: BOB })];
    for (const client of [one, two, bob]) await client.join("lobby");
    expect(hub.remove("ada", "lobby")).toBe(2);
    expect(one.last).toEqual({ type: "left", room: "lobby", reason: "removed" });
    await hub.publish("lobby", 1);
    expect([one.offsets, two.offsets, bob.offsets]).toEqual([[], [], [1]]);
    expect(hub.remove("ada")).toBe(2);
    expect(one.last).toEqual({ type: "bye", reason: "removed", retryAfter: null });
    expect(one.ended?.code).toBe(4003);
    expect(hub.remove("nobody")).toBe(0);
  });
});

describe("what listeners hear", () => {
  it("connections, joins, messages, leaves", async () => {
    const { connect, hub } = makeHub();
    const heard: unknown[] = [];
    for (const name of ["connect", "disconnect", "join", "leave"] as const) {
      hub.on(name, ({ connection: _connection, ...rest }) => heard.push([name, rest]));
    }
    const stop = hub.on("message", ({ room, data, offset }) => heard.push(["message", { room, data, offset }]));
    const client = connect({ user: BOB });
    await client.join("lobby");
    await hub.publish("lobby", [1]);
    stop();
    await hub.publish("lobby", [2]);
    client.drop();
    expect(heard).toEqual([
      ["connect", { user: BOB }],
      ["join", { user: BOB, room: "lobby" }],
      ["message", { room: "lobby", data: [1], offset: 1 }],
      ["leave", { user: BOB, room: "lobby" }],
      ["disconnect", { user: BOB }],
    ]);
  });

  it("one that throws is heard of as an error, and keeps nobody from anything", async () => {
    const { connect, hub, errors } = makeHub();
    const client = connect();
    await client.join("lobby");
    hub.on("message", () => {
      throw new Error("mine");
    });
    await hub.publish("lobby", 1);
    expect(client.offsets).toEqual([1]);
    expect(errors).toMatchObject([{ message: "mine" }]);
  });
});

it("everything that a client can do wrong is one client's: others go on", async () => {
  const { connect, hub } = makeHub({ authorize: anybody });
  const good = connect();
  await good.join("lobby");
  for (const message of ["{", '{"type":"join"}', "\u0000", '{"type":"publish","room":"lobby"}']) {
    await connect().port.receive(message);
  }
  await hub.publish("lobby", 1);
  expect(good.offsets).toEqual([1]);
});
