import { describe, expect, test } from "vitest";
import type { Transport, TransportHandler } from "../../src/net/transport.js";
import type { Answer } from "../../src/wire/answer.js";
import type { HandedOver, Successor } from "../../src/wire/handed-over.js";
import type { Http1Exchange } from "../../src/wire/http1-exchange.js";
import { answer, deferred, echoPath, get, ok, refused, serve, streamed, successor } from "./server-link-setup.js";

describe("server link: half-closed clients", () => {
  test("FIN while idle ends the connection", () => {
    const served = serve(echoPath);
    served.packets(get("/1"));
    expect(served.end()).toBe("");
    expect(served.transport.ended).toBe(true);
    expect(served.closed).toBe(1);
  });

  test("FIN before a single byte ends the connection", () => {
    const served = serve(echoPath);
    expect(served.end()).toBe("");
    expect(served.closed).toBe(1);
  });

  test("FIN right after the request: the signal aborts; the answer comes nevertheless, and says that it is the last", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    served.packets(get("/1"));
    const signal = served.exchanges[0]?.signal;
    expect(served.end()).toBe("");
    expect(served.transport.ended).toBe(false);
    later.resolve(answer(200, "late"));
    expect(await served.later()).toBe(ok("late", "Connection: close\r\n"));
    expect(signal?.reason).toMatchObject({ code: "server/client-gone" });
    expect(served.closed).toBe(1);
  });

  test("FIN behind more requests than are read at once: all are answered, and know that the client has left", async () => {
    const left: boolean[] = [];
    const respond = async (exchange: Http1Exchange): Promise<Answer> => {
      await Promise.resolve();
      left.push(exchange.signal.aborted);
      return answer(200, exchange.target);
    };
    const served = serve(respond, { maxPipelined: 1 });
    served.transport.feed(get("/1") + get("/2") + get("/3"), { end: true });
    served.transport.flush();
    const written = served.transport.takeWritten() + (await served.later());
    expect(written).toMatch(/\/1.*\/2.*\/3$/s);
    expect(left).toEqual([true, true, true]);
    expect(served.transport.ended).toBe(true);
    await served.later();
    expect(served.closed).toBe(1);
  });

  test("FIN in the middle of a head is refused, after what came before was answered", () => {
    const served = serve(echoPath);
    served.packets(`${get("/1")}GET /2 HT`);
    expect(served.end()).toBe(refused("400 Bad Request", "http1/truncated"));
    expect(served.closed).toBe(1);
  });

  test("FIN while an answer is streamed: it is completed", async () => {
    const gate = deferred<void>();
    const body = async function* () {
      yield Buffer.from("a");
      await gate.promise;
      yield Buffer.from("b");
    };
    const served = serve(() => answer(200, streamed(body)));
    served.packets(get("/"));
    await served.later();
    served.end();
    gate.resolve();
    expect(await served.later()).toBe("1\r\nb\r\n0\r\n\r\n");
    expect(served.closed).toBe(1);
  });
});

describe("server link: lingering (RFC 9112 §9.6)", () => {
  test("after the last answer what still comes is let pass, up to lingerBytes, then held back", () => {
    const served = serve(() => answer(413, "no"), { drainBytes: 0, lingerBytes: 5_000 });
    served.packets("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    expect(served.transport.ended).toBe(true);
    served.packets("x".repeat(5_000));
    expect(served.transport.paused).toBe(false);
    served.packets("x");
    expect(served.transport.paused).toBe(true);
    served.link.destroy();
    served.transport.flush();
    expect(served.closed).toBe(1);
  });

  test("the client's FIN completes it", () => {
    const served = serve(echoPath);
    served.packets(get("/", "Connection: close\r\n"));
    expect(served.closed).toBe(0);
    served.end();
    expect(served.closed).toBe(1);
  });

  test("bytes behind a last request are let pass while its answer is awaited", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise, { lingerBytes: 100 });
    served.packets(get("/", "Connection: close\r\n"));
    served.packets("x".repeat(101));
    expect(served.transport.paused).toBe(true);
    later.resolve(answer(200, "x"));
    expect(await served.later()).toBe(ok("x", "Connection: close\r\n"));
  });
});

describe("server link: destroying", () => {
  test("gives up everything at once; the owner hears of it once", async () => {
    const served = serve(() => undefined);
    served.packets(`${get("/1")}POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc`);
    const reading = served.exchanges[0]?.signal;
    served.link.destroy();
    served.link.destroy();
    served.transport.flush();
    expect(reading?.aborted).toBe(true);
    expect(served.closed).toBe(1);
    await served.later();
  });

  test("a body that is being read fails", async () => {
    const served = serve(async (exchange) => answer(200, await exchange.body.text()));
    served.packets("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    served.link.destroy();
    served.transport.flush();
    await served.later();
    expect(served.errors).toMatchObject([{ code: "server/client-gone" }]);
  });
});

/** Another protocol: echoes in capitals until the end. */
function shouting(rest: string[]): Successor {
  const takeOver = (transport: Transport, early: Uint8Array, connection: HandedOver): void => {
    rest.push(Buffer.from(early).toString());
    const handler: TransportHandler = {
      onData: (bytes) => {
        transport.write(Buffer.from(bytes).toString().toUpperCase());
      },
      onEnd: () => transport.end(),
      onDrain: () => undefined,
      onClose: () => connection.released(),
    };
    transport.attach(handler);
  };
  return successor({ takeOver });
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: shout\r\n";
const SWITCHED = /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: shout\r\nDate: .*\r\nConnection: Upgrade\r\n\r\n$/;

describe("server link: other protocols (RFC 9110 §7.8, §9.3.6)", () => {
  const upgrading = (rest: string[]): Answer => ({
    ...answer(101, undefined, ["Upgrade", "shout"]),
    successor: shouting(rest),
  });

  test("an accepted upgrade hands over the transport and what had come already", () => {
    for (const cut of [0, 3]) {
      const rest: string[] = [];
      const served = serve(() => upgrading(rest));
      expect(served.packets(get("/", UPGRADE) + "early".slice(0, cut))).toMatch(SWITCHED);
      expect(rest).toEqual(["early".slice(0, cut)]);
      expect(served.successor?.transport).toBe(served.transport);
      expect(served.packets("hello")).toBe("HELLO");
      expect(served.closed).toBe(0);
      served.end();
      expect(served.closed).toBe(1);
    }
  });

  test("bytes that come while the answer is awaited wait with it", async () => {
    const later = deferred<Answer>();
    const rest: string[] = [];
    const served = serve(() => later.promise);
    served.packets(`${get("/", UPGRADE)}one`);
    served.packets("two");
    later.resolve(upgrading(rest));
    expect(await served.later()).toMatch(SWITCHED);
    expect(rest).toEqual(["onetwo"]);
  });

  test("no more of them are taken than 16 KiB, and read on when it is clear what they are", async () => {
    const later = deferred<Answer>();
    const rest: string[] = [];
    const served = serve(() => later.promise);
    served.packets(get("/", UPGRADE) + "x".repeat(16 * 1024 - 1));
    expect(served.transport.paused).toBe(false);
    served.packets("y");
    expect(served.transport.paused).toBe(true);
    served.transport.feed("z");
    later.resolve(upgrading(rest));
    expect(await served.later()).toMatch(/\r\n\r\nZ$/);
    expect(rest.join("").length).toBe(16 * 1024);
  });

  test("a client that leaves while the answer is awaited is noticed; the other protocol hears of it, too", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    served.packets(get("/", UPGRADE));
    const signal = served.exchanges[0]?.signal;
    served.end();
    expect(signal?.reason).toMatchObject({ code: "server/client-gone" });
    later.resolve(upgrading([]));
    expect(await served.later()).toMatch(SWITCHED);
    expect(served.closed).toBe(1);
  });

  test("and one whose connection breaks: what would have been handed over is given up", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    served.packets(get("/", UPGRADE));
    served.transport.feed({ error: new Error("reset") });
    served.transport.flush();
    expect(served.exchanges[0]?.signal.reason).toMatchObject({ code: "server/client-gone" });
    let givenUp = 0;
    const giveUp = () => {
      givenUp += 1;
    };
    later.resolve({ ...upgrading([]), successor: successor({ giveUp }) });
    expect(await served.later()).toBe("");
    expect([givenUp, served.closed]).toEqual([1, 1]);
  });

  test("requests before the upgrade are answered first", () => {
    const served = serve((exchange) => (exchange.target === "/up" ? upgrading([]) : answer(200, exchange.target)));
    expect(served.packets(get("/1") + get("/up", UPGRADE))).toMatch(/^HTTP\/1\.1 200 .*\/1HTTP\/1\.1 101 /s);
  });

  test("a declined upgrade goes on with HTTP, and what had come already is a request", () => {
    const served = serve(echoPath);
    expect(served.packets(get("/1", UPGRADE) + get("/2"))).toBe(ok("/1") + ok("/2"));
    expect(served.packets(get("/3"))).toBe(ok("/3"));
  });

  test("CONNECT: a tunnel is handed over; another answer goes on with HTTP", () => {
    const connect = "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n";
    const rest: string[] = [];
    const tunnel = serve(() => ({ ...answer(200), successor: shouting(rest) }));
    expect(tunnel.packets(`${connect}hello`)).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: .*\r\n\r\n$/);
    expect(rest).toEqual(["hello"]);
    expect(tunnel.packets("x")).toBe("X");
    const declined = serve((exchange) => answer(exchange.method === "CONNECT" ? 405 : 200, "x"));
    expect(declined.packets(connect + get("/"))).toMatch(/^HTTP\/1\.1 405 .*x$/s);
    expect(declined.exchanges).toHaveLength(2);
    const promised = serve(() => answer(200, "x"));
    expect(promised.packets(connect)).toMatch(/^HTTP\/1\.1 500 /);
    expect(promised.errors).toMatchObject([{ code: "reply/status" }]);
  });

  test("an upgrade with a body is accepted only when the body is complete", () => {
    const served = serve(() => upgrading([]));
    served.packets(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n${UPGRADE}\r\n`);
    expect(served.errors).toMatchObject([{ code: "reply/early-upgrade" }]);
    const complete = serve(() => upgrading([]));
    const wire = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n${UPGRADE}\r\nabc`;
    expect(complete.packets(wire)).toMatch(SWITCHED);
  });

  test("the answer is over when the other protocol releases the connection, and not before", () => {
    const sent: unknown[] = [];
    const served = serve(() => ({
      ...answer(101),
      onSent: (bodyBytes, error) => sent.push([bodyBytes, error]),
      successor: successor(),
    }));
    served.packets(get("/", UPGRADE));
    expect(sent).toEqual([]);
    served.successor?.released(17);
    served.successor?.released(18);
    expect(sent).toEqual([[17, undefined]]);
    expect(served.closed).toBe(1);
  });

  test("the other protocol is told once that the connection is to end, one that begins after that at once", async () => {
    for (const early of [true, false]) {
      const given = deferred<Answer>();
      let told = 0;
      const served = serve(() => given.promise);
      const upgraded: Answer = {
        ...answer(101),
        successor: successor({
          retire: () => {
            told += 1;
          },
        }),
      };
      served.packets(get("/", UPGRADE));
      if (early) served.link.retire();
      given.resolve(upgraded);
      expect(await served.later()).toMatch(/^HTTP\/1\.1 101 /);
      expect(told).toBe(early ? 1 : 0);
      served.link.retire();
      served.successor?.retire();
      served.successor?.retire();
      expect(told).toBe(1);
      expect(served.closed).toBe(0);
    }
  });

  test("given up, the connection is gone at once, whatever the other protocol still has to do", async () => {
    const sent: unknown[] = [];
    const served = serve(() => ({
      ...answer(101),
      onSent: (bodyBytes) => sent.push(bodyBytes),
      successor: successor(),
    }));
    served.packets(get("/", UPGRADE));
    served.successor?.destroy(new Error("enough"));
    expect(served.closed).toBe(1);
    expect(served.transport.destroyed).toBe(true);
    await served.later();
    served.successor?.released(3);
    expect(sent).toEqual([3]);
    expect(served.closed).toBe(1);
  });

  test("the last request that a connection may have can change its protocol, and ends it if it does not", () => {
    const rest: string[] = [];
    const served = serve(() => upgrading(rest), { maxRequests: 1 });
    expect(served.packets(`${get("/", UPGRADE)}early`)).toMatch(SWITCHED);
    expect(rest).toEqual(["early"]);
    const declined = serve(echoPath, { maxRequests: 1 });
    expect(declined.packets(get("/1", UPGRADE) + get("/2"))).toBe(ok("/1", "Connection: close\r\n"));
    expect(declined.exchanges).toHaveLength(1);
    const closing = serve(() => upgrading([]));
    closing.packets(get("/", "Connection: close, Upgrade\r\nUpgrade: shout\r\n"));
    expect(closing.errors).toMatchObject([{ code: "reply/no-upgrade" }]);
  });

  test("a take-over that throws breaks the connection, and is given up", () => {
    const failure = new Error("no");
    const ends: unknown[] = [];
    const served = serve(() => ({
      ...answer(101),
      onSent: (bodyBytes, error) => ends.push([bodyBytes, error]),
      successor: successor({
        takeOver: () => {
          throw failure;
        },
        giveUp: () => ends.push("given up"),
      }),
    }));
    served.packets(get("/", UPGRADE));
    expect(served.errors).toEqual([failure]);
    expect(ends).toEqual([[0, failure], "given up"]);
    expect(served.transport.destroyed).toBe(true);
    expect(served.closed).toBe(1);
  });

  test("a listener of the answer's end that throws is a matter for the log, given up or not", () => {
    for (const first of [undefined, new Error("enough")]) {
      const failure = new Error("no");
      const served = serve(() => ({
        ...answer(101),
        onSent: () => {
          throw failure;
        },
        successor: successor(),
      }));
      served.packets(get("/", UPGRADE));
      if (first !== undefined) served.successor?.destroy(first);
      served.successor?.released();
      expect(served.errors).toEqual([failure]);
      expect(served.closed).toBe(1);
    }
  });

  test("an answer that comes too late to change the protocol, or is not sent, is given up", async () => {
    let givenUp = 0;
    const giveUp = (): void => {
      givenUp += 1;
    };
    const giving = (): Answer => ({ ...answer(101), successor: successor({ giveUp }) });
    const given = deferred<Answer>();
    const late = serve(() => given.promise);
    late.packets(get("/", UPGRADE));
    late.link.destroy();
    await late.later();
    given.resolve(giving());
    await late.later();
    expect(givenUp).toBe(1);
    const unasked = serve(giving);
    expect(unasked.packets(get("/"))).toMatch(/^HTTP\/1\.1 500 /);
    expect(givenUp).toBe(2);
    const behind = serve((exchange) => (exchange.target === "/up" ? giving() : undefined));
    behind.packets(get("/1") + get("/up", UPGRADE));
    behind.link.destroy();
    await behind.later();
    expect(givenUp).toBe(3);
  });
});
