import { afterEach, describe, expect, test } from "vitest";
import { Connector } from "../../src/client/connector.js";
import { retry } from "../../src/client/middleware/retry.js";
import type { SessionOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import { ManualClock } from "../../src/concurrency/manual-clock.js";
import {
  ConnectError,
  ConnectionLostError,
  DnsError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  TlsError,
  UsageError,
} from "../../src/errors.js";
import { memoryPair } from "../../src/net/memory.js";
import { MockConnector, type MockConnectorOptions } from "../../src/testing/mock/mock-connector.js";
import { FakeNet, ok, rejection } from "../client/fake-net.js";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function setUp(options: MockConnectorOptions = {}, sessionOptions: SessionOptions = {}) {
  const mock = new MockConnector(options);
  const session = new ClientSession({ connector: mock, ...sessionOptions });
  open.push(mock, session);
  return { mock, session };
}

describe("replying", () => {
  test("a status and a body of JSON, with its type and length, as a server's engine writes them", async () => {
    const { mock, session } = setUp();
    mock.get("https://api.example.com/users/1").reply(200, { json: { name: "Ada" } });
    const response = await session.get("https://api.example.com/users/1");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("content-length")).toBe("14");
    expect(response.headers.has("date")).toBe(true);
    expect(await response.json()).toEqual({ name: "Ada" });
    mock.assertDone();
  });

  test("text, bytes, a stream, nothing; fields and reason as given", async () => {
    const { mock, session } = setUp();
    mock
      .get("http://a.test/")
      .reply(200, { text: "héllo" })
      .reply(200, { bytes: Uint8Array.of(1, 2, 3), headers: { "content-type": "image/png", "x-many": ["a", "b"] } })
      .reply(200, { stream: ["one ", "two"] })
      .reply(299, { reason: "Odd" })
      .reply(204);
    expect(await session.get("http://a.test/").text()).toBe("héllo");
    const bytes = await session.get("http://a.test/");
    expect(bytes.headers.get("content-type")).toBe("image/png");
    expect(bytes.headers.get("x-many")).toBe("a, b");
    expect(await bytes.bytes()).toEqual(Uint8Array.of(1, 2, 3));
    const streamed = await session.get("http://a.test/");
    expect(streamed.headers.get("transfer-encoding")).toBe("chunked");
    expect(await streamed.text()).toBe("one two");
    const odd = await session.get("http://a.test/");
    expect([odd.status, odd.statusText, await odd.text()]).toEqual([299, "Odd", ""]);
    expect((await session.get("http://a.test/")).status).toBe(204);
  });

  test("HEAD gets the head of what GET would get", async () => {
    const { mock, session } = setUp();
    mock.head("http://a.test/").reply(200, { text: "four" });
    const response = await session.head("http://a.test/");
    expect(response.headers.get("content-length")).toBe("4");
    expect(await response.text()).toBe("");
  });

  test("every method has its name, and request takes any", async () => {
    const { mock, session } = setUp();
    const url = "http://a.test/";
    const routes = [
      mock.get(url),
      mock.head(url),
      mock.post(url),
      mock.put(url),
      mock.patch(url),
      mock.delete(url),
      mock.options(url),
      mock.query(url),
      mock.request("PURGE", url),
      mock.request("*", url),
    ];
    for (const [at, route] of routes.entries()) route.reply(200, { headers: { "x-route": String(at) } });
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PURGE", "REPORT"];
    for (const [at, method] of methods.entries()) {
      const response = await session.request(method, url);
      expect(response.headers.get("x-route")).toBe(String(at));
    }
    mock.assertDone();
    expect(routes.map((route) => route.calls[0]?.method)).toEqual(methods);
  });

  test("a function is given the request, and may take its time", async () => {
    const { mock, session } = setUp();
    mock.post(/^http:\/\/a\.test\/echo/).reply(async (request) => {
      await undefined;
      return {
        status: 201,
        json: { sent: request.json(), q: request.params.get("q"), type: request.headers.get("content-type") },
      };
    });
    const answer = await session.post("http://a.test/echo", { params: { q: 7 }, json: { n: 1 } }).json();
    expect(answer).toEqual({ sent: { n: 1 }, q: "7", type: "application/json" });
  });

  test("what a function gets wrong fails the request, and says so once more when the test asks", async () => {
    const { mock, session } = setUp();
    mock
      .get("http://a.test/")
      .reply(() => {
        throw new Error("no such fixture");
      })
      .reply(() => ({ status: 99 }))
      .reply(() => ({ headers: { "bad name": "x" } }))
      .reply(() => ({ text: "a", json: 1 }))
      .reply(() => ({ stat: 200 }) as object);
    for (const words of [/no such fixture/, /99/, /name/, /more than one body/, /stat/]) {
      const error = await rejection(session.get("http://a.test/", { retry: 3 }));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.code).toBe("mock/reply-failed");
      expect(error.message).toMatch(words);
    }
    expect(() => mock.assertDone()).toThrow(/no such fixture/);
  });

  test("replies come one after the other, each as often as it says", async () => {
    const { mock, session } = setUp();
    const route = mock.get("http://a.test/").reply(500).times(2).reply(429).reply(200).persist();
    const statuses: number[] = [];
    for (let call = 0; call < 6; call += 1) statuses.push((await session.get("http://a.test/")).status);
    expect(statuses).toEqual([500, 500, 429, 200, 200, 200]);
    expect(route.calls).toHaveLength(6);
    mock.assertDone();
  });

  test("of several routes the first answers until it is used up, then the next", async () => {
    const { mock, session } = setUp();
    mock.get("http://a.test/").reply(200, { text: "first" });
    mock.get("http://a.test/").reply(200, { text: "second" }).persist();
    const texts: string[] = [];
    for (let call = 0; call < 3; call += 1) texts.push(await session.get("http://a.test/").text());
    expect(texts).toEqual(["first", "second", "second"]);
  });

  test("a stream given as a function answers again and again", async () => {
    const { mock, session } = setUp();
    mock
      .get("http://a.test/")
      .reply(200, { stream: () => ["a", "b"] })
      .persist();
    expect(await session.get("http://a.test/").text()).toBe("ab");
    expect(await session.get("http://a.test/").text()).toBe("ab");
  });

  test("delays pass on the mock's clock", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock });
    mock.get("http://a.test/").reply(200, { text: "late" }).delay(5_000);
    let answer: string | undefined;
    const asked = session
      .get("http://a.test/")
      .text()
      .then((text) => {
        answer = text;
      });
    await clock.advanceAsync(4_999);
    expect(answer).toBeUndefined();
    await clock.advanceAsync(1);
    await asked;
    expect(answer).toBe("late");
    expect(mock.calls[0]?.time).toBe(0);
  });

  test("a delay ends with the client that waits for it: no timer stays behind", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock });
    mock.get("http://a.test/").reply(200).delay(60_000);
    const asked = rejection(session.get("http://a.test/", { timeout: 100 }));
    await clock.advanceAsync(100);
    expect(await asked).toBeInstanceOf(RequestTimeoutError);
    await clock.advanceAsync(0);
    expect(clock.armedCount).toBe(0);
    mock.assertDone();
  });
});

describe("working with the rest of the client", () => {
  test("redirects, and the cookies set on the way", async () => {
    const { mock, session } = setUp();
    mock.post("https://a.test/login", { form: { user: "ada" } }).reply(303, {
      headers: { location: "https://b.test/home", "set-cookie": "sid=1; Path=/" },
    });
    mock.get("https://b.test/home", { headers: { cookie: undefined } }).reply(200, { text: "home" });
    mock.get("https://a.test/me", { headers: { cookie: "sid=1" } }).reply(200, { text: "me" });
    expect(await session.post("https://a.test/login", { form: { user: "ada" } }).text()).toBe("home");
    expect(await session.get("https://a.test/me").text()).toBe("me");
    mock.assertDone();
    expect(mock.calls.map(String)).toEqual([
      "POST https://a.test/login",
      "GET https://b.test/home",
      "GET https://a.test/me",
    ]);
  });

  test("retries, on a clock that is driven", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock }, { middleware: [retry({ attempts: 4, random: () => 1 })] });
    mock.get("http://a.test/").reply(503).fail("reset").fail("refused").reply(200, { text: "at last" });
    const asked = session.get("http://a.test/").text();
    await clock.advanceAsync(5_000);
    expect(await asked).toBe("at last");
    mock.assertDone();
  });

  test("connections are kept, and limits of the pool hold", async () => {
    const { mock, session } = setUp({ limit: 1 });
    mock.get(/./).reply(200, { text: "x" }).persist();
    await Promise.all([1, 2, 3].map((n) => session.get(`http://a.test/${n}`).text()));
    expect(mock.stats()["http://a.test:80"] ?? mock.stats()["http://a.test"]).toMatchObject({ open: 1, reused: 2 });
  });

  test("https needs no certificate, and the peer says TLS", async () => {
    const { mock, session } = setUp();
    mock.get("https://a.test/").reply(200, { text: "secure" });
    mock.get("https://[::1]:8443/x").reply(200, { text: "six" });
    expect(await session.get("https://a.test/").text()).toBe("secure");
    expect(await session.get("https://[::1]:8443/x").text()).toBe("six");
  });

  test("bodies of every kind arrive whole, with expectations and without a length", async () => {
    const { mock, session } = setUp();
    const big = Buffer.alloc(300_000, "x");
    mock.put("http://a.test/", { bytes: big }).reply(200);
    mock.put("http://a.test/", { text: "onetwo" }).reply(201);
    expect((await session.put("http://a.test/", { body: big })).status).toBe(200);
    async function* pieces() {
      yield "one";
      yield "two";
    }
    expect((await session.put("http://a.test/", { body: pieces() })).status).toBe(201);
    expect(mock.calls.map((call) => call.bytes.length)).toEqual([300_000, 6]);
  });

  test("two sessions on one mock, each closed without it", async () => {
    const { mock, session } = setUp();
    mock.get("http://a.test/").reply(200).times(2);
    await session.get("http://a.test/");
    await session.close();
    await using other = new ClientSession({ connector: mock });
    await other.get("http://a.test/");
    mock.assertDone();
  });

  test("`await using` closes it; later requests are refused", async () => {
    let kept: MockConnector;
    {
      await using mock = new MockConnector();
      kept = mock;
    }
    expect(kept.closed).toBe(true);
    await using session = new ClientSession({ connector: kept });
    expect((await rejection(session.get("http://a.test/"))).code).toBe("session/closed");
  });
});

describe("faults", () => {
  const faults: [
    string,
    Parameters<ReturnType<MockConnector["get"]>["fail"]>[0],
    new (...a: never[]) => Error,
    string,
  ][] = [
    ["refused", "refused", ConnectError, "connect/refused"],
    ["dns", "dns", DnsError, "dns/not-found"],
    ["reset", "reset", ConnectionLostError, "connection/lost"],
    ["close", "close", ConnectionLostError, "connection/closed"],
    ["an error of ours", new TlsError("tls/closed", "Closed"), TlsError, "tls/closed"],
    ["a foreign error", new Error("cable"), ConnectionLostError, "connection/lost"],
  ];

  test.each(faults)("%s", async (_name, fault, kind, code) => {
    const { mock, session } = setUp();
    mock.get("http://a.test/").fail(fault);
    const error = await rejection(session.get("http://a.test/"));
    expect(error).toBeInstanceOf(kind);
    expect(error.code).toBe(code);
    expect(error.message).toContain("GET http://a.test/");
    mock.assertDone();
  });

  test("stall: no answer, until the client's own limit", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock });
    mock.get("http://a.test/").fail("stall");
    const asked = rejection(session.get("http://a.test/", { timeout: { headers: 1_000 } }));
    await clock.advanceAsync(1_000);
    expect((await asked).code).toBe("timeout.headers");
  });

  test("an answer breaks off after its head, in its body, by reset, end or silence", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock });
    const text = "0123456789";
    mock
      .get("http://a.test/")
      .reply(200, { text, breakAfter: 0 })
      .reply(200, { text, breakAfter: 4 })
      .reply(200, { text, breakAfter: 4, breakBy: "close" })
      .reply(200, { stream: () => ["01", "23", "45"], breakAfter: 3, breakBy: "close" })
      .reply(200, { text, breakAfter: 4, breakBy: "stall" })
      .reply(200, { breakAfter: 0, breakBy: "close" });
    const after: string[] = [];
    const errors: Error[] = [];
    for (let call = 0; call < 6; call += 1) {
      const response = await session.get("http://a.test/", { timeout: { read: 100 } });
      let read = "";
      const reading = (async () => {
        for await (const piece of response.body) read += Buffer.from(piece).toString();
      })();
      const failed = rejection(reading);
      await clock.advanceAsync(100);
      errors.push(await failed);
      after.push(read);
    }
    expect(after).toEqual(["", "0123", "0123", "012", "0123", ""]);
    expect(errors.map((error) => (error as Error & { code: string }).code)).toEqual([
      "connection/lost",
      "connection/lost",
      "body/incomplete",
      "body/incomplete",
      "timeout.read",
      "body/incomplete",
    ]);
    expect(errors[2]).toBeInstanceOf(PayloadError);
  });

  test("bytes as they are: malformed heads, and each piece on its own", async () => {
    const clock = new ManualClock();
    const { mock, session } = setUp({ clock });
    mock
      .get("http://a.test/")
      .raw("HTP/1.1 200 OK\r\n\r\n")
      .raw(["HTTP/1.1 200 OK\r\ncontent-le", Buffer.from("ngth: 2\r\n\r\no"), "k"])
      .raw("HTTP/1.1 200 OK\r\nconte", { end: "reset" })
      .raw("", { end: "stall" });
    expect(await rejection(session.get("http://a.test/"))).toBeInstanceOf(ProtocolError);
    expect(await session.get("http://a.test/").text()).toBe("ok");
    expect((await rejection(session.get("http://a.test/"))).code).toBe("connection/lost");
    const stalled = rejection(session.get("http://a.test/", { timeout: 50 }));
    await clock.advanceAsync(50);
    expect((await stalled).code).toBe("timeout.total");
  });
});

describe("passing through", () => {
  test("only the origins that are named, and only to the connector that is given", async () => {
    const real = new FakeNet(() => ok("real"));
    const { mock, session } = setUp({ clock: real.clock });
    mock.passThrough("http://real.test", real.connector());
    mock.get("http://mocked.test/").reply(200, { text: "mocked" });
    expect(await session.get("http://real.test/x").text()).toBe("real");
    expect(await session.get("http://mocked.test/").text()).toBe("mocked");
    expect((await rejection(session.get("http://other.test/"))).code).toBe("mock/unmatched");
    expect(real.seen.map((request) => request.url)).toEqual(["http://real.test:80/x"]);
    expect(mock.calls.map(String)).toEqual(["GET http://mocked.test/", "GET http://other.test/"]);
  });

  test("a request that waits in the real pool can be given up", async () => {
    const real = new FakeNet(() => undefined);
    const { mock, session } = setUp({ clock: real.clock });
    mock.passThrough(new URL("http://real.test"), real.connector({ limit: 1 }));
    const first = rejection(session.get("http://real.test/1", { timeout: 100 }));
    const second = rejection(session.get("http://real.test/2", { timeout: { queue: 50 } }));
    await real.clock.advanceAsync(100);
    expect((await second).code).toBe("timeout.queue");
    expect((await first).code).toBe("timeout.total");
  });

  test.each(["real.test", "http://real.test/path", "http://real.test?q", ""])("%j is no origin", (origin) => {
    const { mock } = setUp();
    expect(() => mock.passThrough(origin, mock)).toThrow(UsageError);
  });
});

describe("a transport of memory, for whoever builds such things", () => {
  test("a mock of a user's own by `connect` still works beside it", async () => {
    const [near, far] = memoryPair();
    far.attach({ onData: () => far.write("HTTP/1.1 204 No Content\r\n\r\n"), onEnd() {}, onDrain() {}, onClose() {} });
    await using connector = new Connector({ connect: () => near });
    await using session = new ClientSession({ connector });
    expect((await session.get("http://a.test/")).status).toBe(204);
  });
});
