import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Application } from "../../src/server/application.js";
import type { Server } from "../../src/server/server.js";

const LOOPBACK = { host: "127.0.0.1", port: 0 } as const;
const servers: Server[] = [];

afterEach(async () => {
  await Promise.allSettled(servers.splice(0).map((server) => server.close({ grace: 0 })));
});

async function listen(app: Application): Promise<Server> {
  const server = await app.listen(LOOPBACK);
  servers.push(server);
  return server;
}

interface Fetched {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

/** A request by Node's own client. */
function fetchFrom(server: Server, method: string, path: string, body?: string, headers = {}): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(pieces).toString(),
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

describe("an application on a socket", () => {
  test("serves what its handlers return", async () => {
    const app = new Application({ maxBodySize: 100 });
    app.get("/users/:id", (request) => ({ id: request.params.id, from: request.remoteAddress }));
    app.post("/echo", async (request) => (await request.json()) as object);
    app.get("/stream", async function* () {
      yield "one ";
      yield "two";
    });
    const server = await listen(app);
    const json = { "content-type": "application/json" };
    const user = await fetchFrom(server, "GET", "/users/a%20b");
    expect([user.status, user.text]).toEqual([200, '{"id":"a b","from":"127.0.0.1"}']);
    expect(user.headers).toMatchObject({ "content-type": "application/json", "content-length": "31" });
    expect((await fetchFrom(server, "POST", "/echo", '{"a":[1]}', json)).text).toBe('{"a":[1]}');
    expect((await fetchFrom(server, "POST", "/echo", `"${"x".repeat(100)}"`, json)).status).toBe(413);
    expect((await fetchFrom(server, "GET", "/stream")).text).toBe("one two");
    const head = await fetchFrom(server, "HEAD", "/users/1");
    expect([head.status, head.text]).toEqual([200, ""]);
    expect((await fetchFrom(server, "DELETE", "/echo")).headers["allow"]).toBe("POST, OPTIONS");
    expect((await fetchFrom(server, "GET", "/nowhere")).status).toBe(404);
  });

  test("an answer that breaks off is reported once, with its request, and ends the connection", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    app.get("/broken", async function* () {
      yield "some";
      throw new Error("disk");
    });
    const server = await listen(app);
    await expect(fetchFrom(server, "GET", "/broken")).rejects.toThrow();
    expect(onError.mock.calls.map(([error, request]) => [String(error), request?.path])).toEqual([
      ["Error: disk", "/broken"],
    ]);
  });

  test("starters have run before the first request, and disposers when close resolves", async () => {
    const seen: string[] = [];
    const app = new Application();
    const Db = app.key<string>("db");
    app.onStart(async () => {
      await Promise.resolve();
      app.set(Db, "open");
      seen.push("opened");
      return async () => {
        await Promise.resolve();
        seen.push("closed");
      };
    });
    app.get("/", (request) => request.get(Db));
    const server = await listen(app);
    const second = await listen(app);
    expect((await fetchFrom(server, "GET", "/")).text).toBe("open");
    await server.close();
    expect((await fetchFrom(second, "GET", "/")).text).toBe("open");
    expect(seen).toEqual(["opened"]);
    await second.close();
    expect(seen).toEqual(["opened", "closed"]);
  });

  test("a disposer that fails has close reject, when all is closed", async () => {
    const app = new Application();
    app.onStart(() => () => {
      throw new Error("stuck");
    });
    const server = await listen(app);
    await expect(server.close()).rejects.toBeInstanceOf(AggregateError);
    await expect(fetchFrom(server, "GET", "/")).rejects.toThrow("ECONNREFUSED");
  });

  test("listening in vain disposes of what was started", async () => {
    const seen: string[] = [];
    const app = new Application();
    app.onStart(() => () => {
      seen.push("closed");
    });
    const server = await listen(new Application());
    await expect(app.listen({ host: "127.0.0.1", port: Number(new URL(server.url).port) })).rejects.toThrow(
      "taken by another socket",
    );
    expect(seen).toEqual(["closed"]);
    await expect(app.listen({ host: "127.0.0.1", port: -1 })).rejects.toThrow();
    expect(seen).toEqual(["closed", "closed"]);
  });

  test("it is listening from the call of listen until its last server has closed, and not after listening in vain", async () => {
    const app = new Application();
    const seen: boolean[] = [];
    app.onStart(() => {
      seen.push(app.listening);
      return () => seen.push(app.listening);
    });
    expect(app.listening).toBe(false);
    const coming = listen(app);
    expect(app.listening).toBe(true);
    const [first, second] = [await coming, await listen(app)];
    await first.close();
    expect(app.listening).toBe(true);
    await second.close();
    expect({ listening: app.listening, seen }).toEqual({ listening: false, seen: [true, true] });
    await expect(app.listen({ host: "127.0.0.1", port: -1 })).rejects.toThrow();
    expect(app.listening).toBe(false);
    app.onStart(() => Promise.reject(new Error("no database")));
    await expect(app.listen(LOOPBACK)).rejects.toThrow("no database");
    expect(app.listening).toBe(false);
  });

  test("a starter that fails has listen reject, and nothing listens", async () => {
    const app = new Application();
    app.onStart(async () => {
      throw new Error("no database");
    });
    await expect(app.listen(LOOPBACK)).rejects.toThrow("no database");
  });

  test("limits of connections are checked when the application is made", () => {
    expect(() => new Application({ headersTimeout: 0 })).toThrow(
      expect.objectContaining({ code: "options/out-of-range" }),
    );
  });

  test.each<[given: object, code: string]>([
    [{ maxConnection: 5 }, "options/unknown"],
    [{ limits: { maxHeaders: 5 } }, "options/unknown"],
    [{ onError: "log" }, "options/unknown-value"],
    [{ accessLog: "yes" }, "options/unknown-value"],
    [{ trustProxy: true }, "options/unknown-value"],
  ])("what types would have stopped is refused: %o", (given, code) => {
    expect(() => new Application(given)).toThrow(expect.objectContaining({ name: "UsageError", code }));
  });

  test.each<[given: object, code: string]>([
    [{ ...LOOPBACK, maxConnections: 5 }, "options/unknown"],
    [{ ...LOOPBACK, port: "80" }, "options/out-of-range"],
    [{ ...LOOPBACK, port: 65_536 }, "options/out-of-range"],
    [{ ...LOOPBACK, tls: {} }, "listen/bad-certificate"],
  ])("listening is refused, too: %o", async (given, code) => {
    await expect(new Application().listen(given)).rejects.toMatchObject({ name: "UsageError", code });
  });

  test("middleware that is no function is refused where it is added", () => {
    const notMiddleware: unknown = {};
    const add = (): Application => new Application().use(notMiddleware as () => null);
    expect(add).toThrow(expect.objectContaining({ code: "options/unknown-value" }));
  });
});
