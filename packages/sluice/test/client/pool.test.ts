/** The pool end to end: places, order, reuse, the one replay, and connections that cannot be trusted. */
import { describe, expect, test } from "vitest";
import { ConnectError, ConnectionLostError, ProtocolError } from "../../src/errors.js";
import { answer, deferred, FakeNet, ok, rejection, type Seen, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

/** A network that answers when the test says so. */
function held(): { net: FakeNet; waiting: Seen[]; release: (seen: Seen) => void } {
  const waiting: Seen[] = [];
  const net = new FakeNet((seen) => {
    waiting.push(seen);
    return undefined;
  });
  return { net, waiting, release: (seen) => seen.connection.send(ok(seen.target)) };
}

describe("limits", () => {
  test("limit bounds connections over all origins, limitPerHost those to one", async () => {
    const { net, waiting, release } = held();
    const session = net.session({}, { limit: 3, limitPerHost: 2 });
    const asked = ["a", "a", "a", "b", "b", "c"].map((host, at) => session.get(`http://${host}.test/${at}`).text());
    await turns();
    expect(net.connections.map((connection) => connection.target.host)).toEqual(["a.test", "a.test", "b.test"]);
    while (waiting.length > 0) {
      expect(net.open).toBeLessThanOrEqual(3);
      release(waiting.shift() as Seen);
      await turns();
    }
    expect(await Promise.all(asked)).toEqual(["/0", "/1", "/2", "/3", "/4", "/5"]);
  });

  test("waiting is in arrival order", async () => {
    const { net, waiting, release } = held();
    const session = net.session({}, { limit: 1 });
    const asked = Array.from({ length: 6 }, (_, at) => session.get(`http://a.test/${at}`).text());
    const order: string[] = [];
    for (let served = 0; served < 6; served += 1) {
      await turns();
      const [seen] = waiting.splice(0);
      order.push(seen?.target ?? "");
      if (seen !== undefined) release(seen);
    }
    await Promise.all(asked);
    expect(order).toEqual(["/0", "/1", "/2", "/3", "/4", "/5"]);
    expect(net.connections.length).toBe(1);
  });

  test("maxQueue waiters wait, one more is refused; 0 lets nobody wait", async () => {
    const { net, waiting, release } = held();
    const session = net.session({}, { limit: 1, maxQueue: 2 });
    const asked = [1, 2, 3].map((at) => session.get(`http://a.test/${at}`).text());
    await turns();
    const refused = await rejection(session.get("http://a.test/4").text());
    expect(refused.code).toBe("pool/queue-full");
    expect(refused.message).toContain("2 requests wait");
    for (let served = 0; served < 3; served += 1) {
      for (const seen of waiting.splice(0)) release(seen);
      await turns();
    }
    expect(await Promise.all(asked)).toEqual(["/1", "/2", "/3"]);
    const none = held();
    const strict = none.net.session({}, { limit: 1, maxQueue: 0 });
    const only = strict.get(URL_A).text();
    await turns();
    expect((await rejection(strict.get(URL_A))).code).toBe("pool/queue-full");
    for (const seen of none.waiting) none.release(seen);
    expect(await only).toBe("/x");
  });

  test("a cancelled or timed-out waiter leaves its place", async () => {
    const { net, waiting, release } = held();
    const session = net.session({}, { limit: 1 });
    const first = session.get("http://a.test/first").text();
    await turns();
    const controller = new AbortController();
    const lost = Array.from({ length: 50 }, (_, at) =>
      rejection(
        session.get("http://a.test/lost", at % 2 === 0 ? { signal: controller.signal } : { timeout: { queue: 100 } }),
      ),
    );
    const last = session.get("http://a.test/last").text();
    await turns();
    controller.abort();
    net.clock.advance(100);
    await Promise.all(lost);
    release(waiting.shift() as Seen);
    expect(await first).toBe("/first");
    await turns();
    release(waiting.shift() as Seen);
    expect(await last).toBe("/last");
    const [stats] = Object.values(session.connector.stats());
    expect(stats).toMatchObject({ open: 1, idle: 1, queued: 0, dialing: 0 });
  });

  test("a dial that fails gives its place on, and only its own request fails", async () => {
    const net = new FakeNet(({ target }) => ok(target));
    const first = deferred();
    let dials = 0;
    net.dialing = () => {
      dials += 1;
      return dials === 1 ? first.promise : undefined;
    };
    const session = net.session({}, { limit: 1 });
    const failed = rejection(session.get("http://a.test/1"));
    const second = session.get("http://a.test/2").text();
    await turns();
    first.reject(new Error("no route"));
    expect((await failed).message).toContain("no route");
    expect(await second).toBe("/2");
  });

  test("an abort while dialing passes the dial on to who waits", async () => {
    const net = new FakeNet(({ target }) => ok(target));
    const gate = deferred();
    net.dialing = () => gate.promise;
    const session = net.session({}, { limit: 1 });
    const controller = new AbortController();
    const first = rejection(session.get("http://a.test/1", { signal: controller.signal }));
    const second = session.get("http://a.test/2").text();
    await turns();
    controller.abort();
    await first;
    gate.resolve();
    expect(await second).toBe("/2");
    expect(net.connections.length).toBe(1);
  });
});

describe("without a file descriptor left", () => {
  /** A network on which dialing fails for want of descriptors while `missing` says so. */
  function scarce(missing: () => boolean): FakeNet {
    const net = new FakeNet(({ target }) => ok(target));
    net.dialing = () => {
      if (missing()) throw new ConnectError("connect/too-many-files", "Too many open files");
    };
    return net;
  }

  test("idle connections are given up, and the dial is tried again after a pause", async () => {
    let dials = 0;
    const net = scarce(() => {
      dials += 1;
      return dials > 1 && dials < 4;
    });
    const session = net.session();
    await session.get("http://b.test/").text();
    const text = session.get(URL_A).text();
    await turns();
    expect([dials, net.open]).toEqual([2, 0]);
    await net.clock.advanceAsync(99);
    expect(dials).toBe(2);
    await net.clock.advanceAsync(101);
    expect(await text).toBe("/x");
    expect(dials).toBe(4);
  });

  test("the connect limit runs on over all tries, and an abort ends the waiting", async () => {
    const net = scarce(() => true);
    const session = net.session({ timeout: { connect: 350 } });
    const failed = rejection(session.get(URL_A));
    const controller = new AbortController();
    const aborted = rejection(session.get(URL_A, { signal: controller.signal }));
    await net.clock.advanceAsync(200);
    controller.abort();
    expect((await aborted).name).toBe("AbortError");
    await net.clock.advanceAsync(149);
    expect(session.toJSON()["running"]).toBe(1);
    await net.clock.advanceAsync(1);
    const error = await failed;
    expect([error.code, (error.cause as ConnectError).code]).toEqual(["timeout.connect", "connect/too-many-files"]);
    expect(net.clock.armedCount).toBe(0);
  });
});

describe("reuse", () => {
  test("a connection is used again for the same origin, and not for another", async () => {
    const net = new FakeNet();
    const session = net.session();
    for (const url of [URL_A, URL_A, "https://a.test/", "http://a.test:81/", "http://b.test/", URL_A]) {
      await session.get(url).text();
    }
    expect(net.connections.map((connection) => connection.requests)).toEqual([3, 1, 1, 1]);
  });

  test("the most recently used one goes first, so that surplus ones age out", async () => {
    const { net, waiting, release } = held();
    const session = net.session({}, { keepAliveTimeout: 1_000 });
    const both = [session.get(URL_A).text(), session.get(URL_A).text()];
    await turns();
    for (const seen of waiting.splice(0)) release(seen);
    await Promise.all(both);
    for (let second = 0; second < 3; second += 1) {
      net.clock.advance(600);
      const next = session.get(URL_A).text();
      await turns();
      for (const seen of waiting.splice(0)) release(seen);
      await next;
    }
    await turns();
    expect(net.open).toBe(1);
  });

  test("Connection: close and HTTP/1.0 end it", async () => {
    for (const wire of [ok("x", "connection: close\r\n"), "HTTP/1.0 200 \r\ncontent-length: 1\r\n\r\nx"]) {
      const net = new FakeNet(() => wire);
      const session = net.session();
      await session.get(URL_A).text();
      await session.get(URL_A).text();
      expect(net.connections.length).toBe(2);
    }
    const own = new FakeNet();
    await own
      .session()
      .get(URL_A, { headers: { connection: "close" } })
      .text();
    expect(own.seen[0]?.fields.get("connection")).toBe("close");
  });
});

describe("a connection in doubt", () => {
  test("an answer that came unasked, behind another, is never the next request's", async () => {
    let first = true;
    const net = new FakeNet(() => {
      if (!first) return ok("true");
      first = false;
      return ok("one") + ok("poison");
    });
    const session = net.session({}, { limit: 1 });
    const texts = await Promise.all([session.get(URL_A).text(), session.get(URL_A).text(), session.get(URL_A).text()]);
    expect(texts).toEqual(["one", "true", "true"]);
    expect(net.connections.length).toBe(2);
  });

  test("an answer to nothing, on an idle connection, closes it", async () => {
    const net = new FakeNet();
    const session = net.session();
    await session.get(URL_A).text();
    net.connections[0]?.send(ok("poison"));
    await turns();
    expect(net.open).toBe(0);
    expect(await session.get(URL_A).text()).toBe("ok");
  });

  test("an answer without end is refused for a body of known length, and never spills over", async () => {
    const net = new FakeNet(({ target }) => (target === "/x" ? `${ok("one")}trailing garbage` : ok("two")));
    const session = net.session({}, { limit: 1 });
    expect(await session.get(URL_A).text()).toBe("one");
    expect(await session.get("http://a.test/y").text()).toBe("two");
    expect(net.connections.length).toBe(2);
  });

  test("an early answer to an upload is not followed by another request on that connection", async () => {
    async function* slow(): AsyncGenerator<string> {
      for (;;) {
        yield "x";
        await turns(1);
      }
    }
    const net = new FakeNet(() => ok("second"));
    const session = net.session({}, { limit: 1 });
    const early = session.post(URL_A, { body: slow() }).text();
    const next = session.get(URL_A).text();
    await turns();
    net.connections[0]?.send(ok("early"));
    expect(await early).toBe("early");
    expect(await next).toBe("second");
    expect(net.connections.length).toBe(2);
  });
});

describe("the one replay", () => {
  /** Answers the first request of each connection, and lets the following ones meet `deed`. */
  function stale(deed: (seen: Seen) => void, connections = 1): FakeNet {
    return new FakeNet((seen, { connections: all }) => {
      const old = all.indexOf(seen.connection) < connections;
      if (old && seen.connection.requests > 1) {
        deed(seen);
        return undefined;
      }
      return ok(`answer ${seen.method}`);
    });
  }

  const close = (seen: Seen): void => seen.connection.end();
  const reset = (seen: Seen): void => seen.connection.reset();

  test.each([
    ["close", close],
    ["reset", reset],
  ])("an idempotent request on a stale connection is sent again, once, on a fresh one (%s)", async (_name, deed) => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY"]) {
      const net = stale(deed);
      const session = net.session();
      await session.get(URL_A).text();
      const response = await session.request(method, URL_A, method === "PUT" ? { body: "again" } : {});
      expect(response.status).toBe(200);
      expect(net.seen.length).toBe(3);
      expect(net.connections.length).toBe(2);
      if (method === "PUT") expect(net.seen.map((seen) => seen.body)).toEqual(["", "again", "again"]);
    }
  });

  test("POST and PATCH are not, nor is a body that is a stream", async () => {
    async function* once(): AsyncGenerator<string> {
      yield "x";
    }
    for (const options of [{ method: "POST" }, { method: "PATCH" }, { method: "PUT", body: once() }]) {
      const net = stale(close);
      const session = net.session();
      await session.get(URL_A).text();
      const { method, ...rest } = options;
      const error = await rejection(session.request(method, URL_A, rest));
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(net.seen.length).toBe(2);
    }
  });

  test("a fresh connection that dies is no reason for one", async () => {
    const net = new FakeNet(({ connection }) => {
      connection.end();
      return undefined;
    });
    expect(await rejection(net.session().get(URL_A))).toBeInstanceOf(ConnectionLostError);
    expect(net.seen.length).toBe(1);
  });

  test("not after a byte of answer", async () => {
    const net = stale((seen) => {
      seen.connection.send("H");
      seen.connection.end();
    });
    const session = net.session();
    await session.get(URL_A).text();
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(ConnectionLostError);
    expect(net.seen.length).toBe(2);
  });

  test("not for an answer against the rules", async () => {
    const net = stale((seen) => seen.connection.send("\0"));
    const session = net.session();
    await session.get(URL_A).text();
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(ProtocolError);
    expect(net.seen.length).toBe(2);
  });

  test("exactly one: a second stale connection fails the request", async () => {
    const net = new FakeNet((seen) => {
      if (net.seen.length <= 2) return ok("");
      seen.connection.end();
      return undefined;
    });
    const session = net.session();
    const two = [session.get(URL_A).text(), session.get(URL_A).text()];
    await Promise.all(two);
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(ConnectionLostError);
    expect(net.seen.length).toBe(4);
  });

  test("the other idle connections to that origin are given up with it", async () => {
    const net = stale(close, 2);
    const session = net.session();
    await Promise.all([session.get(URL_A).text(), session.get(URL_A).text(), session.get("http://b.test/").text()]);
    expect(net.open).toBe(3);
    await session.get(URL_A).text();
    await turns();
    expect(net.connections.filter((connection) => !connection.closed).map((one) => one.target.host)).toEqual([
      "b.test",
      "a.test",
    ]);
  });

  test("it is not counted as an attempt", async () => {
    const net = stale(close);
    const session = net.session();
    await session.get(URL_A).text();
    expect((await session.get(URL_A)).request.attempt).toBe(1);
  });
});

test("one thousand requests to ten hosts with aborts and failures leave nothing behind", async () => {
  const net = new FakeNet(({ target, connection }) => {
    const which = Number(target.slice(1)) % 7;
    if (which === 1) connection.end();
    if (which === 2) connection.reset();
    if (which === 3) return ok("x") + ok("poison");
    if (which === 1 || which === 2 || which === 4) return undefined;
    return which === 5 ? answer(500, "no") : ok(target);
  });
  const session = net.session({ timeout: { headers: 50 } }, { limit: 20, limitPerHost: 5 });
  const controller = new AbortController();
  const asked = Array.from({ length: 1_000 }, (_, at) =>
    session
      .get(`http://h${at % 10}.test/${at}`, at % 13 === 0 ? { signal: controller.signal } : {})
      .text()
      .then(
        (text) => text === "x" || text === `/${at}`,
        () => true,
      ),
  );
  let pending = true;
  const all = Promise.all(asked).then((results) => {
    pending = false;
    return results;
  });
  await turns();
  controller.abort();
  while (pending) await net.clock.advanceAsync(25);
  expect((await all).every(Boolean)).toBe(true);
  const { running } = session.toJSON();
  expect(running).toBe(0);
  for (const stats of Object.values(session.connector.stats())) {
    expect(stats).toMatchObject({ queued: 0, dialing: 0 });
    expect(stats.open).toBe(stats.idle);
  }
  net.clock.advance(15_000);
  await turns();
  expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
});
