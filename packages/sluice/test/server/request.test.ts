import { describe, expect, expectTypeOf, test } from "vitest";
import { Application } from "../../src/server/application.js";
import type { Handler } from "../../src/server/middleware-chain.js";
import type { PathParams } from "../../src/server/path-params.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { ask, FakeExchange, type FakeRequest } from "./fake-exchange.js";

/** What `look` sees of a request. */
async function see<Value>(
  look: (request: ServerRequest) => Value,
  target = "/",
  given: FakeRequest = {},
  app = new Application({ onError: () => undefined }),
): Promise<Value> {
  const seen: Value[] = [];
  app.get("/*rest", (request) => {
    seen.push(look(request));
    return null;
  });
  const answer = await ask(app.dispatch, "GET", target, given);
  if (seen.length === 0) throw new Error(`answered ${answer.status}: ${answer.text}`);
  return seen[0] as Value;
}

describe("where it goes", () => {
  test("params are unescaped once; %2F does not split a segment", async () => {
    const app = new Application();
    app.get("/:a/x/:b.json", (request) => request.params);
    app.get("/files/*path", (request) => request.params);
    expect((await ask(app.dispatch, "GET", "/a%2Fb/x/%C3%A9%2520.json")).text).toBe('{"a":"a/b","b":"é%20"}');
    expect((await ask(app.dispatch, "GET", "/files/a/b%20c/")).text).toBe('{"path":"a/b c/"}');
    expect((await ask(app.dispatch, "GET", "/files/")).text).toBe('{"path":""}');
  });

  test("path, target and route", async () => {
    const look = (request: ServerRequest) => [request.path, request.target, request.route];
    expect(await see(look, "/%61?b")).toEqual(["/a", "/%61?b", "/*rest"]);
  });

  test.each<[string, string, FakeRequest, string]>([
    ["/a?b=c", "plain", {}, "http://example.com/a?b=c"],
    ["/a", "over TLS", { secure: true }, "https://example.com/a"],
    ["/", "with a port", { fields: ["host", "example.com:81"] }, "http://example.com:81/"],
    ["/a", "without Host (HTTP/1.0)", { fields: [], version: 10 }, "http://localhost/a"],
    ["//evil.example/a", "looking like another host", {}, "http://example.com//evil.example/a"],
    ["http://target.example/a?b", "in absolute-form", {}, "http://target.example/a?b"],
  ])("the URL of %s %s", async (target, _how, given, url) => {
    expect(await see((request) => request.url.href, target, given)).toBe(url);
  });

  test("a host that no URL can have is 400 when the URL is asked for", async () => {
    await expect(see((request) => request.url, "/", { fields: ["Host", "1.2.3.4.5"] })).rejects.toThrow("answered 400");
  });

  test("the query is parsed once", async () => {
    const look = (request: ServerRequest) => {
      const { query } = request;
      return [query.getAll("a"), request.query === query];
    };
    expect(await see(look, "/?a=1&a=%20x+y&b")).toEqual([["1", " x y"], true]);
    expect(await see((request) => request.query.size, "/")).toBe(0);
  });

  test("protocol and version", async () => {
    const look = (request: ServerRequest) => [request.protocol, request.httpVersion];
    expect(await see(look)).toEqual(["http", "1.1"]);
    expect(await see(look, "/", { secure: true, version: 10 })).toEqual(["https", "1.0"]);
  });
});

describe("who asks", () => {
  const forwarded: FakeRequest = {
    remoteAddress: "10.0.0.1",
    fields: [
      "Host",
      "inner",
      "X-Forwarded-For",
      "198.51.100.7",
      "X-Forwarded-Proto",
      "https",
      "X-Forwarded-Host",
      "a.example",
    ],
  };
  const look = (request: ServerRequest) => [request.remoteAddress, request.url.href];

  test("the peer, unless a trusted proxy says otherwise", async () => {
    expect(await see(look, "/", forwarded)).toEqual(["10.0.0.1", "http://inner/"]);
    const behind = new Application({ trustProxy: ["10.0.0.0/8"] });
    expect(await see(look, "/", forwarded, behind)).toEqual(["198.51.100.7", "https://a.example/"]);
    const elsewhere = new Application({ trustProxy: ["10.0.0.2"] });
    expect(await see(look, "/", forwarded, elsewhere)).toEqual(["10.0.0.1", "http://inner/"]);
  });

  test("an IPv4 client of a dual-stack socket has its IPv4 address, one on a Unix socket none", async () => {
    expect(await see((request) => request.remoteAddress, "/", { remoteAddress: "::ffff:127.0.0.1" })).toBe("127.0.0.1");
    expect(await see((request) => request.remoteAddress, "/", { remoteAddress: undefined })).toBeUndefined();
  });

  test("each request has its own id, which stays", async () => {
    const id = (request: ServerRequest) => [request.id, request.id];
    const first = await see(id);
    expect(first[0]).toBe(first[1]);
    expect(await see(id)).not.toEqual(first);
  });

  test("an id is taken over from a trusted proxy only, and only if it is sane", async () => {
    const idFor = (value: string, remoteAddress: string) => {
      const app = new Application({ trustProxy: ["10.0.0.1"] });
      return see((request) => request.id, "/", { remoteAddress, fields: ["X-Request-Id", value] }, app);
    };
    expect(await idFor("abc-1:2/3", "10.0.0.1")).toBe("abc-1:2/3");
    expect(await idFor("abc-1", "10.0.0.2")).not.toBe("abc-1");
    for (const bad of ["", "a b", 'a"b', "a\u00e9", "x".repeat(129), "{}"])
      expect(await idFor(bad, "10.0.0.1")).not.toBe(bad);
    expect(await see((request) => request.id, "/", { fields: ["X-Request-Id", "abc"] })).not.toBe("abc");
  });

  test("the signal is the exchange's, asked for once", async () => {
    const exchange = new FakeExchange("GET", "/");
    const app = new Application();
    app.get("/", (request) => {
      const { signal } = request;
      return [request.signal === signal, signal.aborted];
    });
    await app.dispatch(exchange);
    expect(exchange.signalsAsked).toBe(1);
  });
});

describe("what it says", () => {
  test("headers are immutable and keep their order and case in raw", async () => {
    const fields = ["Host", "h", "X-A", "1", "x-a", "2"];
    expect(await see((request) => [request.headers.get("x-a"), request.headers.raw], "/", { fields })).toEqual([
      "1, 2",
      fields,
    ]);
    const changing = see((request) => request.headers.set("a", "b"), "/", { fields });
    await expect(changing).rejects.toThrow("answered 500");
  });

  test("cookies by name, from one line or several, first one counting", async () => {
    const fields = ["Cookie", "a=1; b=two; a=9", "cookie", "c=3"];
    const cookies = await see((request) => [...request.cookies], "/", { fields });
    expect(cookies).toEqual([
      ["a", "1"],
      ["b", "two"],
      ["c", "3"],
    ]);
    expect(await see((request) => request.cookies.size)).toBe(0);
  });

  test("cookies that look like properties of objects are only cookies", async () => {
    const cookies = await see((request) => request.cookies, "/", { fields: ["Cookie", "__proto__=x; constructor=y"] });
    expect([cookies.get("__proto__"), cookies.get("constructor"), cookies.get("toString")]).toEqual([
      "x",
      "y",
      undefined,
    ]);
  });

  test("early hints go out before the answer", async () => {
    const exchange = new FakeExchange("GET", "/");
    const app = new Application();
    app.get("/", (request) => {
      request.inform(103, { Link: "</a.css>; rel=preload" }).inform(102);
      return "x";
    });
    await app.dispatch(exchange);
    expect(exchange.informed).toEqual([
      [103, ["Link", "</a.css>; rel=preload"]],
      [102, []],
    ]);
  });
});

describe("values by key", () => {
  test("a request's own go before the application's", async () => {
    const app = new Application();
    const Db = app.key<string>("db");
    const User = app.key<{ name: string } | undefined>("user");
    app.set(Db, "main");
    app.use((request, next) => {
      request.set(User, { name: "Ada" });
      if (request.query.has("other")) request.set(Db, "other");
      return next();
    });
    app.get("/", (request) => `${request.get(Db)} ${request.get(User)?.name} ${request.has(User)} ${app.get(Db)}`);
    expect((await ask(app.dispatch, "GET", "/?other")).text).toBe("other Ada true main");
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("main Ada true main");
    expectTypeOf(app.get(Db)).toEqualTypeOf<string>();
  });

  test("keys are known by identity; a missing value is an error that names the key, an undefined one is a value", () => {
    const app = new Application();
    const One = app.key<number | undefined>("count");
    const Two = app.key<number | undefined>("count");
    app.set(One, undefined);
    expect(app.get(One)).toBeUndefined();
    expect(() => app.get(Two)).toThrow('"count"');
    expect(() => app.get(Two)).toThrow(expect.objectContaining({ code: "key/unset" }));
  });

  test("one request's values are not another's", async () => {
    const app = new Application();
    const Seen = app.key<boolean>("seen");
    app.get("/", (request) => {
      const before = request.has(Seen);
      request.set(Seen, true);
      return [before];
    });
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("[false]");
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("[false]");
  });
});

describe("types", () => {
  test("parameters come from the path", () => {
    expectTypeOf<PathParams<"/users/:id">>().toEqualTypeOf<{ readonly id: string }>();
    expectTypeOf<PathParams<"/a/:b/c/:d_1.json/*rest">>().toEqualTypeOf<{
      readonly b: string;
      readonly d_1: string;
      readonly rest: string;
    }>();
    expectTypeOf<PathParams<"/v:version/@:name">>().toEqualTypeOf<{
      readonly version: string;
      readonly name: string;
    }>();
    expectTypeOf<PathParams<"/*">>().toEqualTypeOf<{ readonly "*": string }>();
    expectTypeOf<keyof PathParams<"/static">>().toEqualTypeOf<never>();
    expectTypeOf<PathParams<string>>().toEqualTypeOf<Readonly<Record<string, string>>>();
    new Application().get("/users/:id/:tab", [], (request) => {
      expectTypeOf(request.params).toEqualTypeOf<{ readonly id: string; readonly tab: string }>();
      // @ts-expect-error: no such parameter
      return [request.params.nope];
    });
  });

  test("handlers that forget to return, or return what cannot be sent, do not compile", () => {
    interface User {
      id: number;
    }
    const user: User = { id: 1 };
    const good: Handler[] = [() => user, async () => user, () => [user], () => "x", () => null, () => new Response()];
    // @ts-expect-error: nothing returned
    good.push(() => {});
    // @ts-expect-error: nothing returned later
    good.push(async () => {});
    // @ts-expect-error: a number
    good.push(() => 1);
    expect(good).toHaveLength(9);
  });
});
