import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OVERTAKE_LIMIT, type PoolLimits, type PoolRoute } from "../../src/client/pool-plan.js";
import { PlanDriver } from "./pool-plan-driver.js";
import { type ModelSlot, PoolModel } from "./pool-plan-model.js";

/** What runs against the plan: the driver, and who was told what. */
interface Run {
  readonly driver: PlanDriver;
  /** Waiters in the queue by our own account of answers, grants, failures and cancellations. */
  readonly pending: Set<string>;
  /** Slots whose capacity shrank below what they carried. */
  readonly overfull: Set<number>;
}

type PlanCommand = fc.Command<PoolModel, Run>;

/** Notes what `lines` say about waiters, and fails on a second grant or one to somebody who does not wait. */
function follow(lines: readonly string[], { pending }: Run): void {
  for (const line of lines) {
    const [, told] = /^(\S+) (?:gets|fails)/.exec(line) ?? [];
    if (told === undefined || told === "nobody") continue;
    assert(pending.delete(told), `${line}, who did not wait`);
  }
}

function compare(actual: string[], expected: string[], model: PoolModel, run: Run): void {
  assert.deepEqual(actual, expected);
  follow(actual, run);
  checkCounts(model, run);
  for (const { key } of run.driver.plan.stats()) checkRoute(run.driver.plan.route(key), model, run);
  checkCapacities(run);
}

function checkCounts(model: PoolModel, { driver, pending }: Run): void {
  const { plan } = driver;
  const stats = plan.stats();
  assert.equal(plan.total, driver.slots.filter((slot) => slot.state !== "closed").length);
  assert.equal(plan.total, sum(stats.map(({ open }) => open)));
  assert.equal(plan.waiting, pending.size);
  assert.equal(plan.queued, sum(stats.map(({ queued }) => queued)));
  assert.deepEqual(new Map(stats.map(({ key, ...counts }) => [key, counts])), model.counts());
  assert(plan.total <= model.limits.limit);
}

function checkRoute(route: PoolRoute, model: PoolModel, { driver, pending }: Run): void {
  const { limit, limitPerHost } = model.limits;
  const slots = driver.slots.filter((slot) => slot.state !== "closed");
  assert.equal(route.open, slots.filter((slot) => slot.route === route).length);
  assert(route.open <= limitPerHost);
  assert.equal(route.waiting, [...pending].filter((name) => driver.waiter(name).route === route).length);
  assert(route.waiting === 0 || route.available.size === 0, "somebody waits while a connection is available");
  const anySpare = slots.some((slot) => slot.owner === undefined && slot.active === 0);
  const heldUp = route.open >= limitPerHost || (driver.plan.total >= limit && !anySpare);
  assert(route.queued === 0 || heldUp, "somebody waits while there is capacity for a dial");
  let before = 0;
  for (let waiter = route.waiters.first; waiter !== undefined; waiter = waiter.next) {
    assert(waiter.sequence > before, "the route's waiters stand in arrival order");
    before = waiter.sequence;
    if (waiter.dial !== undefined) assert.equal(waiter.dial.owner, waiter);
  }
  for (const { name, overtaken } of model.waiters) assert.equal(driver.waiter(name).overtaken, overtaken);
}

function checkCapacities({ driver, overfull }: Run): void {
  for (const [index, slot] of driver.slots.entries()) {
    if (slot.active <= slot.capacity) overfull.delete(index + 1);
    else assert(overfull.has(index + 1), "more exchanges than the capacity allows");
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

class Acquire implements PlanCommand {
  readonly routeKey: string;
  constructor(routeKey: string) {
    this.routeKey = routeKey;
  }
  check(): boolean {
    return true;
  }
  run(model: PoolModel, run: Run): void {
    const name = `w${run.driver.asked}`;
    const actual = run.driver.acquire(name, this.routeKey);
    if (actual[0] === "waiting" || actual[0] === "dialing") run.pending.add(name);
    compare(actual, model.acquire(name, this.routeKey), model, run);
  }
  toString(): string {
    return `acquire(${this.routeKey})`;
  }
}

class Cancel implements PlanCommand {
  readonly pick: number;
  constructor(pick: number) {
    this.pick = pick;
  }
  check(model: PoolModel): boolean {
    return model.waiters.length > 0;
  }
  run(model: PoolModel, run: Run): void {
    const waiter = pickOne(model.waiters, this.pick);
    run.pending.delete(waiter.name);
    compare(run.driver.cancelled(waiter.name), model.cancelled(waiter), model, run);
    const { state, route, dial, list } = run.driver.waiter(waiter.name);
    assert.deepEqual(
      { state, route, dial, list },
      { state: "none", route: undefined, dial: undefined, list: undefined },
    );
  }
  toString(): string {
    return `cancelled(${this.pick})`;
  }
}

type SlotEvent = "opened" | "dialFailed" | "released" | "closed" | "detached" | "capacityChanged";

/** Which slots an event can happen to. */
const CONCERNS: Record<SlotEvent, (slot: { state: string; active: number }) => boolean> = {
  opened: (slot) => slot.state === "dialing",
  dialFailed: (slot) => slot.state === "dialing",
  released: (slot) => slot.active > 0,
  closed: () => true,
  detached: (slot) => slot.active > 0,
  capacityChanged: (slot) => slot.state === "open",
};

class OnSlot implements PlanCommand {
  readonly event: SlotEvent;
  readonly pick: number;
  readonly capacity: number;
  constructor(event: SlotEvent, pick: number, capacity: number) {
    this.event = event;
    this.pick = pick;
    this.capacity = capacity;
  }
  check(model: PoolModel): boolean {
    return model.slots.some(CONCERNS[this.event]);
  }
  run(model: PoolModel, run: Run): void {
    const slot = pickOne(model.slots.filter(CONCERNS[this.event]), this.pick);
    compare(this.#tellPlan(slot, run), this.#tellModel(slot, model), model, run);
  }
  #tellPlan({ number, active }: ModelSlot, { driver, overfull }: Run): string[] {
    if (this.event === "opened") return driver.opened(number, this.capacity);
    if (this.event !== "capacityChanged") return driver[this.event](number);
    if (active > this.capacity - 1) overfull.add(number);
    return driver.capacityChanged(number, this.capacity - 1);
  }
  #tellModel(slot: ModelSlot, model: PoolModel): string[] {
    if (this.event === "opened") return model.opened(slot, this.capacity);
    if (this.event === "capacityChanged") return model.capacityChanged(slot, this.capacity - 1);
    return this.event === "detached" ? model.closed(slot) : model[this.event](slot);
  }
  toString(): string {
    return `${this.event}(${this.pick}, ${this.capacity})`;
  }
}

function pickOne<T>(all: readonly T[], pick: number): T {
  const one = all[pick % all.length];
  if (one === undefined) throw new RangeError("Nothing to pick from");
  return one;
}

/** Lets everything end well: dials open, exchanges end. Nobody may be left, and then everything is closed. */
function finish(model: PoolModel, run: Run): void {
  const { driver } = run;
  // Connections that take no more exchanges would be closed by whoever said so.
  for (const slot of model.slots.filter((each) => each.state === "open" && each.capacity === 0)) {
    compare(driver.closed(slot.number), model.closed(slot), model, run);
  }
  for (let turns = 0; driver.plan.waiting > 0; turns += 1) {
    assert(turns < 10_000, "somebody is never served");
    const dial = model.slots.find((slot) => slot.state === "dialing");
    if (dial !== undefined) compare(driver.opened(dial.number), model.opened(dial, 1), model, run);
    const busy = model.slots.find((slot) => slot.active > 0);
    if (busy !== undefined) compare(driver.released(busy.number), model.released(busy), model, run);
  }
  assert.equal(run.pending.size, 0);
  for (const slot of driver.slots) driver.plan.closed(slot);
  const { total, waiting, queued, hasEffects } = driver.plan;
  assert.deepEqual({ total, waiting, queued, hasEffects }, { total: 0, waiting: 0, queued: 0, hasEffects: false });
  assert.deepEqual(driver.plan.stats(), []);
}

const LIMIT = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(Number.POSITIVE_INFINITY));
const LIMITS: fc.Arbitrary<PoolLimits> = fc.record({
  limit: LIMIT,
  limitPerHost: LIMIT,
  maxQueue: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Number.POSITIVE_INFINITY)),
});

function commandsFor(routes: number, capacities: number): fc.Arbitrary<Iterable<PlanCommand>> {
  const pick = fc.nat({ max: 20 });
  const capacity = fc.integer({ min: 1, max: capacities });
  const onSlot = (event: SlotEvent) => fc.tuple(pick, capacity).map(([at, size]) => new OnSlot(event, at, size));
  const acquire = fc.nat({ max: routes - 1 }).map((route) => new Acquire(`r${route}`));
  const events: fc.Arbitrary<PlanCommand>[] = [
    acquire,
    acquire,
    acquire,
    pick.map((at) => new Cancel(at)),
    onSlot("opened"),
    onSlot("opened"),
    onSlot("released"),
    onSlot("released"),
    onSlot("dialFailed"),
    onSlot("closed"),
    onSlot("detached"),
  ];
  if (capacities > 1) events.push(onSlot("capacityChanged"));
  return fc.commands(events, { maxCommands: 80, size: "max" });
}

function runAgainstModel(limits: PoolLimits, commands: Iterable<PlanCommand>): void {
  const run: Run = { driver: new PlanDriver(limits), pending: new Set(), overfull: new Set() };
  const model = new PoolModel(limits);
  fc.modelRun(() => ({ model, real: run }), commands);
  finish(model, run);
}

test.each([
  { routes: 1, capacities: 1 },
  { routes: 2, capacities: 1 },
  { routes: 4, capacities: 1 },
  { routes: 3, capacities: 3 },
])(
  "pool plan: decides as the naive model does, with $routes routes and capacities to $capacities",
  ({ routes, capacities }) => {
    fc.assert(fc.property(LIMITS, commandsFor(routes, capacities), runAgainstModel), { numRuns: 800 });
  },
);

test("pool plan: whatever keeps coming on one route, a waiter of another is overtaken a bounded number of times", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 4 }), { minLength: 120, maxLength: 120 }),
      (limit, picks) => {
        const pool = new PlanDriver({ limit });
        for (let count = 0; count < limit; count += 1) pool.busy(`busy${count}`, "x");
        pool.acquire("held-up", "y");
        let grants = 0;
        for (const [turn, pick] of picks.entries()) {
          pool.acquire(`x${turn}`, "x");
          const busy = pool.slots.flatMap((slot, index) => (slot.active > 0 ? [index + 1] : []));
          const lines = pool.released(pickOne(busy, pick));
          if (lines.some((line) => line.startsWith("dial"))) break;
          grants += 1;
        }
        expect(grants).toBe(OVERTAKE_LIMIT);
        expect(pool.slots.at(-1)?.owner).toBe(pool.waiter("held-up"));
      },
    ),
    { numRuns: 50 },
  );
});
