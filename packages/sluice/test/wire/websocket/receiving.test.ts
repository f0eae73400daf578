import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PayloadError, RequestTimeoutError, ValidationError } from "../../../src/errors.js";
import { MessageIntake } from "../../../src/wire/websocket/message-intake.js";
import { BINARY, CONTINUATION, FIN, frame, Linked, PING, PONG, TEXT, turns } from "./websocket-setup.js";

describe("messages", () => {
  it("are the same at every split point of the bytes, for both roles", async () => {
    for (const role of ["server", "client"] as const) {
      const wire = (linked: Linked) =>
        Buffer.concat([
          linked.peerFrame(TEXT, "Grüße, "),
          linked.peerFrame(FIN | PING, "p"),
          linked.peerFrame(CONTINUATION, ""),
          linked.peerFrame(FIN | CONTINUATION, "€ 😀"),
          linked.peerFrame(FIN | BINARY, Uint8Array.of(0, 255)),
          linked.peerFrame(FIN | TEXT, ""),
        ]);
      const { length } = wire(new Linked({}, { role }));
      for (let cut = 0; cut <= length; cut += 1) {
        const linked = new Linked({}, { role }, { lends: true });
        const bytes = wire(linked);
        linked.packets(bytes.subarray(0, cut), bytes.subarray(cut));
        const { socket } = linked;
        const got = [await socket.receive(), await socket.receive(), await socket.receive()];
        expect(got, `cut at ${cut}`).toEqual(["Grüße, € 😀", Uint8Array.of(0, 255), ""]);
        expect(await linked.sent()).toEqual([frame(role, FIN | PONG, "p")]);
      }
    }
  });

  it("are the receiver's own bytes: not a Buffer, not lent, not a view into a packet", async () => {
    for (const lends of [false, true]) {
      const linked = new Linked({}, {}, { lends });
      const large = new Uint8Array(10_000).fill(5);
      linked.packets(
        Buffer.concat([linked.peerFrame(FIN | BINARY, "small"), linked.peerFrame(FIN | BINARY, large)]),
        linked.peerFrame(BINARY, large),
        linked.peerFrame(FIN | CONTINUATION, large),
      );
      const small = (await linked.socket.receive()) as Uint8Array;
      expect(Buffer.isBuffer(small)).toBe(false);
      expect(small.buffer.byteLength).toBe(5);
      expect(Buffer.from(small).toString()).toBe("small");
      for (const size of [10_000, 20_000]) {
        const whole = (await linked.socket.receive()) as Uint8Array;
        expect(Buffer.compare(whole, new Uint8Array(size).fill(5))).toBe(0);
      }
    }
  });

  it("that came behind the handshake are not lost", async () => {
    const first = new Linked();
    const early = first.peerFrame(FIN | TEXT, "early");
    const linked = new Linked();
    linked.packets(early);
    expect(await linked.socket.receive()).toBe("early");
  });

  it("go to those who wait in the order in which they began to", async () => {
    const linked = new Linked();
    const waiting = [linked.socket.receive(), linked.socket.receive(), linked.socket.receive()];
    linked.packets(...["a", "b", "c"].map((text) => linked.peerFrame(FIN | TEXT, text)));
    expect(await Promise.all(waiting)).toEqual(["a", "b", "c"]);
  });

  it("are shared by loops, and leaving a loop takes none away", async () => {
    const linked = new Linked();
    const { socket } = linked;
    const iterator = socket[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    linked.packets(linked.peerFrame(FIN | TEXT, "one"), linked.peerFrame(FIN | TEXT, "two"));
    for await (const message of socket) {
      expect(message).toBe("one");
      break;
    }
    expect(socket.state).toBe("open");
    expect(await socket.receive()).toBe("two");
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("can be asked for twice at once from one iterator", async () => {
    const linked = new Linked();
    const iterator = linked.socket[Symbol.asyncIterator]();
    const both = [iterator.next(), iterator.next()];
    linked.packets(linked.peerFrame(FIN | TEXT, "one"), linked.peerFrame(FIN | TEXT, "two"));
    expect((await Promise.all(both)).map(({ value }) => value)).toEqual(["one", "two"]);
  });
});

describe("a small piece of a message", () => {
  it("is copied though its packet is ours: many of them must not keep as many packets", () => {
    const owner = {
      steerReading: () => undefined,
      onLateFault: () => undefined,
      onPing: () => undefined,
      onPong: () => undefined,
      onPeerClose: () => undefined,
    };
    const intake = new MessageIntake(owner, 1_000_000, undefined);
    const packet = Buffer.alloc(8_192, "a");
    intake.onMessageStart(BINARY, false);
    intake.onData(packet.subarray(0, 4_095), false);
    packet.fill("b");
    intake.onData(packet.subarray(0, 4_096), false);
    packet.fill("c");
    intake.onMessageEnd();
    const message = Buffer.from(intake.inbox.take() as Uint8Array);
    expect(message.subarray(0, 4_095).equals(Buffer.alloc(4_095, "a"))).toBe(true);
    expect(message.length).toBe(4_095 + 4_096);
  });
});

describe("receive", () => {
  it("gives up after timeout, and the message that comes then is for the next one", async () => {
    const linked = new Linked();
    const waiting = linked.socket.receive({ timeout: 50 });
    waiting.catch(() => undefined);
    linked.clock.advance(49);
    await turns(1);
    linked.clock.advance(1);
    await expect(waiting).rejects.toThrow(RequestTimeoutError);
    await expect(waiting).rejects.toMatchObject({ code: "timeout.receive" });
    linked.packets(linked.peerFrame(FIN | TEXT, "late"));
    expect(await linked.socket.receive({ timeout: 50 })).toBe("late");
    const inTime = linked.socket.receive({ timeout: 50 });
    linked.packets(linked.peerFrame(FIN | TEXT, "in time"));
    expect(await inTime).toBe("in time");
    // The heartbeat's alone.
    expect(linked.clock.armedCount).toBe(1);
  });

  it("gives up with its signal, before or while it waits; others behind it go on", async () => {
    const linked = new Linked();
    const { socket } = linked;
    const controllers = [new AbortController(), new AbortController()];
    const waits = [undefined, ...controllers].map((controller) => socket.receive({ signal: controller?.signal }));
    const last = socket.receive();
    for (const wait of waits) wait.catch(() => undefined);
    for (const controller of controllers) controller.abort(new Error("enough"));
    await expect(waits[1]).rejects.toThrow("enough");
    await expect(waits[2]).rejects.toThrow("enough");
    await expect(socket.receive({ signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
    linked.packets(linked.peerFrame(FIN | TEXT, "one"), linked.peerFrame(FIN | TEXT, "two"));
    expect([await waits[0], await last]).toEqual(["one", "two"]);
  });

  it("gives what is kept after the end, then says how it ended, even of a peaceful end", async () => {
    const linked = new Linked();
    linked.packets(linked.peerFrame(FIN | TEXT, "kept"), linked.peerFrame(0x88, Buffer.from([3, 232])), { end: true });
    await turns();
    expect(await linked.socket.receive()).toBe("kept");
    await expect(linked.socket.receive()).rejects.toMatchObject({ code: "websocket/closed", closeCode: 1000 });
  });
});

describe("receiveJson", () => {
  const Point = z.object({ x: z.number(), y: z.number().default(0) });

  it("parses text and bytes, and lets a schema have its way", async () => {
    const linked = new Linked();
    linked.packets(linked.peerFrame(FIN | TEXT, '{"a":1}'), linked.peerFrame(FIN | BINARY, "[2]"));
    linked.packets(linked.peerFrame(FIN | TEXT, '{"x":1}'));
    expect(await linked.socket.receiveJson()).toEqual({ a: 1 });
    expect(await linked.socket.receiveJson<number[]>({ timeout: 10 })).toEqual([2]);
    const point = await linked.socket.receiveJson(Point, { timeout: 10 });
    expect(point).toEqual({ x: 1, y: 0 });
  });

  it("says what is wrong, and the next message can be received", async () => {
    const linked = new Linked();
    linked.packets(linked.peerFrame(FIN | TEXT, "{secret"), linked.peerFrame(FIN | TEXT, '{"x":"1"}'));
    linked.packets(linked.peerFrame(FIN | TEXT, "next"));
    const bad = await linked.socket.receiveJson().catch((error: unknown) => error);
    expect(bad).toBeInstanceOf(PayloadError);
    expect(String(bad)).not.toContain("secret");
    await expect(linked.socket.receiveJson(Point)).rejects.toThrow(ValidationError);
    expect(await linked.socket.receive()).toBe("next");
  });
});

describe("messages that nobody takes", () => {
  const sized = (linked: Linked, size: number) => linked.peerFrame(FIN | BINARY, new Uint8Array(size));

  it("are kept up to maxQueuedBytes; with more, reading stops until half of it was taken", async () => {
    const linked = new Linked({ maxQueuedBytes: 1_000 });
    const { socket, transport } = linked;
    linked.packets(sized(linked, 1_000 - 64));
    expect(transport.paused).toBe(false);
    linked.packets(sized(linked, 0));
    expect(transport.paused).toBe(true);
    linked.packets(sized(linked, 1), sized(linked, 2));
    expect(JSON.stringify(socket)).toContain('"kept":2');
    await socket.receive();
    expect(transport.paused).toBe(false);
    linked.transport.flush();
    expect((await socket.receive()).length).toBe(0);
    expect((await socket.receive()).length).toBe(1);
    expect((await socket.receive()).length).toBe(2);
  });

  it("stop the reading in the middle of a packet, so that many small ones are bounded too", async () => {
    const linked = new Linked({ maxQueuedBytes: 640 });
    const empty = linked.peerFrame(FIN | TEXT, "");
    linked.packets(Buffer.concat(new Array<Buffer>(5_000).fill(empty)));
    const { socket } = linked;
    expect(JSON.parse(JSON.stringify(socket)).kept).toBe(11);
    for (let taken = 0; taken < 5_000; taken += 1) expect(await socket.receive()).toBe("");
    expect(linked.transport.paused).toBe(false);
  });

  it("are not limited when maxQueuedBytes is Infinity, and 0 keeps one", async () => {
    const free = new Linked({ maxQueuedBytes: Number.POSITIVE_INFINITY });
    for (let count = 0; count < 100; count += 1) free.packets(sized(free, 100_000));
    expect(free.transport.paused).toBe(false);
    const tight = new Linked({ maxQueuedBytes: 0 });
    tight.packets(sized(tight, 0));
    expect(tight.transport.paused).toBe(true);
    await tight.socket.receive();
    expect(tight.transport.paused).toBe(false);
  });

  it("stop the reading while one is put together that nobody waits for, and not when somebody does", async () => {
    const linked = new Linked({ maxQueuedBytes: 1_000, maxMessageSize: Number.POSITIVE_INFINITY });
    linked.packets(linked.peerFrame(BINARY, new Uint8Array(1_001)));
    expect(linked.transport.paused).toBe(true);
    const waiting = linked.socket.receive();
    expect(linked.transport.paused).toBe(false);
    linked.packets(linked.peerFrame(FIN | CONTINUATION, new Uint8Array(5_000)));
    expect((await waiting).length).toBe(6_001);
  });
});

describe("inspect", () => {
  it("shows the state and nothing of messages, peers or reasons", async () => {
    const linked = new Linked({}, { protocol: "v1", extensions: "permessage-deflate" });
    linked.packets(linked.peerFrame(FIN | TEXT, "secret"));
    const { inspect } = await import("node:util");
    const shown = inspect(linked.socket);
    expect(shown).toMatch(/^WebSocketConnection \{/);
    expect(shown).toContain("state: 'open'");
    expect(shown).toContain("protocol: 'v1'");
    expect(shown).toContain("kept: 1");
    expect(shown).not.toContain("secret");
  });
});
