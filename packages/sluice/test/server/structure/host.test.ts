import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { ask } from "../fake-exchange.js";
import { codeOf } from "./code-of.js";

/** What is answered to GET `target` of `host`. */
async function at(app: Application, host: string | undefined, target = "/"): Promise<string> {
  const fields = ["Accept", "text/plain", ...(host === undefined ? [] : ["Host", host])];
  const { status, text, headers } = await ask(app.dispatch, "GET", target, { fields });
  return [status, ...(status === 200 ? [text] : []), ...(headers["x-by"] === undefined ? [] : [headers["x-by"]])].join(
    " ",
  );
}

function named(name: string): Application {
  const app = new Application().get("/", () => name).get("/only", (request) => `${request.route} of ${name}`);
  return app.use((request, next) => {
    request.beforeReply((made) => made.headers.set("x-by", `(${name})`));
    return next();
  });
}

describe("applications by host", () => {
  const main = new Application().get("/", () => "main").get("/main", () => "main only");
  main.host("example.com", named("exact")).host("*.example.com", named("any")).host(["b.test", "*.b.test"], named("b"));

  test.each([
    ["example.com", "/", "200 exact (exact)"],
    ["EXAMPLE.com:8443", "/", "200 exact (exact)"],
    ["example.com.", "/only", "200 /only of exact (exact)"],
    ["shop.example.com", "/", "200 any (any)"],
    ["a.shop.example.com", "/", "200 main"],
    ["b.test", "/", "200 b (b)"],
    ["x.b.test:1", "/only", "200 /only of b (b)"],
    ["other.test", "/", "200 main"],
    ["other.test", "/only", "404"],
    [undefined, "/", "200 main"],
    ["example.com", "/main", "404 (exact)"],
    ["example.com", "/%zz", "400 (exact)"],
  ])("%s has %s answered with %s", async (host, target, expected) => {
    expect(await at(main, host, target)).toBe(expected);
  });

  test("an absolute target goes before Host", async () => {
    expect(await at(main, "other.test", "http://Example.com:80/only")).toBe("200 /only of exact (exact)");
  });

  test("the host that trusted proxies pass on counts, and nobody else's", async () => {
    const app = new Application({ trustProxy: ["10.0.0.1"] }).get("/", () => "main").host("a.test", named("a"));
    const fields = ["Host", "inner", "X-Forwarded-Host", "a.test:443"];
    expect((await ask(app.dispatch, "GET", "/", { fields, remoteAddress: "10.0.0.1" })).text).toBe("a");
    expect((await ask(app.dispatch, "GET", "/", { fields, remoteAddress: "10.0.0.2" })).text).toBe("main");
  });

  test("mounts below it, keys and the outer middleware are as everywhere", async () => {
    const app = new Application();
    const colour = app.key<string>("colour");
    app.set(colour, "green");
    const inner = new Application().get("/:id", (request) => `${request.params.id} ${request.get(colour)}`);
    app.host("a.test", new Application().mount("/in", inner));
    const seen: string[] = [];
    app.use((request, next) => {
      seen.push(request.path);
      return next();
    });
    expect(await at(app, "a.test", "/in/7")).toBe("200 7 green");
    expect(seen).toEqual(["/in/7"]);
  });

  test("every host's routes stand by themselves: the same route at two is none too many", () => {
    const app = new Application().get("/", () => "main");
    expect(codeOf(() => app.host("a.test", named("a")).host("b.test", named("b")))).toBeUndefined();
  });
});

describe("refusals", () => {
  test("two applications at one host, in whatever spelling", () => {
    const app = new Application().host(["a.test", "b.test"], new Application());
    expect(codeOf(() => app.host("B.test.", new Application()))).toBe("mount/duplicate");
    expect(codeOf(() => app.host(["c.test", "c.test"], new Application()))).toBe("mount/duplicate");
    expect(codeOf(() => app.host("c.test", new Application()))).toBeUndefined();
  });

  test("hosts in an application that is mounted, before or after", () => {
    const withHosts = new Application().host("a.test", new Application());
    expect(codeOf(() => new Application().mount("/x", withHosts))).toBe("mount/hosts");
    const inner = new Application();
    new Application().mount("/x", inner);
    expect(codeOf(() => inner.host("a.test", new Application()))).toBe("mount/hosts");
  });

  test("what is no host, and no host at all", () => {
    expect(codeOf(() => new Application().host([], new Application()))).toBe("host/pattern");
    expect(codeOf(() => new Application().host("a.test:80", new Application()))).toBe("host/pattern");
  });
});
