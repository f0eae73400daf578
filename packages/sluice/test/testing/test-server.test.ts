import { execFile } from "node:child_process";
import { request as requestTls } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { isSluiceError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { Reply } from "../../src/server/reply.js";
import { TestServer } from "../../src/testing/server/test-server.js";
import { AUTHORITY, SERVER } from "../net/certificates.js";
import { socketFolder } from "../net/connected-pair.js";
import { RawClient } from "../server/raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

/** What closing rejects with. */
async function closeError(server: TestServer): Promise<AggregateError> {
  const error: unknown = await server.close().then(
    () => new Error("closed without an error"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AggregateError)) throw error;
  return error;
}

function greeter(): Application {
  const app = new Application();
  app.get("/hello", () => "hello");
  app.get("/boom", () => {
    throw new Error("no database");
  });
  return app;
}

describe("a test server", () => {
  test("is on a free loopback port, with a client that knows where", async () => {
    await using server = await TestServer.start(greeter());
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.server.address.port).toBeGreaterThan(0);
    expect(await server.client.get("/hello").text()).toBe("hello");
    expect(await server.client.get("hello").text()).toBe("hello");
    expect(server.certificate).toBeUndefined();
  });

  test("serves a responder, the function below an application", async () => {
    await using server = await TestServer.start((exchange) => new Reply(200, ["X-Target", exchange.target]));
    expect((await server.client.get("/a?b")).headers.get("x-target")).toBe("/a?b");
  });

  test("runs the starters, and their disposers when it closes", async () => {
    const said: string[] = [];
    const app = greeter().onStart(() => {
      said.push("open");
      return () => said.push("closed");
    });
    const server = await TestServer.start(app);
    expect(said).toEqual(["open"]);
    await server.close();
    expect(said).toEqual(["open", "closed"]);
    expect(server.client.closed).toBe(true);
    await server.close();
  });

  test("rejects with what a starter threw", async () => {
    const app = new Application().onStart(() => {
      throw new Error("no database");
    });
    await expect(TestServer.start(app)).rejects.toThrow("no database");
  });

  test("does not follow redirects unless asked to: a test looks at them", async () => {
    const app = new Application();
    app.get("/old", () => new Reply(302, ["Location", "/new"]));
    app.get("/new", () => "new");
    await using server = await TestServer.start(app);
    expect((await server.client.get("/old")).status).toBe(302);
    expect(await server.client.get("/old", { redirect: "follow" }).text()).toBe("new");
  });

  test("keeps cookies, in a jar of each client's own", async () => {
    const app = new Application();
    app.get("/in", () => new Reply(204).setCookie("who", "ada"));
    app.get("/me", (request) => request.cookies.get("who") ?? "nobody");
    await using server = await TestServer.start(app);
    const other = server.newClient({ headers: { "x-other": "1" } });
    await server.client.get("/in");
    expect(await server.client.get("/me").text()).toBe("ada");
    expect(await other.get("/me").text()).toBe("nobody");
    await server.close();
    expect(other.closed).toBe(true);
  });

  test("takes options for its client", async () => {
    const app = new Application();
    app.get("/", (request) => request.headers.get("x-key") ?? "none");
    await using server = await TestServer.start(app, {
      client: { headers: { "X-Key": "k" }, connector: { limit: 1 } },
    });
    expect(await server.client.get("/").text()).toBe("k");
  });

  test("closes what it has opened when its client's options cannot be", async () => {
    const said: string[] = [];
    const app = greeter().onStart(() => () => said.push("closed"));
    await expect(TestServer.start(app, { client: { maxRedirects: -1 } })).rejects.toThrow(/maxRedirects/);
    expect(said).toEqual(["closed"]);
  });

  test.each([
    [{ grace: -1 }, "options/out-of-range"],
    [{ grace: Number.NaN }, "options/out-of-range"],
    [{ strict: 1 as unknown as boolean }, "options/unknown-value"],
    [{ prot: 1 } as object, "options/unknown"],
    [{ port: 70_000 }, "options/out-of-range"],
  ])("refuses %j", async (options, code) => {
    await expect(TestServer.start(greeter(), options)).rejects.toMatchObject({ code });
  });

  test("listens on a Unix socket", async () => {
    const { path, remove } = socketFolder();
    cleanUp.push(remove);
    await using server = await TestServer.start(greeter(), { path });
    expect(server.url).toBe(`unix:${path}`);
    expect(await server.client.get("/hello").text()).toBe("hello");
  });
});

describe("TLS", () => {
  test("has a certificate of its own, which its client trusts, and other clients can", async () => {
    const app = new Application();
    app.get("/", (request) => request.protocol);
    await using server = await TestServer.start(app, { tls: true });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(await server.client.get("/").text()).toBe("https");
    for (const host of ["localhost", "www.example.com"]) {
      const options = { servername: host, ca: String(server.certificate), headers: { Host: host } };
      const status = await new Promise((resolve, reject) => {
        requestTls(`${server.url}/`, options, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(200);
    }
  });

  test("has a certificate that nobody trusts by himself, and that can sign nothing", async () => {
    await using server = await TestServer.start(greeter(), { tls: true });
    await using stranger = server.newClient({ connector: { tls: { ca: AUTHORITY } } });
    await expect(stranger.get("/hello")).rejects.toMatchObject({ code: expect.stringMatching(/^tls\//) });
    const { X509Certificate } = await import("node:crypto");
    expect(new X509Certificate(String(server.certificate)).ca).toBe(false);
  });

  test("takes a certificate, which its client trusts when told its authority", async () => {
    await using server = await TestServer.start(greeter(), {
      tls: SERVER,
      client: { connector: { tls: { ca: AUTHORITY, servername: "localhost" } } },
    });
    expect(await server.client.get("/hello").text()).toBe("hello");
  });
});

describe("what went wrong in a handler", () => {
  test("fails the test, by name, when nobody has looked at it", async () => {
    const server = await TestServer.start(greeter());
    expect((await server.client.get("/boom?secret=1")).status).toBe(500);
    const error = await closeError(server);
    expect(error.message).toContain("GET /boom failed: no database");
    expect(error.message).not.toContain("secret");
    expect(error.errors).toHaveLength(1);
    expect(error.cause).toMatchObject({ message: "no database" });
  });

  test("is silent when it was expected", async () => {
    const server = await TestServer.start(greeter());
    await server.client.get("/boom");
    expect(server.errors).toHaveLength(1);
    expect(server.takeErrors()).toMatchObject([{ request: "GET /boom", error: { message: "no database" } }]);
    expect(server.errors).toEqual([]);
    await server.close();
  });

  test("is only kept with `strict: false`", async () => {
    const server = await TestServer.start(greeter(), { strict: false });
    await server.client.get("/boom");
    await server.close();
    expect(server.errors).toHaveLength(1);
  });

  test("is none if the status was chosen", async () => {
    const app = new Application();
    app.get("/", () => {
      throw new HttpError(503, "Closed for today");
    });
    await using server = await TestServer.start(app);
    expect((await server.client.get("/")).status).toBe(503);
  });

  test("is what breaks an answer in the middle, too", async () => {
    const app = new Application();
    app.get("/", async function* () {
      yield "a";
      await pause(1);
      throw new Error("half-way");
    });
    const server = await TestServer.start(app);
    await expect(server.client.get("/").text()).rejects.toSatisfy(isSluiceError);
    expect((await closeError(server)).message).toContain("GET / failed: half-way");
  });

  test("is told to the application's own listener as well", async () => {
    const told: unknown[] = [];
    const app = new Application({ onError: (error) => told.push(error) });
    app.get("/", () => {
      throw new Error("both");
    });
    const server = await TestServer.start(app);
    await server.client.get("/");
    expect(told).toMatchObject([{ message: "both" }]);
    expect(server.takeErrors()).toHaveLength(1);
    await server.close();
  });

  test("is each server's own, where one application has two", async () => {
    const app = greeter();
    await using innocent = await TestServer.start(app);
    const guilty = await TestServer.start(app);
    await guilty.client.get("/boom");
    expect(innocent.errors).toEqual([]);
    expect(guilty.takeErrors()).toHaveLength(1);
    await guilty.close();
  });

  test("is a responder's, when it throws or rejects", async () => {
    let times = 0;
    const server = await TestServer.start(() => {
      times += 1;
      if (times === 1) throw new Error("thrown");
      return Promise.reject(new Error("rejected"));
    });
    expect((await server.client.get("/a")).status).toBe(500);
    expect((await server.client.get("/b")).status).toBe(500);
    expect(server.takeErrors().map(({ request }) => request)).toEqual(["GET /a", "GET /b"]);
    await server.close();
  });

  test("is not the client's going away", async () => {
    const app = new Application();
    let gone: (reason: unknown) => void = () => undefined;
    const reason = new Promise((resolve) => {
      gone = resolve;
    });
    const controller = new AbortController();
    app.get("/", async (request) => {
      setImmediate(() => controller.abort(new Error("enough")));
      await new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => {
          gone(request.signal.reason);
          reject(request.signal.reason);
        });
      });
      return null;
    });
    await using server = await TestServer.start(app);
    const answer = server.client.get("/", { signal: controller.signal }).text();
    await expect(answer).rejects.toThrow("enough");
    await reason;
  });
});

describe("what hangs at the end", () => {
  test("is broken off after the grace, and named", async () => {
    const app = new Application();
    app.get("/slow", () => new Promise<string>(() => undefined));
    const server = await TestServer.start(app, { grace: 30 });
    const raw = await RawClient.to(server.server);
    cleanUp.push(() => raw.socket.destroy());
    raw.send("GET /slow?token=x HTTP/1.1\r\nHost: a\r\n\r\n");
    while (server.server.connections.idle > 0 || server.server.connections.open === 0) await pause(1);
    await pause(10);
    const error = await closeError(server);
    expect(error.message).toMatch(/30 ms after its end without an answer: GET \/slow \(for \d+ ms\)/);
    expect(error.errors).toMatchObject([{ code: "testing/left-open" }]);
    await raw.untilClosed();
  });

  test("is no request of the server's own clients: they are closed first", async () => {
    const app = new Application();
    app.get("/slow", () => new Promise<string>(() => undefined));
    const server = await TestServer.start(app);
    const answer = server.client.get("/slow").catch((error: unknown) => error);
    await pause(20);
    await server.close();
    expect(await answer).toMatchObject({ code: "session/closed" });
  });

  test("is no idle connection of another client", async () => {
    const server = await TestServer.start(greeter());
    const raw = await RawClient.to(server.server);
    cleanUp.push(() => raw.socket.destroy());
    raw.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.untilReceived("hello");
    await server.close();
    await raw.untilClosed();
  });

  test("ends in real time even where the clock stands still", async () => {
    const app = new Application();
    app.get("/slow", () => new Promise<string>(() => undefined));
    const server = await TestServer.start(app, { grace: 20, clock: new ManualClock(), strict: false });
    const raw = await RawClient.to(server.server);
    cleanUp.push(() => raw.socket.destroy());
    raw.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await pause(20);
    await server.close();
    await raw.untilClosed();
  });

  test("is no connection whose client only fails to close its side", async () => {
    const server = await TestServer.start(greeter(), { grace: 20 });
    const raw = await RawClient.to(server.server);
    cleanUp.push(() => raw.socket.destroy());
    raw.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    await raw.untilReceived("405");
    await server.close();
    await raw.untilClosed();
  });

  test("is a body that its client does not read", async () => {
    const app = new Application();
    app.get("/", async function* () {
      while (true) yield "x".repeat(65_536);
    });
    const server = await TestServer.start(app, { grace: 20 });
    const raw = await RawClient.to(server.server);
    cleanUp.push(() => raw.socket.destroy());
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.untilReceived("200 OK");
    raw.socket.pause();
    expect((await closeError(server)).message).toContain("without an answer: GET / (for");
  });

  test("may be given no time at all: idle connections are no fault then", async () => {
    const server = await TestServer.start(greeter(), { grace: 0 });
    expect(await server.client.get("/hello").text()).toBe("hello");
    await server.close();
  });
});

test("time limits of connections run on the clock that is given", async () => {
  const clock = new ManualClock();
  await using server = await TestServer.start(greeter(), { clock });
  const raw = await RawClient.to(server.server);
  cleanUp.push(() => raw.socket.destroy());
  raw.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  await raw.untilReceived("hello");
  clock.advance(75_001);
  await raw.until((client) => client.ended);
});

test("curl reaches it with its certificate", async () => {
  await using server = await TestServer.start(greeter(), { tls: true });
  const { writeFile } = await import("node:fs/promises");
  const { path, remove } = socketFolder();
  cleanUp.push(remove);
  await writeFile(path, String(server.certificate));
  const output = await new Promise<string>((resolve, reject) => {
    execFile("curl", ["-sS", "--cacert", path, `${server.url}/hello`], (error, out) => {
      if (error === null) resolve(out);
      else if (error.code === "ENOENT" && process.env["CI"] !== "true") resolve("hello");
      else reject(error);
    });
  });
  expect(output).toBe("hello");
});
