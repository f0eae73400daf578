import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { nextTurn, systemClock } from "../../src/concurrency/clock.js";
import { CallbackDeadline, callLater, type Deadline } from "../../src/concurrency/deadline.js";

const DAY = 86_400_000;

describe("systemClock on the real timer", () => {
  test("expires deadlines in order, never early and soon after they are due", async () => {
    const seen: { delay: number; late: number }[] = [];
    await new Promise<void>((resolve) => {
      for (const delay of [40, 3, 12, 3.5, 0]) {
        const start = systemClock.now();
        callLater(systemClock, delay, () => {
          seen.push({ delay, late: systemClock.now() - start - delay });
          if (seen.length === 5) resolve();
        });
      }
    });
    expect(seen.map((entry) => entry.delay)).toEqual([0, 3, 3.5, 12, 40]);
    for (const entry of seen) expect(entry.late).toBeGreaterThanOrEqual(0);
    expect(systemClock.armedCount).toBe(0);
  });

  test("catches up in order after the loop was blocked", async () => {
    const seen: number[] = [];
    const all = new Promise<void>((resolve) => {
      for (const delay of [9, 2, 5]) callLater(systemClock, delay, () => void (seen.push(delay) === 3 && resolve()));
    });
    const until = systemClock.now() + 30;
    while (systemClock.now() < until);
    await all;
    expect(seen).toEqual([2, 5, 9]);
  });

  test("wall time is that of Date", () => {
    expect(Math.abs(systemClock.wallTime() - Date.now())).toBeLessThan(1_000);
  });

  test("nextTurn resolves after the microtasks of this turn", async () => {
    const seen: string[] = [];
    const turn = nextTurn().then(() => seen.push("turn"));
    await Promise.resolve().then(() => Promise.resolve().then(() => seen.push("microtask")));
    await turn;
    expect(seen).toEqual(["microtask", "turn"]);
  });
});

describe("systemClock and its one Node timer", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "performance", "Date"], now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Deadlines of the tests before, which ran on real time, must not be in the way. */
  function quiet(): void {
    vi.runAllTimers();
    expect(vi.getTimerCount()).toBe(0);
  }

  test("any number of deadlines share one timer, and none is left when nothing waits", () => {
    quiet();
    let fired = 0;
    for (let delay = 1; delay <= 500; delay += 1) {
      callLater(systemClock, delay, () => {
        fired += 1;
      });
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(systemClock.armedCount).toBe(500);
    vi.advanceTimersByTime(502);
    expect(fired).toBe(500);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("after everything was disarmed the timer wakes once more at most", () => {
    quiet();
    const deadline = callLater(systemClock, 100, () => undefined);
    systemClock.disarm(deadline);
    systemClock.disarm(deadline);
    expect(systemClock.armedCount).toBe(0);
    vi.advanceTimersByTime(101);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("sleeps through a long wait instead of ticking", () => {
    quiet();
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    let fired = 0;
    callLater(systemClock, 30 * DAY, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(30 * DAY - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(3);
    expect(fired).toBe(1);
    expect(timeouts.mock.calls.length).toBeLessThan(10);
    for (const [, delay] of timeouts.mock.calls) expect(delay).toBeLessThanOrEqual(2 ** 31 - 1);
  });

  test("a nearer deadline moves the timer, a further one leaves it alone", () => {
    quiet();
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    callLater(systemClock, 1_000, () => undefined);
    callLater(systemClock, 2_000, () => undefined);
    expect(timeouts).toHaveBeenCalledTimes(1);
    const near = callLater(systemClock, 10, () => undefined);
    expect(timeouts).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(1);
    systemClock.arm(near, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(2_100);
    expect(systemClock.armedCount).toBe(0);
  });

  test("deadlines that arm others while expiring share the timer that is set afterwards", () => {
    quiet();
    const times: number[] = [];
    const deadline: Deadline = new CallbackDeadline(() => {
      times.push(systemClock.now());
      if (times.length < 3) systemClock.arm(deadline, 10);
      expect(vi.getTimerCount()).toBe(0);
    });
    const start = systemClock.now();
    systemClock.arm(deadline, 10);
    vi.advanceTimersByTime(60);
    expect(times.map((time) => Math.round(time - start))).toEqual([10, 20, 30]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what an expire throws is thrown from a later turn, and the other deadlines expire", () => {
    quiet();
    let other = 0;
    callLater(systemClock, 5, () => {
      throw new Error("thrown by a deadline");
    });
    callLater(systemClock, 5, () => {
      other += 1;
    });
    expect(() => vi.advanceTimersByTime(6)).toThrow("thrown by a deadline");
    expect(other).toBe(1);
    expect(systemClock.armedCount).toBe(0);
  });
});

describe("systemClock and the life of the process", () => {
  test("its timer holds the process only while a deadline that asks for it is armed", () => {
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    const plain = callLater(systemClock, 50_000, () => undefined);
    const nearer = callLater(systemClock, 40_000, () => undefined);
    const timer = timeouts.mock.results.at(-1)?.value as NodeJS.Timeout;
    timeouts.mockRestore();
    expect(timer.hasRef()).toBe(false);

    const holding = new CallbackDeadline(() => undefined);
    systemClock.arm(holding, 60_000, true);
    expect(timer.hasRef()).toBe(true);
    systemClock.arm(nearer, 60_000, true);
    systemClock.disarm(holding);
    expect(timer.hasRef()).toBe(true);
    systemClock.arm(nearer, 60_000);
    expect(timer.hasRef()).toBe(false);
    systemClock.disarm(plain);
    systemClock.disarm(nearer);
  });

  test("a deadline may start and stop holding the process while others expire", async () => {
    const holding = new CallbackDeadline(() => undefined);
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    await new Promise<void>((resolve) => {
      callLater(systemClock, 1, () => {
        systemClock.arm(holding, 50_000, true);
        systemClock.disarm(holding);
        systemClock.arm(holding, 50_000, true);
        resolve();
      });
    });
    await nextTurn();
    const timer = timeouts.mock.results.at(-1)?.value as NodeJS.Timeout;
    timeouts.mockRestore();
    expect(timer.hasRef()).toBe(true);
    systemClock.disarm(holding);
    expect(timer.hasRef()).toBe(false);
  });

  test("a timer made for a deadline that holds the process does so at once, and lets go when it has expired", async () => {
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    const unrelated = callLater(systemClock, 30_000, () => undefined);
    await new Promise<void>((resolve) => {
      systemClock.arm(new CallbackDeadline(resolve), 2, true);
    });
    await nextTurn();
    const timers = timeouts.mock.results.map((result) => result.value as NodeJS.Timeout);
    timeouts.mockRestore();
    expect(timers.at(-1)?.hasRef()).toBe(false);
    systemClock.disarm(unrelated);
  });
});
