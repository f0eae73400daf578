import { describe, expect, test } from "vitest";
import { memoryPair } from "../../src/net/memory.js";
import { ScriptedTransport } from "../../src/net/scripted.js";
import type { ConnectionOptions } from "../../src/server/connection-options.js";
import type { Responder } from "../../src/server/exchange.js";
import { Reply } from "../../src/server/reply.js";
import { deferred, get, inMemory, streamed } from "../wire/server-link-setup.js";
import { echo, text, timed, Watched } from "./connection-setup.js";

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
const STATUS = /^HTTP\/1\.1 (\d+) /;
const statusOf = (written: string) => STATUS.exec(written)?.[1];

describe("headersTimeout", () => {
  test("a connection that sends nothing is closed without a word", async () => {
    const served = timed(echo, { headersTimeout: 1_000 });
    await served.pass(999);
    expect(served.closed).toBe(0);
    expect(await served.pass(1)).toBe("");
    expect(served.closed).toBe(1);
    expect(served.clock.armedCount).toBe(0);
  });

  test("a head that drips is answered with 408 when its time is over, counted from the connection's begin", async () => {
    const served = timed(echo, { headersTimeout: 1_000 });
    await served.pass(500);
    for (const byte of "GET / HTTP/1.1\r\n") {
      await served.packets(byte);
      await served.pass(30);
    }
    expect(served.transport.ended).toBe(false);
    const written = await served.pass(500);
    expect(statusOf(written)).toBe("408");
    expect(written).toContain("Connection: close\r\n");
    expect(served.transport.ended).toBe(true);
  });

  test("of a later request it counts from its first byte, and pipelined requests before it are answered", async () => {
    const served = timed(echo, { headersTimeout: 1_000, keepAliveTimeout: 50_000 });
    await served.packets(get("/"));
    await served.pass(40_000);
    await served.packets("GET ");
    expect(await served.pass(999)).toBe("");
    const gone = await served.pass(1);
    expect(statusOf(gone)).toBe("408");

    const slow = deferred<Reply>();
    const queued = timed(() => slow.promise, { headersTimeout: 1_000 });
    await queued.packets(`${get("/1")}GET /2`);
    expect(await queued.pass(1_000)).toBe("");
    slow.resolve(text("first"));
    expect(await queued.settled()).toMatch(/^HTTP\/1\.1 200 .*firstHTTP\/1\.1 408 /s);
  });

  test("each head has its own time, even if the next begins in the packet that ends the last", async () => {
    const served = timed(() => new Promise<Reply>(() => undefined), { headersTimeout: 1_000, maxPipelined: 9 });
    await served.packets(get("/1").slice(0, 10));
    await served.pass(900);
    await served.packets(get("/1").slice(10) + get("/2").slice(0, 10));
    await served.pass(900);
    await served.packets(get("/2").slice(10) + get("/3").slice(0, 10));
    await served.pass(900);
    await served.packets(get("/3").slice(10));
    await served.pass(100_000);
    expect(served.transport.ended).toBe(false);
    expect(served.closed).toBe(0);
  });

  test("when the server closes, a head that has begun gets a second: 408, after the answers that are owed", async () => {
    const served = timed(echo, { headersTimeout: 60_000 });
    await served.packets("GET / HTTP/1.1\r\nHo");
    served.connection.retire();
    expect(await served.pass(999)).toBe("");
    const written = await served.pass(1);
    expect(written).toMatch(/^HTTP\/1\.1 408 .*Connection: close\r\n/s);
    expect(served.transport.ended).toBe(true);

    const slow = deferred<Reply>();
    const queued = timed(() => slow.promise, { headersTimeout: Number.POSITIVE_INFINITY });
    await queued.packets(`${get("/1")}GET /2`);
    queued.connection.retire();
    expect(await queued.pass(1_000)).toBe("");
    slow.resolve(text("first"));
    expect(await queued.settled()).toMatch(/^HTTP\/1\.1 200 .*firstHTTP\/1\.1 408 /s);
  });

  test("when the server closes, a head that comes whole in this second is answered, and what has less time keeps to that", async () => {
    const served = timed(echo, { headersTimeout: 60_000 });
    await served.packets(get("/").slice(0, 20));
    served.connection.retire();
    await served.pass(900);
    expect(await served.packets(get("/").slice(20))).toMatch(/^HTTP\/1\.1 200 .*Connection: close\r\n/s);
    expect(served.transport.ended).toBe(true);

    const late = timed(echo, { headersTimeout: 60_000 });
    await late.packets("GET");
    await late.pass(59_900);
    late.connection.retire();
    expect(await late.pass(99)).toBe("");
    expect(statusOf(await late.pass(1))).toBe("408");
  });

  test("a body that is on its way when the server closes has the time of any other", async () => {
    const served = timed(echo);
    await served.packets("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    served.connection.retire();
    expect(await served.pass(5_000)).toBe("");
    expect(await served.packets("y")).toMatch(/^HTTP\/1\.1 200 .*xy$/s);
  });

  test("Infinity switches it off", async () => {
    const served = timed(echo, { headersTimeout: Number.POSITIVE_INFINITY });
    await served.packets("GET ");
    await served.pass(10_000_000);
    expect(served.closed).toBe(0);
    expect(served.clock.armedCount).toBe(0);
  });
});

describe("keepAliveTimeout", () => {
  test("an idle connection is closed without a word, counted from the last answer", async () => {
    const served = timed(echo, { keepAliveTimeout: 5_000, headersTimeout: 100 });
    for (let requests = 0; requests < 3; requests += 1) {
      await served.packets(get("/"));
      await served.pass(4_999);
      expect(served.closed).toBe(0);
    }
    expect(await served.pass(1)).toBe("");
    expect(served.closed).toBe(1);
  });

  test("a request that takes long to answer is none of it", async () => {
    const slow = deferred<Reply>();
    const served = timed(() => slow.promise, { keepAliveTimeout: 1_000, headersTimeout: 1_000, receiveTimeout: 1_000 });
    await served.packets(get("/"));
    await served.pass(60_000);
    expect(served.closed).toBe(0);
    slow.resolve(text("slow"));
    expect(await served.settled()).toContain("slow");
    await served.pass(999);
    expect(served.closed).toBe(0);
    await served.pass(1);
    expect(served.closed).toBe(1);
  });

  test("nor is an answer that is streamed for long", async () => {
    const end = deferred<void>();
    const stream = async function* () {
      yield Buffer.from("a");
      await end.promise;
    };
    const served = timed(() => new Reply(200, [], streamed(stream)), { keepAliveTimeout: 1_000 });
    await served.packets(get("/"));
    await served.pass(60_000);
    expect(served.closed).toBe(0);
    end.resolve();
    expect(await served.settled()).toBe("0\r\n\r\n");
  });
});

describe("receiveTimeout and minReceiveRate", () => {
  const rates = { receiveTimeout: 60_000, receiveGrace: 5_000, minReceiveRate: 100 };

  test("a body that stops coming is answered with 408 after the grace, and the handler's reading fails", async () => {
    const failures: unknown[] = [];
    const served = timed(async (exchange) => {
      await exchange.body.text().catch((error: unknown) => failures.push(error));
      return text("never seen");
    }, rates);
    await served.packets(HEAD);
    expect(await served.pass(4_999)).toBe("");
    const written = await served.pass(1);
    expect(statusOf(written)).toBe("408");
    expect(written).toContain("server/receive-timeout");
    expect(failures).toMatchObject([{ name: "ProtocolError", code: "server/receive-timeout" }]);
    expect(served.transport.ended).toBe(true);
  });

  test("bytes buy time at the minimum rate", async () => {
    const served = timed(echo, rates);
    await served.packets(HEAD);
    await served.packets("x".repeat(1_000));
    await served.pass(14_999);
    expect(served.transport.ended).toBe(false);
    expect(statusOf(await served.pass(1))).toBe("408");
  });

  test("a body at the rate may take until receiveTimeout, and no longer however fast it comes", async () => {
    const served = timed(echo, rates);
    await served.packets(HEAD);
    for (let second = 0; second < 59; second += 1) {
      await served.packets("x".repeat(2_000));
      expect(await served.pass(1_000)).toBe("");
    }
    expect(served.transport.ended).toBe(false);
    expect(statusOf(await served.pass(1_000))).toBe("408");
  });

  test("the time in which the handler does not read does not count", async () => {
    const read = deferred<void>();
    const served = timed(
      async (exchange) => {
        await read.promise;
        return text(String((await exchange.body.bytes()).byteLength));
      },
      { ...rates, maxBufferedBytes: 100 },
    );
    await served.packets(HEAD.replace("1000000", "300"), "x".repeat(200));
    await served.pass(100_000);
    expect(served.transport.ended).toBe(false);
    read.resolve();
    await served.settled();
    // Two seconds' worth of bytes and the grace are what is left.
    expect(await served.pass(6_999)).toBe("");
    await served.packets("x".repeat(100));
    expect(await served.settled()).toBe("");
    await served.pass(100);
    expect(served.errors).toEqual([]);
  });

  test("without a minimum rate, and without a limit", async () => {
    const patient = timed(echo, { receiveTimeout: 60_000, minReceiveRate: 0, receiveGrace: 10 });
    await patient.packets(HEAD);
    expect(await patient.pass(59_999)).toBe("");
    expect(statusOf(await patient.pass(1))).toBe("408");
    const endless = timed(echo, { receiveTimeout: Number.POSITIVE_INFINITY, minReceiveRate: 0 });
    await endless.packets(HEAD);
    await endless.pass(10_000_000);
    expect(endless.transport.ended).toBe(false);
  });

  test("a body that is only let pass has no more time than others", async () => {
    const served = timed(() => new Reply(204), { ...rates, maxDrainBytes: 2_000_000 });
    expect(statusOf(await served.packets(HEAD))).toBe("204");
    expect(await served.pass(5_000)).toBe("");
    expect(served.transport.ended).toBe(true);
  });
});

describe("sendTimeout", () => {
  const large = () => new Reply(200, [], inMemory("x".repeat(1_000_000)));

  /** A client in memory that has asked, and reads when told to. */
  function slowReader(
    responder: Responder,
    more = "",
    given: ConnectionOptions & { readonly pieceSize?: number } = {},
  ) {
    const { pieceSize: maxPieceSize = 8_192, ...options } = given;
    const [client, transport] = memoryPair({ highWaterMark: 16_384, maxPieceSize });
    const defaults = { sendTimeout: 5_000, keepAliveTimeout: 10_000, lingerTimeout: 10_000 };
    const served = new Watched(transport, responder, { ...defaults, ...options });
    const seen = { bytes: 0 };
    client.attach({
      onData: (piece) => {
        seen.bytes += piece.byteLength;
        client.pause();
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    client.pause();
    client.write(get("/", more));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { client, served, seen, turn };
  }

  test("a client that takes nothing is broken off, the signal aborts", async () => {
    let signal: AbortSignal | undefined;
    const sent: unknown[] = [];
    const { served, turn } = slowReader((exchange) => {
      signal = exchange.signal;
      return large().whenSent((_bytes, error) => sent.push((error as { code?: string } | undefined)?.code));
    });
    await turn();
    served.clock.advance(4_999);
    await turn();
    expect(served.closed).toBe(0);
    served.clock.advance(1);
    await turn();
    expect(served.closed).toBe(1);
    expect(signal?.reason).toMatchObject({ code: "server/send-timeout" });
    expect(sent).toEqual(["server/send-timeout"]);
    expect(served.clock.armedCount).toBe(0);
  });

  test("one that takes a little from time to time is served to the end", async () => {
    const { client, served, seen, turn } = slowReader(large);
    await turn();
    for (let waits = 0; waits < 200 && seen.bytes < 1_000_000; waits += 1) {
      served.clock.advance(4_900);
      client.resume();
      await turn();
    }
    expect(seen.bytes).toBeGreaterThan(1_000_000);
    expect(served.closed).toBe(0);
  });

  test("one that takes a byte every 59 seconds is broken off after the first minute", async () => {
    const { client, served, seen, turn } = slowReader(large, "", { sendTimeout: 60_000, pieceSize: 1 });
    await turn();
    served.clock.advance(59_000);
    client.resume();
    await turn();
    expect([seen.bytes, served.closed]).toEqual([1, 0]);
    served.clock.advance(999);
    await turn();
    expect(served.closed).toBe(0);
    served.clock.advance(1);
    await turn();
    expect(served.closed).toBe(1);
    expect(served.errors).toEqual([]);
    expect(served.clock.armedCount).toBe(0);
  });

  test.each([
    [100, 5, 0],
    [101, 5, 1],
    [0, 1, 0],
    [1_000_000, 5, 1],
  ])(
    "at a least rate of %d bytes a second, %d pieces of 100 bytes in 5 s: closed %d",
    async (minSendRate, pieces, closed) => {
      const { client, served, turn } = slowReader(large, "", { minSendRate, pieceSize: 100 });
      await turn();
      for (let taken = 0; taken < pieces; taken += 1) {
        client.resume();
        await turn();
      }
      served.clock.advance(5_000);
      await turn();
      expect(served.closed).toBe(closed);
      served.connection.destroy();
    },
  );

  test("an answer too small to stall anything, never taken, does not hold the connection for ever", async () => {
    const transport = new ScriptedTransport({ highWaterMark: 1_000_000 });
    const served = new Watched(transport, () => text("x".repeat(1_000)), {
      keepAliveTimeout: 10_000,
      sendTimeout: 5_000,
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    transport.feed(get("/"));
    await turn();
    expect(transport.bufferedBytes).toBeGreaterThan(1_000);
    served.clock.advance(10_000);
    await turn();
    expect(served.closed).toBe(0);
    served.clock.advance(5_000);
    await turn();
    expect(served.closed).toBe(1);
    expect(served.clock.armedCount).toBe(0);
  });

  test("neither the end of the connection nor being idle cuts short what is still being taken", async () => {
    const body = "x".repeat(60_000);
    for (const more of ["Connection: close\r\n", ""]) {
      const { client, served, seen, turn } = slowReader(() => text(body), more);
      await turn();
      for (let waits = 0; waits < 20; waits += 1) {
        served.clock.advance(4_000);
        client.resume();
        await turn();
      }
      expect(seen.bytes).toBeGreaterThan(60_000);
      served.clock.advance(100_000);
      await turn();
      expect(served.closed).toBe(1);
      expect(served.clock.armedCount).toBe(0);
    }
  });
});

describe("lingerTimeout", () => {
  test("a client that never ends its side is given up", async () => {
    const served = timed(echo, { lingerTimeout: 2_000 });
    await served.packets(get("/", "Connection: close\r\n"));
    expect(served.transport.ended).toBe(true);
    await served.pass(1_999);
    expect(served.closed).toBe(0);
    await served.pass(1);
    expect(served.closed).toBe(1);
    expect(served.clock.armedCount).toBe(0);
  });

  test("one that goes on sending has no longer", async () => {
    const served = timed(echo, { lingerTimeout: 2_000 });
    await served.packets("junk\r\n");
    for (let tenth = 0; tenth < 19; tenth += 1) {
      await served.packets("more");
      await served.pass(100);
    }
    expect(served.closed).toBe(0);
    await served.pass(100);
    expect(served.closed).toBe(1);
  });
});

describe("responders that break their contract", () => {
  test("one that throws or rejects is reported, and the client gets a 500", async () => {
    const failure = new Error("bug");
    const throwing = timed(() => {
      throw failure;
    });
    expect(statusOf(await throwing.packets(get("/")))).toBe("500");
    const rejecting = timed(() => Promise.reject(failure));
    expect(statusOf(await rejecting.packets(get("/")))).toBe("500");
    expect([...throwing.errors, ...rejecting.errors]).toEqual([failure, failure]);
  });
});
