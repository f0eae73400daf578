/** `session.events()`: one stream over many connections, on a clock that the test moves. */
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
// Loaded on first use; here before the first test, whose turns it would take.
import "../../src/client/follow-events.js";
import type { ServerSentEvent } from "../../src/body/event-stream/event-stream-parser.js";
import type { EventStream, Reconnect, TextEventStreamOptions } from "../../src/client/event-stream.js";
import {
  ConnectError,
  ContentTypeError,
  DnsError,
  PayloadError,
  SessionClosedError,
  TlsError,
  UsageError,
  ValidationError,
} from "../../src/errors.js";
import { answer, FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/feed";
const TYPE = "content-type: text/event-stream\r\n";
/** No jitter: the wait is the delay. */
const STEADY = { random: () => 0 };

/** An open stream: what is sent here, and then nothing. */
const open = (text: string) => `HTTP/1.1 200 \r\n${TYPE}\r\n${text}`;
const whole = (text: string) => ok(text, TYPE);

const RESET = new Error("The connection is reset");

/** Answers one connection after another from a list; the last for ever. */
function scripted(...answers: (string | Error)[]): FakeNet {
  let next = 0;
  const net = new FakeNet(({ connection }) => {
    const now = answers[Math.min(next, answers.length - 1)];
    next += 1;
    if (typeof now === "string") return now;
    connection.reset();
    return undefined;
  });
  return net;
}

interface Followed<T = string> {
  readonly stream: EventStream<T>;
  readonly seen: ServerSentEvent<T>[];
  readonly waits: Reconnect[];
  readonly errors: unknown[];
  /** Resolves when the stream ends, rejects with its error. */
  readonly ended: Promise<void>;
}

/** Reads until the end. */
function follow(net: FakeNet, options: TextEventStreamOptions = {}, session = net.session()): Followed {
  const waits: Reconnect[] = [];
  const errors: unknown[] = [];
  const stream = session.events(URL_A, {
    onReconnect: (wait) => waits.push(wait),
    onError: (error) => errors.push(error),
    reconnect: STEADY,
    ...options,
  });
  const seen: ServerSentEvent[] = [];
  const ended = (async () => {
    for await (const event of stream) seen.push(event);
  })();
  ended.catch(() => undefined);
  return { stream, seen, waits, errors, ended };
}

/** Lets what is due happen, `ms` after `ms`. */
async function pass(net: FakeNet, ms: number): Promise<void> {
  await turns(12);
  net.clock.advance(ms);
  await turns(12);
}

describe("connecting again", () => {
  test("goes on with the id of the last event, after the delay, in order and without end", async () => {
    const net = scripted(
      whole("id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: never dispatched"),
      whole("id: 3\ndata: c\n\n"),
      open("id: 4\ndata: d\n\n"),
    );
    const { seen, waits, stream } = follow(net);
    await pass(net, 999);
    expect(net.seen).toHaveLength(1);
    expect(stream.state).toBe("waiting");
    await pass(net, 1);
    await pass(net, 1_000);
    expect(seen.map(({ data, id }) => data + id)).toEqual(["a1", "b2", "c3", "d4"]);
    expect(net.seen.map(({ fields }) => fields.get("last-event-id"))).toEqual([undefined, "2", "3"]);
    expect(net.seen.map(({ fields }) => fields.get("accept"))).toEqual(Array(3).fill("text/event-stream"));
    expect(waits).toEqual(Array(2).fill({ error: undefined, attempt: 1, delay: 1_000 }));
    expect([stream.state, stream.lastEventId]).toEqual(["open", "4"]);
    stream.close();
  });

  test("events that came before the connection broke are given first; the id of an event without data counts", async () => {
    const broken = `HTTP/1.1 200 \r\ncontent-length: 99\r\n${TYPE}\r\nid: 1\ndata: a\n\nid: 2\n\n`;
    let first = true;
    const net = new FakeNet(({ connection }) => {
      if (!first) return open("data: b\n\n");
      first = false;
      connection.send(broken);
      connection.end();
      return undefined;
    });
    const { seen, errors, stream } = follow(net);
    await pass(net, 1_000);
    expect(seen.map(({ data, id }) => [data, id])).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect(net.seen[1]?.fields.get("last-event-id")).toBe("2");
    expect(errors[0]).toBeInstanceOf(PayloadError);
    stream.close();
  });

  test("an id in other letters is sent as UTF-8", async () => {
    const net = scripted(
      whole("id: é€\ndata: a\n\n".replace(/[^\0-\x7f]/g, (c) => Buffer.from(c).toString("latin1"))),
      open(""),
    );
    const { stream } = follow(net);
    await pass(net, 1_000);
    const sent = net.seen[1]?.fields.get("last-event-id") ?? "";
    expect(Buffer.from(sent, "latin1").toString("utf8")).toBe("é€");
    stream.close();
  });

  test("an id that no field can carry is not sent, and the stream goes on", async () => {
    const net = scripted(whole("id: a\x01b\ndata: a\n\n"), open("data: b\n\n"));
    const { seen, stream } = follow(net);
    await pass(net, 1_000);
    expect(seen.map(({ data, id }) => data + id)).toEqual(["aa\x01b", "ba\x01b"]);
    expect(net.seen[1]?.fields.has("last-event-id")).toBe(false);
    stream.close();
  });

  test("the server's retry time counts from then on, up to maxServerDelay", async () => {
    const net = scripted(
      whole("retry: 5000\n\n"),
      whole("data: x\n\n"),
      whole("retry: 999999999\ndata: y\n\n"),
      open(""),
    );
    const { waits, stream } = follow(net, { reconnect: { ...STEADY, maxServerDelay: 7_000 } });
    for (const ms of [5_000, 5_000, 7_000]) await pass(net, ms);
    expect(waits.map(({ delay }) => delay)).toEqual([5_000, 5_000, 7_000]);
    expect(net.seen).toHaveLength(4);
    stream.close();
  });

  test("waits longer while connections end without an event, up to maxDelay, and starts over with one", async () => {
    const net = scripted(
      whole("data: x\n\n"),
      whole(""),
      whole(""),
      whole(""),
      whole(""),
      whole("data: y\n\n"),
      open(""),
    );
    const { waits, stream } = follow(net, { reconnect: { random: () => 0.999_999, delay: 100, maxDelay: 1_000 } });
    for (let count = 0; count < 6; count += 1) await pass(net, 1_001);
    expect(waits.map(({ delay }) => Math.round(delay))).toEqual([200, 300, 500, 900, 1_000, 200]);
    expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 1]);
    stream.close();
  });

  test("gives up after so many connections in a row without an event", async () => {
    const net = scripted(whole("data: x\n\n"), RESET, RESET, RESET);
    const { ended, errors } = follow(net, { reconnect: { ...STEADY, attempts: 2, maxDelay: 0 } });
    for (let count = 0; count < 5; count += 1) await pass(net, 1_000);
    expect(await rejection(ended)).toBe(errors.at(-1));
    expect(net.connections).toHaveLength(1 + 2);
    const quiet = scripted(whole("data: x\n\n"), whole(""));
    const followed = follow(quiet, { reconnect: { ...STEADY, attempts: 1, maxDelay: 0 } });
    for (let count = 0; count < 5; count += 1) await pass(quiet, 1_000);
    await followed.ended;
    expect(quiet.seen).toHaveLength(2);
    const never = scripted(whole("data: x\n\n"));
    await follow(never, { reconnect: { attempts: 0 } }).ended;
    expect(never.seen).toHaveLength(1);
  });

  test("reconnect: false reads one connection", async () => {
    const net = scripted(whole("data: a\n\n"));
    const { seen, ended } = follow(net, { reconnect: false });
    await ended;
    expect([seen.length, net.seen.length]).toEqual([1, 1]);
  });
});

describe("what ends it", () => {
  test("a 204, at first or later", async () => {
    const net = scripted(whole("data: a\n\n"), "HTTP/1.1 204 \r\n\r\n");
    const { ended, stream } = follow(net);
    await pass(net, 1_000);
    await ended;
    expect(stream.state).toBe("closed");
    await follow(scripted("HTTP/1.1 204 \r\n\r\n")).ended;
  });

  test.each([
    ["another type", ok("x", "content-type: text/html\r\n"), ContentTypeError],
    ["a status that does not pass", answer(404, "x"), Error],
    ["what is no HTTP", "nonsense\r\n\r\n", Error],
    ["a line beyond the limit", whole(`data: ${"x".repeat(200)}\n\n`), PayloadError],
  ])("%s, also when it had been open", async (_what, bad, kind) => {
    const options = { maxLineBytes: 100 };
    expect(await rejection(follow(scripted(bad), options).ended)).toBeInstanceOf(kind);
    const net = scripted(whole("data: a\n\n"), bad);
    const { ended, errors } = follow(net, options);
    await pass(net, 1_000);
    const error = await rejection(ended);
    expect(error).toBeInstanceOf(kind);
    expect(errors).toEqual([error]);
  });

  test("statuses that pass are waited out, as long as Retry-After asks; which ones they are can be said", async () => {
    const busy = answer(503, "x", "retry-after: 40\r\n");
    const net = scripted(whole("data: a\n\n"), busy, answer(500), open("data: b\n\n"));
    const { seen, waits, stream } = follow(net);
    for (const ms of [1_000, 40_000, 1_000]) await pass(net, ms);
    expect(waits.map(({ delay }) => delay)).toEqual([1_000, 40_000, 1_000]);
    expect(seen).toHaveLength(2);
    stream.close();
    for (const statuses of [[404], (status: number) => status === 404]) {
      const gone = scripted(whole("data: a\n\n"), answer(404), answer(503));
      const { ended } = follow(gone, { reconnect: { ...STEADY, statuses } });
      await pass(gone, 1_000);
      await pass(gone, 1_000);
      expect(await rejection(ended)).toMatchObject({ status: 503 });
    }
    const long = scripted(whole("data: a\n\n"), answer(503, "", "retry-after: 99999999\r\n"), open(""));
    const patient = follow(long);
    await pass(long, 1_000);
    expect(patient.waits.at(-1)?.delay).toBe(300_000);
    patient.stream.close();
  });

  test("a fault before it was ever open, unless beforeOpen", async () => {
    expect(await rejection(follow(scripted(answer(503))).ended)).toMatchObject({ status: 503 });
    const net = scripted(answer(503), open("data: a\n\n"));
    const { seen, stream } = follow(net, { reconnect: { ...STEADY, beforeOpen: true } });
    await pass(net, 1_000);
    expect(seen).toHaveLength(1);
    stream.close();
  });

  test("faults of the connection pass, those of trust do not", async () => {
    for (const [fault, passes] of [
      [new ConnectError("connect/refused", "No"), true],
      [new DnsError("dns/not-found", "No"), true],
      [new TlsError("tls/certificate-expired", "No"), false],
    ] as const) {
      const net = scripted(ok("data: a\n\n", `${TYPE}connection: close\r\n`), open("data: b\n\n"));
      let dials = 0;
      net.dialing = () => {
        dials += 1;
        if (dials === 2) throw fault;
      };
      const { seen, ended, errors, stream } = follow(net);
      for (let count = 0; count < 3; count += 1) await pass(net, 1_000);
      expect(errors).toMatchObject([{ code: fault.code }]);
      if (passes) expect(seen).toHaveLength(2);
      else expect(await rejection(ended)).toBeInstanceOf(TlsError);
      stream.close();
    }
  });

  test("the user's abort, with its reason: while connecting, reading, waiting, and before", async () => {
    for (const answers of [[open("data: a\n\n")], [whole("data: a\n\n")]]) {
      const controller = new AbortController();
      const net = scripted(...answers);
      const { ended, errors } = follow(net, { signal: controller.signal });
      await turns(12);
      const reason = new Error("enough");
      controller.abort(reason);
      expect(await rejection(ended)).toBe(reason);
      expect(errors).toEqual([]);
      await turns();
      expect(net.clock.armedCount).toBeLessThanOrEqual(net.open);
    }
    const silent = new FakeNet(() => undefined);
    const controller = new AbortController();
    const { ended } = follow(silent, { signal: controller.signal });
    await turns();
    controller.abort();
    expect(await rejection(ended)).toBe(controller.signal.reason);
    const late = follow(new FakeNet(), { signal: controller.signal });
    expect(await rejection(late.ended)).toBe(controller.signal.reason);
  });

  test("the signal of the session's view", async () => {
    const controller = new AbortController();
    const net = scripted(whole("data: a\n\n"));
    const { ended } = follow(net, {}, net.session().with({ signal: controller.signal }));
    await turns(12);
    controller.abort();
    expect(await rejection(ended)).toBe(controller.signal.reason);
  });

  test("close(): the loop ends as if there were no more, in whatever state it is", async () => {
    for (const one of [open("data: a\n\n"), whole("data: a\n\n")]) {
      const net = scripted(one);
      const { ended, stream } = follow(net);
      await turns(12);
      stream.close();
      stream.close();
      await ended;
      expect(stream.state).toBe("closed");
    }
    const unread = new FakeNet().session().events(URL_A);
    unread.close();
    for await (const event of unread) throw new Error(String(event));
  });

  test("closing the session: at once while it waits, and while it reads", async () => {
    for (const one of [open("data: a\n\n"), whole("data: a\n\n")]) {
      const net = scripted(one);
      const session = net.session();
      const { ended } = follow(net, {}, session);
      await turns(12);
      await session.close();
      expect(await rejection(ended)).toBeInstanceOf(SessionClosedError);
      await turns();
      // What is left is a connection that is kept for others.
      expect(net.clock.armedCount).toBeLessThanOrEqual(net.open);
    }
  });

  test("leaving the loop closes the connection", async () => {
    const net = scripted(open("data: a\n\ndata: b\n\n"));
    const stream = net.session().events(URL_A);
    for await (const { data } of stream) {
      expect(data).toBe("a");
      break;
    }
    await turns();
    expect([net.open, stream.state]).toEqual([0, "closed"]);
    expect(
      await rejection(
        (async () => {
          for await (const event of stream) throw new Error(String(event));
        })(),
      ),
    ).toMatchObject({ code: "event-stream/already-read" });
  });
});

describe("time limits", () => {
  test("a connection without a byte for idleTimeout is taken for dead; comments keep it alive", async () => {
    const net = scripted(open("data: a\n\n"));
    const { errors, stream } = follow(net, { idleTimeout: 10_000 });
    await pass(net, 9_000);
    net.connections[0]?.send(": still here\n\n");
    await pass(net, 9_000);
    expect(errors).toEqual([]);
    await pass(net, 1_100);
    expect(errors).toMatchObject([{ code: "timeout.read" }]);
    await pass(net, 1_000);
    expect(net.seen).toHaveLength(2);
    stream.close();
  });

  test("it goes with the other limits", async () => {
    const net = scripted(open(""));
    const { ended } = follow(net, { idleTimeout: 10_000, timeout: 3_000, reconnect: false });
    await pass(net, 3_000);
    expect(await rejection(ended)).toMatchObject({ code: "timeout.total" });
  });
});

describe("callbacks and options", () => {
  test("onOpen for each connection; what a callback throws ends the stream", async () => {
    const net = scripted(whole("data: a\n\n"), open(""));
    const statuses: number[] = [];
    const { stream } = follow(net, { onOpen: ({ status }) => statuses.push(status) });
    await pass(net, 1_000);
    expect(statuses).toEqual([200, 200]);
    stream.close();
    const fault = new Error("mine");
    const throwing = () => {
      throw fault;
    };
    for (const options of [{ onOpen: throwing }, { onReconnect: throwing }]) {
      const failing = scripted(whole("data: a\n\n"));
      expect(await rejection(follow(failing, options).ended)).toBe(fault);
      await turns();
      expect(failing.clock.armedCount).toBeLessThanOrEqual(failing.open);
    }
  });

  test("method, headers, params and the first id are the caller's", async () => {
    const net = scripted(open("data: a\n\n"));
    const { stream } = follow(net, {
      method: "POST",
      json: { room: 1 },
      params: { q: "x" },
      headers: { Accept: "text/event-stream, */*", "x-key": "k" },
      lastEventId: "41",
    });
    await turns(12);
    expect(net.seen[0]).toMatchObject({ method: "POST", target: "/feed?q=x", body: '{"room":1}' });
    const fields = net.seen[0]?.fields;
    expect(fields?.get("accept")).toBe("text/event-stream, */*");
    expect(fields?.get("x-key")).toBe("k");
    expect(fields?.get("last-event-id")).toBe("41");
    expect(fields?.get("cache-control")).toBe("no-store");
    stream.close();
  });

  test.each([
    [{ reconnect: { delay: -1 } }, "reconnect.delay"],
    [{ reconnect: { delay: Number.POSITIVE_INFINITY } }, "use reconnect: false"],
    [{ reconnect: { attempts: Number.NaN } }, "reconnect.attempts"],
    [{ reconnect: { maxDelay: "1" } }, "reconnect.maxDelay"],
    [{ reconnect: { delays: 1 } }, 'reconnect option "delays"'],
    [{ idleTimeout: 0 }, "timeout.read"],
    [{ maxLineBytes: 0 }, "maxLineBytes"],
    [{ onMessage: () => 1 }, '"onMessage"'],
  ])("%o is refused", async (options, why) => {
    const error = await rejection(follow(new FakeNet(), { reconnect: STEADY, ...options } as object).ended);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(why);
  });

  test("typed data: validated, and what is refused ends the stream", async () => {
    const net = scripted(whole('data: {"n":1}\n\ndata: {"n":"x"}\n\n'));
    const stream = net.session().events(URL_A, { schema: z.object({ n: z.number() }) });
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const { data } of stream) {
          expectTypeOf(data).toEqualTypeOf<{ n: number }>();
          seen.push(data.n);
        }
      })(),
    );
    expect(seen).toEqual([1]);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain("GET http://a.test/feed: ");
    expectTypeOf(net.session().events(URL_A)).toEqualTypeOf<EventStream<string>>();
  });

  test("an error shows the line that reads", async () => {
    async function theReader(): Promise<void> {
      for await (const event of scripted(answer(404)).session().events(URL_A)) throw new Error(String(event));
    }
    expect((await rejection(theReader())).stack).toMatch(/theReader/);
  });
});
