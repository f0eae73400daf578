/** The adaptive rate against models of servers, in virtual time: no socket, no timer. */
import { describe, expect, test } from "vitest";
import { AdaptiveRate } from "../../../src/client/middleware/throttling/adaptive-rate.js";
import type { RateNews } from "../../../src/client/middleware/throttling/rate.js";
import { newThrottleState, type ThrottleState } from "../../../src/client/middleware/throttling/throttle-store.js";
import type { RateLimitHint } from "../../../src/http/rate-limit.js";
import { seededRandom } from "../../../src/platform/random.js";

type Answer = Pick<RateNews, "refused" | "retryAfterMs" | "hint">;
/** Says at a moment whether a request is let in. */
type Limiter = (now: number) => Answer;

const LET_IN: Answer = { refused: false, retryAfterMs: undefined, hint: undefined };
const REFUSED: Answer = { refused: true, retryAfterMs: undefined, hint: undefined };
const BOUNDS = { start: 10, least: 0.1, most: Number.POSITIVE_INFINITY, maxHoldMs: 300_000 };
const WARM_UP = 200;
const CALLERS = 50;
const MEASURED_MS = 60_000;

/** nginx `limit_req`: a leaky bucket that holds `burst` requests. */
function leakyBucket(perSecond: number, burst: number): Limiter {
  let excess = 0;
  let last = Number.NEGATIVE_INFINITY;
  return (now) => {
    const left = Math.max(0, excess - ((now - last) * perSecond) / 1_000);
    if (left + 1 > burst + 1) return REFUSED;
    excess = left + 1;
    last = now;
    return LET_IN;
  };
}

type Tells = (limit: number, remaining: number, resetMs: number, refused: boolean, now: number) => Partial<Answer>;

/** So many in a window that begins with the first request after the last one's end. */
function fixedWindow(limit: number, windowMs: number, tells: Tells): Limiter {
  let windowAt = Number.NEGATIVE_INFINITY;
  let used = 0;
  return (now) => {
    if (now >= windowAt + windowMs) {
      windowAt = now;
      used = 0;
    }
    used += 1;
    const refused = used > limit;
    const told = tells(limit, Math.max(0, limit - used), windowAt + windowMs - now, refused, now);
    return { ...(refused ? REFUSED : LET_IN), ...told };
  };
}

const up = (ms: number): number => Math.ceil(ms / 1_000) * 1_000;
const down = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const hint = (limit: number | undefined, remaining: number, resetMs: number, windowMs?: number): RateLimitHint => ({
  limit,
  remaining,
  resetMs,
  windowMs,
});

interface Run {
  readonly refusedShare: number;
  /** Requests a second that were let in after the first 200. */
  readonly perSecond: number;
  readonly sent: number;
}

/** Callers who always want the next turn, `rttMs` away from the server, timers up to 1.5 ms late. */
function run(limiter: Limiter, rttMs: number, warmUp: number, seed: number): Run {
  const random = seededRandom(seed);
  const rate = new AdaptiveRate(BOUNDS);
  const state = newThrottleState(0);
  const answers: { at: number; takenAt: number; waited: boolean; answer: Answer }[] = [];
  let now = 0;
  let began = Number.POSITIVE_INFINITY;
  let [sent, refused, letIn] = [0, 0, 0];
  const settle = (until: number): void => {
    for (let next = answers[0]; next !== undefined && next.at <= until; next = answers[0]) {
      answers.shift();
      const { takenAt, waited, answer, at } = next;
      rate.learn(state, { ...answer, takenAt, waited, inFlight: answers.length }, at);
    }
  };
  let waited = false;
  while (now < began + MEASURED_MS) {
    settle(now);
    const nextAnswer = answers[0]?.at ?? Number.POSITIVE_INFINITY;
    const wait = answers.length < CALLERS ? rate.take(state, now) : Number.POSITIVE_INFINITY;
    if (wait > 0) {
      waited ||= wait < Number.POSITIVE_INFINITY;
      now = Math.max(Math.min(now + wait + random() * 1.5, nextAnswer), now + 0.001);
      continue;
    }
    const answer = limiter(now + rttMs / 2);
    answers.push({ at: now + rttMs, takenAt: now, waited, answer });
    waited = false;
    sent += 1;
    if (sent === warmUp) began = now;
    if (sent <= warmUp) continue;
    if (answer.refused) refused += 1;
    else letIn += 1;
  }
  return { refusedShare: refused / (refused + letIn), perSecond: (letIn / MEASURED_MS) * 1_000, sent };
}

function figures(what: string, { refusedShare, perSecond }: Run, allowed: number): string {
  return `${what}: ${(refusedShare * 100).toFixed(2)} % refused, ${((perSecond / allowed) * 100).toFixed(0)} % used`;
}

/** A minute, from several beginnings: fewer than 2 % refused, at least 80 % used. */
function holds(make: () => Limiter, allowed: number, rttMs: number, warmUp = WARM_UP): void {
  const what = `${allowed} a second, ${rttMs} ms away`;
  for (const seed of [1, 2, 3]) {
    const result = run(make(), rttMs, warmUp, seed);
    expect(result.refusedShare, figures(what, result, allowed)).toBeLessThan(0.02);
    expect(result.perSecond / allowed, figures(what, result, allowed)).toBeGreaterThanOrEqual(0.8);
  }
}

describe("finding the rate: under 2 % refused, over 80 % used", () => {
  test.each([
    [10, 0, 1],
    [10, 5, 100],
    [50, 0, 1],
    [50, 0, 100],
    [50, 10, 1],
    [50, 10, 100],
    [200, 0, 1],
    [200, 20, 1],
    [200, 20, 100],
    [1_000, 100, 1],
    [1_000, 100, 50],
  ])("of a leaky bucket of %i a second and a burst of %i, %i ms away", (perSecond, burst, rtt) => {
    holds(() => leakyBucket(perSecond, burst), perSecond, rtt);
  });

  const families: Record<string, Tells> = {
    "a window told with its length": (limit, left, reset) => ({ hint: hint(limit, left, up(reset), 5_000) }),
    "a window told in whole seconds": (limit, left, reset) => ({ hint: hint(limit, left, up(reset)) }),
    "a window told in seconds rounded down": (limit, left, reset) => ({ hint: hint(limit, left, down(reset)) }),
    "a window told as a moment": (limit, left, reset, _refused, now) => ({
      hint: hint(limit, left, up(now + 333 + reset) - now - 333),
    }),
    "a window told exactly": (limit, left, reset) => ({ hint: hint(limit, left, reset) }),
    "a window told without its limit": (_limit, left, reset) => ({ hint: hint(undefined, left, up(reset)) }),
    "a window told with Retry-After": (limit, left, reset, refused) => ({
      hint: hint(limit, left, up(reset)),
      retryAfterMs: refused ? up(reset) : undefined,
    }),
  };
  const windows = [
    [150, 5_000],
    [100, 5_000],
    [100, 10_000],
    [600, 60_000],
  ] as const;
  for (const [name, tells] of Object.entries(families)) {
    for (const [limit, windowMs] of windows) {
      test.each([1, 100])(`of ${name}, ${limit} in ${windowMs} ms, %i ms away`, (rtt) => {
        holds(() => fixedWindow(limit, windowMs, tells), (limit / windowMs) * 1_000, rtt);
      });
    }
  }

  // Without a hint it takes some windows to see that there are windows.
  const silent: Record<string, Tells> = {
    "with Retry-After alone": (_limit, _left, reset, refused) => ({ retryAfterMs: refused ? up(reset) : undefined }),
    "of which nothing is told": () => ({}),
  };
  for (const [name, tells] of Object.entries(silent)) {
    for (const [limit, windowMs] of windows) {
      test.each([1, 100])(`of a window ${name}, ${limit} in ${windowMs} ms, %i ms away`, (rtt) => {
        holds(() => fixedWindow(limit, windowMs, tells), (limit / windowMs) * 1_000, rtt, limit * 6);
      });
    }
  }
});

/** A state and a rate to ask single questions of. */
function fresh(bounds: Partial<typeof BOUNDS> = {}): { rate: AdaptiveRate; state: ThrottleState } {
  return { rate: new AdaptiveRate({ ...BOUNDS, ...bounds }), state: newThrottleState(0) };
}

function news(more: Partial<RateNews>): RateNews {
  return { refused: false, takenAt: 0, waited: true, inFlight: 0, retryAfterMs: undefined, hint: undefined, ...more };
}

describe("one step at a time", () => {
  test("it begins at its start rate, evenly spaced from when requests really went", () => {
    const { rate, state } = fresh({ start: 4 });
    expect([rate.take(state, 0), rate.take(state, 0), rate.take(state, 249), rate.take(state, 260)]).toEqual([
      0, 250, 1, 0,
    ]);
    expect(rate.take(state, 260)).toBe(250);
  });

  test("what nobody waited for does not raise the rate", () => {
    const { rate, state } = fresh();
    rate.learn(state, news({ waited: false }), 0);
    expect(state.perSecond).toBe(10);
    rate.learn(state, news({}), 0);
    expect(state.perSecond).toBeCloseTo(10.4);
  });

  test("it stays within its bounds", () => {
    const { rate, state } = fresh({ start: 10, least: 8, most: 12 });
    for (let step = 0; step < 20; step += 1) rate.learn(state, news({}), step);
    expect(state.perSecond).toBe(12);
    for (let step = 100; step < 120; step += 1) {
      rate.learn(state, news({ refused: true, takenAt: step }), step);
      rate.learn(state, news({ takenAt: step, waited: false }), step);
    }
    expect(state.perSecond).toBe(8);
  });

  test("requests that went before the rate was lowered do not lower it again", () => {
    const { rate, state } = fresh();
    rate.learn(state, news({ refused: true, takenAt: 90 }), 100);
    const { perSecond } = state;
    expect(perSecond).toBeCloseTo(7);
    for (const takenAt of [91, 95, 99]) rate.learn(state, news({ refused: true, takenAt }), 110);
    expect([state.perSecond, state.refusals]).toEqual([perSecond, 1]);
  });

  test("Retry-After holds everything, also that of a request that went before, up to maxHold", () => {
    const { rate, state } = fresh({ maxHoldMs: 10_000 });
    rate.take(state, 0);
    rate.learn(state, news({ refused: true, retryAfterMs: 3_000 }), 100);
    expect(rate.take(state, 200)).toBe(2_900);
    rate.learn(state, news({ refused: true, retryAfterMs: 5_000, takenAt: 50 }), 200);
    expect(rate.take(state, 200)).toBe(5_000);
    rate.learn(state, news({ refused: true, retryAfterMs: 3_600_000 }), 200);
    expect(rate.take(state, 200)).toBe(10_000);
  });

  test("refusals in a row: the pauses double up to maxHold, and end with the first request let in", () => {
    const { rate, state } = fresh({ start: 1_000, maxHoldMs: 500 });
    const pauses: number[] = [];
    let now = 1;
    for (let step = 0; step < 6; step += 1) {
      for (let wait = rate.take(state, now); wait > 0; wait = rate.take(state, now)) now += wait;
      rate.learn(state, news({ refused: true, takenAt: now }), now);
      pauses.push(Math.round(rate.take(state, now)));
    }
    expect(pauses).toEqual([50, 100, 200, 400, 500, 500]);
    rate.learn(state, news({ takenAt: now, waited: false }), now);
    expect(rate.take(state, now)).toBeLessThan(50);
  });

  test("the first half of a window goes as fast as the rate, the second is spread over what is left", () => {
    const { rate, state } = fresh({ start: 1_000 });
    rate.learn(state, news({ hint: hint(100, 60, 10_000) }), 0);
    for (let left = 60; left > 50; left -= 1) expect(rate.take(state, (60 - left) * 1)).toBe(0);
    expect(rate.take(state, 10)).toBeCloseTo((10_000 - 10) / 50 - 1, 5);
  });

  test("requests that are under way count as spent", () => {
    const { rate, state } = fresh({ start: 1_000 });
    rate.learn(state, news({ hint: hint(10, 3, 5_000), inFlight: 3 }), 0);
    expect(rate.take(state, 0)).toBe(5_000);
  });

  test("a window used up is waited for, and then tried with one request at a time", () => {
    const { rate, state } = fresh({ start: 1_000 });
    rate.learn(state, news({ hint: hint(10, 0, 5_000) }), 0);
    expect([rate.take(state, 0), rate.take(state, 4_999), rate.take(state, 5_000)]).toEqual([5_000, 1, 0]);
    expect(rate.take(state, 5_001)).toBe(999);
    rate.learn(state, news({ hint: hint(10, 9, 5_000) }), 5_050);
    expect(rate.take(state, 5_050)).toBe(0);
  });

  test("the last request of a window is no reason to wait in the next one", () => {
    const { rate, state } = fresh({ start: 1_000 });
    rate.learn(state, news({ hint: hint(10, 1, 5_000) }), 0);
    expect(rate.take(state, 4_990)).toBe(0);
    expect([rate.take(state, 4_990), rate.take(state, 5_000)]).toEqual([10, 0]);
  });

  test("a window that ends in an hour holds requests no longer than maxHold, then one is sent to see", () => {
    const { rate, state } = fresh({ start: 1_000, maxHoldMs: 60_000 });
    rate.learn(state, news({ hint: hint(10, 0, 3_600_000) }), 0);
    expect([rate.take(state, 0), rate.take(state, 60_000), rate.take(state, 60_001)]).toEqual([60_000, 0, 59_999]);
  });

  test("a quota told without a count is kept to evenly", () => {
    const { rate, state } = fresh({ start: 1_000 });
    const quota = { limit: 10, remaining: undefined, resetMs: undefined, windowMs: 1_000 };
    rate.take(state, 0);
    rate.learn(state, news({ hint: quota }), 0);
    expect(rate.take(state, 0)).toBe(100);
  });

  test("the state is plain numbers that survive JSON", () => {
    const { rate, state } = fresh();
    rate.take(state, 5);
    rate.learn(state, news({ refused: true, retryAfterMs: 10, hint: hint(5, 0, 100) }), 7);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    for (const value of Object.values(state)) expect(Number.isFinite(value)).toBe(true);
  });
});
