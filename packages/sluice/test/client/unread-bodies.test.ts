/** Bodies that nobody reads never silently cost a connection, nor memory without bound, nor a program its progress. */
import { describe, expect, test } from "vitest";
import type { ClientResponse } from "../../src/client/response.js";
import { UnreadBodies } from "../../src/client/unread-bodies.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";
const LARGE = "x".repeat(300_000);

test("an unread body up to 64 KiB is taken in, its connection is free, and it can still be read", async () => {
  const net = new FakeNet(() => ok("y".repeat(60_000)));
  const session = net.session({}, { limit: 1 });
  const responses: ClientResponse[] = [];
  for (let count = 0; count < 5; count += 1) responses.push(await session.get(URL_A));
  expect(net.connections.length).toBe(1);
  for (const response of responses) expect((await response.text()).length).toBe(60_000);
});

test("a larger one stops the peer, and goes on when it is read", async () => {
  const net = new FakeNet(() => ok(LARGE));
  const response = await net.session().get(URL_A);
  await turns();
  expect(net.connections[0]?.transport.bufferedBytes).toBeGreaterThan(0);
  expect((await response.text()).length).toBe(LARGE.length);
  await turns();
  expect(net.open).toBe(1);
});

test("all unread bodies together are held within unreadMemory", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 60000\r\n\r\n", "z".repeat(30_000)]);
  const session = net.session({}, { unreadMemory: 100_000 });
  const responses = await Promise.all(Array.from({ length: 6 }, () => session.get(URL_A)));
  await turns();
  for (const connection of net.connections) connection.send("z".repeat(30_000));
  await turns();
  const stopped = net.connections.filter((connection) => connection.transport.bufferedBytes > 0).length;
  expect(stopped).toBeGreaterThanOrEqual(2);
  for (const response of responses) expect((await response.text()).length).toBe(60_000);
  const [stats] = Object.values(session.connector.stats());
  expect(stats?.idle).toBe(stats?.open);
});

test("unreadMemory: 0 holds back what does not come with the head, and reading still works", async () => {
  const net = new FakeNet(() => ok("body"));
  const session = net.session({}, { unreadMemory: 0 });
  const response = await session.get(URL_A);
  expect(await response.text()).toBe("body");
  expect(await session.get(URL_A).text()).toBe("body");
});

describe("while others wait for a place", () => {
  test("the longest-standing unread body is given up after a grace, not before", async () => {
    const net = new FakeNet(({ target }) => (target === "/large" ? ok(LARGE) : ok("fine")));
    const session = net.session({}, { limit: 1 });
    const unread = await session.get("http://a.test/large");
    await turns();
    const waiting = session.get(URL_A).text();
    await turns();
    net.clock.advance(249);
    await turns();
    expect(net.open).toBe(1);
    net.clock.advance(1);
    expect(await waiting).toBe("fine");
    expect((await rejection(unread.text())).code).toBe("body/unread");
  });

  test("one that is read in time is not", async () => {
    const net = new FakeNet(({ target }) => (target === "/large" ? ok(LARGE) : ok("fine")));
    const session = net.session({}, { limit: 1 });
    const large = await session.get("http://a.test/large");
    const waiting = session.get(URL_A).text();
    await turns();
    net.clock.advance(200);
    expect((await large.text()).length).toBe(LARGE.length);
    expect(await waiting).toBe("fine");
    expect(net.connections.length).toBe(1);
  });

  test("one whose connection would help nobody is left alone", async () => {
    const net = new FakeNet(({ url }) => (url.includes("b.test") ? ok(LARGE) : undefined));
    const session = net.session({}, { limitPerHost: 1 });
    const unread = await session.get("http://b.test/");
    const held = session.get(URL_A).catch(() => undefined);
    const queued = session.get(URL_A).catch(() => undefined);
    await turns();
    net.clock.advance(1_000);
    await turns();
    expect((await unread.text()).length).toBe(LARGE.length);
    await session.close();
    await Promise.all([held, queued]);
  });

  test("one at another host is, where the total limit is what holds them up", async () => {
    const net = new FakeNet(({ url }) => (url.includes("b.test") ? ok(LARGE) : ok("fine")));
    const session = net.session({}, { limit: 1 });
    const unread = await session.get("http://b.test/");
    const waiting = session.get(URL_A).text();
    await turns();
    net.clock.advance(250);
    expect(await waiting).toBe("fine");
    expect((await rejection(unread.text())).code).toBe("body/unread");
  });
});

describe("1,000 requests with a limit of 10 whose bodies nobody reads", () => {
  test.each([
    ["none at all", ""],
    ["small ones", "s".repeat(1_000)],
    ["64 KiB", "m".repeat(65_536)],
  ])("all end: %s", async (_name, body) => {
    const net = new FakeNet(() => ok(body));
    const session = net.session({}, { limit: 10 });
    const statuses = await Promise.all(Array.from({ length: 1_000 }, async () => (await session.get(URL_A)).status));
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(net.connections.length).toBe(10);
  });

  test("all end: more than 64 KiB, with the clock moving", async () => {
    const net = new FakeNet(() => ok("l".repeat(100_000)));
    const session = net.session({}, { limit: 10 });
    const responses: ClientResponse[] = [];
    let pending = true;
    const all = Promise.all(
      Array.from({ length: 1_000 }, async () => {
        responses.push(await session.get(URL_A));
      }),
    ).then(() => {
      pending = false;
    });
    while (pending) await net.clock.advanceAsync(50);
    await all;
    expect(responses.length).toBe(1_000);
    expect(net.open).toBeLessThanOrEqual(10);
  });

  test("all end: mixed with bodies that are read", async () => {
    const net = new FakeNet(() => ok("l".repeat(100_000)));
    const session = net.session({}, { limit: 10 });
    let pending = true;
    const all = Promise.all(
      Array.from({ length: 300 }, async (_, at) => {
        const response = await session.get(URL_A);
        if (at % 2 === 0) expect((await response.text()).length).toBe(100_000);
      }),
    ).finally(() => {
      pending = false;
    });
    while (pending) await net.clock.advanceAsync(50);
    await all;
  });
});

test("discarding lets a little by and keeps the connection, closes it for much, and waits for nobody", async () => {
  const net = new FakeNet(({ target }) => {
    if (target === "/little") return ["HTTP/1.1 200 \r\ncontent-length: 6\r\n\r\nabc"];
    return target === "/much" ? ok(LARGE) : ok("fine");
  });
  const session = net.session();
  const little = await session.get("http://a.test/little");
  little.discard();
  net.connections[0]?.send("def");
  await turns();
  expect(net.open).toBe(1);
  (await session.get("http://a.test/much")).discard();
  await turns();
  expect(net.open).toBe(0);
  const stuck = await session.get("http://a.test/little");
  stuck.discard();
  net.clock.advance(1_000);
  await turns();
  expect(net.open).toBe(0);
  expect((await rejection(stuck.text())).code).toBe("body/already-used");
  expect(net.clock.armedCount).toBe(0);
});

test("the grace ends once, whatever the moment at which a body came to stand is rounded to", () => {
  for (let at = 0; at < 300; at += 1) {
    const clock = new ManualClock({ now: at * 1.11 });
    const givenUp: string[] = [];
    const unread = new UnreadBodies(clock, 0, { waitingCount: () => 1, isWanted: () => true });
    unread.stands({ giveUpUnread: (why) => givenUp.push(why) });
    clock.advance(251);
    expect(givenUp, `standing since ${at * 1.11}`).toEqual(["others waited for its connection"]);
    expect(clock.armedCount).toBe(0);
  }
});
