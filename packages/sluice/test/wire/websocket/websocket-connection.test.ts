import { describe, expect, it } from "vitest";
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
