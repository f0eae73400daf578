/**
 * The watchman is watched: each kind of bug that the simulation is there to find is put in on purpose, and has to be found, under its
 * own name, within a few seeds.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ExchangeBody } from "../../src/client/exchange-body.js";
import { RetryBudget } from "../../src/client/middleware/retrying/retry-budget.js";
import type { ClientMiddleware, Next } from "../../src/client/middleware.js";
import { PhaseDeadline } from "../../src/client/phase-deadline.js";
import { Pool } from "../../src/client/pool.js";
import type { ClientRequest } from "../../src/client/request.js";
import { RequestScope } from "../../src/client/request-scope.js";
import type { ClientResponse } from "../../src/client/response.js";
import { SimulatedSwitch } from "../../src/testing/simulation/simulated-switch.js";
import { Http1ClientLink } from "../../src/wire/http1-client-link.js";
import { Http1ServerLink } from "../../src/wire/http1-server-link.js";
import { type Sabotage, simulate } from "./simulate.js";
import type { Breach } from "./witness.js";

const MOST_SEEDS = 60;

beforeEach(() => {
  vi.stubEnv("NODE_ENV", "production");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs seeds until one finds a bug of this kind. */
async function foundAs(kind: Breach, sabotage: Sabotage = {}): Promise<string> {
  const others = new Set<string>();
  for (let seed = 0; seed < MOST_SEEDS; seed += 1) {
    const { breaches } = await simulate(seed, sabotage);
    const found = breaches.find((breach) => breach.startsWith(`${kind}: `));
    if (found !== undefined) return found;
    for (const breach of breaches) others.add(breach);
  }
  throw new Error(`Not found within ${MOST_SEEDS} seeds; only ${[...others].slice(0, 5).join(", ") || "nothing"}`);
}

/** Every `nth` call does something else. */
function everyNth<Args extends unknown[], Result>(
  nth: number,
  usual: (...args: Args) => Result,
  instead: (...args: Args) => Result,
): (...args: Args) => Result {
  let calls = 0;
  return (...args) => {
    calls += 1;
    return calls % nth === 0 ? instead(...args) : usual(...args);
  };
}

test("an answer that reaches another request: two that are under way are swapped", async () => {
  let earlier: { response: ClientResponse; give: (response: ClientResponse) => void } | undefined;
  const swap: ClientMiddleware = async (request: ClientRequest, next: Next) => {
    const response = await next(request);
    if (earlier !== undefined) {
      const { response: theirs, give } = earlier;
      earlier = undefined;
      give(response);
      return theirs;
    }
    return new Promise((resolve) => {
      earlier = { response, give: resolve };
      // Nobody to swap with: a moment later it is given to whom it belongs.
      setImmediate(() => {
        if (earlier?.response === response) earlier = undefined;
        resolve(response);
      });
    });
  };
  expect(await foundAs("cross-wired", { hopMiddleware: [swap] })).toMatch(/got/);
});

test("bytes that go missing on the way through the engine", async () => {
  const { onData } = Http1ClientLink.prototype;
  const lossy = everyNth(
    40,
    (link: Http1ClientLink, bytes: Uint8Array) => onData.call(link, bytes),
    (link, bytes) => onData.call(link, bytes.subarray(1)),
  );
  vi.spyOn(Http1ClientLink.prototype, "onData").mockImplementation(function (this: Http1ClientLink, bytes) {
    lossy(this, bytes);
  });
  expect(await foundAs("unexpected")).toMatch(/breaks HTTP's rules/);
});

test("a place that is lost: a connection is not given back", async () => {
  const { connectionReusable } = Pool.prototype;
  const forgetful = everyNth(
    10,
    (pool: Pool, connection: Parameters<Pool["connectionReusable"]>[0]) => connectionReusable.call(pool, connection),
    () => undefined,
  );
  vi.spyOn(Pool.prototype, "connectionReusable").mockImplementation(function (this: Pool, connection) {
    forgetful(this, connection);
  });
  expect(await foundAs("lost place")).toMatch(/connections/);
});

test("a timer that is left running: a phase's limit outlives its request", async () => {
  vi.spyOn(PhaseDeadline.prototype, "stop").mockImplementation(() => undefined);
  expect(await foundAs("leaked timer")).toMatch(/run when all is closed/);
});

test("a POST that is sent twice: after a lost connection it is simply sent again", async () => {
  const again: ClientMiddleware = async (request, next) => {
    try {
      return await next(request);
    } catch (error) {
      if (request.scope.cancelled || !request.replayable) throw error;
      return next(request);
    }
  };
  expect(await foundAs("sent twice", { hopMiddleware: [again] })).toMatch(/reached a handler 2 times/);
});

test("a deadline that is ignored", async () => {
  vi.spyOn(RequestScope.prototype, "expire").mockImplementation(() => undefined);
  expect(await foundAs("deadline")).toMatch(/ended after/);
});

test("a budget that is overrun", async () => {
  vi.spyOn(RetryBudget.prototype, "tryTake").mockReturnValue(true);
  expect(await foundAs("budget")).toMatch(/retries, of at most/);
});

test("more tries than were asked for", async () => {
  expect(await foundAs("too many tries", { extraAttempts: 2 })).toMatch(/of at most/);
});

test("a listener that stays on the caller's signal", async () => {
  const deaf = (signal: AbortSignal) => {
    const { addEventListener } = signal;
    signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
      addEventListener.apply(signal, args);
      addEventListener.call(signal, "abort", () => undefined);
    };
    return signal;
  };
  expect(await foundAs("leaked listener", { signals: deaf })).toMatch(/on signals of callers/);
});

test("a socket that stays open: closing it does nothing, now and then", async () => {
  const { connect } = SimulatedSwitch.prototype;
  let connections = 0;
  vi.spyOn(SimulatedSwitch.prototype, "connect").mockImplementation(async function (this: SimulatedSwitch, target) {
    const transport = await connect.call(this, target);
    connections += 1;
    if (connections % 10 === 0) transport.destroy = () => undefined;
    return transport;
  });
  expect(await foundAs("lost socket")).toMatch(/open when all is closed/);
});

test("a request that never ends: no limit is kept, and the answer does not come", async () => {
  vi.spyOn(RequestScope.prototype, "expire").mockImplementation(() => undefined);
  vi.spyOn(PhaseDeadline.prototype, "expire").mockImplementation(() => undefined);
  expect(await foundAs("stuck")).toMatch(/nothing is left to happen/);
});

test("bodies that fill memory: nobody stops the peer", async () => {
  vi.spyOn(ExchangeBody.prototype, "pause").mockImplementation(() => undefined);
  expect(await foundAs("memory")).toMatch(/that nobody reads/);
});

test("a request that a server forgets", async () => {
  const { answer } = Http1ServerLink.prototype;
  const forgetful = everyNth(
    15,
    (link: Http1ServerLink, ...args: Parameters<Http1ServerLink["answer"]>) => answer.apply(link, args),
    () => undefined,
  );
  vi.spyOn(Http1ServerLink.prototype, "answer").mockImplementation(function (this: Http1ServerLink, ...args) {
    forgetful(this, ...args);
  });
  expect(await foundAs("unanswered")).toMatch(/that a service accepted/);
});
