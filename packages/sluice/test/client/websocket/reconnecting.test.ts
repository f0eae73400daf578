/** A WebSocket over many connections: when it connects again and after how long, what waits meanwhile, and how it ends. */
import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { ResponseError } from "../../../src/client/response-error.js";
import type { SocketEnding } from "../../../src/client/websocket/reconnect-policy.js";
import { ReconnectingWebSocket } from "../../../src/client/websocket/reconnecting-websocket.js";
import { ConnectError, SessionClosedError, UsageError, WebSocketClosedError } from "../../../src/errors.js";
import { answer, closeAfter, rejection } from "../fake-net.js";
import { SocketNet, textFrame } from "./handshakes.js";
import { FOREVER, lose, read, settled, started } from "./reconnecting-setup.js";

// Loaded with the first connection, which takes turns that are not counted here.
beforeAll(() => import("../../../src/client/websocket/open-websocket.js"));

describe("connecting", () => {
  test("begins by itself, and tells when it is open", async () => {
    const { net, live, log } = started();
    expect(live.state).toBe("connecting");
    expect(live.socket).toBeUndefined();
    await settled();
    expect(live.state).toBe("open");
    expect(live.socket).toBeDefined();
    expect(log).toEqual(["open 1 after 1"]);
    expect(net.connections).toHaveLength(1);
  });

  test("the address may be asked for before each try", async () => {
    const net = new SocketNet();
    let tokens = 0;
    const live = closeAfter(
      new ReconnectingWebSocket(net.session(), async () => `ws://h.test/?token=${++tokens}`, {
        reconnect: { random: () => 0 },
      }) as ReconnectingWebSocket & { close(): Promise<void> },
    );
    await settled();
    await lose(net);
    await net.clock.advance(1);
    await settled();
    expect(net.seen.map(({ target }) => target)).toEqual(["/?token=1", "/?token=2"]);
    await live.close();
  });

  test("what the address throws ends it", async () => {
    const net = new SocketNet();
    const live = new ReconnectingWebSocket(net.session(), () => {
      throw new Error("no token");
    });
    expect((await live.closed).error).toMatchObject({ message: "no token" });
  });

  test("the first connection has to succeed, and its error is the reader's", async () => {
    const net = new SocketNet();
    net.dialing = () => {
      throw new ConnectError("connect/refused", "Refused");
    };
    const { live, log } = started({}, { net });
    expect(await read(live, [])).toBeInstanceOf(ConnectError);
    expect(log).toEqual(["closed undefined"]);
    expect(live.state).toBe("closed");
  });

  test("beforeOpen: it tries until it does", async () => {
    const net = new SocketNet();
    let dials = 0;
    net.dialing = () => {
      dials += 1;
      if (dials < 3) throw new ConnectError("connect/refused", "Refused");
    };
    const { log } = started({ reconnect: { beforeOpen: true } }, { net });
    await settled();
    await net.clock.advance(500);
    await settled();
    await net.clock.advance(1_000);
    await settled();
    expect(log).toEqual(["again 1 in 500", "again 2 in 1000", "open 1 after 3"]);
  });
});

describe("connecting again", () => {
  test("after a random part of a range that doubles with each failure in a row, up to its cap", async () => {
    const { net, log } = started({ reconnect: { delay: 100, maxDelay: 300 } });
    await settled();
    await lose(net);
    for (const delay of [50, 100, 150, 150]) {
      expect(log.at(-1)).toMatch(new RegExp(`^again \\d in ${delay}$`));
      await net.clock.advance(delay - 1);
      await settled();
      expect(log.at(-1)).toMatch(/^again/);
      await net.clock.advance(1);
      await settled();
      await lose(net);
    }
    expect(log.filter((line) => line.startsWith("open"))).toHaveLength(5);
  });

  test("a connection that has lasted begins the range anew: at stableAfter it has, a moment before it has not", async () => {
    for (const [lasts, attempt] of [
      [999, 2],
      [1_000, 1],
    ] as const) {
      const { net, live, log } = started({ reconnect: { delay: 100, stableAfter: 1_000 } });
      await settled();
      await lose(net);
      await net.clock.advance(50);
      await settled();
      await net.clock.advance(lasts);
      await lose(net);
      expect(log.at(-1)).toBe(`again ${attempt} in ${50 * attempt}`);
      await live.close();
    }
  });

  test.each([1001, 1011, 1014])("after close code %i", async (code) => {
    const { net, log } = started();
    await settled();
    await lose(net, code);
    expect(log.slice(1)).toEqual([`lost ${code}`, "again 1 in 500"]);
  });

  test.each([1012, 1013])("after %i not before 5 s, and spread over 25 s more", async (code) => {
    const { net, log } = started();
    await settled();
    await lose(net, code);
    expect(log.at(-1)).toBe("again 1 in 17500");
  });

  test.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 4000, 4999])("not after close code %i", async (code) => {
    const { net, live, log } = started();
    await settled();
    await lose(net, code);
    expect(log.slice(1)).toEqual([`lost ${code}`, `closed ${code}`]);
    expect(live.state).toBe("closed");
    expect(net.clock.armedCount).toBe(0);
  });

  test("shouldReconnect decides otherwise, for codes of one's own too", async () => {
    const { net, live, log } = started({ reconnect: { shouldReconnect: ({ code }) => code === 4001 } });
    await settled();
    await lose(net, 4001);
    expect(log.at(-1)).toBe("again 1 in 500");
    await net.clock.advance(500);
    await settled();
    await lose(net, 1001);
    expect(log.at(-1)).toBe("closed 1001");
    expect(live.state).toBe("closed");
  });

  test.each([
    [503, true],
    [429, true],
    [500, true],
    [403, false],
    [404, false],
    [501, false],
  ])("a refusal with %i, again: %s", async (status, again) => {
    const net = new SocketNet((_request, nth) => (nth === 2 ? answer(status) : undefined));
    const { log } = started({}, { net });
    await settled();
    await lose(net);
    await net.clock.advance(500);
    await settled();
    expect(log.at(-1)).toMatch(again ? /^again 2 in/ : /^closed undefined$/);
  });

  test("Retry-After of a refusal is waited for, and the random part behind it", async () => {
    const net = new SocketNet((_request, nth) => (nth === 2 ? answer(503, "", "retry-after: 7\r\n") : undefined));
    const { log } = started({}, { net });
    await settled();
    await lose(net);
    await net.clock.advance(500);
    await settled();
    expect(log.at(-1)).toBe("again 2 in 8000");
  });

  test.each([
    [7_000, "again 2 in 8000"],
    [6_999, "closed undefined"],
  ])("one that asks for more than maxServerDelay %i: %s", async (maxServerDelay, last) => {
    const net = new SocketNet((_request, nth) => (nth === 2 ? answer(503, "", "retry-after: 7\r\n") : undefined));
    const { log } = started({ reconnect: { maxServerDelay } }, { net });
    await settled();
    await lose(net);
    await net.clock.advance(500);
    await settled();
    expect(log.at(-1)).toBe(last);
  });

  test.each([
    [0, 1],
    [1, 2],
    [2, 3],
  ])("attempts: %i gives up after %i connections that did not last", async (attempts, connections) => {
    const { net, log } = started({ reconnect: { attempts } });
    await settled();
    for (let lost = 0; lost < connections; lost += 1) {
      await lose(net);
      await net.clock.advance(10_000 * (lost === connections - 1 ? 0 : 1));
      await settled();
    }
    expect(net.connections).toHaveLength(connections);
    expect(log.at(-1)).toBe("closed 1006");
  });
});

describe("reading", () => {
  test("goes on over connections, all messages of one before those of the next", async () => {
    const { net, live } = started();
    const messages: unknown[] = [];
    const reading = read(live, messages);
    await settled();
    net.peer().send(textFrame("a"), textFrame("b"));
    await lose(net, 1001);
    await net.clock.advance(500);
    await settled();
    net.peer().send(textFrame("c"));
    await settled();
    expect(messages).toEqual(["a", "b", "c"]);
    await live.close();
    expect(await reading).toBe("ended");
  });

  test("a reader who comes late misses nothing of the connections before", async () => {
    const { net, live } = started();
    await settled();
    net.peer().send(textFrame("a"));
    await lose(net, 1001);
    await net.clock.advance(500);
    await settled();
    net.peer().send(textFrame("b"));
    await settled();
    const messages: unknown[] = [];
    const reading = read(live, messages);
    await settled();
    await live.close();
    await reading;
    expect(messages).toEqual(["a", "b"]);
  });

  test("leaving the loop closes nothing, and another may go on", async () => {
    const { net, live } = started();
    await settled();
    net.peer().send(textFrame("a"), textFrame("b"));
    for await (const message of live) {
      expect(message).toBe("a");
      break;
    }
    for await (const message of live) {
      expect(message).toBe("b");
      break;
    }
    expect(live.state).toBe("open");
  });

  test("two readers at a time are one too many", async () => {
    const { live } = started();
    const first = read(live, []);
    expect(await read(live, [])).toMatchObject({ code: "websocket/already-reading" });
    await live.close();
    expect(await first).toBe("ended");
  });

  describe("behind the connections", () => {
    /** As it is counted: 64 bytes more for a message, 4 KiB for a connection. */
    const cost = (text: string) => text.length + 64 + 4_096;

    /** Connections that each leave a message and end, but for the last, which stays. */
    async function comeAndGo(net: SocketNet, texts: readonly string[]): Promise<void> {
      for (const [at, text] of texts.entries()) {
        net.peer().send(...(text === "" ? [] : [textFrame(text)]));
        if (at === texts.length - 1) break;
        await lose(net, 1001);
        await net.clock.advance(30_000);
        await settled();
      }
    }

    test.each([
      [0, undefined],
      [-1, 1],
    ])(
      "maxQueuedBytes %i of what they have left: nothing is lost, or the oldest, and it says so",
      async (more, lost) => {
        const texts = ["one", "second", "third", "latest", "live"];
        const kept = texts.slice(0, 4).reduce((sum, text) => sum + cost(text), 0);
        const { net, live } = started({ maxQueuedBytes: kept + more });
        await settled();
        await comeAndGo(net, texts);
        const messages: unknown[] = [];
        if (lost !== undefined) {
          const error = await read(live, messages);
          expect(error).toMatchObject({
            code: "websocket/reader-behind",
            message: expect.stringContaining("what 1 connection had left"),
          });
          expect(messages).toEqual([]);
        }
        const reading = read(live, messages);
        await settled();
        expect(messages).toEqual(texts.slice(lost ?? 0));
        await live.close();
        expect(await reading).toBe("ended");
      },
    );

    test("the gap is where it is: what is left of the connection that is being read comes first", async () => {
      const { net, live } = started({ maxQueuedBytes: 200 });
      await settled();
      net.peer().send(textFrame("a"), textFrame("b"));
      const messages = live[Symbol.asyncIterator]();
      expect(await messages.next()).toMatchObject({ value: "a" });
      await comeAndGo(net, ["c", "lost", "gone", "latest", "live"]);
      expect(await messages.next()).toMatchObject({ value: "b" });
      expect(await messages.next()).toMatchObject({ value: "c" });
      await expect(messages.next()).rejects.toMatchObject({
        code: "websocket/reader-behind",
        message: expect.stringContaining("what 2 connections had left"),
      });
      const rest: unknown[] = [];
      void read(live, rest);
      await settled();
      expect(rest).toEqual(["latest", "live"]);
    });

    test("too little for one: the latest that ended is kept; Infinity: all; those that leave nothing cost nothing", async () => {
      for (const [maxQueuedBytes, texts, expected] of [
        [100, ["a", "b", "c"], ["reader-behind", "b", "c"]],
        [FOREVER, Array.from({ length: 20 }, String), Array.from({ length: 20 }, String)],
        [2 * cost("a"), ["a", ...Array<string>(20).fill(""), "b", "c"], ["a", "b", "c"]],
      ] as const) {
        const { net, live } = started({ maxQueuedBytes });
        await settled();
        await comeAndGo(net, texts);
        const messages: unknown[] = [];
        if (expected[0] === "reader-behind") {
          expect(await read(live, messages)).toMatchObject({ code: "websocket/reader-behind" });
          messages.push("reader-behind");
        }
        void read(live, messages);
        await settled();
        expect(messages).toEqual(expected);
        await live.close();
      }
    });
  });

  test("an end in good order ends the loop; another is thrown, behind the last message", async () => {
    for (const [code, ending] of [
      [1000, "ended"],
      [1008, WebSocketClosedError],
    ] as const) {
      const { net, live } = started();
      const messages: unknown[] = [];
      const reading = read(live, messages);
      await settled();
      net.peer().send(textFrame("last"));
      await lose(net, code);
      const outcome = await reading;
      if (typeof ending === "string") expect(outcome).toBe(ending);
      else expect(outcome).toBeInstanceOf(ending);
      expect(messages).toEqual(["last"]);
      await live.close();
    }
  });
});

describe("sending", () => {
  test("waits for a connection, and leaves in order behind what onOpen sends", async () => {
    const { net, live } = started({ onOpen: (socket) => socket.send("hello") });
    const sent = Promise.all([live.send("1"), live.send("2"), live.sendJson({ n: 3 })]);
    expect(live.queued).toBe(3);
    expect(live.bufferedAmount).toBe(9);
    await settled();
    await sent;
    await live.send("4");
    await settled();
    expect(net.peer().texts).toEqual(["hello", "1", "2", '{"n":3}', "4"]);
    expect(live.queued).toBe(0);
  });

  test("waits for onOpen, however long that takes", async () => {
    let go = (): void => undefined;
    const { net, live } = started({
      onOpen: () =>
        new Promise((resolve) => {
          go = resolve;
        }),
    });
    await settled();
    void live.send("later");
    await settled();
    expect(net.peer().texts).toEqual([]);
    expect(live.socket).toBeUndefined();
    go();
    await settled();
    expect(net.peer().texts).toEqual(["later"]);
  });

  test("between connections waits for the next", async () => {
    const { net, live } = started();
    await settled();
    await lose(net);
    const sent = live.send("x");
    await net.clock.advance(500);
    await sent;
    await settled();
    expect(net.peer(1).texts).toEqual(["x"]);
  });

  test.each([
    [{ queue: 2 }, ["a", "b"], "c"],
    [{ queueBytes: 2 }, ["a", "b"], "c"],
    [{ queueBytes: 4 }, ["ü", "ü"], "c"],
    [{ queue: 0 }, [], "a"],
    [{ queueBytes: 3 }, [], "four"],
  ])("%j: at the limit messages wait, one past it is refused", async (options, waiting, refused) => {
    const { live } = started({ ...options, reconnect: { beforeOpen: true } });
    for (const message of waiting) void live.send(message);
    const error = await rejection(live.send(refused));
    expect(error.code).toBe("websocket/queue-full");
    expect(live.queued).toBe(waiting.length);
  });

  test("queue: Infinity has no limit", async () => {
    const { net, live } = started({ queue: FOREVER, queueBytes: FOREVER });
    for (let at = 0; at < 500; at += 1) void live.send(String(at));
    await settled();
    expect(net.peer().texts).toHaveLength(500);
  });

  test("drop-oldest makes room, and those that made it are told", async () => {
    const { net, live } = started({ queue: 2, queueOverflow: "drop-oldest" });
    const first = rejection(live.send("1"));
    void live.send("2");
    void live.send("3");
    expect((await first).code).toBe("websocket/queue-full");
    await settled();
    expect(net.peer().texts).toEqual(["2", "3"]);
  });

  test("a rejection that nobody awaits does no harm", async () => {
    const { live } = started({ queue: 1 });
    void live.send("1");
    void live.send("2");
    await live.close();
    void live.send("3");
    await settled();
  });

  test("what waits when it ends is rejected, and so is what comes then", async () => {
    const { live } = started();
    const waiting = rejection(live.send("1"));
    await live.close();
    expect((await waiting).code).toBe("websocket/closed");
    expect((await rejection(live.send("2"))).code).toBe("websocket/closed");
  });
});

describe("closing", () => {
  test.each([
    [1006, ""],
    [1000, "x".repeat(124)],
    [999, ""],
  ])("with %i and a reason that cannot be sent is refused, and changes nothing", async (code, reason) => {
    const { net, live } = started();
    for (const state of ["connecting", "open"]) {
      if (state === "open") await settled();
      await expect(live.close(code, reason)).rejects.toMatchObject({ code: "websocket/bad-close" });
      expect(live.state).toBe(state);
    }
    await live.send("still there");
    await settled();
    expect(net.peer().texts).toEqual(["still there"]);
    await live.close();
  });

  test("an open one says its code, and the loop ends", async () => {
    const { net, live, log } = started();
    const reading = read(live, []);
    await settled();
    expect(await live.close(4000, "done")).toMatchObject({ code: 4000, wasClean: true });
    expect(net.peer().closeCodes).toEqual([4000]);
    expect(await reading).toBe("ended");
    expect(log.at(-1)).toBe("closed 4000");
    expect(live.state).toBe("closed");
    await live.close();
  });

  test.each(["before it has begun", "while it connects", "while it waits"])("%s", async (when) => {
    const net = new SocketNet(() => (when === "while it connects" ? "" : undefined));
    const { live, log } = started({}, { net });
    if (when === "while it connects") await settled();
    if (when === "while it waits") {
      await settled();
      await lose(net);
    }
    await live.close();
    await settled();
    expect(live.state).toBe("closed");
    expect(log.at(-1)).toBe("closed undefined");
    expect((await live.closed).error).toBeUndefined();
    expect(net.open).toBe(0);
    expect(net.clock.armedCount).toBe(0);
    await net.clock.advance(100_000);
    expect(net.connections.length).toBeLessThanOrEqual(1);
  });

  test.each(["connecting", "open", "waiting"])("a signal ends it while it is %s, with its reason", async (when) => {
    const controller = new AbortController();
    const { net, live } = started({ signal: controller.signal });
    const reading = read(live, []);
    if (when !== "connecting") await settled();
    if (when === "waiting") await lose(net);
    controller.abort(new Error("enough"));
    expect((await live.closed).error).toMatchObject({ message: "enough" });
    expect(await reading).toMatchObject({ message: "enough" });
    await settled();
    expect(net.open).toBe(0);
  });

  test.each(["open", "waiting"])("the session's closing ends it while it is %s", async (when) => {
    const { net, session, live } = started();
    await settled();
    if (when === "waiting") await lose(net);
    await session.close();
    const ending: SocketEnding = await live.closed;
    if (when === "waiting") expect(ending.error).toBeInstanceOf(SessionClosedError);
    expect(live.state).toBe("closed");
    expect(net.clock.armedCount).toBe(0);
  });

  test.each(["onOpen", "onLost", "onReconnect"] as const)("what %s throws ends it", async (name) => {
    const { net, live } = started({
      [name]: () => {
        throw new Error("mine");
      },
    });
    await settled();
    if (name !== "onOpen") await lose(net);
    expect((await live.closed).error).toMatchObject({ message: "mine" });
    await settled();
    expect(net.open).toBe(0);
  });
});

describe("options", () => {
  test.each([
    [{ queue: -1 }, "options/out-of-range"],
    [{ queueBytes: Number.NaN }, "options/out-of-range"],
    [{ queueOverflow: "drop" }, "options/unknown-value"],
    [{ onOpen: 1 }, "options/unknown-value"],
    [{ onopen: () => undefined }, "options/unknown"],
    [{ protocols: ["a", "a"] }, "websocket/protocols"],
    [{ reconnect: { delay: FOREVER } }, "options/out-of-range"],
    [{ reconnect: { delay: -1 } }, "options/out-of-range"],
    [{ reconnect: { attempts: -1 } }, "options/out-of-range"],
    [{ reconnect: { tries: 1 } }, "options/unknown"],
    [{ reconnect: { shouldReconnect: true } }, "options/unknown-value"],
    [{ reconnect: true }, "options/unknown-value"],
    [5, "options/unknown-value"],
    [null, "options/unknown-value"],
  ])("%j is refused by the constructor", (options, code) => {
    const net = new SocketNet();
    const make = () => new ReconnectingWebSocket(net.session(), "ws://h.test/", options as object);
    expect(make).toThrow(UsageError);
    expect(make).toThrow(expect.objectContaining({ code }));
  });

  test.each([undefined, "ws://h.test/", {}])("a session that is %j is refused by name", (session) => {
    const make = () => new ReconnectingWebSocket(session as never, "ws://h.test/");
    expect(make).toThrow(UsageError);
    expect(make).toThrow("Cannot use session: expected a ClientSession");
  });

  test("inspecting it, or writing it as JSON, shows how it is, and no address", async () => {
    const { live } = started();
    void live.send("secret");
    const before = { state: "connecting", connections: 0, failures: 0, queued: 1, bufferedAmount: 6 };
    expect(JSON.parse(JSON.stringify(live))).toEqual(before);
    await settled();
    expect(inspect(live)).toMatch(/^ReconnectingWebSocket {\s+state: 'open',\s+connections: 1,/);
    expect(inspect(live)).not.toMatch(/h\.test|secret/);
  });

  test("a refused handshake is an error with the answer in it", async () => {
    const { live } = started({}, { net: new SocketNet(() => answer(403, "no")) });
    const { error } = await live.closed;
    expect(error).toBeInstanceOf(ResponseError);
  });
});
