import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { prepareMessage } from "../../../src/wire/websocket/prepared-message.js";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closing,
  FIN,
  frame,
  Linked,
  PING,
  PONG,
  pair,
  TEXT,
  turns,
} from "./websocket-setup.js";

const ROLES = ["server", "client"] as const;

describe("send", () => {
  it.each(ROLES)("writes each length as a %s does", async (role) => {
    for (const length of [0, 1, 125, 126, 2_048, 2_049, 65_535, 65_536, 70_000]) {
      const linked = new Linked({}, { role });
      const text = "x".repeat(length);
      void linked.socket.send(text);
      expect((await linked.sent()).join("")).toBe(frame(role, FIN | TEXT, text));
      const bytes = new Uint8Array(length).fill(9);
      void linked.socket.send(bytes);
      expect((await linked.sent()).join("")).toBe(frame(role, FIN | BINARY, bytes));
    }
  });

  it.each(ROLES)("sends text that is not ASCII as UTF-8, as a %s", async (role) => {
    for (const text of ["ü", "€".repeat(40), "😀".repeat(700), "ü".repeat(70_000), "\ud800"]) {
      const linked = new Linked({}, { role });
      void linked.socket.send(text);
      expect((await linked.sent()).join("")).toBe(frame(role, FIN | TEXT, text));
    }
  });

  it("takes bytes in any of their forms", async () => {
    const linked = new Linked();
    const buffer = Uint8Array.of(1, 2, 3, 4).buffer;
    for (const bytes of [buffer, new DataView(buffer, 1, 2), new Uint16Array(buffer), Buffer.from(buffer)]) {
      void linked.socket.send(bytes);
    }
    const expected = ["01020304", "0203", "01020304", "01020304"].map((hex) => Buffer.from(hex, "hex"));
    expect(await linked.sent()).toEqual([expected.map((bytes) => frame("server", FIN | BINARY, bytes)).join("")]);
    for (const wrong of [1, null, undefined, {}, []]) {
      expect(() => linked.socket.send(wrong as never)).toThrow(UsageError);
      expect(() => prepareMessage(wrong as never)).toThrow(UsageError);
    }
    linked.socket.sendPrepared(prepareMessage(new Uint16Array(buffer)));
    expect(await linked.sent()).toEqual([frame("server", FIN | BINARY, Uint8Array.of(1, 2, 3, 4))]);
  });

  it("sends JSON, and refuses what has none", async () => {
    const linked = new Linked();
    void linked.socket.sendJson({ a: [1] });
    expect(await linked.sent()).toEqual([frame("server", FIN | TEXT, '{"a":[1]}')]);
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const none of [undefined, () => 1, Symbol("s"), 1n, cycle]) {
      expect(() => linked.socket.sendJson(none)).toThrow(UsageError);
    }
    expect(() => linked.socket.sendJson(undefined)).toThrow("Cannot send undefined as JSON: there is no text for it");
  });

  it("does not change what it was given, though a client's frames are masked", async () => {
    for (const size of [10, 100_000]) {
      const { client, server } = pair();
      const bytes = new Uint8Array(size).fill(1);
      await client.send(bytes);
      expect((await server.receive()).length).toBe(size);
      expect(Buffer.compare(bytes, new Uint8Array(size).fill(1))).toBe(0);
    }
  });

  it("resolves when there is room again, and bufferedAmount says how much waits", async () => {
    const linked = new Linked({}, {}, { highWaterMark: 1_000 });
    const { socket, transport } = linked;
    let drains = 0;
    socket.onDrain = () => {
      drains += 1;
    };
    const order: string[] = [];
    await socket.send("x").then(() => order.push("small"));
    await turns();
    const large = socket.send(new Uint8Array(100_000)).then(() => order.push("large"));
    const next = socket.send("next").then(() => order.push("next"));
    await turns();
    expect(order).toEqual(["small"]);
    expect(socket.bufferedAmount).toBeGreaterThan(100_000);
    transport.drain();
    await Promise.all([large, next]);
    expect(order).toEqual(["small", "large", "next"]);
    expect(drains).toBe(1);
    expect(socket.bufferedAmount).toBe(0);
  });

  it("in a loop that never leaves its turn is stopped by back-pressure", async () => {
    const linked = new Linked({}, {}, { highWaterMark: 64 * 1024 });
    let sent = 0;
    const loop = (async () => {
      for (;;) {
        await linked.socket.send(new Uint8Array(1_000));
        sent += 1;
      }
    })();
    loop.catch(() => undefined);
    await turns();
    expect(sent).toBeGreaterThan(32);
    expect(sent).toBeLessThan(200);
    linked.socket.terminate();
    await expect(loop).rejects.toMatchObject({ closeCode: 1006 });
  });

  it("on a connection that is gone, or goes, rejects; not to wait for it ends no process", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", note);
    try {
      const linked = new Linked({}, {}, { highWaterMark: 1 });
      const { socket } = linked;
      void socket.send("waits for room");
      await turns();
      void socket.send("too");
      void socket.sendStream(["never ", "complete"]);
      void socket.ping();
      void socket.receive();
      void socket.receiveJson();
      linked.packets({ error: new Error("gone") });
      void socket.send("dead");
      void socket.sendJson(1);
      void socket.receive();
      void socket.receiveJson();
      void socket.sendStream(["dead"]);
      void socket.ping();
      expect(socket.sendPrepared(prepareMessage("dead"))).toBe(false);
      await turns(10);
      await expect(socket.send("dead")).rejects.toMatchObject({ code: "websocket/lost" });
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(unhandled).toEqual([]);
  });

  it("stops waiting with its signal; what was aborted before is not sent", async () => {
    const linked = new Linked({}, {}, { highWaterMark: 1 });
    const { socket } = linked;
    await expect(socket.send("never", { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    void socket.send("fills");
    await turns();
    const controller = new AbortController();
    const waiting = socket.send("waits", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect((await linked.sent()).join("")).toBe(
      frame("server", FIN | TEXT, "fills") + frame("server", FIN | TEXT, "waits"),
    );
  });
});

describe("sendPrepared", () => {
  it.each(ROLES)("sends one message to many, in order with others, as a %s", async (role) => {
    const messages = [prepareMessage("tick"), prepareMessage(Uint8Array.of(7)), prepareMessage("x".repeat(9_000))];
    for (let count = 0; count < 3; count += 1) {
      const linked = new Linked({}, { role });
      void linked.socket.send("ü before");
      for (const message of messages) expect(linked.socket.sendPrepared(message)).toBe(true);
      void linked.socket.send("after");
      const expected = [
        frame(role, FIN | TEXT, "ü before"),
        frame(role, FIN | TEXT, "tick"),
        frame(role, FIN | BINARY, Uint8Array.of(7)),
        frame(role, FIN | TEXT, "x".repeat(9_000)),
        frame(role, FIN | TEXT, "after"),
      ];
      expect((await linked.sent()).join("")).toBe(expected.join(""));
    }
  });

  it("waits its turn behind a message that is sent in fragments", async () => {
    const linked = new Linked();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const streaming = linked.socket.sendStream(
      (async function* () {
        yield "a";
        await gate;
        yield "b";
      })(),
    );
    await turns();
    linked.socket.sendPrepared(prepareMessage("later"));
    open();
    await streaming;
    const expected = [
      frame("server", TEXT, "a"),
      frame("server", CONTINUATION, "b"),
      frame("server", FIN | CONTINUATION),
      frame("server", FIN | TEXT, "later"),
    ];
    expect((await linked.sent()).join("")).toBe(expected.join(""));
  });
});

describe("sendStream", () => {
  it("sends strings as text, bytes as a binary message, and either as asked for", async () => {
    const linked = new Linked();
    const { socket } = linked;
    await socket.sendStream(["a", "", "b"]);
    await socket.sendStream([Uint8Array.of(1)]);
    await socket.sendStream(["é"], { binary: true });
    await socket.sendStream([Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)], { binary: false });
    await socket.sendStream([]);
    const expected = [
      [TEXT, "a"],
      [CONTINUATION, "b"],
      [FIN | CONTINUATION, ""],
      [BINARY, Uint8Array.of(1)],
      [FIN | CONTINUATION, ""],
      [BINARY, "é"],
      [FIN | CONTINUATION, ""],
      [TEXT, Uint8Array.of(0xc3)],
      [CONTINUATION, Uint8Array.of(0xa9)],
      [FIN | CONTINUATION, ""],
      [FIN | TEXT, ""],
    ] as const;
    expect((await linked.sent()).join("")).toBe(expected.map(([first, data]) => frame("server", first, data)).join(""));
  });

  it("does not cut characters that lie in two strings", async () => {
    const linked = new Linked();
    await linked.socket.sendStream(["a\ud83d", "\ude00b", "\ud83d", "\ude00", "\ud800"]);
    const expected =
      frame("server", TEXT, "a") + frame("server", CONTINUATION, "😀b") + frame("server", CONTINUATION, "😀");
    expect((await linked.sent()).join("")).toBe(`${expected}${frame("server", FIN | CONTINUATION, "\ufffd")}`);
  });

  const [c3, a9] = [Uint8Array.of(0xc3), Uint8Array.of(0xa9)];

  it.each([
    ["a character in two pieces of bytes, nothing between them", ["a", c3, "", a9, "b"], "aéb"],
    ["half a character before bytes is none, and keeps its place", ["a\ud83d", c3, a9, "\ude00"], "a\ufffdé\ufffd"],
  ])("text of strings and bytes: %s", async (_name, parts, text) => {
    for (const binary of [false, true]) {
      const linked = new Linked();
      await linked.socket.sendStream(parts, { binary });
      const frames = (await linked.sent()).join("");
      // Lengths are of one octet, and a server's frames are not masked.
      let payload = "";
      for (let at = 0; at < frames.length; ) {
        const end = at + 4 + Number.parseInt(frames.slice(at + 2, at + 4), 16) * 2;
        payload += frames.slice(at + 4, end);
        at = end;
      }
      expect(Buffer.from(payload, "hex").toString("utf8")).toBe(text);
    }
  });

  it("text that goes on in a string before its bytes have made a character ends the connection", async () => {
    const linked = new Linked();
    const sending = linked.socket.sendStream(["a", c3, "b", a9]);
    await expect(sending).rejects.toMatchObject({ code: "websocket/bad-message" });
    expect(linked.socket.closeCode).toBe(1011);
    const expected = frame("server", TEXT, "a") + frame("server", CONTINUATION, c3);
    expect((await linked.sent()).join("")).toBe(
      expected + frame("server", FIN | CLOSE, closing(1011, "message-abandoned")),
    );
  });

  it("refuses what has no parts, and a whole message, on a connection that is gone too", async () => {
    for (const linked of [new Linked(), new Linked()]) {
      for (const wrong of ["abc", 5, null, undefined, {}, Uint8Array.of(1), new ArrayBuffer(1)]) {
        expect(() => linked.socket.sendStream(wrong as never)).toThrow(
          expect.objectContaining({ code: "websocket/bad-message" }),
        );
      }
      linked.socket.terminate();
    }
  });

  it("does not wait for its source when the connection ends", async () => {
    for (const begun of [true, false]) {
      const linked = new Linked();
      let left = 0;
      let go = (): void => undefined;
      const sending = linked.socket.sendStream(
        (async function* () {
          try {
            if (begun) yield "a";
            await new Promise<void>((resolve) => {
              go = resolve;
            });
            yield "b";
          } finally {
            left += 1;
          }
        })(),
      );
      await turns();
      linked.packets(linked.peerFrame(FIN | CLOSE, closing(1001)), { end: true });
      await expect(sending).rejects.toMatchObject({ code: "websocket/closed", closeCode: 1001 });
      go();
      await turns();
      expect(left).toBe(1);
      expect(linked.clock.armedCount).toBe(0);
    }
  });

  it("lets messages wait, and control frames go in between", async () => {
    const linked = new Linked();
    const { socket } = linked;
    const steps: (() => void)[] = [];
    const streaming = socket.sendStream(
      (async function* () {
        for (const text of ["a", "b"]) {
          yield text;
          await new Promise<void>((resolve) => steps.push(resolve));
        }
      })(),
    );
    const after = socket.send("after");
    const closed = socket.close();
    await turns();
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    linked.packets(linked.peerFrame(FIN | PING, "p"));
    for (const step of [0, 1]) {
      steps[step]?.();
      await turns();
    }
    await Promise.all([streaming, after]);
    const expected = [
      frame("server", TEXT, "a"),
      frame("server", FIN | PONG, "p"),
      frame("server", CONTINUATION, "b"),
      frame("server", FIN | CONTINUATION),
      frame("server", FIN | TEXT, "after"),
      frame("server", FIN | CLOSE, closing(1000)),
    ];
    expect((await linked.sent()).join("")).toBe(expected.join(""));
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000)), { end: true });
    await closed;
  });

  it("whose source fails ends the connection with 1011, once the message was begun", async () => {
    const linked = new Linked();
    const { socket } = linked;
    const failing = function* (begun: boolean) {
      if (begun) yield "a";
      throw new Error("source");
    };
    await expect(socket.sendStream(failing(false))).rejects.toThrow("source");
    expect(socket.state).toBe("open");
    await expect(socket.sendStream(failing(true))).rejects.toThrow("source");
    expect((await linked.sent()).join("")).toBe(
      frame("server", TEXT, "a") + frame("server", FIN | CLOSE, closing(1011, "message-abandoned")),
    );
    await expect(socket.send("x")).rejects.toMatchObject({ code: "websocket/message-abandoned", closeCode: 1011 });
  });

  it("stops with its signal, and leaves its source", async () => {
    const linked = new Linked();
    let left = 0;
    const controller = new AbortController();
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          left += 1;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const streaming = linked.socket.sendStream(source, { signal: controller.signal });
    const waiting = linked.socket.sendStream(["never"], { signal: controller.signal });
    await turns();
    controller.abort(new Error("enough"));
    await expect(streaming).rejects.toThrow("enough");
    await expect(waiting).rejects.toThrow("enough");
    expect(left).toBe(1);
    expect(linked.socket.state).toBe("open");
    await linked.socket.send("free");
    expect(await linked.sent()).toEqual([frame("server", FIN | TEXT, "free")]);
  });

  it("keeps pace with the transport", async () => {
    const linked = new Linked({}, {}, { highWaterMark: 1_000 });
    let asked = 0;
    const streaming = linked.socket.sendStream(
      (function* () {
        for (; asked < 100; asked += 1) yield new Uint8Array(100_000);
      })(),
    );
    for (let round = 1; round < 10; round += 1) {
      await turns();
      expect(asked).toBeLessThan(round + 2);
      linked.transport.drain();
    }
    linked.socket.terminate();
    await expect(streaming).rejects.toMatchObject({ closeCode: 1006 });
  });

  it("refuses parts that are neither, and text that is not UTF-8", async () => {
    const one = new Linked();
    await expect(one.socket.sendStream([1 as never])).rejects.toThrow(UsageError);
    expect(one.socket.state).toBe("open");
    const two = new Linked();
    await expect(two.socket.sendStream([Uint8Array.of(0xff)], { binary: false })).rejects.toThrow(UsageError);
    expect(two.socket.state).toBe("open");
    const three = new Linked();
    await expect(three.socket.sendStream([Uint8Array.of(0xc3)], { binary: false })).rejects.toThrow(UsageError);
    expect(three.socket.closeCode).toBe(1011);
  });
});

describe("any mixture of messages, fragments and pings from both sides", () => {
  const action = fc.oneof(
    fc.string({ maxLength: 300, unit: "grapheme" }).map((text) => ({ kind: "text", text }) as const),
    fc
      .oneof({ weight: 9, arbitrary: fc.nat(2_000) }, fc.constant(70_000))
      .map((size) => ({ kind: "bytes", size }) as const),
    fc.array(fc.string({ maxLength: 50 }), { maxLength: 5 }).map((parts) => ({ kind: "stream", parts }) as const),
    fc.constant({ kind: "ping" } as const),
    fc.constant({ kind: "turn" } as const),
  );
  const script = fc.array(fc.tuple(fc.boolean(), action), { maxLength: 30 });
  const wire = fc.record({ maxPieceSize: fc.constantFrom(101, 1_000, 65_536), lends: fc.boolean() });

  it("arrives whole and in order", async () => {
    await fc.assert(
      fc.asyncProperty(script, wire, fc.constantFrom(0, 1_000, 1_000_000), async (actions, memory, maxQueuedBytes) => {
        const { client, server } = pair(
          { maxQueuedBytes, maxMessageSize: 100_000 },
          { ...memory, highWaterMark: 10_000 },
        );
        const received = [collect(client), collect(server)];
        const expected: unknown[][] = [[], []];
        const work: Promise<unknown>[] = [];
        for (const [fromClient, step] of actions) {
          const [socket, to] = fromClient ? [client, expected[1]] : [server, expected[0]];
          if (step.kind === "turn") await turns(1);
          else if (step.kind === "ping") work.push(socket.ping());
          else if (step.kind === "text") work.push(socket.send(step.text)) && to?.push(step.text);
          else if (step.kind === "stream") {
            work.push(socket.sendStream(step.parts));
            to?.push(step.parts.join(""));
          } else {
            const bytes = new Uint8Array(step.size).fill(step.size);
            work.push(socket.send(bytes));
            to?.push(bytes);
          }
        }
        await Promise.all(work);
        await turns(2);
        // What the server has sent must be with the client before it stops listening.
        await server.ping();
        await client.close();
        expect(await Promise.all(received)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

async function collect(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const message of messages) got.push(message);
  return got;
}
