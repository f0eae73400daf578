import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import type { Responder } from "../../src/server/exchange.js";
import { type ServerOptions, startServer } from "../../src/server/listen.js";
import { Reply } from "../../src/server/reply.js";
import type { Server } from "../../src/server/server.js";
import { deferred, get, streamed } from "../wire/server-link-setup.js";
import { text } from "./connection-setup.js";
import { RawClient } from "./raw-client.js";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const job of cleanUp.splice(0).reverse()) await job();
});

async function started(responder: Responder, options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await startServer(responder, { port: 0, host: "127.0.0.1", onError: () => undefined, ...options });
  cleanUp.push(() => server.close({ grace: 0 }));
  return server;
}

async function client(server: Server): Promise<RawClient> {
  const made = await RawClient.to(server);
  cleanUp.push(() => made.socket.destroy());
  return made;
}

/** A responder that answers /slow when told to, and anything else at once; tells when /slow was asked. */
function slowResponder() {
  const slow = deferred<Reply>();
  const asked = deferred<AbortSignal>();
  const responder: Responder = (exchange) => {
    if (exchange.target !== "/slow") return text(exchange.target);
    asked.resolve(exchange.signal);
    return slow.promise;
  };
  return { slow, asked: asked.promise, responder };
}

describe("closing within the grace", () => {
  test("idle connections end at once, running requests are answered with Connection: close, nobody new gets in", async () => {
    const { slow, asked, responder } = slowResponder();
    const server = await started(responder);
    const [idle, fresh, running] = [await client(server), await client(server), await client(server)];
    idle.send(get("/idle"));
    await idle.untilReceived("/idle");
    running.send(get("/slow"));
    const signal = await asked;
    const closing = server.close({ grace: 60_000 });
    await Promise.all([idle.untilClosed(), fresh.untilClosed()]);
    await expect(client(server)).rejects.toBeDefined();
    expect(signal.aborted).toBe(false);
    slow.resolve(text("slow answer"));
    expect(await running.untilClosed()).toMatch(/Connection: close\r\n\r\nslow answer$/);
    await closing;
    expect(server.connections.open).toBe(0);
  });

  test("a streamed answer is sent to its end", async () => {
    const gate = deferred<void>();
    const body = async function* () {
      yield Buffer.from("begin");
      await gate.promise;
      yield Buffer.from("end");
    };
    const server = await started(() => new Reply(200, [], streamed(body)));
    const raw = await client(server);
    raw.send(get("/"));
    await raw.untilReceived("begin");
    const closing = server.close();
    gate.resolve();
    expect(await raw.untilClosed()).toMatch(/3\r\nend\r\n0\r\n\r\n$/);
    await closing;
  });

  test("closing again waits for the same end, and so does disposal", async () => {
    const { slow, asked, responder } = slowResponder();
    const server = await started(responder);
    const raw = await client(server);
    raw.send(get("/slow"));
    await asked;
    const ends = [server.close(), server.close({ grace: 50_000 }), server[Symbol.asyncDispose]()];
    slow.resolve(text("x"));
    await Promise.all(ends);
    await server.close({ grace: 0 });
    await server.close();
  });

  test("a grace that is none is refused", async () => {
    const server = await started(() => text("x"));
    for (const grace of [-1, Number.NaN, "1" as unknown as number]) {
      await expect(server.close({ grace })).rejects.toMatchObject({ code: "options/out-of-range" });
    }
    const raw = await client(server);
    raw.send(get("/"));
    await raw.untilReceived("200 OK");
  });
});

describe("closing after the grace", () => {
  test("what still runs is broken off and its signal aborts; nothing stays armed", async () => {
    const clock = new ManualClock();
    const { asked, responder } = slowResponder();
    const server = await started(responder, { clock });
    const raw = await client(server);
    raw.send(get("/slow"));
    const signal = await asked;
    const closing = server.close({ grace: 5_000 });
    clock.advance(4_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    await closing;
    expect(signal.reason).toMatchObject({ code: "server/closed" });
    expect(await raw.untilClosed()).toBe("");
    expect(clock.armedCount).toBe(0);
  });

  test("no grace breaks off at once, also when closing has begun with more", async () => {
    const { asked, responder } = slowResponder();
    const server = await started(responder);
    const raw = await client(server);
    raw.send(get("/slow"));
    const signal = await asked;
    const patient = server.close({ grace: Number.POSITIVE_INFINITY });
    await server.close({ grace: 0 });
    await patient;
    expect(signal.aborted).toBe(true);
    await raw.untilClosed();
  });
});

describe("signals", () => {
  const listeners = () => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");

  test("are left alone unless asked for", async () => {
    const before = listeners();
    await started(() => text("x"));
    expect(listeners()).toBe(before);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s closes gracefully, a second one at once; listeners are removed",
    async (signal) => {
      const before = listeners();
      const { asked, responder } = slowResponder();
      const server = await started(responder, { signals: true });
      expect(listeners()).toBe(before + 2);
      const [idle, running] = [await client(server), await client(server)];
      running.send(get("/slow"));
      const aborted = await asked;
      process.emit(signal);
      await idle.untilClosed();
      expect(aborted.aborted).toBe(false);
      process.emit(signal);
      await running.untilClosed();
      await server.close();
      expect(aborted.aborted).toBe(true);
      expect(listeners()).toBe(before);
    },
  );
});
