import { describe, expect, test } from "vitest";
import { retry } from "../../../src/client/middleware/retry.js";
import type { RetryOptions } from "../../../src/client/middleware/retrying/retry-options.js";
import { formatHttpDate } from "../../../src/http/dates.js";
import { answer, FakeNet, ok, rejection, type Seen, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";

/** Fails the first `failures` sends with `fail`, then answers. */
function flaky(failures: number, fail: (seen: Seen) => string | string[] | undefined): FakeNet {
  return new FakeNet((seen, { seen: all }) => (all.length <= failures ? fail(seen) : ok("fine")));
}

const closes = (seen: Seen): undefined => {
  seen.connection.end();
};

/** Moves time while the promise is pending, in steps, and gives what it gave and the time it took. */
async function timed<T>(net: FakeNet, promise: PromiseLike<T>, step = 10): Promise<{ value: T; ms: number }> {
  let pending = true;
  const settled = Promise.resolve(promise).finally(() => {
    pending = false;
  });
  settled.catch(() => undefined);
  const start = net.clock.now();
  await turns();
  while (pending && net.clock.now() - start < 1_000_000) {
    await net.clock.advanceAsync(step);
    await turns(1);
  }
  return { value: await settled, ms: net.clock.now() - start };
}

test("without retry a request is sent once", async () => {
  const net = flaky(1, () => answer(503));
  expect((await net.session().get(URL_A)).status).toBe(503);
  expect(net.seen.length).toBe(1);
});

test("attempts counts sends; the last answer is returned, or the last error thrown", async () => {
  const net = flaky(100, () => answer(503));
  const { value } = await timed(net, net.session({ retry: 4 }).get(URL_A), 1_000);
  expect([value.status, net.seen.length]).toEqual([503, 4]);
  const lost = flaky(100, closes);
  const error = await timed(lost, rejection(lost.session({ retry: 3 }).get(URL_A)), 1_000);
  expect([error.value.code, lost.seen.length]).toEqual(["connection/closed", 3]);
});

test("408, 425, 429, 500, 502, 503 and 504 are tried again, others are not", async () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    const net = flaky(1, () => answer(status));
    expect((await timed(net, net.session({ retry: 2 }).get(URL_A))).value.status, String(status)).toBe(200);
  }
  for (const status of [400, 401, 404, 409, 501, 505]) {
    const net = flaky(1, () => answer(status));
    expect((await net.session({ retry: 2 }).get(URL_A)).status).toBe(status);
  }
});

test("idempotent methods are tried again, POST and PATCH only where they are named", async () => {
  for (const method of ["GET", "PUT", "DELETE", "QUERY", "OPTIONS"]) {
    const net = flaky(1, closes);
    expect((await timed(net, net.session({ retry: 2 }).request(method, URL_A))).value.status, method).toBe(200);
  }
  for (const method of ["POST", "PATCH", "CUSTOM"]) {
    const net = flaky(1, closes);
    await rejection(net.session({ retry: 2 }).request(method, URL_A));
    expect(net.seen.length).toBe(1);
    const named = flaky(1, closes);
    const options = { retry: { attempts: 2, methods: ["post", "PATCH", "custom"] } };
    expect((await timed(named, named.session(options).request(method, URL_A))).value.status).toBe(200);
  }
});

test("connection faults and time-outs of an attempt are tried again", async () => {
  const refused = new FakeNet();
  let dials = 0;
  refused.dialing = () => {
    dials += 1;
    if (dials === 1) throw new Error("refused");
  };
  expect((await timed(refused, refused.session({ retry: 2 }).get(URL_A))).value.status).toBe(200);
  const slow = flaky(1, () => undefined);
  const options = { retry: { attempts: 2, baseDelay: 0 }, timeout: { headers: 100 } };
  expect((await timed(slow, slow.session(options).get(URL_A))).value.status).toBe(200);
});

test("what another try would not mend is not tried again", async () => {
  const net = flaky(1, () => "garbage\r\n\r\n");
  expect((await rejection(net.session({ retry: 5 }).get(URL_A))).name).toBe("ProtocolError");
  expect(net.seen.length).toBe(1);
  const total = flaky(1, () => undefined);
  const failed = rejection(total.session({ retry: 5, timeout: 100 }).get(URL_A));
  await turns();
  total.clock.advance(100);
  expect((await failed).code).toBe("timeout.total");
  expect(total.seen.length).toBe(1);
});

describe("Retry-After", () => {
  test("in seconds or as a date it is waited for, exactly", async () => {
    const seconds = flaky(1, () => answer(503, "", "retry-after: 7\r\n"));
    expect((await timed(seconds, seconds.session({ retry: 2 }).get(URL_A), 1_000)).ms).toBe(7_000);
    const dated = new FakeNet((_seen, { seen, clock }) => {
      return seen.length > 1 ? ok("") : answer(429, "", `retry-after: ${formatHttpDate(clock.wallTime() + 5_000)}\r\n`);
    });
    expect((await timed(dated, dated.session({ retry: 2 }).get(URL_A), 1_000)).ms).toBe(5_000);
  });

  test("beyond the cap the response is returned: at it, one past it, off", async () => {
    const asking = (seconds: number) => flaky(1, () => answer(503, "", `retry-after: ${seconds}\r\n`));
    const at = asking(60);
    expect((await timed(at, at.session({ retry: 2 }).get(URL_A), 1_000)).value.status).toBe(200);
    const past = asking(61);
    expect((await past.session({ retry: 2 }).get(URL_A)).status).toBe(503);
    const off = asking(600);
    const retries = { attempts: 2, maxRetryAfter: Number.POSITIVE_INFINITY };
    expect((await timed(off, off.session({ retry: retries }).get(URL_A), 10_000)).value.status).toBe(200);
  });

  test("nonsense in it counts as none", async () => {
    const net = flaky(1, () => answer(503, "", "retry-after: soon\r\n"));
    const retries: RetryOptions = { attempts: 2, baseDelay: 100, random: () => 1 };
    expect((await timed(net, net.session({ retry: retries }).get(URL_A))).ms).toBeLessThanOrEqual(110);
  });
});

test("waits have full jitter: between 0 and a bound that doubles up to maxDelay", async () => {
  for (const random of [0, 0.5, 0.999]) {
    const waits: number[] = [];
    const net = flaky(100, () => answer(500));
    const session = net.session({
      retry: { attempts: 7, baseDelay: 100, maxDelay: 1_000, random: () => random },
      trace: { requestRetry: ({ delay }) => waits.push(delay) },
    });
    await timed(net, session.get(URL_A), 1_000);
    const bounds = [100, 200, 400, 800, 1_000, 1_000];
    expect(waits.length).toBe(6);
    for (const [at, bound] of bounds.entries()) expect(waits[at]).toBeCloseTo(bound * random, 5);
  }
});

describe("bodies", () => {
  test("an answer broken half-way is tried again where content was asked for, and not where a response was", async () => {
    const half = (seen: Seen): undefined => {
      seen.connection.send("HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nhalf");
      seen.connection.end();
    };
    for (const way of ["text", "bytes", "json"] as const) {
      const net = flaky(1, half);
      const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
      await timed(
        net,
        way === "json"
          ? session
              .get(URL_A)
              .json()
              .catch(() => undefined)
          : session.get(URL_A)[way](),
      );
      expect(net.seen.length, way).toBe(2);
    }
    const net = flaky(1, half);
    const response = await net.session({ retry: { attempts: 2, baseDelay: 0 } }).get(URL_A);
    expect((await rejection(response.text())).code).toBe("body/incomplete");
    expect(net.seen.length).toBe(1);
  });

  test("streams are never sent again, factories and what is in memory are", async () => {
    async function* once(): AsyncGenerator<string> {
      yield "x";
    }
    const stream = flaky(1, () => answer(503));
    expect((await stream.session({ retry: 5 }).put(URL_A, { body: once() })).status).toBe(503);
    expect(stream.seen.length).toBe(1);
    let made = 0;
    const factory = (): AsyncGenerator<string> => {
      made += 1;
      return once();
    };
    for (const body of [factory, "x", new Blob(["x"])]) {
      const net = flaky(2, () => answer(503));
      const session = net.session({ retry: { attempts: 3, baseDelay: 0 } });
      await timed(net, session.put(URL_A, { body }));
      expect(net.seen.map((seen) => seen.body)).toEqual(["x", "x", "x"]);
    }
    expect(made).toBe(3);
  });

  test("the body of an answer that is not taken does not hold a connection", async () => {
    const net = flaky(3, () => answer(503, "busy"));
    await timed(net, net.session({ retry: { attempts: 4, baseDelay: 0 } }).get(URL_A));
    expect(net.connections.length).toBe(1);
  });
});

test("an error status after the last try throws for content, with raiseForStatus outermost", async () => {
  const net = flaky(100, () => answer(503, "busy"));
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
  const { value } = await timed(net, rejection<Error & { status: number; attempt: number }>(session.get(URL_A).text()));
  expect([value.status, value.attempt, net.seen.length]).toEqual([503, 2, 2]);
  const raising = flaky(1, () => answer(503, "busy"));
  const other = raising.session({ retry: { attempts: 2, baseDelay: 0 }, raiseForStatus: true });
  expect((await timed(raising, other.get(URL_A))).value.status).toBe(200);
});

test("an error's body may be longer than maxResponseSize: the status is the news", async () => {
  const net = flaky(100, () => answer(503, "busy ".repeat(10_000)));
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 }, maxResponseSize: 100 });
  const { value } = await timed(net, rejection<Error & { status: number }>(session.get(URL_A).text()));
  expect([value.status, net.seen.length]).toEqual([503, 2]);
});

test("a request may have its own, or none", async () => {
  const net = flaky(1, () => answer(503));
  expect((await net.session({ retry: 5 }).get(URL_A, { retry: false })).status).toBe(503);
  const own = flaky(1, () => answer(503));
  expect((await timed(own, own.session().get(URL_A, { retry: 2 }))).value.status).toBe(200);
});

test("as middleware of one's own it is the same", async () => {
  const net = flaky(1, () => answer(503));
  const session = net.session({ middleware: [retry({ attempts: 2, baseDelay: 0 })] });
  expect((await timed(net, session.get(URL_A).text())).value).toBe("fine");
});

test("it goes around redirects: each try begins at the first URL", async () => {
  const net = new FakeNet(({ target }, { seen }) => {
    if (target === "/x") return answer(302, "", "location: /y\r\n");
    return seen.length === 2 ? answer(503) : ok("fine");
  });
  const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
  expect((await timed(net, session.get(URL_A).text())).value).toBe("fine");
  expect(net.seen.map((seen) => seen.target)).toEqual(["/x", "/y", "/x", "/y"]);
});
