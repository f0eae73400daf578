import { describe, expect, it } from "vitest";
import { UsageError, WebSocketClosedError } from "../../../src/errors.js";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closing,
  FIN,
  frame,
  Linked,
  PING,
  pair,
  TEXT,
  turns,
} from "./websocket-setup.js";

const CLEAN = { code: 1000, reason: "", wasClean: true };

describe("closing handshake, begun by the peer", () => {
  it("is answered with the same code, and a server ends its side of the connection first (RFC 6455 §7.1.1)", async () => {
    const linked = open();
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(4321, "because")));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(4321))]);
    expect(linked.transport.ended).toBe(true);
    expect(socket.state).toBe("closing");
    expect([socket.closeCode, socket.closeReason]).toEqual([4321, "because"]);
    linked.packets({ end: true });
    expect(await socket.closed).toEqual({ code: 4321, reason: "because", wasClean: true });
    expect(socket.state).toBe("closed");
    expect(linked.ends).toEqual([{ code: 4321, reason: "because", wasClean: true }]);
    expect(linked.clock.armedCount).toBe(0);
  });

  it("without a code is answered without one, and is 1005", async () => {
    const linked = open();
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | CLOSE));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE)]);
    expect(socket.closeCode).toBe(1005);
  });

  it("a client waits for the server to end the connection, and ends it then", async () => {
    const linked = open("client");
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)));
    expect(await linked.sent()).toEqual([frame("client", FIN | CLOSE, closing(1000))]);
    expect(linked.transport.ended).toBe(false);
    linked.packets({ end: true });
    expect(await socket.closed).toEqual(CLEAN);
  });

  it("a client that waits in vain breaks off when closeTimeout has passed: the end stays clean", async () => {
    const linked = open("client", { closeTimeout: 2_000 });
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)));
    linked.clock.advance(1_999);
    expect(linked.transport.destroyed).toBe(false);
    linked.clock.advance(1);
    expect(linked.transport.destroyed).toBe(true);
    expect(await socket.closed).toEqual(CLEAN);
  });

  it("nothing behind the close frame counts, in the same packet or later", async () => {
    const linked = open();
    const { socket } = linked;
    const close = linked.peerFrame(FIN | CLOSE, closing(1000));
    const late = linked.peerFrame(FIN | TEXT, "late");
    linked.packets(Buffer.concat([linked.peerFrame(FIN | TEXT, "before"), close, late]), late, Buffer.from("garbage"));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1000))]);
    linked.packets({ end: true });
    expect(await all(socket)).toEqual(["before"]);
  });

  it("what waits to be sent is refused, what was sent goes first", async () => {
    const linked = open();
    const { socket } = linked;
    void socket.send("sent");
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1001)));
    await expect(socket.send("too late")).rejects.toMatchObject({ code: "websocket/closed", closeCode: 1001 });
    expect((await linked.sent()).join("")).toBe(
      frame("server", FIN | TEXT, "sent") + frame("server", FIN | CLOSE, closing(1001)),
    );
  });
});

describe("closing handshake, begun by us", () => {
  it.each(["server", "client"] as const)(
    "a %s sends its frame behind what it has sent, and resolves with the answer",
    async (role) => {
      const linked = open(role);
      const { socket } = linked;
      void socket.send("last");
      const closed = socket.close(4000, "done");
      expect(socket.state).toBe("closing");
      await expect(socket.send("too late")).rejects.toThrow(WebSocketClosedError);
      const frames = frame(role, FIN | TEXT, "last") + frame(role, FIN | CLOSE, closing(4000, "done"));
      expect((await linked.sent()).join("")).toBe(frames);
      linked.packets(linked.peerFrame(FIN | CLOSE, closing(4000)));
      expect(linked.transport.ended).toBe(role === "server");
      linked.packets({ end: true });
      await closed;
      expect(await socket.closed).toEqual({ code: 4000, reason: "", wasClean: true });
      expect(await linked.sent()).toEqual([]);
    },
  );

  it("drops messages that come meanwhile, and keeps those that came before", async () => {
    const linked = open();
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | TEXT, "before"));
    void socket.close();
    linked.packets(linked.peerFrame(FIN | TEXT, "after"), linked.peerFrame(TEXT, "half"));
    linked.packets(linked.peerFrame(FIN | CONTINUATION, "half"), linked.peerFrame(FIN | CLOSE, closing(1000)), {
      end: true,
    });
    expect(await all(socket)).toEqual(["before"]);
  });

  it("from both sides at once ends well for both", async () => {
    const { client, server } = pair();
    await Promise.all([client.close(4001), server.close(4002)]);
    expect(await client.closed).toEqual({ code: 4002, reason: "", wasClean: true });
    expect(await server.closed).toEqual({ code: 4001, reason: "", wasClean: true });
  });

  it("a peer that never answers is left when closeTimeout has passed: 1006", async () => {
    const linked = open("server", { closeTimeout: 100 });
    const { socket } = linked;
    const closed = socket.close();
    const receiving = socket.receive();
    receiving.catch(() => undefined);
    linked.clock.advance(99);
    expect(linked.transport.destroyed).toBe(false);
    linked.clock.advance(1);
    await closed;
    expect(await socket.closed).toEqual({ code: 1006, reason: "", wasClean: false });
    await expect(receiving).rejects.toMatchObject({ code: "websocket/close-timeout", closeCode: 1006 });
  });

  it("goes on while the peer still sends, though a full inbox had stopped the reading", async () => {
    const linked = open("server", { maxQueuedBytes: 10 });
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | BINARY, new Uint8Array(100)));
    expect(linked.transport.paused).toBe(true);
    void socket.close();
    expect(linked.transport.paused).toBe(false);
    linked.packets(linked.peerFrame(FIN | BINARY, new Uint8Array(100)), linked.peerFrame(FIN | CLOSE, closing(1000)), {
      end: true,
    });
    expect(await socket.closed).toEqual(CLEAN);
  });

  it("again waits for the same end, after the end at once", async () => {
    const { client, server } = pair();
    await Promise.all([client.close(), client.close(1001), server.closed]);
    await client.close();
    expect(client.closeCode).toBe(1000);
  });

  it.each([
    [999, ""],
    [1004, ""],
    [1005, ""],
    [1006, ""],
    [1015, ""],
    [2999, ""],
    [5000, ""],
    [1000.5, ""],
    [1000, "x".repeat(124)],
    [1000, "ü".repeat(62)],
  ])("refuses the code %d with a reason of %j", async (code, reason) => {
    const linked = open();
    const { socket } = linked;
    await expect(socket.close(code, reason)).rejects.toThrow(UsageError);
    expect(socket.state).toBe("open");
  });

  it("sends no code for null, for which there is no reason either", async () => {
    const linked = open();
    const { socket } = linked;
    await expect(socket.close(null, "why")).rejects.toMatchObject({ code: "websocket/bad-close" });
    expect(socket.state).toBe("open");
    const closed = socket.close(null);
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE)]);
    linked.packets(linked.peerFrame(FIN | CLOSE), { end: true });
    await closed;
    expect(await socket.closed).toEqual({ code: 1005, reason: "", wasClean: true });
  });

  it("sends a reason of 123 bytes", async () => {
    const linked = open();
    const { socket } = linked;
    void socket.close(1000, "x".repeat(123));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1000, "x".repeat(123)))]);
  });
});

describe("an end without a handshake", () => {
  it("by FIN is 1006 for everybody who waits", async () => {
    const linked = open();
    const { socket } = linked;
    const receiving = socket.receive();
    const pinging = socket.ping();
    const iterating = all(socket);
    for (const waiting of [receiving, pinging, iterating]) waiting.catch(() => undefined);
    const { signal } = socket;
    linked.packets({ end: true });
    await turns();
    for (const waiting of [receiving, pinging, iterating]) {
      await expect(waiting).rejects.toMatchObject({ code: "websocket/lost", closeCode: 1006 });
    }
    expect(signal.aborted).toBe(true);
    expect(linked.clock.armedCount).toBe(0);
  });

  it("by a reset has the reset for its cause", async () => {
    const linked = open();
    const { socket } = linked;
    linked.packets({ error: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) });
    await expect(socket.receive()).rejects.toMatchObject({ closeCode: 1006, cause: { code: "ECONNRESET" } });
    await expect(socket.send("x")).rejects.toMatchObject({ closeCode: 1006, code: "websocket/lost" });
  });

  it("terminate() ends it at once, and says so", async () => {
    const { client, server } = pair();
    client.terminate();
    await expect(client.receive()).rejects.toMatchObject({ code: "websocket/terminated", closeCode: 1006 });
    await expect(server.receive()).rejects.toMatchObject({ closeCode: 1006 });
  });

  it("after our close frame is 1006 as well", async () => {
    const linked = open();
    const { socket } = linked;
    void socket.close();
    linked.packets({ end: true });
    expect(await socket.closed).toEqual({ code: 1006, reason: "", wasClean: false });
  });
});

describe("a peer that breaks the rules", () => {
  it.each([
    ["an unmasked frame", "server", Buffer.from("8100", "hex"), 1002, "unmasked-frame"],
    ["a masked frame", "client", Buffer.from("818037fa213d", "hex"), 1002, "masked-frame"],
    ["a reserved bit", "client", Buffer.from("c100", "hex"), 1002, "reserved-bits"],
    ["an unknown opcode", "client", Buffer.from("8300", "hex"), 1002, "unknown-opcode"],
    ["text that is not UTF-8", "client", Buffer.from("8101ff", "hex"), 1007, "text-invalid"],
    ["half a character at the end of a message", "client", Buffer.from("8101c3", "hex"), 1007, "text-invalid"],
    [
      "a close frame with a code that is never sent",
      "client",
      Buffer.from("880203ed", "hex"),
      1002,
      "close-code-invalid",
    ],
  ] as const)("by %s at a %s is told why, and that is the end", async (_what, role, bytes, code, word) => {
    const linked = open(role);
    const { socket } = linked;
    const receiving = socket.receive();
    receiving.catch(() => undefined);
    linked.packets(bytes, linked.peerFrame(FIN | TEXT, "more"));
    expect(await linked.sent()).toEqual([frame(role, FIN | CLOSE, closing(code, word))]);
    expect(linked.transport.ended).toBe(true);
    expect([socket.closeCode, socket.state]).toEqual([code, "closing"]);
    await expect(socket.send("x")).rejects.toMatchObject({ code: `websocket/${word}`, closeCode: code });
    linked.packets({ end: true });
    expect(await socket.closed).toEqual({ code, reason: word, wasClean: false });
    await expect(receiving).rejects.toMatchObject({ code: `websocket/${word}`, closeCode: code });
  });

  it("and then keeps the connection is left when closeTimeout has passed", async () => {
    const linked = open();
    const { socket } = linked;
    linked.packets(Buffer.from("8100", "hex"));
    linked.clock.advance(5_000);
    expect((await socket.closed).code).toBe(1002);
  });

  it("keeps what came before, and the pongs it is owed", async () => {
    const linked = open();
    const { socket } = linked;
    const good = [linked.peerFrame(FIN | TEXT, "good"), linked.peerFrame(FIN | PING, "p")];
    linked.packets(Buffer.concat([...good, Buffer.from("8100", "hex")]), { end: true });
    await turns();
    expect(await socket.receive()).toBe("good");
    await expect(socket.receive()).rejects.toMatchObject({ code: "websocket/unmasked-frame" });
  });
});

describe("maxMessageSize", () => {
  it("takes a message of exactly that, in one frame and in several", async () => {
    const linked = open("server", { maxMessageSize: 5 });
    const { socket } = linked;
    linked.packets(
      linked.peerFrame(FIN | TEXT, "12345"),
      linked.peerFrame(TEXT, "123"),
      linked.peerFrame(FIN | CONTINUATION, "45"),
    );
    expect([await socket.receive(), await socket.receive()]).toEqual(["12345", "12345"]);
  });

  it.each([false, true])("ends the connection with 1009 at one byte more; in fragments: %s", async (fragments) => {
    const linked = open("server", { maxMessageSize: 5 });
    const { socket } = linked;
    if (fragments) linked.packets(linked.peerFrame(TEXT, "123"), linked.peerFrame(FIN | CONTINUATION, "456"));
    else linked.packets(linked.peerFrame(FIN | TEXT, "123456").subarray(0, 6));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1009, "message-too-large"))]);
    expect(socket.closeCode).toBe(1009);
  });

  it("takes anything when it is Infinity", async () => {
    const linked = open("server", { maxMessageSize: Number.POSITIVE_INFINITY });
    const { socket } = linked;
    linked.packets(linked.peerFrame(FIN | BINARY, new Uint8Array(3_000_000)));
    expect((await socket.receive()).length).toBe(3_000_000);
  });
});

function open(role: "client" | "server" = "server", options = {}): Linked {
  return new Linked(options, { role });
}

async function all(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const message of messages) got.push(message);
  return got;
}
