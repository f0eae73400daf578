/** The browser client against a server that is written out frame by frame (docs/push-protocol.md), over WebSocket. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { PushClient, type PushRoom } from "../../../src/push/client.js";
import { FakePlatform, letIn, message, newScene, openScene, type Scene, settled, WELCOME } from "./fake-platform.js";

const scenes: Scene[] = [];
afterEach(() => {
  for (const { client, platform } of scenes.splice(0)) {
    client.close();
    expect(platform.timerCount, "timers left behind").toBe(0);
    expect(platform.window.count + platform.document.count, "listeners left behind").toBe(0);
  }
});

async function open(...args: Parameters<typeof openScene>): Promise<Scene> {
  const scene = await openScene(...args);
  scenes.push(scene);
  return scene;
}

async function start(...args: Parameters<typeof newScene>): Promise<Scene> {
  const scene = await newScene(...args);
  scenes.push(scene);
  return scene;
}

function heard(room: PushRoom): unknown[] {
  const data: unknown[] = [];
  room.on("message", (one) => data.push(one.data));
  room.on("gap", ({ missed, reason }) => data.push({ missed, reason }));
  return data;
}

/** The connection breaks, the pause passes, and a new one stands. */
async function comeBack({ platform }: Scene): Promise<void> {
  platform.socket.end();
  await nextSocket(platform);
  platform.socket.open();
  platform.socket.give(WELCOME);
}

async function nextSocket(platform: FakePlatform): Promise<void> {
  const before = platform.sockets.length;
  while (platform.sockets.length === before) await platform.advance(50);
}

describe("connecting", () => {
  test.each([
    ["/push", "wss://example.com/push"],
    ["push?x=1#part", "wss://example.com/page/push?x=1"],
    ["http://localhost:8080/push", "ws://localhost:8080/push"],
    ["wss://other.example/push", "wss://other.example/push"],
  ])("%s is %s", async (given, asked) => {
    const { platform } = await start({}, given);
    expect(platform.socket).toMatchObject({ url: asked, protocols: ["sluice.push.v1"] });
  });

  test("a URL that is none is refused at once", () => {
    const { environment } = new FakePlatform();
    expect(() => new PushClient("http://", { environment })).toThrow(TypeError);
  });

  test("without WebSocket and EventSource there is nothing to connect with", () => {
    const environment = { ...new FakePlatform().environment, WebSocket: undefined, EventSource: undefined };
    expect(() => new PushClient("/push", { environment: environment as never })).toThrow("neither WebSocket");
  });

  test("tells of each state, and of the welcome", async () => {
    const { platform, client, states } = await start();
    const welcomes: unknown[] = [];
    client.on("open", (welcome) => welcomes.push(welcome));
    expect(client.state).toBe("connecting");
    expect(client.welcome).toBeUndefined();
    platform.socket.open();
    const user = { id: "ada", info: { name: "Ada" } };
    platform.socket.give({ ...WELCOME, user, expiresIn: 9_000 });
    const { connection, rooms, heartbeat, limits } = WELCOME;
    expect(welcomes).toEqual([{ connection, rooms, heartbeat, limits, user, expiresIn: 9_000 }]);
    expect(client.welcome).toBe(welcomes[0]);
    client.close();
    expect(states).toEqual(["connecting", "open", "closed: closed"]);
    expect(platform.socket.closedWith).toBe(1000);
    client.close();
    expect(states).toHaveLength(3);
  });

  test("a function gives the address of each connection", async () => {
    const tokens = [1, 2];
    const { platform } = await start({ transports: ["websocket"] }, () => `/push?token=${tokens.shift()}`);
    expect(platform.socket.url).toBe("wss://example.com/push?token=1");
    platform.socket.end(4001);
    await nextSocket(platform);
    expect(platform.socket.url).toBe("wss://example.com/push?token=2");
  });

  test("an address that cannot be had is asked for again", async () => {
    const url = vi.fn().mockRejectedValueOnce(new Error("offline")).mockResolvedValue("/push");
    const { platform, states } = await start({}, url);
    expect(states).toEqual(["connecting", "waiting: lost"]);
    await platform.advance(500);
    expect(platform.streams).toHaveLength(1); // the other way, in turn
  });

  test("an address that comes too late is not used", async () => {
    let give = (_: string) => {};
    const { platform, client } = await start({}, () => new Promise<string>((resolve) => (give = resolve)));
    client.close();
    give("/push");
    await settled();
    expect(platform.sockets).toHaveLength(0);
  });

  test("a connection that says nothing within its time has failed", async () => {
    const { platform, states } = await start({ connectTimeout: 3_000 });
    platform.socket.open();
    await platform.advance(2_999);
    expect(states).toEqual(["connecting"]);
    await platform.advance(1);
    expect(states).toEqual(["connecting", "waiting: silent"]);
    expect(platform.socket.closedWith).toBe(1000);
  });

  test("what an earlier connection still says is not heard", async () => {
    const scene = await open();
    const { platform, client } = scene;
    const room = client.join("r");
    const data = heard(room);
    letIn(platform.socket, "r");
    const old = platform.socket;
    await comeBack(scene);
    old.give(message("r", 1));
    old.end(4003);
    expect(data).toEqual([]);
    expect(client.state).toBe("open");
  });
});

describe("coming back", () => {
  test("pauses grow, each a random part of what it could be, up to the longest", async () => {
    const { platform, client } = await start({ transports: ["websocket"], firstDelay: 1_000, maxDelay: 8_000 });
    platform.random = 0.75;
    const pauses: (number | undefined)[] = [];
    client.on("state", ({ state, retryIn }) => state === "waiting" && pauses.push(retryIn));
    for (let count = 0; count < 5; count += 1) {
      platform.socket.end();
      await platform.advance(8_000);
    }
    expect(pauses).toEqual([750, 1_500, 3_000, 6_000, 6_000]);
  });

  test("a connection that lasted makes the next pause short; one that ends at once does not", async () => {
    const { platform, client } = await start({ transports: ["websocket"], firstDelay: 1_000 });
    const pauses: (number | undefined)[] = [];
    client.on("state", ({ state, retryIn }) => state === "waiting" && pauses.push(retryIn));
    for (const lasts of [4_999, 4_999, 5_000, 0]) {
      platform.socket.open();
      platform.socket.give(WELCOME);
      await platform.advance(lasts);
      platform.socket.end();
      await nextSocket(platform);
    }
    expect(pauses).toEqual([500, 1_000, 500, 1_000]);
  });

  test("comes back when the server says", async () => {
    const { platform, states } = await open();
    platform.socket.give({ type: "bye", reason: "restart", retryAfter: 2_710 });
    platform.socket.end(1012);
    expect(states.at(-1)).toBe("waiting: restart");
    platform.window.tell("online");
    await platform.advance(2_709);
    expect(platform.sockets).toHaveLength(1);
    await platform.advance(1);
    expect(platform.sockets).toHaveLength(2);
  });

  test("is not to come back by itself: it is over", async () => {
    const { platform, client, states } = await open();
    const waiting = client.join("r").publish(1);
    platform.socket.give({ type: "bye", reason: "removed", retryAfter: null });
    platform.socket.end(1000);
    expect(states.at(-1)).toBe("closed: removed");
    await expect(waiting).rejects.toMatchObject({ code: "closed", name: "PushError" });
    await expect(client.join("other").publish(1)).rejects.toMatchObject({ code: "closed" });
  });

  test.each([4000, 4001, 4003, 1009])("close code %i ends it", async (code) => {
    const { platform, states } = await open();
    platform.socket.end(code);
    expect(states.at(-1)).toBe(`closed: ${code}`);
  });

  test.each([1000, 1001, 1006, 1011, 1012, 4008, 3000])("close code %i does not", async (code) => {
    const { platform, states } = await open();
    platform.socket.end(code);
    expect(states.at(-1)).toBe(`waiting: ${code}`);
  });

  test("who was far too fast waits long", async () => {
    const { platform, client } = await open();
    const pauses: (number | undefined)[] = [];
    client.on("state", ({ retryIn }) => pauses.push(retryIn));
    platform.socket.end(4029);
    expect(pauses).toEqual([90_000]);
  });

  test("tries at once when the network is back, or someone looks", async () => {
    const { platform } = await open({ firstDelay: 100_000, maxDelay: 100_000 });
    platform.socket.end();
    platform.window.tell("online");
    await settled();
    expect(platform.sockets).toHaveLength(2);
    platform.socket.end();
    platform.document.visibilityState = "hidden";
    platform.document.tell("visibilitychange");
    await settled();
    expect(platform.sockets).toHaveLength(2);
    platform.document.visibilityState = "visible";
    platform.document.tell("visibilitychange");
    await settled();
    expect(platform.sockets).toHaveLength(3);
  });
});

describe("a connection that is dead", () => {
  test("is noticed after two heartbeats of silence; anything heard is a sign of life", async () => {
    const { platform, states } = await open();
    await platform.advance(49_000);
    platform.socket.give({ type: "ping" });
    expect(platform.socket.taken()).toEqual([{ type: "pong" }]);
    await platform.advance(49_999);
    expect(states.at(-1)).toBe("open");
    await platform.advance(1);
    expect(states.at(-1)).toBe("waiting: silent");
  });

  test.each([undefined, 2 ** 40])("is not looked for if the server's heartbeat is %s", async (heartbeat) => {
    const { platform, states } = await start();
    platform.socket.open();
    platform.socket.give({ ...WELCOME, heartbeat });
    await platform.advance(86_400_000);
    expect(states).toEqual(["connecting", "open"]);
    platform.socket.give({ type: "ping" });
    await platform.advance(86_400_000);
    expect(states).toEqual(["connecting", "open"]);
  });

  test("is asked first if it was we who slept", async () => {
    const { platform, states } = await open();
    await platform.sleep(600_000);
    expect(platform.socket.taken()).toEqual([{ type: "ping" }]);
    platform.socket.give({ type: "pong" });
    await platform.advance(40_000);
    expect(states.at(-1)).toBe("open");
    await platform.sleep(600_000);
    expect(platform.socket.taken()).toEqual([{ type: "ping" }]);
    await platform.advance(5_000);
    expect(states.at(-1)).toBe("waiting: silent");
  });

  test("is noticed in a tab whose timers are always late", async () => {
    const { platform, states } = await open();
    await platform.sleep(110_000);
    await platform.sleep(60_000);
    expect(states.at(-1)).toBe("waiting: silent");
  });

  test.each(["online", "offline"])("is asked when the browser says %s", async (event) => {
    const { platform, states } = await open();
    platform.window.tell(event);
    expect(platform.socket.taken()).toEqual([{ type: "ping" }]);
    await platform.advance(4_999);
    expect(states.at(-1)).toBe("open");
    await platform.advance(1);
    expect(states.at(-1)).toBe("waiting: silent");
  });
});

describe("rooms", () => {
  test("are joined as soon as the connection stands, without waiting for the welcome", async () => {
    const { platform, client } = await start();
    const room = client.join("lobby", { history: 50, presence: true });
    expect(client.join("lobby")).toBe(room);
    platform.socket.open();
    expect(platform.socket.taken()).toEqual([{ type: "join", room: "lobby", ref: 2, history: 50, presence: true }]);
    expect([room.name, room.joined, room.position]).toEqual(["lobby", false, undefined]);
    platform.socket.give(WELCOME, { type: "joined", room: "lobby", ref: 2, epoch: "e", offset: 7 });
    expect([room.joined, room.position]).toEqual([true, { epoch: "e", offset: 7 }]);
  });

  test("give their messages in order, each once", async () => {
    const { platform, client } = await open();
    const room = client.join("r");
    const data = heard(room);
    letIn(platform.socket, "r");
    for (const offset of [1, 2, 2, 1, 3, 5, 4]) platform.socket.give(message("r", offset));
    platform.socket.give(message("another", 9));
    expect(data).toEqual([1, 2, 3, 5]);
    expect(room.position).toMatchObject({ epoch: "e", offset: 5 });
  });

  test("go on where they were after a connection that was lost", async () => {
    const scene = await open();
    const { platform, client } = scene;
    const room = client.join("r", { history: 10 });
    const data = heard(room);
    const joined: unknown[] = [];
    room.on("joined", ({ recovered }) => joined.push(recovered));
    letIn(platform.socket, "r");
    platform.socket.give(message("r", 1), message("r", 2));
    platform.socket.end();
    expect(room.joined).toBe(false);
    await comeBack(scene);
    const join = letIn(platform.socket, "r", { offset: 2, recovered: true });
    expect(join).toMatchObject({ since: { epoch: "e", offset: 2 } });
    expect(join).not.toHaveProperty("history");
    platform.socket.give(message("r", 3), message("r", 4));
    expect(data).toEqual([1, 2, 3, 4]);
    expect(joined).toEqual([undefined, true]);
  });

  test("tell of a gap, and go on behind it", async () => {
    const scene = await open();
    const { platform, client } = scene;
    const data = heard(client.join("r"));
    letIn(platform.socket, "r");
    platform.socket.give(message("r", 1));
    await comeBack(scene);
    letIn(platform.socket, "r", { epoch: "f", offset: 0, recovered: false });
    platform.socket.give(
      { type: "gap", room: "r", epoch: "f", offset: 60, missed: 60, reason: "epoch" },
      message("r", 61, { epoch: "f", id: "f:61" }),
    );
    expect(data).toEqual([1, { missed: 60, reason: "epoch" }, 61]);
  });

  test("know a message that was sent again after the room began anew by its id, of the last 256", async () => {
    const { platform, client } = await open();
    const data = heard(client.join("r"));
    letIn(platform.socket, "r");
    platform.socket.give(message("r", 1, { id: "old" }), message("r", 2, { id: "own" }));
    for (let offset = 3; offset <= 257; offset += 1) platform.socket.give(message("r", offset));
    platform.socket.give(message("r", 1, { epoch: "f", id: "own" }), message("r", 2, { epoch: "f", id: "old" }));
    expect(data.slice(256)).toEqual([257, 2]);
  });

  test("go on after a position that a page has kept", async () => {
    const { platform, client } = await open();
    client.join("r", { since: { epoch: "e", offset: 41 }, history: 10 });
    expect(platform.socket.taken()).toMatchObject([{ type: "join", since: { epoch: "e", offset: 41 } }]);
  });

  test("that are left are silent, and a new stay is not mixed up with the old one", async () => {
    const { platform, client } = await open();
    const first = client.join("r");
    const firstData = heard(first);
    letIn(platform.socket, "r");
    first.leave();
    first.leave();
    const second = client.join("r", { history: 5 });
    const data = heard(second);
    const [leave, join] = platform.socket.taken();
    expect([leave?.type, join?.type]).toEqual(["leave", "join"]);
    platform.socket.give(
      message("r", 1), // was on its way
      { type: "joined", room: "r", ref: 1, epoch: "e", offset: 9 },
      { type: "joined", room: "r", ref: join?.["ref"], epoch: "e", offset: 0 },
      message("r", 1),
    );
    expect([firstData, data]).toEqual([[], [1]]);
  });

  test("that one may not enter are given up, with the server's word", async () => {
    const { platform, client } = await open();
    const refusals: unknown[] = [];
    client.join("staff").on("refused", ({ code, message }) => refusals.push([code, message]));
    const [join] = platform.socket.taken();
    platform.socket.give({ type: "error", ref: join?.["ref"], room: "staff", code: "forbidden", message: "No" });
    expect(refusals).toEqual([["forbidden", "No"]]);
    client.join("staff");
    expect(platform.socket.taken()).toHaveLength(1);
  });

  test("that cannot be entered now are tried again when the server says", async () => {
    const { platform, client } = await open();
    client.join("r");
    const [join] = platform.socket.taken();
    const error = { type: "error", ref: join?.["ref"], room: "r", message: "Later" };
    platform.socket.give({ ...error, code: "too-fast", retryAfter: 300 });
    await platform.advance(299);
    expect(platform.socket.taken()).toEqual([]);
    await platform.advance(1);
    letIn(platform.socket, "r");
  });

  test("one is taken out of are told, and not joined again", async () => {
    const scene = await open();
    const { platform, client } = scene;
    const refusals: string[] = [];
    const room = client.join("r");
    room.on("refused", ({ code, message }) => refusals.push(`${code}: ${message}`));
    letIn(platform.socket, "r");
    platform.socket.give({ type: "left", room: "r", reason: "banned" });
    expect([refusals, room.joined]).toEqual([["removed: banned"], false]);
    await comeBack(scene);
    expect(platform.socket.taken()).toEqual([]);
  });

  test("tell whether the hub is live", async () => {
    const { platform, client } = await open();
    const told: boolean[] = [];
    client.join("r").on("live", (live) => told.push(live));
    letIn(platform.socket, "r");
    platform.socket.give({ type: "state", room: "r", live: false }, { type: "state", room: "r", live: true });
    expect(told).toEqual([false, true]);
  });

  test("keep who is there", async () => {
    const { platform, client } = await open();
    const room = client.join("r", { presence: true });
    const changes: unknown[] = [];
    room.on("presence", ({ event, id, users }) => changes.push([event, id, users]));
    const ada = { id: "ada", info: { name: "Ada" } };
    expect(room.present).toBeUndefined();
    letIn(platform.socket, "r", { presence: { users: 1, connections: 2, members: [{ ...ada, connections: 2 }] } });
    const bob = { id: "bob", info: { name: "Bob" } };
    platform.socket.give({ type: "presence", room: "r", event: "join", ...bob, users: 2, connections: 3 });
    expect(room.present).toEqual({ users: 2, connections: 3, members: [{ ...ada, connections: 2 }, bob] });
    platform.socket.give({ type: "presence", room: "r", event: "leave", id: "ada", users: 1, connections: 1 });
    expect(room.present).toEqual({ users: 1, connections: 1, members: [bob] });
    expect(changes).toEqual([
      ["now", undefined, 1],
      ["join", "bob", 2],
      ["leave", "ada", 1],
    ]);
  });

  test("a listener that throws is reported, and the others are called", async () => {
    const { platform, client } = await open();
    const room = client.join("r");
    const reported = new Promise((resolve) => {
      const own = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of own) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    const off = room.on("message", () => {
      throw new Error("of the page");
    });
    const data = heard(room);
    letIn(platform.socket, "r");
    platform.socket.give(message("r", 1));
    off();
    platform.socket.give(message("r", 2));
    expect(data).toEqual([1, 2]);
    expect(await reported).toMatchObject({ message: "of the page" });
  });

  test("frames of a later version are passed over", async () => {
    const { platform, client } = await open();
    client.join("r");
    letIn(platform.socket, "r");
    platform.socket.give({ type: "novelty", room: "r" }, { type: "novelty" }, { type: "pong", ref: 77 });
    expect(client.state).toBe("open");
  });
});
