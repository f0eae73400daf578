import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/concurrency/clock.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import { DnsCache, type DnsCacheOptions } from "../../src/net/dns-cache.js";
import { FakeNameServer } from "./fake-name-server.js";

const clock = new ManualClock();

/** A look-up answered by the test: `answers` by host, or a rejection for hosts without. */
function scriptedLookup(answers: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = [];
  const lookup = async (host: string): Promise<readonly string[]> => {
    asked.push(host);
    const found = answers[host];
    if (found === undefined) throw Object.assign(new Error(`queryA ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return found;
  };
  return { asked, lookup };
}

function resolved(cache: DnsCache, host: string): Promise<readonly string[]> {
  const known = cache.tryResolve(host);
  if (known !== undefined) return Promise.resolve(known.map(({ address }) => address));
  return new Promise((resolve, reject) => {
    cache.resolve(host, (failure, addresses) => {
      if (failure !== undefined) reject(failure);
      else resolve(addresses.map(({ address }) => address));
    });
  });
}

describe("DNS cache", () => {
  test("an answer is used again until its time is over", async () => {
    const { asked, lookup } = scriptedLookup({ "a.example": ["192.0.2.1"] });
    const cache = new DnsCache(clock, { lookup });
    expect(await resolved(cache, "a.example")).toEqual(["192.0.2.1"]);
    clock.advance(9_999);
    expect(cache.tryResolve("a.example")).toEqual([{ address: "192.0.2.1", family: 4 }]);
    clock.advance(1);
    expect(cache.tryResolve("a.example")).toBeUndefined();
    await resolved(cache, "a.example");
    expect(asked).toHaveLength(2);
  });

  test("a time to live of zero remembers nothing, of Infinity for ever", async () => {
    const { asked, lookup } = scriptedLookup({ "a.example": ["192.0.2.1"] });
    const forgetful = new DnsCache(clock, { lookup, ttl: 0 });
    await resolved(forgetful, "a.example");
    expect(forgetful.tryResolve("a.example")).toBeUndefined();
    expect(forgetful.size).toBe(0);
    const faithful = new DnsCache(clock, { lookup, ttl: Number.POSITIVE_INFINITY });
    await resolved(faithful, "a.example");
    clock.advance(10 ** 12);
    await resolved(faithful, "a.example");
    expect(asked).toHaveLength(2);
  });

  test("IP literals are their own answer and are not remembered", () => {
    const { asked, lookup } = scriptedLookup({});
    const cache = new DnsCache(clock, { lookup });
    expect(cache.tryResolve("192.0.2.7")).toEqual([{ address: "192.0.2.7", family: 4 }]);
    expect(cache.tryResolve("::1")).toEqual([{ address: "::1", family: 6 }]);
    expect([cache.size, asked.length]).toEqual([0, 0]);
  });

  test("those who ask while a look-up is on its way share its answer", async () => {
    const { asked, lookup } = scriptedLookup({ "a.example": ["192.0.2.1", "192.0.2.2"] });
    const cache = new DnsCache(clock, { lookup });
    const answers = await Promise.all([resolved(cache, "a.example"), resolved(cache, "a.example")]);
    expect(asked).toEqual(["a.example"]);
    expect(answers).toEqual([
      ["192.0.2.1", "192.0.2.2"],
      ["192.0.2.2", "192.0.2.1"],
    ]);
  });

  test("who leaves is not told; the look-up goes on for the others and the memory", async () => {
    const { asked, lookup } = scriptedLookup({ "a.example": ["192.0.2.1"], "b.example": ["192.0.2.2"] });
    const cache = new DnsCache(clock, { lookup });
    const told: string[] = [];
    cache.resolve("a.example", () => told.push("left")).leave();
    const other = resolved(cache, "a.example");
    cache.resolve("b.example", () => told.push("left")).leave();
    await other;
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    expect(cache.tryResolve("b.example")).toEqual([{ address: "192.0.2.2", family: 4 }]);
    expect(asked).toEqual(["a.example", "b.example"]);
  });

  test("failures reach all who wait, and are not remembered", async () => {
    const { asked, lookup } = scriptedLookup({});
    const cache = new DnsCache(clock, { lookup });
    const first = resolved(cache, "no.example");
    const second = resolved(cache, "no.example");
    await expect(first).rejects.toHaveProperty("code", "ENOTFOUND");
    await expect(second).rejects.toHaveProperty("code", "ENOTFOUND");
    await expect(resolved(cache, "no.example")).rejects.toHaveProperty("code", "ENOTFOUND");
    expect(asked).toHaveLength(2);
    expect(cache.size).toBe(0);
  });

  test("each use begins with the next address of its family; the first family stays first", async () => {
    const addresses = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"];
    const cache = new DnsCache(clock, { lookup: async () => addresses });
    expect(await resolved(cache, "a.example")).toEqual(addresses);
    expect(await resolved(cache, "a.example")).toEqual([
      "2001:db8::2",
      "2001:db8::1",
      "192.0.2.2",
      "192.0.2.3",
      "192.0.2.1",
    ]);
    const third = await resolved(cache, "a.example");
    expect([third[0], third[2]]).toEqual(["2001:db8::1", "192.0.2.3"]);
  });

  test("the least recently used host leaves first", async () => {
    const { lookup } = scriptedLookup({ a: ["192.0.2.1"], b: ["192.0.2.2"], c: ["192.0.2.3"] });
    const cache = new DnsCache(clock, { lookup, maxEntries: 2 });
    await resolved(cache, "a");
    await resolved(cache, "b");
    cache.tryResolve("a");
    await resolved(cache, "c");
    expect(cache.size).toBe(2);
    expect(cache.tryResolve("b")).toBeUndefined();
    expect(cache.tryResolve("a")).toBeDefined();
  });

  test("no entries at all: nothing is remembered, look-ups are still shared", async () => {
    const { asked, lookup } = scriptedLookup({ a: ["192.0.2.1"] });
    const cache = new DnsCache(clock, { lookup, maxEntries: 0 });
    await Promise.all([resolved(cache, "a"), resolved(cache, "a")]);
    expect([asked.length, cache.size]).toEqual([1, 0]);
  });

  test("clear forgets one host or all, and look-ups under way leave no trace", async () => {
    const { asked, lookup } = scriptedLookup({ a: ["192.0.2.1"], b: ["192.0.2.2"] });
    const cache = new DnsCache(clock, { lookup });
    await resolved(cache, "a");
    await resolved(cache, "b");
    cache.clear("a");
    expect([cache.tryResolve("a"), cache.tryResolve("b")?.length]).toEqual([undefined, 1]);
    const underWay = resolved(cache, "a");
    cache.clear();
    const anew = resolved(cache, "a");
    await underWay;
    await anew;
    expect(asked).toEqual(["a", "b", "a", "a"]);
    expect(cache.tryResolve("a")).toBeDefined();
    const cleared = resolved(cache, "b");
    cache.clear("b");
    await cleared;
    expect(cache.tryResolve("b")).toBeUndefined();
  });

  test("of an endless answer, 64 addresses are kept", async () => {
    const lookup = () => Array.from({ length: 5000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    expect(await resolved(new DnsCache(clock, { lookup }), "a.example")).toHaveLength(64);
  });

  test.each<[string, DnsCacheOptions["lookup"], RegExp]>([
    ["no address", () => [], /no addresses/],
    ["a name", () => ["b.example"], /expected IP addresses, received b\.example/],
    [
      "a throw",
      () => {
        throw new Error("broken");
      },
      /broken/,
    ],
    ["a rejection that is no error", () => Promise.reject("nothing"), /nothing/],
  ])("a user's look-up that gives %s is a failure", async (_title, lookup, message) => {
    await expect(resolved(new DnsCache(clock, { lookup }), "a.example")).rejects.toThrow(message);
  });

  test.each<[string, DnsCacheOptions, string]>([
    ["a negative time", { ttl: -1 }, "options/out-of-range"],
    ["no number", { ttl: Number.NaN }, "options/out-of-range"],
    ["a negative size", { maxEntries: -1 }, "options/out-of-range"],
    ["a server that is no address", { servers: ["dns.example"] }, "options/bad-dns-server"],
    ["a family that there is not", { family: 5 as 4 }, "options/out-of-range"],
    ["an option that there is not", { tll: 5 } as DnsCacheOptions, "options/unknown"],
    ["servers and a look-up", { servers: ["127.0.0.1"], lookup: () => [] }, "options/conflict"],
  ])("%s is refused", (_title, options, code) => {
    expect(() => new DnsCache(clock, options)).toThrow(expect.objectContaining({ code }));
  });

  test("one family on request, whoever finds the addresses; a host without any fails, literals stay", async () => {
    const both = ["2001:db8::1", "192.0.2.1", "2001:db8::2"];
    const { lookup } = scriptedLookup({ both, "four.example": ["192.0.2.1"] });
    const four = new DnsCache(clock, { lookup, family: 4 });
    expect(await resolved(four, "both")).toEqual(["192.0.2.1"]);
    const six = new DnsCache(clock, { lookup, family: 6 });
    expect(await resolved(six, "both")).toEqual(["2001:db8::1", "2001:db8::2"]);
    await expect(resolved(six, "four.example")).rejects.toMatchObject({
      code: "ENODATA",
      family: 6,
    });
    expect(six.tryResolve("192.0.2.9")).toEqual([{ address: "192.0.2.9", family: 4 }]);
  });

  test("the system knows localhost", async () => {
    const addresses = await resolved(new DnsCache(systemClock), "localhost");
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(["127.0.0.1", "::1"]).toContain(address);
  });
});

describe("DNS cache with chosen name servers", () => {
  let nameServer: FakeNameServer;
  beforeEach(async () => {
    nameServer = await FakeNameServer.start({
      "both.example": ["2001:db8::1", "192.0.2.1"],
      "four.example": ["192.0.2.1", "192.0.2.2"],
      "six.example": ["2001:db8::1"],
    });
  });
  afterEach(() => nameServer.close());

  test("asks for both families and gives IPv6 first", async () => {
    const cache = new DnsCache(clock, { servers: [nameServer.address] });
    expect(await resolved(cache, "both.example")).toEqual(["2001:db8::1", "192.0.2.1"]);
    expect([...nameServer.asked].sort()).toEqual(["A both.example", "AAAA both.example"]);
  });

  test("one family is enough", async () => {
    const cache = new DnsCache(clock, { servers: [nameServer.address] });
    expect([...(await resolved(cache, "four.example"))].sort()).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(await resolved(cache, "six.example")).toEqual(["2001:db8::1"]);
  });

  test("a name that has neither fails", async () => {
    const cache = new DnsCache(clock, { servers: [nameServer.address] });
    await expect(resolved(cache, "no.example")).rejects.toHaveProperty("code", "ENOTFOUND");
  });

  test("localhost is not asked of them (RFC 6761 §6.3)", async () => {
    const cache = new DnsCache(clock, { servers: [nameServer.address] });
    expect((await resolved(cache, "localhost")).length).toBeGreaterThan(0);
    expect(nameServer.asked).toEqual([]);
  });
});
