import { describe, expect, test } from "vitest";
import type { ThrottleOptions } from "../../../src/client/middleware/throttling/throttle-options.js";
import { answer, FakeNet, ok, redirect, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";

/** Sends `urls` at once and gives the moments at which they arrived, in their order. */
async function arrivals(options: ThrottleOptions, urls: readonly string[], until = 10_000): Promise<number[]> {
  const moments = new Map<string, number>();
  const net = new FakeNet(({ url }, { clock }) => {
    moments.set(url, clock.now());
    return ok("");
  });
  const session = net.session({ throttle: options });
  const asked = urls.map((url, at) => session.get(`${url}${at}`).text());
  for (let moment = 0; moment < until; moment += 50) await net.clock.advanceAsync(50);
  await Promise.all(asked);
  return urls.map((url, at) => moments.get(new URL(`${url}${at}`).href.replace(".test/", ".test:80/")) ?? -1);
}

const six = Array.from({ length: 6 }, () => "http://a.test/");

test("requests are spaced evenly", async () => {
  expect(await arrivals({ requests: 2, per: 1_000 }, six)).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
  expect(await arrivals({ requests: 10 }, six)).toEqual([0, 100, 200, 300, 400, 500]);
});

test("burst lets so many go at once after a quiet time", async () => {
  expect(await arrivals({ requests: 2, per: 1_000, burst: 3 }, six)).toEqual([0, 0, 0, 500, 1_000, 1_500]);
});

test("scope: each host has its own rate, all share one, or a key decides", async () => {
  const two = ["http://a.test/", "http://b.test/", "http://a.test/", "http://b.test/"];
  expect(await arrivals({ requests: 1 }, two)).toEqual([0, 0, 1_000, 1_000]);
  expect(await arrivals({ requests: 1, scope: "global" }, two)).toEqual([0, 1_000, 2_000, 3_000]);
  const key = (request: { url: URL }): string => String(Number(request.url.pathname.slice(1)) < 3);
  expect(await arrivals({ requests: 1, scope: key }, two)).toEqual([0, 1_000, 2_000, 0]);
});

test("jitter adds a random delay within its bounds", async () => {
  const numbers = [0, 0.5, 1];
  const random = (): number => numbers.shift() ?? 0;
  const options: ThrottleOptions = { requests: 1_000, burst: 10, jitter: [100, 300], random };
  expect(await arrivals(options, six.slice(0, 3))).toEqual([100, 200, 300]);
});

test("a cancelled wait gives its place back", async () => {
  const moments: number[] = [];
  const net = new FakeNet((_seen, { clock }) => {
    moments.push(clock.now());
    return ok("");
  });
  const session = net.session({ throttle: { requests: 1, per: 1_000 } });
  await session.get(URL_A);
  const controller = new AbortController();
  const lost = [1, 2, 3].map(() => rejection(session.get(URL_A, { signal: controller.signal })));
  await turns();
  controller.abort();
  await Promise.all(lost);
  const next = session.get(URL_A).text();
  await net.clock.advanceAsync(1_000);
  await next;
  expect(moments).toEqual([0, 1_000]);
});

test("each send counts: redirects and retries too", async () => {
  const moments: number[] = [];
  const net = new FakeNet(({ target }, { clock, seen }) => {
    moments.push(clock.now());
    if (target === "/x") return redirect(302, "/y");
    return seen.length === 2 ? answer(503) : ok("");
  });
  const session = net.session({ throttle: { requests: 1, per: 1_000 }, retry: { attempts: 2, baseDelay: 0 } });
  const asked = session.get(URL_A).text();
  for (let step = 0; step < 10; step += 1) await net.clock.advanceAsync(500);
  await asked;
  expect(moments).toEqual([0, 1_000, 2_000, 3_000]);
});

describe("sharing", () => {
  test("a derived session is held to the same rate, unless it has its own", async () => {
    const moments: number[] = [];
    const net = new FakeNet((_seen, { clock }) => {
      moments.push(clock.now());
      return ok("");
    });
    const base = net.session({ throttle: { requests: 1, per: 1_000 } });
    const same = base.extend({ headers: { x: "1" } });
    const other = base.extend({ throttle: { requests: 1_000 } });
    const asked = [base.get(URL_A).text(), same.get(URL_A).text(), other.get(URL_A).text()];
    for (let step = 0; step < 4; step += 1) await net.clock.advanceAsync(500);
    await Promise.all(asked);
    expect(moments).toEqual([0, 0, 1_000]);
  });

  test("throttle: false exempts a request", async () => {
    const net = new FakeNet();
    const session = net.session({ throttle: { requests: 1, per: 1_000_000 } });
    await session.get(URL_A);
    expect((await session.get(URL_A, { throttle: false })).status).toBe(200);
  });
});

test("a wait is told to the trace, and does not outlast total", async () => {
  const delays: number[] = [];
  const net = new FakeNet();
  const session = net.session({
    throttle: { requests: 1, per: 1_000 },
    trace: { requestThrottled: ({ delay, scope }) => delays.push(delay, scope.length) },
    timeout: 300,
  });
  await session.get(URL_A).text();
  const failed = rejection(session.get(URL_A).text());
  await turns();
  net.clock.advance(300);
  expect((await failed).code).toBe("timeout.total");
  expect(delays).toEqual([1_000, "http://a.test".length]);
});
