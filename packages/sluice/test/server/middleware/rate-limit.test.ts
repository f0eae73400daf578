import { describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { readRateLimit } from "../../../src/http/rate-limit.js";
import { Application } from "../../../src/server/application.js";
import { type RateLimitOptions, rateLimit } from "../../../src/server/middleware/rate-limit.js";
import { clientKey } from "../../../src/server/middleware/rate-limiting/client-key.js";
import { MemoryRateLimitStore } from "../../../src/server/middleware/rate-limiting/memory-rate-limit-store.js";
import type {
  RateLimitOutcome,
  RateLimitQuota,
  RateLimitStore,
} from "../../../src/server/middleware/rate-limiting/rate-limit-store.js";
import type { ServerRequest } from "../../../src/server/request/server-request.js";
import { ask, type FakeAnswer, type FakeRequest } from "../fake-exchange.js";

/** An application with one limit, and the clock that it goes by. */
function limited(options: RateLimitOptions) {
  const clock = new ManualClock();
  const onError = vi.fn();
  const app = new Application({ onError });
  app.use(rateLimit({ clock, ...options }));
  app.get("/", () => "x");
  app.get("/fails", () => {
    throw new Error("x");
  });
  const get = (given: FakeRequest = {}, target = "/") => ask(app.dispatch, "GET", target, given);
  const statuses = async (count: number, given: FakeRequest = {}) => {
    const all: number[] = [];
    for (let turn = 0; turn < count; turn += 1) all.push((await get(given)).status);
    return all;
  };
  return { clock, get, statuses, onError };
}

const hint = ({ headers }: FakeAnswer) => readRateLimit((name) => headers[name] ?? null, 0);

describe("a limit", () => {
  test("lets so many through at once, one more as time brings one, and all of them after a window", async () => {
    const { clock, statuses } = limited({ limit: 3, windowMs: 3_000 });
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    clock.advance(999);
    expect(await statuses(1)).toEqual([429]);
    clock.advance(1);
    expect(await statuses(2)).toEqual([200, 429]);
    clock.advance(3_000);
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  });

  test("lets no more through at once than burst, however long nobody came", async () => {
    const { clock, statuses } = limited({ limit: 60, windowMs: 60_000, burst: 2 });
    expect(await statuses(3)).toEqual([200, 200, 429]);
    clock.advance(60_000);
    expect(await statuses(3)).toEqual([200, 200, 429]);
  });

  test("tells the policy and what is left, errors and unknown paths included", async () => {
    const { clock, get } = limited({ limit: 10, windowMs: 60_000, name: "api" });
    const first = await get();
    expect(first.headers).toMatchObject({ "ratelimit-policy": '"api";q=10;w=60', ratelimit: '"api";r=9;t=6' });
    expect((await get({}, "/nowhere")).headers["ratelimit"]).toBe('"api";r=8;t=12');
    const failed = await get({}, "/fails");
    expect([failed.status, failed.headers["ratelimit"]]).toEqual([500, '"api";r=7;t=18']);
    clock.advance(18_000);
    expect((await get()).headers["ratelimit"]).toBe('"api";r=9;t=6');
    expect(first.headers["x-ratelimit-limit"]).toBeUndefined();
  });

  test("tells in what our own client reads (one grammar)", async () => {
    const { get } = limited({ limit: 5, windowMs: 10_000 });
    await get();
    expect(hint(await get())).toEqual({ limit: 5, remaining: 3, resetMs: 4_000, windowMs: 10_000 });
  });

  test("refuses with 429, the time to come again, and a problem that names the policy", async () => {
    const { clock, get } = limited({ limit: 1, windowMs: 90_000 });
    await get();
    clock.advance(500);
    const { status, headers, text } = await get({ fields: ["Accept", "application/problem+json"] });
    expect(status).toBe(429);
    expect(headers).toMatchObject({
      "retry-after": "90",
      ratelimit: '"default";r=0;t=90',
      "content-type": "application/problem+json",
    });
    expect(JSON.parse(text)).toEqual({
      "violated-policies": ["default"],
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      status: 429,
      title: "Too Many Requests",
      detail: "Too many requests: come again in 90 s",
    });
    clock.advance(89_500);
    expect((await get()).status).toBe(200);
  });

  test("a client that waits as long as it is told gets through", async () => {
    const { clock, get } = limited({ limit: 7, windowMs: 10_000 });
    for (let turn = 0; turn < 30; turn += 1) {
      const { status, headers } = await get();
      if (status === 429) clock.advance(Number(headers["retry-after"]) * 1_000);
      else continue;
      expect((await get()).status).toBe(200);
    }
  });

  test("has the old fields as well, or none at all", async () => {
    const legacy = await limited({ limit: 2, windowMs: 60_000, fields: "legacy" }).get();
    expect(legacy.headers).toMatchObject({
      ratelimit: '"default";r=1;t=30',
      "x-ratelimit-limit": "2",
      "x-ratelimit-remaining": "1",
      "x-ratelimit-reset": String(1_767_225_600 + 30),
    });
    const none = limited({ limit: 1, fields: false });
    await none.get();
    const { headers, status } = await none.get();
    expect(status).toBe(429);
    expect(headers["retry-after"]).toBe("60");
    expect(Object.keys(headers).filter((name) => name.includes("ratelimit"))).toEqual([]);
  });

  test("two limits tell of both", async () => {
    const app = new Application();
    const clock = new ManualClock();
    app.use(
      rateLimit({ limit: 2, windowMs: 1_000, name: "burst", clock }),
      rateLimit({ limit: 9, name: "minute", clock }),
    );
    app.get("/", () => "x");
    const { headers } = await ask(app.dispatch, "GET", "/");
    expect(headers["ratelimit"]).toBe('"burst";r=1;t=1\n"minute";r=8;t=7');
    expect(headers["ratelimit-policy"]).toBe('"burst";q=2;w=1\n"minute";q=9;w=60');
  });
});

describe("whom a request counts for", () => {
  test("each address has its own; the addresses of one IPv6 network are one", async () => {
    const { statuses } = limited({ limit: 1 });
    const from = (remoteAddress: string | undefined) => statuses(1, { remoteAddress });
    expect(await from("192.0.2.1")).toEqual([200]);
    expect(await from("192.0.2.1")).toEqual([429]);
    expect(await from("192.0.2.2")).toEqual([200]);
    expect(await from("2001:db8:0:1::1")).toEqual([200]);
    expect(await from("2001:db8:0:1:ffff::9")).toEqual([429]);
    expect(await from("2001:db8:0:2::1")).toEqual([200]);
    expect(await from(undefined)).toEqual([200]);
    expect(await from(undefined)).toEqual([429]);
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8::1", "20010db800000000::/64"],
    ["2001:0db8:0:0:5::1", "20010db800000000::/64"],
    ["fe80::1%eth0", "fe80000000000000::/64"],
    ["::1", "0::/64"],
  ])("%s counts as %s", (remoteAddress, key) => {
    expect(clientKey({ remoteAddress } as ServerRequest)).toBe(key.replace(/^20010db8/, "20010db8"));
  });

  test("a key of the application's, at once or by promise; undefined is nobody", async () => {
    const key = async (request: ServerRequest) => request.headers.get("x-user") ?? undefined;
    for (const option of [key, (request: ServerRequest) => request.headers.get("x-user") ?? undefined]) {
      const { statuses } = limited({ limit: 1, key: option });
      expect(await statuses(2, { fields: ["X-User", "a"] })).toEqual([200, 429]);
      expect(await statuses(2, { fields: ["X-User", "b"] })).toEqual([200, 429]);
      expect(await statuses(3, { fields: [] })).toEqual([200, 200, 200]);
    }
  });

  test("long keys are kept as digests, and still told apart", async () => {
    const taken: string[] = [];
    const inner = new MemoryRateLimitStore();
    const store: RateLimitStore = {
      take: (key, cost, quota) => {
        taken.push(key);
        return inner.take(key, cost, quota);
      },
    };
    const { statuses } = limited({ limit: 1, store, key: (request) => request.headers.get("x-user") ?? undefined });
    const long = "x".repeat(10_000);
    expect(await statuses(1, { fields: ["X-User", `${long}a`] })).toEqual([200]);
    expect(await statuses(1, { fields: ["X-User", `${long}b`] })).toEqual([200]);
    expect(await statuses(1, { fields: ["X-User", `${long}a`] })).toEqual([429]);
    expect(Math.max(...taken.map((key) => key.length))).toBeLessThan(64);
  });

  test("limits by who asks; a limit that changes is a new one", async () => {
    const { statuses } = limited({ limit: async (request) => Number(request.headers.get("x-plan")), key: () => "one" });
    expect(await statuses(3, { fields: ["X-Plan", "2"] })).toEqual([200, 200, 429]);
    expect(await statuses(4, { fields: ["X-Plan", "3"] })).toEqual([200, 200, 200, 429]);
  });
});

describe("what a request counts", () => {
  test("costs of its own, nothing for 0, and never more than there can be", async () => {
    const { get, statuses } = limited({ limit: 5, cost: (request) => Number(request.query.get("cost")) });
    const costing = async (cost: number) => (await get({}, `/?cost=${cost}`)).status;
    expect(await costing(3)).toBe(200);
    expect(await costing(3)).toBe(429);
    expect(await costing(2)).toBe(200);
    expect(await costing(0)).toBe(200);
    const never = await get({}, "/?cost=6");
    expect(never.status).toBe(429);
    expect(never.headers["retry-after"]).toBeUndefined();
    expect(await statuses(0)).toEqual([]);
  });

  test("what is skipped is neither counted nor told", async () => {
    const { get } = limited({ limit: 1, skip: (request) => request.path === "/nowhere" });
    expect((await get({}, "/nowhere")).headers["ratelimit"]).toBeUndefined();
    expect((await get()).headers["ratelimit"]).toBe('"default";r=0;t=60');
  });
});

describe("a store", () => {
  const outcome: RateLimitOutcome = { allowed: true, remaining: 4, resetMs: 2_000, retryAfterMs: 0 };

  test("of one's own is asked with key, cost and quota, and may take its time", async () => {
    const take = vi.fn(async (_key: string, _cost: number, _quota: RateLimitQuota) => outcome);
    const { get } = limited({
      limit: 5,
      windowMs: 9_000,
      burst: 2,
      cost: 2,
      name: "n",
      key: () => "k",
      store: { take },
    });
    expect((await get()).headers["ratelimit"]).toBe('"n";r=4;t=2');
    expect(take.mock.calls).toEqual([["n:k", 2, { limit: 5, windowMs: 9_000, burst: 2 }]]);
  });

  test.each<[string, RateLimitStore["take"]]>([
    [
      "throws",
      () => {
        throw new Error("down");
      },
    ],
    ["rejects", () => Promise.reject(new Error("down"))],
  ])("that %s fails the request, or is reported and the request goes on", async (_name, take) => {
    const strict = limited({ limit: 1, store: { take } });
    expect((await strict.get()).status).toBe(500);
    expect(strict.onError).toHaveBeenCalledOnce();
    const onStoreError = vi.fn();
    const lenient = limited({ limit: 1, store: { take }, onStoreError });
    expect((await lenient.get()).status).toBe(200);
    expect(onStoreError.mock.calls[0]?.[0]).toEqual(new Error("down"));
  });

  test("refusing by promise is 429, whatever onStoreError is", async () => {
    const take = async () => ({ ...outcome, allowed: false, remaining: 0, retryAfterMs: 1 });
    const onStoreError = vi.fn();
    const { status, headers } = await limited({ limit: 1, store: { take }, onStoreError }).get();
    expect([status, headers["retry-after"]]).toEqual([429, "1"]);
    expect(onStoreError).not.toHaveBeenCalled();
  });
});

describe("MemoryRateLimitStore", () => {
  const quota: RateLimitQuota = { limit: 2, windowMs: 2_000, burst: 2 };

  test("holds no more keys than it may; the one used least recently goes", () => {
    const clock = new ManualClock();
    const store = new MemoryRateLimitStore({ maxKeys: 3, clock });
    for (const key of ["a", "b", "c"]) store.take(key, 2, quota);
    store.take("a", 0, quota);
    store.take("d", 2, quota);
    expect(store.size).toBe(3);
    expect(store.take("a", 1, quota).allowed).toBe(false);
    expect(store.take("b", 1, quota).allowed).toBe(true); // forgotten, so full
  });

  test("stays within its bound under a flood of keys", () => {
    const store = new MemoryRateLimitStore({ maxKeys: 50, clock: new ManualClock() });
    for (let index = 0; index < 5_000; index += 1) store.take(`k${index}`, 1, quota);
    expect(store.size).toBe(50);
  });

  test("forgets keys that have all of theirs again", () => {
    const clock = new ManualClock();
    const store = new MemoryRateLimitStore({ clock });
    for (let index = 0; index < 100; index += 1) store.take(`old${index}`, 1, quota);
    clock.advance(1_000);
    for (let index = 0; index < 100; index += 1) store.take(`new${index}`, 1, quota);
    expect(store.size).toBe(100);
  });

  test.each<[object, string]>([
    [{ maxKeys: 0 }, "options/out-of-range"],
    [{ keys: 1 }, "options/unknown"],
  ])("refuses %j", (options, code) => {
    expect(() => new MemoryRateLimitStore(options)).toThrow(expect.objectContaining({ code }));
  });
});

test.each<[string, object, string]>([
  ["no limit", {}, "options/out-of-range"],
  ["a limit of 0", { limit: 0 }, "options/out-of-range"],
  ["no window", { limit: 1, windowMs: 0 }, "options/out-of-range"],
  ["a burst of 0", { limit: 1, burst: 0 }, "options/out-of-range"],
  ["a negative cost", { limit: 1, cost: -1 }, "options/out-of-range"],
  ["a name with a quote", { limit: 1, name: 'a"b' }, "options/unknown-value"],
  ["fields of another kind", { limit: 1, fields: "new" }, "options/unknown-value"],
  ["a key that is no function", { limit: 1, key: "ip" }, "options/unknown-value"],
  ["what is not known", { limit: 1, max: 1 }, "options/unknown"],
])("rateLimit refuses %s", (_name, options, code) => {
  expect(() => rateLimit(options as RateLimitOptions)).toThrow(expect.objectContaining({ code }));
});
