import { describe, expect, test } from "vitest";
import { CallbackDeadline, callLater, type Deadline } from "../../src/concurrency/deadline.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";

describe("ManualClock", () => {
  test("starts where it is told, and moves wall time along with its own", () => {
    const clock = new ManualClock({ now: 1_000, wallTime: 5_000_000 });
    clock.advance(250);
    expect(clock.now()).toBe(1_250);
    expect(clock.wallTime()).toBe(5_000_250);
    expect(new ManualClock().now()).toBe(0);
    expect(new Date(new ManualClock().wallTime()).toISOString()).toBe("2026-01-01T00:00:00.000Z");
  });

  test("expires each deadline at its own time on the way, in order", () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    for (const delay of [300.5, 7, 100_000, 7]) callLater(clock, delay, () => seen.push(`${delay}@${clock.now()}`));
    clock.advance(6.999);
    expect(seen).toEqual([]);
    clock.advance(0.001);
    expect(seen).toEqual(["7@7", "7@7"]);
    clock.advance(200_000);
    expect(seen.slice(2)).toEqual(["300.5@300.5", "100000@100000"]);
    expect(clock.now()).toBe(200_007);
    expect(clock.armedCount).toBe(0);
  });

  test("a chain of deadlines that arm the next one runs within one advance", () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const deadline: Deadline = new CallbackDeadline(() => {
      times.push(clock.now());
      clock.arm(deadline, 10);
    });
    clock.arm(deadline, 10);
    clock.advance(45);
    expect(times).toEqual([10, 20, 30, 40]);
    clock.disarm(deadline);
    expect(clock.armedCount).toBe(0);
  });

  test("advanceToNext goes from deadline to deadline, and says when there is none", () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    for (const delay of [0, 0.3, 90_000_000.7]) callLater(clock, delay, () => seen.push(clock.now()));
    let steps = 0;
    while (clock.advanceToNext()) steps += 1;
    expect(seen).toEqual([0, 0.3, 90_000_000.7]);
    // Looks at slots of the wheel in which nothing was due are steps too.
    expect(steps).toBeLessThan(10);
    expect(clock.advanceToNext()).toBe(false);
    callLater(clock, 1, () => {
      throw new Error("late");
    });
    expect(() => clock.advanceToNext()).toThrow("late");
    expect(clock.armedCount).toBe(0);
  });

  test("advance(0) expires what is due without delay", () => {
    const clock = new ManualClock();
    let fired = 0;
    callLater(clock, 0, () => {
      fired += 1;
    });
    clock.advance(0);
    expect(fired).toBe(1);
  });

  test("advanceAsync lets awaiting code arm its next deadline in time", async () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const pause = (ms: number) => new Promise<void>((resolve) => callLater(clock, ms, resolve));
    const loop = (async () => {
      for (let round = 0; round < 4; round += 1) {
        await pause(25);
        await Promise.resolve().then(() => undefined);
        times.push(clock.now());
      }
    })();
    await clock.advanceAsync(100);
    expect(times).toEqual([25, 50, 75, 100]);
    await loop;
  });

  test("errors thrown by deadlines surface once time has arrived: one as itself, several together", async () => {
    const clock = new ManualClock();
    const fail = (message: string) => () => {
      throw new Error(message);
    };
    let later = false;
    callLater(clock, 5, fail("one"));
    callLater(clock, 6, () => {
      later = true;
    });
    expect(() => clock.advance(10)).toThrow("one");
    expect(later).toBe(true);
    expect(clock.now()).toBe(10);
    callLater(clock, 5, fail("two"));
    callLater(clock, 6, fail("three"));
    await expect(clock.advanceAsync(10)).rejects.toMatchObject({
      name: "AggregateError",
      errors: [new Error("two"), new Error("three")],
    });
    clock.advance(10);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses to advance by %d", async (ms) => {
    const clock = new ManualClock();
    expect(() => clock.advance(ms)).toThrow(expect.objectContaining({ code: "clock/bad-advance" }));
    await expect(clock.advanceAsync(ms)).rejects.toMatchObject({ code: "clock/bad-advance" });
    expect(clock.now()).toBe(0);
  });

  test("refuses to be advanced from within an expire", () => {
    const clock = new ManualClock();
    callLater(clock, 5, () => clock.advance(1));
    expect(() => clock.advance(10)).toThrow(expect.objectContaining({ code: "clock/bad-advance" }));
    clock.advance(1);
    expect(clock.now()).toBe(11);
  });

  test("says so when deadlines arm themselves for ever without delay", () => {
    const clock = new ManualClock();
    const deadline: Deadline = new CallbackDeadline(() => clock.arm(deadline, 0));
    clock.arm(deadline, 3);
    expect(() => clock.advance(10)).toThrow(expect.objectContaining({ code: "clock/endless-moment" }));
    expect(clock.now()).toBe(3);
    clock.disarm(deadline);
    clock.advance(10);
    expect(clock.now()).toBe(13);
  });
});
