/** What each event of a trace says, over real sockets and over a network in memory. */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "../../src/client/connector.js";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import type { ClientTrace, ClientTraceDetails, ClientTraceName, TraceEvent } from "../../src/client/tracing.js";
import { SERVER } from "../net/certificates.js";
import { answer, closeAfter, FakeNet, ok, redirect, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x?token=s3cret";
const SHOWN = "http://a.test/x?token=\u2026";

/** Keeps the events of some names. */
function listening<Name extends ClientTraceName>(...names: Name[]): { trace: ClientTrace; events: TraceEvent<Name>[] } {
  const events: TraceEvent<Name>[] = [];
  const trace = Object.fromEntries(names.map((name) => [name, (event: TraceEvent<Name>) => events.push(event)]));
  return { trace: trace as ClientTrace, events };
}

/** Details of the only event, its frame checked. */
function only<Name extends ClientTraceName>(events: readonly TraceEvent<Name>[]): ClientTraceDetails[Name] {
  expect(events.length).toBe(1);
  const { event, id, method, url, time, ...details } = events[0] as TraceEvent<ClientTraceName> & object;
  expect(typeof id).toBe("number");
  expect(typeof time).toBe("number");
  expect(typeof event).toBe("string");
  expect([method, url.includes("s3cret")]).toEqual([method, false]);
  return details as ClientTraceDetails[Name];
}

const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function real(options: SessionOptions, connector: ConnectorOptions = {}): ClientSession {
  const lookup = (host: string) =>
    host === "gone.test"
      ? Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }))
      : Promise.resolve(["127.0.0.1"]);
  return closeAfter(new ClientSession({ ...options, connector: { dns: { lookup }, ...connector } }));
}

describe("over real sockets", () => {
  test("dnsCacheMiss, dnsStart and dnsEnd: the name, its addresses, how long; dnsCacheHit the next time", async () => {
    const port = await listen(createServer((_request, reply) => reply.end("x")));
    const { trace, events } = listening("dnsCacheMiss", "dnsCacheHit", "dnsStart", "dnsEnd");
    const session = real({ trace });
    for (let count = 0; count < 2; count += 1) {
      await session.get(`http://some.test:${port}/`, { headers: { connection: "close" } }).text();
    }
    await turns();
    expect(events.map(({ event }) => event)).toEqual(["dnsCacheMiss", "dnsStart", "dnsEnd", "dnsCacheHit"]);
    expect(events.every((event) => event.host === "some.test")).toBe(true);
    expect(events[2]).toMatchObject({ addresses: ["127.0.0.1"], code: undefined });
    expect((events[2] as TraceEvent<"dnsEnd">).elapsed).toBeGreaterThanOrEqual(0);
  });

  test("dnsEnd of a name that there is not says so by its code", async () => {
    const { trace, events } = listening("dnsEnd");
    await rejection(real({ trace }).get("http://gone.test/"));
    await turns();
    expect(only(events)).toMatchObject({ host: "gone.test", addresses: [], code: expect.stringMatching(/^dns\//) });
  });

  test("connectStart and connectEnd: host, address, port, how long; a refused address by its code", async () => {
    const port = await listen(createServer((_request, reply) => reply.end("x")));
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port: refusedPort } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const { trace, events } = listening("connectStart", "connectEnd");
    const session = real({ trace });
    await session.get(`http://some.test:${port}/`).text();
    await rejection(session.get(`http://some.test:${refusedPort}/`));
    await turns();
    const host = "some.test";
    const address = "127.0.0.1";
    expect(events).toMatchObject([
      { event: "connectStart", host, address, port },
      { event: "connectEnd", host, address, port, code: undefined },
      { event: "connectStart", host, address, port: refusedPort },
      { event: "connectEnd", host, address, port: refusedPort, code: "ECONNREFUSED" },
    ]);
  });

  test("tlsStart and tlsEnd: the host, what was agreed on, how long; a refused certificate by its code", async () => {
    const server = createTlsServer(SERVER, (_request, reply) => reply.end("x"));
    const port = await listen(server);
    const { trace, events } = listening("tlsStart", "tlsEnd");
    const trusting = real({ trace }, { tls: { rejectUnauthorized: false } });
    await trusting.get(`https://localhost:${port}/`).text();
    await rejection(real({ trace }).get(`https://localhost:${port}/`));
    await turns();
    expect(events).toMatchObject([
      { event: "tlsStart", host: "localhost" },
      { event: "tlsEnd", host: "localhost", tls: { alpn: "http/1.1" }, code: undefined },
      { event: "tlsStart" },
      { event: "tlsEnd", tls: undefined, code: expect.stringMatching(/^tls\//) },
    ]);
  });

  test("connectionReuse: where to, and how many requests the connection has carried", async () => {
    const port = await listen(createServer((_request, reply) => reply.end("x")));
    const { trace, events } = listening("connectionReuse");
    const session = real({ trace });
    for (let count = 0; count < 3; count += 1) await session.get(`http://some.test:${port}/`).text();
    await turns();
    const where = { address: "127.0.0.1", port };
    expect(events).toMatchObject([
      { ...where, exchanges: 1 },
      { ...where, exchanges: 2 },
    ]);
  });

  test("timings: every part of the last hop, which together are the whole", async () => {
    const server = createTlsServer(SERVER, (_request, reply) => reply.end("x"));
    const port = await listen(server);
    const session = real({}, { tls: { rejectUnauthorized: false } });
    const response = await session.post(`https://localhost:${port}/`, { body: "x".repeat(1_000) });
    await response.text();
    const { queued, dns, connect, tls, send, wait, receive, total } = response.timings;
    for (const part of [connect, tls, wait]) expect(part).toBeGreaterThan(0);
    for (const part of [queued, dns, send, receive]) expect(part).toBeGreaterThanOrEqual(0);
    expect(queued + dns + connect + tls + send + wait + receive).toBeCloseTo(total, 5);
    const again = await session.get(`https://localhost:${port}/`);
    expect(await again.text()).toBe("x");
    expect(again.timings).toMatchObject({ queued: 0, dns: 0, connect: 0, tls: 0 });
  });
});

describe("over a network in memory", () => {
  test("requestStart: the first of all", async () => {
    const { trace, events } = listening("requestStart");
    const net = new FakeNet();
    net.clock.advance(7);
    await net.session({ trace }).get(URL_A).text();
    expect(only(events)).toEqual({});
    expect(events[0]).toMatchObject({ event: "requestStart", method: "GET", url: SHOWN, time: net.clock.now() });
  });

  test("queueStart and queueEnd: which origin is waited for, and for how long", async () => {
    const { trace, events } = listening("queueStart", "queueEnd");
    const net = new FakeNet(() => undefined);
    const session = net.session({ trace }, { limit: 1 });
    const first = session.get("http://a.test/1").text();
    await turns();
    const second = session.get("http://a.test/2").text();
    await turns();
    net.clock.advance(25);
    net.connections[0]?.send(ok("one"));
    await first;
    net.connections[0]?.send(ok("two"));
    await second;
    await turns();
    const origin = "http://a.test";
    expect(events.filter(({ url }) => url.endsWith("2"))).toMatchObject([
      { event: "queueStart", origin },
      { event: "queueEnd", origin, elapsed: 25 },
    ]);
  });

  test("connectStart and connectEnd of a connection that a function makes, too", async () => {
    const { trace, events } = listening("connectStart", "connectEnd");
    const net = new FakeNet();
    net.dialing = async () => net.clock.advance(12);
    await net.session({ trace }).get(URL_A).text();
    net.dialing = () => Promise.reject(new Error("no"));
    await rejection(net.session({ trace }).get(URL_A));
    await turns();
    const where = { host: "a.test", address: "a.test", port: 80 };
    expect(events).toMatchObject([
      { event: "connectStart", ...where },
      { event: "connectEnd", ...where, elapsed: 12, code: undefined },
      { event: "connectStart", ...where },
      { event: "connectEnd", ...where, code: "connect/failed" },
    ]);
  });

  test("requestHeadersSent: names of fields, never values, bytes of the head, which attempt", async () => {
    const { trace, events } = listening("requestHeadersSent");
    const net = new FakeNet();
    await net
      .session({ trace })
      .get(URL_A, { headers: { authorization: "s3cret" } })
      .text();
    const { headerNames, bytes, attempt, traceparent } = only(events);
    expect([headerNames.includes("authorization"), attempt, traceparent]).toEqual([true, 1, undefined]);
    expect(bytes).toBe((net.seen[0]?.head.length ?? 0) + "\r\n\r\n".length);
    expect(JSON.stringify(events)).not.toContain("s3cret");
  });

  test("requestBodySent and responseBodyReceived: bytes on the wire", async () => {
    const { trace, events } = listening("requestBodySent", "responseBodyReceived");
    const net = new FakeNet(() => ok("hello"));
    await net.session({ trace }).post(URL_A, { body: "abc" }).text();
    await turns();
    expect(events).toMatchObject([
      { event: "requestBodySent", bytes: 3, attempt: 1 },
      { event: "responseBodyReceived", bytes: 5, attempt: 1 },
    ]);
  });

  test("informational: the status of each interim response", async () => {
    const { trace, events } = listening("informational");
    const net = new FakeNet(() => `HTTP/1.1 102 \r\n\r\nHTTP/1.1 103 Early\r\nlink: </s>\r\n\r\n${ok("x")}`);
    await net.session({ trace }).get(URL_A).text();
    await turns();
    expect(events).toMatchObject([
      { status: 102, attempt: 1 },
      { status: 103, attempt: 1 },
    ]);
  });

  test("responseHeaders: status, version, names of fields", async () => {
    const { trace, events } = listening("responseHeaders");
    const net = new FakeNet(() => answer(404, "x", "Set-Cookie: s3cret\r\n"));
    await (await net.session({ trace }).get(URL_A)).text();
    const headerNames = ["content-length", "Set-Cookie"];
    expect(only(events)).toEqual({ status: 404, httpVersion: "1.1", headerNames, attempt: 1 });
    expect(JSON.stringify(events)).not.toContain("s3cret");
  });

  test("requestRedirect: from where, with what, to where; what comes after concerns the new hop", async () => {
    const { trace, events } = listening("requestRedirect", "requestHeadersSent", "requestEnd");
    const net = new FakeNet(({ target }) => (target.startsWith("/x") ? redirect(303, "/y?also=s3cret") : ok("x")));
    await net.session({ trace }).post(URL_A, { body: "x" }).text();
    await turns();
    const to = "http://a.test/y?also=\u2026";
    expect(events).toMatchObject([
      { event: "requestHeadersSent", method: "POST", url: SHOWN, attempt: 1 },
      { event: "requestRedirect", method: "POST", url: SHOWN, status: 303, to },
      { event: "requestHeadersSent", method: "GET", url: to, attempt: 2 },
      { event: "requestEnd", method: "GET", url: to, status: 200, attempts: 2 },
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  test("requestRetry: which attempt comes, after how long, and why; it begins where the request began", async () => {
    const { trace, events } = listening("requestRetry", "requestHeadersSent");
    const net = new FakeNet((_request, { seen }) =>
      seen.length === 1 ? redirect(302, "/y") : seen.length === 2 ? answer(503) : ok("x"),
    );
    const retry = { attempts: 2, baseDelay: 10, random: () => 0.5 };
    const asked = net.session({ trace, retry }).get(URL_A).text();
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(10);
    await asked;
    await turns();
    expect(events).toMatchObject([
      { event: "requestHeadersSent", url: SHOWN },
      { event: "requestHeadersSent", url: "http://a.test/y" },
      { event: "requestRetry", attempt: 2, delay: 5, reason: "status 503" },
      { event: "requestHeadersSent", url: SHOWN, attempt: 3 },
    ]);
  });

  test("requestThrottled: for how long, and by which rate", async () => {
    const { trace, events } = listening("requestThrottled");
    const net = new FakeNet();
    const session = net.session({ trace, throttle: { requests: 10, per: 1_000 } });
    await session.get(URL_A).text();
    const held = session.get(URL_A).text();
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(30);
    await held;
    expect(only(events)).toMatchObject({ scope: "http://a.test" });
    expect(events[0]?.delay).toBeCloseTo(100, 0);
  });

  test("requestEnd and requestException: how it ended, after how many sends and how long", async () => {
    const { trace, events } = listening("requestEnd", "requestException");
    const net = new FakeNet(({ target, connection }) => {
      net.clock.advance(40);
      if (target !== "/broken") return answer(500, "x");
      connection.end();
      return undefined;
    });
    const session = net.session({ trace });
    await (await session.get("http://a.test/fine")).text();
    const error = await rejection(session.get("http://a.test/broken", { headers: { connection: "close" } }));
    const abort = AbortSignal.abort("enough");
    await rejection(session.get("http://a.test/aborted", { signal: abort }));
    await turns();
    expect(events).toMatchObject([
      { event: "requestEnd", status: 500, attempts: 1, elapsed: 40 },
      { event: "requestException", error, code: "connection/closed" },
      { event: "requestException", error: "enough", code: undefined, attempts: 0 },
    ]);
  });
});

describe("several listeners", () => {
  test("each set of a list is told, in its order, and a derived session's come after them", async () => {
    const said: string[] = [];
    const say = (name: string): ClientTrace => ({ requestEnd: () => said.push(name) });
    const session = new FakeNet().session({ trace: [say("one"), say("two")] });
    await session
      .extend({ trace: say("three") })
      .get(URL_A)
      .text();
    await turns();
    expect(said).toEqual(["one", "two", "three"]);
    await session.get(URL_A).text();
    await turns();
    expect(said.slice(3)).toEqual(["one", "two"]);
  });

  test("a fault of one does not keep the news from the others, nor from the channels", async () => {
    const said: string[] = [];
    const caught: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => caught.push(error));
    const heard = () => said.push("channel");
    subscribe("sluice:client:requestEnd", heard);
    const broken = new Error("listener");
    const faulty: ClientTrace = {
      requestEnd: () => {
        throw broken;
      },
    };
    const text = await new FakeNet()
      .session({ trace: [faulty, { requestEnd: () => said.push("other") }] })
      .get(URL_A)
      .text();
    await turns();
    unsubscribe("sluice:client:requestEnd", heard);
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
    expect([text, said, caught]).toEqual(["ok", ["other", "channel"], [broken]]);
  });

  test("an object of a class has its this, and members of its own", async () => {
    class Counter {
      count = 0;
      requestEnd(): void {
        this.count += 1;
      }
    }
    const counter = new Counter();
    await new FakeNet().session({ trace: counter }).get(URL_A).text();
    await turns();
    expect(counter.count).toBe(1);
  });

  test("an event that there is not, and a listener that is none, are refused", () => {
    const refused: [unknown, string][] = [
      [{ requestStrat: () => undefined }, "options/unknown"],
      [[{}, { requestStrat: () => undefined }], "options/unknown"],
      [{ requestStart: 7 }, "options/unknown-value"],
      [[7], "options/unknown-value"],
    ];
    for (const [trace, code] of refused) {
      expect(() => new FakeNet().session({ trace } as SessionOptions)).toThrow(expect.objectContaining({ code }));
    }
  });

  test("who subscribes to a channel hears of the requests that are made from then on", async () => {
    const session = new FakeNet().session();
    await session.get(URL_A).text();
    const said: string[] = [];
    const heard = (message: unknown) => said.push((message as { url: string }).url);
    subscribe("sluice:client:requestEnd", heard);
    await session.get(URL_A).text();
    await turns();
    unsubscribe("sluice:client:requestEnd", heard);
    await session.get(URL_A).text();
    await turns();
    expect(said).toEqual([SHOWN]);
  });
});

test("listeners run in the asynchronous context of whoever made the request, also on a connection that another opened", async () => {
  const storage = new AsyncLocalStorage<string>();
  const said: (string | undefined)[] = [];
  const note = () => said.push(storage.getStore());
  const session = new FakeNet().session({ trace: { requestStart: note, responseHeaders: note, requestEnd: note } });
  await storage.run("first", () => session.get(URL_A).text());
  await storage.run("second", () => session.get(URL_A).text());
  await turns();
  expect(said).toEqual(["first", "first", "first", "second", "second", "second"]);
});
