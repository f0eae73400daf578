import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import { reply } from "../../../src/server/reply-kinds.js";
import type { EventStreamContext, EventStreamSource, SentEvent } from "../../../src/server/sse/event-stream-source.js";
import { testClient } from "../../../src/testing/server/test-client.js";
import { TestServer } from "../../../src/testing/server/test-server.js";
import { RawClient } from "../raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

const GET = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

function serving(source: EventStreamSource, options?: Parameters<typeof reply.sse>[1]): Application {
  const app = new Application();
  app.get("/events", () => reply.sse(source, options));
  return app;
}

async function* some(...events: SentEvent[]): AsyncGenerator<SentEvent> {
  yield* events;
}

async function raw(server: TestServer): Promise<RawClient> {
  const client = await RawClient.to(server.server);
  cleanUp.push(() => client.socket.destroy());
  return client;
}

/** A source that waits, and notes how it ends. */
class Watched {
  readonly contexts: EventStreamContext[] = [];
  returned = 0;
  asked = 0;
  /** Events that can be had at once; then it waits for the signal. */
  atOnce = 1;

  readonly source = (context: EventStreamContext): AsyncIterable<SentEvent> => {
    this.contexts.push(context);
    const run = async function* (this: Watched) {
      try {
        for (let n = 1; n <= this.atOnce; n += 1) {
          this.asked = n;
          yield { data: { n }, id: String(n) };
        }
        await new Promise((_, reject) => {
          context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true });
        });
      } finally {
        this.returned += 1;
      }
    };
    return run.call(this);
  };

  get signal(): AbortSignal | undefined {
    return this.contexts[0]?.signal;
  }
}

describe("a stream of events", () => {
  test("is text/event-stream, for nobody to keep, hold back or compress", async () => {
    await using client = testClient(serving(some({ data: "a" })));
    const response = await client.get("/events");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(await response.text()).toBe("data: a\n\n");
  });

  test("has fields of the application's, over its own", async () => {
    const headers = { "cache-control": "no-cache", "X-More": "1" };
    await using client = testClient(serving(some("a"), { headers }));
    const response = await client.get("/events");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("x-more")).toBe("1");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe("data: a\n\n");
  });

  test("has all that an event can say, JSON for what is no text, and text alone as data", async () => {
    const events: SentEvent[] = [
      { event: "tick", data: { n: 1 }, id: "1", retry: 50, comment: "hello" },
      "two\nlines",
      { data: [1, null] },
      { comment: "only" },
      { data: "" },
    ];
    await using client = testClient(serving(some(...events)));
    expect(await client.get("/events").text()).toBe(
      ': hello\nretry: 50\nid: 1\nevent: tick\ndata: {"n":1}\n\n' +
        "data: two\ndata: lines\n\ndata: [1,null]\n\n: only\n\ndata: \n\n",
    );
  });

  test("is read by our own client as it was sent", async () => {
    const source = some({ event: "tick", data: { n: 1 }, id: "é1" }, { data: "x\ny" });
    await using client = testClient(serving(source));
    const read: unknown[] = [];
    for await (const event of client.events("/events", { reconnect: false })) read.push(event);
    expect(read).toMatchObject([
      { event: "tick", data: '{"n":1}', id: "é1" },
      { event: "message", data: "x\ny", id: "é1" },
    ]);
  });

  test("begins for each reader, where it left off", async () => {
    const watched = new Watched();
    await using client = testClient(serving(watched.source));
    const first = client.events("/events", { lastEventId: "ümläut-7" });
    for await (const event of first) {
      expect(event.id).toBe("1");
      break;
    }
    for await (const _event of client.events("/events")) break;
    await client.get("/events", { headers: { "last-event-id": "\u00ff" } });
    expect(watched.contexts.map(({ lastEventId }) => lastEventId)).toEqual(["ümläut-7", undefined, "\u00ff"]);
  });

  test("is continued by a reader that comes back", async () => {
    async function* counting({ lastEventId }: EventStreamContext): AsyncGenerator<SentEvent> {
      const from = Number(lastEventId ?? 0);
      for (let n = from + 1; n <= from + 2; n += 1) yield { data: n, id: String(n) };
    }
    await using client = testClient(serving(counting, { retry: 0 }));
    const read: string[] = [];
    for await (const { data } of client.events("/events")) {
      read.push(data);
      if (read.length === 6) break;
    }
    expect(read).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  test("sends its head before there is any event", async () => {
    const watched = new Watched();
    watched.atOnce = 0;
    await using server = await TestServer.start(serving(watched.source));
    const client = await raw(server);
    client.send(GET);
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(watched.signal?.aborted).toBe(false);
  });

  test("tells readers at the beginning when to come back", async () => {
    await using client = testClient(serving(some("a"), { retry: 2_500 }));
    expect(await client.get("/events").text()).toBe("retry: 2500\n\ndata: a\n\n");
  });

  test("answers HEAD without beginning, and releases what was given", async () => {
    const watched = new Watched();
    let returned = 0;
    const given: AsyncIterable<SentEvent> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("never")),
        return: async () => {
          returned += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    await using client = testClient(serving(watched.source));
    expect((await client.head("/events")).headers.get("content-type")).toBe("text/event-stream");
    expect(watched.contexts).toEqual([]);
    await using other = testClient(serving(given));
    expect((await other.head("/events")).status).toBe(200);
    expect(returned).toBe(1);
  });
});

describe("a reader that goes away", () => {
  test("aborts the signal, and ends a generator that waits for it", async () => {
    const watched = new Watched();
    await using server = await TestServer.start(serving(watched.source));
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("id: 1");
    expect(watched.returned).toBe(0);
    client.socket.destroy();
    await expect.poll(() => watched.returned).toBe(1);
    expect(watched.signal?.aborted).toBe(true);
    expect(watched.signal?.reason).toMatchObject({ code: "sse/ended" });
  });

  test("ends a generator that waits for its turn", async () => {
    const watched = new Watched();
    watched.atOnce = Number.POSITIVE_INFINITY;
    await using server = await TestServer.start(serving(watched.source));
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("id: 1\n");
    client.socket.pause();
    await settled(() => watched.asked);
    client.socket.destroy();
    await expect.poll(() => watched.returned).toBe(1);
  });

  test("holds the source back while it does not read: memory is bounded", async () => {
    const big = "x".repeat(64 * 1024);
    let asked = 0;
    async function* endless(): AsyncGenerator<SentEvent> {
      while (true) {
        asked += 1;
        yield big;
      }
    }
    const app = serving(endless);
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.socket.pause();
    client.send(GET);
    await expect.poll(() => asked).toBeGreaterThan(0);
    const held = await settled(() => asked);
    expect(held).toBeLessThan(400); // what the system's own buffers take, and one more
    client.socket.resume();
    await expect.poll(() => asked).toBeGreaterThan(held + 50);
  });
});

describe("silence", () => {
  test("is broken by a comment, again and again, at no cost to the source", async () => {
    const clock = new ManualClock();
    const watched = new Watched();
    await using client = testClient(serving(watched.source, { clock }));
    const response = await client.get("/events");
    const pieces = response.body[Symbol.asyncIterator]();
    const text = async (): Promise<string> => Buffer.from((await pieces.next()).value ?? []).toString();
    expect(await text()).toBe('id: 1\ndata: {"n":1}\n\n');
    for (let times = 0; times < 3; times += 1) {
      const next = text();
      await quiet();
      clock.advance(14_900);
      await quiet();
      clock.advance(200);
      expect(await next).toBe(":\n\n");
    }
    await pieces.return?.();
    await expect.poll(() => watched.returned).toBe(1);
    expect(clock.armedCount).toBe(0);
  });

  test("may last as long as it is told to, or for ever", async () => {
    const clock = new ManualClock();
    const watched = new Watched();
    watched.atOnce = 0;
    await using client = testClient(serving(watched.source, { clock, heartbeat: 100 }));
    const response = await client.get("/events");
    const piece = response.body[Symbol.asyncIterator]().next();
    await quiet();
    clock.advance(110);
    expect(Buffer.from((await piece).value ?? []).toString()).toBe(":\n\n");
    const mute = new Watched();
    await using other = testClient(serving(mute.source, { clock, heartbeat: Number.POSITIVE_INFINITY }));
    const armed = clock.armedCount;
    await other.get("/events");
    await quiet();
    expect(clock.armedCount).toBe(armed);
  });

  test("is not what an event that came in time is followed by: it counts from the last one", async () => {
    const clock = new ManualClock();
    const next: ((event: SentEvent) => void)[] = [];
    async function* source(): AsyncGenerator<SentEvent> {
      while (true) yield await new Promise<SentEvent>((resolve) => next.push(resolve));
    }
    await using client = testClient(serving(source, { clock, heartbeat: 100 }));
    const pieces = (await client.get("/events")).body[Symbol.asyncIterator]();
    const one = pieces.next();
    await quiet();
    clock.advance(80);
    next.shift()?.("a");
    expect(Buffer.from((await one).value ?? []).toString()).toBe("data: a\n\n");
    const two = pieces.next();
    await quiet();
    clock.advance(80);
    next.shift()?.("b");
    expect(Buffer.from((await two).value ?? []).toString()).toBe("data: b\n\n");
  });
});

describe("a server that closes", () => {
  test("ends streams at once, in good order, and tells each reader another time to come back", async () => {
    const watched = new Watched();
    await using server = await TestServer.start(serving(watched.source, { retry: 1_000, random: () => 0.25 }));
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("id: 1");
    await server.server.close({ grace: 60_000 });
    const received = await client.untilClosed();
    expect(received).toMatch(/retry: 1250\n\n\r\n0\r\n\r\n$/);
    expect(watched.returned).toBe(1);
    expect(watched.signal?.reason).toMatchObject({ code: "sse/ended", message: expect.stringContaining("closing") });
  });

  test("spreads readers over three seconds when nobody has said anything", async () => {
    const watched = new Watched();
    await using server = await TestServer.start(serving(watched.source));
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("id: 1");
    await server.server.close({ grace: 60_000 });
    const wait = Number(/retry: (\d+)\n\n\r\n0\r\n/.exec(await client.untilClosed())?.[1]);
    expect(wait).toBeGreaterThanOrEqual(3_000);
    expect(wait).toBeLessThanOrEqual(6_000);
  });

  test("ends one whose answer comes only then", async () => {
    const watched = new Watched();
    watched.atOnce = 0;
    let answer: () => void = () => undefined;
    const app = new Application();
    app.get("/events", async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return reply.sse(watched.source);
    });
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.send(GET);
    await expect.poll(() => answer.length).toBe(1);
    const closed = server.server.close({ grace: 60_000 });
    answer();
    await closed;
    expect(await client.untilClosed()).toMatch(/retry: \d+\n\n\r\n0\r\n\r\n$/);
  });

  test("lets another body come to its own end", async () => {
    const app = new Application();
    let goOn: () => void = () => undefined;
    app.get("/events", async function* () {
      yield "first ";
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      yield "second";
    });
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("first");
    const closed = server.server.close({ grace: 60_000 });
    await pause(5);
    goOn();
    await closed;
    expect(await client.untilClosed()).toMatch(/second\r\n0\r\n\r\n$/);
  });
});

describe("a source that fails", () => {
  test("breaks the connection, so that the reader comes back, and is reported", async () => {
    async function* failing(): AsyncGenerator<SentEvent> {
      yield "a";
      await undefined;
      throw new Error("the feed broke");
    }
    await using server = await TestServer.start(serving(failing));
    const client = await raw(server);
    client.send(GET);
    const received = await client.untilClosed();
    expect(received).toContain("data: a\n\n");
    expect(received).not.toMatch(/0\r\n\r\n$/);
    expect(server.takeErrors()).toMatchObject([{ request: "GET /events", error: { message: "the feed broke" } }]);
  });

  test.each<[string, unknown]>([
    ["an object that is no event", { message: "hi" }],
    ["an event with something else in it", { data: 1, id: "1", type: "x" }],
    ["an object without properties", {}],
    ["a number", 7],
    ["nothing", null],
    ["an id with a line end", { data: 1, id: "a\nb" }],
    ["data without a JSON form", { data: () => 1 }],
  ])("fails by giving %s, and is ended", async (_what, event) => {
    let returned = false;
    let aborted: AbortSignal | undefined;
    async function* source({ signal }: EventStreamContext): AsyncGenerator<SentEvent> {
      aborted = signal;
      try {
        yield event as SentEvent;
      } finally {
        returned = true;
      }
    }
    await using client = testClient(serving(source));
    await expect(client.get("/events").text()).rejects.toThrow();
    expect(client.takeErrors()).toMatchObject([{ error: { code: "event-stream/not-writable" } }]);
    expect(returned).toBe(true);
    expect(aborted?.aborted).toBe(true);
  });

  test("may throw when it is called, or when it is asked", async () => {
    const sources: EventStreamSource[] = [
      () => {
        throw new Error("called");
      },
      {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            throw new Error("called");
          },
        }),
      },
    ];
    for (const source of sources) {
      await using client = testClient(serving(source));
      await expect(client.get("/events").text()).rejects.toThrow();
      expect(client.takeErrors()).toMatchObject([{ error: { message: "called" } }]);
    }
  });

  test("is nobody's business once the reader has gone", async () => {
    const watched = new Watched();
    const app = serving((context) => {
      const events = watched.source(context)[Symbol.asyncIterator]();
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => events.next(),
          return: () => {
            throw new Error("cannot end");
          },
        }),
      };
    });
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("id: 1");
    client.socket.destroy();
    await expect.poll(() => watched.signal?.aborted).toBe(true);
    expect(server.errors).toEqual([]);
  });
});

test("what is no source or no option is refused where it is given", () => {
  const wrong = (source: unknown, options?: object) => () => reply.sse(source as EventStreamSource, options);
  expect(wrong([1])).toThrow(expect.objectContaining({ code: "reply/no-events" }));
  expect(wrong(undefined)).toThrow(expect.objectContaining({ code: "reply/no-events" }));
  for (const heartbeat of [0, -1, Number.NaN, "1"]) {
    expect(wrong(some(), { heartbeat })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  }
  for (const retry of [-1, 1.5, Number.POSITIVE_INFINITY, "1"]) {
    expect(wrong(some(), { retry })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  }
  expect(wrong(some(), { hartbeat: 1 })).toThrow(expect.objectContaining({ code: "options/unknown" }));
  expect(wrong(some(), { retry: 0, heartbeat: 1 })).not.toThrow();
});

/** Everything that needs no time has happened. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The value when it has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  while (same < 5) {
    await pause(20);
    same = value() === last ? same + 1 : 0;
    last = value();
  }
  return last;
}
