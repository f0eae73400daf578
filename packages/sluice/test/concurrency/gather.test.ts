import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { nextTurn } from "../../src/concurrency/clock.js";
import { gather } from "../../src/concurrency/gather.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { sleep } from "../../src/concurrency/sleep.js";

const clock = new ManualClock();
const forever = (signal: AbortSignal) => sleep(Number.POSITIVE_INFINITY, { signal, clock });

describe("gather", () => {
  test("gives results in the order of the tasks, whichever ended first, typed as the tuple they are", async () => {
    const results = await gather([
      async () => {
        await nextTurn();
        return "slow";
      },
      () => Number("2"),
      Promise.resolve(true),
      { plain: "value" },
      undefined,
    ]);
    expectTypeOf(results).toEqualTypeOf<[string, number, boolean, { plain: string }, undefined]>();
    expect(results).toEqual(["slow", 2, true, { plain: "value" }, undefined]);
    const many = await gather([1, 2, 3].map((number) => async () => `${number}`));
    expectTypeOf(many).toEqualTypeOf<string[]>();
    expect(many).toEqual(["1", "2", "3"]);
    expect(await gather([])).toEqual([]);
  });

  test("calls no more tasks at once than its concurrency, in order, and promises take no place", async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const tasks = Array.from({ length: 10 }, (_, index) => async () => {
      order.push(index);
      running += 1;
      most = Math.max(most, running);
      await nextTurn();
      running -= 1;
      return index;
    });
    const results = await gather([Promise.resolve("promise"), ...tasks, "value"], { concurrency: 3 });
    expect(results).toEqual(["promise", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "value"]);
    expect(most).toBe(3);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("the first failure aborts the rest, calls no further task, waits for those that run, and is thrown itself", async () => {
    const notes: string[] = [];
    const error = new Error("first");
    const reasons: unknown[] = [];
    const gathering = gather(
      [
        async (signal: AbortSignal) => {
          try {
            await forever(signal);
          } catch (reason) {
            reasons.push(reason);
            await nextTurn();
            notes.push("slow to end");
            throw new Error("fails on its own, but later");
          }
        },
        async () => {
          await nextTurn();
          throw error;
        },
        () => notes.push("never called"),
      ],
      { concurrency: 2 },
    );
    await expect(gathering).rejects.toBe(error);
    expect(notes).toEqual(["slow to end"]);
    expect(reasons).toEqual([expect.objectContaining({ code: "task/sibling-failed", cause: error })]);
  });

  test("a task that throws before it returns a promise has failed like any other", async () => {
    const tasks = [
      () => {
        throw new Error("at once");
      },
      forever,
    ];
    await expect(gather(tasks)).rejects.toThrow("at once");
  });

  test("a promise among the tasks that rejects fails the gathering and is never unhandled", async () => {
    const rejecting = Promise.reject(new Error("promise failed"));
    await expect(gather([forever, rejecting], { concurrency: 1 })).rejects.toThrow("promise failed");
    const late = (async () => {
      await nextTurn();
      throw new Error("rejects when everything is over");
    })();
    await expect(gather([() => Promise.reject("over"), late])).rejects.toBe("over");
    await nextTurn();
    await nextTurn();
  });

  test("the caller's abort ends the tasks; the gathering rejects with that reason once they have ended", async () => {
    const controller = new AbortController();
    const notes: string[] = [];
    const gathering = gather(
      [
        async (signal: AbortSignal) => {
          try {
            await forever(signal);
          } finally {
            await nextTurn();
            notes.push("ended");
          }
        },
        forever,
      ],
      { signal: controller.signal, concurrency: 1 },
    );
    controller.abort("given up");
    await expect(gathering).rejects.toBe("given up");
    expect(notes).toEqual(["ended"]);
    const notCalled = () => notes.push("called");
    const rejected = Promise.reject(new Error("handled all the same"));
    await expect(gather([notCalled, rejected], { signal: controller.signal })).rejects.toBe("given up");
    await expect(gather.settled([notCalled], { signal: controller.signal })).rejects.toBe("given up");
    expect(notes).toEqual(["ended"]);
  });

  test("leaves no listener on the caller's signal, whether it ends well or badly", async () => {
    const { signal } = new AbortController();
    const working = gather([nextTurn, nextTurn], { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await working;
    await gather([() => Promise.reject(new Error("failed"))], { signal }).catch(() => undefined);
    await gather.settled([() => Promise.reject(new Error("failed"))], { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test.each([0, -1, Number.NaN])("refuses a concurrency of %d", async (concurrency) => {
    const refused = expect.objectContaining({ name: "UsageError", code: "options/out-of-range" });
    await expect(gather([() => 1], { concurrency })).rejects.toEqual(refused);
    await expect(gather.settled([() => 1], { concurrency })).rejects.toEqual(refused);
  });
});

describe("gather.settled", () => {
  test("gives failures as results and aborts nothing", async () => {
    const results = await gather.settled([
      async (signal: AbortSignal) => {
        await nextTurn();
        await nextTurn();
        return signal.aborted;
      },
      () => Promise.reject("why"),
      Promise.reject(new Error("promise")),
      4,
    ]);
    expectTypeOf(results[0]).toEqualTypeOf<PromiseSettledResult<boolean>>();
    expect(results).toEqual([
      { status: "fulfilled", value: false },
      { status: "rejected", reason: "why" },
      { status: "rejected", reason: new Error("promise") },
      { status: "fulfilled", value: 4 },
    ]);
  });
});

test("gather: for any tasks and concurrency, what is thrown is the first error and nothing runs afterwards", async () => {
  const task = fc.record({ turns: fc.nat(3), fails: fc.boolean(), heeds: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (specs, concurrency) => {
      let running = 0;
      let firstError: Error | undefined;
      const functions = specs.map(({ turns, fails, heeds }, index) => async (signal: AbortSignal) => {
        running += 1;
        expect(running).toBeLessThanOrEqual(concurrency);
        try {
          for (let turn = 0; turn < turns; turn += 1) {
            await nextTurn();
            if (heeds) signal.throwIfAborted();
          }
          if (!fails) return index;
          const error = new Error(`task ${index}`);
          if (!signal.aborted) firstError ??= error;
          throw error;
        } finally {
          running -= 1;
        }
      });
      const outcome = await gather(functions, { concurrency }).then(
        (results) => ({ results }),
        (error: unknown) => ({ error }),
      );
      expect(running).toBe(0);
      if (firstError === undefined) expect(outcome).toEqual({ results: specs.map((_, index) => index) });
      else expect(outcome).toEqual({ error: firstError });
    }),
    { numRuns: 100 },
  );
});
