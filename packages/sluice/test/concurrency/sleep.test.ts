import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { nextTurn, systemClock } from "../../src/concurrency/clock.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { sleep } from "../../src/concurrency/sleep.js";

/** "pending", "fulfilled", or what it was rejected with. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = "pending";
  promise.then(
    () => {
      state = "fulfilled";
    },
    (error) => {
      state = error;
    },
  );
  await nextTurn();
  return state;
}

describe("sleep", () => {
  test("resolves when its time has passed, not before", async () => {
    const clock = new ManualClock();
    const sleeping = sleep(100, { clock });
    clock.advance(99.9);
    expect(await stateOf(sleeping)).toBe("pending");
    clock.advance(0.1);
    await sleeping;
    expect(clock.armedCount).toBe(0);
  });

  test("rejects with the signal's reason itself, disarms, and leaves no listener however it ends", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const finished = sleep(5, { clock, signal: controller.signal });
    clock.advance(5);
    await finished;
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);

    const reason = { any: "value" };
    const aborted = sleep(1_000, { clock, signal: controller.signal });
    controller.abort(reason);
    expect(await stateOf(aborted)).toBe(reason);
    expect(clock.armedCount).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    expect(await stateOf(sleep(1_000, { clock, signal: controller.signal }))).toBe(reason);
    expect(clock.armedCount).toBe(0);
  });

  test("a negative delay waits for the next chance, Infinity for the abort alone, NaN is refused", async () => {
    const clock = new ManualClock();
    const soon = sleep(-5, { clock });
    expect(await stateOf(soon)).toBe("pending");
    clock.advance(0);
    await soon;
    const controller = new AbortController();
    const forever = sleep(Number.POSITIVE_INFINITY, { clock, signal: controller.signal });
    clock.advance(1e12);
    expect(await stateOf(forever)).toBe("pending");
    controller.abort("enough");
    expect(await stateOf(forever)).toBe("enough");
    expect(() => sleep(Number.NaN)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });

  test("on the system's clock it takes at least its time and holds the process meanwhile", async () => {
    const start = systemClock.now();
    const sleeping = sleep(15);
    expect(process.getActiveResourcesInfo()).toContain("Timeout");
    await sleeping;
    expect(systemClock.now() - start).toBeGreaterThanOrEqual(15);
  });
});
