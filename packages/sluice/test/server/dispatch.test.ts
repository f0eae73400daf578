import { describe, expect, test, vi } from "vitest";
import { ConnectionLostError, RequestTimeoutError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { requestId } from "../../src/server/middleware/request-id.js";
import type { Reply } from "../../src/server/reply.js";
import { reply } from "../../src/server/reply-kinds.js";
import { ask, FakeExchange, readAnswer } from "./fake-exchange.js";

const HTML = ["Accept", "text/html,application/xhtml+xml,*/*;q=0.8"];

describe("requests that no route takes", () => {
  const app = new Application();
  app
    .get("/users/:id", () => "user")
    .post("/users", () => "made")
    .get("/", () => "home");
  app.route(["PUT", "DELETE"], "/users/:id", (request) => request.method);

  test("an unknown path is 404", async () => {
    const answer = await ask(app.dispatch, "GET", "/nowhere");
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toEqual({
      status: 404,
      title: "Not Found",
      detail: "There is nothing at this path",
    });
  });

  test("a known path with another method is 405, and says which it takes", async () => {
    const answer = await ask(app.dispatch, "PATCH", "/users/7");
    expect([answer.status, answer.headers["allow"]]).toEqual([405, "GET, HEAD, PUT, DELETE, OPTIONS"]);
    expect((await ask(app.dispatch, "GET", "/users")).headers["allow"]).toBe("POST, OPTIONS");
  });

  test("HEAD is answered by the GET route, whose handler sees HEAD", async () => {
    const seen: string[] = [];
    const heads = new Application();
    heads.get("/", (request) => {
      seen.push(request.method);
      return "body";
    });
    expect((await ask(heads.dispatch, "HEAD", "/")).status).toBe(200);
    expect(seen).toEqual(["HEAD"]);
  });

  test("OPTIONS answers itself for a known path, for *, and with 404 for an unknown path", async () => {
    const known = await ask(app.dispatch, "OPTIONS", "/users/7");
    expect([known.status, known.headers["allow"], known.text]).toEqual([204, "GET, HEAD, PUT, DELETE, OPTIONS", ""]);
    const all = await ask(app.dispatch, "OPTIONS", "*");
    expect([all.status, all.headers["allow"]]).toEqual([204, "GET, HEAD, POST, PUT, DELETE, OPTIONS"]);
    expect((await ask(app.dispatch, "OPTIONS", "/nowhere")).status).toBe(404);
  });

  test("an OPTIONS route replaces that", async () => {
    const own = new Application();
    own
      .options("/a", () => "mine")
      .get("/a", () => "a")
      .options("*", () => "all");
    expect((await ask(own.dispatch, "OPTIONS", "/a")).text).toBe("mine");
    expect((await ask(own.dispatch, "OPTIONS", "*")).text).toBe("all");
  });

  test.each([["/a%zz"], ["http://example.com/%"]])("%s is 400", async (target) => {
    expect((await ask(app.dispatch, "GET", target)).status).toBe(400);
  });

  test.each([["/a/../b"], ["/%2e%2e/etc/passwd"], ["/."]])("%s leads nowhere: 404", async (target) => {
    expect((await ask(app.dispatch, "GET", target)).status).toBe(404);
  });

  test("a parameter that is not UTF-8 is 400 when it is asked for", async () => {
    const answer = await ask(new Application().get("/:a", (request) => request.params.a).dispatch, "GET", "/%FF");
    expect(answer.status).toBe(400);
  });

  test("CONNECT without a route is 501", async () => {
    expect((await ask(app.dispatch, "CONNECT", "example.com:443")).status).toBe(501);
  });

  test("an absolute-form target is routed by its path", async () => {
    expect((await ask(app.dispatch, "GET", "http://other.example/users/7?x")).text).toBe("user");
    expect((await ask(app.dispatch, "GET", "http://other.example")).text).toBe("home");
  });

  test("QUERY and any other method can be routed", async () => {
    const odd = new Application();
    odd.query("/q", () => "query").route("REPORT", "/q", () => "report");
    expect((await ask(odd.dispatch, "QUERY", "/q")).text).toBe("query");
    expect((await ask(odd.dispatch, "REPORT", "/q")).text).toBe("report");
  });

  test.each([[], undefined, 5, [5], {}].map((methods) => [methods]))("no method at all is refused: %j", (methods) => {
    expect(() => new Application().route(methods as string[], "/q", () => "x")).toThrow(
      expect.objectContaining({ name: "UsageError", code: "route/method" }),
    );
  });

  test("a handler must be a function", () => {
    expect(() => new Application().get("/", "x" as unknown as () => string)).toThrow(
      expect.objectContaining({ code: "route/handler" }),
    );
  });
});

describe("thrown errors", () => {
  function failing(error: unknown) {
    const onError = vi.fn();
    const app = new Application({ onError });
    app.get("/sync", () => {
      throw error;
    });
    app.get("/async", async () => {
      throw error;
    });
    return { app, onError };
  }

  test("an HttpError answers with its status, message and headers, and is not reported below 500", async () => {
    const { app, onError } = failing(new HttpError(409, "taken", { headers: { "Retry-After": "5" } }));
    for (const path of ["/sync", "/async"]) {
      const answer = await ask(app.dispatch, "GET", path);
      expect([answer.status, answer.headers["retry-after"]]).toEqual([409, "5"]);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(JSON.parse(answer.text)).toEqual({ status: 409, title: "Conflict", detail: "taken" });
    }
    expect(onError).not.toHaveBeenCalled();
  });

  test.each([new Error("secret"), "secret", undefined, null, { secret: 1 }, Object.freeze(new Error("secret"))])(
    "%s is a 500 without detail, reported with its request",
    async (error) => {
      const { app, onError } = failing(error);
      for (const path of ["/sync", "/async"]) {
        const answer = await ask(app.dispatch, "GET", path);
        expect(answer.status).toBe(500);
        expect(answer.text).not.toContain("secret");
      }
      expect(onError).toHaveBeenCalledTimes(2);
      expect(onError.mock.calls[0]?.[0]).toBe(error);
      expect(onError.mock.calls[0]?.[1]).toMatchObject({ path: "/sync", method: "GET" });
    },
  );

  test("a 5xx HttpError hides its message unless exposed, names the request, and is reported", async () => {
    const hidden = failing(new HttpError(503, "db 10.0.0.3 is down"));
    const answer = await ask(hidden.app.dispatch, "GET", "/sync");
    const problem = JSON.parse(answer.text);
    expect(problem).toEqual({ status: 503, title: "Service Unavailable", requestId: expect.any(String) });
    expect(hidden.onError.mock.calls[0]?.[1].id).toBe(problem.requestId);
    const shown = failing(new HttpError(503, "Back at noon", { expose: true }));
    expect(JSON.parse((await ask(shown.app.dispatch, "GET", "/sync")).text).detail).toBe("Back at noon");
  });

  test.each([
    [503, undefined, 1],
    [503, true, 1],
    [503, false, 0],
    [500, undefined, 1],
    [499, undefined, 0],
    [429, false, 0],
    [429, true, 1],
  ])("an HttpError %i with report %s is told to onError %i times", async (status, report, times) => {
    const { app, onError } = failing(new HttpError(status, "Full", report === undefined ? {} : { report }));
    expect((await ask(app.dispatch, "GET", "/sync")).status).toBe(status);
    expect((await ask(app.dispatch, "GET", "/async")).status).toBe(status);
    expect(onError).toHaveBeenCalledTimes(2 * times);
  });

  test("a 4xx HttpError can hide its message", async () => {
    const { app } = failing(new HttpError(403, "because of rule 7", { expose: false }));
    expect((await ask(app.dispatch, "GET", "/sync")).text).not.toContain("rule 7");
  });

  test("details and type go into the problem, where they cannot replace the standard members", async () => {
    const details = { balance: 30, status: 200, title: "x" };
    const { app } = failing(new HttpError(402, "No credit", { type: "https://example.com/no-credit", details }));
    expect(JSON.parse((await ask(app.dispatch, "GET", "/sync")).text)).toEqual({
      type: "https://example.com/no-credit",
      status: 402,
      title: "Payment Required",
      detail: "No credit",
      balance: 30,
    });
  });

  test.each([200, 399, 600, 404.5, Number.NaN])("status %d is no error's", (status) => {
    expect(() => new HttpError(status)).toThrow(expect.objectContaining({ code: "http-error/status" }));
  });

  test("an onError that throws does not keep the client from its answer", async () => {
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const app = new Application({
      onError: () => {
        throw new Error("log is full");
      },
    });
    app.get("/", () => {
      throw new Error("first", { cause: new Error("root") });
    });
    expect((await ask(app.dispatch, "GET", "/?token=hidden")).status).toBe(500);
    const text = written.mock.calls.map(([line]) => String(line)).join("");
    written.mockRestore();
    expect(text).toMatch(/^GET \/ \(request [-0-9a-f]+\) failed: Error: first/);
    expect(text).toContain("caused by Error: root");
    expect(text).toContain("log is full");
    expect(text).not.toContain("hidden");
  });

  test("what breaks an answer that has begun is reported once; a client that goes away is not", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    app.get("/", () => "x");
    const broken = new Error("disk");
    const made = (await app.dispatch(new FakeExchange("GET", "/"))) as Reply;
    made.onSent?.(3, broken);
    made.onSent?.(3, broken);
    made.onSent?.(3, new ConnectionLostError("x", "gone"));
    made.onSent?.(3, new RequestTimeoutError("timeout.write", "slow reader"));
    made.onSent?.(3, undefined);
    expect(onError.mock.calls.map(([error]) => error)).toEqual([broken]);
  });

  test("an error that only echoes the client's going away is not reported", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    app.get("/", async (request) => {
      const { signal } = request;
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return null;
    });
    const exchange = new FakeExchange("GET", "/");
    const pending = app.dispatch(exchange);
    exchange.goAway(new Error("client went away"));
    expect((await readAnswer(await pending)).status).toBe(500);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("the form of errors", () => {
  const app = new Application({ onError: () => undefined });
  app.get("/", () => {
    throw new HttpError(400, `<script>"&'`);
  });
  const typeFor = async (fields: string[]) => (await ask(app.dispatch, "GET", "/", { fields })).headers["content-type"];

  test.each([
    [[], "application/problem+json"],
    [["Accept", "*/*"], "application/problem+json"],
    [["Accept", "application/json"], "application/problem+json"],
    [["Accept", "application/*"], "application/problem+json"],
    [HTML, "text/html; charset=utf-8"],
    [["Accept", "text/*"], "text/html; charset=utf-8"],
    [["Accept", "text/plain"], "text/plain; charset=utf-8"],
    [["Accept", "text/html;q=0.1, text/plain;q=0.2"], "text/plain; charset=utf-8"],
    [["Accept", "text/html;q=0, */*"], "application/problem+json"],
    [["Accept", "image/png"], "application/problem+json"],
    [["Accept", ";;;"], "application/problem+json"],
    [["accept", "image/png", "ACCEPT", "text/plain"], "text/plain; charset=utf-8"],
  ])("%j gets %s", async (fields, type) => {
    expect(await typeFor(fields)).toBe(type);
  });

  test("HTML is escaped, complete, and may load nothing; every form varies by Accept", async () => {
    const answer = await ask(app.dispatch, "GET", "/", { fields: HTML });
    expect(answer.text).toContain("<p>&lt;script&gt;&quot;&amp;&#39;</p>");
    expect(answer.text).toMatch(/^<!doctype html>/);
    expect(answer.headers).toMatchObject({
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
      vary: "Accept",
    });
  });

  test("text is lines", async () => {
    const answer = await ask(app.dispatch, "GET", "/", { fields: ["Accept", "text/plain"] });
    expect(answer.text).toBe(`400 Bad Request\n<script>"&'\n`);
  });
});

describe("middleware", () => {
  test("the first is outermost, and a route's own is inside the application's", async () => {
    const seen: string[] = [];
    const named = (name: string) => async (_request: unknown, next: () => Promise<Reply>) => {
      seen.push(`>${name}`);
      const made = await next();
      seen.push(`<${name}`);
      return made;
    };
    const app = new Application();
    app.use(named("a"), named("b"));
    app.get("/", [named("c"), named("d")], () => {
      seen.push("handler");
      return "x";
    });
    app.use(named("late"));
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("x");
    expect(seen.join(" ")).toBe(">a >b >late >c >d handler <d <c <late <b <a");
  });

  test("may answer itself, in any way a handler may, without the handler running", async () => {
    const handler = vi.fn(() => "x");
    const app = new Application();
    app.use((request, next) => (request.query.has("stop") ? { stopped: true } : next()));
    app.get("/", handler);
    expect((await ask(app.dispatch, "GET", "/?stop")).text).toBe('{"stopped":true}');
    expect(handler).not.toHaveBeenCalled();
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("x");
  });

  test("gets what the handler returned as a reply, to change or replace", async () => {
    const app = new Application();
    app.use(async (_request, next) => {
      const made = await next();
      made.headers.set("X-Seen", String(made.status));
      return made;
    });
    app.get("/", () => ({ a: 1 }));
    const answer = await ask(app.dispatch, "GET", "/");
    expect([answer.text, answer.headers["x-seen"]]).toEqual(['{"a":1}', "200"]);
  });

  test("sees requests that no route takes: 404, 405, OPTIONS, malformed paths", async () => {
    const seen: [string, number][] = [];
    const app = new Application();
    app.get("/", () => "x");
    app.use(async (request, next) => {
      const made = await next();
      seen.push([request.method, made.status]);
      return made;
    });
    await ask(app.dispatch, "GET", "/nowhere");
    await ask(app.dispatch, "POST", "/");
    await ask(app.dispatch, "OPTIONS", "/");
    await ask(app.dispatch, "GET", "/%");
    expect(seen).toEqual([
      ["GET", 404],
      ["POST", 405],
      ["OPTIONS", 204],
      ["GET", 400],
    ]);
  });

  test("knows the route and its parameters before the handler runs", async () => {
    const app = new Application();
    app.use((request, next) => {
      request.beforeReply((made) => made.headers.set("X-Route", `${request.route} ${request.params["id"]}`));
      return next();
    });
    app.get("/users/:id", () => "x");
    expect((await ask(app.dispatch, "GET", "/users/7")).headers["x-route"]).toBe("/users/:id 7");
  });

  test("can catch what is thrown inside, and throw itself", async () => {
    const app = new Application({ onError: () => undefined });
    app.use(async (_request, next) => {
      try {
        return await next();
      } catch (error) {
        throw new HttpError(409, `mapped ${String(error)}`);
      }
    });
    app.get("/", () => {
      throw new Error("x");
    });
    const answer = await ask(app.dispatch, "GET", "/");
    expect([answer.status, JSON.parse(answer.text).detail]).toEqual([409, "mapped Error: x"]);
  });

  test("that calls next twice is refused the second time", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    const handler = vi.fn(() => "x");
    app.use(async (_request, next) => {
      await next();
      return next();
    });
    app.get("/", handler);
    expect((await ask(app.dispatch, "GET", "/")).status).toBe(500);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "middleware/next-twice" });
  });

  test("that forgets to return is named", async () => {
    const app = new Application({ onError: () => undefined });
    app.use(((_request: unknown, next: () => unknown) => void next()) as never);
    app.get("/a", () => "x");
    const answer = await ask(app.dispatch, "GET", "/a");
    expect(JSON.parse(answer.text).detail).toContain("The middleware of GET /a returned undefined");
  });
});

describe("beforeReply", () => {
  test("sees every answer, an error's too", async () => {
    const app = new Application({ onError: () => undefined });
    app.use(requestId());
    app
      .get("/", () => "x")
      .get("/bad", () => {
        throw new Error("x");
      });
    for (const path of ["/", "/bad", "/nowhere"]) {
      expect((await ask(app.dispatch, "GET", path)).headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("a listener that throws makes it a 500, which the other listeners see", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    app.get("/", (request) => {
      request.beforeReply((made) => made.headers.set("X-First", "1"));
      request.beforeReply(() => {
        throw new Error("listener");
      });
      request.beforeReply((made) => made.headers.set("X-Last", "1"));
      return reply.text("x");
    });
    const answer = await ask(app.dispatch, "GET", "/");
    expect([answer.status, answer.headers["x-first"], answer.headers["x-last"]]).toEqual([500, "1", "1"]);
    expect(onError).toHaveBeenCalledTimes(1);
  });
});
