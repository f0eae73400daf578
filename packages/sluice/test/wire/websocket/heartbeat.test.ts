import { describe, expect, it } from "vitest";
import { ScriptedTransport } from "../../../src/net/scripted.js";
import { BINARY, FIN, frame, Linked, PING, PONG } from "./websocket-setup.js";

describe("heartbeat", () => {
  it("sends a ping at each interval, and ends a connection from which nothing comes for a whole one", async () => {
    const linked = new Linked({ heartbeat: 1_000 });
    const { socket, clock } = linked;
    clock.advance(999);
    expect(await linked.sent()).toEqual([]);
    clock.advance(1);
    expect(await linked.sent()).toEqual([frame("server", FIN | PING)]);
    linked.packets(linked.peerFrame(FIN | PONG));
    clock.advance(1_000);
    expect(await linked.sent()).toEqual([frame("server", FIN | PING)]);
    clock.advance(999);
    expect(linked.transport.destroyed).toBe(false);
    clock.advance(1);
    expect(linked.transport.destroyed).toBe(true);
    await expect(socket.receive()).rejects.toMatchObject({ code: "websocket/silent", closeCode: 1006 });
    expect(clock.armedCount).toBe(0);
  });

  it("takes every byte for life: a large message may come as slowly as it likes", async () => {
    const linked = new Linked({ heartbeat: 1_000 });
    const message = linked.peerFrame(FIN | BINARY, new Uint8Array(200));
    for (let at = 0; at < message.length; at += 10) {
      linked.packets(message.subarray(at, at + 10));
      linked.clock.advance(1_000);
    }
    expect((await linked.socket.receive()).length).toBe(200);
  });

  it("does not judge a peer that we keep waiting, and gives it an interval afterwards", async () => {
    const linked = new Linked({ heartbeat: 1_000, maxQueuedBytes: 0 });
    linked.packets(linked.peerFrame(FIN | BINARY, "x"));
    linked.clock.advance(10_000);
    expect(linked.socket.state).toBe("open");
    await linked.socket.receive();
    linked.clock.advance(1_999);
    expect(linked.transport.destroyed).toBe(false);
    linked.clock.advance(1);
    expect(linked.transport.destroyed).toBe(true);
  });

  it("does not judge a peer that works off a backlog, behind which our ping is stuck", async () => {
    const transport = new BackloggedTransport();
    const linked = new Linked({ heartbeat: 1_000 }, {}, transport);
    void linked.socket.send(new Uint8Array(300_000));
    for (transport.backlog = 300_000; transport.backlog > 299_990; transport.backlog -= 1) linked.clock.advance(1_000);
    expect(transport.destroyed).toBe(false);
    // Now it takes nothing more.
    linked.clock.advance(1_000);
    linked.clock.advance(1_000);
    expect(transport.destroyed).toBe(true);
  });

  it("is off when it is Infinity", async () => {
    const linked = new Linked({ heartbeat: Number.POSITIVE_INFINITY });
    linked.clock.advance(1_000_000);
    expect(await linked.sent()).toEqual([]);
    expect(linked.clock.armedCount).toBe(0);
  });
});

describe("ping", () => {
  it("resolves with the milliseconds until the pong", async () => {
    const linked = new Linked();
    const latency = linked.socket.ping();
    const payload = Buffer.from([0, 0, 0, 1]);
    expect(await linked.sent()).toEqual([frame("server", FIN | PING, payload)]);
    linked.clock.advance(25);
    linked.packets(
      linked.peerFrame(FIN | PONG, "other"),
      linked.peerFrame(FIN | PONG),
      linked.peerFrame(FIN | PONG, payload),
    );
    expect(await latency).toBe(25);
  });

  it("is answered by the pong of a later one too (RFC 6455 §5.5.3)", async () => {
    const linked = new Linked();
    const first = linked.socket.ping();
    linked.clock.advance(10);
    const second = linked.socket.ping();
    linked.clock.advance(5);
    linked.packets(linked.peerFrame(FIN | PONG, Buffer.from([0, 0, 0, 2])));
    expect([await first, await second]).toEqual([15, 5]);
  });

  it("gives up after timeout, with its signal, and at the end of the connection", async () => {
    const linked = new Linked();
    const { socket } = linked;
    const controller = new AbortController();
    const pings = [socket.ping({ timeout: 10 }), socket.ping({ signal: controller.signal }), socket.ping()];
    linked.clock.advance(10);
    await expect(pings[0]).rejects.toMatchObject({ code: "timeout.ping" });
    controller.abort(new Error("enough"));
    await expect(pings[1]).rejects.toThrow("enough");
    linked.packets({ end: true });
    await expect(pings[2]).rejects.toMatchObject({ closeCode: 1006 });
    await expect(socket.ping()).rejects.toMatchObject({ closeCode: 1006 });
    expect(linked.clock.armedCount).toBe(0);
  });

  it("of the peer is answered in the order of frames, with the same payload, the latest only while the peer does not read", async () => {
    const linked = new Linked({}, {}, { highWaterMark: 1 });
    linked.packets(linked.peerFrame(FIN | PING, "a".repeat(125)));
    expect(await linked.sent()).toEqual([frame("server", FIN | PONG, "a".repeat(125))]);
    for (const text of ["b", "c", "d"]) linked.packets(linked.peerFrame(FIN | PING, text));
    expect(await linked.sent()).toEqual([]);
    linked.transport.drain();
    expect(await linked.sent()).toEqual([frame("server", FIN | PONG, "d")]);
  });
});

/** The system has taken all but `backlog` bytes of what was written. */
class BackloggedTransport extends ScriptedTransport {
  backlog = 0;

  override get bufferedBytes(): number {
    return this.backlog;
  }
}
