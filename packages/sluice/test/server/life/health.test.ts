import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import type { HealthOptions } from "../../../src/server/life/health.js";
import type { Server } from "../../../src/server/server.js";
import { deferred } from "../../wire/server-link-setup.js";
import { ask } from "../fake-exchange.js";
import { codeOf } from "../structure/code-of.js";

const servers: Server[] = [];

afterEach(async () => {
  await Promise.allSettled(servers.splice(0).map((server) => server.close({ grace: 0 })));
});

/** An application with health routes, what it has reported, and how its readiness is answered. */
function watched(options: HealthOptions = {}) {
  const clock = new ManualClock();
  const errors: string[] = [];
  const app = new Application({ clock, onError: (error) => errors.push(String(error)) }).health(options);
  const ready = async () => {
    const { status, text } = await ask(app.dispatch, "GET", "/readyz");
    return `${status} ${text}`;
  };
  return { app, clock, errors, ready };
}

describe("health routes", () => {
  test("say alive and ready, are not kept by caches, and answer HEAD", async () => {
    const { app } = watched();
    const live = await ask(app.dispatch, "GET", "/livez");
    expect([live.status, live.text, live.headers["cache-control"]]).toEqual([200, '{"status":"alive"}', "no-store"]);
    const ready = await ask(app.dispatch, "GET", "/readyz");
    expect([ready.status, ready.text]).toEqual([200, '{"status":"ready","checks":{}}']);
    expect(ready.headers["cache-control"]).toBe("no-store");
    expect((await ask(app.dispatch, "HEAD", "/readyz")).status).toBe(200);
  });

  test("stand where they are put, or not at all", async () => {
    const { app } = watched({ live: "/up", ready: false });
    const status = async (target: string) => (await ask(app.dispatch, "GET", target)).status;
    expect([await status("/up"), await status("/livez"), await status("/readyz")]).toEqual([200, 404, 404]);
  });

  test.each<[object, string]>([
    [{ checks: { db: true } }, "options/unknown-value"],
    [{ checks: 7 }, "options/unknown-value"],
    [{ ready: false, checks: { db: () => true } }, "options/unknown-value"],
    [{ checkTimeout: 0 }, "options/out-of-range"],
    [{ checkTimeout: Number.POSITIVE_INFINITY }, "options/out-of-range"],
    [{ maxAge: -1 }, "options/out-of-range"],
    [{ path: "/" }, "options/unknown"],
    [{ live: "up" }, "route/pattern"],
  ])("%o is refused", (options, code) => {
    expect(codeOf(() => new Application().health(options as HealthOptions))).toBe(code);
  });
});

describe("checks", () => {
  test("what throws, rejects or returns false makes it unready; the cause is reported, not shown", async () => {
    const causes = [
      () => {
        throw new Error("password is hunter2");
      },
      () => Promise.reject(new Error("down")),
      () => false,
    ];
    for (const check of causes) {
      const { ready, errors } = watched({ checks: { db: check, queue: async () => undefined } });
      expect(await ready()).toBe('503 {"status":"unready","checks":{"db":"failed","queue":"ok"}}');
      expect(errors).toEqual([expect.stringContaining('The readiness check "db"')]);
    }
  });

  test("one that takes too long is given up, its signal aborts, and it is not asked again before it has ended", async () => {
    const end = deferred<void>();
    const signals: AbortSignal[] = [];
    const { ready, clock, errors } = watched({
      checkTimeout: 500,
      maxAge: 0,
      checks: {
        db: (signal) => {
          signals.push(signal);
          return signals.length === 1 ? end.promise : undefined;
        },
      },
    });
    const first = ready();
    clock.advance(499);
    expect(signals[0]?.aborted).toBe(false);
    clock.advance(1);
    expect(await first).toBe('503 {"status":"unready","checks":{"db":"timed out"}}');
    expect(signals[0]?.reason).toMatchObject({ code: "server/not-ready", status: 503 });
    expect(await ready()).toContain("timed out");
    expect([signals.length, errors.length]).toEqual([1, 1]);
    end.resolve();
    await end.promise;
    await Promise.resolve();
    expect(await ready()).toBe('200 {"status":"ready","checks":{"db":"ok"}}');
    expect([signals.length, clock.armedCount]).toEqual([2, 0]);
  });

  test("many questions at once are one check, and its outcome is good for maxAge", async () => {
    let asked = 0;
    const { ready, clock } = watched({
      maxAge: 1_000,
      checks: {
        db: async () => {
          asked += 1;
        },
      },
    });
    await Promise.all([ready(), ready(), ready()]);
    await ready();
    expect(asked).toBe(1);
    clock.advance(999);
    await ready();
    expect(asked).toBe(1);
    clock.advance(1);
    await ready();
    expect(asked).toBe(2);
  });

  test("a failure is reported when it begins, and again after a recovery", async () => {
    let works = false;
    const { ready, errors } = watched({ maxAge: 0, checks: { db: () => works } });
    await ready();
    await ready();
    expect(errors.length).toBe(1);
    works = true;
    await ready();
    works = false;
    await ready();
    expect(errors.length).toBe(2);
  });
});

describe("while a server ends", () => {
  test("readiness is 503 from the call of close, liveness stays, everything else is served until the delay is over", async () => {
    const { app, clock, ready } = watched();
    const inner = new Application().health({ ready: "/ready" });
    app.mount("/in", inner).get("/", () => "served");
    const other = new Application();
    const server = await app.listen({ host: "127.0.0.1", port: 0 });
    servers.push(server);
    expect([server.closing, await ready()]).toEqual([false, '200 {"status":"ready","checks":{}}']);
    const closing = server.close({ drainDelay: 5_000 });
    expect([server.closing, await ready()]).toEqual([true, '503 {"status":"ending"}']);
    expect((await ask(app.dispatch, "GET", "/in/ready")).status).toBe(503);
    expect((await ask(other.health().dispatch, "GET", "/readyz")).status).toBe(200);
    expect((await ask(app.dispatch, "GET", "/livez")).status).toBe(200);
    const overTheWire = await fetch(`${server.url}/`, { headers: { connection: "close" } });
    expect(await overTheWire.text()).toBe("served");
    clock.advance(5_000);
    await closing;
    await expect(fetch(`${server.url}/`)).rejects.toThrow();
    expect(await ready()).toContain("200");
  });

  test("one that begins to end while checks run is unready", async () => {
    const check = deferred<void>();
    const { app, ready } = watched({ checks: { db: () => check.promise } });
    const server = await app.listen({ host: "127.0.0.1", port: 0 });
    servers.push(server);
    const answer = ready();
    const closing = server.close();
    check.resolve();
    expect(await answer).toBe('503 {"status":"ending"}');
    await closing;
  });
});
