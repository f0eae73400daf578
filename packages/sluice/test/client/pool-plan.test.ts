import { describe, expect, test } from "vitest";
import { DIALING, OVERTAKE_LIMIT, PoolPlan, REFUSED, WAITING } from "../../src/client/pool-plan.js";
import { UsageError } from "../../src/errors.js";
import { NamedWaiter, PlanDriver } from "./pool-plan-driver.js";

describe("pool plan: dialing and keep-alive", () => {
  test("dials for a newcomer, and hands the connection to it when it is open", () => {
    const pool = new PlanDriver();
    expect(pool.acquire("a", "x")).toEqual([DIALING, "dial #1 to x"]);
    expect(pool.slot(1)).toMatchObject({ state: "dialing", capacity: 1, active: 0, owner: { name: "a" } });
    expect(pool.opened(1)).toEqual(["a gets #1"]);
    expect(pool.slot(1)).toMatchObject({ state: "open", link: "link 1", active: 1, owner: undefined });
    expect(pool.waiter("a").state).toBe("served");
  });

  test("hands out an idle connection at once, without an effect", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    expect(pool.released(1)).toEqual([]);
    expect(pool.acquire("b", "x")).toEqual(["#1"]);
    expect(pool.plan.hasEffects).toBe(false);
    expect(pool.waiter("b").state).toBe("served");
  });

  test("takes the most recently used connection first, so that surplus ones age out", () => {
    const pool = new PlanDriver();
    for (const name of ["a", "b", "c"]) pool.busy(name, "x");
    pool.released(2);
    pool.released(3);
    pool.released(1);
    expect([pool.acquire("d", "x"), pool.acquire("e", "x"), pool.acquire("f", "x")]).toEqual([["#1"], ["#3"], ["#2"]]);
  });

  test("does not lend a connection of one route to another", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.released(1);
    expect(pool.acquire("b", "y")).toEqual([DIALING, "dial #2 to y"]);
  });

  test("lets the same waiter ask again after it was served, and refuses to queue it twice", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    expect(pool.acquireAgain(pool.waiter("a"), pool.plan.route("x"))).toEqual([WAITING]);
    expect(() => pool.acquireAgain(pool.waiter("a"), pool.plan.route("x"))).toThrow(
      expect.objectContaining({ code: "pool/already-waiting" }),
    );
    expect(pool.released(1)).toEqual(["a gets #1"]);
  });

  test("passes a failed dial's error to its owner alone, and its place to the next", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.acquire("a", "x");
    pool.acquire("b", "x");
    expect(pool.dialFailed(1)).toEqual(["a fails", "dial #2 to x"]);
    expect(pool.waiter("a")).toMatchObject({ state: "none", route: undefined, dial: undefined });
    expect(pool.slot(2).owner).toBe(pool.waiter("b"));
    expect(pool.dialFailed(1)).toEqual(["nobody fails"]);
  });

  test("says that a connection is unwanted when its dial was given up while it opened", () => {
    const pool = new PlanDriver();
    pool.acquire("a", "x");
    pool.cancelled("a");
    expect(pool.opened(1)).toEqual(["unwanted"]);
    expect(pool.plan.total).toBe(0);
  });

  test("ignores what is told of a connection that is closed already", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.closed(1);
    expect([pool.closed(1), pool.released(1), pool.detached(1), pool.capacityChanged(1, 5)]).toEqual([[], [], [], []]);
    expect(pool.plan.total).toBe(0);
    expect(pool.slot(1)).toMatchObject({ active: 0, capacity: 1 });
  });

  test("throws when a connection is released that nobody uses", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.released(1);
    expect(() => pool.released(1)).toThrow(UsageError);
    expect(() => pool.released(1)).toThrow(expect.objectContaining({ code: "pool/not-in-use" }));
  });
});

describe("pool plan: waiting", () => {
  test("serves the waiters of a route in arrival order", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    for (const name of ["b", "c", "d"]) expect(pool.acquire(name, "x")).toEqual([WAITING]);
    expect([pool.released(1), pool.released(1), pool.released(1)]).toEqual([
      ["b gets #1"],
      ["c gets #1"],
      ["d gets #1"],
    ]);
  });

  test("gives a released connection to the oldest waiter even while its own dial is under way, and the dial to the next", () => {
    const pool = new PlanDriver({ limit: 2 });
    pool.busy("a", "x");
    expect(pool.acquire("b", "x")).toEqual([DIALING, "dial #2 to x"]);
    expect(pool.acquire("c", "x")).toEqual([WAITING]);
    expect(pool.released(1)).toEqual(["b gets #1"]);
    expect(pool.slot(2).owner).toBe(pool.waiter("c"));
    expect(pool.opened(2)).toEqual(["c gets #2"]);
  });

  test("keeps a dial whose owner was served otherwise: a newcomer takes it over", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.acquire("b", "x");
    expect(pool.released(1)).toEqual(["b gets #1"]);
    expect(pool.slot(2).owner).toBeUndefined();
    expect(pool.acquire("c", "x")).toEqual([DIALING]);
    expect(pool.slot(2).owner).toBe(pool.waiter("c"));
  });

  test("keeps a dial whose owner was served otherwise: with nobody waiting it becomes idle", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.acquire("b", "x");
    pool.released(1);
    expect(pool.opened(2)).toEqual([]);
    expect(pool.plan.stats()).toEqual([{ key: "x", open: 2, idle: 1, dialing: 0, queued: 0 }]);
    expect(pool.acquire("c", "x")).toEqual(["#2"]);
  });

  test("a dial that nobody owns and that fails is nobody's error", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    pool.acquire("b", "x");
    pool.released(1);
    expect(pool.dialFailed(2)).toEqual(["nobody fails"]);
    expect(pool.plan.total).toBe(1);
  });

  test("a fresh connection goes to the waiter it was dialed for, though an older one still dials", () => {
    const pool = new PlanDriver();
    pool.acquire("a", "x");
    pool.acquire("b", "x");
    expect(pool.opened(2)).toEqual(["b gets #2"]);
    expect(pool.opened(1)).toEqual(["a gets #1"]);
  });

  test("a cancelled waiter is never served, and holds nothing any more", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    for (const name of ["b", "c", "d"]) pool.acquire(name, "x");
    expect(pool.cancelled("c")).toEqual([]);
    expect(pool.cancelled("c")).toEqual([]);
    expect(pool.waiter("c")).toMatchObject({
      state: "none",
      previous: undefined,
      next: undefined,
      list: undefined,
      route: undefined,
    });
    expect([pool.released(1), pool.released(1), pool.released(1)]).toEqual([["b gets #1"], ["d gets #1"], []]);
  });

  test("cancelling a waiter that was served changes nothing", () => {
    const pool = new PlanDriver();
    pool.busy("a", "x");
    expect(pool.cancelled("a")).toEqual([]);
    expect(pool.waiter("a").state).toBe("served");
    expect(pool.plan.total).toBe(1);
  });

  test("a cancelled waiter's dial passes to the next without one, or is cancelled", () => {
    const pool = new PlanDriver({ limitPerHost: 1 });
    pool.acquire("a", "x");
    pool.acquire("b", "x");
    expect(pool.cancelled("a")).toEqual([]);
    expect(pool.slot(1).owner).toBe(pool.waiter("b"));
    expect(pool.cancelled("b")).toEqual(["cancel #1"]);
    expect(pool.plan.total).toBe(0);
    expect(pool.plan.stats()).toEqual([]);
  });

  test("a cancelled dial's place goes to the oldest waiter elsewhere", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.acquire("a", "x");
    pool.acquire("b", "y");
    expect(pool.cancelled("a")).toEqual(["cancel #1", "dial #2 to y"]);
  });

  test("a dial that is closed leaves its owner waiting, and is made again while there is room", () => {
    const pool = new PlanDriver();
    pool.acquire("a", "x");
    expect(pool.closed(1)).toEqual(["dial #2 to x"]);
    expect(pool.opened(2)).toEqual(["a gets #2"]);
  });

  test("a waiter that lost its dial takes over that of the youngest, who is then first in the queue", () => {
    const pool = new PlanDriver({ limit: 2 });
    for (const name of ["a", "b", "c"]) pool.acquire(name, "x");
    expect(pool.closed(1)).toEqual(["dial #3 to x"]);
    expect([pool.slot(2).owner, pool.slot(3).owner]).toEqual([pool.waiter("a"), pool.waiter("b")]);
    expect(pool.opened(2)).toEqual(["a gets #2"]);
    expect(pool.released(2)).toEqual(["b gets #2"]);
    expect(pool.slot(3).owner).toBe(pool.waiter("c"));
  });

  test("a waiter whose dial is lost to an older waiter of another route keeps its place in its own", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.acquire("a", "x");
    pool.acquire("older", "y");
    pool.acquire("b", "x");
    pool.acquire("c", "x");
    expect(pool.cancelled("a")).toEqual([]);
    expect(pool.slot(1).owner).toBe(pool.waiter("b"));
    expect(pool.closed(1)).toEqual(["dial #2 to y"]);
    expect(pool.plan.queued).toBe(2);
    expect(pool.dialFailed(2)).toEqual(["older fails", "dial #3 to x"]);
    expect(pool.opened(3)).toEqual(["b gets #3"]);
  });
});

describe("pool plan: limits", () => {
  test("limit 1: one slot over all routes, and freed capacity goes to whoever has waited longest", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    expect(pool.acquire("b", "y")).toEqual([WAITING]);
    expect(pool.acquire("c", "x")).toEqual([WAITING]);
    expect(pool.closed(1)).toEqual(["dial #2 to y"]);
    expect(pool.opened(2)).toEqual(["b gets #2"]);
    expect(pool.released(2)).toEqual(["close #2 (evicted)", "dial #3 to x"]);
  });

  test("limit n: the n-th newcomer still dials, the next one waits", () => {
    const pool = new PlanDriver({ limit: 3 });
    for (const name of ["a", "b", "c"]) expect(pool.acquire(name, name)[0]).toBe(DIALING);
    expect(pool.acquire("d", "d")).toEqual([WAITING]);
    expect(pool.plan.total).toBe(3);
  });

  test("limit off: everybody dials", () => {
    const pool = new PlanDriver();
    for (let count = 1; count <= 200; count += 1) expect(pool.acquire(`${count}`, "x")[0]).toBe(DIALING);
    expect(pool.plan).toMatchObject({ total: 200, waiting: 200, queued: 0 });
  });

  test("limitPerHost 1 and n: bounds a route and leaves the others alone", () => {
    for (const limitPerHost of [1, 4]) {
      const pool = new PlanDriver({ limitPerHost });
      for (let count = 1; count <= limitPerHost; count += 1) expect(pool.acquire(`x${count}`, "x")[0]).toBe(DIALING);
      expect(pool.acquire("one past", "x")).toEqual([WAITING]);
      expect(pool.acquire("y", "y")[0]).toBe(DIALING);
      expect(pool.closed(1)[0]).toMatch(/^dial #\d+ to x$/);
    }
  });

  test("maxQueue 0: nobody ever waits for a place, though a dial of one's own is no waiting", () => {
    const pool = new PlanDriver({ limit: 1, maxQueue: 0 });
    expect(pool.acquire("a", "x")[0]).toBe(DIALING);
    expect(pool.acquire("b", "x")).toEqual([REFUSED]);
    expect(pool.waiter("b")).toMatchObject({ state: "none", list: undefined });
    pool.opened(1);
    expect(pool.acquire("c", "y")).toEqual([REFUSED]);
    expect(pool.plan.stats().map((route) => route.key)).toEqual(["x"]);
    pool.released(1);
    expect(pool.acquire("d", "y")).toEqual([DIALING, "close #1 (evicted)", "dial #2 to y"]);
  });

  test("maxQueue 0: a dial that nobody owns is no waiting either", () => {
    const pool = new PlanDriver({ limit: 2, maxQueue: 0 });
    pool.busy("a", "x");
    pool.acquire("b", "x");
    pool.released(1);
    expect(pool.acquire("c", "x")).toEqual([DIALING]);
    expect(pool.acquire("d", "x")).toEqual([REFUSED]);
  });

  test("maxQueue 1 and n: the n-th waiter is admitted, the next one refused, over all routes together", () => {
    for (const maxQueue of [1, 3]) {
      const pool = new PlanDriver({ limit: 1, maxQueue });
      pool.busy("a", "x");
      for (let count = 1; count <= maxQueue; count += 1)
        expect(pool.acquire(`w${count}`, `r${count}`)).toEqual([WAITING]);
      expect(pool.plan.queued).toBe(maxQueue);
      expect(pool.acquire("one past", "x")).toEqual([REFUSED]);
      pool.cancelled("w1");
      expect(pool.acquire("again", "x")).toEqual([WAITING]);
    }
  });
});

describe("pool plan: between routes", () => {
  test("evicts the connection that has been idle for longest", () => {
    const pool = new PlanDriver({ limit: 3 });
    for (const name of ["a", "b", "c"]) pool.busy(name, name);
    for (const number of [2, 1, 3]) pool.released(number);
    expect(pool.acquire("d", "d")).toEqual([DIALING, "close #2 (evicted)", "dial #4 to d"]);
    expect(pool.acquire("e", "e")).toEqual([DIALING, "close #1 (evicted)", "dial #5 to e"]);
    expect(pool.closed(2)).toEqual([]);
    expect(pool.plan.total).toBe(3);
  });

  test("cancels a dial that nobody owns when its place is needed", () => {
    const pool = new PlanDriver({ limit: 2 });
    pool.busy("a", "x");
    pool.acquire("b", "x");
    pool.released(1);
    expect(pool.acquire("c", "y")).toEqual([DIALING, "cancel #2", "dial #3 to y"]);
  });

  test("a route at its own limit does not hold up those behind it", () => {
    const pool = new PlanDriver({ limit: 2, limitPerHost: 1 });
    pool.busy("a", "x");
    pool.busy("b", "y");
    pool.acquire("older, at x's own limit", "x");
    pool.acquire("younger", "z");
    expect(pool.closed(2)).toEqual(["dial #3 to z"]);
    expect(pool.closed(1)).toEqual(["dial #4 to x"]);
  });

  test("freed capacity goes to the oldest waiter in whatever order the routes came into the line", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("first", "x");
    const keys = ["d", "b", "g", "a", "f", "c", "e"];
    for (const key of keys) pool.acquire(key, key);
    for (const key of keys) pool.acquire(`${key}2`, key);
    for (const gone of ["b", "e"]) pool.cancelled(gone);
    const order: string[] = [];
    let current = 1;
    while (pool.plan.waiting > 0) {
      pool.closed(current);
      current = pool.slots.length;
      order.push(...pool.opened(current).map((line) => line.split(" ")[0] ?? ""));
    }
    expect(order).toEqual(["d", "g", "a", "f", "c", "d2", "b2", "g2", "a2", "f2", "c2", "e2"]);
  });

  test("a kept-alive connection serves its own route first, until a waiter elsewhere was overtaken too often", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.acquire("held up", "y");
    for (let count = 1; count <= OVERTAKE_LIMIT; count += 1) {
      pool.acquire(`x${count}`, "x");
      expect(pool.released(1)).toEqual([`x${count} gets #1`]);
    }
    expect(pool.waiter("held up").overtaken).toBe(OVERTAKE_LIMIT);
    pool.acquire("one past", "x");
    expect(pool.released(1)).toEqual(["close #1 (yielded)", "dial #2 to y"]);
    expect(pool.opened(2)).toEqual(["held up gets #2"]);
    expect(pool.released(2)).toEqual(["close #2 (evicted)", "dial #3 to x"]);
    expect(pool.opened(3)).toEqual(["one past gets #3"]);
  });

  test("being overtaken is forgotten when a waiter asks anew", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.acquire("held up", "y");
    pool.acquire("b", "x");
    pool.released(1);
    pool.cancelled("held up");
    expect(pool.waiter("held up").overtaken).toBe(1);
    expect(pool.acquireAgain(pool.waiter("held up"), pool.plan.route("y"))).toEqual([WAITING]);
    expect(pool.waiter("held up").overtaken).toBe(0);
  });

  test("serving an older waiter of the own route is no overtaking", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.acquire("older", "x");
    pool.acquire("younger", "y");
    pool.released(1);
    expect(pool.waiter("younger").overtaken).toBe(0);
  });

  test("where every waiter of the own route has a dial, serving one frees that dial's place for the waiter held up", () => {
    const pool = new PlanDriver({ limit: 2 });
    pool.busy("a", "x");
    pool.acquire("b", "x");
    pool.acquire("held up", "y");
    pool.acquire("c", "x");
    pool.waiter("held up").overtaken = OVERTAKE_LIMIT;
    // c inherits the dial of b, and is younger than the waiter of y.
    expect(pool.cancelled("b")).toEqual([]);
    expect(pool.released(1)).toEqual(["c gets #1", "cancel #2", "dial #3 to y"]);
  });

  test("detaching frees a place at once, and the connection is nobody's any more", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.acquire("b", "y");
    expect(pool.detached(1)).toEqual(["dial #2 to y"]);
    expect(pool.plan.stats().map((route) => route.key)).toEqual(["y"]);
    expect(pool.closed(1)).toEqual([]);
    expect(pool.plan.total).toBe(1);
  });
});

describe("pool plan: capacity above 1", () => {
  test("an opened connection serves its owner and then the oldest waiters, whose dials are set aside", () => {
    const pool = new PlanDriver();
    for (const name of ["a", "b", "c", "d"]) pool.acquire(name, "x");
    expect(pool.opened(2, 3)).toEqual(["b gets #2", "a gets #2", "c gets #2"]);
    expect(pool.slots.map((slot) => slot.owner)).toEqual([undefined, undefined, undefined, pool.waiter("d")]);
    expect(pool.acquire("e", "x")).toEqual([DIALING]);
    expect(pool.slot(1).owner).toBe(pool.waiter("e"));
  });

  test("a capacity below 1 counts as 1 when the connection opens", () => {
    const pool = new PlanDriver();
    pool.acquire("a", "x");
    expect(pool.opened(1, 0)).toEqual(["a gets #1"]);
    expect(pool.slot(1)).toMatchObject({ capacity: 1, active: 1 });
  });

  test("newcomers share a connection up to its capacity; it is idle when the last has left", () => {
    const pool = new PlanDriver({ limitPerHost: 1 });
    pool.acquire("a", "x");
    pool.opened(1, 2);
    expect(pool.acquire("b", "x")).toEqual(["#1"]);
    expect(pool.acquire("c", "x")).toEqual([WAITING]);
    expect(pool.released(1)).toEqual(["c gets #1"]);
    pool.released(1);
    expect(pool.plan.stats()).toEqual([{ key: "x", open: 1, idle: 0, dialing: 0, queued: 0 }]);
    pool.released(1);
    expect(pool.plan.stats()).toEqual([{ key: "x", open: 1, idle: 1, dialing: 0, queued: 0 }]);
  });

  test("more capacity serves waiters at once; less takes nothing from those who have it", () => {
    const pool = new PlanDriver({ limitPerHost: 1 });
    pool.busy("a", "x");
    for (const name of ["b", "c", "d"]) pool.acquire(name, "x");
    expect(pool.capacityChanged(1, 3)).toEqual(["b gets #1", "c gets #1"]);
    expect(pool.capacityChanged(1, 1)).toEqual([]);
    expect(pool.slot(1).active).toBe(3);
    expect([pool.released(1), pool.released(1), pool.released(1)]).toEqual([[], [], ["d gets #1"]]);
  });

  test("capacity 0 takes an idle connection out of use, and still lets it be evicted", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.released(1);
    expect(pool.capacityChanged(1, 0)).toEqual([]);
    expect(pool.acquire("b", "x")).toEqual([DIALING, "close #1 (evicted)", "dial #2 to x"]);
  });

  test("a connection that carries other exchanges is not closed for an overtaken waiter until it is idle", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.acquire("a", "x");
    pool.opened(1, 2);
    pool.acquire("b", "x");
    pool.acquire("held up", "y");
    pool.waiter("held up").overtaken = OVERTAKE_LIMIT;
    pool.acquire("c", "x");
    expect(pool.released(1)).toEqual(["c gets #1"]);
    expect(pool.waiter("held up").overtaken).toBe(OVERTAKE_LIMIT + 1);
    pool.released(1);
    expect(pool.released(1)).toEqual(["close #1 (evicted)", "dial #2 to y"]);
  });
});

describe("pool plan: bookkeeping", () => {
  test("a route is forgotten when it holds nothing, and its old record is still good for asking", () => {
    const pool = new PlanDriver({ limit: 1 });
    const old = pool.plan.route("x");
    pool.busy("a", "x");
    pool.closed(1);
    expect(old.dropped).toBe(true);
    expect(pool.plan.stats()).toEqual([]);
    expect(pool.acquireAgain(new NamedWaiter("b"), old)).toEqual([DIALING, "dial #2 to x"]);
    expect(pool.plan.route("x")).not.toBe(old);
    expect(pool.acquireAgain(new NamedWaiter("c"), old)).toEqual([WAITING]);
    expect(pool.plan.route("x")).toMatchObject({
      key: "x",
      limit: Number.POSITIVE_INFINITY,
      open: 1,
      waiting: 2,
      queued: 1,
    });
  });

  test("a route that held only a waiter is forgotten when that one is cancelled", () => {
    const pool = new PlanDriver({ limit: 1 });
    pool.busy("a", "x");
    pool.acquire("b", "y");
    pool.cancelled("b");
    expect(pool.plan.stats().map((route) => route.key)).toEqual(["x"]);
  });

  test("counts tell dials, idle connections and waiters apart", () => {
    const pool = new PlanDriver({ limit: 3 });
    pool.busy("a", "x");
    pool.busy("b", "y");
    pool.acquire("c", "x");
    pool.acquire("d", "x");
    pool.acquire("e", "z");
    expect(pool.plan).toMatchObject({ total: 3, waiting: 3, queued: 2 });
    expect(pool.plan.stats()).toEqual([
      { key: "x", open: 2, idle: 0, dialing: 1, queued: 1 },
      { key: "y", open: 1, idle: 0, dialing: 0, queued: 0 },
      { key: "z", open: 0, idle: 0, dialing: 0, queued: 1 },
    ]);
  });

  test("effects are handed out once", () => {
    const plan = new PoolPlan<string, NamedWaiter>({ limit: 1, limitPerHost: 1, maxQueue: 1 });
    plan.acquire(plan.route("x"), new NamedWaiter("a"));
    expect(plan.hasEffects).toBe(true);
    expect(plan.takeEffects()).toHaveLength(1);
    expect(plan.hasEffects).toBe(false);
    expect(plan.takeEffects()).toEqual([]);
  });

  test("a hundred thousand waiters on a thousand routes cost no more each than ten do", () => {
    const plan = new PoolPlan<string, NamedWaiter>({ limit: 10, limitPerHost: 2, maxQueue: Number.POSITIVE_INFINITY });
    const waiters: NamedWaiter[] = [];
    const started = performance.now();
    for (let count = 0; count < 100_000; count += 1) {
      const waiter = new NamedWaiter(`${count}`);
      waiters.push(waiter);
      plan.acquire(plan.route(`${count % 1_000}`), waiter);
    }
    for (let index = 0; index < waiters.length; index += 2) {
      const waiter = waiters[index];
      if (waiter !== undefined) plan.cancelled(waiter);
    }
    let granted = 0;
    while (plan.hasEffects) {
      for (const effect of plan.takeEffects()) {
        if (effect.kind === "dial" && effect.slot.state === "dialing") plan.opened(effect.slot, "link", 1);
        if (effect.kind !== "grant") continue;
        granted += 1;
        plan.released(effect.slot);
      }
    }
    expect(granted).toBe(50_000);
    expect(plan).toMatchObject({ waiting: 0, queued: 0 });
    // A scan per call would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
