import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { memoryPair } from "../../src/net/memory.js";
import type { Transport } from "../../src/net/transport.js";
import { type ConnectionOptions, resolveConnectionOptions } from "../../src/server/connection-options.js";
import { ConnectionSet } from "../../src/server/connection-set.js";
import type { Responder } from "../../src/server/exchange.js";
import { linkSettingsFrom } from "../../src/server/listen.js";
import type { Reply } from "../../src/server/reply.js";
import { deferred, get } from "../wire/server-link-setup.js";
import { echo, text } from "./connection-setup.js";

/** A client in memory: what it has received, and whether it was closed. */
class Client {
  received = "";
  ended = false;
  closed = false;
  readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
    transport.attach({
      onData: (bytes) => {
        this.received += Buffer.from(bytes).toString("latin1");
      },
      onEnd: () => {
        this.ended = true;
        transport.end();
      },
      onDrain: () => undefined,
      onClose: () => {
        this.closed = true;
      },
    });
  }
}

function connections(options: ConnectionOptions, responder: Responder = echo) {
  const clock = new ManualClock();
  const resolved = resolveConnectionOptions(options);
  const set = new ConnectionSet({
    responder,
    options: resolved,
    linkSettings: linkSettingsFrom(resolved, clock),
    clock,
    onError: () => undefined,
  });
  const connect = (): Client => {
    const [client, server] = memoryPair();
    set.add(server);
    return new Client(client);
  };
  return { clock, set, connect };
}

async function turns(): Promise<void> {
  for (let count = 0; count < 4; count += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("maxConnections", () => {
  test("more wait unread, and are served first come, first served, as places become free", async () => {
    const { set, connect } = connections({ maxConnections: 2, maxWaiting: 5 });
    const clients = [connect(), connect(), connect(), connect()];
    for (const client of clients) client.transport.write(get("/", "X: y\r\n"));
    await turns();
    expect(clients.map((client) => client.received !== "")).toEqual([true, true, false, false]);
    expect(set.stats).toEqual({ open: 2, idle: 2, upgraded: 0, waiting: 2, accepted: 2, refused: 0 });
    clients[0]?.transport.end();
    await turns();
    expect(clients.map((client) => client.received !== "")).toEqual([true, true, true, false]);
    clients[1]?.transport.destroy();
    await turns();
    expect(clients.map((client) => client.received !== "")).toEqual([true, true, true, true]);
    expect(set.stats).toEqual({ open: 2, idle: 2, upgraded: 0, waiting: 0, accepted: 4, refused: 0 });
  });

  test("beyond maxWaiting they are closed at once", async () => {
    for (const maxWaiting of [0, 1, 2]) {
      const { set, connect } = connections({ maxConnections: 1, maxWaiting });
      const clients = [connect(), connect(), connect(), connect()];
      await turns();
      expect(clients.map((client) => client.closed)).toEqual([0, 1, 2, 3].map((at) => at > maxWaiting));
      expect(set.stats).toMatchObject({ open: 1, waiting: maxWaiting, refused: 3 - maxWaiting });
    }
  });

  test("Infinity switches it off", async () => {
    const { set, connect } = connections({ maxConnections: Number.POSITIVE_INFINITY, maxWaiting: 0 });
    for (let count = 0; count < 100; count += 1) connect();
    expect(set.stats).toMatchObject({ open: 100, waiting: 0, refused: 0 });
  });

  test("who waits for headersTimeout is closed, each at its own time", async () => {
    const { clock, set, connect } = connections(
      { maxConnections: 1, maxWaiting: 5, headersTimeout: 1_000 },
      () => new Promise<Reply>(() => undefined),
    );
    connect().transport.write(get("/"));
    await turns();
    const first = connect();
    clock.advance(400);
    const second = connect();
    clock.advance(599);
    await turns();
    expect([first.closed, second.closed]).toEqual([false, false]);
    clock.advance(1);
    await turns();
    expect([first.closed, second.closed]).toEqual([true, false]);
    clock.advance(400);
    await turns();
    expect(second.closed).toBe(true);
    expect(set.stats).toEqual({ open: 1, idle: 0, upgraded: 0, waiting: 0, accepted: 1, refused: 2 });
  });

  test("one that has left while it waited takes no place", async () => {
    const { set, connect } = connections({ maxConnections: 1, maxWaiting: 5 });
    const clients = [connect(), connect(), connect()];
    clients[1]?.transport.destroy();
    clients[2]?.transport.write(get("/"));
    clients[0]?.transport.destroy();
    await turns();
    expect(clients[2]?.received).toContain("200 OK");
    expect(set.stats.open).toBe(1);
  });
});

describe("the end of all connections", () => {
  test("retiring closes idle and waiting ones, answers what runs, and takes no more", async () => {
    const slow = deferred<Reply>();
    const { clock, set, connect } = connections({ maxConnections: 2 }, () => slow.promise);
    const running = connect();
    const idle = connect();
    const waiting = connect();
    running.transport.write(get("/"));
    await turns();
    set.retire();
    set.retire();
    const late = connect();
    await turns();
    expect([running, idle, waiting, late].map((client) => client.closed)).toEqual([false, true, true, true]);
    let empty = false;
    const gone = set.whenEmpty().then(() => {
      empty = true;
    });
    await turns();
    expect(empty).toBe(false);
    slow.resolve(text("done"));
    await gone;
    expect(running.received).toMatch(/Connection: close\r\n\r\ndone$/);
    expect(set.stats).toMatchObject({ open: 0, waiting: 0 });
    expect(clock.armedCount).toBe(0);
    await set.whenEmpty();
  });

  test("destroying breaks off what runs: its signal says why", async () => {
    let signal: AbortSignal | undefined;
    const { clock, set, connect } = connections({}, (exchange) => {
      signal = exchange.signal;
      return new Promise<Reply>(() => undefined);
    });
    const running = connect();
    running.transport.write(get("/"));
    await turns();
    set.destroy();
    await set.whenEmpty();
    await turns();
    expect(signal?.reason).toMatchObject({ code: "server/closed" });
    expect(running.closed).toBe(true);
    expect(clock.armedCount).toBe(0);
  });

  test("a hundred connections in all states leave nothing behind", async () => {
    const { clock, set, connect } = connections({ maxConnections: 50 }, (exchange) =>
      exchange.target === "/never" ? new Promise<Reply>(() => undefined) : echo(exchange),
    );
    const wires = [
      "",
      "GET",
      get("/"),
      get("/never"),
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
      "junk\r\n",
    ];
    for (let count = 0; count < 100; count += 1) connect().transport.write(wires[count % wires.length] ?? "");
    await turns();
    expect(clock.armedCount).toBeGreaterThan(0);
    set.destroy();
    await set.whenEmpty();
    expect(set.stats).toMatchObject({ open: 0, waiting: 0 });
    expect(clock.armedCount).toBe(0);
  });
});
