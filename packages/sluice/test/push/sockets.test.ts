/** The hub over WebSocket, on connections joined in memory. */

import { describe, expect, it, onTestFinished } from "vitest";
import { messageCompression } from "../../src/body/messages/message-coding.js";
import type { WebSocketConnection } from "../../src/wire/websocket/websocket-connection.js";
import { pair } from "../wire/websocket/websocket-setup.js";
import type { Frame } from "./fake-subscriber.js";
import { makeHub, settle, type TestHub } from "./hub-setup.js";

/** A client of the hub, and the promise of its handler. */
function open(
  hub: TestHub["hub"],
  serve: object = {},
  setup: object = { protocol: "sluice.push.v1" },
  memory: object = {},
  compression: Parameters<typeof pair>[3] = {},
) {
  const { client, server } = pair({ heartbeat: Number.POSITIVE_INFINITY }, memory, setup, compression);
  onTestFinished(() => client.terminate());
  return { client, server, over: hub.serve(server, serve) };
}

/** Compression, agreed to by both without a memory of earlier messages. */
function compressing(): NonNullable<Parameters<typeof pair>[3]> {
  const windows = { serverMaxWindowBits: 15, clientMaxWindowBits: 15 } as const;
  const agreement = { serverNoContextTakeover: true, clientNoContextTakeover: true, ...windows };
  const settings = { level: 6, threshold: 1_024, maxMessageSize: 1 << 20 } as const;
  return {
    client: messageCompression(agreement, { role: "client", ...settings }),
    server: messageCompression(agreement, { role: "server", ...settings }),
  };
}

async function next(client: WebSocketConnection, type: string): Promise<Frame> {
  for (;;) {
    const frame = (await client.receiveJson()) as Frame;
    if (frame.type === type) return frame;
  }
}

describe("hub.serve", () => {
  it("speaks the protocol: welcome, join, publish, message, goodbye", async () => {
    const { hub } = makeHub();
    const { client, over } = open(hub, { user: { id: "ada" }, rooms: ["lobby"] });
    expect(await next(client, "welcome")).toMatchObject({ version: 1, user: { id: "ada" }, rooms: ["lobby"] });
    await client.sendJson({ type: "join", room: "lobby", ref: 1 });
    expect(await next(client, "joined")).toMatchObject({ room: "lobby", ref: 1 });
    await client.sendJson({ type: "publish", room: "lobby", data: "hello", ref: 2 });
    expect(await next(client, "message")).toMatchObject({ data: "hello", from: { id: "ada" } });
    expect(await next(client, "ok")).toMatchObject({ ref: 2, offset: 1 });
    await client.close();
    await over;
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
  });

  it("joins a client that agreed to no protocol to the rooms at once, and wants no answer to heartbeats of it", async () => {
    const { hub, clock } = makeHub({ heartbeat: 1_000 });
    const { client } = open(hub, { rooms: ["a", "b"] }, {});
    await settle();
    await hub.publish("b", 1);
    expect(await next(client, "message")).toMatchObject({ room: "b", data: 1 });
    await clock.advanceAsync(10_000);
    expect(client.state).toBe("open");
  });

  it("a client of the protocol is joined to nothing by itself, and has to answer heartbeats", async () => {
    const { hub, clock } = makeHub({ heartbeat: 1_000 });
    const { client, over } = open(hub, { rooms: ["a"] });
    await settle();
    expect(hub.stats().rooms).toBe(0);
    await clock.advanceAsync(3_000);
    await over;
    expect((await client.closed).code).toBe(1006);
  });

  it("is over when the connection is, though the application never says whether a frame of it is allowed", async () => {
    const { hub } = makeHub({ authorize: () => new Promise<boolean>(() => undefined) });
    const { client, over } = open(hub);
    await next(client, "welcome");
    await client.sendJson({ type: "join", room: "lobby" });
    await settle();
    client.terminate();
    await over;
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
  });

  it.each([
    ["bytes", new Uint8Array([1, 2]), 4000],
    ["no JSON", "hello", 4000],
  ])("%s end the connection with 4000", async (_what, message, code) => {
    const { hub } = makeHub();
    const { client, over } = open(hub);
    await client.send(message);
    expect(await next(client, "bye")).toMatchObject({ reason: "policy", retryAfter: null });
    expect((await client.closed).code).toBe(code);
    await over;
  });

  it("says 1012 when the hub closes, and when to come back", async () => {
    const { hub } = makeHub();
    const { client, over } = open(hub);
    await hub.close({ over: 0 });
    expect(await next(client, "bye")).toMatchObject({ reason: "restart", retryAfter: expect.any(Number) });
    expect(await client.closed).toMatchObject({ code: 1012, reason: "restart", wasClean: true });
    await over;
  });

  it("says 1013 when there is no room for one more, or the hub is closing", async () => {
    const { hub } = makeHub({ limits: { maxConnections: 1 } });
    open(hub);
    const second = open(hub);
    expect(await next(second.client, "bye")).toMatchObject({ retryAfter: 5_000 });
    expect((await second.client.closed).code).toBe(1013);
    await second.over;
  });

  it("a mistake in the options is the application's to hear of", async () => {
    const { hub } = makeHub();
    await expect(open(hub, { room: "x" }).over).rejects.toMatchObject({ code: "options/unknown" });
    await expect(open(hub, { user: { id: "" } }).over).rejects.toMatchObject({ code: "push/user" });
  });

  it("a client that goes without a word is gone, and its handler ends without an error", async () => {
    const { hub } = makeHub();
    const { client, over } = open(hub);
    await client.sendJson({ type: "join", room: "lobby" });
    await next(client, "joined");
    client.terminate();
    await over;
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
  });

  it("messages that wait while a large one is compressed all arrive: compressing is not taken for a client that is slow", async () => {
    const { hub, errors } = makeHub();
    const { client, server } = open(hub, {}, { protocol: "sluice.push.v1" }, {}, compressing());
    await client.sendJson({ type: "join", room: "r" });
    await next(client, "joined");
    // While the first is compressed off the loop, more than the hub leaves to a socket waits for it to be done. All of it shrinks so much that the
    // transport never has more than enough: nothing drains that could say so.
    const large = "a text that shrinks; ".repeat(10_000);
    for (let index = 0; index < 20; index += 1) await hub.publish("r", index === 0 ? large : large.slice(0, 10_000));
    expect(server.bufferedAmount).toBeGreaterThan(64 * 1024);
    expect(hub.stats().queuedBytes).toBeGreaterThan(server.bufferedAmount);
    for (let offset = 1; offset <= 20; offset += 1) expect(await next(client, "message")).toMatchObject({ offset });
    expect(server.bytesSent).toBeLessThan(16 * 1024);
    expect(errors).toEqual([]);
    expect(hub.stats()).toMatchObject({ slow: 0, queuedBytes: 0 });
  });

  it("a client that reads nothing is ended with 4008 when too much waits, others have everything, and it recovers", async () => {
    const { hub, clock } = makeHub({ history: 2_000, limits: { maxQueuedBytes: 200_000, maxRooms: 5 } });
    const stuck = open(hub, {}, { protocol: "sluice.push.v1", clock }, { highWaterMark: 16 * 1024 });
    const well = open(hub);
    for (const { client } of [stuck, well]) {
      await client.sendJson({ type: "join", room: "r" });
      await next(client, "joined");
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const message of well.client) {
        const { type, offset } = JSON.parse(String(message)) as { type: string; offset: number };
        if (type === "message") seen.push(offset);
      }
    })();
    let slow = 0;
    let most = 0;
    hub.on("slow", ({ queuedBytes }) => {
      slow += 1;
      most = queuedBytes;
    });
    const data = "x".repeat(1_000);
    // Whatever keeps the client from reading: what it takes for later is bounded, and then its transport stops.
    for (let index = 1; index <= 1_000; index += 1) {
      await hub.publish("r", data);
      if (index % 10 === 0) await settle(1);
    }
    await settle(20);
    expect(slow).toBe(1);
    expect(most).toBeLessThanOrEqual(200_000);
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
    let last: { epoch?: unknown; offset?: unknown } = {};
    const readRest = async (): Promise<void> => {
      for await (const message of stuck.client) {
        const { type, epoch, offset } = JSON.parse(String(message)) as Frame;
        if (type === "message") last = { epoch, offset };
      }
    };
    await expect(readRest()).rejects.toMatchObject({ closeCode: 4008 });
    const back = open(hub);
    await back.client.sendJson({ type: "join", room: "r", since: last });
    expect(await next(back.client, "joined")).toMatchObject({ recovered: true });
    for (let offset = Number(last.offset) + 1; offset <= 1_000; offset += 1) {
      expect(await next(back.client, "message")).toMatchObject({ offset });
    }
    await well.client.close();
    await reading;
  });
});
