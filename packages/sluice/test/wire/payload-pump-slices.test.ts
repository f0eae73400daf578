/** How a pump cuts what is large, whom it lets have a turn in between, and what it gives back. */

import { describe, expect, test } from "vitest";
import type { Payload } from "../../src/body/payload.js";
import { PayloadPump, type PumpOwner } from "../../src/wire/payload-pump.js";
import type { WriteTarget } from "../../src/wire/write-whole.js";

const KIB = 1024;
const LEAST = 64 * KIB;
const MOST = KIB * KIB;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes everything at once unless it is corked or told otherwise, as a socket does. */
class Target implements WriteTarget {
  readonly sizes: number[] = [];
  readonly corkedWrites: boolean[] = [];
  holds = false;
  full = false;
  #corks = 0;

  write(bytes: Uint8Array | string): boolean {
    this.sizes.push(bytes.length);
    this.corkedWrites.push(this.#corks > 0);
    return !this.full;
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    this.#corks -= 1;
  }
}

class Owner implements PumpOwner {
  done = 0;
  error: Error | undefined;
  progress: number[] = [];
  onPumpDone(): void {
    this.done += 1;
  }
  onPumpError(error: Error): void {
    this.error = error;
  }
  onPumpProgress(bodyBytes: number): void {
    this.progress.push(bodyBytes);
  }
}

function payload(over: Partial<Payload>): Payload {
  return {
    length: undefined,
    contentType: undefined,
    replayable: false,
    whole: undefined,
    open: () => pieces(),
    discard: () => undefined,
    ...over,
  };
}

async function* pieces(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size);
}

function inMemory(size: number): Payload {
  return payload({ whole: new Uint8Array(size), length: size });
}

describe("payload pump: slices", () => {
  test("a piece that is pulled leaves whole up to 1 MiB, and beyond it in slices of that", async () => {
    const target = new Target();
    const owner = new Owner();
    const sizes = [MOST, MOST + 1, LEAST, 1];
    new PayloadPump(target, owner).start(payload({ open: () => pieces(...sizes) }), "until-close");
    while (owner.done === 0) await turn();
    expect(target.sizes).toEqual([MOST, MOST, 1, LEAST, 1]);
    expect(owner.progress).toEqual(target.sizes);
  });

  test("what is large is not held back to be collected, what is small is", async () => {
    const target = new Target();
    const owner = new Owner();
    new PayloadPump(target, owner).start(payload({ open: () => pieces(LEAST, LEAST - 1) }), "until-close");
    await turn();
    target.corkedWrites.length = 0;
    target.sizes.length = 0;
    const later = new PayloadPump(target, new Owner());
    later.start(payload({ open: slowly }), "until-close");
    while (later.state !== "done") await turn();
    expect(target.sizes).toEqual([LEAST, LEAST - 1]);
    expect(target.corkedWrites).toEqual([false, true]);

    async function* slowly(): AsyncGenerator<Uint8Array> {
      await turn();
      await turn();
      yield new Uint8Array(LEAST);
      yield new Uint8Array(LEAST - 1);
    }
  });

  test("slices of what is in memory double while they are taken at once, up to 1 MiB", async () => {
    const target = new Target();
    const owner = new Owner();
    new PayloadPump(target, owner).start(inMemory(4 * MOST), "length");
    while (owner.done === 0) await turn();
    const [doubling, rest] = [target.sizes.slice(0, 5), target.sizes.slice(5)];
    expect(doubling).toEqual([LEAST, 2 * LEAST, 4 * LEAST, 8 * LEAST, MOST]);
    expect(rest).toEqual([MOST, MOST, LEAST]);
  });

  test("they halve, down to 64 KiB, when one has to wait", () => {
    const target = new Target();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    target.full = true;
    pump.start(inMemory(4 * MOST), "length");
    expect(target.sizes).toEqual([LEAST]);
    target.full = false;
    pump.onDrain();
    // Its breath has come after 4 MiB or at the end, whichever was first.
    expect(target.sizes.at(-1)).not.toBe(LEAST);
    const before = target.sizes.length;
    expect(pump.state).toBe("done");
    const slow = new PayloadPump(target, owner);
    slow.start(inMemory(16 * MOST), "length");
    expect(slow.state).toBe("drain");
    target.full = true;
    target.sizes.splice(0, before);
    for (let round = 0; round < 6; round += 1) slow.onDrain();
    expect(target.sizes.slice(-6)).toEqual([MOST, MOST / 2, MOST / 4, 2 * LEAST, LEAST, LEAST]);
    slow.cancel();
  });
});

describe("payload pump: a system that takes everything", () => {
  test("others have a turn after 4 MiB", async () => {
    const target = new Target();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    pump.start(inMemory(20 * MOST), "length");
    let turns = 0;
    while (owner.done === 0) {
      const before = pump.bytesSent;
      await turn();
      turns += 1;
      expect(pump.bytesSent - before).toBeLessThan(5 * MOST);
    }
    expect(turns).toBeGreaterThanOrEqual(4);
    expect(pump.bytesSent).toBe(20 * MOST);
  });

  test("cancelled in such a pause, in the middle of a piece, the pump writes no more", async () => {
    const target = new Target();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    let released = false;
    async function* large(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(20 * MOST);
      } finally {
        released = true;
      }
    }
    pump.start(payload({ open: large }), "until-close");
    await Promise.resolve().then(() => undefined);
    while (pump.bytesSent === 0) await Promise.resolve();
    expect(pump.bytesSent).toBe(4 * MOST);
    pump.cancel();
    for (let round = 0; round < 3; round += 1) await turn();
    expect(pump.bytesSent).toBe(4 * MOST);
    expect(released).toBe(true);
    expect(owner).toMatchObject({ done: 0, error: undefined });
  });

  test("a drain in such a pause goes on once", async () => {
    const target = new Target();
    const owner = new Owner();
    const pump = new PayloadPump(target, owner);
    pump.start(inMemory(10 * MOST), "length");
    target.full = true;
    pump.onDrain();
    const sent = pump.bytesSent;
    await turn();
    await turn();
    expect(pump.bytesSent).toBe(sent);
    expect(pump.state).toBe("drain");
    pump.cancel();
  });
});

describe("payload pump: giving back", () => {
  /** A source that says what it was given back before each piece. */
  function recorded(sizes: readonly number[]): { body: Payload; told: string[] } {
    const told: string[] = [];
    const names = new Map<Uint8Array, string>();
    async function* open(): AsyncGenerator<Uint8Array> {
      for (const [at, size] of sizes.entries()) {
        const piece = new Uint8Array(size);
        names.set(piece, `piece ${at}`);
        told.push(`give ${at}`);
        yield piece;
      }
      told.push("end");
    }
    const takeBack = (piece: Uint8Array): void => void told.push(`back ${names.get(piece) ?? "unknown"}`);
    return { body: payload({ open, takeBack }), told };
  }

  test("a piece goes back, as it was given, before the next is asked for", async () => {
    const { body, told } = recorded([MOST, 3 * MOST, 1]);
    const owner = new Owner();
    new PayloadPump(new Target(), owner).start(body, "until-close");
    while (owner.done === 0) await turn();
    expect(told).toEqual(["give 0", "back piece 0", "give 1", "back piece 1", "give 2", "back piece 2", "end"]);
  });

  test("not while the transport may look at it, and not to one that does not say", async () => {
    for (const holds of [true, undefined]) {
      const { body, told } = recorded([MOST, MOST]);
      const owner = new Owner();
      new PayloadPump(Object.assign(new Target(), { holds }), owner).start(body, "until-close");
      while (owner.done === 0) await turn();
      expect(told).toEqual(["give 0", "give 1", "end"]);
    }
  });

  test("not in the middle of it, nor when sending was given up", async () => {
    const { body, told } = recorded([2 * MOST]);
    const target = new Target();
    const pump = new PayloadPump(target, new Owner());
    target.full = true;
    pump.start(body, "until-close");
    await turn();
    expect(target.sizes).toEqual([MOST]);
    pump.cancel();
    await turn();
    expect(told).toEqual(["give 0"]);
  });
});
