import { describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { sleep } from "../../../src/concurrency/sleep.js";
import { ConnectionLostError } from "../../../src/errors.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { type TimeoutOptions, timeout } from "../../../src/server/middleware/timeout.js";
import type { Handler } from "../../../src/server/middleware-chain.js";
import { reply } from "../../../src/server/reply-kinds.js";
import type { ServerRequest } from "../../../src/server/request/server-request.js";
import { timed } from "../connection-setup.js";
import { ask, FakeExchange, readAnswer } from "../fake-exchange.js";

function setUp(handler: Handler, options: TimeoutOptions = {}, ms = 1_000) {
  const clock = new ManualClock();
  const [onError, onLateError] = [vi.fn(), vi.fn()];
  const app = new Application({ onError });
  app.get("/", [timeout(ms, { clock, onLateError, ...options })], handler);
  return { app, clock, onError, onLateError };
}

describe("timeout", () => {
  test("a reply in time is as if there were no limit, and nothing is left behind", async () => {
    const { app, clock } = setUp(() => sleep(999, { clock }).then(() => "in time"));
    const asked = ask(app.dispatch, "GET", "/");
    await clock.advanceAsync(999);
    expect((await asked).text).toBe("in time");
    expect(clock.armedCount).toBe(0);
  });

  test("no reply in time is 503, told at once, and the handler's signal aborts", async () => {
    let reason: unknown;
    const { app, clock, onError } = setUp(
      ({ signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
          });
        }),
    );
    const asked = ask(app.dispatch, "GET", "/", { fields: ["Accept", "application/problem+json"] });
    await clock.advanceAsync(999);
    expect(reason).toBeUndefined();
    await clock.advanceAsync(1);
    const { status, text } = await asked;
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ status: 503, detail: "The answer took too long" });
    expect(reason).toMatchObject({ name: "TimeoutError" });
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "server/timed-out" });
    expect(clock.armedCount).toBe(0);
  });

  test("a handler that waits with its signal ends with it, and nobody reports that", async () => {
    const clock = new ManualClock();
    const onLateError = vi.fn();
    const app = new Application({ onError: () => undefined });
    let ended = false;
    app.get("/", [timeout(10, { clock, onLateError })], async ({ signal }) => {
      try {
        await sleep(1_000, { signal, clock });
      } finally {
        ended = true;
      }
      return "never";
    });
    const asked = ask(app.dispatch, "GET", "/");
    await clock.advanceAsync(10);
    expect((await asked).status).toBe(503);
    expect(ended).toBe(true);
    expect(onLateError).not.toHaveBeenCalled();
    expect(clock.armedCount).toBe(0);
  });

  test("status and message are for the application to say", async () => {
    const { app, clock } = setUp(() => new Promise(() => undefined), { status: 504, message: "The backend sleeps" });
    const asked = ask(app.dispatch, "GET", "/", { fields: ["Accept", "text/plain"] });
    await clock.advanceAsync(1_000);
    expect((await asked).text).toContain("504 Gateway Timeout\nThe backend sleeps");
  });

  test("what comes too late is released unread", async () => {
    let released = false;
    async function* pieces() {
      yield "x";
    }
    const source = pieces();
    const watched = {
      [Symbol.asyncIterator]: () => source,
    };
    const late = reply.stream(watched);
    const { payload } = late;
    if (payload !== undefined) {
      payload.discard = () => {
        released = true;
      };
    }
    const { app, clock } = setUp(() => sleep(2_000, { clock }).then(() => late));
    const asked = ask(app.dispatch, "GET", "/");
    await clock.advanceAsync(1_000);
    expect((await asked).status).toBe(503);
    expect(released).toBe(false);
    await clock.advanceAsync(1_000);
    expect(released).toBe(true);
  });

  test("what is thrown too late is reported, with its request", async () => {
    const { app, clock, onLateError } = setUp(async () => {
      await sleep(2_000, { clock });
      throw new Error("late");
    });
    const asked = ask(app.dispatch, "GET", "/");
    await clock.advanceAsync(2_000);
    await asked;
    expect(onLateError.mock.calls).toEqual([[new Error("late"), expect.objectContaining({ path: "/" })]]);
  });

  test.each<[string, (request: ServerRequest) => Promise<unknown>]>([
    ["as it is", (request) => request.bytes()],
    ["as a form", (request) => request.form()],
    [
      "piece by piece",
      async (request) => {
        for await (const _piece of request.body) await undefined;
      },
    ],
    [
      "under another name",
      (request) =>
        request.text().catch((cause: unknown) => {
          throw new Error("No text", { cause });
        }),
    ],
  ])("a body that had not come when the time was up is no news: read %s", async (_how, read) => {
    const clock = new ManualClock();
    const [onError, onLateError] = [vi.fn(), vi.fn()];
    const app = new Application({ onError });
    let failure: unknown;
    app.post("/", [timeout(10, { clock, onLateError })], async (request) => {
      try {
        await read(request);
        return "read";
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    const served = timed(app.dispatch);
    await served.packets(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=1",
    );
    await clock.advanceAsync(10);
    expect(await served.settled()).toMatch(/^HTTP\/1\.1 503 /);
    expect(failure).toBeInstanceOf(Error);
    expect(onLateError).not.toHaveBeenCalled();
    expect(onError.mock.calls.map(([error]) => error.code)).toEqual(["server/timed-out"]);
  });

  test("an HttpError thrown too late is reported if it would be in time: a 500, and not a 404", async () => {
    for (const [status, times] of [
      [404, 0],
      [500, 1],
    ] as const) {
      const { app, clock, onLateError } = setUp(async () => {
        await sleep(2_000, { clock });
        throw new HttpError(status);
      });
      const asked = ask(app.dispatch, "GET", "/");
      await clock.advanceAsync(2_000);
      await asked;
      expect(onLateError).toHaveBeenCalledTimes(times);
    }
  });

  test("the client's going away still aborts the handler, and is no fault", async () => {
    const { app, clock, onError } = setUp(({ signal }) => sleep(500, { clock, signal }).then(() => "x"));
    const exchange = new FakeExchange("GET", "/");
    const asked = app.dispatch(exchange);
    exchange.goAway(new ConnectionLostError("connection/reset", "Gone"));
    await readAnswer(await asked);
    expect(onError).not.toHaveBeenCalled();
    expect(clock.armedCount).toBe(0);
  });

  test("an error in time is that error, and a stream that goes on is not cut off", async () => {
    const failing = setUp(() => {
      throw new TypeError("x");
    });
    expect((await ask(failing.app.dispatch, "GET", "/")).status).toBe(500);
    expect(failing.onError.mock.calls[0]?.[0]).toBeInstanceOf(TypeError);
    const streaming = setUp(({ signal }) =>
      reply.stream(
        (async function* () {
          yield "a";
          await sleep(5_000, { clock: streaming.clock, signal });
          yield "b";
        })(),
      ),
    );
    const asked = ask(streaming.app.dispatch, "GET", "/");
    await streaming.clock.advanceAsync(5_000);
    expect((await asked).text).toBe("ab");
  });

  test("Infinity is no limit: the request's own signal stays", async () => {
    const { app } = setUp(() => "x", {}, Number.POSITIVE_INFINITY);
    const exchange = new FakeExchange("GET", "/");
    await app.dispatch(exchange);
    expect(exchange.signalsAsked).toBe(0);
  });

  test("a handler that asks for no signal makes none; one that asks too late gets one that has aborted", async () => {
    const { app, clock } = setUp(() => "x");
    const exchange = new FakeExchange("GET", "/");
    await app.dispatch(exchange);
    expect([exchange.signalsAsked, clock.armedCount]).toEqual([0, 0]);
    let asked: AbortSignal | undefined;
    const slow = setUp(async (request) => {
      await sleep(2_000, { clock: slow.clock });
      asked = request.signal;
      return "late";
    });
    const answer = ask(slow.app.dispatch, "GET", "/");
    await slow.clock.advanceAsync(2_000);
    expect((await answer).status).toBe(503);
    expect(asked?.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("of two limits each aborts the signal, whether it was asked for between them or after", async () => {
    for (const early of [true, false]) {
      for (const [outer, inner] of [
        [10, 100],
        [100, 10],
      ] as const) {
        const clock = new ManualClock();
        const app = new Application({ onError: () => undefined });
        let seen: AbortSignal | undefined;
        app.use(timeout(outer, { clock }), (request, next) => {
          if (early) expect(request.signal.aborted).toBe(false);
          return next();
        });
        app.get("/", [timeout(inner, { clock })], ({ signal }) => {
          seen = signal;
          return new Promise(() => undefined);
        });
        const asked = ask(app.dispatch, "GET", "/");
        await clock.advanceAsync(10);
        expect((await asked).status).toBe(503);
        expect(seen?.aborted).toBe(true);
      }
    }
  });

  test.each<[string, number, object, string]>([
    ["0", 0, {}, "options/out-of-range"],
    ["NaN", Number.NaN, {}, "options/out-of-range"],
    ["status 500", 1, { status: 500 }, "options/unknown-value"],
    ["an unknown option", 1, { code: 503 }, "options/unknown"],
  ])("refuses %s", (_name, ms, options, code) => {
    expect(() => timeout(ms, options)).toThrow(expect.objectContaining({ code }));
  });
});
