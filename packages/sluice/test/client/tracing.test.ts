import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import type { ClientTrace, ClientTraceName } from "../../src/client/tracing.js";
import { answer, closeAfter, FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x?token=s3cret";
const NAMES: readonly ClientTraceName[] = [
  "requestStart",
  "queueStart",
  "queueEnd",
  "dnsStart",
  "dnsEnd",
  "dnsCacheHit",
  "dnsCacheMiss",
  "connectStart",
  "connectEnd",
  "tlsStart",
  "tlsEnd",
  "connectionReuse",
  "requestHeadersSent",
  "requestBodySent",
  "informational",
  "responseHeaders",
  "connectionUpgraded",
  "responseBodyReceived",
  "requestRedirect",
  "requestRetry",
  "requestThrottled",
  "requestEnd",
  "requestException",
];

type Event = { readonly event: string; readonly id: number } & Record<string, unknown>;

function recording(): { events: Event[]; trace: ClientTrace; names: () => string[] } {
  const events: Event[] = [];
  const trace = Object.fromEntries(NAMES.map((name) => [name, (event: Event) => events.push(event)])) as ClientTrace;
  return { events, trace, names: () => events.map(({ event }) => event) };
}

test("the events of a request's life come in order", async () => {
  const net = new FakeNet(() => [`HTTP/1.1 103 Early\r\n\r\n${ok("hello")}`]);
  const { events, trace, names } = recording();
  const session = net.session({ trace });
  await session.post(URL_A, { body: "abc" }).text();
  await turns();
  expect(names()).toEqual([
    "requestStart",
    "queueStart",
    "connectStart",
    "connectEnd",
    "queueEnd",
    "requestHeadersSent",
    "requestBodySent",
    "informational",
    "responseHeaders",
    "responseBodyReceived",
    "requestEnd",
  ]);
  for (const event of events) {
    expect(event).toMatchObject({ method: "POST", url: "http://a.test/x?token=…", id: events[0]?.id });
  }
  expect(events.map(({ time }) => time)).toEqual([...events.map(({ time }) => time)].sort());
});

test("a reused connection has no set-up, and says that it is reused", async () => {
  const net = new FakeNet();
  const { events, trace, names } = recording();
  const session = net.session({ trace });
  await session.get(URL_A).text();
  await turns();
  events.length = 0;
  await session.get(URL_A).text();
  await turns();
  expect(names()).toEqual([
    "requestStart",
    "connectionReuse",
    "requestHeadersSent",
    "responseHeaders",
    "responseBodyReceived",
    "requestEnd",
  ]);
  expect(events[1]).toMatchObject({ exchanges: 1 });
});

test("redirects, retries and failures have events of their own", async () => {
  const net = new FakeNet(({ target, connection }, { seen }) => {
    if (target.startsWith("/x")) return redirect(302, "/y?also=s3cret");
    if (seen.length === 2) return answer(503);
    connection.end();
    return undefined;
  });
  const { events, trace, names } = recording();
  const retry = { attempts: 2, baseDelay: 0 };
  const failed = rejection(net.session({ trace, retry }).get(URL_A));
  for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(1);
  await failed;
  await turns();
  expect(names().filter((name) => /^request[RE]/.test(name))).toEqual([
    "requestRedirect",
    "requestRetry",
    "requestRedirect",
    "requestException",
  ]);
  expect(events.find(({ event }) => event === "requestRedirect")).toMatchObject({
    status: 302,
    to: "http://a.test/y?also=…",
  });
  expect(events.find(({ event }) => event === "requestRetry")).toMatchObject({ attempt: 2, reason: "status 503" });
  expect(events.at(-1)).toMatchObject({ code: "connection/closed" });
});

test("a streamed response ends with its body: well, broken off, or left", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 4\r\n\r\nab"]);
  const endings: [how: (index: number) => Promise<unknown> | unknown, last: string[]][] = [
    [(at) => net.connections[at]?.send("cd"), ["responseBodyReceived", "requestEnd"]],
    [(at) => net.connections[at]?.reset(), ["requestException"]],
  ];
  for (const [how, last] of endings) {
    const { trace, names } = recording();
    const response = await net.session({ trace }).get(URL_A);
    await turns();
    expect(names().at(-1)).toBe("responseHeaders");
    const text = response.text().catch(() => undefined);
    await how(net.connections.length - 1);
    await text;
    await turns();
    expect(names().slice(names().indexOf("responseHeaders") + 1)).toEqual(last);
  }
  const { trace, names } = recording();
  const left = await net.session({ trace }).get(URL_A);
  for await (const _piece of left.body) break;
  await turns();
  expect(names().at(-1)).toBe("requestEnd");
  const aborted = recording();
  const controller = new AbortController();
  await net.session({ trace: aborted.trace }).get(URL_A, { signal: controller.signal });
  controller.abort();
  await turns();
  expect(aborted.names().at(-1)).toBe("requestException");
});

test("each request has exactly one end", async () => {
  const net = new FakeNet(({ target, connection }) => {
    const which = Number(target.slice(1)) % 5;
    if (which === 0) return ok("x");
    if (which === 1) return answer(500, "x");
    if (which === 2) return `HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nx`;
    connection.end();
    return undefined;
  });
  const { events, trace } = recording();
  const session = net.session({ trace, timeout: 100, retry: { attempts: 2, baseDelay: 1 } });
  let pending = true;
  const all = Promise.all(
    Array.from({ length: 100 }, (_, at) =>
      session
        .get(`http://a.test/${at}`)
        .text()
        .catch(() => undefined),
    ),
  ).finally(() => {
    pending = false;
  });
  while (pending) await net.clock.advanceAsync(20);
  await all;
  await turns();
  const ids = new Set(events.map(({ id }) => id));
  expect(ids.size).toBe(100);
  for (const id of ids) {
    const own = events.filter((event) => event.id === id).map(({ event }) => event);
    expect(own[0]).toBe("requestStart");
    expect(own.filter((name) => name === "requestEnd" || name === "requestException").length).toBe(1);
    expect(["requestEnd", "requestException"]).toContain(own.at(-1));
  }
});

describe("diagnostics_channel", () => {
  const subscribed: [string, (message: unknown) => void][] = [];
  afterEach(() => {
    for (const [name, listener] of subscribed.splice(0)) unsubscribe(name, listener);
  });

  test("the same events are published as sluice:client:*", async () => {
    const names: string[] = [];
    for (const name of NAMES) {
      const listener = (message: unknown): void => {
        names.push((message as Event).event);
      };
      subscribed.push([`sluice:client:${name}`, listener]);
      subscribe(`sluice:client:${name}`, listener);
    }
    await new FakeNet().session().get(URL_A).text();
    await turns();
    expect(names).toEqual([
      "requestStart",
      "queueStart",
      "connectStart",
      "connectEnd",
      "queueEnd",
      "requestHeadersSent",
      "responseHeaders",
      "responseBodyReceived",
      "requestEnd",
    ]);
  });

  test("nothing is made or published while nobody listens", async () => {
    const net = new FakeNet();
    const session = net.session();
    const response = await session.get(URL_A);
    await response.text();
    expect(response.request.tracer).toBeUndefined();
    expect(channel("sluice:client:requestStart").hasSubscribers).toBe(false);
  });
});

test("a listener that throws surfaces as an uncaught error and harms no request", async () => {
  const net = new FakeNet();
  const caught: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => caught.push(error));
  const broken = new Error("listener");
  const text = await net
    .session({
      trace: {
        responseHeaders: () => {
          throw broken;
        },
      },
    })
    .get(URL_A)
    .text();
  await turns();
  process.removeAllListeners("uncaughtException");
  for (const listener of before) process.on("uncaughtException", listener);
  expect([text, caught]).toEqual(["ok", [broken]]);
});

test("timings say how long each part took", async () => {
  const net = new FakeNet(() => undefined);
  net.dialing = async () => {
    net.clock.advance(10);
  };
  const asked = net.session().get(URL_A);
  await turns();
  net.clock.advance(30);
  net.connections[0]?.send("HTTP/1.1 200 \r\ncontent-length: 4\r\n\r\n");
  const response = await asked;
  const text = response.text();
  net.clock.advance(60);
  net.connections[0]?.send("body");
  await text;
  expect(response.timings).toEqual({
    queued: 0,
    dns: 0,
    connect: 10,
    tls: 0,
    send: 0,
    wait: 30,
    receive: 60,
    total: 100,
  });
});

test("over real sockets there are DNS and connect events, with durations and addresses", async () => {
  const server = createServer((_request, reply) => reply.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { events, trace, names } = recording();
  const lookup = () => Promise.resolve(["127.0.0.1"]);
  const session = closeAfter(new ClientSession({ trace, connector: { dns: { lookup } } }));
  const response = await session.get(`http://some.test:${port}/`);
  expect(await response.text()).toBe("hello");
  await session.get(`http://some.test:${port}/`, { headers: { connection: "close" } }).text();
  await turns();
  expect(names().slice(0, 8)).toEqual([
    "requestStart",
    "queueStart",
    "dnsCacheMiss",
    "dnsStart",
    "dnsEnd",
    "connectStart",
    "connectEnd",
    "queueEnd",
  ]);
  expect(events[6]).toMatchObject({ host: "some.test", address: "127.0.0.1", port });
  expect(response.remoteAddress).toBe("127.0.0.1");
  expect(response.timings.connect).toBeGreaterThan(0);
  expect(response.timings.total).toBeGreaterThanOrEqual(response.timings.wait);
  await session.close();
  server.close();
});
