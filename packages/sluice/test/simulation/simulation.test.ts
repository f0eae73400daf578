/** A few worlds in the quick tier; `simulation.long.test.ts` has thousands. `SIMULATION_SEEDS=155` runs that one. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { failuresOf, namedSeeds, range } from "./seeds.js";
import { simulate } from "./simulate.js";

const QUICK_SEEDS = 25;

beforeAll(() => {
  vi.stubEnv("NODE_ENV", "production");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

test("what must hold does, in worlds of all kinds", { timeout: 600_000 }, async () => {
  expect(await failuresOf(namedSeeds() ?? range(0, QUICK_SEEDS))).toEqual([]);
});

describe("a world", () => {
  test("goes the same way each time: on the wire, and for every request", async () => {
    for (const seed of [3, 11]) {
      const first = await simulate(seed);
      expect(await simulate(seed)).toEqual(first);
      expect(first.digest).toMatch(/^[0-9a-f]{16} [0-9a-f]{8}$/);
    }
  });

  test("is another for another seed", async () => {
    const digests = new Set<string>();
    for (const seed of range(0, 5)) digests.add((await simulate(seed)).digest);
    expect(digests.size).toBe(5);
  });

  test("has good days and bad ones: requests succeed, and fail in many ways", async () => {
    const ends = new Set<string>();
    for (const seed of range(25, 25)) {
      for (const outcome of (await simulate(seed)).outcomes) ends.add(outcome.split(" ")[1] ?? "");
    }
    const ways = ["bytes", "response", "pieces", "discard", "forget", "break", "aborted"];
    const failures = ["connect/refused", "connection/lost", "connection/closed", "timeout.total", "pool/queue-full"];
    expect([...ends]).toEqual(expect.arrayContaining([...ways, ...failures]));
  });
});

describe("SIMULATION_SEEDS", () => {
  test("is seeds and ranges", () => {
    expect(namedSeeds("7")).toEqual([7]);
    expect(namedSeeds("1-3,9")).toEqual([1, 2, 3, 9]);
    expect(namedSeeds("")).toBeUndefined();
    for (const wrong of ["x", "3-1", "1.5", "1-"]) expect(() => namedSeeds(wrong), wrong).toThrow(/SIMULATION_SEEDS/);
  });
});
