import { describe, expect, test } from "vitest";
import { type DedupeOptions, dedupe } from "../../../src/client/middleware/dedupe.js";
import type { ClientSession } from "../../../src/client/session.js";
import { answer, FakeNet, json, ok, redirect, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";

/** A network that answers when it is told to. */
function held(): { net: FakeNet; release(text?: string): void } {
  const net = new FakeNet(() => undefined);
  let released = 0;
  return {
    net,
    release(text = ok("fine")) {
      for (const { connection } of net.seen.slice(released)) connection.send(text);
      released = net.seen.length;
    },
  };
}

function sharing(net: FakeNet, options: DedupeOptions = {}, more: object = {}): ClientSession {
  return net.session({ middleware: [dedupe(options)], ...more });
}

describe("what is shared", () => {
  test("identical requests at the same time are one exchange; each gets the content", async () => {
    const { net, release } = held();
    const session = sharing(net);
    const texts = [1, 2, 3].map(() => session.get(URL_A).text());
    await turns();
    expect(net.seen.length).toBe(1);
    release();
    expect(await Promise.all(texts)).toEqual(["fine", "fine", "fine"]);
  });

  test("responses are objects of their own, with head, history and bytes of their own", async () => {
    const net = new FakeNet(({ target }) => (target === "/x" ? redirect(302, "/y") : ok("fine", "x-a: 1\r\n")));
    const session = sharing(net);
    const [one, other] = await Promise.all([session.get(URL_A), session.get(URL_A)]);
    expect(net.seen.length).toBe(2);
    expect(one).not.toBe(other);
    for (const response of [one, other]) {
      expect([response?.status, response?.headers.get("x-a"), response?.url, response?.redirected]).toEqual([
        200,
        "1",
        "http://a.test/y",
        true,
      ]);
    }
    const bytes = await one?.bytes();
    bytes?.fill(0);
    expect(await other?.text()).toBe("fine");
  });

  test("one that comes when the answer is there is sent", async () => {
    const net = new FakeNet();
    const session = sharing(net);
    await session.get(URL_A).text();
    await session.get(URL_A).text();
    expect(net.seen.length).toBe(2);
  });

  test("another URL, method, header, body, credential, jar or rule is another request", async () => {
    const { net, release } = held();
    const share = dedupe();
    const one = net.session({ middleware: [share] });
    const other = net.session({ middleware: [share] });
    const asked = [
      one.get(URL_A),
      one.get(URL_A),
      one.get(`${URL_A}?a=1`),
      one.get(`${URL_A}#fragment`),
      one.get(URL_A, { headers: { accept: "text/html" } }),
      one.get(URL_A, { auth: { username: "u", password: "p" } }),
      one.get(URL_A, { redirect: "manual" }),
      one.post(URL_A),
      one.post(URL_A),
      one.query(URL_A, { body: "x" }),
      one.query(URL_A, { body: "x" }),
      other.get(URL_A),
    ].map((request) => request.then(({ status }) => status));
    await turns();
    expect(net.seen.length).toBe(10);
    release();
    expect(new Set(await Promise.all(asked))).toEqual(new Set([200]));
  });

  test("the order and case of header names make no difference, ignored ones none at all", async () => {
    const { net, release } = held();
    const session = sharing(net, { ignoreHeaders: ["Traceparent"] });
    const asked = [
      session.get(URL_A, { headers: { a: "1", B: "2", traceparent: "x" } }).text(),
      session.get(URL_A, { headers: { b: "2", A: "1", traceparent: "y" } }).text(),
    ];
    await turns();
    expect(net.seen.length).toBe(1);
    release();
    await Promise.all(asked);
  });

  test("key tells requests apart, or leaves them alone; methods adds others that are safe", async () => {
    const { net, release } = held();
    const key = ({ url }: { url: URL }): string | undefined => (url.search === "?no" ? undefined : url.search);
    const session = sharing(net, { key, methods: ["get", "OPTIONS", "DELETE"] });
    const asked = ["", "", "?no", "?no"].map((query) => session.get(URL_A + query).then(({ status }) => status));
    asked.push(...[1, 2].map(() => session.options(URL_A).then(({ status }) => status)));
    asked.push(...[1, 2].map(() => session.delete(URL_A).then(({ status }) => status)));
    await turns();
    expect(net.seen.map(({ method }) => method).sort()).toEqual(["DELETE", "DELETE", "GET", "GET", "GET", "OPTIONS"]);
    release();
    await Promise.all(asked);
  });

  test("an answer that varies by everything is the first one's; the others ask themselves", async () => {
    let count = 0;
    const net = new FakeNet(() => {
      count += 1;
      return ok(String(count), "vary: accept, *\r\n");
    });
    const session = sharing(net);
    const texts = await Promise.all([1, 2, 3].map(() => session.get(URL_A).text()));
    expect(texts.sort()).toEqual(["1", "2", "3"]);
  });

  test("retries and error statuses are shared too", async () => {
    const net = new FakeNet((_seen, { seen }) => answer(seen.length === 1 ? 503 : 404, "gone"));
    const session = sharing(net, {}, { retry: { attempts: 2, baseDelay: 0 } });
    const asked = [1, 2].map(() => rejection<Error & { status: number }>(session.get(URL_A).text()));
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(1);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([404, 404]);
    expect(net.seen.length).toBe(2);
  });

  test("a failure is everybody's, and the next request is sent anew", async () => {
    const net = new FakeNet((seen, { seen: all }) => {
      if (all.length > 1) return json({ a: 1 });
      seen.connection.reset();
      return undefined;
    });
    const session = sharing(net);
    const errors = await Promise.all([1, 2].map(() => rejection(session.get(URL_A))));
    expect(errors.map(({ code }) => code)).toEqual(["connection/lost", "connection/lost"]);
    expect(await session.get(URL_A).json()).toEqual({ a: 1 });
  });
});

describe("leaving", () => {
  test("who is aborted leaves the others alone, the first one too", async () => {
    const { net, release } = held();
    const session = sharing(net);
    const controller = new AbortController();
    const lost = rejection(session.get(URL_A, { signal: controller.signal }).text());
    const kept = session.get(URL_A).text();
    await turns();
    controller.abort(new Error("enough"));
    expect((await lost).message).toBe("enough");
    await turns();
    expect(net.open).toBe(1);
    release();
    expect([await kept, net.seen.length]).toEqual(["fine", 1]);
  });

  test("when the last one leaves, the exchange is cancelled, and a newcomer is sent", async () => {
    const { net, release } = held();
    const session = sharing(net);
    const controllers = [new AbortController(), new AbortController()];
    const lost = controllers.map(({ signal }) => rejection(session.get(URL_A, { signal })));
    await turns();
    for (const controller of controllers) controller.abort(new Error("enough"));
    const fresh = session.get(URL_A).text();
    await Promise.all(lost);
    await turns();
    expect([net.seen.length, net.connections[0]?.closed]).toEqual([2, true]);
    net.seen.shift();
    release();
    expect(await fresh).toBe("fine");
  });

  test("each has its own total", async () => {
    const { net, release } = held();
    const session = sharing(net);
    const short = rejection(session.get(URL_A, { timeout: 100 }));
    const long = session.get(URL_A, { timeout: 1_000 }).text();
    await turns();
    net.clock.advance(100);
    expect((await short).code).toBe("timeout.total");
    release();
    expect(await long).toBe("fine");
  });

  test("closing the session ends them all, and leaves no timer and no connection", async () => {
    const { net } = held();
    const session = sharing(net);
    const lost = [1, 2].map(() => rejection(session.get(URL_A)));
    await turns();
    await session.close();
    expect((await Promise.all(lost)).map(({ code }) => code)).toEqual(["session/closed", "session/closed"]);
    await turns();
    expect(net.open).toBe(0);
  });
});

describe("bodies that come in pieces", () => {
  const head = (length: number): string => `HTTP/1.1 200 \r\ncontent-length: ${length}\r\n\r\n`;
  const MB = 1024 * 1024;

  /** Two responses to one exchange, of which only the head has come. */
  async function two(length: number, options: DedupeOptions = {}, more: object = {}) {
    const { net } = held();
    const session = sharing(net, options, more);
    const controller = new AbortController();
    const asked = [session.get(URL_A), session.get(URL_A, { signal: controller.signal })] as const;
    const both = Promise.all([asked[0].then(), asked[1].then()]);
    await turns();
    const [connection] = net.connections;
    connection?.send(head(length));
    const [one, other] = await both;
    return { net, session, connection, controller, one, other };
  }

  test("each reads at its own pace", async () => {
    const { connection, one, other } = await two(9);
    const reader = one.body[Symbol.asyncIterator]();
    const text = other.text();
    const seen: string[] = [];
    for (const piece of ["abc", "def", "ghi"]) {
      connection?.send(piece);
      const { value } = await reader.next();
      seen.push(Buffer.from(value ?? []).toString());
    }
    expect([seen, await text, (await reader.next()).done]).toEqual([["abc", "def", "ghi"], "abcdefghi", true]);
  });

  test("one that breaks off breaks off for all", async () => {
    const { connection, one, other } = await two(9);
    const texts = [one, other].map((response) => rejection(response.text()));
    connection?.send("abc");
    connection?.end();
    expect((await Promise.all(texts)).map(({ code }) => code)).toEqual(["body/incomplete", "body/incomplete"]);
  });

  test("one reader's abort, or its giving up, is not the other's", async () => {
    for (const way of ["abort", "discard"] as const) {
      const { net, connection, controller, one, other } = await two(6);
      const text = one.text();
      connection?.send("abc");
      await turns();
      if (way === "discard") other.discard();
      else {
        const lost = rejection(other.text());
        controller.abort(new Error("enough"));
        expect((await lost).message).toBe("enough");
      }
      connection?.send("def");
      expect([await text, net.open], way).toEqual(["abcdef", 1]);
    }
  });

  test("when all have given up, so has the exchange", async () => {
    const { net, connection, one, other } = await two(10 * MB);
    connection?.send("x".repeat(MB));
    await turns();
    one.discard();
    other.discard();
    await turns(20);
    await net.clock.advanceAsync(40_000);
    expect(net.open).toBe(0);
  });

  test("who is further behind than maxBuffer while the other waits is left behind: at the bound, and past it", async () => {
    for (const [bytes, fails] of [
      [64 * 1024 - 1, false],
      [200 * 1024, true],
    ] as const) {
      const { connection, one, other } = await two(bytes, { maxBuffer: 64 * 1024 });
      const text = one.text();
      for (let sent = 0; sent < bytes; sent += 8 * 1024) {
        connection?.send("x".repeat(Math.min(8 * 1024, bytes - sent)));
        await turns(2);
      }
      expect((await text).length).toBe(bytes);
      if (fails) expect((await rejection(other.text())).code).toBe("dedupe/left-behind");
      else expect((await other.text()).length).toBe(bytes);
    }
  });

  test("bodies that nobody reads are given up after unreadTimeout", async () => {
    const { net, connection, one, other } = await two(10 * MB, { maxBuffer: 64 * 1024 }, { unreadTimeout: 1_000 });
    for (let sent = 0; sent < 20; sent += 1) {
      connection?.send("x".repeat(32 * 1024));
      await turns(2);
    }
    await net.clock.advanceAsync(1_000);
    await turns(5);
    expect(net.open).toBe(0);
    for (const response of [one, other]) expect((await rejection(response.text())).code).toBe("body/unread");
  });

  test("nothing of a request is left when its body has been read", async () => {
    const { session, connection, one, other } = await two(3);
    connection?.send("abc");
    await Promise.all([one.text(), other.text()]);
    expect(session.toJSON()["running"]).toBe(0);
  });
});

test("options that are unknown, out of range or of the wrong kind are refused", () => {
  for (const bad of [{ method: [] }, { maxBuffer: 65_535 }, { maxBuffer: Number.NaN }, { key: "x" }]) {
    expect(() => dedupe(bad as unknown as DedupeOptions), JSON.stringify(bad)).toThrow(/Cannot use dedupe/);
  }
});
