import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { type MemoryPairOptions, type MemoryTransport, memoryPair } from "../../../src/net/memory.js";
import type { TransportHandler } from "../../../src/net/transport.js";
import { Tunnel } from "../../../src/proxy/websocket/tunnel.js";

/** The far end of one side: keeps what it is given. */
class Peer implements TransportHandler {
  readonly transport: MemoryTransport;
  received = Buffer.alloc(0);
  ended = false;
  closed: { error: Error | undefined } | undefined;

  constructor(transport: MemoryTransport) {
    this.transport = transport;
    transport.attach(this);
  }

  onData(bytes: Uint8Array): void {
    this.received = Buffer.concat([this.received, bytes]);
  }
  onEnd(): void {
    this.ended = true;
  }
  onDrain(): void {}
  onClose(error: Error | undefined): void {
    this.closed = { error };
  }
}

interface Given {
  readonly memory?: MemoryPairOptions;
  readonly rests?: readonly [client: string, origin: string];
}

function joined({ memory = {}, rests = ["", ""] }: Given = {}) {
  const [clientFar, clientNear] = memoryPair(memory);
  const [originNear, originFar] = memoryPair(memory);
  const clock = new ManualClock();
  const ends: number[] = [];
  const tunnel = new Tunnel({
    client: { transport: clientNear, rest: Buffer.from(rests[0]) },
    origin: { transport: originNear, rest: Buffer.from(rests[1]) },
    clock,
    idleTimeout: 60_000,
    closeTimeout: 5_000,
    mask: () => Uint8Array.of(1, 2, 3, 4),
    onEnd: (bodyBytes) => ends.push(bodyBytes),
  });
  return { tunnel, clock, ends, client: new Peer(clientFar), origin: new Peer(originFar) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const TEXT = Buffer.from([0x81, 2, 0x68, 0x69]);
const MASKED_TEXT = Buffer.from([0x81, 0x82, 9, 9, 9, 9, 0x61, 0x60]);
const CLOSE_TO_CLIENT = Buffer.from([0x88, 2, 0x03, 0xe9]);
const CLOSE_TO_ORIGIN = Buffer.from([0x88, 0x82, 1, 2, 3, 4, 0x02, 0xeb]);
const CLOSE_OF_CLIENT = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);

describe("tunnel", () => {
  test("passes on what comes, both ways, what had come with the heads first", async () => {
    const { client, origin, ends } = joined({ rests: ["early", "prompt"], memory: { lends: true } });
    client.transport.write(MASKED_TEXT);
    origin.transport.write(TEXT);
    await settle();
    expect(origin.received).toEqual(Buffer.concat([Buffer.from("early"), MASKED_TEXT]));
    expect(client.received).toEqual(Buffer.concat([Buffer.from("prompt"), TEXT]));
    expect(ends).toEqual([]);
  });

  test("a side that does not read has the other one wait, and nothing is lost", async () => {
    const { client, origin } = joined({ memory: { highWaterMark: 1_000 } });
    client.transport.pause();
    let written = 0;
    for (let count = 0; count < 50; count += 1) {
      if (!origin.transport.write(Buffer.alloc(500, count))) break;
      written += 500;
      await settle();
    }
    expect(written).toBeLessThan(10_000);
    client.transport.resume();
    await settle();
    await settle();
    expect(client.received.length).toBeGreaterThanOrEqual(written);
  });

  test("a half-close goes through, and the other way stays open until it ends too", async () => {
    const { client, origin, ends, clock } = joined();
    client.transport.end();
    await settle();
    expect(origin.ended).toBe(true);
    origin.transport.write(TEXT);
    origin.transport.end();
    await settle();
    expect(client.received).toEqual(TEXT);
    expect(client.closed).toEqual({ error: undefined });
    expect(ends).toEqual([TEXT.length]);
    expect(clock.armedCount).toBe(0);
  });

  test.each(["client", "origin"] as const)("a %s that vanishes takes the other with it", async (who) => {
    const set = joined();
    set[who].transport.destroy(new Error("gone"));
    await settle();
    const other = who === "client" ? set.origin : set.client;
    expect(other.closed ?? other.ended).toBeTruthy();
    expect(set.ends).toEqual([0]);
    expect(set.clock.armedCount).toBe(0);
  });

  test("silence ends it: both sides are told 1001, and have a while to answer", async () => {
    const { client, origin, clock, ends } = joined();
    clock.advance(59_000);
    client.transport.write(MASKED_TEXT);
    await settle();
    clock.advance(60_000);
    await settle();
    expect(client.received.length).toBe(0); // there was something in that minute
    clock.advance(60_000);
    await settle();
    expect(client.received).toEqual(CLOSE_TO_CLIENT);
    expect(origin.received).toEqual(Buffer.concat([MASKED_TEXT, CLOSE_TO_ORIGIN]));
    clock.advance(5_000);
    await settle();
    expect(client.closed ?? client.ended).toBeTruthy();
    expect(ends).toEqual([4]);
  });

  test("told to end, it says 1001 between two frames, and nothing after it", async () => {
    const { tunnel, client, origin, ends } = joined();
    origin.transport.write(TEXT.subarray(0, 3));
    client.transport.write(MASKED_TEXT.subarray(0, 1));
    await settle();
    tunnel.retire();
    tunnel.retire();
    await settle();
    expect(client.received).toEqual(TEXT.subarray(0, 3));
    origin.transport.write(Buffer.concat([TEXT.subarray(3), TEXT, TEXT]));
    client.transport.write(Buffer.concat([MASKED_TEXT.subarray(1), MASKED_TEXT]));
    await settle();
    expect(client.received).toEqual(Buffer.concat([TEXT, CLOSE_TO_CLIENT]));
    expect(origin.received).toEqual(Buffer.concat([MASKED_TEXT, CLOSE_TO_ORIGIN]));
    client.transport.write(CLOSE_OF_CLIENT);
    await settle();
    expect(client.ended).toBe(true);
    client.transport.end();
    origin.transport.write(CLOSE_TO_CLIENT);
    origin.transport.end();
    await settle();
    expect(ends).toEqual([TEXT.length + CLOSE_TO_CLIENT.length]);
  });

  test("a side that is closing by itself is not told to close a second time", async () => {
    const { tunnel, client, origin } = joined();
    origin.transport.write(CLOSE_TO_CLIENT);
    await settle();
    tunnel.retire();
    await settle();
    expect(client.received).toEqual(CLOSE_TO_CLIENT);
    expect(origin.received).toEqual(CLOSE_TO_ORIGIN);
  });

  test("an end that never answers is not waited for", async () => {
    const { tunnel, client, clock, ends } = joined();
    client.transport.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0])); // a frame without end
    await settle();
    tunnel.retire();
    clock.advance(4_999);
    await settle();
    expect(ends).toEqual([]);
    clock.advance(1);
    await settle();
    expect(ends).toEqual([CLOSE_TO_CLIENT.length]);
    expect(clock.armedCount).toBe(0);
  });
});
