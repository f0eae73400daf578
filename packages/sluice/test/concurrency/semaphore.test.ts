import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextTurn } from "../../src/concurrency/clock.js";
import { type Permit, Semaphore } from "../../src/concurrency/semaphore.js";

describe("Semaphore", () => {
  test("gives as many permits as it has, then makes others wait in arrival order", async () => {
    const semaphore = new Semaphore(2);
    const first = await semaphore.acquire();
    const second = await semaphore.acquire();
    const order: string[] = [];
    const noted = async (name: string) => {
      const permit = await semaphore.acquire();
      order.push(name);
      return permit;
    };
    const third = noted("third");
    const fourth = noted("fourth");
    await nextTurn();
    expect(order).toEqual([]);
    expect([semaphore.available, semaphore.waiting]).toEqual([0, 2]);
    second.release();
    await nextTurn();
    expect(order).toEqual(["third"]);
    first.release();
    expect(order).toEqual(["third"]);
    for (const permit of [await third, await fourth]) permit.release();
    expect(order).toEqual(["third", "fourth"]);
    expect([semaphore.available, semaphore.waiting]).toEqual([2, 0]);
  });

  test("a permit counts once however often it is released", async () => {
    const semaphore = new Semaphore(1);
    const permit = await semaphore.acquire();
    permit.release();
    permit.release();
    permit[Symbol.dispose]();
    expect(semaphore.available).toBe(1);
  });

  test("`using` gives the permit back at the end of the scope, however that is left", async () => {
    const semaphore = new Semaphore(1);
    const scope = async (fail: boolean) => {
      using _permit = await semaphore.acquire();
      expect(semaphore.available).toBe(0);
      if (fail) throw new Error("left early");
    };
    await scope(false);
    await expect(scope(true)).rejects.toThrow("left early");
    expect(semaphore.available).toBe(1);
  });

  test("tryAcquire takes a free permit and never overtakes those who wait", async () => {
    const semaphore = new Semaphore(1);
    const permit = semaphore.tryAcquire();
    expect(permit).toBeDefined();
    expect(semaphore.tryAcquire()).toBeUndefined();
    const waiting = semaphore.acquire();
    permit?.release();
    expect(semaphore.tryAcquire()).toBeUndefined();
    (await waiting).release();
    expect(semaphore.tryAcquire()).toBeDefined();
  });

  test("run holds a permit exactly while its task runs, also when that throws", async () => {
    const semaphore = new Semaphore(1);
    let running = 0;
    let most = 0;
    const task = async (fail: boolean) => {
      running += 1;
      most = Math.max(most, running);
      await nextTurn();
      running -= 1;
      if (fail) throw new Error("task failed");
      return "done";
    };
    const outcomes = await Promise.allSettled([
      semaphore.run(() => task(false)),
      semaphore.run(() => task(true)),
      semaphore.run(() => {
        throw new Error("threw at once");
      }),
      semaphore.run(() => "no promise"),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(most).toBe(1);
    expect(semaphore.available).toBe(1);
  });

  test("whoever gives up waiting gets the signal's reason, takes no permit, and leaves no listener", async () => {
    const semaphore = new Semaphore(1);
    const permit = await semaphore.acquire();
    const controller = new AbortController();
    const given = [semaphore.acquire(controller.signal), semaphore.run(() => "never", controller.signal)];
    const patient = semaphore.acquire();
    controller.abort("too long");
    const outcomes = await Promise.allSettled(given);
    expect(outcomes).toEqual([
      { status: "rejected", reason: "too long" },
      { status: "rejected", reason: "too long" },
    ]);
    expect(semaphore.waiting).toBe(1);
    await expect(semaphore.acquire(controller.signal)).rejects.toBe("too long");
    permit.release();
    (await patient).release();
    expect(semaphore.available).toBe(1);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  test("an abort after the permit was granted changes nothing, and no listener is left on the signal", async () => {
    const semaphore = new Semaphore(1);
    const first = await semaphore.acquire();
    const controller = new AbortController();
    const waiting = semaphore.acquire(controller.signal);
    first.release();
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    controller.abort();
    (await waiting).release();
    expect(semaphore.available).toBe(1);
  });

  test("Infinity never makes anybody wait", async () => {
    const semaphore = new Semaphore(Number.POSITIVE_INFINITY);
    const permits = await Promise.all(Array.from({ length: 100 }, () => semaphore.acquire()));
    for (const permit of permits) permit.release();
    expect(semaphore.available).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses %d permits", (permits) => {
    expect(() => new Semaphore(permits)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });

  test("under any mix of acquiring, cancelling and releasing no permit is lost or made up, and arrival order holds", async () => {
    const action = fc.oneof(
      fc.constant({ do: "acquire" as const, at: 0 }),
      fc.nat(30).map((at) => ({ do: "cancel" as const, at })),
      fc.nat(30).map((at) => ({ do: "release" as const, at })),
      fc.constant({ do: "turn" as const, at: 0 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(action, { maxLength: 50 }),
        async (permits, actions) => {
          const semaphore = new Semaphore(permits);
          const controllers: AbortController[] = [];
          const held: Permit[] = [];
          const granted: number[] = [];
          let given = 0;
          for (const { do: kind, at } of actions) {
            if (kind === "acquire") {
              const id = controllers.length;
              const controller = new AbortController();
              controllers.push(controller);
              semaphore.acquire(controller.signal).then(
                (permit) => {
                  given += 1;
                  granted.push(id);
                  held.push(permit);
                },
                (reason) => expect(reason).toBe(controller.signal.reason),
              );
            } else if (kind === "cancel") controllers[at]?.abort();
            else if (kind === "release") held.splice(at % Math.max(1, held.length), 1)[0]?.release();
            else await nextTurn();
            expect(held.length).toBeLessThanOrEqual(permits);
          }
          await nextTurn();
          expect(held.length + semaphore.available).toBe(permits);
          expect(granted).toEqual([...granted].sort((a, b) => a - b));
          expect(granted).toHaveLength(given);
          for (const controller of controllers) controller.abort();
          await nextTurn();
          for (const permit of held) permit.release();
          expect([semaphore.available, semaphore.waiting]).toEqual([permits, 0]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
