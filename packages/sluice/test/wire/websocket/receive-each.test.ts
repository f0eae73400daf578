import { describe, expect, it } from "vitest";
import { WebSocketClosedError } from "../../../src/errors.js";
import type { Message } from "../../../src/wire/websocket/inbox.js";
import type { MessageLoop } from "../../../src/wire/websocket/message-loop.js";
import { BINARY, CLOSE, CONTINUATION, closing, FIN, Linked, TEXT, turns } from "./websocket-setup.js";

const texts = (linked: Linked, ...words: string[]) => words.map((word) => linked.peerFrame(FIN | TEXT, word));

describe("receiveEach", () => {
  it("gives every message once and in order: those that came before, with one packet, and one by one", async () => {
    const linked = new Linked();
    const got: Message[] = [];
    linked.packets(...texts(linked, "before", "and"));
    const over = linked.socket.receiveEach((message) => got.push(message));
    expect(got).toEqual(["before", "and"]);
    linked.packets(Buffer.concat([...texts(linked, "a", "b"), linked.peerFrame(FIN | BINARY, Uint8Array.of(7))]));
    await turns();
    for (const one of texts(linked, "c", "d")) linked.packets(one);
    await turns();
    expect(got).toEqual(["before", "and", "a", "b", Uint8Array.of(7), "c", "d"]);
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)), { end: true });
    await expect(over).resolves.toBeUndefined();
  });

  it("waits for the promise of one before it gives the next, and reading stops meanwhile when much is kept", async () => {
    const linked = new Linked({ maxQueuedBytes: 1024 });
    const got: Message[] = [];
    const going: (() => void)[] = [];
    void linked.socket.receiveEach((message) => {
      got.push(String(message).slice(0, 1));
      return new Promise<void>((resolve) => going.push(resolve));
    });
    linked.packets(...texts(linked, "a", "b".repeat(2_000), "c"));
    await turns();
    expect(got).toEqual(["a"]);
    expect(linked.transport.paused).toBe(true);
    going[0]?.();
    await turns();
    expect(got).toEqual(["a", "b"]);
    going[1]?.();
    await turns();
    expect(got).toEqual(["a", "b", "c"]);
    expect(linked.transport.paused).toBe(false);
  });

  it("waits for anything with a `then`, as await does", async () => {
    const linked = new Linked();
    const got: Message[] = [];
    let goOn: (() => void) | undefined;
    void linked.socket.receiveEach((message) => {
      got.push(message);
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      return { then: (resolve: () => void) => (goOn = resolve) };
    });
    linked.packets(...texts(linked, "a", "b"));
    await turns();
    expect(got).toEqual(["a"]);
    goOn?.();
    await turns();
    expect(got).toEqual(["a", "b"]);
  });

  it.each([
    ["throws", () => expect.fail("no")],
    ["rejects", () => Promise.reject(new Error("no"))],
  ])(
    "ends with what the function %s, takes nothing more, and leaves the connection as it is",
    async (_how, listener) => {
      const linked = new Linked();
      const over = linked.socket.receiveEach(listener);
      linked.packets(...texts(linked, "a", "b"));
      await expect(over).rejects.toThrow("no");
      expect(linked.socket.state).toBe("open");
      expect(await linked.socket.receive()).toBe("b");
    },
  );

  it("rejects when the connection breaks off, after what had come was given", async () => {
    const linked = new Linked();
    const got: Message[] = [];
    const over = linked.socket.receiveEach((message) => got.push(message));
    linked.packets(...texts(linked, "last"), { error: new Error("reset") });
    await expect(over).rejects.toBeInstanceOf(WebSocketClosedError);
    expect(got).toEqual(["last"]);
  });

  it("resolves at once on a connection that has closed well, and rejects on one that has not", async () => {
    const closed = new Linked();
    closed.packets(...texts(closed, "kept"), closed.peerFrame(FIN | CLOSE, closing(1001)), { end: true });
    await closed.socket.closed;
    const got: Message[] = [];
    await closed.socket.receiveEach((message) => got.push(message));
    expect(got).toEqual(["kept"]);
    const lost = new Linked();
    lost.packets({ error: new Error("reset") });
    await expect(lost.socket.receiveEach(() => undefined)).rejects.toBeInstanceOf(WebSocketClosedError);
  });

  it("lets its function close the connection in the midst of what one packet brought", async () => {
    const linked = new Linked();
    const got: Message[] = [];
    const over = linked.socket.receiveEach((message) => {
      got.push(message);
      if (message === "stop") linked.socket.terminate();
    });
    linked.packets(Buffer.concat(texts(linked, "go", "stop", "on")));
    await expect(over).rejects.toBeInstanceOf(WebSocketClosedError);
    expect(got).toEqual(["go", "stop", "on"]);
  });

  it("shares with other readers: who began to wait first is given the first", async () => {
    const linked = new Linked();
    const got: Message[] = [];
    const first = linked.socket.receive();
    void linked.socket.receiveEach((message) => got.push(message));
    linked.packets(...texts(linked, "a", "b"));
    expect(await first).toBe("a");
    await turns();
    expect(got).toEqual(["b"]);
  });

  it("gives whole messages where another reader has asked for streams", async () => {
    const linked = new Linked();
    linked.socket.streams();
    const got: Message[] = [];
    void linked.socket.receiveEach((message) => got.push(message));
    linked.packets(linked.peerFrame(TEXT, "in "), linked.peerFrame(FIN | CONTINUATION, "parts"));
    linked.packets(...texts(linked, "next"));
    await turns();
    await turns();
    expect(got).toEqual(["in parts", "next"]);
  });

  it("tells a follower in place of a promise, at once if it is over; a failure that it is told is nobody else's", async () => {
    const unheard: unknown[] = [];
    const onUnheard = (error: unknown) => void unheard.push(error);
    process.on("unhandledRejection", onUnheard);
    const told: unknown[] = [];
    const follower = { onLoopEnd: () => told.push("end"), onLoopFail: (error: unknown) => told.push(String(error)) };
    const follow = (loop: Promise<undefined>) => (loop as MessageLoop<Message, Message>).follow(follower);
    const linked = new Linked();
    linked.packets(...texts(linked, "kept"));
    follow(linked.socket.receiveEach(() => expect.fail("early")));
    follow(linked.socket.receiveEach(() => undefined));
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)), { end: true });
    await turns();
    await new Promise(setImmediate);
    process.off("unhandledRejection", onUnheard);
    expect(told).toEqual([expect.stringContaining("early"), "end"]);
    expect(unheard).toEqual([]);
  });

  it("is heard of when it fails and nobody has asked for its outcome, as any promise is", async () => {
    const unheard: unknown[] = [];
    const mine = new Error("unheard");
    // Vitest's own listeners would take it for a fault of the test.
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (error) => void unheard.push(error));
    const linked = new Linked();
    void linked.socket.receiveEach(() => Promise.reject(mine));
    linked.packets(...texts(linked, "a"));
    await turns();
    await new Promise(setImmediate);
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
    expect(unheard).toEqual([mine]);
  });

  it("is a promise: then, catch and finally, and it says what it is", async () => {
    const linked = new Linked();
    const loop = linked.socket.receiveEach(() => undefined);
    const seen: unknown[] = [];
    const all = Promise.all([
      loop.then((value) => seen.push(value)),
      loop.catch(() => seen.push("caught")),
      loop.finally(() => seen.push("finally")),
    ]);
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)), { end: true });
    await all;
    expect(seen).toEqual([undefined, "finally"]);
    expect(String(loop)).toBe("[object MessageLoop]");
  });
});
