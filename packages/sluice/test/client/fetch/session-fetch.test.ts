/** `fetch` as a session's: what of the session applies, what the standard has instead, and how it fails. */
import { describe, expect, test } from "vitest";
import type { ClientMiddleware } from "../../../src/client/middleware.js";
import { ClientSession } from "../../../src/client/session.js";
import { isSluiceError } from "../../../src/errors.js";
import { answer, closeAfter, deferred, FakeNet, ok, redirect, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";

test("it is a function of its own: no this, one per session, and a view has its own signals", async () => {
  const net = new FakeNet();
  const session = net.session();
  const { fetch } = session;
  expect(fetch).toBe(session.fetch);
  expect(await (await fetch(URL_A)).text()).toBe("ok");
  expect(await (await fetch.call(undefined, URL_A)).text()).toBe("ok");
  const scope = new AbortController();
  scope.abort("enough");
  expect(await rejection(session.with(scope).fetch(URL_A))).toBe("enough");
  expect((await session.extend({ headers: { "x-more": "1" } }).fetch(URL_A)).status).toBe(200);
  expect(net.seen.at(-1)?.fields.get("x-more")).toBe("1");
});

describe("of the session applies", () => {
  test("baseUrl, with its headers, params and auth for its own origin only", async () => {
    const net = new FakeNet();
    const { fetch } = net.session({
      baseUrl: "http://a.test/v1/",
      headers: { "x-api-key": "k", accept: "text/x" },
      params: { lang: "en" },
      auth: { bearer: "t" },
    });
    await fetch("users?page=2", { headers: { Accept: "own" } });
    expect(net.seen[0]?.target).toBe("/v1/users?page=2&lang=en");
    expect(Object.fromEntries(net.seen[0]?.fields ?? [])).toMatchObject({
      "x-api-key": "k",
      accept: "own",
      authorization: "Bearer t",
    });
    await fetch("http://b.test/");
    expect(net.seen[1]?.target).toBe("/");
    for (const name of ["x-api-key", "authorization"]) expect(net.seen[1]?.fields.has(name)).toBe(false);
    await fetch("users", { headers: { authorization: "mine" } });
    expect(net.seen[2]?.fields.get("authorization")).toBe("mine");
  });

  test("cookies, unless credentials are omitted: then none go, none are kept, and no auth does", async () => {
    const net = new FakeNet(() => ok("", "set-cookie: a=1\r\n"));
    const session = net.session({ auth: { bearer: "t" }, headers: { "x-plain": "1" } });
    await session.fetch(URL_A, { credentials: "omit" });
    expect(session.cookies?.size ?? 0).toBe(0);
    await session.fetch(URL_A);
    await session.fetch(URL_A, { credentials: "include" });
    await session.fetch(URL_A, { credentials: "omit" });
    expect(net.seen.map(({ fields }) => fields.get("cookie"))).toEqual([undefined, undefined, "a=1", undefined]);
    expect(net.seen.map(({ fields }) => fields.has("authorization"))).toEqual([false, true, true, false]);
    expect(net.seen.every(({ fields }) => fields.has("x-plain"))).toBe(true);
  });

  test("middleware of both stages, retries, and the trace", async () => {
    const net = new FakeNet((_request, { seen }) =>
      seen.length === 1 ? answer(503) : seen.length === 2 ? redirect(302, "/y") : ok("there"),
    );
    const said: string[] = [];
    const middleware: ClientMiddleware = async (request, next) => {
      said.push(`out ${request.target.target}`);
      return next(request);
    };
    const hopMiddleware: ClientMiddleware = async (request, next) => {
      request.headers.set("x-hop", "1");
      return next(request);
    };
    const trace = { requestRetry: () => said.push("retry"), requestRedirect: () => said.push("redirect") };
    const session = net.session({
      middleware: [middleware],
      hopMiddleware: [hopMiddleware],
      retry: { attempts: 2, baseDelay: 0 },
      trace,
    });
    const asked = session.fetch(URL_A);
    for (let step = 0; step < 5; step += 1) await net.clock.advanceAsync(1);
    expect(await (await asked).text()).toBe("there");
    expect(said).toEqual(["out /x", "retry", "redirect"]);
    expect(net.seen.map(({ fields }) => fields.get("x-hop"))).toEqual(["1", "1", "1"]);
  });

  test("time limits, as network errors", async () => {
    const net = new FakeNet(() => undefined);
    const asked = rejection<TypeError>(net.session({ timeout: { headers: 50 } }).fetch(URL_A));
    await turns();
    net.clock.advance(60);
    expect(await asked).toMatchObject({ message: "fetch failed", cause: { code: "timeout.headers" } });
  });

  test("a body nobody reads is guarded as ever", async () => {
    const net = new FakeNet(() => ok("x".repeat(300_000)));
    const session = net.session({ unreadTimeout: 100 });
    const response = await session.fetch(URL_A);
    await turns();
    net.clock.advance(150);
    await turns();
    expect(net.open).toBe(0);
    expect(await rejection(response.text())).toMatchObject({ message: "terminated", cause: { code: "body/unread" } });
    const small = new FakeNet(() => ok("small"));
    const one = small.session({}, { limit: 1 });
    for (let count = 0; count < 3; count += 1) await one.fetch(URL_A);
    expect(small.connections.length).toBe(1);
  });
});

describe("the standard has instead", () => {
  test("redirects are followed by its rules, whatever the session's policy is", async () => {
    const net = new FakeNet((_request, { seen }) => (seen.length === 1 ? redirect(302, "/y") : ok("there")));
    expect(await (await net.session({ redirect: "error" }).fetch(URL_A)).text()).toBe("there");
  });

  test("allowAbsoluteUrls: false still holds", async () => {
    const session = new FakeNet().session({ baseUrl: "http://a.test/", allowAbsoluteUrls: false });
    expect(await rejection(session.fetch("http://b.test/"))).toMatchObject({ cause: { code: "url/absolute" } });
  });
});

describe("how it fails", () => {
  test("a network error is a TypeError with the reason as its cause, free of secrets, and shows who called", async () => {
    const net = new FakeNet(({ connection }) => {
      connection.reset();
      return undefined;
    });
    const error = await rejection<TypeError>(calledFromHere(net.session()));
    expect([error.name, error.message, isSluiceError(error.cause)]).toEqual(["TypeError", "fetch failed", true]);
    expect(error.cause).toMatchObject({ method: "GET", url: "http://a.test/?q=\u2026" });
    expect(error.stack).toContain("calledFromHere");
    expect(String(error.cause)).not.toContain("s3cret");
  });

  test("a closed session, and one that is closed meanwhile, too", async () => {
    const net = new FakeNet(() => undefined);
    const session = net.session();
    const running = rejection<TypeError>(session.fetch(URL_A));
    await turns();
    await session.close();
    expect(await running).toMatchObject({ message: "fetch failed", cause: { code: "session/closed" } });
    const stream = deferred<unknown>();
    const body = new ReadableStream({ cancel: () => stream.resolve("cancelled") });
    await rejection(session.fetch(URL_A, { method: "POST", body, duplex: "half" }));
    expect(await stream.promise).toBe("cancelled");
  });

  test("what a middleware of the caller's throws comes through as it is", async () => {
    const own = new RangeError("mine");
    const session = new FakeNet().session({ middleware: [() => Promise.reject(own)] });
    expect(await rejection(session.fetch(URL_A))).toBe(own);
  });
});

describe("\u00a75.6 abort", () => {
  test("before the call: the reason itself, nothing is sent, a stream is cancelled", async () => {
    const net = new FakeNet();
    const cancelled = deferred<unknown>();
    const body = new ReadableStream({ cancel: () => cancelled.resolve("cancelled") });
    const reason = { any: "thing" };
    const init = { method: "POST", body, duplex: "half", signal: AbortSignal.abort(reason) } as RequestInit;
    expect(await rejection(net.session().fetch(URL_A, init))).toBe(reason);
    expect([await cancelled.promise, net.connections.length]).toEqual(["cancelled", 0]);
    expect(await rejection(net.session().fetch(URL_A, { signal: AbortSignal.abort() }))).toMatchObject({
      name: "AbortError",
    });
    expect(await rejection(net.session().fetch("data:,x", { signal: AbortSignal.abort(7) }))).toBe(7);
  });

  test("while waiting: the reason itself, and the connection is closed", async () => {
    const net = new FakeNet(() => undefined);
    const controller = new AbortController();
    const asked = rejection(net.session().fetch(URL_A, controller));
    await turns();
    controller.abort("enough");
    expect(await asked).toBe("enough");
    await turns();
    expect(net.open).toBe(0);
  });

  test("while reading: the body ends with the reason itself, by every way", async () => {
    for (const way of ["text", "stream", "clone"] as const) {
      const net = new FakeNet(() => "HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nab");
      const controller = new AbortController();
      const response = await net.session().fetch(URL_A, { signal: controller.signal });
      const reading =
        way === "stream" ? drained(response.body) : (way === "clone" ? response.clone() : response).text();
      await turns();
      const reason = new Error("enough");
      controller.abort(reason);
      expect(await rejection(reading)).toBe(reason);
      await turns();
      expect(net.open).toBe(0);
    }
  });

  test("the signal of a Request, and one of the call in its place", async () => {
    const net = new FakeNet(() => undefined);
    const controller = new AbortController();
    const asked = rejection(net.session().fetch(new Request(URL_A, { signal: controller.signal })));
    const kept = net.session().fetch(new Request(URL_A, { signal: controller.signal }), { signal: null });
    await turns();
    controller.abort("enough");
    expect(await asked).toBe("enough");
    await turns();
    net.connections.at(-1)?.send(ok("there"));
    expect(await (await kept).text()).toBe("there");
  });
});

describe("URLs without a network (\u00a74.2 scheme fetch)", () => {
  const session = () => closeAfter(new ClientSession());

  test.each([
    ["data:,hello", "text/plain;charset=US-ASCII", "hello"],
    ["data:text/html,%3Cb%3E#x", "text/html", "<b>"],
    ["data:;charset=x,a", "text/plain;charset=x", "a"],
    ["data:text/plain;base64,aGVsbG8=", "text/plain", "hello"],
    ["data:; base64 ,aGVsbG8", "text/plain", "; base64 ,aGVsbG8".slice(11)],
    ["data:text/plain;base64,%61GVs bG8", "text/plain", "hello"],
    ["data:nonsense,a%zz%4", "text/plain;charset=US-ASCII", "a%zz%4"],
  ])("\u00a76 %s", async (url, type, text) => {
    const response = await session().fetch(url);
    const native = await globalThis.fetch(url);
    expect(response.headers.get("content-type")).toBe(native.headers.get("content-type"));
    if (!url.includes("; base64 ")) expect([response.headers.get("content-type")]).toEqual([type]);
    const content = await response.text();
    expect(content).toBe(await native.text());
    if (!url.includes("; base64 ")) expect(content).toBe(text);
    expect([response.status, response.statusText, response.type, response.url]).toEqual([
      200,
      "OK",
      "basic",
      native.url,
    ]);
    expect(response).toBeInstanceOf(Response);
  });

  test("a blob: URL gives its blob until it is revoked", async () => {
    const url = URL.createObjectURL(new Blob(["content"], { type: "text/css" }));
    const response = await session().fetch(url);
    expect([response.headers.get("content-type"), response.headers.get("content-length")]).toEqual(["text/css", "7"]);
    expect(await response.clone().text()).toBe("content");
    expect(await rejection(session().fetch(url, { method: "POST" }))).toMatchObject({ message: "fetch failed" });
    URL.revokeObjectURL(url);
    expect(await rejection(session().fetch(url))).toMatchObject({ message: "fetch failed" });
  });

  test.each([
    "data:none",
    "data:;base64,%",
    "about:blank",
    "file:///etc/passwd",
    "ftp://a.test/",
    "blob:nodedata:gone",
  ])("%s is a network error", async (url) => {
    const failed = await rejection<TypeError>(session().fetch(url));
    expect(failed).toMatchObject({ name: "TypeError", message: "fetch failed", cause: { name: "InvalidUrlError" } });
  });

  test("integrity holds for them, too", async () => {
    const integrity = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    expect(await (await session().fetch("data:,hello", { integrity })).text()).toBe("hello");
    expect(await rejection(session().fetch("data:,other", { integrity }))).toMatchObject({ message: "fetch failed" });
  });
});

async function calledFromHere(session: ClientSession): Promise<Response> {
  return await session.fetch("http://a.test/?q=s3cret", { method: "GET", headers: { authorization: "s3cret" } });
}

async function drained(stream: Response["body"]): Promise<void> {
  for await (const _piece of stream ?? []);
}
