import { afterEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { isSluiceError, RequestTimeoutError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { Reply } from "../../src/server/reply.js";
import { reply } from "../../src/server/reply-kinds.js";
import { testClient } from "../../src/testing/server/test-client.js";

afterEach(() => {
  vi.useRealTimers();
});

function mirror(): Application {
  const app = new Application();
  app.get("/where", (request) => ({ url: request.url.href, from: request.remoteAddress, protocol: request.protocol }));
  app.post("/echo", async (request) => reply.bytes(await request.bytes()));
  app.get("/in", () => new Reply(204).setCookie("who", "ada", { secure: true, httpOnly: true }));
  app.get("/me", (request) => request.cookies.get("who") ?? "nobody");
  app.get("/boom", () => {
    throw new Error("no database");
  });
  return app;
}

describe("a test client", () => {
  test("asks the application, without a network", async () => {
    await using client = testClient(mirror());
    expect(await client.get("/where").json()).toEqual({
      url: "http://localhost/where",
      from: "127.0.0.1",
      protocol: "http",
    });
    expect(client.connector.stats()).toMatchObject({ "http://localhost": { idle: 1 } });
  });

  test("may be anyone, anywhere", async () => {
    await using client = testClient(mirror(), { baseUrl: "https://api.example.com/", remoteAddress: "2001:db8::1" });
    expect(await client.get("where").json()).toEqual({
      url: "https://api.example.com/where",
      from: "2001:db8::1",
      protocol: "https",
    });
  });

  test("reaches the same application under every host, and nothing else", async () => {
    await using client = testClient(mirror());
    const { url } = await client.get("http://other.example.com:8080/where").json<{ url: string }>();
    expect(url).toBe("http://other.example.com:8080/where");
  });

  test("is bytes on a wire: what the server refuses there is refused here", async () => {
    const app = new Application({ limits: { maxTargetBytes: 64 } });
    app.get("/*rest", () => "ok");
    await using client = testClient(app);
    expect((await client.get("/short")).status).toBe(200);
    expect((await client.get(`/${"x".repeat(100)}`)).status).toBe(414);
  });

  test("sends and receives large bodies", async () => {
    const app = new Application({ maxBodySize: Number.POSITIVE_INFINITY });
    app.post("/echo", async (request) => reply.bytes(await request.bytes()));
    await using client = testClient(app);
    const bytes = Buffer.alloc(3_000_000, "0123456789");
    const back = await client.post("/echo", { body: bytes }).bytes();
    expect(Buffer.compare(back, bytes)).toBe(0);
  });

  test("keeps cookies, which can be looked at", async () => {
    await using client = testClient(mirror());
    const response = await client.get("/in");
    expect(response.headers.get("set-cookie")).toBe("who=ada; Path=/; Secure; HttpOnly");
    expect(await client.get("/me").text()).toBe("ada");
    expect(client.cookies?.get("http://localhost/", "who")).toMatchObject({ value: "ada", httpOnly: true });
  });

  test("keeps none with `cookies: false`", async () => {
    await using client = testClient(mirror(), { cookies: false });
    await client.get("/in");
    expect(await client.get("/me").text()).toBe("nobody");
  });

  test("returns redirects as they are", async () => {
    const app = new Application();
    app.get("/old", () => reply.redirect("/new"));
    app.get("/new", () => "new");
    await using client = testClient(app);
    expect((await client.get("/old")).headers.get("location")).toBe("/new");
    await using follower = testClient(app, { redirect: "follow" });
    expect(await follower.get("/old").text()).toBe("new");
  });

  test("has a session's other names: extend, with, fetch", async () => {
    await using client = testClient(mirror());
    const derived = client.extend({ headers: { "x-a": "1" } });
    expect((await derived.get("/where")).status).toBe(200);
    expect((await client.fetch("http://localhost/me")).status).toBe(200);
    await derived.close();
    expect((await client.get("/where")).status).toBe(200);
  });

  test("gets pieces of an answer as they are made, and ends it by going away", async () => {
    let ended = false;
    const app = new Application();
    app.get("/", async function* () {
      try {
        for (let n = 0; ; n += 1) {
          yield `${n}\n`;
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        ended = true;
      }
    });
    await using client = testClient(app);
    const lines: string[] = [];
    for await (const line of (await client.get("/")).lines()) {
      lines.push(line);
      if (lines.length === 3) break;
    }
    expect(lines).toEqual(["0", "1", "2"]);
    await expect.poll(() => ended).toBe(true);
  });

  test("does not starve timers, however much is sent", async () => {
    const app = new Application();
    app.get("/", async function* () {
      while (true) yield "x".repeat(10_000);
    });
    await using client = testClient(app);
    const signal = AbortSignal.timeout(30);
    await expect(client.get("/", { signal }).bytes()).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("tells the handler of an abort", async () => {
    const app = new Application();
    const controller = new AbortController();
    const told = new Promise<unknown>((resolve) => {
      app.get("/", async (request) => {
        setImmediate(() => controller.abort(new Error("enough")));
        await new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => {
            resolve(request.signal.reason);
            reject(request.signal.reason);
          });
        });
        return null;
      });
    });
    await using client = testClient(app);
    const answer = client.get("/", { signal: controller.signal }).text();
    await expect(answer).rejects.toThrow("enough");
    expect(await told).toSatisfy(isSluiceError);
  });

  test("works while a test holds the timers", async () => {
    await using client = testClient(mirror());
    vi.useFakeTimers();
    expect((await client.get("/where")).status).toBe(200);
    vi.useRealTimers();
  });

  test("is driven by a clock, on both sides", async () => {
    const clock = new ManualClock();
    const app = new Application();
    app.get("/", () => new Promise<string>(() => undefined));
    await using client = testClient(app, { clock });
    const answer = client.get("/", { timeout: { headers: 5_000 } }).then(
      () => undefined,
      (error: unknown) => error,
    );
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await clock.advanceAsync(5_100);
    expect(await answer).toBeInstanceOf(RequestTimeoutError);
  });

  test("takes a responder", async () => {
    await using client = testClient((exchange) => new Reply(200, ["X-Method", exchange.method]));
    expect((await client.delete("/")).headers.get("x-method")).toBe("DELETE");
  });
});

test("is not advised to share a session: each test has its own for a reason", async () => {
  const warnings: string[] = [];
  const note = (warning: Error & { code?: string }): void => void warnings.push(String(warning.code));
  process.on("warning", note);
  for (let times = 0; times < 12; times += 1) {
    await using client = testClient(mirror());
    await client.get("/where");
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

describe("the application's life", () => {
  test("begins with the first request, and ends with the client", async () => {
    const said: string[] = [];
    const app = mirror().onStart(async () => {
      await undefined;
      said.push("open");
      return () => said.push("closed");
    });
    const client = testClient(app);
    expect(said).toEqual([]);
    await Promise.all([client.get("/where"), client.get("/where")]);
    expect(said).toEqual(["open"]);
    await client.close();
    await client.close();
    expect(said).toEqual(["open", "closed"]);
    expect(client.closed).toBe(true);
  });

  test("never begins if nothing is asked", async () => {
    const app = mirror().onStart(() => {
      throw new Error("never");
    });
    await testClient(app).close();
  });

  test("is shared by several clients", async () => {
    let starts = 0;
    const app = mirror().onStart(() => {
      starts += 1;
    });
    await using first = testClient(app);
    await using second = testClient(app, { remoteAddress: "192.0.2.7" });
    expect((await first.get("/where")).status).toBe(200);
    expect(await second.get("/where").json()).toMatchObject({ from: "192.0.2.7" });
    expect(starts).toBe(1);
  });

  test("is refused to every request when a starter fails", async () => {
    const app = mirror().onStart(() => {
      throw new Error("no database");
    });
    await using client = testClient(app);
    const error: unknown = await client.get("/where").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "testing/start-failed", cause: { message: "no database" } });
    await expect(client.get("/where")).rejects.toMatchObject({ code: "testing/start-failed" });
  });

  test("is over when the client is closed", async () => {
    const client = testClient(mirror());
    await client.get("/where");
    await client.close();
    await expect(client.get("/where")).rejects.toMatchObject({ code: "session/closed" });
    await expect(client.extend({}).get("/where")).rejects.toMatchObject({ code: "session/closed" });
  });
});

describe("what went wrong in a handler", () => {
  test("fails the test when nobody has looked at it", async () => {
    const client = testClient(mirror());
    expect((await client.get("/boom")).status).toBe(500);
    await expect(client.close()).rejects.toThrow("GET /boom failed: no database");
  });

  test("is silent when it was expected, or with `strict: false`", async () => {
    await using client = testClient(mirror());
    await client.get("/boom");
    expect(client.takeErrors()).toMatchObject([{ request: "GET /boom", error: { message: "no database" } }]);
    await using lax = testClient(mirror(), { strict: false });
    await lax.get("/boom");
    expect(lax.errors).toHaveLength(1);
  });

  test("has none of it before anything was asked", async () => {
    await using client = testClient(mirror());
    expect(client.errors).toEqual([]);
    expect(client.takeErrors()).toEqual([]);
  });

  test("may be a request that hangs: it ends with the client", async () => {
    const app = new Application();
    app.get("/", () => new Promise<string>(() => undefined));
    const client = testClient(app);
    const answer = client.get("/").catch((error: unknown) => error);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await client.close();
    expect(await answer).toMatchObject({ code: "session/closed" });
  });
});

test.each([
  [{ baseUrl: "nowhere" }, "url/invalid"],
  [{ baseUrl: "ftp://example.com/" }, "options/base-url"],
  [{ grace: -1 }, "options/out-of-range"],
  [{ strict: "yes" as unknown as boolean }, "options/unknown-value"],
  [{ conector: 1 } as object, "options/unknown"],
])("refuses %j", (options, code) => {
  expect(() => testClient(mirror(), options)).toThrow(expect.objectContaining({ code }));
});
