import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallbackDeadline, type Deadline } from "../../src/concurrency/deadline.js";
import { TimerWheel } from "../../src/concurrency/timer-wheel.js";

const DAY = 86_400_000;

/** The wheel with a hand on its time: looks whenever the wheel asks for it, and notes what expired when. */
class Bench {
  readonly wheel: TimerWheel;
  readonly fired: string[] = [];
  readonly errors: unknown[] = [];
  looks = 0;
  now: number;

  constructor(now = 0) {
    this.now = now;
    this.wheel = new TimerWheel(now);
  }

  deadline(name: string): Deadline {
    return new CallbackDeadline(() => this.fired.push(`${name}@${this.now}`));
  }

  arm(deadline: Deadline, delayMs: number, keepAlive = false): void {
    this.wheel.arm(deadline, this.now, delayMs, keepAlive);
  }

  look(): void {
    this.looks += 1;
    this.wheel.expire(this.now, (error) => this.errors.push(error));
  }

  runTo(time: number): void {
    for (let next = this.wheel.nextLookAt(); next <= time; next = this.wheel.nextLookAt()) {
      this.now = Math.max(this.now, next);
      this.look();
    }
    this.now = time;
  }
}

describe("timer wheel: moments", () => {
  test.each([
    0,
    0.25,
    1,
    9,
    255,
    256,
    257,
    65_535,
    65_536,
    65_537,
    16_777_216,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 0.5,
    400 * DAY,
  ])("a delay of %d ms expires at exactly that time", (delay) => {
    for (const start of [0, 0.75, 255.5, 1_234_567.125]) {
      const bench = new Bench(start);
      bench.arm(bench.deadline("a"), delay);
      bench.runTo(start + delay - 0.125);
      expect(bench.fired).toEqual([]);
      bench.runTo(start + delay);
      expect(bench.fired).toEqual([`a@${start + delay}`]);
      expect(bench.wheel.armedCount).toBe(0);
      expect(bench.wheel.nextLookAt()).toBe(Number.POSITIVE_INFINITY);
    }
  });

  test("nothing expires early when the wheel is looked at too often", () => {
    const bench = new Bench();
    bench.arm(bench.deadline("a"), 300.5);
    for (bench.now = 0; bench.now <= 300; bench.now += 0.5) bench.look();
    expect(bench.fired).toEqual([]);
    bench.now = 300.5;
    bench.look();
    expect(bench.fired).toEqual(["a@300.5"]);
  });

  test("a delay of years needs few looks", () => {
    const bench = new Bench();
    bench.arm(bench.deadline("a"), 3_650 * DAY);
    bench.runTo(3_650 * DAY);
    expect(bench.fired).toHaveLength(1);
    expect(bench.looks).toBeLessThan(100);
  });

  test("a late look expires everything that was missed, in the order it was due", () => {
    const bench = new Bench();
    for (const delay of [900_000, 3, 70_000, 300, 20_000_000, 2, 301]) bench.arm(bench.deadline(String(delay)), delay);
    bench.now = 50_000_000;
    bench.look();
    expect(bench.fired.map((line) => Number.parseFloat(line))).toEqual([2, 3, 300, 301, 70_000, 900_000, 20_000_000]);
  });

  test("deadlines due at the same moment expire in the order they were armed, whichever slot they came from", () => {
    const bench = new Bench();
    bench.arm(bench.deadline("first"), 70_000);
    bench.runTo(69_000);
    bench.arm(bench.deadline("second"), 1_000);
    bench.runTo(69_990);
    bench.arm(bench.deadline("third"), 10);
    bench.runTo(70_000);
    expect(bench.fired).toEqual(["first@70000", "second@70000", "third@70000"]);
  });

  test("a negative delay is due at once, Infinity disarms, NaN is refused and changes nothing", () => {
    const bench = new Bench(10);
    const deadline = bench.deadline("a");
    bench.arm(deadline, -5);
    expect(deadline.dueAt).toBe(10);
    bench.arm(deadline, Number.POSITIVE_INFINITY);
    expect(deadline.armed).toBe(false);
    expect(bench.wheel.armedCount).toBe(0);
    bench.arm(deadline, Number.POSITIVE_INFINITY);
    expect(() => bench.arm(deadline, Number.NaN)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
    expect(bench.wheel.armedCount).toBe(0);
    bench.runTo(100);
    expect(bench.fired).toEqual([]);
  });

  test("works on when the time passes 2^31 milliseconds", () => {
    const bench = new Bench(2 ** 31 - 100.5);
    for (const delay of [50, 100, 101, 150, 70_000]) bench.arm(bench.deadline(String(delay)), delay);
    const start = bench.now;
    bench.runTo(start + 70_000);
    expect(bench.fired).toEqual([50, 100, 101, 150, 70_000].map((delay) => `${delay}@${start + delay}`));
  });

  test("an empty wheel that was left alone for long places the next deadline as if it were new", () => {
    const bench = new Bench();
    bench.now = 40 * DAY + 0.5;
    bench.arm(bench.deadline("a"), 5);
    expect(bench.wheel.nextLookAt()).toBe(40 * DAY + 5.5);
  });
});

describe("timer wheel: moving deadlines", () => {
  test("a deadline moved further away stays linked where it is and is looked at once more", () => {
    const bench = new Bench();
    const deadline = bench.deadline("a");
    bench.arm(deadline, 100);
    const slot = deadline.wheelSlot;
    for (let step = 1; step <= 90; step += 1) {
      bench.now = step;
      bench.arm(deadline, 100);
      expect(deadline.wheelSlot).toBe(slot);
    }
    bench.runTo(1_000);
    expect(bench.fired).toEqual(["a@190"]);
    expect(bench.looks).toBeLessThanOrEqual(2);
  });

  test("a deadline moved within its own millisecond expires at the later moment", () => {
    const bench = new Bench();
    const deadline = bench.deadline("a");
    bench.arm(deadline, 5.25);
    bench.arm(deadline, 5.75);
    bench.runTo(5.5);
    expect(bench.fired).toEqual([]);
    bench.runTo(6);
    expect(bench.fired).toEqual(["a@5.75"]);
  });

  test("a deadline moved nearer expires at the nearer time only", () => {
    const bench = new Bench();
    const deadline = bench.deadline("a");
    bench.arm(deadline, 70_000);
    bench.arm(deadline, 20);
    bench.runTo(100_000);
    expect(bench.fired).toEqual(["a@20"]);
  });

  test("disarming unlinks from the front, the middle and the end of a slot", () => {
    for (const gone of [0, 1, 2]) {
      const bench = new Bench();
      const deadlines = ["a", "b", "c"].map((name) => bench.deadline(name));
      for (const deadline of deadlines) bench.arm(deadline, 10);
      for (const deadline of deadlines.filter((_, index) => index === gone)) {
        bench.wheel.disarm(deadline);
        bench.wheel.disarm(deadline);
        expect(deadline).toMatchObject({ armed: false, wheelSlot: -1, wheelNext: undefined, wheelPrevious: undefined });
      }
      expect(bench.wheel.armedCount).toBe(2);
      bench.runTo(10);
      expect(bench.fired).toEqual(["a@10", "b@10", "c@10"].filter((_, index) => index !== gone));
    }
  });

  test("arming and disarming allocate nothing but the deadline's own fields", () => {
    const bench = new Bench();
    const deadline = bench.deadline("a");
    const before = Object.keys(deadline).sort();
    bench.arm(deadline, 10);
    bench.wheel.disarm(deadline);
    expect(Object.keys(deadline).sort()).toEqual(before);
  });
});

describe("timer wheel: within an expire", () => {
  test("the deadline is disarmed already and may arm itself again", () => {
    const bench = new Bench();
    const seen: boolean[] = [];
    const deadline: Deadline = new CallbackDeadline(() => {
      seen.push(deadline.armed);
      if (seen.length < 3) bench.arm(deadline, 10);
    });
    bench.arm(deadline, 10);
    bench.runTo(100);
    expect(seen).toEqual([false, false, false]);
    expect(bench.wheel.armedCount).toBe(0);
  });

  test("a deadline that arms itself without delay waits for the next look", () => {
    const bench = new Bench();
    let count = 0;
    const deadline: Deadline = new CallbackDeadline(() => {
      count += 1;
      bench.arm(deadline, 0);
    });
    bench.arm(deadline, 1);
    bench.now = 1;
    bench.look();
    expect(count).toBe(1);
    expect(bench.wheel.nextLookAt()).toBe(1);
    bench.look();
    expect(count).toBe(2);
  });

  test("one that is due in the same look can be disarmed, moved away, or moved away and disarmed", () => {
    const bench = new Bench();
    const [disarmed, moved, both, kept] = ["disarmed", "moved", "both", "kept"].map((name) => bench.deadline(name));
    if (!disarmed || !moved || !both || !kept) throw new Error("four deadlines");
    const first = new CallbackDeadline(() => {
      bench.wheel.disarm(disarmed);
      bench.arm(moved, 7);
      bench.arm(both, 7);
      bench.wheel.disarm(both);
      bench.fired.push(`${bench.wheel.armedCount} armed`);
    });
    for (const deadline of [first, disarmed, moved, both, kept]) bench.arm(deadline, 5);
    bench.runTo(100);
    expect(bench.fired).toEqual(["2 armed", "kept@5", "moved@12"]);
    expect(bench.wheel.armedCount).toBe(0);
  });

  test("what one throws is reported and the others expire", () => {
    const bench = new Bench();
    const error = new Error("thrown by a deadline");
    bench.arm(bench.deadline("a"), 5);
    bench.arm(
      new CallbackDeadline(() => {
        throw error;
      }),
      5,
    );
    bench.arm(bench.deadline("b"), 5);
    bench.arm(bench.deadline("c"), 6);
    bench.runTo(10);
    expect(bench.fired).toEqual(["a@5", "b@5", "c@6"]);
    expect(bench.errors).toEqual([error]);
  });
});

test("timer wheel: counts the deadlines that hold the process, through moving, disarming and expiring", () => {
  const bench = new Bench();
  const a = bench.deadline("a");
  const b = bench.deadline("b");
  bench.arm(a, 10, true);
  bench.arm(a, 20, true);
  bench.arm(b, 10, true);
  expect(bench.wheel.holdCount).toBe(2);
  bench.arm(b, 10, false);
  expect(bench.wheel.holdCount).toBe(1);
  bench.runTo(10);
  expect(bench.wheel.holdCount).toBe(1);
  bench.runTo(20);
  expect(bench.wheel.holdCount).toBe(0);
  bench.arm(a, 5, true);
  bench.wheel.disarm(a);
  expect(bench.wheel.holdCount).toBe(0);
});

/** The simplest correct thing: a list, searched for the earliest. */
class NaiveModel {
  readonly armed = new Map<number, { dueAt: number; order: number }>();
  readonly fired: string[] = [];
  #order = 0;

  arm(id: number, dueAt: number): void {
    this.#order += 1;
    this.armed.set(id, { dueAt, order: this.#order });
  }

  runTo(time: number): void {
    const due = [...this.armed].filter(([, entry]) => entry.dueAt <= time);
    due.sort(([, a], [, b]) => a.dueAt - b.dueAt || a.order - b.order);
    for (const [id, entry] of due) {
      this.armed.delete(id);
      this.fired.push(`${id}@${entry.dueAt}`);
    }
  }
}

const span = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 0, max: 600 }),
  fc.integer({ min: 0, max: 200_000 }),
  fc.integer({ min: 0, max: 60 * DAY }),
  fc.integer({ min: 0, max: 4_000 }).map((eighths) => eighths / 8),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("arm" as const), id: fc.nat(11), ms: span }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disarm" as const), id: fc.nat(11), ms: fc.constant(0) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), id: fc.constant(0), ms: span }) },
);

test("timer wheel: fires what a plain sorted list fires, at the same times and in the same order", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.constantFrom(0, 0.5, 255, 2 ** 31 - 300, 2 ** 40),
      (steps, start) => {
        const bench = new Bench(start);
        const model = new NaiveModel();
        const deadlines = Array.from({ length: 12 }, (_, id) => bench.deadline(String(id)));
        for (const { do: action, id, ms } of steps) {
          const deadline = deadlines[id];
          if (deadline === undefined) throw new Error("no such deadline");
          if (action === "arm") {
            bench.arm(deadline, ms);
            model.arm(id, bench.now + ms);
          } else if (action === "disarm") {
            bench.wheel.disarm(deadline);
            model.armed.delete(id);
          } else {
            bench.runTo(bench.now + ms);
            model.runTo(bench.now);
          }
          expect(bench.fired).toEqual(model.fired);
          expect(bench.wheel.armedCount).toBe(model.armed.size);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("timer wheel: looked at rarely and late, it still fires the same ones in the same order, none early", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bench = new Bench();
      const model = new NaiveModel();
      const deadlines = Array.from({ length: 12 }, (_, id) => bench.deadline(String(id)));
      for (const { do: action, id, ms } of steps) {
        const deadline = deadlines[id];
        if (deadline === undefined) throw new Error("no such deadline");
        if (action === "arm") {
          bench.arm(deadline, ms);
          model.arm(id, bench.now + ms);
        } else if (action === "disarm") {
          bench.wheel.disarm(deadline);
          model.armed.delete(id);
        } else {
          bench.now += ms;
          bench.look();
          model.runTo(bench.now);
        }
        expect(bench.fired.map((line) => line.split("@")[0])).toEqual(model.fired.map((line) => line.split("@")[0]));
        expect(bench.wheel.nextLookAt()).toBeLessThanOrEqual(
          Math.min(...[...model.armed.values()].map((entry) => entry.dueAt)),
        );
      }
    }),
    { numRuns: 300 },
  );
});
