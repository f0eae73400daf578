/** Who waits before a throttle, who goes first, who gives up; and stores that several throttles share. */
import { describe, expect, test } from "vitest";
import { throttle } from "../../../src/client/middleware/throttle.js";
import type { ThrottleOptions } from "../../../src/client/middleware/throttling/throttle-options.js";
import {
  MemoryThrottleStore,
  newThrottleState,
  type ThrottleState,
  type ThrottleStore,
} from "../../../src/client/middleware/throttling/throttle-store.js";
import type { Clock } from "../../../src/concurrency/clock.js";
import { formatHttpDate } from "../../../src/http/dates.js";
import { answer, FakeNet, ok, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/";

/** Answers all, and notes the order and moments of what came. */
function noting(): { net: FakeNet; came: string[]; moments: number[] } {
  const came: string[] = [];
  const moments: number[] = [];
  const net = new FakeNet(({ target }, { clock }) => {
    came.push(target.slice(1));
    moments.push(clock.now());
    return ok("");
  });
  return { net, came, moments };
}

async function pass(net: FakeNet, ms: number, step = 50): Promise<void> {
  for (let moment = 0; moment < ms; moment += step) await net.clock.advanceAsync(step);
  await turns();
}

/** A store as another process would have one: JSON in one place, reached asynchronously, changes that collide done again. */
class SharedStore implements ThrottleStore {
  readonly #clock: Clock;
  readonly texts = new Map<string, string>();
  calls = 0;
  collisions = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async update(key: string, change: (state: ThrottleState | undefined, now: number) => ThrottleState): Promise<void> {
    this.calls += 1;
    for (;;) {
      const before = this.texts.get(key);
      const after = change(before === undefined ? undefined : (JSON.parse(before) as ThrottleState), this.#clock.now());
      await turns(1);
      if (this.texts.get(key) === before) {
        this.texts.set(key, JSON.stringify(after));
        return;
      }
      this.collisions += 1;
    }
  }
}

describe("priority", () => {
  test("of those that wait the more important go first, by the throttle's function or the request's own word", async () => {
    const { net, came } = noting();
    const priority = ({ url }: { url: URL }): number => (url.pathname.startsWith("/high") ? 1 : 0);
    const session = net.session({ throttle: { requests: 10, priority } });
    const asked = ["low1", "low2", "high1", "low3", "high2"].map((name) => session.get(URL_A + name).text());
    asked.push(session.get(`${URL_A}urgent`, { throttle: { priority: 9 } }).text());
    asked.push(session.get(`${URL_A}high3`, { throttle: { priority: -1 } }).text());
    await pass(net, 1_000);
    await Promise.all(asked);
    expect(came).toEqual(["low1", "urgent", "high1", "high2", "low2", "low3", "high3"]);
  });

  test("one that comes while others wait goes before them", async () => {
    const { net, came } = noting();
    const session = net.session({ throttle: { requests: 1 } });
    const asked = ["a", "b", "c"].map((name) => session.get(URL_A + name).text());
    await pass(net, 500);
    asked.push(session.get(`${URL_A}now`, { throttle: { priority: 1 } }).text());
    await pass(net, 4_000);
    await Promise.all(asked);
    expect(came).toEqual(["a", "now", "b", "c"]);
  });
});

describe("keys", () => {
  test("requests with a key of their own share a rate with their like", async () => {
    const { net, came, moments } = noting();
    const session = net.session({ throttle: { requests: 1 } });
    const asked = [
      session.get(`${URL_A}1`).text(),
      session.get(`${URL_A}2`, { throttle: { key: "search" } }).text(),
      session.get("http://b.test/3", { throttle: { key: "search" } }).text(),
      session.get("http://b.test/4").text(),
    ];
    await pass(net, 2_000);
    await Promise.all(asked);
    expect(came.map((name, at) => `${name} at ${moments[at]}`).sort()).toEqual([
      "1 at 0",
      "2 at 0",
      "3 at 1000",
      "4 at 0",
    ]);
  });

  test("thousands of keys do not pile up", async () => {
    const store = new MemoryThrottleStore(new FakeNet().clock);
    for (let at = 0; at < 12_000; at += 1) store.update(`k${at}`, (state, now) => state ?? newThrottleState(now));
    expect(store.size).toBe(10_000);
  });

  test("of more than ten thousand the oldest at rest is forgotten, a busy one only when all the oldest are busy", () => {
    const { clock } = new FakeNet();
    const store = new MemoryThrottleStore(clock);
    const busyUntil = (until: number) => (state: ThrottleState | undefined, now: number) => {
      const made = state ?? newThrottleState(now);
      made.fullAt = until;
      return made;
    };
    for (let at = 0; at < 10_000; at += 1) store.update(`k${at}`, busyUntil(at < 3 ? 1e6 : 0));
    store.update("more", busyUntil(0));
    const seen = (key: string): number => {
      let fullAt = -1;
      store.update(key, (state, now) => {
        fullAt = state?.fullAt ?? -1;
        return state ?? newThrottleState(now);
      });
      return fullAt;
    };
    expect([seen("k0"), seen("k2"), seen("k4"), seen("k3")]).toEqual([1e6, 1e6, 0, -1]);
  });
});

describe("maxQueue", () => {
  test("so many may wait, one more is refused, those gone make room", async () => {
    const { net, came } = noting();
    const session = net.session({ throttle: { requests: 1, maxQueue: 2 } });
    const asked = [1, 2, 3].map((name) => session.get(URL_A + name).text());
    await turns();
    const error = await rejection(session.get(`${URL_A}4`));
    expect([error.code, error.phase]).toEqual(["throttle/queue-full", "throttle"]);
    expect(error.message).toBe(
      "GET http://a.test/4: Cannot wait for a turn: 2 requests do already, the limit is 2 (throttle.maxQueue)",
    );
    await pass(net, 1_000);
    asked.push(session.get(`${URL_A}5`).text());
    await pass(net, 3_000);
    await Promise.all(asked);
    expect(came).toEqual(["1", "2", "3", "5"]);
  });

  test("counts over all keys; 0 lets nobody wait", async () => {
    const { net } = noting();
    const session = net.session({ throttle: { requests: 1, maxQueue: 0 } });
    await session.get(URL_A);
    await session.get("http://b.test/");
    expect((await rejection(session.get(URL_A))).code).toBe("throttle/queue-full");
  });
});

describe("timeout", () => {
  test("ends the wait for a turn, and the turn goes to the next one", async () => {
    const { net, came, moments } = noting();
    const session = net.session({ throttle: { requests: 1, timeout: 1_500 } });
    const asked = [1, 2].map((name) => session.get(URL_A + name).text());
    const late = rejection(session.get(`${URL_A}late`));
    await pass(net, 1_500);
    const error = await late;
    expect([error.name, error.code, error.phase]).toEqual(["RequestTimeoutError", "timeout.throttle", "throttle"]);
    expect(error.message).toContain("Timed out after 1500 ms waiting for a turn (throttle.timeout)");
    asked.push(session.get(`${URL_A}3`).text());
    await pass(net, 1_000);
    await Promise.all(asked);
    expect([came, moments]).toEqual([
      ["1", "2", "3"],
      [0, 1_000, 2_000],
    ]);
  });

  test("is not tried again", async () => {
    const { net } = noting();
    const session = net.session({ throttle: { requests: 1, timeout: 100 }, retry: { attempts: 3, baseDelay: 0 } });
    await session.get(URL_A);
    const failed = rejection(session.get(URL_A));
    await pass(net, 200);
    expect([(await failed).code, net.seen.length]).toEqual(["timeout.throttle", 1]);
  });
});

test("who gives up leaves neither a timer nor a place behind", async () => {
  const { net, moments } = noting();
  const session = net.session({ throttle: { requests: 1, maxQueue: 3 } });
  await session.get(URL_A);
  const idle = net.clock.armedCount;
  for (let round = 0; round < 5; round += 1) {
    const controller = new AbortController();
    const lost = [1, 2, 3].map(() => rejection(session.get(URL_A, { signal: controller.signal })));
    await turns();
    controller.abort(new Error("enough"));
    expect((await Promise.all(lost)).map(({ message }) => message)).toEqual(["enough", "enough", "enough"]);
  }
  expect(net.clock.armedCount).toBeLessThanOrEqual(idle);
  const next = session.get(URL_A).text();
  await pass(net, 1_000);
  await next;
  expect(moments).toEqual([0, 1_000]);
});

describe("a late timer", () => {
  test("does not lower a fixed rate: what was due goes at once, and no more than that", async () => {
    const { net, moments } = noting();
    const session = net.session({ throttle: { requests: 100 } });
    const asked = Array.from({ length: 20 }, () => session.get(URL_A).text());
    for (let step = 0; step < 10; step += 1) {
      await turns(2);
      await net.clock.advanceAsync(20);
    }
    await Promise.all(asked);
    expect(moments.at(-1)).toBe(190);
  });
});

describe("stores", () => {
  test("two sessions on one store in memory share their rate", async () => {
    const { net, moments } = noting();
    const store = new MemoryThrottleStore(net.clock);
    const sessions = [1, 2].map(() => net.session({ throttle: { requests: 2, store } }));
    const asked = sessions.flatMap((session) => [1, 2, 3].map(() => session.get(URL_A).text()));
    await pass(net, 3_000);
    await Promise.all(asked);
    expect(moments).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
  });

  test("so do two on a store that answers later and does colliding changes again", async () => {
    const { net, moments } = noting();
    const store = new SharedStore(net.clock);
    const sessions = [1, 2].map(() => net.session({ throttle: { requests: 10, burst: 2, store } }));
    const asked = sessions.flatMap((session) => [1, 2, 3, 4].map(() => session.get(URL_A).text()));
    for (let step = 0; step < 80; step += 1) {
      await turns(4);
      await net.clock.advanceAsync(10);
    }
    await Promise.all(asked);
    expect(moments.length).toBe(8);
    for (const [at, moment] of moments.entries()) expect(moment, String(at)).toBeGreaterThanOrEqual((at - 1) * 100 - 1);
    expect(moments.at(-1)).toBeLessThanOrEqual(700);
    expect(store.collisions).toBeGreaterThan(0);
    expect([...store.texts.keys()]).toEqual(["http://a.test"]);
  });

  test("what one session learns of a server holds for the other", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length === 1 ? answer(429, "", "retry-after: 3\r\n") : ok("")));
    const store = new SharedStore(net.clock);
    const [one, other] = [1, 2].map(() => net.session({ throttle: { adaptive: true, store } }));
    const first = one?.get(URL_A);
    await pass(net, 50, 10);
    expect((await first)?.status).toBe(429);
    const second = other?.get(URL_A).text();
    await pass(net, 2_900);
    expect(net.seen.length).toBe(1);
    await pass(net, 400);
    await second;
    expect(net.seen.length).toBe(2);
  });

  test("one that fails fails the requests that ask for a turn, one by one, and nothing else", async () => {
    for (const update of [
      (): never => {
        throw new Error("no store");
      },
      () => Promise.reject(new Error("no store")),
    ]) {
      const { net } = noting();
      const session = net.session({ throttle: { requests: 1, store: { update } } });
      const errors = await Promise.all([1, 2, 3].map(() => rejection<Error & { code: string }>(session.get(URL_A))));
      expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["throttle/store-failed"]));
      expect(errors[0]?.cause).toMatchObject({ message: "no store" });
    }
  });

  test("one that fails when it is to learn does not spoil the answer", async () => {
    const { net } = noting();
    let calls = 0;
    const update: ThrottleStore["update"] = async (_key, change) => {
      calls += 1;
      if (calls === 2) throw new Error("no store");
      change(undefined, net.clock.now());
    };
    const session = net.session({ throttle: { adaptive: true, store: { update } } });
    expect((await session.get(URL_A)).status).toBe(200);
    await turns();
    expect(calls).toBe(2);
  });

  test("a request that is given up while the store thinks leaves the turn to the next one", async () => {
    const { net, came } = noting();
    const session = net.session({ throttle: { requests: 1, store: new SharedStore(net.clock) } });
    const controller = new AbortController();
    const lost = rejection(session.get(`${URL_A}lost`, { signal: controller.signal }));
    const kept = session.get(`${URL_A}kept`).text();
    await turns(0);
    await Promise.resolve();
    controller.abort(new Error("enough"));
    await lost;
    await pass(net, 1_200);
    await kept;
    expect(came).toEqual(["kept"]);
  });
});

describe("adaptive", () => {
  test("a rate that nobody waits for does not grow, however long the store takes", async () => {
    const { net } = noting();
    const store = new SharedStore(net.clock);
    const session = net.session({ throttle: { adaptive: true, store } });
    for (let at = 0; at < 5; at += 1) {
      const asked = session.get(URL_A).text();
      await pass(net, 1_000, 100);
      await asked;
    }
    expect(JSON.parse(store.texts.get("http://a.test") ?? "")).toMatchObject({ perSecond: 10, accepted: 5 });
    const asked = [1, 2, 3].map(() => session.get(URL_A).text());
    await pass(net, 1_000, 10);
    await Promise.all(asked);
    const { perSecond } = JSON.parse(store.texts.get("http://a.test") ?? "") as { perSecond: number };
    expect(perSecond).toBeGreaterThan(10);
  });

  test("stays away as long as Retry-After says, as seconds or as a date by the server's clock", async () => {
    const aheadMs = 3_600_000;
    for (const head of [
      () => "retry-after: 4\r\n",
      (now: number) =>
        `date: ${formatHttpDate(now + aheadMs)}\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: ${Math.ceil((now + aheadMs) / 1_000) + 4}\r\n`,
    ]) {
      const moments: number[] = [];
      const net = new FakeNet((_seen, { clock, seen }) => {
        moments.push(clock.now());
        return seen.length === 1 ? answer(429, "", head(clock.wallTime())) : ok("");
      });
      const session = net.session({ throttle: { adaptive: true } });
      await session.get(URL_A);
      const next = session.get(URL_A).text();
      await pass(net, 4_500, 100);
      await next;
      expect(moments).toEqual([0, 4_000]);
    }
  });

  test("requests and per are the most it goes up to", async () => {
    const { net, moments } = noting();
    const session = net.session({ throttle: { adaptive: true, requests: 5 } });
    const asked = Array.from({ length: 11 }, () => session.get(URL_A).text());
    await pass(net, 2_100, 100);
    await Promise.all(asked);
    expect(moments.at(-1)).toBe(2_000);
  });

  test("a request that fails teaches nothing and is not counted as under way any more", async () => {
    const net = new FakeNet((seen, { seen: all }) => {
      if (all.length < 4) seen.connection.reset();
      return all.length < 4 ? undefined : ok("", 'ratelimit: "d";r=1;t=9\r\n');
    });
    const session = net.session({ throttle: { adaptive: true } });
    for (let at = 0; at < 3; at += 1) {
      const failed = rejection(session.post(URL_A));
      await pass(net, 100);
      await failed;
    }
    const fine = session.get(URL_A).text();
    await pass(net, 100);
    await fine;
    const next = session.get(URL_A).text();
    await pass(net, 100);
    await next;
    expect(net.seen.length).toBe(5);
  });
});

test("as middleware of one's own it is the same, in the place where it is put", async () => {
  const { net, moments } = noting();
  const session = net.session({ middleware: [throttle({ requests: 1 })] });
  const asked = [1, 2].map(() => session.get(URL_A).text());
  await pass(net, 1_000);
  await Promise.all(asked);
  expect(moments).toEqual([0, 1_000]);
});

test("options that are unknown, out of range, of the wrong kind or at odds are refused", async () => {
  const { net } = noting();
  const bad: [object, string][] = [
    [{}, "options/out-of-range"],
    [{ requests: 0 }, "options/out-of-range"],
    [{ requests: 1, per: 0 }, "options/out-of-range"],
    [{ requests: 1, burst: 0.5 }, "options/out-of-range"],
    [{ requests: 1, rate: 1 }, "options/unknown"],
    [{ requests: 1, scope: "origin" }, "options/unknown-value"],
    [{ requests: 1, priority: 1 }, "options/unknown-value"],
    [{ requests: 1, jitter: [2, 1] }, "options/out-of-range"],
    [{ requests: 1, jitter: [-1, 1] }, "options/out-of-range"],
    [{ requests: 1, maxQueue: -1 }, "options/out-of-range"],
    [{ requests: 1, timeout: 0 }, "options/out-of-range"],
    [{ requests: 1, store: 1 }, "options/unknown-value"],
    [{ adaptive: { speed: 1 } }, "options/unknown"],
    [{ adaptive: { start: 0 } }, "options/out-of-range"],
    [{ adaptive: { start: 6 }, requests: 5 }, "options/out-of-range"],
    [{ adaptive: { min: 11 } }, "options/out-of-range"],
    [{ adaptive: { maxHold: -1 } }, "options/out-of-range"],
    [{ adaptive: true, burst: 2 }, "options/conflict"],
  ];
  for (const [options, code] of bad) {
    const made = (): unknown => net.session({ throttle: options as ThrottleOptions });
    expect(made, JSON.stringify(options)).toThrow(expect.objectContaining({ code }) as Error);
  }
  const session = net.session();
  for (const [choice, code] of [
    [{ priority: Number.NaN }, "options/out-of-range"],
    [{ key: 1 }, "options/unknown-value"],
    [{ rank: 1 }, "options/unknown"],
  ] as [object, string][]) {
    expect((await rejection(session.get(URL_A, { throttle: choice }))).code, JSON.stringify(choice)).toBe(code);
  }
});
