import { describe, expect, it } from "vitest";
import { WebSocketClosedError } from "../../../src/errors.js";
import type { Message } from "../../../src/wire/websocket/inbox.js";
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
});
