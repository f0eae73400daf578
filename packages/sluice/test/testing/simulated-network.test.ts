import { describe, expect, test } from "vitest";
import { ClientSession } from "../../src/client/session.js";
import { CallbackDeadline } from "../../src/concurrency/deadline.js";
import { sleep } from "../../src/concurrency/sleep.js";
import { ConnectError, ConnectionLostError, DnsError, RequestTimeoutError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import { reply } from "../../src/server/reply-kinds.js";
import type { SimulatedEvent } from "../../src/testing/simulation/event-log.js";
import { SimulatedClock } from "../../src/testing/simulation/simulated-clock.js";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "../../src/testing/simulation/simulated-network.js";
import { rejection } from "../client/fake-net.js";

function greeter(): Application {
  const app = new Application();
  app.get("/hello", () => "hello");
  app.post("/echo", async (request) => reply.bytes(await request.bytes()));
  app.get("/big", () => reply.bytes(Buffer.alloc(200_000, "x")));
  app.get("/never", () => new Promise<string>(() => undefined));
  return app;
}

describe("a quiet network", () => {
  test("client and server speak over it, on a clock that goes on by itself", async () => {
    await using net = new SimulatedNetwork({ latency: 50 });
    const server = await net.listen(greeter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    const start = performance.now();
    expect(await session.get("http://a.example/hello").text()).toBe("hello");
    expect(await session.post("http://a.example/echo", { body: "again" }).text()).toBe("again");
    // DNS, two ways to connect, two ways for each request.
    expect(net.clock.now()).toBe(50 + 100 + 100 + 100);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(server.url).toBe("http://a.example:80");
    expect(server.connections).toMatchObject({ open: 1, accepted: 1 });
    expect(net.openEnds).toBe(2);
  });

  test("hours are nothing", async () => {
    await using net = new SimulatedNetwork();
    await net.listen(greeter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector(), timeout: { headers: 3_600_000 } });
    const error = await rejection(session.get("http://a.example/never"));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(net.clock.now()).toBeGreaterThan(3_600_000);
  });

  test("https needs no certificate, and both sides know of it", async () => {
    await using net = new SimulatedNetwork({ latency: 10 });
    const app = new Application();
    app.get("/", (request) => `${request.protocol} ${request.remoteAddress}`);
    const server = await net.listen(app, "https://b.example:8443");
    await using session = new ClientSession({ connector: net.connector() });
    const response = await session.get("https://b.example:8443/");
    expect(await response.text()).toBe("https 10.0.0.1");
    expect(response.remotePort).toBe(8443);
    expect(server.url).toBe("https://b.example:8443");
  });

  test("bodies larger than the window wait for room, and arrive whole", async () => {
    await using net = new SimulatedNetwork({ bandwidth: 100_000, highWaterMark: 10_000 });
    await net.listen(greeter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    expect((await session.get("http://a.example/big").bytes()).byteLength).toBe(200_000);
    expect(net.clock.now()).toBeGreaterThan(2_000);
    const body = Buffer.alloc(300_000, "y");
    expect(body.equals(await session.post("http://a.example/echo", { body }).bytes())).toBe(true);
  });

  test("where nobody listens, or no longer, the connection is refused", async () => {
    await using net = new SimulatedNetwork();
    await using session = new ClientSession({ connector: net.connector() });
    const error = await rejection(session.get("http://a.example/"));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.code).toBe("connect/refused");
    const server = await net.listen(greeter(), "http://a.example");
    expect(await session.get("http://a.example/hello").text()).toBe("hello");
    await server.close();
    expect((await rejection(session.get("http://a.example/hello"))).code).toBe("connect/refused");
    expect(net.openEnds).toBe(0);
    await net.listen(greeter(), "http://a.example");
  });

  test("knows which timers clients and servers have running", async () => {
    await using net = new SimulatedNetwork({ latency: 5 });
    await net.listen(greeter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    expect(net.pendingTimers).toBe(0);
    const asked = session.get("http://a.example/hello").text();
    await sleep(7, { clock: net.clock });
    expect(net.pendingTimers).toBeGreaterThan(0);
    expect(net.pendingTimers).toBeLessThan(net.clock.armedCount);
    await asked;
    await net.close();
    expect(net.pendingTimers).toBe(0);
  });

  test("what was made on it is closed with it, and time stands still then", async () => {
    const net = new SimulatedNetwork();
    const server = await net.listen(greeter(), "http://a.example");
    const connector = net.connector();
    const session = new ClientSession({ connector });
    await session.get("http://a.example/hello").text();
    await net.close();
    expect([connector.closed, server.connections.open, net.openEnds]).toEqual([true, 0, 0]);
    let rang = false;
    net.clock.arm(
      new CallbackDeadline(() => {
        rang = true;
      }),
      1,
    );
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(rang).toBe(false);
  });
});

/** Sends `count` GETs one after the other and tells what became of each. */
async function outcomes(
  options: SimulatedNetworkOptions,
  count = 40,
): Promise<{ codes: string[]; net: SimulatedNetwork }> {
  const net = new SimulatedNetwork(options);
  await net.listen(greeter(), "http://a.example");
  const session = new ClientSession({ connector: net.connector(), timeout: { total: 30_000 } });
  const codes: string[] = [];
  for (let n = 0; n < count; n += 1) {
    try {
      codes.push(await session.get("http://a.example/hello").text());
    } catch (error) {
      codes.push((error as { code: string }).code);
    }
  }
  await session.close();
  await net.close();
  return { codes, net };
}

describe("a bad one", () => {
  test.each<[keyof SimulatedNetworkOptions, string]>([
    ["refusals", "connect/refused"],
    ["dnsFailures", "dns/not-found"],
    ["resets", "connection/lost"],
    ["halfCloses", "connection/closed"],
  ])("%s: some requests fail with %s, others do not", async (condition, code) => {
    // A kept connection meets no refusals: one in a hundred resets has it made anew now and then.
    const { codes } = await outcomes({ seed: 7, resets: 0.05, [condition]: 0.3 }, 120);
    expect(codes).toContain(code);
    expect(codes).toContain("hello");
  });

  test("stalls hold up what they hit, connecting too", async () => {
    const { codes, net } = await outcomes({ seed: 3, stalls: 0.2, stallTime: [1_000, 40_000] });
    expect(codes).toContain("timeout.total");
    expect(codes).toContain("hello");
    expect(net.clock.now()).toBeGreaterThan(10_000);
  });

  test("splits and joins change nothing but the pieces", async () => {
    const sizes: number[] = [];
    const onEvent = ({ kind, end, size }: SimulatedEvent) => {
      if (kind === "data" && end === "server") sizes.push(size);
    };
    const { codes } = await outcomes({ seed: 5, splits: 0.8, joins: 0.3, latency: [1, 30], onEvent });
    expect(new Set(codes)).toEqual(new Set(["hello"]));
    expect(new Set(sizes).size).toBeGreaterThan(20);
    expect(sizes).toContain(1);
  });

  test("conditions can change: a bad hour, and its end", async () => {
    await using net = new SimulatedNetwork({ seed: 1 });
    await net.listen(greeter(), "http://a.example");
    await using session = new ClientSession({ connector: net.connector() });
    net.change({ refusals: 1 });
    expect(await rejection(session.get("http://a.example/hello"))).toBeInstanceOf(ConnectError);
    net.change({ refusals: 0, dnsFailures: 1 });
    expect(await rejection(session.get("http://a.example/hello"))).toBeInstanceOf(DnsError);
    net.change({ dnsFailures: 0, resets: 1 });
    expect(await rejection(session.get("http://a.example/hello"))).toBeInstanceOf(ConnectionLostError);
    net.change({ resets: 0 });
    expect(await session.get("http://a.example/hello").text()).toBe("hello");
    expect(net.conditions).toMatchObject({ refusals: 0, resets: 0, latency: 1 });
  });
});

describe("a seed", () => {
  const weather = { latency: [1, 80], splits: 0.3, joins: 0.2, stalls: 0.05, resets: 0.03, refusals: 0.1 } as const;

  test("makes the same things happen at the same moments, every time", async () => {
    const runs = [await outcomes({ seed: 42, ...weather }), await outcomes({ seed: 42, ...weather })];
    expect(runs[0]?.codes).toEqual(runs[1]?.codes);
    expect(runs[0]?.net.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(runs[0]?.net.digest).toBe(runs[1]?.net.digest);
    expect(runs[0]?.net.eventCount).toBeGreaterThan(100);
    expect(runs[0]?.net.clock.now()).toBe(runs[1]?.net.clock.now());
  });

  test("another makes others", async () => {
    const digests = new Set<string>();
    for (let seed = 0; seed < 5; seed += 1) digests.add((await outcomes({ seed, ...weather })).net.digest);
    expect(digests.size).toBe(5);
  });

  test("decides the jitter of retries and throttles, and moves the clock that cookies expire by", async () => {
    const times: number[] = [];
    for (const seed of [4, 4, 5]) {
      await using net = new SimulatedNetwork({ seed });
      const app = new Application();
      app.get("/busy", () => reply.text("later", { status: 503 }));
      app.get("/set", () => reply.text("set").setCookie("a", "1", { maxAgeSeconds: 60 }));
      app.get("/cookies", (request) => request.headers.get("cookie") ?? "none");
      await net.listen(app, "http://a.example");
      const throttle = { requests: 100, jitter: [0, 1_000] } as const;
      await using session = new ClientSession({ connector: net.connector(), retry: 4, throttle });
      expect((await session.get("http://a.example/busy")).status).toBe(503);
      times.push(net.clock.now());
      await session.get("http://a.example/set");
      expect(await session.get("http://a.example/cookies").text()).toBe("a=1");
      await sleep(61_000, { clock: net.clock });
      expect(await session.get("http://a.example/cookies").text()).toBe("none");
    }
    expect(times[1]).toBe(times[0]);
    expect(times[2]).not.toBe(times[0]);
  });

  test("gives the test numbers of its own, which change nothing of the network's", async () => {
    const first = new SimulatedNetwork({ seed: 9 });
    const second = new SimulatedNetwork({ seed: 9 });
    const numbers = [first.random(), first.random()];
    expect([second.random(), second.random()]).toEqual(numbers);
    expect(new SimulatedNetwork({ seed: 10 }).random()).not.toBe(numbers[0]);
    expect(first.digest).toBe(second.digest);
  });
});

describe("run", () => {
  test("gives what the work gives, or throws what it throws", async () => {
    await using net = new SimulatedNetwork();
    expect(await net.run(() => 1)).toBe(1);
    expect(
      await net.run(async () => {
        await sleep(100_000, { clock: net.clock });
        return "woken";
      }),
    ).toBe("woken");
    await expect(
      net.run(() => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
  });

  test("work that can never end is found out, with time and seed", async () => {
    await using net = new SimulatedNetwork({ seed: 77 });
    const stuck = net.run(async () => {
      await sleep(1_000, { clock: net.clock });
      await new Promise(() => undefined);
    });
    expect(await rejection(stuck)).toMatchObject({
      code: "simulation/stuck",
      message: expect.stringContaining("at 1000 ms, seed 77"),
    });
  });
});

describe("SimulatedClock", () => {
  test("goes on while something is armed, from deadline to deadline, and is still then", async () => {
    const clock = new SimulatedClock();
    const rang: number[] = [];
    const bell = new CallbackDeadline(() => {
      rang.push(clock.now());
      if (rang.length < 3) clock.arm(bell, 1_000_000);
    });
    await clock.still();
    clock.arm(bell, 5);
    await clock.still();
    expect(rang).toEqual([5, 1_000_005, 2_000_005]);
    expect(clock.armedCount).toBe(0);
  });
});

describe("calls that cannot be", () => {
  test.each<[string, () => unknown, string]>([
    ["an unknown option", () => new SimulatedNetwork({ lag: 1 } as object), "options/unknown"],
    ["a chance beyond 1", () => new SimulatedNetwork({ resets: 2 }), "options/out-of-range"],
    ["a negative latency", () => new SimulatedNetwork({ latency: -1 }), "options/out-of-range"],
    ["a range the wrong way round", () => new SimulatedNetwork({ latency: [2, 1] }), "options/out-of-range"],
    ["no bandwidth", () => new SimulatedNetwork({ bandwidth: 0 }), "options/out-of-range"],
    ["no window", () => new SimulatedNetwork({ highWaterMark: 0 }), "options/out-of-range"],
    ["half a seed", () => new SimulatedNetwork({ seed: 1.5 }), "options/out-of-range"],
    ["a change that cannot be", () => new SimulatedNetwork().change({ splits: Number.NaN }), "options/out-of-range"],
    ["an unknown connector option", () => new SimulatedNetwork().connector({ limt: 1 } as object), "options/unknown"],
  ])("%s", (_name, call, code) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });

  test("listening at what is no origin, or twice", async () => {
    await using net = new SimulatedNetwork();
    for (const origin of ["a.example", "http://a.example/path", ""]) {
      expect((await rejection(net.listen(greeter(), origin))).code).toBe("url/invalid");
    }
    await net.listen(greeter(), new URL("http://a.example"));
    expect((await rejection(net.listen(greeter(), "http://a.example:80"))).code).toBe("listen/address-in-use");
  });
});
