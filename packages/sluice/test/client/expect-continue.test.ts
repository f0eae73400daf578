import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { BodyInput } from "../../src/body/payload.js";
import { ConnectionLostError } from "../../src/errors.js";
import { answer, FakeNet, ok, rejection, turns, untilSettled } from "./fake-net.js";

const URL_A = "http://a.test/x";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** A server that sees heads before their bodies: `onHead` is told of each, with what came on its connection so far. */
class HeadNet extends FakeNet {
  readonly heads: string[] = [];
  readonly #received = new Map<object, string>();

  constructor(onHead: (connection: FakeNet["connections"][number], head: string, count: number) => void) {
    super(() => ok("done"));
    this.connected = (connection) => {
      const take = connection.onData.bind(connection);
      connection.onData = (bytes) => {
        const before = this.receivedOn(connection);
        const now = before + Buffer.from(bytes).toString("latin1");
        this.#received.set(connection, now);
        take(bytes);
        if (!before.includes("\r\n\r\n") && now.includes("\r\n\r\n")) {
          this.heads.push(now.slice(0, now.indexOf("\r\n\r\n")));
          onHead(connection, this.heads.at(-1) ?? "", this.heads.length);
        }
      };
    };
  }

  receivedOn(connection: object | undefined): string {
    return (connection === undefined ? undefined : this.#received.get(connection)) ?? "";
  }

  /** What came behind the first head. */
  get body(): string {
    const all = this.receivedOn(this.connections[0]);
    return all.slice(all.indexOf("\r\n\r\n") + 4);
  }
}

async function* once(...pieces: string[]): AsyncGenerator<string> {
  yield* pieces;
}

test("the head leaves with Expect, and the body when 100 comes: in memory, large, and streamed", async () => {
  const large = "x".repeat(300_000);
  const bodies: [BodyInput, string][] = [
    ["text", "text"],
    [large, large],
    [once("a", "b"), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"],
  ];
  for (const [body, wire] of bodies) {
    const net = new HeadNet(() => undefined);
    const sending = net.session().put(URL_A, { body, expectContinue: true });
    await turns();
    expect(net.heads[0]).toContain("\r\nexpect: 100-continue");
    expect(net.body).toBe("");
    net.connections[0]?.send(CONTINUE);
    expect(await sending.text()).toBe("done");
    expect(net.body).toBe(wire);
  }
});

test("a body of nothing, and none at all, is not worth an expectation (RFC 9110 §10.1.1)", async () => {
  const net = new FakeNet();
  const session = net.session({ expectContinue: true });
  await session.put(URL_A, { body: "" });
  await session.post(URL_A);
  await session.get(URL_A);
  expect(net.seen.map(({ fields }) => fields.has("expect"))).toEqual([false, false, false]);
});

test("a server that never sends 100 gets the body after the wait: not a moment before, and 1,000 ms by default", async () => {
  for (const [expectContinue, wait] of [
    [true, 1_000],
    [250, 250],
  ] as const) {
    const net = new HeadNet(() => undefined);
    const sending = net.session({ expectContinue }).put(URL_A, { body: "late" }).text();
    await turns();
    await net.clock.advance(wait - 1);
    await turns();
    expect(net.body).toBe("");
    await net.clock.advance(1);
    expect(await sending).toBe("done");
    expect(net.body).toBe("late");
  }
});

test("100 that comes after the wait, or twice, changes nothing", async () => {
  const net = new HeadNet(() => undefined);
  net.connected = ((connected) => (connection: FakeNet["connections"][number]) => {
    connected(connection);
    connection.ignoring = true;
  })(net.connected);
  const sending = net.session({ expectContinue: 10 }).put(URL_A, { body: "once" }).text();
  await turns();
  await net.clock.advance(10);
  await turns();
  expect(net.body).toBe("once");
  net.connections[0]?.send(CONTINUE + CONTINUE + ok("fine"));
  expect(await sending).toBe("fine");
  expect(net.body).toBe("once");
});

test("100 and the final answer in one packet, at every cut", async () => {
  const wire = CONTINUE + ok("both");
  for (let cut = 1; cut < wire.length; cut += 1) {
    const net = new HeadNet((connection) => {
      connection.ignoring = true;
      connection.send(wire.slice(0, cut));
      setImmediate(() => connection.send(wire.slice(cut)));
    });
    const session = net.session();
    expect(await session.put(URL_A, { body: "abc", expectContinue: true }).text(), `cut at ${cut}`).toBe("both");
    expect(net.body).toBe("abc");
    await session.close();
  }
});

// The final answer comes first.

test("a final answer before 100 is the answer; the body is not sent, its source released, the connection closed", async () => {
  const source = new Readable({ read() {} });
  const net = new HeadNet((connection) => connection.send(answer(401, "who are you")));
  const session = net.session({ expectContinue: true });
  const response = await session.put(URL_A, { body: source });
  expect([response.status, await response.text()]).toEqual([401, "who are you"]);
  await turns();
  expect(net.body).toBe("");
  expect(source.destroyed).toBe(true);
  expect(net.open).toBe(0);
});

test("417 is sent again without the expectation, once, on another connection", async () => {
  for (const body of ["text", once("stream")]) {
    const net = new HeadNet((connection, head) => {
      if (head.includes("expect")) connection.send(answer(417));
    });
    const response = await net.session().post(URL_A, { body, expectContinue: true });
    expect([response.status, await response.text()]).toEqual([200, "done"]);
    expect(net.heads.map((head) => head.includes("expect"))).toEqual([true, false]);
    expect(net.connections.length).toBe(2);
    expect(net.seen.length).toBe(1);
  }
});

test("417 to the request without expectation is the answer, and so is one to a stream that has begun", async () => {
  const twice = new HeadNet((connection, _head, count) => {
    connection.ignoring = true;
    connection.send(answer(417, String(count)));
  });
  expect(await (await twice.session().post(URL_A, { body: "x", expectContinue: true })).text()).toBe("2");
  expect(twice.heads.length).toBe(2);

  const begun = new HeadNet(() => undefined);
  const sending = begun.session().post(URL_A, { body: new Readable({ read() {} }), expectContinue: 10 });
  await turns();
  await begun.clock.advance(10);
  await turns();
  begun.connections[0]?.send(answer(417));
  expect((await sending).status).toBe(417);
  expect(begun.heads.length).toBe(1);
});

test("a redirect before 100 is followed even with a stream, which has not been begun", async () => {
  const net = new HeadNet((connection, _head, count) => {
    connection.send(count === 1 ? answer(307, "", "location: /y\r\n") : CONTINUE);
  });
  const response = await net.session().put(URL_A, { body: once("stream"), expectContinue: true });
  expect([response.status, response.url]).toEqual([200, "http://a.test/y"]);
  expect(net.seen.map(({ target, body }) => [target, body])).toEqual([["/y", "stream"]]);
  expect(net.heads.map((head) => head.includes("expect"))).toEqual([true, true]);
});

test("credentials asked for before 100 can go with a stream, which has not been begun", async () => {
  const net = new HeadNet((connection, head) => {
    const known = /\r\nauthorization: Digest /i.test(head);
    connection.send(
      known ? CONTINUE : answer(401, "", 'www-authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'),
    );
  });
  const session = net.session({ auth: { digest: { username: "u", password: "p" } } });
  const response = await session.put(URL_A, { body: once("stream"), expectContinue: true });
  expect([response.status, net.seen.map(({ body }) => body)]).toEqual([200, ["stream"]]);
});

test("a redirect that turns into GET, or is not followed, releases the body", async () => {
  for (const [status, redirect] of [
    [303, "follow"],
    [307, "manual"],
  ] as const) {
    const source = new Readable({ read() {} });
    const net = new HeadNet((connection, _head, count) => {
      if (count === 1) connection.send(answer(status, "", "location: /y\r\n"));
    });
    await net.session({ redirect }).put(URL_A, { body: source, expectContinue: true });
    expect(source.destroyed, String(status)).toBe(true);
  }
});

test("a 503 before 100 is retried with a body that can be sent again", async () => {
  const net = new HeadNet((connection, _head, count) => connection.send(count === 1 ? answer(503) : CONTINUE));
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 }, expectContinue: true });
  const sending = session.put(URL_A, { body: () => once("again") }).text();
  expect(await untilSettled(net.clock, sending)).toBe("done");
  expect(net.seen.map(({ body }) => body)).toEqual(["again"]);
});

// Time, faults, progress.

test("the wait is bounded by timeout.headers where that is shorter, and Infinity waits just so long", async () => {
  for (const expectContinue of [Number.POSITIVE_INFINITY, 501]) {
    const net = new HeadNet(() => undefined);
    const sending = rejection(net.session({ timeout: { headers: 500 } }).put(URL_A, { body: "x", expectContinue }));
    await turns();
    await net.clock.advance(500);
    expect((await sending).code).toBe("timeout.headers");
    expect(net.body).toBe("");
  }
});

test("once the body may go, timeout.write bounds it, and timeout.headers begins when it has left", async () => {
  const stuck = new HeadNet((connection) => connection.send(CONTINUE));
  const large = new Uint8Array(8 * 1024 * 1024);
  const limits = { timeout: { write: 300, headers: 10_000 }, expectContinue: 5_000 };
  const writing = rejection(stuck.session(limits).put(URL_A, { body: large }));
  stuck.connected = ((connected) => (connection: FakeNet["connections"][number]) => {
    connected(connection);
    const take = connection.onData;
    connection.onData = (bytes) => {
      take(bytes);
      connection.transport.pause();
    };
  })(stuck.connected);
  await turns();
  await stuck.clock.advance(300);
  expect((await writing).code).toBe("timeout.write");

  const silent = new HeadNet((connection) => {
    connection.ignoring = true;
  });
  const waiting = rejection(
    silent.session({ timeout: { headers: 500 } }).put(URL_A, { body: "x", expectContinue: 200 }),
  );
  await turns();
  await silent.clock.advance(200);
  await turns();
  expect(silent.body).toBe("x");
  await silent.clock.advance(499);
  expect(silent.open).toBe(1);
  await silent.clock.advance(1);
  expect((await waiting).code).toBe("timeout.headers");
});

test("a peer that closes while the body waits, or is on its way, is a lost connection; the source is released", async () => {
  for (const when of ["waiting", "uploading"]) {
    const source = new Readable({ read() {} });
    const net = new HeadNet((connection) => {
      if (when === "uploading") connection.send(CONTINUE);
      setImmediate(() => connection.reset());
    });
    const error = await rejection(net.session().post(URL_A, { body: source, expectContinue: true }));
    expect(error, when).toBeInstanceOf(ConnectionLostError);
    await turns();
    expect(source.destroyed).toBe(true);
  }
});

test("an abort during the wait sends nothing more and keeps no timer", async () => {
  const controller = new AbortController();
  const net = new HeadNet(() => undefined);
  const session = net.session();
  const sending = rejection(session.post(URL_A, { body: "x", expectContinue: true, signal: controller.signal }));
  await turns();
  controller.abort(new Error("stop"));
  expect((await sending).message).toBe("stop");
  await net.clock.advance(2_000);
  await turns();
  expect(net.body).toBe("");
  expect([net.open, net.clock.armedCount]).toEqual([0, 0]);
});

test("progress begins when the body does", async () => {
  const net = new HeadNet(() => undefined);
  const reports: number[] = [];
  const sending = net
    .session()
    .put(URL_A, { body: "body", expectContinue: true, onProgress: ({ transferred }) => reports.push(transferred) });
  await turns();
  expect(reports).toEqual([]);
  net.connections[0]?.send(CONTINUE);
  await sending;
  expect(reports).toEqual([4]);
});

test("the connection is kept where the whole exchange went well", async () => {
  const net = new HeadNet((connection) => connection.send(CONTINUE));
  const session = net.session();
  await session.put(URL_A, { body: "one", expectContinue: true }).text();
  await session.get(URL_A).text();
  expect(net.connections.length).toBe(1);
});

test("a wait that is no time is refused; false switches the session's off", async () => {
  const session = new FakeNet().session();
  for (const expectContinue of [0, -1, Number.NaN, "yes"] as never[]) {
    expect((await rejection(session.put(URL_A, { body: "x", expectContinue }))).code).toBe("options/out-of-range");
  }
  expect(() => new FakeNet().session({ expectContinue: -1 })).toThrow("expectContinue");
  const net = new FakeNet();
  await net.session({ expectContinue: true }).put(URL_A, { body: "x", expectContinue: false });
  expect(net.seen[0]?.fields.has("expect")).toBe(false);
});
