import { describe, expect, test } from "vitest";
import type { Transport } from "../../src/net/transport.js";
import { seededRandom } from "../../src/platform/random.js";
import { CALM, type NetworkConditions, resolveConditions } from "../../src/testing/simulation/network-conditions.js";
import { SimulatedClock } from "../../src/testing/simulation/simulated-clock.js";
import { simulatedPair } from "../../src/testing/simulation/simulated-transport.js";
import { record } from "../net/recorder.js";
import { type ContractPair, transportContract } from "../net/transport-contract.js";

const PEER = {
  remoteAddress: "10.0.0.1",
  remotePort: 1,
  localAddress: "10.0.0.2",
  localPort: 2,
  tls: undefined,
};

interface Ends {
  readonly clock: SimulatedClock;
  readonly near: Transport;
  readonly far: Transport;
  readonly log: string[];
}

function joined(conditions: NetworkConditions = {}, lends = false, highWaterMark = 65_536): Ends {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const host = { clock, random: seededRandom(1), conditions: resolveConditions(CALM, conditions), armedByNetwork: 0 };
  const shared = { peer: PEER, lends, highWaterMark };
  const [near, far] = simulatedPair(
    host,
    { ...shared, log: (kind, size) => log.push(`near ${kind} ${size}`) },
    { ...shared, log: (kind, size) => log.push(`far ${kind} ${size}`) },
  );
  return { clock, near, far, log };
}

async function contractPair(conditions: NetworkConditions, lends: boolean): Promise<ContractPair> {
  const { near, far } = joined(conditions, lends);
  return { subject: near, other: far, close: async () => [near, far].forEach((end) => void end.destroy()) };
}

transportContract("simulated", () => contractPair({}, false));
transportContract("simulated, lending, in pieces", () =>
  contractPair({ splits: 0.5, joins: 0.3, latency: [0, 5], stalls: 0.02, stallTime: 100 }, true),
);

describe("a simulated connection", () => {
  test("bytes take their time, and never overtake", async () => {
    const { clock, near, far } = joined({ latency: [1, 1_000], splits: 1 });
    record(near);
    const there = record(far);
    const sent = "0123456789".repeat(100);
    for (let at = 0; at < sent.length; at += 10) near.write(sent.slice(at, at + 10));
    await there.until(() => there.text.length === sent.length);
    expect(there.text).toBe(sent);
    expect(clock.now()).toBeGreaterThan(100);
  });

  test("lent bytes are overwritten when the receiver has returned", async () => {
    const { near, far } = joined({}, true);
    record(near);
    const there = record(far);
    const kept: Uint8Array[] = [];
    there.onPiece = (piece) => kept.push(piece);
    near.write("borrowed");
    await there.until(() => there.text === "borrowed");
    expect(kept[0]).toEqual(Buffer.alloc(8, 0xdd));
  });

  test("whoever writes to a closed end is reset, one way later", async () => {
    const { clock, near, far, log } = joined({ latency: 10 });
    const here = record(near);
    record(far);
    far.destroy();
    near.write("too late");
    await here.until(() => here.closed);
    expect(here.closeError).toMatchObject({ code: "ECONNRESET" });
    expect(log).toEqual(["far closed 0", "near end 0", "near reset 0", "near closed 0"]);
    expect(clock.now()).toBe(20);
    await clock.still();
    expect(clock.armedCount).toBe(0);
  });

  test("closing with bytes unread is a reset; what was under way is lost", async () => {
    const { clock, near, far } = joined();
    const here = record(near);
    record(far);
    far.pause();
    near.write("unread");
    far.write("lost");
    await clock.still();
    far.write("lost too");
    far.destroy();
    await here.until(() => here.closed);
    expect(here.closeError).toMatchObject({ code: "ECONNRESET" });
    expect(here.text).toBe("lost");
  });

  test("the network may break it, or one half of it, and then for good", async () => {
    for (const condition of ["resets", "halfCloses"] as const) {
      const { near, far, log, clock } = joined({ [condition]: 1 });
      const here = record(near);
      const there = record(far);
      near.write("first");
      near.write("second");
      await there.until(() => there.closed || there.ended);
      expect(there.text).toBe("");
      if (condition === "resets") {
        await here.until(() => here.closed);
        expect([here.closeError, there.closeError]).toMatchObject([{ code: "ECONNRESET" }, { code: "ECONNRESET" }]);
      } else {
        expect(log).toEqual(["far end 0"]);
        far.end();
        near.end();
        await here.until(() => here.closed);
      }
      await clock.still();
      expect(clock.armedCount).toBe(0);
    }
  });

  test("bandwidth is bytes a second, and the window says when to wait", async () => {
    const { clock, near, far } = joined({ latency: 0, bandwidth: 1_000 }, false, 100);
    const here = record(near);
    const there = record(far);
    expect(near.write(Buffer.alloc(99))).toBe(true);
    expect(near.write(Buffer.alloc(1))).toBe(false);
    expect(near.bufferedBytes).toBe(100);
    await here.until(() => here.events.includes("drain"));
    expect(there.byteCount).toBe(100);
    expect(clock.now()).toBeCloseTo(100);
  });
});
