import { writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/concurrency/clock.js";
import { ConnectError, DnsError } from "../../src/errors.js";
import type { DialEvents, Dialer } from "../../src/net/dial.js";
import { DnsCache } from "../../src/net/dns-cache.js";
import { dialed, dialFailure, newDialer, socketFolder } from "./connected-pair.js";
import { record, turns } from "./recorder.js";

let server: Server;
let port: number;
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => socket.destroy());
  });
  port = await listening(server, "127.0.0.1");
});
afterEach(() => closed(server));

async function listening(on: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => on.listen(0, host, resolve));
  const address = on.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function closed(on: Server): Promise<unknown> {
  for (const socket of accepted) socket.destroy();
  return new Promise((resolve) => on.close(resolve));
}

/** A port on loopback where nobody listens. */
async function deadPort(): Promise<number> {
  const unused = createServer();
  const free = await listening(unused, "127.0.0.1");
  await closed(unused);
  return free;
}

function withAddresses(addresses: readonly string[], more: object = {}): Dialer {
  return newDialer({ dns: new DnsCache(systemClock, { lookup: async () => addresses }), ...more });
}

/** Events as lines of text. */
function eventLog(): { readonly log: string[]; readonly events: DialEvents } {
  const log: string[] = [];
  const events: DialEvents = {
    onDnsCacheHit: (host) => log.push(`hit ${host}`),
    onDnsCacheMiss: (host) => log.push(`miss ${host}`),
    onDnsStart: (host) => log.push(`ask ${host}`),
    onDnsEnd: (host, addresses) => log.push(`found ${host} ${addresses.join(" ")}`),
    onConnectStart: (address) => log.push(`connect ${address}`),
    onConnectEnd: (address) => log.push(`connected ${address}`),
    onConnectFailed: (address, _port, error) => log.push(`failed ${address} ${Reflect.get(error, "code")}`),
  };
  return { log, events };
}

describe("dialing by name", () => {
  test("looks the name up once, then remembers, and tells each step", async () => {
    const dialer = withAddresses(["127.0.0.1"]);
    const first = eventLog();
    (await dialed({ host: "a.example", port }, dialer, first.events)).destroy();
    expect(first.log).toEqual([
      "miss a.example",
      "ask a.example",
      "found a.example 127.0.0.1",
      "connect 127.0.0.1",
      "connected 127.0.0.1",
    ]);
    const second = eventLog();
    (await dialed({ host: "a.example", port }, dialer, second.events)).destroy();
    expect(second.log).toEqual(["hit a.example", "connect 127.0.0.1", "connected 127.0.0.1"]);
  });

  test("reaches localhost through the system", async () => {
    const transport = await dialed({ host: "localhost", port });
    expect(transport.peer().remotePort).toBe(port);
    transport.destroy();
  });

  test("a name without addresses is a DnsError that names it", async () => {
    const dns = new DnsCache(systemClock, {
      lookup: () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" })),
    });
    const error = await dialFailure({ host: "no.example", port }, newDialer({ dns }));
    expect(error).toBeInstanceOf(DnsError);
    expect(error).toMatchObject({ code: "dns/not-found", phase: "dns", cause: { code: "ENOTFOUND" } });
    expect(String(error)).toBe("DnsError: Cannot resolve no.example: the name has no address (ENOTFOUND)");
  });

  test("each dialing that waited for one failing look-up has an error of its own", async () => {
    const dialer = newDialer({ dns: new DnsCache(systemClock, { lookup: async () => [] }) });
    const target = { host: "no.example", port };
    const [first, second] = await Promise.all([dialFailure(target, dialer), dialFailure(target, dialer)]);
    expect(first).toBeInstanceOf(DnsError);
    expect(first).not.toBe(second);
  });

  test.each([
    ["EAI_AGAIN", "dns/unavailable"],
    ["ETIMEOUT", "dns/unavailable"],
    ["ENODATA", "dns/not-found"],
    ["EMFILE", "connect/too-many-files"],
  ])("the name service's %s becomes %s", async (system, code) => {
    const lookup = () => Promise.reject(Object.assign(new Error("lookup"), { code: system }));
    const error = await dialFailure(
      { host: "a.example", port },
      newDialer({ dns: new DnsCache(systemClock, { lookup }) }),
    );
    expect(error).toMatchObject({ code, cause: { code: system } });
  });

  test("a look-up function that fails in its own words is quoted", async () => {
    const dns = new DnsCache(systemClock, { lookup: () => Promise.reject(new Error("the phone book is out")) });
    const error = await dialFailure({ host: "a.example", port }, newDialer({ dns }));
    expect(error).toMatchObject({ code: "dns/failed", message: "Cannot resolve a.example: the phone book is out" });
  });

  test("a look-up function that gives names instead of addresses is told so", async () => {
    const error = await dialFailure({ host: "a.example", port }, withAddresses(["b.example"]));
    expect(error).toMatchObject({ code: "dns/bad-answer", message: expect.stringContaining("received b.example") });
  });
});

describe("dialing addresses", () => {
  test("an IP literal needs no look-up, in brackets or not", async () => {
    const { log, events } = eventLog();
    (await dialed({ host: "127.0.0.1", port }, newDialer(), events)).destroy();
    expect(log).toEqual(["connect 127.0.0.1", "connected 127.0.0.1"]);
    const onIpv6 = createServer((socket) => accepted.push(socket));
    const ipv6Port = await listening(onIpv6, "::1");
    const transport = await dialed({ host: "[::1]", port: ipv6Port });
    expect(transport.peer().remoteAddress).toBe("::1");
    transport.destroy();
    await closed(onIpv6);
  });

  test("an address that refuses gives way to the next", async () => {
    const { log, events } = eventLog();
    const transport = await dialed({ host: "a.example", port }, withAddresses(["127.0.0.2", "127.0.0.1"]), events);
    expect(transport.peer().remoteAddress).toBe("127.0.0.1");
    expect(log.slice(3)).toEqual([
      "connect 127.0.0.2",
      "failed 127.0.0.2 ECONNREFUSED",
      "connect 127.0.0.1",
      "connected 127.0.0.1",
    ]);
    transport.destroy();
  });

  test("several addresses at once end in one connection, and the others are closed", async () => {
    const everywhere = createServer((socket) => accepted.push(socket));
    const openPort = await listening(everywhere, "0.0.0.0");
    const dialer = withAddresses(["127.0.0.1", "127.0.0.2", "127.0.0.3"], { happyEyeballsDelay: 0 });
    const transport = await dialed({ host: "a.example", port: openPort }, dialer);
    await turns();
    record(transport);
    const alive = accepted.filter((socket) => !socket.destroyed);
    for (const socket of alive) socket.on("error", () => socket.destroy()).write("hello");
    await turns();
    expect(
      alive.filter((socket) => !socket.destroyed && socket.remotePort === transport.peer().localPort),
    ).toHaveLength(1);
    transport.destroy();
    await closed(everywhere);
    expect(systemClock.armedCount).toBe(0);
  });

  test("when all fail, the error says so and keeps every cause", async () => {
    const dead = await deadPort();
    const error = await dialFailure({ host: "a.example", port: dead }, withAddresses(["127.0.0.1", "127.0.0.2"]));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: "connect/refused", phase: "connect", cause: { code: "ECONNREFUSED" } });
    expect(error instanceof ConnectError && error.causes.map((cause) => Reflect.get(cause, "address"))).toEqual([
      "127.0.0.1",
      "127.0.0.2",
    ]);
    expect(String(error)).toBe(
      `ConnectError: Cannot connect to a.example:${dead}: the connection was refused; nothing listens there, or a firewall refuses (2 addresses tried)`,
    );
  });

  test("a local address is connected from, and rules out the other family", async () => {
    const { log, events } = eventLog();
    const dialer = withAddresses(["::1", "127.0.0.1"]);
    const transport = await dialed({ host: "a.example", port, localAddress: "127.0.0.1" }, dialer, events);
    expect(transport.peer().localAddress).toBe("127.0.0.1");
    expect(log.slice(3)).toEqual(["connect 127.0.0.1", "connected 127.0.0.1"]);
    transport.destroy();
    const error = await dialFailure({ host: "127.0.0.1", port, localAddress: "::1" });
    expect(error).toMatchObject({ code: "connect/no-usable-address" });
  });

  test("a local address that is none is a usage error", async () => {
    const error = await dialFailure({ host: "127.0.0.1", port, localAddress: "here" });
    expect(error).toMatchObject({ name: "UsageError", code: "options/bad-address" });
  });
});

describe("the policy on addresses", () => {
  test("is asked for each address before it is connected to, with the host", async () => {
    const asked: string[] = [];
    const allowAddress = (address: string, host: string) => {
      asked.push(`${host} ${address}`);
      return address === "127.0.0.1";
    };
    const { log, events } = eventLog();
    const dialer = withAddresses(["127.0.0.2", "127.0.0.1"], { allowAddress });
    (await dialed({ host: "a.example", port }, dialer, events)).destroy();
    expect(asked).toEqual(["a.example 127.0.0.2", "a.example 127.0.0.1"]);
    expect(log.slice(3)).toEqual(["connect 127.0.0.1", "connected 127.0.0.1"]);
  });

  test("refuses IP literals too, and says which address; nothing is connected", async () => {
    const { log, events } = eventLog();
    const error = await dialFailure({ host: "127.0.0.1", port }, newDialer({ allowAddress: () => false }), events);
    expect(error).toMatchObject({ name: "ConnectError", code: "connect/address-refused" });
    expect(String(error)).toContain("Cannot connect to 127.0.0.1: allowAddress refuses it");
    expect(log).toEqual([]);
  });

  test("that throws, refuses, and is the cause", async () => {
    const broken = new Error("broken policy");
    const allowAddress = () => {
      throw broken;
    };
    const error = await dialFailure({ host: "a.example", port }, withAddresses(["127.0.0.1"], { allowAddress }));
    expect(error).toMatchObject({ code: "connect/address-refused", cause: { cause: broken } });
  });
});

describe("a Unix socket", () => {
  test("that is not there, or not one, is an error that names its path", async () => {
    const { path, remove } = socketFolder();
    const missing = await dialFailure({ host: "a.example", port: 80, unixSocket: path });
    expect(missing).toMatchObject({ code: "connect/no-such-socket", message: expect.stringContaining(path) });
    writeFileSync(path, "");
    const noSocket = await dialFailure({ host: "a.example", port: 80, unixSocket: path });
    expect(noSocket).toMatchObject({ code: "connect/refused" });
    remove();
  });

  test("is told as an attempt at its path, without DNS", async () => {
    const { path, remove } = socketFolder();
    const onPath = createServer((socket) => accepted.push(socket));
    await new Promise<void>((resolve) => onPath.listen(path, resolve));
    const { log, events } = eventLog();
    (await dialed({ host: "a.example", port: 80, unixSocket: path }, newDialer(), events)).destroy();
    expect(log).toEqual([`connect ${path}`, `connected ${path}`]);
    await closed(onPath);
    remove();
  });
});

describe("cancelling", () => {
  test.each(["resolving", "connecting"])("while %s ends in the reason, told once and not at once", async (state) => {
    const dialer = withAddresses(["127.0.0.1"]);
    if (state === "connecting") (await dialed({ host: "a.example", port }, dialer)).destroy();
    const before = accepted.length;
    const ends: unknown[] = [];
    const reason = new Error("changed my mind");
    const dialing = dialer.dial({ host: "a.example", port }, {}, (error) => ends.push(error));
    dialing.cancel(reason);
    dialing.cancel(new Error("another"));
    expect(ends).toEqual([]);
    await turns();
    expect(ends).toEqual([reason]);
    for (const socket of accepted.slice(before)) socket.resume();
    while (accepted.slice(before).some((socket) => !socket.destroyed)) await turns(1);
    expect(systemClock.armedCount).toBe(0);
  });

  test("after the end does nothing", async () => {
    const ends: unknown[] = [];
    const { promise, resolve } = deferred();
    const dialing = newDialer().dial({ host: "127.0.0.1", port }, {}, (error, transport) => {
      ends.push(error);
      resolve(transport);
    });
    const transport = await promise;
    dialing.cancel(new Error("too late"));
    await turns();
    expect(ends).toEqual([undefined]);
    expect(transport?.destroyed).toBe(false);
    transport?.destroy();
  });

  test("one of those who wait for a look-up leaves the others theirs", async () => {
    const dialer = withAddresses(["127.0.0.1"]);
    const cancelled: unknown[] = [];
    const dialing = dialer.dial({ host: "a.example", port }, {}, (error) => cancelled.push(error));
    const other = dialed({ host: "a.example", port }, dialer);
    dialing.cancel(new Error("mine only"));
    (await other).destroy();
    expect(cancelled).toHaveLength(1);
  });

  test("done is never called within dial", async () => {
    let within = true;
    const outcome = new Promise<boolean>((resolve) => {
      newDialer({ allowAddress: () => false }).dial({ host: "127.0.0.1", port }, {}, () => resolve(within));
    });
    within = false;
    expect(await outcome).toBe(false);
  });
});

describe("a dialer's options", () => {
  test.each([
    [{ happyEyeballsDelay: -1 }],
    [{ happyEyeballsDelay: Number.NaN }],
    [{ readBufferSize: 1023 }],
    [{ readBufferSize: 2 ** 24 + 1 }],
    [{ readBufferSize: 2048.5 }],
  ])("%o are refused", (options) => {
    expect(() => newDialer(options)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });

  test("the read buffer bounds the size of a piece, and is shared by all connections", async () => {
    const dialer = newDialer({ readBufferSize: 1024, happyEyeballsDelay: Number.POSITIVE_INFINITY });
    const transports = [
      await dialed({ host: "127.0.0.1", port }, dialer),
      await dialed({ host: "127.0.0.1", port }, dialer),
    ];
    await turns();
    const buffers = new Set<ArrayBufferLike>();
    for (const [index, transport] of transports.entries()) {
      const recorder = record(transport);
      recorder.onPiece = (piece) => {
        expect(piece.length).toBeLessThanOrEqual(1024);
        buffers.add(piece.buffer);
      };
      const text = String(index).repeat(10_000);
      accepted[index]?.write(text);
      await recorder.until(() => recorder.byteCount === 10_000);
      expect(recorder.text).toBe(text);
      transport.destroy();
    }
    expect(buffers.size).toBe(process.platform === "win32" ? 2 : 1);
  });
});

function deferred() {
  let resolve: (transport: Awaited<ReturnType<typeof dialed>> | undefined) => void = () => undefined;
  const promise = new Promise<Awaited<ReturnType<typeof dialed>> | undefined>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}
