/** A WebSocket over many connections: what is no message, what waits, and what is lost with a connection. */
import { beforeAll, describe, expect, test } from "vitest";
import type { SocketEnding } from "../../../src/client/websocket/reconnect-policy.js";
import type { ReconnectingWebSocket } from "../../../src/client/websocket/reconnecting-websocket.js";
import { UsageError, WebSocketClosedError } from "../../../src/errors.js";
import { rejection } from "../fake-net.js";
import { textFrame } from "./handshakes.js";
import { lose, read, settled, started } from "./reconnecting-setup.js";

// Loaded with the first connection, which takes turns that are not counted here.
beforeAll(() => import("../../../src/client/websocket/open-websocket.js"));

describe("a message that is none", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const mistakes: [string, (live: ReconnectingWebSocket) => unknown][] = [
    ["send(5)", (live) => live.send(5 as never)],
    ["send(undefined)", (live) => live.send(undefined as never)],
    ["sendJson(undefined)", (live) => live.sendJson(undefined)],
    ["sendJson(a cycle)", (live) => live.sendJson(cycle)],
  ];

  test.each(mistakes)(
    "%s is refused at once, with a connection and without, and when it is over",
    async (_name, make) => {
      const { net, live } = started();
      for (const state of ["connecting", "open", "waiting", "closed"]) {
        if (state === "open") await settled();
        if (state === "waiting") await lose(net);
        if (state === "closed") await live.close();
        expect(live.state).toBe(state);
        expect(() => make(live)).toThrow(UsageError);
        expect(() => make(live)).toThrow(expect.objectContaining({ code: "websocket/bad-message" }));
        expect(live.queued).toBe(0);
      }
    },
  );
});

describe("a message's signal", () => {
  test("ends the waiting for a connection, and its place is free", async () => {
    const { net, live } = started({ queue: 1 });
    const controller = new AbortController();
    const given = rejection(live.send("1", { signal: controller.signal }));
    controller.abort(new Error("enough"));
    expect(live.queued).toBe(0);
    expect(live.bufferedAmount).toBe(0);
    expect(await given).toMatchObject({ message: "enough" });
    expect(await rejection(live.sendJson(2, { signal: controller.signal }))).toMatchObject({ message: "enough" });
    const sent = live.send("3", { signal: new AbortController().signal });
    await settled();
    await sent;
    expect(net.peer().texts).toEqual(["3"]);
  });
});

describe("a connection that ends while onOpen is at work", () => {
  test("is lost like any other: what onOpen throws for that reason is nobody's fault, what waits goes on waiting", async () => {
    const { net, live, log } = started({
      onOpen: async (socket, { connection }) => {
        await socket.send(`hello ${connection}`);
        if (connection === 1) await socket.receive();
      },
    });
    const messages: unknown[] = [];
    const reading = read(live, messages);
    const sent = live.send("waits");
    await settled();
    await lose(net, 1012);
    expect(log).toEqual(["open 1 after 1", "lost 1012", expect.stringMatching(/^again 1 in/)]);
    await net.clock.advance(30_000);
    await sent;
    await settled();
    expect(net.peer(1).texts).toEqual(["hello 2", "waits"]);
    expect(live.state).toBe("open");
    await live.close();
    expect(await reading).toBe("ended");
  });

  test("is not waited for by onOpen, however long that takes; what it has received is kept", async () => {
    const { net, live, log } = started({
      onOpen: (_socket, { connection }) => (connection === 1 ? new Promise<void>(() => undefined) : undefined),
    });
    const messages: unknown[] = [];
    const reading = read(live, messages);
    const sent = live.send("waits");
    await settled();
    net.peer().send(textFrame("first"));
    await settled();
    await lose(net);
    expect(log.at(-1)).toBe("again 1 in 500");
    await net.clock.advance(500);
    await sent;
    await settled();
    expect(net.peer(1).texts).toEqual(["waits"]);
    expect(messages).toEqual(["first"]);
    await live.close();
    await reading;
  });

  test("close() does not wait for onOpen", async () => {
    const { live, net } = started({ onOpen: () => new Promise<void>(() => undefined) });
    await settled();
    expect(await live.close(4001)).toMatchObject({ code: 4001 });
    expect(net.open).toBe(0);
  });

  test("what onOpen throws for another reason ends it, however late", async () => {
    let fail = (_error: Error): void => undefined;
    const { net, live } = started({
      onOpen: (_socket, { connection }) =>
        connection > 1
          ? undefined
          : new Promise<void>((_resolve, reject) => {
              fail = reject;
            }),
    });
    await settled();
    await lose(net);
    await net.clock.advance(500);
    await settled();
    expect(live.state).toBe("open");
    fail(new Error("mine"));
    expect((await live.closed).error).toMatchObject({ message: "mine" });
    await settled();
    expect(net.open).toBe(0);
  });
});

test("a message that is sent while the connection ends waits for the next one", async () => {
  const { net, live } = started();
  await settled();
  net.peer().closesPolitely = false;
  net.peer().close(1012);
  await settled();
  expect(live.state).toBe("open");
  const sent = live.send("x");
  expect(live.socket).toBeUndefined();
  expect(live.queued).toBe(1);
  // The server keeps the connection, until closeTimeout.
  await net.clock.advance(5_000);
  await settled();
  await net.clock.advance(30_000);
  await sent;
  await settled();
  expect(net.peer(1).texts).toEqual(["x"]);
});

describe("a connection that ends without a goodbye", () => {
  test("says why to onLost and, where it is the last, to the reader", async () => {
    const endings: SocketEnding[] = [];
    const { net, live } = started({ reconnect: { attempts: 0 }, onLost: (ending) => endings.push(ending) });
    const reading = read(live, []);
    await settled();
    await lose(net);
    const why = { code: "websocket/lost", closeCode: 1006 };
    expect(await reading).toMatchObject(why);
    expect(endings).toMatchObject([{ code: 1006, wasClean: false, error: why }]);
    expect((await live.closed).error).toBeInstanceOf(WebSocketClosedError);
  });

  test("though we said one ends the loop quietly", async () => {
    const { net, live } = started();
    const reading = read(live, []);
    await settled();
    net.peer().closesPolitely = false;
    const closed = live.close();
    await settled();
    await net.clock.advance(5_000);
    expect(await closed).toMatchObject({ code: 1006, error: { code: "websocket/close-timeout" } });
    expect(await reading).toBe("ended");
  });
});
