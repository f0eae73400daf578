/** Bearer tokens over time: got, shared, renewed before their end, refreshed once for many, and what becomes of failures. */
import { describe, expect, test } from "vitest";
import { bearerAuth } from "../../../../src/client/middleware/auth/bearer.js";
import type {
  BearerToken,
  RefreshOptions,
  RefreshRequest,
} from "../../../../src/client/middleware/auth/token-keeper.js";
import { AuthenticationError, UsageError } from "../../../../src/errors.js";
import { answer, deferred, FakeNet, ok, redirect, rejection, turns } from "../../fake-net.js";

const URL_A = "http://a.test/x";

/** A server that takes the tokens in `good`, and a source that gives t1, t2 … */
function guarded(options: Partial<RefreshOptions> = {}) {
  const good = new Set(["t1", "t2", "t3", "t4", "t5"]);
  const asked: RefreshRequest[] = [];
  const net = new FakeNet((seen) => {
    const token = /^Bearer (.*)$/.exec(seen.fields.get("authorization") ?? "")?.[1];
    return good.has(token ?? "") ? ok("in") : answer(401, "no");
  });
  const refresh = (why: RefreshRequest): BearerToken | string | Promise<BearerToken | string> => {
    asked.push(why);
    return `t${asked.length}`;
  };
  const bearer: RefreshOptions = { refresh, ...options };
  const session = net.session({ auth: { bearer } });
  const tokens = (): (string | undefined)[] => net.seen.map((seen) => seen.fields.get("authorization")?.slice(7));
  const reasons = (): string[] => asked.map(({ reason }) => reason);
  return { good, asked, net, session, tokens, reasons, bearer };
}

describe("a shared token", () => {
  test("is got with the first request and kept", async () => {
    const { session, tokens, asked } = guarded();
    for (let count = 0; count < 3; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(tokens()).toEqual(["t1", "t1", "t1"]);
    expect(asked).toMatchObject([{ reason: "needed", previous: undefined }]);
  });

  test("may be there to begin with", async () => {
    const { session, tokens, asked } = guarded({ token: "t5" });
    expect(await session.get(URL_A).text()).toBe("in");
    expect([tokens(), asked]).toEqual([["t5"], []]);
  });

  test("is asked for once by many requests at once", async () => {
    const first = deferred<string>();
    let calls = 0;
    const { session, net } = guarded({
      refresh: () => {
        calls += 1;
        return first.promise;
      },
    });
    const texts = Promise.all(Array.from({ length: 20 }, () => session.get(URL_A).text()));
    await turns();
    expect(net.seen.length).toBe(0);
    first.resolve("t1");
    expect(new Set(await texts)).toEqual(new Set(["in"]));
    expect(calls).toBe(1);
  });
});

describe("after a 401", () => {
  test("one refresh serves all that wait, and each is sent once more", async () => {
    const { session, good, tokens, reasons, net, asked } = guarded();
    await session.get(URL_A).text();
    await net.clock.advanceAsync(1_000);
    good.delete("t1");
    net.seen.splice(0);
    const texts = await Promise.all(Array.from({ length: 20 }, () => session.post(URL_A, { json: { a: 1 } }).text()));
    expect(new Set(texts)).toEqual(new Set(["in"]));
    expect(tokens().filter((token) => token === "t1").length).toBe(20);
    expect(tokens().filter((token) => token === "t2").length).toBe(20);
    expect(net.seen.every((seen) => seen.body === '{"a":1}')).toBe(true);
    expect(reasons()).toEqual(["needed", "refused"]);
    expect(asked[1]?.previous).toBe("t1");
  });

  test("one that comes late is sent again with what has come meanwhile, without another refresh", async () => {
    const late = deferred();
    const { good, asked } = guarded();
    const net = new FakeNet(async (seen) => {
      const token = seen.fields.get("authorization")?.slice(7) ?? "";
      if (seen.target === "/late" && token === "t1") await late.promise;
      return good.has(token) ? ok("in") : answer(401);
    });
    const session = net.session({ auth: { bearer: { refresh: (why) => `t${asked.push(why)}` } } });
    await session.get(URL_A).text();
    await net.clock.advanceAsync(2_000);
    good.delete("t1");
    const waiting = session.get("http://a.test/late").text();
    await turns();
    expect(await session.get(URL_A).text()).toBe("in");
    await net.clock.advanceAsync(2_000);
    late.resolve();
    expect(await waiting).toBe("in");
    expect(asked.length).toBe(2);
  });

  test("a second 401 is the answer", async () => {
    const { session, good, tokens, net } = guarded();
    good.clear();
    await net.clock.advanceAsync(5_000);
    expect((await session.get(URL_A)).status).toBe(401);
    // The token was new: it is not refreshed within `minRefreshInterval`.
    expect(tokens()).toEqual(["t1"]);
    await net.clock.advanceAsync(1_000);
    expect((await session.get(URL_A)).status).toBe(401);
    expect(tokens()).toEqual(["t1", "t1", "t2"]);
    expect((await session.get(URL_A)).status).toBe(401);
    expect(tokens().length).toBe(4);
  });

  test.each([
    ["at the interval it is refreshed again", 1_000, 2],
    ["just before it is not", 999, 1],
  ])("%s", async (_what, wait, refreshes) => {
    const { session, good, net, asked } = guarded();
    await session.get(URL_A).text();
    good.clear();
    await net.clock.advanceAsync(wait);
    await session.get(URL_A);
    expect(asked.length).toBe(refreshes);
  });

  test("with the interval off, at once", async () => {
    const { session, good, asked } = guarded({ minRefreshInterval: 0 });
    good.delete("t1");
    expect(await session.get(URL_A).text()).toBe("in");
    expect(asked.length).toBe(2);
  });

  test("a body that can be sent once is not sent again, but the next request has a new token", async () => {
    const { session, good, tokens, net, reasons } = guarded();
    await session.get(URL_A).text();
    await net.clock.advanceAsync(1_000);
    good.delete("t1");
    const stream = new Blob(["abc"]).stream();
    expect((await session.post(URL_A, { body: stream })).status).toBe(401);
    expect(reasons()).toEqual(["needed"]);
    expect(await session.post(URL_A, { body: new Blob(["abc"]).stream() }).text()).toBe("in");
    expect(tokens()).toEqual(["t1", "t1", "t2"]);
    expect(reasons()).toEqual(["needed", "refused"]);
  });

  test("the refused answer's connection is free while the token comes", async () => {
    const second = deferred<string>();
    const good = new Set(["t1"]);
    const net = new FakeNet((seen) =>
      good.has(seen.fields.get("authorization")?.slice(7) ?? "") ? ok("in") : answer(401, "no"),
    );
    let calls = 0;
    const refresh = () => {
      calls += 1;
      return calls === 1 ? "t1" : second.promise;
    };
    const session = net.session({ auth: { bearer: { refresh, minRefreshInterval: 0 } } }, { limit: 1 });
    await session.get(URL_A).text();
    good.clear();
    const waiting = session.get(URL_A).text();
    await turns();
    expect((await session.get("http://a.test/free", { auth: false })).status).toBe(401);
    good.add("t2");
    second.resolve("t2");
    expect(await waiting).toBe("in");
  });
});

describe("a token that ends", () => {
  const lasting = (ms: number, refreshBefore?: number) => {
    const made = guarded();
    const { net, asked } = made;
    const refresh = (why: RefreshRequest): BearerToken => ({
      token: `t${asked.push(why)}`,
      expiresAt: net.clock.wallTime() + ms,
    });
    const bearer: RefreshOptions = { refresh, ...(refreshBefore === undefined ? {} : { refreshBefore }) };
    return { ...made, session: net.session({ auth: { bearer } }) };
  };

  test("is renewed ahead, while requests go on with the old one", async () => {
    const { session, net, tokens, reasons } = lasting(100_000);
    await session.get(URL_A).text();
    await net.clock.advanceAsync(69_999);
    await session.get(URL_A).text();
    expect(reasons()).toEqual(["needed"]);
    await net.clock.advanceAsync(1);
    await session.get(URL_A).text();
    await session.get(URL_A).text();
    expect(tokens()).toEqual(["t1", "t1", "t1", "t2"]);
    expect(reasons()).toEqual(["needed", "expiring"]);
  });

  test("one renewal at a time, however long it takes", async () => {
    const next = deferred<string>();
    let calls = 0;
    const { net } = guarded();
    const token = { token: "t5", expiresAt: net.clock.wallTime() + 40_000 };
    const refresh = (): Promise<string> => {
      calls += 1;
      return next.promise;
    };
    const session = net.session({ auth: { bearer: { refresh, token } } });
    for (let step = 0; step < 3; step += 1) {
      await net.clock.advanceAsync(12_000);
      expect(await session.get(URL_A).text()).toBe("in");
    }
    expect(calls).toBe(1);
    next.resolve("t1");
    await turns();
    await session.get(URL_A).text();
    expect(net.seen.at(-1)?.fields.get("authorization")).toBe("Bearer t1");
  });

  test("a short one after half its life", async () => {
    const { session, net, reasons } = lasting(10_000);
    await session.get(URL_A).text();
    await net.clock.advanceAsync(4_999);
    await session.get(URL_A).text();
    expect(reasons()).toEqual(["needed"]);
    await net.clock.advanceAsync(1);
    await session.get(URL_A).text();
    expect(reasons()).toEqual(["needed", "expiring"]);
  });

  test("that has ended is waited for", async () => {
    const { session, net, tokens, reasons } = lasting(1_000, 0);
    await session.get(URL_A).text();
    await net.clock.advanceAsync(1_000);
    await session.get(URL_A).text();
    expect(tokens()).toEqual(["t1", "t2"]);
    expect(reasons()).toEqual(["needed", "needed"]);
  });

  test("one that had ended before it came is used by those who waited for it, and no further", async () => {
    const { session, tokens } = lasting(-1_000);
    await session.get(URL_A).text();
    await session.get(URL_A).text();
    expect(tokens()).toEqual(["t1", "t2"]);
  });

  test("a renewal ahead that fails hurts nobody, and is tried again after the interval", async () => {
    const { net, good } = guarded();
    good.add("t0");
    const token = { token: "t0", expiresAt: net.clock.wallTime() + 40_000 };
    let calls = 0;
    const refresh = (): Promise<string> => {
      calls += 1;
      return Promise.reject(new Error("down"));
    };
    const session = net.session({ auth: { bearer: { refresh, token } } });
    await net.clock.advanceAsync(20_000);
    for (let count = 0; count < 5; count += 1) expect(await session.get(URL_A).text()).toBe("in");
    expect(calls).toBe(1);
    await net.clock.advanceAsync(1_000);
    expect(await session.get(URL_A).text()).toBe("in");
    await turns();
    expect(calls).toBe(2);
    await net.clock.advanceAsync(20_000);
    expect((await rejection(session.get(URL_A))).code).toBe("auth/refresh-failed");
  });

  test("a Date will do", async () => {
    const { net, session, reasons } = guarded({
      token: { token: "t5", expiresAt: new Date(1_767_225_600_000 + 1_000) },
      refreshBefore: 0,
    });
    await session.get(URL_A).text();
    expect(reasons()).toEqual([]);
    await net.clock.advanceAsync(1_000);
    await session.get(URL_A).text();
    expect(reasons()).toEqual(["needed"]);
  });
});

describe("a refresh that fails", () => {
  test("fails all that wait, each with an error of its own that names its request and has the cause", async () => {
    const refused = new Error("invalid_grant");
    const down = deferred<string>();
    const { net } = guarded();
    const session = net.session({ auth: { bearer: { refresh: () => down.promise } } });
    const failures = [rejection(session.get(URL_A)), rejection(session.post("http://a.test/y?k=v"))];
    await turns();
    down.reject(refused);
    const [one, other] = await Promise.all(failures);
    expect(one).not.toBe(other);
    for (const error of [one, other]) {
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ code: "auth/refresh-failed", cause: refused });
    }
    expect(one?.message).toContain(`GET ${URL_A}`);
    expect(other?.message).toContain("POST http://a.test/y?k=…");
    expect(net.seen).toEqual([]);
  });

  test("leaves no connection behind with the answer that was refused", async () => {
    const net = new FakeNet(() => `HTTP/1.1 401 \r\ncontent-length: 999999\r\n\r\nno`);
    const refresh = () => Promise.reject(new Error("down"));
    const session = net.session({ auth: { bearer: { refresh, token: "t1" } } });
    expect((await rejection(session.get(URL_A))).code).toBe("auth/refresh-failed");
    await net.clock.advanceAsync(2_000);
    expect(net.open).toBe(0);
  });

  test("is tried again by the next request", async () => {
    let calls = 0;
    const { session } = guarded({
      refresh: () => {
        calls += 1;
        if (calls === 1) throw new Error("down");
        return "t1";
      },
    });
    expect((await rejection(session.get(URL_A))).code).toBe("auth/refresh-failed");
    expect(await session.get(URL_A).text()).toBe("in");
  });

  test.each([
    ["nothing", undefined],
    ["an empty token", ""],
    ["a token with a line break", "pl4nted\r\nx"],
    ["an end that is no time", { token: "pl4nted", expiresAt: "tomorrow" }],
    ["null", null],
  ])("as one that gives %s does", async (_what, given) => {
    const { session } = guarded({ refresh: () => given as string });
    const error = await rejection(session.get(URL_A));
    expect(error).toMatchObject({ code: "auth/refresh-failed", cause: { code: "auth/token" } });
    expect(String((error.cause as Error).stack)).not.toContain("pl4nted");
  });

  test("one that does not come ends at its own limit, with its signal", async () => {
    const signals: AbortSignal[] = [];
    const { net } = guarded();
    const refresh = ({ signal }: RefreshRequest): Promise<string> => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const session = net.session({ auth: { bearer: { refresh, refreshTimeout: 500 } } });
    const failing = rejection(session.get(URL_A));
    await turns();
    await net.clock.advanceAsync(499);
    expect(signals[0]?.aborted).toBe(false);
    await net.clock.advanceAsync(1);
    expect(await failing).toMatchObject({ code: "auth/refresh-failed", cause: { code: "auth/refresh-timeout" } });
    expect(signals[0]?.aborted).toBe(true);
    expect(net.clock.armedCount).toBe(0);
  });

  test("one that nobody waits for any more goes on for those who come", async () => {
    const first = deferred<string>();
    let calls = 0;
    const { session } = guarded({
      refresh: () => {
        calls += 1;
        return first.promise;
      },
    });
    const controller = new AbortController();
    const gone = rejection(session.get(URL_A, { signal: controller.signal }));
    await turns();
    const reason = new Error("gone");
    controller.abort(reason);
    expect(await gone).toBe(reason);
    const waiting = session.get(URL_A).text();
    first.resolve("t1");
    expect(await waiting).toBe("in");
    expect(calls).toBe(1);
  });

  test("a time limit of the request ends its wait, not the refresh", async () => {
    const { net, session } = guarded({ refresh: () => new Promise<string>(() => undefined) });
    const failing = rejection(session.get(URL_A, { timeout: 300 }));
    await turns();
    await net.clock.advanceAsync(300);
    expect((await failing).code).toBe("timeout.total");
  });
});

describe("who gets the token", () => {
  test("nobody after a redirect to another origin, whose 401 refreshes nothing", async () => {
    const asked: string[] = [];
    const net = new FakeNet((seen) => {
      if (seen.url.startsWith("http://evil.test")) return answer(401);
      return seen.target === "/away" ? redirect(302, "http://evil.test/") : ok("in");
    });
    const shared = bearerAuth({ refresh: () => `t${asked.push("")}`, minRefreshInterval: 0 });
    const sessions = [
      net.session({ hopMiddleware: [shared], baseUrl: "http://a.test/" }),
      net.session({ middleware: [shared], baseUrl: "http://a.test/" }),
    ];
    for (const session of sessions) {
      expect((await session.get("away")).status).toBe(401);
      expect((await session.get("http://evil.test/")).status).toBe(401);
    }
    expect(asked.length).toBe(1);
    const toEvil = net.seen.filter((seen) => seen.url.startsWith("http://evil.test"));
    expect(toEvil.length).toBe(4);
    expect(toEvil.filter((seen) => seen.fields.has("authorization"))).toEqual([]);
  });

  test("nor through the way back: once a redirect has led away, the origin itself gets none", async () => {
    const net = new FakeNet((seen) => {
      if (seen.url === "http://a.test:80/1") return redirect(302, "http://b.test/2");
      return seen.url.startsWith("http://b.test") ? redirect(302, "http://a.test/3") : ok("");
    });
    await net.session({ auth: { bearer: "tok" } }).get("http://a.test/1");
    expect(net.seen.map((seen) => seen.fields.get("authorization"))).toEqual(["Bearer tok", undefined, undefined]);
  });

  test("`origins` names the only ones; a request with `auth: false` has none", async () => {
    const net = new FakeNet();
    const session = net.session({ auth: { bearer: "tok", origins: ["http://a.test/any/path"] } });
    for (const url of [URL_A, "http://a.test:81/", "http://b.test/"]) await session.get(url);
    await session.get(URL_A, { auth: false });
    expect(net.seen.map((seen) => seen.fields.has("authorization"))).toEqual([true, false, false, false]);
  });

  test("the same for sessions that share it by `extend`, and for requests with other middleware", async () => {
    const { session, tokens, asked, bearer } = guarded();
    await session.get(URL_A).text();
    await session
      .extend({ headers: { x: "1" } })
      .get(URL_A)
      .text();
    await session.get(URL_A, { retry: 2 }).text();
    expect([tokens(), asked.length]).toEqual([["t1", "t1", "t1"], 1]);
    await session.extend({ auth: { bearer } }).get(URL_A).text();
    expect(asked.length).toBe(2);
  });

  test("a request's own `auth` object remembers, if it is the same object", async () => {
    const { net, asked, bearer } = guarded();
    const session = net.session();
    const auth = { bearer };
    for (let count = 0; count < 3; count += 1) await session.get(URL_A, { auth }).text();
    await session.extend({}).get(URL_A, { auth }).text();
    expect(asked.length).toBe(1);
    await session.get(URL_A, { auth: { bearer } }).text();
    expect(asked.length).toBe(2);
  });

  test("a refresh over the same session does so without `auth`", async () => {
    const net = new FakeNet((seen) => {
      if (seen.target === "/token") return ok("t1");
      return seen.fields.get("authorization") === "Bearer t1" ? ok("in") : answer(401);
    });
    const session = net.session({
      auth: { bearer: { refresh: () => session.post("http://a.test/token", { auth: false }).text() } },
    });
    expect(await session.get(URL_A).text()).toBe("in");
  });
});

test.each<[unknown, string]>([
  [{ refresh: "x" }, "options/unknown-value"],
  [{ refresh: () => "t", refreshBefore: -1 }, "options/out-of-range"],
  [{ refresh: () => "t", refreshTimeout: 0 }, "options/out-of-range"],
  [{ refresh: () => "t", minRefreshInterval: Number.NaN }, "options/out-of-range"],
  [{ refresh: () => "t", refreshAfter: 1 }, "options/unknown"],
  [null, "options/unknown-value"],
  [17, "options/unknown-value"],
  ["", "auth/token"],
  ["a b", "auth/token"],
])("%j is refused", (source, code) => {
  expect(() => bearerAuth(source as string)).toThrow(expect.objectContaining({ code }));
  expect(() => new FakeNet().session({ auth: { bearer: source as string } })).toThrow(UsageError);
});
