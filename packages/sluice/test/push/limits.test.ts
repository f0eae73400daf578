import { describe, expect, it } from "vitest";
import { Hub } from "../../src/push/hub/hub.js";
import { makeHub } from "./hub-setup.js";

const OFF = Number.POSITIVE_INFINITY;

describe("limits of one connection", () => {
  it.each([
    ["at the limit", 3, 3, undefined],
    ["one past it", 3, 4, "too-many-rooms"],
    ["off", OFF, 300, undefined],
  ])("rooms, %s", async (_what, maxRooms, count, code) => {
    const { connect } = makeHub({ limits: { maxRooms, framesPerSecond: OFF } });
    const client = connect();
    for (let index = 0; index < count; index += 1) await client.join(`r${index}`);
    expect(client.last?.code).toBe(code);
    if (code !== undefined) {
      await client.say({ type: "leave", room: "r0" });
      await client.join("another");
      expect(client.last).toMatchObject({ type: "joined", room: "another" });
    }
  });

  it.each([
    ["at the limit", 100, 0, "ok"],
    ["one past it", 100, 1, "error"],
    ["off", OFF, 100_000, "ok"],
  ])("size of a frame in bytes, %s", async (_what, maxMessageSize, more, type) => {
    const { connect } = makeHub({ limits: { maxMessageSize } });
    const client = connect();
    const empty = JSON.stringify({ type: "publish", room: "r", ref: 1, data: "" });
    const frame = (fill: string): string => JSON.stringify({ type: "publish", room: "r", ref: 1, data: fill });
    const room = 100 - empty.length + more;
    await client.port.receive(frame("x".repeat(room)));
    expect(client.last?.type).toBe(type);
    await client.port.receive(frame("€".repeat(Math.ceil(room / 3) + 1))); // bytes count, not characters
    expect(client.last?.type).toBe(maxMessageSize === OFF ? "ok" : "error");
    if (type === "error") expect(client.of("error")).toMatchObject([{ code: "too-large" }, { code: "too-large" }]);
  });

  it.each([
    ["the last property", '"type":"publish","data":"€","ref":12', 12],
    ["a text", '"type":"publish","data":"€" , "ref" : "a-1" ', "a-1"],
    ["the only one", '"ref":0', 0],
    ["not the last", '"ref":12,"type":"publish","data":"€"', undefined],
    ["inside of another", '"type":"publish","data":{"x":"€","ref":12}', undefined],
    ["the end of a text", '"type":"publish","data":"€,\\"ref\\":12"', undefined],
    ["the end of a name", '"type":"publish","data":"€",",\\"ref":12', undefined],
    ["too long", `"type":"publish","data":"€","ref":"${"x".repeat(65)}"`, undefined],
  ])("a frame that is too large is refused under its ref, if that is %s", async (_what, properties, ref) => {
    const text = `{${properties.replace("€", "x".repeat(200))}}`;
    expect(JSON.parse(text)).toBeTypeOf("object");
    const { connect } = makeHub({ limits: { maxMessageSize: Math.min(200, text.length - 1) } });
    const client = connect();
    await client.port.receive(text);
    expect(client.last).toMatchObject({ type: "error", code: "too-large" });
    expect(client.last?.ref).toBe(ref);
  });

  it("a frame too many is refused under its ref and its room, so that its sender knows which to send again", async () => {
    const { connect } = makeHub({ limits: { framesPerSecond: 1 } });
    const client = connect();
    for (const ref of [1, 2]) await client.say({ type: "ping", ref });
    expect(await client.say({ type: "join", room: "r", ref: "j" })).toMatchObject({
      code: "too-fast",
      ref: "j",
      room: "r",
    });
    expect(await client.say({ type: "publish", ref: 4, room: "r", data: 1 })).toMatchObject({
      code: "too-fast",
      ref: 4,
    });
    expect(await client.say({ type: "nonsense", ref: 5 })).toMatchObject({ code: "too-fast", ref: 5 });
  });

  it("frames a second: twice as many at once, then one for each part of a second, and the rest is told when to try again", async () => {
    const { connect, clock } = makeHub({ limits: { framesPerSecond: 10 } });
    const client = connect();
    for (let index = 0; index < 20; index += 1) await client.say({ type: "ping" });
    expect(client.of("pong")).toHaveLength(20);
    expect(await client.say({ type: "ping" })).toMatchObject({ type: "error", code: "too-fast", retryAfter: 100 });
    clock.advance(100);
    expect(await client.say({ type: "ping" })).toMatchObject({ type: "pong" });
    expect(await client.say({ type: "ping" })).toMatchObject({ code: "too-fast" });
  });

  it("who goes on far too fast is ended with 4029; who does not is not", async () => {
    const { connect, clock } = makeHub({ limits: { framesPerSecond: 10 } });
    const [fast, patient] = [connect(), connect()];
    for (let index = 0; index < 120; index += 1) await fast.say({ type: "ping" });
    expect(fast.ended).toBeUndefined();
    await fast.say({ type: "ping" });
    expect(fast.ended?.code).toBe(4029);
    expect(fast.last).toMatchObject({ type: "bye", reason: "policy", retryAfter: expect.any(Number) });
    for (let index = 0; index < 1_000; index += 1) {
      await patient.say({ type: "ping" });
      if (index % 2 === 1) clock.advance(100);
    }
    expect(patient.ended).toBeUndefined();
  });

  it("frames a second, off", async () => {
    const { connect } = makeHub({ limits: { framesPerSecond: OFF } });
    const client = connect();
    for (let index = 0; index < 1_000; index += 1) await client.say({ type: "ping" });
    expect(client.of("pong")).toHaveLength(1_000);
  });

  it("connections of the hub, at the limit and one past it", () => {
    const { connect } = makeHub({ limits: { maxConnections: 2 } });
    const first = connect();
    connect();
    expect(() => connect()).toThrow(expect.objectContaining({ name: "HttpError", status: 503, code: "push/busy" }));
    first.drop();
    expect(() => connect()).not.toThrow();
  });
});

describe("heartbeat", () => {
  it("is sent at every interval, and a client that answers lives on", async () => {
    const { connect, clock } = makeHub({ heartbeat: 10_000 });
    const client = connect({ answersPings: true } as object);
    for (let beat = 0; beat < 10; beat += 1) {
      clock.advance(10_000);
      await client.say({ type: "pong" });
    }
    expect(client.of("ping")).toHaveLength(10);
    expect(client.abandoned).toBe(false);
  });

  it("a client that is silent for two of them is given up", () => {
    const { connect, clock, hub } = makeHub({ heartbeat: 10_000 });
    const client = connect({ answersPings: true } as object);
    clock.advance(19_999);
    expect(client.abandoned).toBe(false);
    clock.advance(10_001);
    expect(client.abandoned).toBe(true);
    expect(hub.stats().connections).toBe(0);
  });

  it("a client that does not speak the protocol, or waits for us, is not taken for silent", async () => {
    let answer: (allowed: boolean) => void = () => undefined;
    const slow = () =>
      new Promise<boolean>((resolve) => {
        answer = resolve;
      });
    const { connect, clock } = makeHub({ heartbeat: 10_000, authorize: slow });
    const [simple, waiting] = [connect(), connect({ answersPings: true } as object)];
    const joining = waiting.say({ type: "join", room: "r" });
    clock.advance(100_000);
    expect([simple.abandoned, waiting.abandoned]).toEqual([false, false]);
    answer(true);
    await joining;
    clock.advance(40_000);
    expect(waiting.abandoned).toBe(true);
  });
});

describe("the end of an authorisation", () => {
  it("ends the connection with 4001, to the millisecond, and it is not to come back as it is", () => {
    const { connect, clock } = makeHub();
    const client = connect({ expiresAt: clock.wallTime() + 60_000 });
    clock.advance(59_999);
    expect(client.ended).toBeUndefined();
    clock.advance(1);
    expect(client.last).toEqual({ type: "bye", reason: "expired", retryAfter: null });
    expect(client.ended?.code).toBe(4001);
  });

  it("can be put off by a new token that the application accepts", async () => {
    const tokens: unknown[] = [];
    const { connect, clock, errors } = makeHub({
      renew: (user, token) => {
        tokens.push([user?.id, token]);
        if (token === "broken") throw new Error("no such key");
        return token === "good" && clock.wallTime() + 100_000;
      },
    });
    const client = connect({ user: { id: "ada" }, expiresAt: clock.wallTime() + 60_000 });
    clock.advance(50_000);
    expect(await client.say({ type: "renew", token: "bad", ref: 1 })).toMatchObject({ code: "forbidden", ref: 1 });
    expect(await client.say({ type: "renew", token: "broken" })).toMatchObject({ code: "failed" });
    expect(await client.say({ type: "renew", token: "good", ref: 2 })).toEqual({
      type: "ok",
      ref: 2,
      expiresIn: 100_000,
    });
    clock.advance(99_999);
    expect(client.ended).toBeUndefined();
    clock.advance(1);
    expect(client.ended?.code).toBe(4001);
    expect(tokens).toEqual([
      ["ada", "bad"],
      ["ada", "broken"],
      ["ada", "good"],
    ]);
    expect(errors).toMatchObject([{ message: "no such key" }]);
  });

  it("cannot be put off where the application has no way to check", async () => {
    const { connect } = makeHub();
    expect(await connect().say({ type: "renew", token: "x" })).toMatchObject({ code: "forbidden" });
  });
});

describe("options", () => {
  it.each([
    [{ colour: "red" }, "options/unknown"],
    [{ limits: { maxRoom: 1 } }, "options/unknown"],
    [{ limits: { maxRooms: 0 } }, "options/out-of-range"],
    [{ limits: { framesPerSecond: 0 } }, "options/out-of-range"],
    [{ limits: { maxQueuedBytes: Number.NaN } }, "options/out-of-range"],
    [{ limits: 5 }, "options/unknown-value"],
    [{ history: -1 }, "options/out-of-range"],
    [{ history: { age: 5 } }, "options/unknown"],
    [{ history: { maxBytes: -1 } }, "options/out-of-range"],
    [{ heartbeat: 0 }, "options/out-of-range"],
    [{ presence: { lease: 0 } }, "options/out-of-range"],
    [{ presence: { linger: -1 } }, "options/out-of-range"],
    [{ slow: "block" }, "options/unknown-value"],
    [{ authorize: true }, "options/unknown-value"],
    [{ renew: "x" }, "options/unknown-value"],
    [{ rooms: {} }, "options/unknown-value"],
  ])("%j is refused with %s", (options, code) => {
    expect(() => new Hub(options as object)).toThrow(expect.objectContaining({ name: "UsageError", code }));
  });

  it("of a room are checked when the room is needed, and harm only those who want to join it", async () => {
    const { connect, errors, hub } = makeHub({
      rooms: (room) => (room === "bad" ? ({ slow: "never" } as object) : {}),
    });
    const client = connect();
    expect(await client.join("bad")).toMatchObject({ type: "error", code: "unavailable" });
    expect(errors).toMatchObject([{ code: "options/unknown-value" }]);
    expect(await client.join("good")).toMatchObject({ type: "joined" });
    await expect(hub.publish("bad", 1)).rejects.toMatchObject({ code: "options/unknown-value" });
  });

  it.each([
    [{ user: {} }, "push/user"],
    [{ user: { id: "" } }, "push/user"],
    [{ rooms: [""] }, "push/room-name"],
    [{ expiresAt: -1 }, "options/out-of-range"],
    [{ room: "x" }, "options/unknown"],
  ])("of a connection: %j is refused with %s", (options, code) => {
    const { connect } = makeHub();
    expect(() => connect(options as object)).toThrow(expect.objectContaining({ code }));
  });
});
