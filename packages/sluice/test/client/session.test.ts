/** A session's life: deriving, viewing, owning, closing. */
import { describe, expect, test } from "vitest";
import { Connector } from "../../src/client/connector.js";
import { ClientSession } from "../../src/client/session.js";
import { RequestTimeoutError, SessionClosedError, UsageError } from "../../src/errors.js";
import { answer, closeAfter, FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

describe("extend", () => {
  test("headers, params and time-outs merge by name, undefined removes, middleware is appended", async () => {
    const net = new FakeNet();
    const order: string[] = [];
    const base = net.session({
      headers: { "X-One": "1", "x-two": "2", "x-three": "3" },
      params: { a: 1, b: 2, c: 3 },
      timeout: { headers: 1_000, read: 2_000 },
      middleware: [
        (request, next) => {
          order.push("base");
          return next(request);
        },
      ],
    });
    const derived = base.extend({
      headers: { "x-one": "own", "x-two": undefined, "x-four": "4" },
      params: { b: 9, c: undefined, d: 4 },
      timeout: { headers: 500 },
      middleware: [
        (request, next) => {
          order.push("derived");
          return next(request);
        },
      ],
    });
    await derived.get(URL_A);
    const [seen] = net.seen;
    expect(["x-one", "x-two", "x-three", "x-four"].map((name) => seen?.fields.get(name))).toEqual([
      "own",
      undefined,
      "3",
      "4",
    ]);
    expect(seen?.target).toBe("/x?a=1&b=9&d=4");
    expect(order).toEqual(["base", "derived"]);
    await base.get(URL_A);
    expect(net.seen[1]?.target).toBe("/x?a=1&b=2&c=3");
    expect(net.seen[1]?.fields.get("x-two")).toBe("2");
  });

  test("it shares pool and jar, and closing it ends neither the pool nor the other's requests", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=1\r\n"));
    const base = net.session();
    const derived = base.extend({});
    await derived.get(URL_A);
    await base.get(URL_A);
    expect(net.connections.length).toBe(1);
    expect(net.seen[1]?.fields.get("cookie")).toBe("a=1");
    expect(derived.cookies).toBe(base.cookies);
    expect(derived.connector).toBe(base.connector);
    await derived.close();
    expect(await rejection(derived.get(URL_A))).toBeInstanceOf(SessionClosedError);
    expect((await base.get(URL_A)).status).toBe(200);
  });

  test("the other options are replaced, and options that cannot be derived are refused", async () => {
    const net = new FakeNet(() => answer(500));
    const base = net.session({ raiseForStatus: true, baseUrl: "http://a.test/" });
    expect((await base.extend({ raiseForStatus: false }).get("x")).status).toBe(500);
    await rejection(base.extend({ baseUrl: "http://b.test/" }).get("x"));
    expect(net.seen.at(-1)?.url).toBe("http://b.test:80/x");
    expect(() => base.extend({ retries: 1 } as never)).toThrow(UsageError);
  });
});

describe("with", () => {
  test("its signal ends the requests made through it, and no others", async () => {
    const net = new FakeNet(() => undefined);
    const session = net.session();
    const scope = new AbortController();
    const view = session.with({ signal: scope.signal });
    const inside = rejection(view.get(URL_A));
    const nested = rejection(view.with({ signal: new AbortController().signal }).get(URL_A));
    const outside = session.get(URL_A);
    await turns();
    const reason = new Error("scope over");
    scope.abort(reason);
    expect(await inside).toBe(reason);
    expect(await nested).toBe(reason);
    for (const connection of net.connections) if (!connection.closed) connection.send(ok("still here"));
    expect(await (await outside).text()).toBe("still here");
    expect(await rejection(view.get(URL_A))).toBe(reason);
  });

  test("a session's own signal ends all its requests", async () => {
    const net = new FakeNet(() => undefined);
    const controller = new AbortController();
    const session = net.session({ signal: controller.signal });
    const asked = [rejection(session.get(URL_A)), rejection(session.extend({}).get(URL_A))];
    await turns();
    controller.abort();
    for (const error of await Promise.all(asked)) expect(error.name).toBe("AbortError");
  });
});

describe("close", () => {
  test("it ends what runs at once, refuses what comes, and is idempotent", async () => {
    const net = new FakeNet(({ target }) => (target === "/idle" ? ok("") : undefined));
    const session = net.session({}, {});
    await session.get("http://a.test/idle");
    const running = rejection(session.get(URL_A));
    await turns();
    const closing = session.close();
    expect(session.closed).toBe(true);
    expect(session.close()).toBe(closing);
    const error = await running;
    expect(error).toBeInstanceOf(SessionClosedError);
    expect(error.message).toContain("GET http://a.test/x");
    await closing;
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(SessionClosedError);
  });

  test("a connector of its own is closed with it, every connection and timer gone", async () => {
    const net = new FakeNet();
    const session = new ClientSession({ connector: net.options() });
    await session.get(URL_A);
    expect(net.open).toBe(1);
    await session.close();
    await turns();
    expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
    expect(session.connector.closed).toBe(true);
  });

  test("a connector that was given stays open for others", async () => {
    const net = new FakeNet();
    const connector = net.connector();
    const first = new ClientSession({ connector });
    await first.get(URL_A);
    await first.close();
    expect([connector.closed, net.open]).toEqual([false, 1]);
    const second = closeAfter(new ClientSession({ connector }));
    await second.get(URL_A);
    expect(net.connections.length).toBe(1);
    await connector.close();
    expect(await rejection(second.get(URL_A))).toBeInstanceOf(SessionClosedError);
  });

  test("with grace what runs may end, what comes is refused, and queued requests get their turn", async () => {
    const net = new FakeNet(() => undefined);
    const session = new ClientSession({ connector: net.options({ limit: 1 }) });
    const running = session.get(URL_A).text();
    const queued = session.get("http://a.test/queued").text();
    await turns();
    const closing = session.close({ grace: 1_000 });
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(SessionClosedError);
    net.connections[0]?.send(ok("one"));
    expect(await running).toBe("one");
    await turns();
    net.connections[0]?.send(ok("two"));
    expect(await queued).toBe("two");
    await closing;
    await turns();
    expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
  });

  test("when the grace is over the rest is ended", async () => {
    const net = new FakeNet(() => undefined);
    const session = new ClientSession({ connector: net.options({}) });
    const running = rejection(session.get(URL_A));
    const streamed = session.get("http://a.test/stream");
    await turns();
    net.connections[1]?.send("HTTP/1.1 200 \r\ncontent-length: 10\r\n\r\nhalf");
    const reading = rejection((await streamed).text());
    const closing = session.close({ grace: 1_000 });
    await turns();
    net.clock.advance(999);
    expect(session.toJSON()["running"]).toBe(2);
    net.clock.advance(1);
    expect(await running).toBeInstanceOf(SessionClosedError);
    expect(await reading).toBeInstanceOf(SessionClosedError);
    await closing;
    expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
  });

  test("a grace out of range is refused", () => {
    const net = new FakeNet();
    const session = net.session();
    for (const grace of [-1, Number.NaN, "5" as never]) {
      expect(() => session.close({ grace })).toThrow(UsageError);
      expect(() => session.connector.close({ grace })).toThrow(UsageError);
    }
    expect(session.closed).toBe(false);
  });

  test("`await using` closes", async () => {
    const net = new FakeNet();
    const session = new ClientSession({ connector: net.options({}) });
    await session.get(URL_A);
    await session[Symbol.asyncDispose]();
    expect(session.closed).toBe(true);
    await turns();
    expect(net.open).toBe(0);
  });
});

test("a connector closes with grace by itself: idle connections at once, those in use when they are done or it is over", async () => {
  const net = new FakeNet(({ target }) => (target === "/idle" ? ok("") : undefined));
  const connector = new Connector(net.options({}));
  const session = closeAfter(new ClientSession({ connector }));
  const running = session.get(URL_A).text();
  await turns();
  await session.get("http://a.test/idle");
  expect(net.open).toBe(2);
  const closing = connector.close({ grace: 500 });
  await turns();
  expect(net.open).toBe(1);
  net.connections[0]?.send(ok("done"));
  expect(await running).toBe("done");
  await closing;
  expect(net.clock.armedCount).toBe(0);
  const slow = new Connector(net.options({}));
  const other = closeAfter(new ClientSession({ connector: slow }));
  const lost = rejection(other.get(URL_A));
  await turns();
  const ending = slow.close({ grace: 500 });
  net.clock.advance(500);
  expect((await lost).code).toBe("session/closed");
  await ending;
});

test("stats() count by origin what is open, idle, queued and reused", async () => {
  const net = new FakeNet(({ target }) => (target === "/hold" ? undefined : ok("")));
  const session = net.session({}, { limitPerHost: 1 });
  await session.get(URL_A);
  await session.get(URL_A);
  expect(session.connector.stats()["http://a.test"]).toMatchObject({ open: 1, idle: 1, queued: 0, reused: 1 });
  const held = session.get("http://a.test/hold").catch(() => undefined);
  const queued = session.get(URL_A).catch(() => undefined);
  await turns();
  expect(session.connector.stats()["http://a.test"]).toMatchObject({ open: 1, idle: 0, queued: 1 });
  await session.close();
  await Promise.all([held, queued]);
});

test("the total limit of a session holds for its views and for what is derived from it", async () => {
  const net = new FakeNet(() => undefined);
  const session = net.session({ timeout: 1_000 });
  const asked = [session, session.extend({}), session.with({ signal: new AbortController().signal })].map((one) =>
    rejection(one.get(URL_A)),
  );
  await turns();
  net.clock.advance(1_000);
  for (const error of await Promise.all(asked)) expect(error).toBeInstanceOf(RequestTimeoutError);
});

test.each<[given: object]>([
  [{ connector: 5 }],
  [{ retry: "5" }],
  [{ cookies: true }],
  [{ middleware: [5] }],
  [{ trace: 5 }],
  [{ headers: null }],
  [{ timeout: "5s" }],
])("a session refuses an option of the wrong kind when it is made: %o", (given) => {
  expect(() => new ClientSession(given)).toThrow(expect.objectContaining({ code: "options/unknown-value" }));
});

test.each<[given: object]>([
  [{ signal: 5 }],
  [{ params: 5 }],
  [{ auth: "token" }],
  [{ retry: true }],
  [{ timeout: "5s" }],
])("a request refuses an option of the wrong kind: %o", async (given) => {
  const session = new FakeNet(() => ok("")).session();
  expect(await rejection(session.get(URL_A, given))).toMatchObject({ code: "options/unknown-value" });
  await session.close();
});
