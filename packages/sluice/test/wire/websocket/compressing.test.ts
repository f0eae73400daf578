import { describe, expect, it } from "vitest";
import { messageCompression } from "../../../src/body/messages/message-coding.js";
import { WebSocketFault } from "../../../src/websocket/websocket-fault.js";
import type { LinkCompression } from "../../../src/wire/websocket/link-owner.js";
import { prepareMessage } from "../../../src/wire/websocket/prepared-message.js";
import { BINARY, CLOSE, CONTINUATION, closing, FIN, frame, Linked, pair, TEXT, turns } from "./websocket-setup.js";

const RSV1 = 0x40;

/** "Compresses" by turning bytes round; what is longer than 10 bytes takes until the test says so. */
class Slow implements LinkCompression {
  readonly threshold: number;
  readonly sharing = "kind";
  readonly deflateAlone = (bytes: Uint8Array) => this.#turn(bytes);
  made = 0;
  closed = 0;
  readonly steps: (() => void)[] = [];
  readonly makeDeflater = () => ({
    deflate: (bytes: Uint8Array) => this.#turn(bytes),
    deflatePart: (bytes: Uint8Array) => bytes,
    close: () => this.#close(),
  });
  readonly makeInflater = () => {
    this.made += 1;
    return { inflate: (bytes: Uint8Array) => this.#turn(bytes), close: () => this.#close() };
  };

  constructor(threshold = 1_024) {
    this.threshold = threshold;
  }

  #turn(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const turned = turn(bytes);
    if (turned[0] === 0x21) throw new WebSocketFault("websocket/text-invalid", "Cannot inflate", 1007);
    if (bytes.length <= 10) return turned;
    return new Promise((resolve) => {
      this.steps.push(() => resolve(turned));
    });
  }

  #close(): void {
    this.closed += 1;
  }
}

describe("a connection with compression", () => {
  it("compresses from the threshold on, or as it is told", async () => {
    const compression = new Slow(3);
    const linked = new Linked({}, { compression });
    const { socket } = linked;
    void socket.send("ab");
    void socket.send("abc");
    void socket.send("abc", { compress: false });
    void socket.send(Uint8Array.of(1, 2), { compress: true });
    const expected = [
      frame("server", FIN | TEXT, "ab"),
      frame("server", FIN | RSV1 | TEXT, "cba"),
      frame("server", FIN | TEXT, "abc"),
      frame("server", FIN | RSV1 | BINARY, Uint8Array.of(2, 1)),
    ];
    expect((await linked.sent()).join("")).toBe(expected.join(""));
  });

  it("does not compress where that was not agreed", async () => {
    const linked = new Linked();
    void linked.socket.send("abc", { compress: true });
    expect(await linked.sent()).toEqual([frame("server", FIN | TEXT, "abc")]);
  });

  it("keeps the order while a message is compressed off the loop; the close frame is the last", async () => {
    const compression = new Slow(11);
    const linked = new Linked({}, { compression });
    const { socket } = linked;
    const sent = [socket.send("x".repeat(11)), socket.send("short"), socket.send("y".repeat(12)), socket.send("end")];
    void socket.close();
    const order: number[] = [];
    sent.forEach((promise, at) => void promise.then(() => order.push(at)));
    expect(await linked.sent()).toEqual([]);
    compression.steps.shift()?.();
    expect((await linked.sent()).join("")).toBe(
      frame("server", FIN | RSV1 | TEXT, "x".repeat(11)) + frame("server", FIN | TEXT, "short"),
    );
    compression.steps.shift()?.();
    expect((await linked.sent()).join("")).toBe(
      frame("server", FIN | RSV1 | TEXT, "y".repeat(12)) +
        frame("server", FIN | TEXT, "end") +
        frame("server", FIN | CLOSE, closing(1000)),
    );
    await Promise.all(sent);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("that ends while a message is compressed refuses that one and those behind it", async () => {
    const compression = new Slow(11);
    const linked = new Linked({}, { compression });
    const sent = [linked.socket.send("x".repeat(11)), linked.socket.send("short")];
    linked.packets(linked.peerFrame(FIN | CLOSE, closing(1001)));
    for (const promise of sent) await expect(promise).rejects.toMatchObject({ closeCode: 1001 });
    compression.steps.shift()?.();
    expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1001))]);
    expect(compression.closed).toBe(1);
  });

  it("inflates, keeps the order while that happens off the loop, and reads nothing meanwhile", async () => {
    const compression = new Slow();
    const linked = new Linked({}, { compression });
    const { socket } = linked;
    linked.packets(
      linked.peerFrame(FIN | RSV1 | TEXT, "cba"),
      linked.peerFrame(RSV1 | BINARY, "0123456"),
      Buffer.concat([linked.peerFrame(FIN | CONTINUATION, "789ab"), linked.peerFrame(FIN | TEXT, "after")]),
    );
    expect(await socket.receive()).toBe("abc");
    expect(linked.transport.paused).toBe(true);
    const waiting = [socket.receive(), socket.receive()];
    expect(linked.transport.paused).toBe(true);
    compression.steps.shift()?.();
    expect(Buffer.from((await waiting[0]) as Uint8Array).toString()).toBe("ba9876543210");
    expect(await waiting[1]).toBe("after");
    expect(linked.transport.paused).toBe(false);
    expect(compression.made).toBe(1);
  });

  it("checks that what text inflates to is UTF-8, at once or later", async () => {
    for (const size of [1, 11]) {
      const compression = new Slow();
      const linked = new Linked({}, { compression });
      linked.packets(linked.peerFrame(FIN | RSV1 | TEXT, new Uint8Array(size).fill(0xff)));
      compression.steps.shift()?.();
      await turns();
      expect(await linked.sent()).toEqual([frame("server", FIN | CLOSE, closing(1007, "text-invalid"))]);
    }
  });

  it("that fails to inflate ends with the fault's code", async () => {
    const linked = new Linked({}, { compression: new Slow() });
    linked.packets(linked.peerFrame(FIN | RSV1 | TEXT, "x!"));
    expect(linked.socket.closeCode).toBe(1007);
  });

  it("owns nothing for compression before a message is compressed", () => {
    const compression = new Slow();
    const linked = new Linked({}, { compression });
    linked.packets(linked.peerFrame(FIN | TEXT, "plain"));
    void linked.socket.send("plain");
    expect(compression.made).toBe(0);
  });
});

describe("a prepared message", () => {
  const AGREED = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const real = (agreed: Partial<typeof AGREED> = {}) => {
    const settings = { level: 3, threshold: 0, maxMessageSize: 10_000_000 };
    const of = (role: "client" | "server") => messageCompression({ ...AGREED, ...agreed }, { role, ...settings });
    return { client: of("client"), server: of("server") };
  };

  it("is compressed once for each kind of connection, from the threshold on or as it is told", async () => {
    let made = 0;
    const compressions = ["a", "b", "a"].map((sharing) => {
      const deflateAlone = (bytes: Uint8Array) => {
        made += 1;
        return turn(bytes);
      };
      return Object.assign(new Slow(3), { sharing, deflateAlone });
    });
    const message = prepareMessage("abc");
    const plain = prepareMessage("abc", { compress: false });
    const small = prepareMessage("ab");
    for (const compression of compressions) {
      const linked = new Linked({}, { compression });
      for (const one of [message, plain, small]) linked.socket.sendPrepared(one);
      const expected = [
        frame("server", FIN | RSV1 | TEXT, "cba"),
        frame("server", FIN | TEXT, "abc"),
        frame("server", FIN | TEXT, "ab"),
      ];
      expect((await linked.sent()).join("")).toBe(expected.join(""));
    }
    expect(made).toBe(2);
  });

  it("that takes long to compress keeps its place", async () => {
    const compression = new Slow(0);
    const linked = new Linked({}, { compression });
    linked.socket.sendPrepared(prepareMessage("0123456789a"));
    const after = linked.socket.send("after", { compress: false });
    expect(await linked.sent()).toEqual([]);
    compression.steps.shift()?.();
    const expected = frame("server", FIN | RSV1 | TEXT, "a9876543210") + frame("server", FIN | TEXT, "after");
    expect((await linked.sent()).join("")).toBe(expected);
    await after;
  });

  it("that cannot be compressed goes as it is, and what comes behind it is not held up", async () => {
    const deflateAlone = () => Promise.reject(new Error("Out of memory"));
    const compression = Object.assign(new Slow(3), { deflateAlone });
    const message = prepareMessage("0123456789a");
    for (let connection = 0; connection < 2; connection += 1) {
      const linked = new Linked({}, { compression });
      linked.socket.sendPrepared(message);
      await linked.socket.send("ab");
      const expected = frame("server", FIN | TEXT, "0123456789a") + frame("server", FIN | TEXT, "ab");
      expect((await linked.sent()).join("")).toBe(expected);
    }
  });

  it.each([
    ["with takeover", {}],
    ["without", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ["with small windows", { serverMaxWindowBits: 9, clientMaxWindowBits: 10 }],
  ] as const)("and a connection's own go together, compressed for real, %s", async (_name, agreed) => {
    const compression = real(agreed);
    const { client, server } = pair({}, {}, {}, compression);
    const prepared = ["tick tock tick tock", "large ".repeat(20_000), Uint8Array.of(1, 1, 1, 1)].map((data) =>
      prepareMessage(data),
    );
    const expected: unknown[] = [];
    const sent: Promise<void>[] = [];
    for (let round = 0; round < 20; round += 1) {
      const own = `round ${round}: tick tock tick tock, as before and before ${"x".repeat(round * 300)}`;
      sent.push(server.send(own), client.send(own));
      const shared = prepared[round % 3];
      server.sendPrepared(shared as (typeof prepared)[0]);
      expected.push(own, shared?.data);
    }
    for (const message of expected) expect(await client.receive()).toEqual(message);
    for (const message of expected.filter((_, at) => at % 2 === 0)) expect(await server.receive()).toBe(message);
    await Promise.all(sent);
    await client.close();
  });
});

function turn(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse();
}

describe("sendStream with compress", () => {
  const agreed = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const large = "a part that takes long ".repeat(3_000);

  it.each([
    ["with takeover", {}],
    ["without", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ["with small windows", { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
  ])("parts are one compressed message, among others, %s", async (_name, more) => {
    const of = (role: "client" | "server") =>
      messageCompression({ ...agreed, ...more }, { role, level: 3, threshold: 0, maxMessageSize: 10_000_000 });
    const { client, server } = pair({}, {}, {}, { client: of("client"), server: of("server") });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const sent = [
        from.send("before, before"),
        from.sendStream(["one ", large, "", "é\ud83d", "\ude00 two"], { compress: true }),
        from.send("before, after"),
        from.sendStream([Buffer.from(large), Uint8Array.of(1)], { compress: true }),
        from.sendStream([], { compress: true }),
        from.sendStream(["plain"]),
      ];
      expect(await to.receive()).toBe("before, before");
      expect(await to.receive()).toBe(`one ${large}é😀 two`);
      expect(await to.receive()).toBe("before, after");
      expect(Buffer.from((await to.receive()) as Uint8Array).toString("latin1")).toBe(`${large}\u0001`);
      expect(await to.receive()).toBe("");
      expect(await to.receive()).toBe("plain");
      await Promise.all(sent);
      expect(from.bytesSent).toBeLessThan(large.length / 2);
    }
    await client.close();
  });

  it("rejects when the connection ends while a part is compressed", async () => {
    const compression = messageCompression(agreed, { role: "server", level: 3, threshold: 0, maxMessageSize: 1_000 });
    const linked = new Linked({}, { compression });
    const streaming = linked.socket.sendStream(["begun ", large], { compress: true });
    await turns(0);
    linked.socket.terminate();
    await expect(streaming).rejects.toMatchObject({ code: "websocket/terminated" });
    await expect(linked.socket.sendStream(["more"], { compress: true })).rejects.toMatchObject({ closeCode: 1006 });
  });

  it("has RSV1 on its first frame only; without it, or without an agreement, nothing is compressed", async () => {
    const compression = new Slow();
    const linked = new Linked({}, { compression });
    await linked.socket.sendStream(["ab", "cd"], { compress: true });
    await linked.socket.sendStream(["ab"]);
    const plain = [frame("server", TEXT, "ab"), frame("server", FIN | CONTINUATION, "")];
    const compressed = [
      frame("server", RSV1 | TEXT, "ab"),
      frame("server", CONTINUATION, "cd"),
      frame("server", FIN | CONTINUATION, ""),
    ];
    expect((await linked.sent()).join("")).toBe([...compressed, ...plain].join(""));
    const other = new Linked();
    await other.socket.sendStream(["ab"], { compress: true });
    expect((await other.sent()).join("")).toBe(plain.join(""));
  });
});
