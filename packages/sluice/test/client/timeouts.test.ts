import { describe, expect, test } from "vitest";
import { RequestTimeoutError } from "../../src/errors.js";
import { answer, deferred, FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x?q=s3cret";
const HEAD_OF_TEN = "HTTP/1.1 200 \r\ncontent-length: 10\r\n\r\n";

async function timesOut(promise: PromiseLike<unknown>, phase: string, words: string): Promise<void> {
  const error = await rejection<RequestTimeoutError>(promise);
  expect(error).toBeInstanceOf(RequestTimeoutError);
  expect(error.code).toBe(`timeout.${phase}`);
  expect(error.phase).toBe(phase);
  expect(error.message).toContain(words);
  expect(error.message).toContain("GET http://a.test/x?q=…");
}

test("queue: waiting for a place in the pool", async () => {
  const net = new FakeNet(() => undefined);
  const session = net.session({}, { limit: 1 });
  const first = session.get(URL_A);
  await turns();
  const queued = session.get(URL_A, { timeout: { queue: 100 } });
  const failed = rejection(queued);
  await turns();
  net.clock.advance(99);
  expect(session.toJSON()["running"]).toBe(2);
  net.clock.advance(1);
  await timesOut(
    failed.then((error) => Promise.reject(error)),
    "queue",
    "100 ms waiting for a place",
  );
  net.connections[0]?.send(ok(""));
  expect((await first).status).toBe(200);
});

test("connect: everything until the connection stands; its time is the dial's", async () => {
  const net = new FakeNet();
  net.dialing = () => new Promise(() => undefined);
  const request = net.session({ timeout: { connect: 100 } }).get(URL_A);
  const failed = rejection(request);
  await turns();
  net.clock.advance(100);
  await timesOut(
    failed.then((error) => Promise.reject(error)),
    "connect",
    "100 ms connecting",
  );
});

test("queue does not run on while a connection is being made", async () => {
  const net = new FakeNet();
  const dial = deferred();
  net.dialing = () => dial.promise;
  const request = net.session({ timeout: { queue: 50, connect: 500 } }).get(URL_A);
  await turns();
  net.clock.advance(400);
  dial.resolve();
  expect((await request).status).toBe(200);
});

test("headers: from the request sent to the head of the answer, 1xx do not restart it", async () => {
  const net = new FakeNet(() => undefined);
  const failed = rejection(net.session({ timeout: { headers: 100 } }).get(URL_A));
  await turns();
  net.clock.advance(60);
  net.connections[0]?.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  await turns();
  net.clock.advance(39);
  await turns();
  net.clock.advance(1);
  await timesOut(
    failed.then((error) => Promise.reject(error)),
    "headers",
    "100 ms waiting for the head",
  );
  await turns();
  expect(net.open).toBe(0);
});

describe("read", () => {
  test("the gap between two reads, for a shortcut that collects", async () => {
    const net = new FakeNet(() => [HEAD_OF_TEN]);
    const failed = rejection(
      net
        .session({ timeout: { read: 100 } })
        .get(URL_A)
        .text(),
    );
    await turns();
    for (let byte = 0; byte < 5; byte += 1) {
      net.clock.advance(99);
      net.connections[0]?.send("x");
      await turns(2);
    }
    net.clock.advance(100);
    await timesOut(
      failed.then((error) => Promise.reject(error)),
      "read",
      "100 ms waiting for more of the body",
    );
  });

  test("a body that keeps coming is read to its end however long it takes", async () => {
    const net = new FakeNet(() => [HEAD_OF_TEN]);
    const text = net
      .session({ timeout: { read: 100, total: Number.POSITIVE_INFINITY } })
      .get(URL_A)
      .text();
    await turns();
    for (let byte = 0; byte < 10; byte += 1) {
      net.clock.advance(90);
      net.connections[0]?.send("x");
      await turns(2);
    }
    expect(await text).toBe("x".repeat(10));
  });

  test("it runs while somebody waits for a piece, and not while nobody does", async () => {
    const net = new FakeNet(() => [`${HEAD_OF_TEN}a`]);
    const response = await net.session({ timeout: { read: 100 } }).get(URL_A);
    const pieces = response.body[Symbol.asyncIterator]();
    await pieces.next();
    net.clock.advance(10_000);
    const failed = rejection(pieces.next());
    net.clock.advance(99);
    await turns();
    net.clock.advance(1);
    await timesOut(
      failed.then((error) => Promise.reject(error)),
      "read",
      "more of the body",
    );
  });
});

describe("write", () => {
  test("a peer that takes no more of the request", async () => {
    const net = new FakeNet(() => undefined, { highWaterMark: 1_000 });
    net.connected = (connection) => connection.transport.pause();
    const session = net.session({ timeout: { write: 100 } });
    const failed = rejection(session.put(URL_A, { body: new Uint8Array(500_000) }));
    await turns();
    net.clock.advance(100);
    const error = await failed;
    expect([error.code, error.phase]).toEqual(["timeout.write", "write"]);
    expect(error.message).toContain("takes no more");
  });

  test("a peer that takes a large piece slowly is waited for as long as it takes any of it", async () => {
    const net = new FakeNet(() => undefined, { highWaterMark: 1_000 });
    let held = 500_000;
    net.connected = (connection) => connection.transport.pause();
    net.dialed = (near) => Object.defineProperty(near, "bufferedBytes", { get: () => held });
    const session = net.session({ timeout: { write: 100 } });
    async function* onePiece(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(500_000);
    }
    const sending = session.put(URL_A, { body: onePiece() });
    const failed = rejection(sending);
    await turns();
    for (let round = 0; round < 5; round += 1) {
      held -= 1;
      net.clock.advance(100);
      await turns();
      expect(session.toJSON()["running"]).toBe(1);
    }
    net.clock.advance(99);
    await turns();
    expect(session.toJSON()["running"]).toBe(1);
    net.clock.advance(1);
    expect((await failed).code).toBe("timeout.write");
  });

  test("a source that gives nothing for long is not the peer's fault", async () => {
    const net = new FakeNet();
    const gate = deferred();
    async function* slow(): AsyncGenerator<string> {
      yield "a";
      await gate.promise;
      yield "b";
    }
    const sending = net.session({ timeout: { write: 100 } }).put(URL_A, { body: slow() });
    await turns();
    for (let minute = 0; minute < 5; minute += 1) {
      net.clock.advance(100);
      await turns();
    }
    gate.resolve();
    expect((await sending).status).toBe(200);
    expect(net.seen[0]?.body).toBe("ab");
  });

  test("a long upload trips neither headers nor read", async () => {
    const net = new FakeNet();
    async function* steady(): AsyncGenerator<string> {
      for (let piece = 0; piece < 20; piece += 1) {
        net.clock.advance(90);
        yield "x";
      }
    }
    const session = net.session({ timeout: { headers: 100, read: 100, write: 100 } });
    expect((await session.put(URL_A, { body: steady() })).status).toBe(200);
    expect(net.clock.now()).toBe(1_800);
  });
});

describe("attempt", () => {
  test("one try, whatever it is doing; the next one starts anew", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length === 1 ? undefined : ok("second")));
    const retry = { attempts: 2, baseDelay: 0 };
    const text = net
      .session({ timeout: { attempt: 100 }, retry })
      .get(URL_A)
      .text();
    await turns();
    net.clock.advance(100);
    await turns();
    net.clock.advance(0);
    await turns();
    expect(await text).toBe("second");
  });

  test("it ends with the head where a response is asked for, and with the body where content is", async () => {
    const net = new FakeNet(() => [HEAD_OF_TEN]);
    const session = net.session({ timeout: { attempt: 100 } });
    const response = await session.get(URL_A);
    const streamed = response.text();
    net.clock.advance(500);
    await turns();
    net.connections[0]?.send("0123456789");
    expect(await streamed).toBe("0123456789");
    const failed = rejection(session.get(URL_A).text());
    await turns();
    net.clock.advance(100);
    await timesOut(
      failed.then((error) => Promise.reject(error)),
      "attempt",
      "100 ms for one attempt",
    );
  });
});

describe("total", () => {
  test("a response that drips a byte a second ends at total, streamed or collected", async () => {
    const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 1000\r\n\r\n"]);
    const session = net.session();
    const collected = rejection(session.get(URL_A, { timeout: { total: 5_000, read: 2_000 } }).text());
    const response = await session.get(URL_A, { timeout: { total: 5_000, read: 2_000 } });
    let pieces = 0;
    const streamed = rejection(
      (async () => {
        for await (const _piece of response.body) pieces += 1;
      })(),
    );
    for (let second = 0; second < 5; second += 1) {
      for (const connection of net.connections) if (!connection.closed) connection.send("x");
      await turns(2);
      net.clock.advance(1_000);
      await turns(2);
    }
    await timesOut(
      collected.then((error) => Promise.reject(error)),
      "total",
      "5000 ms in all",
    );
    await timesOut(
      streamed.then((error) => Promise.reject(error)),
      "total",
      "5000 ms in all",
    );
    expect(pieces).toBe(5);
    expect(net.open).toBe(0);
  });

  test("a number is total; it spans redirects and retries", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length < 3 ? answer(503) : undefined));
    const failed = rejection(
      net.session({ retry: { attempts: 100, baseDelay: 100, random: () => 0.5 } }).get(URL_A, { timeout: 1_000 }),
    );
    for (let step = 0; step < 20; step += 1) await net.clock.advanceAsync(100);
    await timesOut(
      failed.then((error) => Promise.reject(error)),
      "total",
      "1000 ms in all",
    );
  });

  test("no retry is begun whose wait would not end before total", async () => {
    const net = new FakeNet(() => answer(503));
    const session = net.session({ retry: { attempts: 100, baseDelay: 100, random: () => 0.5 } });
    const answered = session.get(URL_A, { timeout: 1_000 });
    for (let step = 0; step < 20; step += 1) await net.clock.advanceAsync(50);
    // Waits of 50, 100, 200 and 400 ms fit, one of 800 ms does not.
    expect([(await answered).status, net.seen.length]).toEqual([503, 5]);
  });

  test("the shortcuts have 300 s where nobody set one, a streamed response none", async () => {
    const net = new FakeNet(() => [HEAD_OF_TEN]);
    const session = net.session({ timeout: { read: 1e9 } });
    const failed = rejection(session.get(URL_A).text());
    const response = await session.get(URL_A);
    const streamed = response.text();
    net.clock.advance(300_000);
    await timesOut(
      failed.then((error) => Promise.reject(error)),
      "total",
      "300000 ms in all",
    );
    net.connections[1]?.send("0123456789");
    expect(await streamed).toBe("0123456789");
  });

  test("objects merge field by field over the session's, Infinity switches one off", async () => {
    const net = new FakeNet(() => undefined);
    const session = net.session({ timeout: { total: 1_000, headers: 100 } });
    const own = rejection(session.get(URL_A, { timeout: { headers: Number.POSITIVE_INFINITY } }));
    await turns();
    net.clock.advance(1_000);
    expect((await own).code).toBe("timeout.total");
  });

  test("it does not run on when the body has arrived, read or not", async () => {
    const net = new FakeNet(() => ok("here"));
    const response = await net.session({ timeout: 100 }).get(URL_A);
    net.clock.advance(1_000);
    expect(await response.text()).toBe("here");
  });
});

test("an idle pooled connection never fires a stale time-out, and goes when its idle time is over", async () => {
  const net = new FakeNet();
  const session = net.session(
    { timeout: { headers: 50, read: 50, write: 50, attempt: 60, total: 70 } },
    { keepAliveTimeout: 1_000 },
  );
  await session.get(URL_A).text();
  net.clock.advance(900);
  await turns();
  expect(net.open).toBe(1);
  expect(await session.get(URL_A).text()).toBe("ok");
  expect(net.connections.length).toBe(1);
  net.clock.advance(999);
  await turns();
  expect(net.open).toBe(1);
  net.clock.advance(1);
  await turns();
  expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
});

test("keepAliveTimeout: Infinity keeps connections, 0 keeps none", async () => {
  const net = new FakeNet();
  const forever = net.session({}, { keepAliveTimeout: Number.POSITIVE_INFINITY });
  await forever.get(URL_A).text();
  net.clock.advance(1e9);
  await forever.get(URL_A).text();
  expect(net.connections.length).toBe(1);
  const never = net.session({}, { keepAliveTimeout: 0 });
  await never.get(URL_A).text();
  net.clock.advance(0);
  await never.get(URL_A).text();
  expect(net.connections.length).toBe(3);
});

test("an unread body is given up after unreadTimeout, and whoever reads then is told why", async () => {
  const net = new FakeNet(() => [`HTTP/1.1 200 \r\ncontent-length: 1000000\r\n\r\n${"x".repeat(1_000)}`]);
  const response = await net.session({ unreadTimeout: 500 }).get(URL_A);
  net.clock.advance(499);
  await turns();
  expect(net.open).toBe(1);
  net.clock.advance(1);
  await turns();
  expect(net.open).toBe(0);
  const error = await rejection(response.text());
  expect(error.code).toBe("body/unread");
  expect(error.message).toContain("GET http://a.test/x?q=…");
});

test("nothing is armed when all is done", async () => {
  const net = new FakeNet();
  const session = net.session({ timeout: 1_000 }, { keepAliveTimeout: Number.POSITIVE_INFINITY });
  await session.get(URL_A).text();
  await (await session.get(URL_A)).text();
  await (await session.post(URL_A, { json: 1 })).json().catch(() => undefined);
  expect(net.clock.armedCount).toBe(0);
});
