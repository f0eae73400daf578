import { describe, expect, test } from "vitest";
import type { RetryFailure, RetryOptions } from "../../../src/client/middleware/retrying/retry-options.js";
import { isPassing } from "../../../src/client/middleware/retrying/retry-rules.js";
import {
  ConnectError,
  ConnectionLostError,
  DnsError,
  PayloadError,
  ProtocolError,
  RequestTimeoutError,
  SessionClosedError,
  TlsError,
  UsageError,
} from "../../../src/errors.js";
import { answer, FakeNet, ok, redirect, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";
const AT_ONCE = { attempts: 3, baseDelay: 0 } as const;

/** Answers 503 so many times, then 200. */
function busy(times: number, status = 503): FakeNet {
  return new FakeNet((_seen, { seen }) => (seen.length <= times ? answer(status) : ok("fine")));
}

/** Lets retries without a wait happen. */
async function settled<T>(net: FakeNet, promise: PromiseLike<T>): Promise<T> {
  const result = Promise.resolve(promise);
  result.catch(() => undefined);
  for (let step = 0; step < 5; step += 1) {
    await turns(3);
    await net.clock.advanceAsync(1);
  }
  return result;
}

describe("which failures pass", () => {
  const connect = (code: string): ConnectError => new ConnectError(code, "x");
  const tls = (code: string): TlsError => new TlsError(code, "x");
  const dns = (code: string): DnsError => new DnsError(code, "x");
  const timeout = (phase: "attempt" | "total" | "queue" | "throttle" | "connect" | "headers" | "read" | "write") =>
    new RequestTimeoutError(`timeout.${phase}`, "x", { phase });

  test.each([
    connect("connect/refused"),
    connect("connect/reset"),
    connect("connect/timed-out"),
    connect("connect/unreachable"),
    connect("connect/too-many-files"),
    connect("connect/no-such-socket"),
    connect("connect/failed"),
    dns("dns/unavailable"),
    dns("dns/failed"),
    tls("tls/closed"),
    new ConnectionLostError("connection/lost", "x"),
    new ConnectionLostError("connection/closed", "x"),
    new PayloadError("body/incomplete", "x"),
    new PayloadError("body/truncated", "x"),
    timeout("attempt"),
    timeout("connect"),
    timeout("headers"),
    timeout("read"),
    timeout("write"),
  ])("$code is tried again", (error) => {
    expect(isPassing(error)).toBe(true);
  });

  test.each([
    tls("tls/certificate-expired"),
    tls("tls/certificate-name-mismatch"),
    tls("tls/certificate-untrusted"),
    tls("tls/certificate-invalid"),
    tls("tls/client-certificate"),
    tls("tls/not-tls"),
    tls("tls/protocol-version"),
    tls("tls/no-application-protocol"),
    tls("tls/unrecognized-name"),
    tls("tls/handshake-failed"),
    dns("dns/not-found"),
    dns("dns/bad-answer"),
    connect("connect/address-refused"),
    connect("connect/not-permitted"),
    connect("connect/no-usable-address"),
    timeout("total"),
    timeout("queue"),
    timeout("throttle"),
    new ProtocolError("http1/status-line-invalid", "x"),
    new PayloadError("body/corrupt", "x"),
    new UsageError("options/unknown", "x"),
    new SessionClosedError("session/closed", "x"),
  ])("$code is not", (error) => {
    expect(isPassing(error)).toBe(false);
  });

  test("nor is what is not ours", () => {
    for (const error of [new Error("x"), "x", undefined, new DOMException("x", "AbortError")]) {
      expect(isPassing(error)).toBe(false);
    }
  });

  test("an unknown name and a bad certificate end the request at the first try", async () => {
    for (const error of [dns("dns/not-found"), tls("tls/certificate-expired")]) {
      const net = new FakeNet();
      let dials = 0;
      net.dialing = () => {
        dials += 1;
        throw error;
      };
      expect((await rejection(settled(net, net.session({ retry: AT_ONCE }).get(URL_A)))).code).toBe(error.code);
      expect(dials, error.code).toBe(1);
    }
  });
});

describe("Idempotency-Key", () => {
  const keysOf = (net: FakeNet): (string | undefined)[] => net.seen.map(({ fields }) => fields.get("idempotency-key"));
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  test.each(["POST", "PATCH"])(
    "%s has the same random key on all tries, another request another one",
    async (method) => {
      const net = busy(2);
      const session = net.session({ retry: { ...AT_ONCE, idempotencyKey: true } });
      expect((await settled(net, session.request(method, URL_A, { json: 1 }))).status).toBe(200);
      await settled(net, session.request(method, URL_A, { json: 1 }));
      const [first, second, third, other] = keysOf(net);
      expect(first).toMatch(UUID);
      expect([second, third]).toEqual([first, first]);
      expect(other).toMatch(UUID);
      expect(other).not.toBe(first);
    },
  );

  test("a key of the caller's is kept, and a function makes others", async () => {
    const net = busy(1);
    const session = net.session({ retry: { ...AT_ONCE, idempotencyKey: ({ url }) => `"${url.pathname}"` } });
    await settled(net, session.post(URL_A, { body: "x", headers: { "Idempotency-Key": "mine" } }));
    await settled(net, session.post(URL_A, { body: "x" }));
    expect(keysOf(net)).toEqual(["mine", "mine", '"/x"']);
  });

  test("idempotent methods get none, and without the option nobody does", async () => {
    const net = new FakeNet();
    await net.session({ retry: { ...AT_ONCE, idempotencyKey: true } }).put(URL_A, { body: "x" });
    await net.session({ retry: AT_ONCE }).post(URL_A, { body: "x" });
    expect(keysOf(net)).toEqual([undefined, undefined]);
  });

  test("it goes along with the body on a redirect, and stays away with it", async () => {
    const net = new FakeNet(({ target }) => {
      if (target === "/307") return redirect(307, "http://b.test/end");
      return target === "/302" ? redirect(302, "http://b.test/end") : ok("");
    });
    const session = net.session({ retry: { ...AT_ONCE, idempotencyKey: () => "k" } });
    await session.post("http://a.test/307", { body: "x" });
    await session.post("http://a.test/302", { body: "x" });
    expect(net.seen.map(({ url, method, fields }) => [url, method, fields.get("idempotency-key")])).toEqual([
      ["http://a.test:80/307", "POST", "k"],
      ["http://b.test:80/end", "POST", "k"],
      ["http://a.test:80/302", "POST", "k"],
      ["http://b.test:80/end", "GET", undefined],
    ]);
  });

  test("a POST whose body is a stream is sent once, key or not", async () => {
    async function* body(): AsyncGenerator<string> {
      yield "x";
    }
    const net = busy(1);
    const session = net.session({ retry: { ...AT_ONCE, idempotencyKey: true } });
    expect((await settled(net, session.post(URL_A, { body: body() }))).status).toBe(503);
    expect((await settled(net, session.post(URL_A, { body }))).status).toBe(200);
    expect(net.seen.length).toBe(2);
  });
});

describe("shouldRetry", () => {
  test("adds failures to the rules, takes some away, and leaves others to them", async () => {
    const decide = (failure: RetryFailure): boolean | undefined => {
      if (failure.response?.status === 404) return true;
      return failure.response?.status === 503 ? false : undefined;
    };
    const session = (net: FakeNet) => net.session({ retry: { ...AT_ONCE, shouldRetry: decide } });
    for (const [status, ends] of [
      [404, 200],
      [503, 503],
      [500, 200],
      [403, 403],
    ] as const) {
      const net = busy(1, status);
      expect((await settled(net, session(net).get(URL_A))).status, String(status)).toBe(ends);
    }
  });

  test("may be asynchronous and is told what happened, successes too", async () => {
    const told: unknown[] = [];
    const net = new FakeNet((seen, { seen: all }) => {
      if (all.length > 1) return ok("");
      seen.connection.end();
      return undefined;
    });
    const shouldRetry = async ({ attempt, response, error, request }: RetryFailure): Promise<undefined> => {
      told.push([attempt, response?.status, (error as { code?: string } | undefined)?.code, request.method]);
      await turns(1);
      return undefined;
    };
    await settled(net, net.session({ retry: { ...AT_ONCE, shouldRetry } }).get(URL_A));
    expect(told).toEqual([
      [1, undefined, "connection/closed", "GET"],
      [2, 200, undefined, "GET"],
    ]);
  });

  test("is not asked about what must not be sent again, nor after the last try or a cancellation", async () => {
    let asked = 0;
    const shouldRetry = (): boolean => {
      asked += 1;
      return true;
    };
    const net = busy(100);
    const session = net.session({ retry: { attempts: 2, baseDelay: 0, shouldRetry } });
    await session.post(URL_A, { body: "x" });
    expect([asked, net.seen.length]).toEqual([0, 1]);
    await settled(net, session.get(URL_A));
    expect([asked, net.seen.length]).toEqual([1, 3]);
    const silent = new FakeNet(() => undefined);
    const controller = new AbortController();
    const options = { retry: { attempts: 5, baseDelay: 0, shouldRetry } };
    const lost = rejection(silent.session(options).get(URL_A, { signal: controller.signal }));
    await turns();
    controller.abort();
    expect((await lost).name).toBe("AbortError");
    await turns();
    expect([asked, silent.seen.length]).toEqual([1, 1]);
  });

  test("what it throws ends the request, and holds no connection", async () => {
    const net = new FakeNet(() => answer(503, "x".repeat(1_000)));
    const shouldRetry = (): boolean => {
      throw new RangeError("mine");
    };
    const session = net.session({ retry: { ...AT_ONCE, shouldRetry } });
    expect((await rejection(session.get(URL_A))).message).toBe("mine");
    await turns();
    const stats = session.connector.stats();
    expect(JSON.stringify(stats)).not.toContain('"active":1');
    expect(net.seen.length).toBe(1);
  });

  test("a Retry-After beyond the cap stands against it", async () => {
    const net = new FakeNet(() => answer(503, "", "retry-after: 61\r\n"));
    expect((await net.session({ retry: { ...AT_ONCE, shouldRetry: () => true } }).get(URL_A)).status).toBe(503);
    expect(net.seen.length).toBe(1);
  });
});

describe("beforeRetry", () => {
  test("changes the headers of one try, by itself", async () => {
    const net = busy(2);
    const beforeRetry: RetryOptions["beforeRetry"] = (request, { attempt, response }) => {
      request.headers.append("x-try", `${attempt + 1} after ${response?.status}`);
    };
    await settled(net, net.session({ retry: { ...AT_ONCE, beforeRetry } }).get(URL_A));
    expect(net.seen.map(({ fields }) => fields.get("x-try"))).toEqual([undefined, "2 after 503", "3 after 503"]);
  });

  test("may be asynchronous, and send another request instead", async () => {
    const net = busy(1);
    const beforeRetry: RetryOptions["beforeRetry"] = async (request) => {
      await turns(1);
      return request.with({ method: "HEAD" });
    };
    await settled(net, net.session({ retry: { ...AT_ONCE, beforeRetry } }).get(URL_A));
    expect(net.seen.map(({ method }) => method)).toEqual(["GET", "HEAD"]);
  });

  test("what it throws ends the request", async () => {
    const net = busy(1);
    const beforeRetry = (): never => {
      throw new RangeError("mine");
    };
    const failed = rejection(settled(net, net.session({ retry: { ...AT_ONCE, beforeRetry } }).get(URL_A)));
    expect((await failed).message).toBe("mine");
    expect(net.seen.length).toBe(1);
  });
});

describe("time limits", () => {
  test("attempt ends one try and the next one has it anew; total ends them all", async () => {
    const net = new FakeNet((_seen, { seen }) => (seen.length < 3 ? undefined : ok("fine")));
    const session = net.session({ retry: AT_ONCE, timeout: { attempt: 100, total: 1_000 } });
    const text = session.get(URL_A).text();
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(50);
    expect([await text, net.seen.length]).toEqual(["fine", 3]);
    const silent = new FakeNet(() => undefined);
    const options = { retry: { attempts: 100, baseDelay: 0 }, timeout: { attempt: 100, total: 250 } };
    const failed = rejection(silent.session(options).get(URL_A));
    for (let step = 0; step < 6; step += 1) await silent.clock.advanceAsync(50);
    expect([(await failed).code, silent.seen.length]).toEqual(["timeout.total", 3]);
  });

  test("a Retry-After that total would cut off is not waited for: at it, one before", async () => {
    for (const [total, ends] of [
      [2_000, 503],
      [2_001, 200],
    ] as const) {
      const net = new FakeNet((_seen, { seen }) =>
        seen.length === 1 ? answer(503, "", "retry-after: 2\r\n") : ok(""),
      );
      const asked = net.session({ retry: AT_ONCE, timeout: total }).get(URL_A);
      await net.clock.advanceAsync(2_000);
      expect((await asked).status, String(total)).toBe(ends);
    }
  });

  test("an error that total leaves no time for is thrown at once, as it is", async () => {
    const net = new FakeNet((seen) => {
      seen.connection.end();
      return undefined;
    });
    const retries = { attempts: 5, baseDelay: 10_000, random: () => 0.9 };
    const error = await rejection(net.session({ retry: retries, timeout: 5_000 }).get(URL_A));
    expect([error.code, net.clock.now()]).toEqual(["connection/closed", 0]);
  });

  test("a wait for the next try ends with the caller's signal, and leaves no timer", async () => {
    const net = busy(1);
    const controller = new AbortController();
    const retries = { attempts: 2, baseDelay: 10_000, random: () => 0.9 };
    const lost = rejection(net.session({ retry: retries }).get(URL_A, { signal: controller.signal }));
    await turns();
    const waiting = net.clock.armedCount;
    controller.abort(new Error("enough"));
    expect((await lost).message).toBe("enough");
    await turns();
    expect(net.clock.armedCount).toBeLessThan(waiting);
  });
});

test("options that are unknown, out of range or of the wrong kind are refused", () => {
  const net = new FakeNet();
  for (const [bad, code] of [
    [{ tries: 3 }, "options/unknown"],
    [{ attempts: 0 }, "options/out-of-range"],
    [{ maxRetryAfter: -1 }, "options/out-of-range"],
    [{ shouldRetry: true }, "options/unknown-value"],
    [{ beforeRetry: {} }, "options/unknown-value"],
    [{ idempotencyKey: "key" }, "options/unknown-value"],
    [{ budget: { share: 2 } }, "options/out-of-range"],
  ] as const) {
    expect(() => net.session({ retry: bad as object }), JSON.stringify(bad)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  }
});

test("in the hop stage single hops are tried again", async () => {
  const { retry } = await import("../../../src/client/middleware/retry.js");
  const net = new FakeNet(({ target }, { seen }) => {
    if (target === "/x") return redirect(302, "/y");
    return seen.length === 2 ? answer(503) : ok("fine");
  });
  const session = net.session({ hopMiddleware: [retry(AT_ONCE)] });
  expect(await settled(net, session.get(URL_A).text())).toBe("fine");
  expect(net.seen.map(({ target }) => target)).toEqual(["/x", "/y", "/y"]);
});
