import { EventEmitter } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { Application } from "../../../src/server/application.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { EventFeed, type EventFeedOptions } from "../../../src/server/sse/event-feed.js";
import type { SentEvent } from "../../../src/server/sse/event-stream-source.js";
import { testClient } from "../../../src/testing/server/test-client.js";
import { TestServer } from "../../../src/testing/server/test-server.js";
import { RawClient } from "../raw-client.js";

/** An application whose events come from an emitter. */
function prices(options?: EventFeedOptions) {
  const emitter = new EventEmitter();
  const feeds: EventFeed[] = [];
  const app = new Application();
  app.get("/prices", () => {
    const feed = new EventFeed(options);
    const send = (price: unknown): void => {
      feed.send({ event: "price", data: price });
    };
    emitter.on("price", send);
    feed.signal.addEventListener("abort", () => emitter.off("price", send));
    feeds.push(feed);
    return reply.sse(feed);
  });
  return { app, emitter, feeds };
}

describe("an event feed", () => {
  test("sends what is called in, and lets go of its source when the reader leaves", async () => {
    const { app, emitter, feeds } = prices();
    await using client = testClient(app);
    const read: string[] = [];
    emitter.once("newListener", () => {
      setImmediate(() => {
        emitter.emit("price", 1);
        emitter.emit("price", 2);
      });
    });
    for await (const { event, data } of client.events("/prices")) {
      read.push(`${event} ${data}`);
      if (read.length === 2) break;
    }
    expect(read).toEqual(["price 1", "price 2"]);
    await expect.poll(() => emitter.listenerCount("price")).toBe(0);
    expect(feeds[0]?.closed).toBe(true);
    expect(feeds[0]?.send("late")).toBe(false);
  });

  test("ends after what was sent when it is closed", async () => {
    const feed = new EventFeed();
    expect(feed.send("a")).toBe(true);
    expect(feed.send({ data: 1, id: "7" })).toBe(true);
    expect(feed.bufferedEvents).toBe(2);
    feed.close();
    expect(feed.closed).toBe(true);
    expect(feed.send("late")).toBe(false);
    const app = new Application();
    app.get("/", () => reply.sse(feed));
    await using client = testClient(app);
    expect(await client.get("/").text()).toBe("data: a\n\nid: 7\ndata: 1\n\n");
    expect(feed.signal.aborted).toBe(true);
    feed.close();
  });

  test("ends at once when it is closed with nothing in it, read or not", async () => {
    const unread = new EventFeed();
    unread.close();
    expect(unread.signal.aborted).toBe(true);
    const feed = new EventFeed();
    const next = feed[Symbol.asyncIterator]().next();
    feed.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(feed.signal.aborted).toBe(true);
  });

  test("holds so many events and no more: one too many ends the stream, and the reader comes back", async () => {
    const feed = new EventFeed({ maxBufferedEvents: 2 });
    expect(feed.send("a")).toBe(true);
    expect(feed.send("b")).toBe(true);
    expect(feed.signal.aborted).toBe(false);
    expect(feed.send("c")).toBe(false);
    expect(feed.signal.reason).toMatchObject({ code: "sse/slow-reader", message: expect.stringContaining("2 events") });
    expect(feed.bufferedEvents).toBe(0);
    await expect(feed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "sse/slow-reader" });
  });

  test("holds 256 unless told otherwise, or any number", () => {
    const feed = new EventFeed();
    for (let n = 0; n < 256; n += 1) expect(feed.send("x")).toBe(true);
    expect(feed.send("x")).toBe(false);
    const all = new EventFeed({ maxBufferedEvents: Number.POSITIVE_INFINITY });
    for (let n = 0; n < 1_000; n += 1) expect(all.send("x")).toBe(true);
  });

  test("lets a reader go that does not read, and reports no error", async () => {
    const { app, emitter, feeds } = prices({ maxBufferedEvents: 8 });
    await using server = await TestServer.start(app);
    const client = await RawClient.to(server.server);
    client.send("GET /prices HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.untilReceived("\r\n\r\n");
    client.socket.pause();
    const big = "x".repeat(100_000);
    await vi.waitFor(
      () => {
        emitter.emit("price", big);
        expect(feeds[0]?.closed).toBe(true);
      },
      { timeout: 10_000, interval: 1 },
    );
    expect(emitter.listenerCount("price")).toBe(0);
    client.socket.destroy();
    await server.close();
    expect(server.errors).toEqual([]);
  });

  test("is one reader's", () => {
    const feed = new EventFeed();
    feed[Symbol.asyncIterator]();
    expect(() => feed[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "event-stream/already-read" }));
  });

  test("refuses what is no event where it is sent", () => {
    const feed = new EventFeed();
    expect(() => feed.send({ mesage: 1 } as SentEvent)).toThrow(
      expect.objectContaining({ code: "event-stream/not-writable" }),
    );
    expect(feed.bufferedEvents).toBe(0);
  });

  test.each([
    [{ maxBufferedEvents: 0 }, "options/out-of-range"],
    [{ maxBufferedEvents: 1.5 }, "options/out-of-range"],
    [{ maxBuffered: 1 } as object, "options/unknown"],
  ])("refuses %j", (options, code) => {
    expect(() => new EventFeed(options)).toThrow(expect.objectContaining({ code }));
  });
});
