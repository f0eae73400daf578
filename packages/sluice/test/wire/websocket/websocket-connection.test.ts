import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { BINARY, CLOSE, closing, FIN, frame, Linked, PING, PONG, pair, TEXT, turns } from "./websocket-setup.js";

describe("a connection", () => {
  it("carries text and bytes both ways, in order", async () => {
    const { client, server } = pair();
    await client.send("one");
    await client.send(Uint8Array.of(1, 2));
    await client.send("zwei ü €");
    expect(await server.receive()).toBe("one");
    expect(await server.receive()).toEqual(Uint8Array.of(1, 2));
    expect(await server.receive()).toBe("zwei ü €");
    await server.send("back");
    expect(await client.receive()).toBe("back");
  });

  it("gives messages by iteration, which ends with 1000", async () => {
    const { client, server } = pair();
    const got: unknown[] = [];
    const reading = (async () => {
      for await (const message of server) got.push(message);
    })();
    for (let n = 0; n < 20; n += 1) await client.send(`m${n}`);
    await client.close();
    await reading;
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => `m${n}`));
    expect(client.closeCode).toBe(1000);
    expect(await server.closed).toEqual({ code: 1000, reason: "", wasClean: true });
  });

  it("answers what one packet brings in one write", async () => {
    const linked = new Linked();
    const echo = (async () => {
      for await (const message of linked.socket) await linked.socket.send(message);
    })();
    const one = linked.peerFrame(FIN | TEXT, "a");
    const two = linked.peerFrame(FIN | BINARY, "b");
    const ping = linked.peerFrame(FIN | PING, "p");
    linked.packets(Buffer.concat([one, two, ping]));
    expect(await linked.sent()).toEqual([
      frame("server", FIN | PONG, "p") + frame("server", FIN | TEXT, "a") + frame("server", FIN | BINARY, "b"),
    ]);
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1000, "bye")));
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1000))]);
    expect(linked.transport.ended).toBe(true);
    linked.packets({ end: true });
    linked.transport.destroy();
    await echo;
    expect(linked.socket.closeReason).toBe("bye");
  });

  it("sends a huge message fragment by fragment", async () => {
    const { client, server } = pair({ maxMessageSize: Number.POSITIVE_INFINITY });
    const part = new Uint8Array(100_000).fill(7);
    const sending = client.sendStream(
      (async function* () {
        for (let n = 0; n < 30; n += 1) yield part;
      })(),
    );
    const after = client.send("after");
    let total = 0;
    const types: string[] = [];
    for await (const message of server.streams()) {
      types.push(message.type);
      if (message.type === "text") {
        expect(await message.whole()).toBe("after");
        break;
      }
      for await (const bytes of message) total += bytes.length;
    }
    await sending;
    await after;
    expect(total).toBe(3_000_000);
    expect(types).toEqual(["binary", "text"]);
    await turns();
  });
});

describe("options of a call that are none are refused at once, and change nothing", () => {
  const calls: [string, (linked: Linked) => unknown, string][] = [
    ["receive(5)", ({ socket }) => socket.receive(5 as never), "options/unknown-value"],
    ["receive(null)", ({ socket }) => socket.receive(null as never), "options/unknown-value"],
    ["receive({ timeOut: 5 })", ({ socket }) => socket.receive({ timeOut: 5 } as never), "options/unknown"],
    ["receive({ timeout: -1 })", ({ socket }) => socket.receive({ timeout: -1 }), "options/out-of-range"],
    ["receive({ timeout: NaN })", ({ socket }) => socket.receive({ timeout: Number.NaN }), "options/out-of-range"],
    ["receive({ timeout: '5' })", ({ socket }) => socket.receive({ timeout: "5" as never }), "options/out-of-range"],
    ["receive({ signal: 5 })", ({ socket }) => socket.receive({ signal: 5 as never }), "options/unknown-value"],
    ["receiveJson({ foo: 1 })", ({ socket }) => socket.receiveJson({ foo: 1 } as never), "options/unknown"],
    ["ping({ timeOut: 5 })", ({ socket }) => socket.ping({ timeOut: 5 } as never), "options/unknown"],
    ["ping({ timeout: -1 })", ({ socket }) => socket.ping({ timeout: -1 }), "options/out-of-range"],
    ["send(…, 5)", ({ socket }) => socket.send("x", 5 as never), "options/unknown-value"],
    ["send(…, { compres: true })", ({ socket }) => socket.send("x", { compres: true } as never), "options/unknown"],
    [
      "sendJson(…, { signal: {} })",
      ({ socket }) => socket.sendJson(1, { signal: {} as never }),
      "options/unknown-value",
    ],
    ["sendStream(…, null)", ({ socket }) => socket.sendStream(["x"], null as never), "options/unknown-value"],
    [
      "sendStream(…, { text: true })",
      ({ socket }) => socket.sendStream(["x"], { text: true } as never),
      "options/unknown",
    ],
    ["sendPrepared('x')", ({ socket }) => socket.sendPrepared("x" as never), "websocket/bad-message"],
  ];

  it.each(calls)("%s", async (_name, call, code) => {
    const linked = new Linked();
    expect(() => call(linked)).toThrow(UsageError);
    expect(() => call(linked)).toThrow(expect.objectContaining({ code }));
    linked.packets(linked.peerFrame(FIN | TEXT, "kept"));
    expect(await linked.socket.receive({ timeout: 0 })).toBe("kept");
    expect(await linked.sent()).toEqual([]);
  });

  it("a reason for closing that is no text", async () => {
    const linked = new Linked();
    await expect(linked.socket.close(1000, 5 as never)).rejects.toMatchObject({ code: "websocket/bad-close" });
    expect(linked.socket.state).toBe("open");
  });
});
