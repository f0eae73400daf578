import { describe, expect, it } from "vitest";
import type { MessageStream } from "../../../src/wire/websocket/message-stream.js";
import { BINARY, CONTINUATION, FIN, Linked, pair, TEXT, turns } from "./websocket-setup.js";

describe("streams()", () => {
  it("gives a message when it begins, and its parts as they come", async () => {
    const linked = new Linked();
    const streams = linked.socket.streams();
    linked.packets(linked.peerFrame(BINARY, "first"));
    const message = await next(streams);
    expect(message.type).toBe("binary");
    const parts = message[Symbol.asyncIterator]();
    expect(text((await parts.next()).value)).toBe("first");
    const waiting = parts.next();
    const second = linked.peerFrame(CONTINUATION, "second");
    linked.packets(second.subarray(0, 9));
    expect(text((await waiting).value)).toBe("sec");
    // A message within a message.
    linked.packets(second.subarray(9), linked.peerFrame(FIN | TEXT, "x"), { end: true });
    expect(text((await parts.next()).value)).toBe("ond");
    await expect(parts.next()).rejects.toMatchObject({ closeCode: 1002 });
  });

  it("gives text as strings that end between characters, the same at every split point", async () => {
    const linked = new Linked();
    const whole = "aé€😀z";
    const wire = Buffer.concat([linked.peerFrame(TEXT, "aé"), linked.peerFrame(FIN | CONTINUATION, "€😀z")]);
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const one = new Linked({}, {}, { lends: true });
      const streams = one.socket.streams();
      one.packets(wire.subarray(0, cut), wire.subarray(cut));
      const message = await next(streams);
      expect(message.type).toBe("text");
      let got = "";
      for await (const part of message) {
        expect(part).not.toContain("\ufffd");
        got += part;
      }
      expect(got, `cut at ${cut}`).toBe(whole);
    }
  });

  it("goes on with a message that had begun, and with messages that were kept", async () => {
    const linked = new Linked();
    linked.packets(
      linked.peerFrame(FIN | TEXT, "kept"),
      linked.peerFrame(TEXT, "be"),
      linked.peerFrame(CONTINUATION, "gu"),
    );
    const streams = linked.socket.streams();
    linked.packets(linked.peerFrame(FIN | CONTINUATION, "n"));
    expect(await (await next(streams)).whole()).toBe("kept");
    expect(await (await next(streams)).whole()).toBe("begun");
  });

  it("drops the rest of a message that is left, or not read at all, when the next one is asked for", async () => {
    const linked = new Linked();
    const streams = linked.socket.streams();
    linked.packets(linked.peerFrame(BINARY, "left"), linked.peerFrame(CONTINUATION, "!"));
    for await (const part of await next(streams)) {
      expect(text(part)).toBe("left");
      break;
    }
    linked.packets(linked.peerFrame(FIN | CONTINUATION, "rest"), linked.peerFrame(FIN | TEXT, "unread"));
    await next(streams);
    linked.packets(linked.peerFrame(FIN | TEXT, "third"));
    expect(await (await next(streams)).whole()).toBe("third");
  });

  it("holds no more than maxQueuedBytes and a packet of a message of any size", async () => {
    const linked = new Linked({ maxMessageSize: Number.POSITIVE_INFINITY, maxQueuedBytes: 10_000 });
    const streams = linked.socket.streams();
    const size = 2_000_000;
    const frame = linked.peerFrame(FIN | BINARY, new Uint8Array(size));
    const packets: Buffer[] = [];
    for (let at = 0; at < frame.length; at += 5_000) packets.push(frame.subarray(at, at + 5_000));
    linked.packets(...packets);
    expect(linked.transport.paused).toBe(true);
    let total = 0;
    let pauses = 0;
    for await (const part of await next(streams)) {
      total += part.length;
      if (linked.transport.paused) pauses += 1;
      else linked.transport.flush();
    }
    expect(total).toBe(size);
    expect(pauses).toBeGreaterThan(50);
    expect(linked.transport.paused).toBe(false);
  });

  it("count what came in one piece as well, and let it go when it is taken", async () => {
    const linked = new Linked({ maxQueuedBytes: 10_000 });
    const streams = linked.socket.streams();
    const packets = Array.from({ length: 10 }, () => linked.peerFrame(FIN | BINARY, new Uint8Array(3_000)));
    linked.packets(...packets);
    // Three fit, each with the 64 bytes that keeping one costs, and one more.
    expect(linked.transport.paused).toBe(true);
    expect(linked.socket.queuedBytes).toBe(4 * 3_064);
    for (let taken = 0; taken < 10; taken += 1) {
      expect(await (await next(streams)).whole()).toHaveLength(3_000);
      if (!linked.transport.paused) linked.transport.flush();
    }
    expect(linked.socket.queuedBytes).toBe(0);
    expect(linked.transport.paused).toBe(false);
  });

  it("of a message that never ends throw how the connection ended, after what has come", async () => {
    const linked = new Linked();
    const streams = linked.socket.streams();
    linked.packets(linked.peerFrame(TEXT, "half"), { end: true });
    const message = await next(streams);
    await turns();
    const parts = message[Symbol.asyncIterator]();
    expect((await parts.next()).value).toBe("half");
    await expect(parts.next()).rejects.toMatchObject({ code: "websocket/lost" });
    await expect(streams.next()).rejects.toMatchObject({ code: "websocket/lost" });
  });

  it("drop a message that is under way when we close, and keep nothing of it that comes afterwards", async () => {
    const linked = new Linked({ maxMessageSize: Number.POSITIVE_INFINITY });
    const streams = linked.socket.streams();
    linked.packets(linked.peerFrame(BINARY, "had come"));
    const message = await next(streams);
    void linked.socket.close();
    for (let count = 0; count < 10; count += 1) {
      linked.packets(linked.peerFrame(CONTINUATION, new Uint8Array(1_000_000)));
    }
    const parts = message[Symbol.asyncIterator]();
    expect(text((await parts.next()).value)).toBe("had come");
    await expect(parts.next()).rejects.toMatchObject({ code: "websocket/closed", closeCode: 1000 });
    expect(linked.transport.paused).toBe(false);
  });

  it("end quietly with the connection, and leave whole messages to receive() and loops", async () => {
    const { client, server } = pair();
    const streams = server.streams();
    await client.send("one");
    await client.sendStream(["two", "2"]);
    await client.sendStream([Uint8Array.of(3), Uint8Array.of(4)]);
    expect(await (await next(streams)).whole()).toBe("one");
    await streams.return?.();
    expect(await server.receive()).toBe("two2");
    const closing = client.close();
    const rest: unknown[] = [];
    for await (const message of server) rest.push(message);
    expect(rest).toEqual([Uint8Array.of(3, 4)]);
    expect(await server.streams().next()).toEqual({ done: true, value: undefined });
    await closing;
  });
});

async function next(streams: AsyncIterator<MessageStream, undefined>): Promise<MessageStream> {
  const { value } = await streams.next();
  if (value === undefined) throw new Error("No message came");
  return value;
}

function text(part: unknown): string {
  return typeof part === "string" ? part : Buffer.from(part as Uint8Array).toString();
}
