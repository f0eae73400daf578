import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { RateLimiter } from "../../../src/transfer/rate-limiter.js";
import {
  MeteredPieces,
  type MeteredSource,
  meteredBody,
  pieceBytesFor,
} from "../../../src/transfer/upload/metered-pieces.js";
import { UploadMeter } from "../../../src/transfer/upload/upload-meter.js";

const KIB = 1024;
const MIB = KIB * KIB;

function source(...sizes: readonly number[]): MeteredSource & { back: number[]; returned: number } {
  const made = {
    back: [] as number[],
    returned: 0,
    async *open(): AsyncGenerator<Uint8Array> {
      try {
        for (const size of sizes) yield new Uint8Array(size);
      } finally {
        made.returned += 1;
      }
    },
    takeBack: (piece: Uint8Array): void => void made.back.push(piece.byteLength),
  };
  return made;
}

function tools(limiter?: RateLimiter, signal?: AbortSignal) {
  const clock = new ManualClock();
  const meter = new UploadMeter(
    () => clock.now(),
    () => undefined,
  );
  return { clock, meter, limiter, signal };
}

/** The sizes that are handed over, when each takes so many milliseconds. */
async function sizesAt(given: MeteredSource, tookMs: number): Promise<number[]> {
  const working = tools();
  const sizes: number[] = [];
  for await (const piece of new MeteredPieces(given, working)) {
    sizes.push(piece.byteLength);
    working.clock.advance(tookMs);
  }
  return sizes;
}

describe("metered pieces: how much at once", () => {
  test("pieces within the size leave as they are, and count when the next is asked for", async () => {
    const { clock, meter } = tools();
    const pieces = new MeteredPieces(source(10, 20), { clock, meter, limiter: undefined, signal: undefined });
    expect((await pieces.next()).value).toHaveLength(10);
    expect(meter.position).toBe(0);
    expect((await pieces.next()).value).toHaveLength(20);
    expect(meter.position).toBe(10);
    expect(await pieces.next()).toMatchObject({ done: true });
    expect(meter.position).toBe(30);
  });

  test("a connection that takes them quickly is given twice as much each time, up to 2 MiB", async () => {
    expect(await sizesAt(source(2 * MIB, 2 * MIB, 2 * MIB), 49)).toEqual(
      [256, 512, 1_024, 256, 2_048, 2_048].map((kib) => kib * KIB),
    );
  });

  test("one that takes them in good time goes on with as much", async () => {
    for (const tookMs of [50, 200]) {
      expect(await sizesAt(source(MIB), tookMs)).toEqual([256, 256, 256, 256].map((kib) => kib * KIB));
    }
  });

  test("one that takes long is given half as much each time, down to 16 KiB", async () => {
    expect(await sizesAt(source(600 * KIB), 201)).toEqual(
      [256, 128, 64, 32, 16, 16, 16, 16, 16, 16, 16, 8].map((kib) => kib * KIB),
    );
  });
});

describe("metered pieces: a rate", () => {
  test.each([
    ["16 KiB at the least", 1, 16 * KIB],
    ["16 KiB of 64 a second", 64 * KIB, 16 * KIB],
    ["one more", 64 * KIB + 4, 16 * KIB + 1],
    ["what goes in a quarter of a second", MIB, MIB / 4],
    ["2 MiB at the most", 100 * MIB, 2 * MIB],
  ])("%s", (_, bytesPerSecond, expected) => {
    expect(pieceBytesFor(new RateLimiter(bytesPerSecond))).toBe(expected);
  });

  test("a large piece is let through bit by bit, never in one go after a long wait", async () => {
    const working = tools(new RateLimiter(64 * KIB));
    const pieces = new MeteredPieces(source(256 * KIB), working);
    const at: number[] = [];
    for (let sent = 0; sent < 256 * KIB; ) {
      let settled = false;
      const next = pieces.next().finally(() => {
        settled = true;
      });
      for (;;) {
        for (let round = 0; round < 10; round += 1) await Promise.resolve();
        if (settled) break;
        working.clock.advance(10);
      }
      sent += (await next).value?.byteLength ?? 0;
      at.push(working.clock.now());
    }
    expect(at).toHaveLength(16);
    // 64 KiB may go at once; the other 192 KiB take three seconds, and no two steps lie further apart than a quarter of one.
    expect(at.at(-1)).toBeGreaterThanOrEqual(2_900);
    expect(Math.max(...at.map((time, step) => time - (at[step - 1] ?? 0)))).toBeLessThanOrEqual(270);
  });

  test("an abort ends the waiting with its reason, and the source", async () => {
    const controller = new AbortController();
    const given = source(MIB);
    const pieces = new MeteredPieces(given, tools(new RateLimiter(1), controller.signal));
    for (let step = 0; step < 4; step += 1) await pieces.next();
    const waiting = pieces.next();
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(given.returned).toBe(1);
  });
});

describe("metered pieces: giving back", () => {
  test("a piece goes back once, when its last part has gone", async () => {
    const given = source(MIB, 100);
    const body = meteredBody(MIB + 100, given, tools());
    const seen: [number, number[]][] = [];
    for await (const piece of body) {
      body.takeBack?.(piece);
      body.takeBack?.(piece);
      seen.push([piece.byteLength, [...given.back]]);
    }
    expect(seen).toEqual([
      [256 * KIB, []],
      [512 * KIB, []],
      [256 * KIB, [MIB]],
      [100, [MIB, 100]],
    ]);
  });

  test("opened again, what the first pass had is forgotten", async () => {
    const given = source(100);
    const body = meteredBody(100, given, tools());
    await body[Symbol.asyncIterator]().next();
    body[Symbol.asyncIterator]();
    body.takeBack?.(new Uint8Array(100));
    expect(given.back).toEqual([]);
  });

  test("ended early, the source is ended, begun or not", async () => {
    const begun = source(MIB);
    const pieces = new MeteredPieces(begun, tools());
    await pieces.next();
    await pieces.return();
    expect(begun.returned).toBe(1);
    expect(await pieces.next()).toMatchObject({ done: true });
  });
});
