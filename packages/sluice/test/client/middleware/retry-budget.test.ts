import { describe, expect, test } from "vitest";
import { RetryBudget } from "../../../src/client/middleware/retrying/retry-budget.js";
import { answer, FakeNet, ok, turns } from "../fake-net.js";

const A = "http://a.test";
const B = "http://b.test";

/** How many retries `budget` lets through at the moment `now`. */
function takeAll(budget: RetryBudget, origin: string, now: number): number {
  let taken = 0;
  while (taken < 10_000 && budget.tryTake(origin, now)) taken += 1;
  return taken;
}

describe("what a budget allows", () => {
  test("ten requests earn one retry", () => {
    const budget = new RetryBudget({ share: 0.1, floor: 0 });
    for (let sent = 0; sent < 9; sent += 1) budget.earn(A);
    expect(takeAll(budget, A, 0)).toBe(0);
    budget.earn(A);
    expect(takeAll(budget, A, 0)).toBe(1);
  });

  test("besides, the floor is free: ten seconds of it at once, then so many a second", () => {
    const budget = new RetryBudget({ share: 0, floor: 2 });
    expect([takeAll(budget, A, 0), takeAll(budget, A, 999), takeAll(budget, A, 10_999)]).toEqual([20, 1, 20]);
    expect(takeAll(budget, A, 5_000_000)).toBe(20);
  });

  test("a broken floor is one retry now and then", () => {
    const budget = new RetryBudget({ share: 0, floor: 0.05 });
    expect([takeAll(budget, A, 0), takeAll(budget, A, 19_000), takeAll(budget, A, 20_001)]).toEqual([1, 0, 1]);
  });

  test("good times save up a hundred retries and no more", () => {
    const budget = new RetryBudget({ share: 1, floor: 0 });
    for (let sent = 0; sent < 5_000; sent += 1) budget.earn(A);
    expect(takeAll(budget, A, 0)).toBe(100);
  });

  test("neither a share nor a floor is no retry at all", () => {
    const budget = new RetryBudget({ share: 0, floor: 0 });
    for (let sent = 0; sent < 100; sent += 1) budget.earn(A);
    expect(takeAll(budget, A, 1e9)).toBe(0);
  });

  test("origins do not share it", () => {
    const budget = new RetryBudget({ share: 1, floor: 0 });
    budget.earn(A);
    expect([takeAll(budget, B, 0), takeAll(budget, A, 0)]).toEqual([0, 1]);
  });

  test("it remembers a thousand origins, and forgets the first of more", () => {
    const budget = new RetryBudget({ share: 1, floor: 0 });
    for (let at = 0; at < 1_000; at += 1) budget.earn(`http://${at}.test`);
    expect(takeAll(budget, "http://0.test", 0)).toBe(1);
    budget.earn("http://0.test");
    budget.earn("http://one-more.test");
    expect([takeAll(budget, "http://0.test", 0), takeAll(budget, "http://999.test", 0)]).toEqual([0, 1]);
  });

  test("options out of range or unknown are refused", () => {
    for (const bad of [
      { share: -0.1 },
      { share: 1.1 },
      { share: Number.NaN },
      { floor: -1 },
      { floor: Number.POSITIVE_INFINITY },
    ]) {
      expect(() => new RetryBudget(bad), JSON.stringify(bad)).toThrow(/Cannot use retry\.budget\.(share|floor)/);
    }
    expect(() => new RetryBudget({ ratio: 1 } as object)).toThrow('retry.budget option "ratio"');
  });
});

describe("in a session", () => {
  const failing = (): FakeNet => new FakeNet(() => answer(503));

  /** How many requests had been sent when those `asked` for had their answers; no time passes. */
  async function sends(net: FakeNet, asked: readonly PromiseLike<unknown>[]): Promise<number> {
    let pending = true;
    const all = Promise.all(asked).finally(() => {
      pending = false;
    });
    while (pending) {
      await turns(3);
      await net.clock.advanceAsync(0);
    }
    await all;
    return net.seen.length;
  }

  test("retries stay within a tenth and the floor, whatever attempts says", async () => {
    const net = failing();
    const session = net.session({ retry: { attempts: 10, baseDelay: 0, budget: { floor: 0 } } });
    const asked = Array.from({ length: 200 }, () => session.get(`${A}/`).then((response) => response.status));
    expect(await sends(net, asked)).toBe(220);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([503]));
  });

  test("budget: false sets no bound", async () => {
    const net = failing();
    const session = net.session({ retry: { attempts: 10, baseDelay: 0, budget: false } });
    const asked = Array.from({ length: 200 }, () => session.get(`${A}/`));
    expect(await sends(net, asked)).toBe(2_000);
  });

  test("the default lets a hundred through at once, beside the tenth", async () => {
    const net = failing();
    const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
    const asked = Array.from({ length: 300 }, () => session.get(`${A}/`));
    expect(await sends(net, asked)).toBe(300 + 100 + 30);
  });

  test("requests with retry options of their own and derived sessions share it, unless they have a budget", async () => {
    const net = failing();
    const base = net.session({ retry: { attempts: 2, baseDelay: 0, budget: { share: 0, floor: 0.1 } } });
    const same = base.extend({ headers: { x: "1" } });
    const longer = base.extend({ retry: { attempts: 3, baseDelay: 0 } });
    const own = base.extend({ retry: { attempts: 3, baseDelay: 0, budget: { share: 0, floor: 0.1 } } });
    const url = `${A}/`;
    expect(await sends(net, [base.get(url)])).toBe(2);
    expect(await sends(net, [same.get(url), longer.get(url)])).toBe(4);
    expect(await sends(net, [base.get(url, { retry: { attempts: 5, baseDelay: 0 } })])).toBe(5);
    expect(await sends(net, [own.get(url)])).toBe(7);
    const boundless = { attempts: 3, baseDelay: 0, budget: false } as const;
    expect(await sends(net, [base.get(url, { retry: boundless })])).toBe(10);
  });

  test("a session without bound leaves its requests without one", async () => {
    const net = failing();
    const session = net.session({ retry: { attempts: 2, baseDelay: 0, budget: false } });
    expect(await sends(net, [session.get(`${A}/`, { retry: { attempts: 200, baseDelay: 0 } })])).toBe(200);
  });

  test("streams and requests that may not be repeated earn and cost nothing", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length > 20 ? answer(503) : ok("")));
    const session = net.session({ retry: { attempts: 2, baseDelay: 0, budget: { share: 0.5, floor: 0 } } });
    for (let sent = 0; sent < 20; sent += 1) await session.post(`${A}/`);
    await session.get(`${A}/`);
    expect(net.seen.length).toBe(21);
  });
});
