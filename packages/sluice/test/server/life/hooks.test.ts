import { afterEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import type { ResponseSummary } from "../../../src/server/life/response-watch.js";
import type { Reply } from "../../../src/server/reply.js";
import type { Server } from "../../../src/server/server.js";
import { ask, FakeExchange } from "../fake-exchange.js";
import { codeOf } from "../structure/code-of.js";

const servers: Server[] = [];

afterEach(async () => {
  await Promise.allSettled(servers.splice(0).map((server) => server.close({ grace: 0 })));
});

async function listen(app: Application): Promise<Server> {
  const server = await app.listen({ host: "127.0.0.1", port: 0 });
  servers.push(server);
  return server;
}

describe("onStart and onStop", () => {
  test("a mounted application starts where it stands among the starters, and stops in reverse; one failure stops no other", async () => {
    const seen: string[] = [];
    const step = (app: Application, name: string) =>
      app.onStart(() => {
        seen.push(`+${name}`);
        return () => seen.push(`-${name}`);
      });
    const app = step(new Application(), "db");
    const inner = step(new Application(), "inner").onStop(() => seen.push("inner stops"));
    app.mount("/in", inner).host("a.test", step(new Application(), "host"));
    step(app, "last").onStop(() => {
      throw new Error("stuck");
    });
    step(inner, "late");
    const [first, second] = [await listen(app), await listen(app)];
    expect(seen).toEqual(["+db", "+inner", "+late", "+host", "+last"]);
    await first.close();
    expect(seen.length).toBe(5);
    await expect(second.close()).rejects.toThrow("stuck");
    expect(seen.slice(5)).toEqual(["-last", "-host", "-late", "inner stops", "-inner", "-db"]);
  });

  test("what a mounted application throws at the start has the others closed", async () => {
    const seen: string[] = [];
    const app = new Application().onStop(() => seen.push("closed"));
    app.mount(
      "/in",
      new Application().onStart(() => Promise.reject(new Error("no queue"))),
    );
    await expect(listen(app)).rejects.toThrow("no queue");
    expect(seen).toEqual(["closed"]);
  });

  test("starters may still add routes", async () => {
    const inner = new Application();
    const app = new Application().mount("/in", inner);
    app.onStart(() => {
      app.get("/x", () => "x");
      inner.get("/y", () => "y");
    });
    await listen(app);
    expect((await ask(app.dispatch, "GET", "/x")).text).toBe("x");
    expect((await ask(app.dispatch, "GET", "/in/y")).text).toBe("y");
  });
});

describe("onResponse", () => {
  test("is told of each answer when it is over: status, bytes and time", async () => {
    const clock = new ManualClock();
    const app = new Application({ clock, onError: () => undefined });
    const seen: [string, ResponseSummary][] = [];
    app.onResponse((request, summary) => seen.push([`${request.method} ${request.route}`, summary]));
    app.get("/ok", () => "12345");
    app.get("/late", async () => {
      clock.advance(70);
      throw new HttpError(409);
    });
    app.get("/broken", () => {
      throw new Error("x");
    });
    const made = (await app.dispatch(new FakeExchange("GET", "/ok"))) as Reply;
    made.status = 202;
    clock.advance(30);
    expect(seen).toEqual([]);
    made.onSent?.(5, undefined);
    expect(seen).toEqual([["GET /ok", { status: 202, bodyBytes: 5, durationMs: 30, error: undefined }]]);
    for (const target of ["/late", "/broken", "/nowhere", "/%zz"]) await ask(app.dispatch, "GET", target);
    expect(seen.slice(1).map(([, { status, durationMs }]) => [status, durationMs])).toEqual([
      [409, 70],
      [500, 0],
      [404, 0],
      [400, 0],
    ]);
  });

  test("knows of an answer that broke off", async () => {
    const errors: unknown[] = [];
    const app = new Application({ onError: (error) => errors.push(error) });
    const seen: unknown[] = [];
    app.get("/", () => "x").onResponse((_request, { error }) => seen.push(error));
    const broken = new Error("disk");
    ((await app.dispatch(new FakeExchange("GET", "/"))) as Reply).onSent?.(1, broken);
    expect([seen, errors]).toEqual([[broken], [broken]]);
  });

  test("outer applications' listeners are first; one that throws or rejects is reported and stops no other", async () => {
    const seen: string[] = [];
    const app = new Application({ onError: (error) => seen.push(String(error)) });
    app.onResponse(() => {
      seen.push("outer");
      throw new Error("thrown");
    });
    app.onResponse(async () => {
      throw new Error("rejected");
    });
    const inner = new Application().get("/", () => "x").onResponse(() => seen.push("inner"));
    app.mount("/in", inner);
    await ask(app.dispatch, "GET", "/in");
    expect(seen).toEqual(["outer", "Error: thrown", "inner", "Error: rejected"]);
    seen.length = 0;
    await ask(app.dispatch, "GET", "/");
    expect(seen).not.toContain("inner");
  });
});

describe("onError", () => {
  const failing = (app: Application) =>
    app.get("/", () => {
      throw new Error("broken");
    });

  test("every listener is told, the innermost application's first, after the option; one that throws stops no other", async () => {
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const seen: string[] = [];
    const tell = (name: string) => () => void seen.push(name);
    const app = new Application({ onError: tell("option") }).onError(tell("outer"));
    const inner = failing(new Application()).onError(() => {
      seen.push("inner");
      throw new Error("listener");
    });
    app.mount("/in", inner);
    await ask(app.dispatch, "GET", "/in");
    expect(seen).toEqual(["option", "inner", "outer"]);
    expect(written.mock.calls.join()).toContain("The onError listener failed as well: Error: listener");
    written.mockRestore();
  });

  test("with a listener nothing goes to standard error, without one everything does", async () => {
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const told = vi.fn();
    await ask(failing(new Application()).onError(told).dispatch, "GET", "/");
    const counts = [told.mock.calls.length, written.mock.calls.length];
    await ask(failing(new Application()).dispatch, "GET", "/");
    counts.push(written.mock.calls.length);
    written.mockRestore();
    expect(counts).toEqual([1, 0, 1]);
  });
});

describe("while an application listens", () => {
  test("nothing of it can be changed, nor of what is mounted in it; afterwards it can", async () => {
    const inner = new Application();
    const app = new Application().mount("/in", inner);
    const server = await listen(app);
    for (const one of [app, inner]) {
      const changes: (() => unknown)[] = [
        () => one.get("/x", () => "x"),
        () => one.route("POST", "/x", () => "x"),
        () => one.group("/g", (group) => group.get("/x", () => "x")),
        () => one.use((_request, next) => next()),
        () => one.mount("/other", new Application()),
        () => one.host("a.test", new Application()),
        () => one.onStart(() => undefined),
        () => one.onStop(() => undefined),
        () => one.onResponse(() => undefined),
        () => one.health(),
      ];
      expect(changes.map(codeOf)).toEqual(changes.map(() => "server/started"));
    }
    await server.close();
    expect(codeOf(() => inner.get("/x", () => "x"))).toBeUndefined();
  });

  test.each(["onStop", "onResponse", "onError"] as const)("%s takes functions only", (name) => {
    expect(codeOf(() => new Application()[name]("x" as never))).toBe("options/unknown-value");
  });
});
