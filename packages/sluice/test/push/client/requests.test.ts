/** What a page asks of the server: publishing and the like, answered, refused, waiting, sent again. */
import { afterEach, describe, expect, test } from "vitest";
import { letIn, newScene, openScene, type Scene, settled, WELCOME } from "./fake-platform.js";

const scenes: Scene[] = [];
afterEach(() => {
  for (const { client, platform } of scenes.splice(0)) {
    client.close();
    expect(platform.timerCount, "timers left behind").toBe(0);
  }
});

async function open(...args: Parameters<typeof openScene>): Promise<Scene> {
  const scene = await openScene(...args);
  scenes.push(scene);
  return scene;
}

async function comeBack({ platform }: Scene): Promise<void> {
  const before = platform.sockets.length;
  platform.socket.end();
  while (platform.sockets.length === before) await platform.advance(50);
  platform.socket.open();
  platform.socket.give(WELCOME);
}

function publishes(scene: Scene) {
  return scene.platform.socket.taken().filter(({ type }) => type === "publish");
}

describe("publishing", () => {
  test("is answered with the message's place", async () => {
    const scene = await open();
    const room = scene.client.join("r");
    const done = room.publish({ text: "hello" }, { key: "k", id: "own" });
    const [frame] = publishes(scene);
    expect(frame).toEqual({
      type: "publish",
      room: "r",
      data: { text: "hello" },
      id: "own",
      key: "k",
      ref: frame?.["ref"],
    });
    scene.platform.socket.give({ type: "ok", ref: frame?.["ref"], room: "r", epoch: "e", offset: 43, id: "own" });
    expect(await done).toMatchObject({ epoch: "e", offset: 43, id: "own" });
  });

  test("gives each message an id of its own", async () => {
    const scene = await open();
    const room = scene.client.join("r");
    for (const data of [1, 2]) void room.publish(data).catch(() => "closed");
    const ids = publishes(scene).map(({ id }) => String(id));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^\w{1,40}-\d+$/);
  });

  test("waits for a connection, and is sent again with the same id after one that broke before the answer", async () => {
    const scene = await newScene();
    scenes.push(scene);
    const { platform, client } = scene;
    const room = client.join("r");
    const order: number[] = [];
    const first = room.publish(1).then(() => order.push(1));
    const second = room.publish(2).then(() => order.push(2));
    platform.socket.open();
    expect(publishes(scene)).toEqual([]);
    platform.socket.give(WELCOME);
    const sent = publishes(scene);
    platform.socket.give({ type: "ok", ref: sent[0]?.["ref"] });
    await first;
    await comeBack(scene);
    expect(publishes(scene)).toEqual([sent[1]]);
    platform.socket.give({ type: "ok", ref: sent[1]?.["ref"] });
    await second;
    expect(order).toEqual([1, 2]);
    await comeBack(scene);
    expect(publishes(scene)).toEqual([]);
  });

  test("sends the data as it was then", async () => {
    const scene = await newScene();
    scenes.push(scene);
    const data = { text: "before" };
    void scene.client
      .join("r")
      .publish(data)
      .catch(() => "closed");
    data.text = "after";
    scene.platform.socket.open();
    scene.platform.socket.give(WELCOME);
    expect(publishes(scene)).toMatchObject([{ data: { text: "before" } }]);
  });

  test("what cannot be JSON is refused at once", async () => {
    const { client } = await open();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    await expect(client.join("r").publish(circle)).rejects.toThrow(TypeError);
  });

  test("what the server refuses is refused with its word", async () => {
    const scene = await open();
    const refused = scene.client.join("r").publish(1);
    const [frame] = publishes(scene);
    const ref = frame?.["ref"];
    scene.platform.socket.give({
      type: "error",
      ref,
      room: "r",
      code: "forbidden",
      message: "Not allowed",
      retryAfter: 9,
    });
    await expect(refused).rejects.toMatchObject({ code: "forbidden", message: "Not allowed", retryAfter: 9 });
  });

  test("waits with at most 16 on their way", async () => {
    const scene = await open();
    const room = scene.client.join("r");
    for (let data = 1; data <= 20; data += 1) void room.publish(data).catch(() => "closed");
    const first = publishes(scene);
    expect(first.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    scene.platform.socket.give({ type: "ok", ref: first[2]?.["ref"] });
    expect(publishes(scene).map(({ data }) => data)).toEqual([17]);
  });

  test.each([
    ["at", 3, undefined],
    ["one past", 4, "queue-full"],
  ])("%s its limit of waiting", async (_, count, code) => {
    const scene = await open({ maxWaiting: 3 });
    const room = scene.client.join("r");
    const codes: unknown[] = [];
    for (let data = 1; data <= count; data += 1) room.publish(data).catch((error) => codes.push(error.code));
    await settled();
    expect(codes).toEqual(code === undefined ? [] : [code]);
    scene.client.close();
    await settled();
    expect(codes.filter((one) => one === "closed")).toHaveLength(3);
  });

  test("without a limit of waiting", async () => {
    const scene = await newScene({ maxWaiting: Number.POSITIVE_INFINITY });
    scenes.push(scene);
    const room = scene.client.join("r");
    const codes: unknown[] = [];
    for (let data = 1; data <= 1_000; data += 1) room.publish(data).catch((error) => codes.push(error.code));
    await settled();
    expect(codes).toEqual([]);
  });

  test("too fast: waits as told, then goes on one by one, in order", async () => {
    const scene = await open();
    const { platform, client } = scene;
    const room = client.join("r");
    const done: number[] = [];
    for (const data of [1, 2, 3]) void room.publish(data).then(() => done.push(data));
    const [one, two, three] = publishes(scene).map(({ ref }) => ref);
    platform.socket.give({ type: "ok", ref: one });
    for (const ref of [two, three]) {
      platform.socket.give({ type: "error", ref, code: "too-fast", message: "Slowly", retryAfter: 400 });
    }
    await platform.advance(399);
    expect(publishes(scene)).toEqual([]);
    await platform.advance(1);
    expect(publishes(scene)).toMatchObject([{ data: 2 }]);
    platform.socket.give({ type: "ok", ref: two });
    expect(publishes(scene)).toMatchObject([{ data: 3 }]);
    platform.socket.give({ type: "ok", ref: three });
    await settled();
    expect(done).toEqual([1, 2, 3]);
    void room.publish(4).catch(() => "closed");
    void room.publish(5).catch(() => "closed");
    expect(publishes(scene)).toHaveLength(2);
  });

  test("the hub is away for a moment: tried again a second later if it names no time", async () => {
    const scene = await open();
    const done = scene.client.join("r").publish(1);
    const [frame] = publishes(scene);
    scene.platform.socket.give({ type: "error", ref: frame?.["ref"], code: "unavailable", message: "No bus" });
    await scene.platform.advance(999);
    expect(publishes(scene)).toEqual([]);
    await scene.platform.advance(1);
    expect(publishes(scene)).toEqual([frame]);
    scene.platform.socket.give({ type: "ok", ref: frame?.["ref"], offset: 1 });
    expect(await done).toMatchObject({ offset: 1 });
  });

  test("can be taken back: before it was sent it never is, afterwards nobody waits", async () => {
    const scene = await newScene();
    scenes.push(scene);
    const controller = new AbortController();
    const { signal } = controller;
    const room = scene.client.join("r");
    const waiting = room.publish(1, { signal });
    controller.abort(new Error("never mind"));
    await expect(waiting).rejects.toThrow("never mind");
    await expect(room.publish(2, { signal })).rejects.toThrow("never mind");
    scene.platform.socket.open();
    scene.platform.socket.give(WELCOME);
    expect(publishes(scene)).toEqual([]);
    const second = new AbortController();
    const sent = room.publish(3, { signal: second.signal });
    const [frame] = publishes(scene);
    second.abort(new Error("enough"));
    await expect(sent).rejects.toThrow("enough");
    scene.platform.socket.give({ type: "ok", ref: frame?.["ref"] });
    await comeBack(scene);
    expect(publishes(scene)).toEqual([]);
  });
});

describe("history", () => {
  test("is asked for and given as it is", async () => {
    const scene = await open();
    const room = scene.client.join("r");
    const heard: unknown[] = [];
    room.on("message", (one) => heard.push(one));
    const asked = room.history({ before: 20, limit: 2 });
    const frame = scene.platform.socket.taken().find(({ type }) => type === "history");
    expect(frame).toMatchObject({ room: "r", before: 20, limit: 2 });
    const messages = [18, 19].map((offset) => ({ epoch: "e", offset, id: `e:${offset}`, ts: 1, data: offset }));
    scene.platform.socket.give({ ...frame, before: undefined, epoch: "e", offset: 43, messages, more: true });
    expect(await asked).toMatchObject({ messages, more: true, epoch: "e", offset: 43 });
    expect([heard, room.position]).toEqual([[], undefined]);
  });
});

describe("authorisation that ends", () => {
  const EXPIRING = { ...WELCOME, expiresIn: 600_000 };

  test("is renewed a minute before, again and again", async () => {
    const tokens = ["a", "b"];
    const scene = await newScene({ token: () => tokens.shift() ?? "none" });
    scenes.push(scene);
    const { platform } = scene;
    platform.socket.open();
    platform.socket.give({ ...EXPIRING, heartbeat: 10_000_000 });
    await platform.advance(539_999);
    expect(platform.socket.taken()).toEqual([]);
    await platform.advance(1);
    const [renew] = platform.socket.taken();
    expect(renew).toMatchObject({ type: "renew", token: "a" });
    platform.socket.give({ type: "ok", ref: renew?.["ref"], expiresIn: 100_000 });
    await settled();
    await platform.advance(50_000);
    expect(platform.socket.taken()).toMatchObject([{ type: "renew", token: "b" }]);
  });

  test("a renewal that fails is tried in half of what is left, until a second before the end", async () => {
    const asked: number[] = [];
    const scene = await newScene({
      token: () => {
        asked.push(scene.platform.now);
        throw new Error("no token");
      },
    });
    scenes.push(scene);
    scene.platform.socket.open();
    scene.platform.socket.give({ ...WELCOME, expiresIn: 8_000 });
    await scene.platform.advance(8_000);
    expect(asked).toEqual([4_000, 6_000, 7_000, 7_500]);
  });

  test("is let go of without a token: the server ends the connection", async () => {
    const scene = await open();
    scene.platform.socket.give({ ...EXPIRING });
    await scene.platform.advance(40_000);
    expect(scene.platform.socket.taken()).toEqual([]);
  });
});

test("what was waiting when the client was closed says so", async () => {
  const scene = await open();
  const room = scene.client.join("r");
  letIn(scene.platform.socket, "r");
  const waiting = room.publish(1);
  scene.client.close();
  await expect(waiting).rejects.toMatchObject({ code: "closed" });
  expect(scene.platform.socket.closedWith).toBe(1000);
});
