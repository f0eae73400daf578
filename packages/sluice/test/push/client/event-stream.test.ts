/** The browser client where WebSocket cannot be had: events one way, POST the other. */
import { afterEach, expect, test } from "vitest";
import { message, newScene, type Scene, settled, WELCOME } from "./fake-platform.js";

const scenes: Scene[] = [];
afterEach(() => {
  for (const { client, platform } of scenes.splice(0)) {
    client.close();
    expect(platform.timerCount, "timers left behind").toBe(0);
  }
});

async function start(...args: Parameters<typeof newScene>): Promise<Scene> {
  const scene = await newScene(...args);
  scenes.push(scene);
  return scene;
}

async function startSse(rooms: readonly string[] = ["r"]): Promise<Scene> {
  const starting = newScene({ transports: ["sse"] });
  const scene = await starting;
  scenes.push(scene);
  for (const room of rooms) scene.client.join(room);
  await scene.platform.advance(0);
  return scene;
}

const JOINED = { type: "joined", room: "r", epoch: "e", offset: 0 };

test("a WebSocket that cannot be had is followed by a stream, which is kept to once it has worked", async () => {
  const { platform, states, client } = await start();
  const transports: unknown[] = [];
  client.on("state", ({ state, transport }) => state !== "waiting" && transports.push(transport));
  platform.socket.end(1006);
  await platform.advance(500);
  platform.stream.give(WELCOME);
  expect(states.at(-1)).toBe("open");
  platform.stream.fail();
  await platform.advance(500);
  platform.stream.give(WELCOME);
  expect(transports).toEqual(["sse", "sse", "sse", "sse"]);
  expect(platform.sockets).toHaveLength(1);
});

test("a WebSocket that has worked is tried three times before a stream is", async () => {
  const { platform } = await start({ firstDelay: 10, maxDelay: 10 });
  platform.socket.open();
  platform.socket.give(WELCOME);
  for (const [sockets, streams] of [
    [2, 0],
    [3, 0],
    [4, 0],
    [4, 1],
    [5, 1],
  ]) {
    if (platform.streams.length > 0 && !platform.stream.isClosed) platform.stream.fail();
    else platform.socket.end();
    await platform.advance(10);
    expect([platform.sockets.length, platform.streams.length]).toEqual([sockets, streams]);
  }
});

test("a stream may have an address of its own", async () => {
  const { platform } = await start({ transports: ["sse"], eventsUrl: "/events" });
  expect(platform.stream.url.href).toBe("https://example.com/events");
  const asked: string[] = [];
  await start({}, (transport) => {
    asked.push(transport);
    return "/push";
  });
  expect(asked).toEqual(["websocket"]);
});

test("without WebSocket there is no attempt at it", async () => {
  const { platform } = await start({ environment: { WebSocket: undefined } as never });
  expect(platform.streams).toHaveLength(1);
});

test("a stream asks for its rooms, and for what they want", async () => {
  const { platform, client } = await start({ transports: ["sse"] }, "wss://example.com/push?a=b");
  client.join("lobby", { history: 20, presence: true });
  client.join("a&b", { history: 50 });
  await platform.advance(0);
  expect(platform.stream.url.href).toBe("https://example.com/push?a=b&room=lobby&room=a%26b&history=50&presence=true");
  expect(platform.streams).toHaveLength(2); // the first had no rooms yet
  expect(platform.streams[0]?.isClosed).toBe(true);
});

test("a stream goes on where each room was", async () => {
  const { platform, client } = await startSse(["r", "s=,:"]);
  const data: unknown[] = [];
  client.join("r").on("message", (one) => data.push(one.data));
  platform.stream.give(WELCOME, JOINED, { ...JOINED, room: "s=,:", offset: 7 });
  platform.stream.give(message("r", 1), message("r", 2), { type: "ping" });
  platform.stream.fail();
  expect(platform.stream.isClosed).toBe(true);
  await platform.advance(500);
  expect(platform.stream.url.searchParams.get("lastEventId")).toBe("r=e:2,s%3D%2C%3A=e:7");
  platform.stream.give(WELCOME, { ...JOINED, offset: 2, recovered: true }, message("r", 2), message("r", 3));
  expect(data).toEqual([1, 2, 3]);
});

test("rooms joined and left later make one new stream", async () => {
  const { platform, client, states } = await startSse(["r"]);
  platform.stream.give(WELCOME, JOINED);
  const before = platform.streams.length;
  client.join("s");
  client.join("t");
  client.join("r").leave();
  await platform.advance(0);
  expect(platform.streams).toHaveLength(before + 1);
  expect(platform.stream.url.searchParams.getAll("room")).toEqual(["s", "t"]);
  platform.stream.give(WELCOME);
  expect(states.slice(-2)).toEqual(["connecting", "open"]);
});

test("requests go by POST, one after the other", async () => {
  const { platform, client } = await startSse();
  platform.stream.give(WELCOME, JOINED);
  const room = client.join("r");
  const answers = [room.publish("a"), room.publish("b")];
  await settled();
  expect(platform.posts).toHaveLength(1);
  const { url, init, frame } = platform.post;
  expect(url).toBe("https://example.com/push");
  expect(init).toMatchObject({
    method: "POST",
    headers: { "content-type": "application/json" },
    credentials: "same-origin",
  });
  expect(frame).toMatchObject({ type: "publish", room: "r", data: "a" });
  await platform.post.answer(200, { type: "ok", ref: frame["ref"], room: "r", epoch: "e", offset: 1, id: "x" });
  expect(platform.posts).toHaveLength(2);
  await platform.post.answer(403, { type: "error", room: "r", code: "forbidden", message: "Not that" });
  expect(await answers[0]).toMatchObject({ offset: 1 });
  await expect(answers[1]).rejects.toMatchObject({ code: "forbidden" });
});

test("cookies go to another origin if wanted", async () => {
  const { platform, client } = await start({ transports: ["sse"], withCredentials: true });
  platform.stream.give(WELCOME);
  void client
    .join("r")
    .publish(1)
    .catch(() => "closed");
  await platform.advance(0);
  platform.stream.give(WELCOME);
  await settled();
  expect(platform.post.init.credentials).toBe("include");
});

test.each([
  ["fails", (scene: Scene) => scene.platform.post.fail()],
  ["meets a gateway that is ill", (scene: Scene) => scene.platform.post.answer(502)],
])("a request that %s is sent again over the next stream, with the same id", async (_, break_) => {
  const scene = await startSse();
  const { platform, client } = scene;
  platform.stream.give(WELCOME, JOINED);
  const done = client.join("r").publish("a");
  await settled();
  const { frame } = platform.post;
  await break_(scene);
  expect(client.state).toBe("waiting");
  await platform.advance(500);
  platform.stream.give(WELCOME, JOINED);
  await settled();
  expect(platform.posts).toHaveLength(2);
  expect(platform.post.frame).toEqual(frame);
  await platform.post.answer(200, { type: "ok", offset: 5 });
  expect(await done).toMatchObject({ offset: 5 });
});

test("a request that something else refuses fails", async () => {
  const { platform, client } = await startSse();
  platform.stream.give(WELCOME, JOINED);
  const refused = client.join("r").publish("a");
  await settled();
  await platform.post.answer(413);
  await expect(refused).rejects.toMatchObject({ code: "failed", message: "Status 413" });
});

test("a stream that is silent is dead; one that was asleep gets the time of a heartbeat", async () => {
  const { platform, states } = await startSse();
  platform.stream.give(WELCOME);
  await platform.sleep(600_000);
  expect(states.at(-1)).toBe("open");
  await platform.advance(29_999);
  expect(states.at(-1)).toBe("open");
  await platform.advance(1);
  expect(states.at(-1)).toBe("waiting: silent");
});

test("bye holds for streams, too", async () => {
  const { platform, states } = await startSse();
  platform.stream.give(WELCOME, { type: "bye", reason: "policy", retryAfter: null });
  platform.stream.fail();
  expect(states.at(-1)).toBe("closed: policy");
});
