import { gzipSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { Application } from "../../../src/server/application.js";
import type { Responder } from "../../../src/server/exchange.js";
import { HttpError } from "../../../src/server/http-error.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";
import { ask } from "../fake-exchange.js";
import { codeOf } from "./code-of.js";

/** Middleware that leaves its name in the answer's `x-way`, outermost first. */
function by(name: string): Middleware {
  return async (_request, next) => {
    const made = await next();
    made.headers.set("x-way", [name, made.headers.get("x-way") ?? ""].join(" ").trim());
    return made;
  };
}

/** Status, text, and the way through middleware. */
async function got(responder: Responder, method: string, target: string): Promise<string> {
  const { status, text, headers } = await ask(responder, method, target, { fields: ["Accept", "text/plain"] });
  const way = headers["x-way"] === undefined ? "" : ` by ${headers["x-way"]}`;
  return `${status} ${status === 200 ? text : (headers["allow"] ?? "")}`.trim() + way;
}

describe("a mounted application", () => {
  const shop = new Application();
  shop.use(by("shop"));
  shop.get("/", (request) => `${request.route} ${request.path}`);
  shop.get("/items/:id", (request) => `${request.route} ${request.path} ${request.params.id}`);
  const app = new Application();
  app.use(by("app"));
  app.get("/", () => "home");
  app.mount("/shop", shop);
  shop.post("/late", [by("own")], () => "late");

  test.each([
    ["GET", "/", "200 home by app"],
    ["GET", "/shop", "200 /shop /shop by app shop"],
    ["GET", "/shop/", "200 /shop /shop/ by app shop"],
    ["GET", "/shop/items/7", "200 /shop/items/:id /shop/items/7 7 by app shop"],
    ["POST", "/shop/late", "200 late by app shop own"],
    ["GET", "/shop/nothing", "404 by app shop"],
    ["GET", "/shopping", "404 by app"],
    ["GET", "/items/7", "404 by app"],
    ["POST", "/shop/items/7", "405 GET, HEAD, OPTIONS by app shop"],
    ["OPTIONS", "/shop/late", "204 POST, OPTIONS by app shop"],
    ["HEAD", "/shop/items/7", "200 /shop/items/:id /shop/items/7 7 by app shop"],
    ["GET", "/shop/%zz", "400 by app"],
  ])("%s %s is answered %s", async (method, path, expected) => {
    expect(await got(app.dispatch, method, path)).toBe(expected);
  });

  test("answers by itself, too, without its prefix", async () => {
    expect(await got(shop.dispatch, "GET", "/items/7")).toBe("200 /items/:id /items/7 7 by shop");
    expect(await got(shop.dispatch, "GET", "/shop/items/7")).toBe("404 by shop");
  });

  test("middleware added later, inside or round it, counts for what is there", async () => {
    const inner = new Application();
    inner.get("/x", () => "x");
    const outer = new Application().mount("/in", inner);
    inner.use(by("inner"));
    outer.use(by("outer"));
    expect(await got(outer.dispatch, "GET", "/in/x")).toBe("200 x by outer inner");
  });

  test("the most specific route answers, whoever it belongs to", async () => {
    const pages = new Application();
    pages.get("/:page", (request) => `page ${request.params.page}`);
    const root = new Application();
    root.get("/pages/special", () => "special");
    root.get("/:any/other", () => "other");
    root.mount("/pages", pages);
    expect(await got(root.dispatch, "GET", "/pages/special")).toBe("200 special");
    expect(await got(root.dispatch, "GET", "/pages/plain")).toBe("200 page plain");
    expect(await got(root.dispatch, "GET", "/pages/other")).toBe("200 page other");
  });
});

describe("nested mounts and prefixes with parameters", () => {
  const users = new Application();
  users.use((request, next) => {
    request.beforeReply((made) => made.headers.set("x-tenant", request.params["tenant"] ?? "none"));
    return next();
  });
  users.get("/", () => "all");
  users.get("/:id", (request) => JSON.stringify(request.params));
  const tenant = new Application().mount("/users", users);
  const app = new Application().mount("/t/:tenant", tenant);

  test("have the prefix's parameters, in routes, in middleware and where no route is", async () => {
    const one = await ask(app.dispatch, "GET", "/t/a%20b/users/7");
    expect([one.text, one.headers["x-tenant"]]).toEqual(['{"tenant":"a b","id":"7"}', "a b"]);
    const none = await ask(app.dispatch, "GET", "/t/acme/users/7/8/9");
    expect([none.status, none.headers["x-tenant"]]).toEqual([404, "acme"]);
    const bare = await ask(app.dispatch, "POST", "/t/acme/users");
    expect([bare.status, bare.headers["x-tenant"]]).toEqual([405, "acme"]);
    expect((await ask(app.dispatch, "GET", "/t/acme/other")).headers["x-tenant"]).toBeUndefined();
  });

  test("a route where none is has no pattern", async () => {
    const seen: unknown[] = [];
    const inner = new Application().use((request, next) => {
      seen.push(request.route);
      return next();
    });
    inner.get("/x", () => "x");
    const outer = new Application().mount("/in", inner);
    await ask(outer.dispatch, "GET", "/in/x");
    await ask(outer.dispatch, "GET", "/in/y");
    expect(seen).toEqual(["/in/x", undefined]);
  });

  test("an application at / has what has no route elsewhere", async () => {
    const inner = new Application().use(by("inner"));
    inner.get("/x", () => "x");
    const site = new Application().mount("/site", new Application().use(by("site"))).mount("/", inner);
    expect(await got(site.dispatch, "GET", "/x")).toBe("200 x by inner");
    expect(await got(site.dispatch, "GET", "/y")).toBe("404 by inner");
    expect(await got(site.dispatch, "GET", "/site/y")).toBe("404 by site");
  });

  test("an application at / of a mounted one has what has no route there", async () => {
    const inner = new Application().use(by("inner"));
    const middle = new Application().use(by("middle")).mount("/", inner);
    const outer = new Application().mount("/m", middle);
    expect(await got(outer.dispatch, "GET", "/m/y")).toBe("404 by middle inner");
    expect(await got(outer.dispatch, "GET", "/y")).toBe("404");
  });
});

describe("what a mounted application shares", () => {
  test("keys fall back on the outer application's; its own go first, and stay its own", async () => {
    const app = new Application();
    const [name, colour] = [app.key<string>("name"), app.key<string>("colour")];
    const inner = new Application().set(colour, "red");
    app.set(name, "outer").set(colour, "blue");
    inner.get("/", (request) => `${request.get(name)} ${request.get(colour)}`);
    app.get("/", (request) => request.get(colour));
    app.mount("/in", inner);
    expect((await ask(app.dispatch, "GET", "/in")).text).toBe("outer red");
    expect((await ask(app.dispatch, "GET", "/")).text).toBe("blue");
    expect([inner.get(name), inner.has(name), app.has(app.key("name"))]).toEqual(["outer", true, false]);
  });

  test("maxBodySize is its own if it was given one, or else the nearest outer one's", async () => {
    const read = (app: Application) => app.post("/", async (request) => String((await request.bytes()).length));
    const strict = read(new Application({ maxBodySize: 3 }));
    const plain = read(new Application());
    const app = read(new Application({ maxBodySize: 5 }))
      .mount("/strict", strict)
      .mount("/plain", plain);
    const status = async (target: string, body: string) => (await ask(app.dispatch, "POST", target, { body })).status;
    expect([await status("/strict", "123"), await status("/strict", "1234")]).toEqual([200, 413]);
    expect([await status("/plain", "12345"), await status("/plain", "123456")]).toEqual([200, 413]);
    plain.use((_request, next) => next());
    expect((await ask(plain.dispatch, "POST", "/", { body: "123456" })).status).toBe(200);
    expect([await status("/plain", "12345"), await status("/plain", "123456")]).toEqual([200, 413]);
  });

  test("decompress is its own if it was given any, or else the nearest outer one's", async () => {
    const read = (app: Application) => app.post("/", async (request) => (await request.bytes()).length.toString());
    const app = read(new Application({ decompress: false }));
    app.mount("/own", read(new Application({ decompress: true }))).mount("/plain", read(new Application()));
    const fields = ["Host", "a", "Content-Encoding", "gzip"];
    const body = gzipSync("x".repeat(50));
    const status = async (target: string) => (await ask(app.dispatch, "POST", target, { fields, body })).text;
    expect(await status("/own")).toBe("50");
    expect(await status("/plain")).toBe(await status("/"));
    expect(await status("/plain")).not.toBe("50");
  });

  test("its errors go to its own onError, or else to the nearest outer one", async () => {
    const [outer, own] = [vi.fn(), vi.fn()];
    const failing = (app: Application) =>
      app.get("/", () => {
        throw new Error("broken");
      });
    const app = new Application({ onError: outer });
    app.mount("/own", failing(new Application({ onError: own }))).mount("/none", failing(new Application()));
    await ask(app.dispatch, "GET", "/own");
    expect([own.mock.calls.length, outer.mock.calls.length]).toEqual([1, 0]);
    await ask(app.dispatch, "GET", "/none");
    expect(outer.mock.calls.map(([error, request]) => [String(error), request.path])).toEqual([
      ["Error: broken", "/none"],
    ]);
  });

  test("an HttpError in its middleware is answered like any other", async () => {
    const inner = new Application().use(() => {
      throw new HttpError(403, "Not you");
    });
    const app = new Application().use(by("app")).mount("/in", inner);
    expect((await ask(app.dispatch, "GET", "/in/x")).status).toBe(403);
  });

  test("both access logs have a line, each for what it is there for", async () => {
    const lines: string[] = [];
    const log = (name: string) => ({ accessLog: { format: "common", write: () => lines.push(name) } as const });
    const app = new Application(log("outer")).mount("/in", new Application(log("inner")));
    await ask(app.dispatch, "GET", "/in");
    await ask(app.dispatch, "GET", "/");
    expect(lines).toEqual(["outer", "inner", "outer"]);
  });
});

describe("refusals", () => {
  const routed = () => new Application().get("/x", () => "inner");

  test("mounting an application in itself, at any depth", () => {
    const app = new Application();
    const inner = new Application();
    app.mount("/in", inner);
    expect(codeOf(() => app.mount("/self", app))).toBe("mount/itself");
    expect(codeOf(() => inner.mount("/round", app))).toBe("mount/itself");
  });

  test("mounting it twice", () => {
    const inner = new Application();
    const app = new Application().mount("/a", inner);
    expect(codeOf(() => app.mount("/b", inner))).toBe("mount/twice");
    expect(codeOf(() => new Application().host("example.com", inner))).toBe("mount/twice");
  });

  test("mounting where another is, and what is no application", () => {
    const app = new Application().mount("/:a", new Application());
    expect(codeOf(() => app.mount("/:b", new Application()))).toBe("mount/duplicate");
    expect(codeOf(() => app.mount("/x", {} as Application))).toBe("options/unknown-value");
  });

  test.each(["", "x", "/x/", "/x/*rest", "/*"])("the prefix %j", (prefix) => {
    expect(codeOf(() => new Application().mount(prefix, new Application()))).toBe("route/prefix");
  });

  test("a prefix that is no pattern, or has a parameter that a route has, too", () => {
    expect(codeOf(() => new Application().mount("/:a-:b", new Application()))).toBe("route/pattern");
    const inner = new Application().get("/:id", () => "x");
    expect(codeOf(() => new Application().mount("/:id", inner))).toBe("route/pattern");
  });

  test("OPTIONS * below a prefix", () => {
    const inner = new Application().options("*", () => null);
    expect(codeOf(() => new Application().mount("/in", inner))).toBe("route/pattern");
  });

  test("a route that is there already has nothing changed: neither by mounting nor later", async () => {
    const app = new Application().get("/in/x", () => "outer");
    const inner = routed();
    expect(codeOf(() => app.mount("/in", inner))).toBe("route/duplicate");
    expect(await got(app.dispatch, "GET", "/in/x")).toBe("200 outer");
    expect(codeOf(() => new Application().mount("/elsewhere", inner))).toBeUndefined();
    const late = new Application();
    app.mount("/in", late);
    expect(codeOf(() => late.get("/x", () => "late"))).toBe("route/duplicate");
    expect(await got(late.dispatch, "GET", "/x")).toBe("404");
    expect(codeOf(() => late.route(["POST", "GET"], "/x", () => "late"))).toBe("route/duplicate");
    expect(await got(app.dispatch, "POST", "/in/x")).toBe("405 GET, HEAD, OPTIONS");
  });
});
