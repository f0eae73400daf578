import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import type { UrlArguments } from "../../../src/server/structure/url-for.js";
import { ask } from "../fake-exchange.js";
import { codeOf } from "./code-of.js";

const handler = () => "x";

describe("urlFor", () => {
  const app = new Application()
    .get("/", handler, { name: "home" })
    .get("/users/:id", handler, { name: "user" })
    .put("/users/:id", [], handler, { name: "user" })
    .get("/files/v:version/:name.json", handler, { name: "file" })
    .get("/assets/*path", handler, { name: "asset" })
    .get("/caf\u00e9", handler, { name: "caf\u00e9" })
    .route(["GET", "POST"], "/both", handler, { name: "both" });

  test("takes a name or a pattern, and fills in what it has", () => {
    expect(app.urlFor("home")).toBe("/");
    expect(app.urlFor("user", { id: 7 })).toBe("/users/7");
    expect(app.urlFor("/users/:id", { id: "a b" })).toBe("/users/a%20b");
    expect(app.urlFor("file", { version: 2, name: "x" })).toBe("/files/v2/x.json");
    expect(app.urlFor("asset", { path: "css/a b.css" })).toBe("/assets/css/a%20b.css");
    expect(app.urlFor("asset", { path: "" })).toBe("/assets/");
    expect(app.urlFor("caf\u00e9")).toBe("/caf%C3%A9");
    expect(app.urlFor("both")).toBe("/both");
  });

  test("adds a query", () => {
    const query = { q: "a&b=c", page: 2, tag: ["x", "y"], none: undefined, yes: true };
    expect(app.urlFor("user", { id: 7 }, { query })).toBe("/users/7?q=a%26b%3Dc&page=2&tag=x&tag=y&yes=true");
    expect(app.urlFor("home", {}, { query: new URLSearchParams({ a: "1" }) })).toBe("/?a=1");
    expect(app.urlFor("home", {}, { query: {} })).toBe("/");
  });

  test("whatever a value contains, it is one segment", () => {
    expect(app.urlFor("user", { id: "../x?y#z/%2F\\" })).toBe("/users/..%2Fx%3Fy%23z%2F%252F%5C");
  });

  test.each<[why: string, name: string, params: Record<string, string | number>]>([
    ["a missing parameter", "user", {}],
    ["an inherited one", "user", Object.create({ id: 1 }) as Record<string, string>],
    ["one that is null", "user", { id: null as unknown as string }],
    ["one too many", "user", { id: 1, other: 2 }],
    ["an empty one", "user", { id: "" }],
    ["a dot segment", "user", { id: ".." }],
    ["a dot segment in the rest", "asset", { path: "a/./b" }],
    ["half a character", "user", { id: "\ud800" }],
  ])("%s is refused", (_why, name, params) => {
    expect(codeOf(() => app.urlFor(name, params))).toBe("route/params");
  });

  test("never names another host", () => {
    const open = new Application().get("/*path", handler, { name: "any" });
    expect(codeOf(() => open.urlFor("any", { path: "/evil.example" }))).toBe("route/params");
    expect(open.urlFor("any", { path: "\\evil.example" })).toBe("/%5Cevil.example");
  });

  test("an unknown name, pattern or option is refused", () => {
    expect(codeOf(() => app.urlFor("nobody"))).toBe("route/unknown");
    expect(codeOf(() => app.urlFor("/users/:other", { other: 1 }))).toBe("route/unknown");
    expect(codeOf(() => app.urlFor("home", {}, { hash: "x" } as object))).toBe("options/unknown");
    expect(codeOf(() => app.urlFor("home", null as unknown as Record<string, string>))).toBe("options/unknown-value");
  });

  test("what it makes leads back to the route, with the same values", async () => {
    const echo = new Application();
    echo.get("/a/:one/x:two.txt/*rest", (request) => request.params, { name: "echo" });
    const part = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !/^\.\.?$/.test(text));
    const rest = fc.array(part, { maxLength: 3 }).map((parts) => parts.map((one) => one.replaceAll("/", "")).join("/"));
    const dots = (text: string) => /(?:^|\/)\.\.?(?:\/|$)/.test(text);
    const property = fc.asyncProperty(part, part, rest, async (one, two, tail) => {
      fc.pre(!dots(tail));
      const params = { one, two, rest: tail };
      expect(JSON.parse((await ask(echo.dispatch, "GET", echo.urlFor("echo", params))).text)).toEqual(params);
    });
    await fc.assert(property, { numRuns: 300 });
  });
});

describe("through mounts and groups", () => {
  test("prefixes stand before the path, their parameters among the values", () => {
    const users = new Application().get("/", handler, { name: "all" }).get("/:id", handler, { name: "one" });
    expect(users.urlFor("one", { id: 1 })).toBe("/1");
    const tenant = new Application().mount("/users", users);
    const app = new Application().mount("/t/:tenant", tenant);
    expect(users.urlFor("one", { tenant: "a/b", id: 1 })).toBe("/t/a%2Fb/users/1");
    expect(users.urlFor("all", { tenant: "a" })).toBe("/t/a/users");
    expect(users.urlFor("/:id", { tenant: "a", id: 1 })).toBe("/t/a/users/1");
    expect(codeOf(() => app.urlFor("one", { tenant: "a", id: 1 }))).toBe("route/unknown");
  });

  test("a group's routes have its prefix, at a host there is none", () => {
    const app = new Application();
    app.group("/v1", (group) => group.get("/", handler, { name: "v1" }).get("/:id", handler, { name: "item" }));
    expect([app.urlFor("v1"), app.urlFor("item", { id: 3 })]).toEqual(["/v1", "/v1/3"]);
    new Application().host("a.test", app);
    expect(app.urlFor("item", { id: 3 })).toBe("/v1/3");
  });
});

describe("names", () => {
  test("belong to one path of an application; two applications may have the same", () => {
    const app = new Application().get("/a", handler, { name: "x" });
    expect(codeOf(() => app.get("/b", handler, { name: "x" }))).toBe("route/duplicate-name");
    expect(codeOf(() => app.get("/b", handler))).toBeUndefined();
    expect(codeOf(() => app.post("/a", handler, { name: "x" }))).toBeUndefined();
    expect(codeOf(() => app.mount("/in", new Application().get("/a", handler, { name: "x" })))).toBeUndefined();
  });

  test.each(["", "/x", 7 as unknown as string])("%j is none", (name) => {
    expect(codeOf(() => new Application().get("/a", handler, { name }))).toBe("route/name");
  });

  test("other options of a route are refused, and so is what is no handler or middleware", () => {
    const app = new Application();
    const wrong = (given: unknown) => given as never;
    expect(codeOf(() => app.get("/a", handler, wrong({ nam: "x" })))).toBe("options/unknown");
    expect(codeOf(() => app.get("/a", handler, wrong("x")))).toBe("options/unknown-value");
    expect(codeOf(() => app.get("/a", wrong({}), handler))).toBe("route/handler");
    expect(codeOf(() => app.get("/a", [wrong("x")], handler))).toBe("options/unknown-value");
    expect(codeOf(() => app.post("/a", [], wrong(undefined)))).toBe("route/handler");
  });
});

test("the types ask for a pattern's parameters", () => {
  expectTypeOf<UrlArguments<"/about">[0]>().toEqualTypeOf<UrlArguments<"/about">[0] | undefined>();
  const app = new Application().get("/users/:id", handler).get("/about", handler);
  expect(app.urlFor("/about")).toBe("/about");
  // @ts-expect-error: without its parameter
  expect(codeOf(() => app.urlFor("/users/:id"))).toBe("route/params");
  // @ts-expect-error: with another
  expect(codeOf(() => app.urlFor("/users/:id", { name: "x" }))).toBe("route/params");
});
