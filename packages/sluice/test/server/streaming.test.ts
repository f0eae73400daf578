import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryPair } from "../../src/net/memory.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { Reply } from "../../src/server/reply.js";
import { reply, type StreamSource } from "../../src/server/reply-kinds.js";
import { testClient } from "../../src/testing/server/test-client.js";
import { TestServer } from "../../src/testing/server/test-server.js";
import { Watched } from "./connection-setup.js";
import { RawClient } from "./raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const PIECE = "x".repeat(64 * 1024);

function serving(source: () => StreamSource, options?: Parameters<typeof reply.stream>[1]): Application {
  const app = new Application();
  app.get("/", () => reply.stream(source(), options));
  return app;
}

async function raw(server: TestServer): Promise<RawClient> {
  const client = await RawClient.to(server.server);
  cleanUp.push(() => client.socket.destroy());
  return client;
}

/** Sources of every kind: how much has been asked of them, and whether they were told of the end. */
interface Endless {
  asked: number;
  ended: boolean;
  make(): StreamSource;
}

function endlessGenerator(): Endless {
  const state: Endless = {
    asked: 0,
    ended: false,
    async *make() {
      try {
        while (true) {
          state.asked += 1;
          yield PIECE;
        }
      } finally {
        state.ended = true;
      }
    },
  };
  return state;
}

function endlessReadable(): Endless {
  const state: Endless = {
    asked: 0,
    ended: false,
    make: () =>
      new Readable({
        read() {
          state.asked += 1;
          this.push(PIECE);
        },
        destroy(error, done) {
          state.ended = true;
          done(error);
        },
      }),
  };
  return state;
}

function endlessWebStream(): Endless {
  const state: Endless = {
    asked: 0,
    ended: false,
    make: () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          state.asked += 1;
          controller.enqueue(Buffer.from(PIECE));
        },
        cancel() {
          state.ended = true;
        },
      }) as unknown as StreamSource,
  };
  return state;
}

describe.each([
  ["an async generator", endlessGenerator],
  ["a Node stream", endlessReadable],
  ["a web stream", endlessWebStream],
])("%s", (_kind, make) => {
  test("is held back by a client that does not read, and goes on when it does", async () => {
    const endless = make();
    await using server = await TestServer.start(serving(() => endless.make()));
    const client = await raw(server);
    client.socket.pause();
    client.send(GET);
    await expect.poll(() => endless.asked).toBeGreaterThan(0);
    const held = await settled(() => endless.asked);
    expect(held).toBeLessThan(400); // 25 MiB: what the system itself takes in on both sides, and one piece
    client.socket.resume();
    await expect.poll(() => endless.asked).toBeGreaterThan(held + 50);
    client.socket.destroy();
    await expect.poll(() => endless.ended).toBe(true);
  });

  test("is told when the client goes away while it is held back", async () => {
    const endless = make();
    await using server = await TestServer.start(serving(() => endless.make()));
    const client = await raw(server);
    client.send(GET);
    await client.untilReceived("200 OK");
    client.socket.pause();
    await settled(() => endless.asked);
    expect(endless.ended).toBe(false);
    client.socket.resetAndDestroy();
    await expect.poll(() => endless.ended).toBe(true);
    expect(server.errors).toEqual([]);
  });

  test("is released, unread, by HEAD", async () => {
    const endless = make();
    await using client = testClient(serving(() => endless.make()));
    const response = await client.head("/");
    expect(response.status).toBe(200);
    expect(endless.asked).toBeLessThanOrEqual(1); // a stream may fill its own buffer without being read
  });
});

test("what a connection holds for a client that does not read is the transport's mark and a piece", async () => {
  const pieceBytes = 16 * 1024;
  const mark = 32 * 1024;
  let asked = 0;
  let alive = true;
  const app = serving(async function* () {
    try {
      while (true) {
        asked += 1;
        yield Buffer.alloc(pieceBytes);
      }
    } finally {
      alive = false;
    }
  });
  const [near, far] = memoryPair({ highWaterMark: mark });
  const watched = new Watched(far, app.dispatch, { sendTimeout: 5_000 });
  near.pause();
  near.write(GET);
  await turns(50);
  expect(far.bufferedBytes).toBeGreaterThanOrEqual(mark);
  expect(far.bufferedBytes).toBeLessThan(mark + pieceBytes + 1_024);
  const held = asked;
  await turns(50);
  expect(asked).toBe(held);
  expect(held).toBeLessThanOrEqual(mark / pieceBytes + 2);
  watched.clock.advance(5_100);
  await turns(5);
  expect(watched.closed).toBe(1);
  expect(alive).toBe(false);
});

describe("a source that fails before its first piece", () => {
  test.each<[string, () => StreamSource]>([
    [
      "a generator",
      async function* () {
        await pause(5);
        yield* [];
        throw new Error("no database");
      },
    ],
    [
      "a Node stream",
      () =>
        new Readable({
          read() {
            this.destroy(new Error("no database"));
          },
        }),
    ],
    [
      "a web stream",
      () =>
        new ReadableStream({
          pull(controller) {
            controller.error(new Error("no database"));
          },
        }) as unknown as StreamSource,
    ],
    [
      "an iterable that cannot even begin",
      () => ({
        [Symbol.asyncIterator]: () => {
          throw new Error("no database");
        },
      }),
    ],
  ])("is a 500, when it is %s; the connection goes on", async (_kind, source) => {
    await using server = await TestServer.start(serving(source));
    const client = await raw(server);
    client.send(GET);
    expect(await client.untilReceived("500 Internal")).not.toContain("200 OK");
    expect(server.takeErrors()).toMatchObject([{ request: "GET /", error: { message: "no database" } }]);
    client.send(GET);
    await client.until(({ received }) => received.split("500 Internal").length === 3);
    server.takeErrors();
  });

  test("tells whoever waits for the reply's end that it was given up, once", async () => {
    const fault = new Error("no database");
    const sent = vi.fn();
    const app = new Application({ onError: () => undefined });
    app.get("/", () => {
      async function* source(): AsyncGenerator<string> {
        yield* [];
        throw fault;
      }
      return reply.stream(source()).whenSent(sent);
    });
    await using client = testClient(app, { strict: false });
    expect((await client.get("/")).status).toBe(500);
    expect(sent.mock.calls).toEqual([[0, fault]]);
  });

  test("may choose its status, as a handler may", async () => {
    await using client = testClient(
      serving(async function* () {
        await undefined;
        yield* [];
        throw new HttpError(404, "no such export");
      }),
    );
    expect((await client.get("/")).status).toBe(404);
  });

  test("breaks the connection if the head was to go first", async () => {
    const app = serving(
      async function* () {
        await pause(5);
        yield* [];
        throw new Error("no database");
      },
      { headFirst: true, type: "text/plain" },
    );
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.send(GET);
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\n/);
    expect(client.received).not.toContain("\r\n0\r\n");
    expect(server.takeErrors()).toHaveLength(1);
  });

  test("is no error when the client has gone before", async () => {
    let ended = false;
    let begun = false;
    const source = (): StreamSource =>
      new Readable({
        read() {
          begun = true;
        },
        destroy(error, done) {
          ended = true;
          done(error);
        },
      });
    await using server = await TestServer.start(serving(source));
    const client = await raw(server);
    client.send(GET);
    await expect.poll(() => begun).toBe(true);
    client.socket.resetAndDestroy();
    await expect.poll(() => ended).toBe(true);
    await pause(5);
    expect(server.errors).toEqual([]);
  });

  test("is told to listeners for replies once: they see the answer that is sent", async () => {
    const seen: number[] = [];
    const app = serving(async function* () {
      await undefined;
      yield* [];
      throw new Error("no database");
    });
    app.use((request, next) => {
      request.beforeReply((made) => void seen.push(made.status));
      return next();
    });
    await using client = testClient(app, { strict: false });
    expect((await client.get("/")).status).toBe(500);
    expect(seen).toEqual([500]);
  });
});

describe("a source that fails later", () => {
  test("breaks the connection: the client can tell that the answer is incomplete", async () => {
    const app = serving(async function* () {
      yield "half";
      await pause(1);
      throw new Error("the disk broke");
    });
    await using server = await TestServer.start(app);
    await expect(server.client.get("/").text()).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) });
    const client = await raw(server);
    client.send(GET);
    const received = await client.untilClosed();
    expect(received).toContain("4\r\nhalf\r\n");
    expect(received).not.toContain("\r\n0\r\n");
    expect(server.takeErrors().map(({ error }) => String(error))).toEqual([
      "Error: the disk broke",
      "Error: the disk broke",
    ]);
  });

  test("by giving what is no piece, too", async () => {
    const app = serving(async function* () {
      yield "a";
      yield 7 as unknown as string;
    });
    await using client = testClient(app);
    await expect(client.get("/").text()).rejects.toThrow();
    expect(client.takeErrors()).toMatchObject([{ error: { code: "body/unknown-piece" } }]);
  });
});

describe("a stream", () => {
  test("leaves as it comes: each piece when it is there, the head with the first", async () => {
    const give: ((piece: string) => void)[] = [];
    const app = serving(async function* () {
      while (true) yield await new Promise<string>((resolve) => give.push(resolve));
    });
    await using server = await TestServer.start(app);
    const client = await raw(server);
    client.send(GET);
    await expect.poll(() => give).toHaveLength(1);
    await pause(5);
    expect(client.received).toBe("");
    give.shift()?.("one");
    await client.untilReceived("3\r\none\r\n");
    await expect.poll(() => give).toHaveLength(1);
    give.shift()?.("second");
    await client.untilReceived("6\r\nsecond\r\n");
    client.socket.resetAndDestroy();
  });

  test("of nothing is an empty body", async () => {
    await using client = testClient(
      serving(async function* () {
        yield* [];
      }),
    );
    const response = await client.get("/");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  test("takes text, bytes, buffers and views of them", async () => {
    async function* source() {
      yield "ü";
      yield Buffer.from("b");
      yield new TextEncoder().encode("cd").buffer;
      yield new DataView(new TextEncoder().encode("efg").buffer, 1, 1);
    }
    await using client = testClient(serving(source));
    expect(await client.get("/").text()).toBe("übcdf");
  });

  test("returned as it is, is answered the same", async () => {
    const app = new Application();
    app.get("/", async function* () {
      await undefined;
      yield* [];
      throw new Error("no database");
    });
    await using client = testClient(app, { strict: false });
    expect((await client.get("/")).status).toBe(500);
  });

  test("is prepared only once it answers: middleware may put another in its place", async () => {
    let asked = 0;
    const app = serving(async function* () {
      asked += 1;
      yield "never";
    });
    app.use(async (_request, next) => {
      const made = await next();
      made.discard();
      return reply.text("instead");
    });
    await using client = testClient(app);
    expect(await client.get("/").text()).toBe("instead");
    expect(asked).toBe(0);
  });
});

describe("JSON", () => {
  test("is written by another function where one is given", async () => {
    const app = new Application();
    const stringify = (value: unknown): string =>
      JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? String(each) : each));
    app.get("/", () => reply.json({ a: 2n ** 64n }, { stringify }));
    app.get("/text", () => reply.json(1, { stringify: () => 7 as unknown as string }));
    await using client = testClient(app);
    expect(await client.get("/").text()).toBe('{"a":"18446744073709551616"}');
    expect((await client.get("/text")).status).toBe(500);
    expect(client.takeErrors()).toMatchObject([{ error: { code: "body/not-json" } }]);
  });
});

describe("preparations", () => {
  test("run in order, when the reply answers, each after the one before", async () => {
    const said: string[] = [];
    const app = new Application();
    app.get("/", () =>
      reply
        .text("ok")
        .whenTaken((request) => void said.push(`first ${request.method} ${request.httpVersion}`))
        .whenTaken(async () => {
          await pause(1);
          said.push("second");
        })
        .whenTaken(() => void said.push("third")),
    );
    await using client = testClient(app);
    expect(await client.get("/").text()).toBe("ok");
    expect(said).toEqual(["first GET 1.1", "second", "third"]);
  });

  test.each([
    [
      "throw",
      () => {
        throw new HttpError(418);
      },
    ],
    ["reject", () => Promise.reject(new HttpError(418))],
  ])("may %s, and the request has failed", async (_how, preparation) => {
    let discarded = 0;
    const app = new Application();
    app.get("/", () => {
      const payload = { ...new Reply(200), length: 1, contentType: undefined, replayable: false, whole: "x" };
      const made = new Reply(200, [], {
        ...payload,
        async *open() {
          yield Buffer.from("x");
        },
        discard() {
          discarded += 1;
        },
      });
      return made.whenTaken(preparation);
    });
    await using client = testClient(app);
    expect((await client.get("/")).status).toBe(418);
    expect(discarded).toBeGreaterThan(0);
  });
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
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
