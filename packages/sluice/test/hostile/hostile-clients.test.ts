/** What clients do to hurt a server, over real sockets: it goes on serving the others, and nothing is left behind. */
import { afterEach, expect, test } from "vitest";
import type { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import { endAll, eventually, type Hosted, hosted, rawTo, stillServes } from "./hostile-places.js";

const LARGE = Buffer.alloc(8 * 1024 * 1024, "large ");

function routes(app: Application): void {
  app.get("/fine", () => "fine");
  app.get("/large", () => reply.bytes(LARGE));
  app.get("/stream", () => reply.stream(withoutEnd()));
  app.post("/echo", async (request) => reply.json({ length: (await request.bytes()).byteLength }));
  app.post("/early", () => reply.text("no\n", { status: 403 }));
  app.get("/wait", async (request) => {
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
    return null;
  });
}

async function* withoutEnd(): AsyncGenerator<Uint8Array> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    yield LARGE.subarray(0, 16 * 1024);
  }
}

/** The others are served, and when all is closed no connection is left. */
async function unharmed(host: Hosted): Promise<void> {
  expect(await stillServes(host)).toBe(true);
  await eventually(() => host.server.connections.open === 0);
  expect(host.errors).toEqual([]);
}

afterEach(async () => {
  expect(await endAll()).toEqual({ deadlines: 0 });
});

test("heads that drip (slowloris): each gets 408 after headersTimeout, all at once, while others are served", async () => {
  const host = await hosted(routes, { headersTimeout: 300 });
  const clients = await Promise.all(Array.from({ length: 40 }, () => rawTo(host)));
  const dripping = setInterval(() => {
    for (const client of clients) if (!client.closed) client.send("X-a: b\r\n");
  }, 50);
  for (const client of clients) client.send("GET /fine HTTP/1.1\r\nHost: a\r\n");
  expect(await stillServes(host)).toBe(true);
  await Promise.all(clients.map((client) => client.until(({ ended, closed }) => ended || closed)));
  clearInterval(dripping);
  for (const client of clients) {
    expect(client.received).toMatch(/^HTTP\/1\.1 408 /);
    client.socket.destroy();
  }
  await unharmed(host);
});

test("bodies that drip below the least rate end with 408", async () => {
  const host = await hosted(routes, { receiveGrace: 200, minReceiveRate: 1_000 });
  const client = await rawTo(host);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  const dripping = setInterval(() => client.closed || client.send("x"), 50);
  await client.until(({ ended, closed }) => ended || closed);
  clearInterval(dripping);
  expect(client.received).toMatch(/^HTTP\/1\.1 408 /);
  client.socket.destroy();
  await unharmed(host);
});

test("a client that says nothing is gone after headersTimeout, one that says nothing more after keepAliveTimeout", async () => {
  const host = await hosted(routes, { headersTimeout: 200, keepAliveTimeout: 200 });
  const silent = await rawTo(host);
  const satisfied = await rawTo(host);
  satisfied.send("GET /fine HTTP/1.1\r\nHost: a\r\n\r\n");
  await satisfied.untilReceived("fine");
  await eventually(() => silent.ended || silent.closed);
  await eventually(() => satisfied.ended || satisfied.closed);
  expect(silent.received).toBe("");
  silent.socket.destroy();
  satisfied.socket.destroy();
  await unharmed(host);
});

test("a client that never reads its answer is broken off after sendTimeout; memory stays bounded until then", async () => {
  const host = await hosted(routes, { sendTimeout: 400 });
  const client = await rawTo(host);
  client.socket.pause();
  const before = process.memoryUsage().rss;
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually(() => host.server.connections.open === 0);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  client.socket.destroy();
  await unharmed(host);
});

test("a hundred pipelined requests for large answers that nobody reads hold no more than a queue of them", async () => {
  const host = await hosted(routes, { sendTimeout: 400, maxPipelined: 4 });
  const client = await rawTo(host);
  client.socket.pause();
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
  await eventually(() => host.server.connections.open === 0);
  client.socket.destroy();
  await unharmed(host);
});

test("resets at every stage: before a byte, in a head, in a body, while waiting, while being answered", async () => {
  const host = await hosted(routes);
  const stages = [
    "",
    "GET /fi",
    "GET /fine HTTP/1.1\r\nHost: a\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /fi",
  ];
  for (const stage of stages) {
    const client = await rawTo(host);
    client.send(stage);
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.socket.resetAndDestroy();
  }
  await unharmed(host);
});

test("a client that says FIN after its request still gets its answer; FIN in the middle of one ends it", async () => {
  const host = await hosted(routes);
  const whole = await rawTo(host);
  whole.socket.end("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  expect(await whole.untilClosed()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"length":4\}/);
  const cut = await rawTo(host);
  cut.socket.end("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nbody");
  expect(await cut.untilClosed()).not.toMatch(/^HTTP\/1\.1 200 /);
  await unharmed(host);
});

test("endless heads, lines and field lists are refused when they pass their limit, not when they end", async () => {
  const host = await hosted(routes);
  const endless = [
    ["GET / HTTP/1.1\r\nHost: a\r\nX: ", "x".repeat(1_000), 431],
    ["GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n".repeat(200), 431],
    ["GET /", "y".repeat(1_000), 414],
    ["M", "M".repeat(1_000), 501],
    ["POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", "e".repeat(1_000), 413],
    ["POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "T: x\r\n".repeat(100), 431],
  ] as const;
  for (const [begin, more, status] of endless) {
    const client = await rawTo(host);
    client.send(begin);
    for (let pieces = 0; pieces < 200 && client.received === "" && !client.closed; pieces += 1) {
      client.send(more);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.untilReceived("\r\n\r\n");
    expect([begin.slice(0, 30), Number(client.received.slice(9, 12))]).toEqual([begin.slice(0, 30), status]);
    client.socket.destroy();
  }
  await unharmed(host);
});

test("a body beyond its limit is 413, declared or not, and is not taken in", async () => {
  const host = await hosted(routes, { maxBodySize: 1_000 });
  const declared = await rawTo(host);
  declared.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  expect(await declared.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 413 /);
  const chunked = await rawTo(host);
  chunked.send(
    `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"64\r\n".concat("x".repeat(100), "\r\n").repeat(20)}`,
  );
  expect(await chunked.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 413 /);
  declared.socket.destroy();
  chunked.socket.destroy();
  await unharmed(host);
});

test("after an early answer the upload that goes on does not hold the connection for ever", async () => {
  const host = await hosted(routes);
  const client = await rawTo(host);
  client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  await client.untilReceived("no\n");
  const going = setInterval(() => client.closed || client.send("x".repeat(60_000)), 5);
  await eventually(() => host.server.connections.open === 0);
  clearInterval(going);
  client.socket.destroy();
  await unharmed(host);
});

test("bytes after the end of a request are another request, and answered as one: 400", async () => {
  const host = await hosted(routes);
  const client = await rawTo(host);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokmore\r\n\r\n");
  const received = await client.until(({ ended, closed }) => ended || closed);
  expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 400 /);
  client.socket.destroy();
  await unharmed(host);
});

test("beyond maxConnections they wait, beyond maxWaiting they are closed; who has waited is served in turn", async () => {
  const host = await hosted(routes, { maxConnections: 2, maxWaiting: 2, headersTimeout: 5_000 });
  const clients: Awaited<ReturnType<typeof rawTo>>[] = [];
  for (let index = 0; index < 6; index += 1) clients.push(await rawTo(host));
  await eventually(() => clients.filter(({ ended, closed }) => ended || closed).length === 2);
  const open = clients.filter(({ ended, closed }) => !ended && !closed);
  for (const client of open) client.send("GET /fine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  for (const client of open) await client.until(({ received }) => received.endsWith("fine"));
  for (const client of clients) client.socket.destroy();
  await unharmed(host);
});
