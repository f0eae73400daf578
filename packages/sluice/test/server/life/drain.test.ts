import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import type { Listener } from "../../../src/net/listen.js";
import { memoryPair } from "../../../src/net/memory.js";
import type { ServerOptions } from "../../../src/server/listen.js";
import { startServer } from "../../../src/server/listen.js";
import type { Reply } from "../../../src/server/reply.js";
import type { CloseOptions, Server } from "../../../src/server/server.js";
import { AUTHORITY, CLIENT, SELF_SIGNED, SERVER } from "../../net/certificates.js";
import { deferred, get } from "../../wire/server-link-setup.js";
import { text } from "../connection-setup.js";
import { RawClient } from "../raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

async function started(options: Partial<ServerOptions> = {}): Promise<Server> {
  const place = { port: 0, host: "127.0.0.1", onError: () => undefined };
  const server = await startServer((exchange) => text(exchange.target), { ...place, ...options });
  cleanUp.push(() => server.close({ grace: 0 }));
  return server;
}

async function client(server: Server): Promise<RawClient> {
  const made = await RawClient.to(server);
  cleanUp.push(() => made.socket.destroy());
  return made;
}

/** Lets what has been caused happen. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("the drain delay", () => {
  test("new clients and kept-alive ones are served as before until it is over, to the millisecond", async () => {
    const clock = new ManualClock();
    const server = await started({ clock });
    const early = await client(server);
    let over = false;
    const closing = server.close({ drainDelay: 3_000 }).then(() => {
      over = true;
    });
    const late = await client(server);
    for (const each of [early, late]) each.send(get("/during"));
    expect(await late.untilReceived("/during")).not.toContain("Connection: close");
    await early.untilReceived("/during");
    clock.advance(2_999);
    await settled();
    expect([over, server.closing, server.connections.open]).toEqual([false, true, 2]);
    clock.advance(1);
    await closing;
    expect(server.connections.open).toBe(0);
    await expect(client(server)).rejects.toBeDefined();
    expect(clock.armedCount).toBe(0);
  });

  test("the grace counts from its end", async () => {
    const clock = new ManualClock();
    const asked = deferred<void>();
    const never = (): Promise<Reply> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const server = await startServer(never, { port: 0, host: "127.0.0.1", clock, onError: () => undefined });
    cleanUp.push(() => server.close({ grace: 0 }));
    const raw = await client(server);
    raw.send(get("/never"));
    await asked.promise;
    const closing = server.close({ drainDelay: 1_000, grace: 500 });
    clock.advance(1_000);
    clock.advance(499);
    await settled();
    expect(server.connections.open).toBe(1);
    clock.advance(1);
    await closing;
    expect(clock.armedCount).toBe(0);
  });

  test.each<[what: string, again: CloseOptions, ends: boolean]>([
    ["no grace", { grace: 0 }, true],
    ["no delay", { drainDelay: 0 }, true],
    ["nothing", {}, false],
    ["a longer delay", { drainDelay: 60_000 }, false],
  ])("closing again with %s: %o", async (_what, again, ends) => {
    const clock = new ManualClock();
    const server = await started({ clock });
    const first = server.close({ drainDelay: 3_000 });
    const second = server.close(again);
    await settled();
    expect(await Promise.race([second.then(() => true), settled().then(() => false)])).toBe(ends);
    clock.advance(3_000);
    await Promise.all([first, second]);
    expect(clock.armedCount).toBe(0);
  });

  test("a shorter delay counts from then on", async () => {
    const clock = new ManualClock();
    const server = await started({ clock });
    const closing = server.close({ drainDelay: 3_000 });
    clock.advance(1_000);
    void server.close({ drainDelay: 500 });
    clock.advance(500);
    await closing;
  });

  test.each([{ drainDelay: -1 }, { drainDelay: Number.NaN }, { drainDelay: Number.POSITIVE_INFINITY }])(
    "%o is refused, and the server goes on",
    async (options) => {
      const server = await started();
      await expect(server.close(options)).rejects.toMatchObject({ code: "options/out-of-range" });
      await expect(server.close({ delay: 1 } as CloseOptions)).rejects.toMatchObject({ code: "options/unknown" });
      expect(server.closing).toBe(false);
    },
  );

  test("signals can have one; the second signal ends it", async () => {
    const clock = new ManualClock();
    const server = await started({ clock, signals: { drainDelay: 60_000 } });
    process.emit("SIGTERM");
    await settled();
    const during = await client(server);
    during.send(get("/during"));
    await during.untilReceived("/during");
    process.emit("SIGTERM");
    await server.close();
    expect(clock.armedCount).toBe(0);
  });

  test("options of signals are checked before there is anything to close", async () => {
    await expect(started({ signals: { grace: -1 } })).rejects.toMatchObject({ code: "options/out-of-range" });
    await expect(started({ signals: 7 as never })).rejects.toMatchObject({ code: "options/unknown-value" });
  });
});

describe("reloadTls", () => {
  test("serves old connections on, and new ones with the new certificate", async () => {
    const server = await started({ tls: SERVER });
    const kept = await RawClient.toTls(server, AUTHORITY);
    cleanUp.push(() => kept.socket.destroy());
    server.reloadTls(SELF_SIGNED);
    kept.send(get("/kept"));
    await kept.untilReceived("/kept");
    const fresh = await RawClient.toTls(server, SELF_SIGNED.cert);
    cleanUp.push(() => fresh.socket.destroy());
    fresh.send(get("/fresh"));
    await fresh.untilReceived("/fresh");
    expect(() => server.reloadTls({ ...SELF_SIGNED, key: CLIENT.key })).toThrow(/refused/);
    kept.send(get("/again"));
    await kept.untilReceived("/again");
  });

  test("is refused where there is no TLS, or no way", async () => {
    const plain = await started();
    expect(() => plain.reloadTls(SERVER)).toThrow(expect.objectContaining({ code: "listen/no-tls" }));
    const listener: Listener = {
      address: { host: "somewhere", port: 7, path: undefined },
      secure: true,
      connections: 0,
      close: async () => undefined,
      ref() {},
      unref() {},
    };
    const [, far] = memoryPair();
    const foreign = await startServer(() => text("x"), {
      onError: () => undefined,
      open: ({ onConnection }) => {
        onConnection(far);
        return listener;
      },
    });
    cleanUp.push(() => foreign.close({ grace: 0 }));
    expect(() => foreign.reloadTls(SERVER)).toThrow(expect.objectContaining({ code: "listen/no-tls" }));
  });
});
