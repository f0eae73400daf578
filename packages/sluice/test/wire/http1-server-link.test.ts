import { describe, expect, test } from "vitest";
import type { Answer } from "../../src/wire/answer.js";
import { answer, deferred, echoPath, get, inMemory, ok, post, serve, streamed } from "./server-link-setup.js";

describe("server link: one request", () => {
  test("is answered in one write, and the connection waits for the next", () => {
    const served = serve(() => answer(200, '{"a":1}', ["Content-Type", "application/json"]));
    served.transport.feed(get("/x"));
    served.transport.flush();
    expect(served.transport.writes).toHaveLength(1);
    expect(served.transport.takeWritten()).toBe(
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 7\r\n\r\n{"a":1}',
    );
    expect(served.phases).toEqual(["idle"]);
    expect(served.packets(get("/y"))).toContain("200 OK");
    expect(served.transport.ended).toBe(false);
  });

  test("shows the application method, target, version and fields as they were sent", () => {
    const served = serve(echoPath);
    served.packets("GET /a?b=c HTTP/1.0\r\nX-One: 1\r\nx-two: 2\r\n\r\n");
    const [exchange] = served.exchanges;
    expect(exchange).toMatchObject({ method: "GET", target: "/a?b=c", version: 10, hasBody: false, secure: false });
    expect(exchange?.fields).toEqual(["X-One", "1", "x-two", "2"]);
    expect(exchange?.body.complete).toBe(true);
  });

  test("gives the same answers however the bytes are cut", async () => {
    const wire = post("/p", "hello", "X: y\r\n") + get("/q");
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const served = serve(async (exchange) => answer(200, exchange.target + (await exchange.body.text())));
      const written = served.packets(wire.slice(0, cut), wire.slice(cut)) + (await served.later());
      expect(written).toBe(ok("/phello") + ok("/q"));
    }
  });

  test("asks the application when the whole packet has been read", () => {
    const seen: boolean[] = [];
    const served = serve((exchange) => {
      seen.push(exchange.body.complete);
      return answer(204);
    });
    served.packets(post("/", "hello"));
    expect(seen).toEqual([true]);
  });

  test("an answer given later is written when it is given", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    expect(served.packets(get("/"))).toBe("");
    expect(served.phases).toEqual(["busy"]);
    later.resolve(answer(200, "late"));
    expect(await served.later()).toBe(ok("late"));
    expect(served.phases).toEqual(["busy", "idle"]);
  });

  test("answered a second time, or after the end, the later answer is discarded and its listener told", () => {
    const told: unknown[] = [];
    const served = serve(() => answer(200, "first"));
    served.packets(get("/"));
    const [exchange] = served.exchanges;
    let discarded = 0;
    const second: Answer = {
      ...answer(200, {
        ...streamed(async function* () {}),
        discard: () => {
          discarded += 1;
        },
      }),
      onSent: (bytes, error) => told.push([bytes, (error as { code?: string } | undefined)?.code]),
    };
    if (exchange !== undefined) served.link.answer(exchange, second);
    expect(discarded).toBe(1);
    expect(told).toEqual([[0, "server/too-late"]]);
    expect(served.transport.takeWritten()).toBe("");
  });

  test("a body in UTF-8, in bytes, large, or streamed arrives whole", async () => {
    const bodies: [ReturnType<typeof inMemory>, Buffer][] = [
      [inMemory("grüße 🎈"), Buffer.from("grüße 🎈")],
      [inMemory(new Uint8Array([0, 255, 10])), Buffer.from([0, 255, 10])],
      [inMemory("x".repeat(300_000)), Buffer.alloc(300_000, "x")],
      [inMemory(new Uint8Array(100_000).fill(7)), Buffer.alloc(100_000, 7)],
      [
        streamed(async function* () {
          yield Buffer.from("ab");
          yield Buffer.from("cd");
        }, 4),
        Buffer.from("abcd"),
      ],
    ];
    for (const [payload, expected] of bodies) {
      const served = serve(() => answer(200, payload));
      const written = Buffer.from(served.packets(get("/")) + (await served.later()), "latin1");
      const split = written.indexOf("\r\n\r\n") + 4;
      expect(written.subarray(0, split).toString()).toContain(`Content-Length: ${expected.length}\r\n`);
      expect(written.subarray(split).equals(expected)).toBe(true);
      expect(served.packets(get("/")) + (await served.later())).not.toBe("");
    }
  });

  test("a stream of unknown length is chunked, and to HTTP/1.0 ends with the connection (RFC 9112 §6.1)", async () => {
    const pieces = () =>
      streamed(async function* () {
        yield Buffer.from("ab");
      });
    const modern = serve(() => answer(200, pieces()));
    modern.packets(get("/"));
    expect(await modern.later()).toMatch(/Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n$/);
    expect(modern.transport.ended).toBe(false);
    const old = serve(() => answer(200, pieces()));
    old.packets("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(await old.later()).toMatch(/Connection: close\r\n\r\nab$/);
    expect(old.transport.ended).toBe(true);
  });
});

describe("server link: pipelining (RFC 9112 §9.3.2)", () => {
  test("the answers to the requests of one packet leave in one write, in order", () => {
    const served = serve(echoPath);
    served.transport.feed(get("/1") + get("/2") + get("/3"));
    served.transport.flush();
    expect(served.transport.writes).toHaveLength(1);
    expect(served.transport.takeWritten()).toBe(ok("/1") + ok("/2") + ok("/3"));
  });

  test("so they do when some bodies are no ASCII", () => {
    const served = serve((exchange) => answer(200, `${exchange.target} ü`));
    served.transport.feed(get("/1") + get("/2"));
    served.transport.flush();
    expect(served.transport.writes).toHaveLength(1);
    expect(Buffer.from(served.transport.takeWritten(), "latin1").toString()).toMatch(/\/1 ü.*\/2 ü$/s);
  });

  test("answers of async handlers that are ready in one turn leave in one write", async () => {
    const served = serve(async (exchange) => answer(200, exchange.target));
    served.transport.feed(get("/1") + get("/2") + get("/3"));
    served.transport.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(served.transport.writes).toHaveLength(1);
    expect(await served.later()).toBe(ok("/1") + ok("/2") + ok("/3"));
  });

  test("answers that are ready early wait for their turn, whatever the order in which they come", async () => {
    const answers = [deferred<Answer>(), deferred<Answer>(), deferred<Answer>()];
    let next = 0;
    const served = serve(() => answers[next++]?.promise);
    served.packets(get("/1") + get("/2") + get("/3"));
    answers[2]?.resolve(answer(200, "3"));
    expect(await served.later()).toBe("");
    answers[0]?.resolve(answer(200, "1"));
    expect(await served.later()).toBe(ok("1"));
    answers[1]?.resolve(
      answer(
        200,
        streamed(async function* () {
          yield Buffer.from("2");
        }, 1),
      ),
    );
    expect(await served.later()).toBe(ok("2") + ok("3"));
    expect(served.phases.at(-1)).toBe("idle");
  });

  test("safe requests run side by side; what follows an unsafe one waits for its answer", async () => {
    const posted = deferred<Answer>();
    const served = serve((exchange) => (exchange.method === "POST" ? posted.promise : undefined));
    served.packets(get("/1") + get("/2") + post("/3", "x") + get("/4"));
    expect(served.exchanges.map((exchange) => exchange.target)).toEqual(["/1", "/2"]);
    for (const exchange of [...served.exchanges]) served.link.answer(exchange, answer(204));
    expect(served.exchanges.map((exchange) => exchange.target)).toEqual(["/1", "/2", "/3"]);
    posted.resolve(answer(204));
    await served.later();
    expect(served.exchanges.map((exchange) => exchange.target)).toEqual(["/1", "/2", "/3", "/4"]);
  });

  test("reading stops at maxPipelined unanswered requests, and goes on as answers leave", () => {
    for (const maxPipelined of [1, 2, 3]) {
      const served = serve(() => undefined, { maxPipelined });
      served.packets([1, 2, 3, 4, 5].map((n) => get(`/${n}`)).join(""));
      for (let answered = 0; answered < 5; answered += 1) {
        expect(served.exchanges).toHaveLength(Math.min(5, answered + maxPipelined));
        expect(served.transport.paused).toBe(answered + maxPipelined < 5 || answered + maxPipelined === 5);
        const exchange = served.exchanges[answered];
        if (exchange !== undefined) served.link.answer(exchange, answer(204));
      }
      expect(served.transport.paused).toBe(false);
    }
  });

  test("a thousand requests in one packet are all answered, with a queue of one", () => {
    const served = serve(echoPath, { maxPipelined: 1 });
    const written = served.packets(get("/n").repeat(1_000));
    expect(written).toBe(ok("/n").repeat(1_000));
    expect(served.exchanges).toHaveLength(1_000);
  });

  test("a peer that sends requests and reads no answers stops being read", () => {
    const served = serve(() => answer(200, "x".repeat(10_000)), { maxPipelined: 4 }, { highWaterMark: 50_000 });
    served.transport.feed(get("/").repeat(1_000));
    served.transport.flush();
    expect(served.stalls).toEqual([true]);
    expect(served.transport.paused).toBe(true);
    const first = served.exchanges.length;
    expect(first).toBeLessThan(20);
    let drains = 0;
    while (served.exchanges.length < 1_000 && drains < 1_000) {
      served.transport.drain();
      served.transport.flush();
      drains += 1;
    }
    expect(served.exchanges).toHaveLength(1_000);
    expect(drains).toBeGreaterThan(50);
  });
});

describe("server link: persistence (RFC 9112 §9.3)", () => {
  test("Connection: close from the client is honoured and said, and nothing after it is read", () => {
    const served = serve(echoPath);
    expect(served.packets(get("/1", "Connection: close\r\n") + get("/2"))).toBe(ok("/1", "Connection: close\r\n"));
    expect(served.exchanges).toHaveLength(1);
    expect(served.transport.ended).toBe(true);
    expect(served.phases.at(-1)).toBe("linger");
  });

  test("HTTP/1.0 ends after the answer unless keep-alive is asked for, and then it is said", () => {
    const plain = serve(echoPath);
    expect(plain.packets("GET /1 HTTP/1.0\r\n\r\n")).toBe(ok("/1", "Connection: close\r\n"));
    expect(plain.transport.ended).toBe(true);
    const kept = serve(echoPath);
    expect(kept.packets("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")).toBe(
      ok("/1", "Connection: keep-alive\r\n"),
    );
    expect(kept.transport.ended).toBe(false);
  });

  test("an answer that says Connection: close ends the connection; requests behind it are not answered", () => {
    const told: unknown[] = [];
    const served = serve((exchange) => ({
      ...answer(200, exchange.target, ["Connection", "close"]),
      onSent: (_bytes, error) => told.push((error as { code?: string } | undefined)?.code),
    }));
    expect(served.packets(get("/1") + get("/2"))).toBe(ok("/1", "Connection: close\r\n"));
    expect(served.transport.ended).toBe(true);
    expect(told).toEqual([undefined]);
  });

  test("the last of maxRequests says so", () => {
    const served = serve(echoPath, { maxRequests: 2 });
    expect(served.packets(get("/1") + get("/2") + get("/3"))).toBe(ok("/1") + ok("/2", "Connection: close\r\n"));
    expect(served.exchanges).toHaveLength(2);
    expect(served.transport.ended).toBe(true);
  });

  test("retiring ends an idle connection at once", () => {
    const served = serve(echoPath);
    served.packets(get("/1"));
    served.link.retire();
    served.transport.flush();
    expect(served.transport.destroyed).toBe(true);
    expect(served.closed).toBe(1);
  });

  test("retiring lets what was asked be answered, the last with Connection: close", async () => {
    const later = deferred<Answer>();
    const served = serve((exchange) => (exchange.target === "/1" ? later.promise : answer(200, exchange.target)));
    served.packets(get("/1") + get("/2"));
    served.link.retire();
    expect(served.packets(get("/3"))).toBe("");
    later.resolve(answer(200, "/1"));
    expect(await served.later()).toBe(ok("/1") + ok("/2", "Connection: close\r\n"));
    expect(served.exchanges).toHaveLength(2);
    expect(served.transport.ended).toBe(true);
  });

  test("retiring in the middle of a request still serves it", () => {
    const inHead = serve(echoPath);
    const wire = get("/1");
    inHead.packets(wire.slice(0, 12));
    inHead.link.retire();
    expect(inHead.packets(wire.slice(12) + get("/2"))).toBe(ok("/1", "Connection: close\r\n"));
    expect(inHead.transport.ended).toBe(true);
    const inBody = serve(async (exchange) => answer(200, await exchange.body.text()));
    inBody.packets("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    inBody.link.retire();
    inBody.packets(`cd${get("/2")}`);
    return expect(inBody.later()).resolves.toBe(ok("abcd", "Connection: close\r\n"));
  });
});

describe("server link: what it tells of an answer's end", () => {
  test("the bytes of the body, once they are with the transport", async () => {
    const told: unknown[] = [];
    const onSent = (bytes: number, error: Error | undefined) => told.push([bytes, error]);
    const served = serve((exchange) => {
      if (exchange.target === "/stream") {
        return {
          ...answer(
            200,
            streamed(async function* () {
              yield Buffer.from("abc");
            }),
          ),
          onSent,
        };
      }
      return { ...answer(200, "hello"), onSent };
    });
    served.packets(get("/") + get("/stream"), "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    await served.later();
    expect(told).toEqual([
      [5, undefined],
      [3, undefined],
      [0, undefined],
    ]);
  });

  test("a listener that throws is reported and harms nothing", () => {
    const failure = new Error("log full");
    const served = serve(() => ({
      ...answer(200, "x"),
      onSent: () => {
        throw failure;
      },
    }));
    expect(served.packets(get("/1") + get("/2"))).toBe(ok("x") + ok("x"));
    expect(served.errors).toEqual([failure, failure]);
  });

  test("when the client goes away: signals abort, listeners hear why, sources are released", async () => {
    const told: unknown[] = [];
    let released = 0;
    const onSent = (bytes: number, error: Error | undefined) =>
      told.push([bytes, (error as { code?: string } | undefined)?.code]);
    const endless = async function* () {
      try {
        for (;;) {
          yield Buffer.from("tick");
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        released += 1;
      }
    };
    const served = serve((exchange) => {
      if (exchange.target === "/never") return undefined;
      return {
        ...answer(200, {
          ...streamed(endless),
          discard: () => {
            released += 1;
          },
        }),
        onSent,
      };
    });
    served.packets(get("/stream") + get("/ready") + get("/never"));
    const signals = served.exchanges.map((exchange) => exchange.signal);
    await served.later();
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false]);
    served.transport.feed({ error: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
    served.transport.flush();
    expect(signals.map((signal) => signal.reason?.code)).toEqual(Array(3).fill("server/client-gone"));
    expect(signals[0]?.reason?.cause?.code).toBe("ECONNRESET");
    await served.later();
    expect(told).toEqual([
      [expect.any(Number), "server/client-gone"],
      [0, "server/client-gone"],
    ]);
    expect(released).toBe(2);
    expect(served.closed).toBe(1);
    // A signal that is asked for only now is aborted as well.
    expect(served.exchanges[2]?.signal.aborted).toBe(true);
  });

  test("a completed answer's signal does not abort afterwards", () => {
    const served = serve(echoPath);
    served.packets(get("/"));
    const signal = served.exchanges[0]?.signal;
    served.transport.feed({ error: new Error("gone") });
    served.transport.flush();
    expect(signal?.aborted).toBe(false);
  });
});
