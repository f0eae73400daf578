import { describe, expect, test, vi } from "vitest";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { type CorsOptions, cors } from "../../../src/server/middleware/cors.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { ask } from "../fake-exchange.js";

const GOOD = "https://app.example.com";

function appWith(options?: CorsOptions): Application {
  const app = new Application({ onError: () => undefined });
  app.use(options === undefined ? cors() : cors(options));
  app.get("/", () => "hello");
  app.put("/", () => "put");
  app.get("/refused", () => {
    throw new HttpError(403, "no");
  });
  app.get("/fails", () => {
    throw new Error("x");
  });
  app.get("/varied", () => reply.text("x", { headers: { Vary: "Accept, origin" } }));
  app.get("/all", () => reply.text("x", { headers: { Vary: "*" } }));
  app.get("/upstream", () => reply.text("x", { headers: { "Access-Control-Allow-Origin": "*" } }));
  return app;
}

function simple(app: Application, origin?: string, target = "/") {
  return ask(app.dispatch, "GET", target, { fields: origin === undefined ? [] : ["Origin", origin] });
}

function preflight(app: Application, origin: string, more: readonly string[] = [], method = "PUT") {
  return ask(app.dispatch, "OPTIONS", "/", {
    fields: ["Origin", origin, "Access-Control-Request-Method", method, ...more],
  });
}

/** The fields of the protocol, and Vary. */
function said(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => /^access-control|^vary$/.test(name)));
}

describe("simple requests", () => {
  test("everybody may read by default: one answer for all, so no Vary", async () => {
    expect(said((await simple(appWith(), "https://anybody.example")).headers)).toEqual({
      "access-control-allow-origin": "*",
    });
    expect(said((await simple(appWith())).headers)).toEqual({});
  });

  test("an allowed origin is told so by name; another one, and no origin, are told nothing but Vary", async () => {
    const app = appWith({ origin: GOOD });
    expect(said((await simple(app, GOOD)).headers)).toEqual({ "access-control-allow-origin": GOOD, vary: "Origin" });
    expect(said((await simple(app, "https://evil.example")).headers)).toEqual({ vary: "Origin" });
    expect(said((await simple(app)).headers)).toEqual({ vary: "Origin" });
  });

  test("the handler of a request from elsewhere runs all the same: CORS is about reading", async () => {
    expect((await simple(appWith({ origin: GOOD }), "https://evil.example")).text).toBe("hello");
  });

  test.each([
    ["a 404", "/nowhere", 404],
    ["a 405", "/", 405],
    ["an HttpError", "/refused", 403],
    ["a fault", "/fails", 500],
  ])("%s can be read across origins, too", async (_name, target, status) => {
    const answer = await ask(appWith({ origin: [GOOD] }).dispatch, status === 405 ? "DELETE" : "GET", target, {
      fields: ["Origin", GOOD],
    });
    expect(answer.status).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBe(GOOD);
    expect(answer.headers["vary"]?.split(", ")).toContain("Origin");
  });

  test("credentials and readable fields are told to those who may", async () => {
    const app = appWith({ origin: GOOD, credentials: true, exposeHeaders: ["ETag", "X-Total"] });
    expect(said((await simple(app, GOOD)).headers)).toEqual({
      "access-control-allow-origin": GOOD,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "ETag, X-Total",
      vary: "Origin",
    });
    expect(said((await simple(app, "https://evil.example")).headers)).toEqual({ vary: "Origin" });
  });

  test("Vary is added to what a handler says, once, and not to a star", async () => {
    const app = appWith({ origin: GOOD });
    expect((await simple(app, GOOD, "/varied")).headers["vary"]).toBe("Accept, origin");
    expect((await simple(app, GOOD, "/all")).headers["vary"]).toBe("*");
  });

  test("there is one Access-Control-Allow-Origin, whatever an upstream said", async () => {
    expect((await simple(appWith({ origin: GOOD }), GOOD, "/upstream")).headers["access-control-allow-origin"]).toBe(
      GOOD,
    );
  });
});

describe("origins", () => {
  test.each<[string, NonNullable<CorsOptions["origin"]>, string, boolean]>([
    ["one of a list", [GOOD, "http://localhost:3000"], "http://localhost:3000", true],
    ["another port than listed", ["http://localhost:3000"], "http://localhost:3001", false],
    ["another scheme than listed", [GOOD], "http://app.example.com", false],
    ["a pattern", /https:\/\/[a-z]+\.example\.com/, "https://a.example.com", true],
    ["a pattern within a longer origin", /https:\/\/[a-z]+\.example\.com/, "https://a.example.com.evil.test", false],
    ["a pattern behind something else", /example\.com/, "https://evil.test/example.com", false],
    ["alternatives, each as a whole", /https:\/\/a\.test|https:\/\/b\.test/, "https://b.test", true],
    ["alternatives that begin alike", /https:\/\/a\.test|https:\/\/b\.test/, "https://a.test.evil", false],
    ["null, unless listed", [GOOD], "null", false],
    ["null, if listed", ["null"], "null", true],
    ["an app's own scheme", ["capacitor://localhost"], "capacitor://localhost", true],
    ["a function", (origin) => origin.endsWith(".test"), "https://x.test", true],
    ["a function that promises", async (origin) => origin.endsWith(".test"), "https://x.example", false],
    ["an empty list", [], GOOD, false],
  ])("%s", async (_name, origin, given, may) => {
    const { headers } = await simple(appWith({ origin }), given);
    expect(headers["access-control-allow-origin"]).toBe(may ? given : undefined);
    expect(headers["vary"]).toBe("Origin");
  });

  test("a pattern with a memory of its own (g, y) gives the same answer each time", async () => {
    const app = appWith({ origin: /https:\/\/a\.test/gy });
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await simple(app, "https://a.test")).headers["access-control-allow-origin"]).toBe("https://a.test");
    }
  });

  test("a function sees the request, and its failure is the answer", async () => {
    const seen = vi.fn((_origin: string, request: { path: string }) => {
      if (request.path === "/") throw new HttpError(503, "later");
      return true;
    });
    const app = appWith({ origin: seen });
    expect((await simple(app, GOOD)).status).toBe(503);
    expect((await simple(app, GOOD, "/varied")).headers["access-control-allow-origin"]).toBe(GOOD);
  });
});

describe("preflights", () => {
  test("are answered with what may be sent, and reach no route", async () => {
    const answer = await preflight(
      appWith({ origin: GOOD, headers: ["X-Token"], methods: ["GET", "PUT"], maxAgeSeconds: 600 }),
      GOOD,
    );
    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    expect(answer.headers["allow"]).toBeUndefined();
    expect(said(answer.headers)).toEqual({
      "access-control-allow-origin": GOOD,
      "access-control-allow-methods": "GET, PUT",
      "access-control-allow-headers": "X-Token",
      "access-control-max-age": "600",
      vary: "Origin",
    });
  });

  test("are given the fields they ask for where none are named, and say that they depend on it", async () => {
    const answer = await preflight(appWith(), GOOD, ["Access-Control-Request-Headers", "content-type,x-a"]);
    expect(said(answer.headers)).toEqual({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD, PUT, PATCH, POST, DELETE, QUERY",
      "access-control-allow-headers": "content-type,x-a",
      vary: "Access-Control-Request-Headers",
    });
    const odd = await preflight(appWith(), GOOD, ["Access-Control-Request-Headers", "a;b=(c)"]);
    expect(odd.headers["access-control-allow-headers"]).toBeUndefined();
  });

  test("of others are answered without leave", async () => {
    const answer = await preflight(appWith({ origin: GOOD, credentials: true }), "https://evil.example");
    expect(answer.status).toBe(204);
    expect(said(answer.headers)).toEqual({ vary: "Access-Control-Request-Headers, Origin" });
  });

  test("ask about private networks, and are told if it is so", async () => {
    const asks = ["Access-Control-Request-Private-Network", "true"];
    const on = appWith({ origin: GOOD, privateNetwork: true });
    expect((await preflight(on, GOOD, asks)).headers["access-control-allow-private-network"]).toBe("true");
    expect((await preflight(on, GOOD)).headers["access-control-allow-private-network"]).toBeUndefined();
    const off = appWith({ origin: GOOD });
    expect((await preflight(off, GOOD, asks)).headers["access-control-allow-private-network"]).toBeUndefined();
  });

  test("are OPTIONS with both fields; any other OPTIONS goes on", async () => {
    const app = appWith({ origin: GOOD });
    const plain = await ask(app.dispatch, "OPTIONS", "/", { fields: ["Origin", GOOD] });
    expect(plain.headers["allow"]).toBe("GET, HEAD, PUT, OPTIONS");
    expect(plain.headers["access-control-allow-origin"]).toBe(GOOD);
    const without = await ask(app.dispatch, "OPTIONS", "/", { fields: ["Access-Control-Request-Method", "PUT"] });
    expect(without.headers["allow"]).toBe("GET, HEAD, PUT, OPTIONS");
    const get = await ask(app.dispatch, "GET", "/", {
      fields: ["Origin", GOOD, "Access-Control-Request-Method", "PUT"],
    });
    expect(get.text).toBe("hello");
  });
});

describe("what cannot work is refused at once", () => {
  test.each<[string, object]>([
    ["credentials for everybody", { credentials: true }],
    ["credentials with a star", { origin: "*", credentials: true }],
    ["a slash at the end", { origin: "https://example.com/" }],
    ["a path", { origin: ["https://example.com/app"] }],
    ["no scheme", { origin: "example.com" }],
    ["upper case", { origin: "https://Example.com" }],
    ["a default port", { origin: "https://example.com:443" }],
    ["a star within a list", { origin: ["*"] }],
    ["a method that is none", { methods: ["GE T"] }],
    ["a method in small letters, which no browser compares equal", { methods: ["GET", "put"] }],
    ["a field that is none", { headers: ["a:b"] }],
    ["an exposed field that is none", { exposeHeaders: [""] }],
  ])("%s", (_name, options) => {
    expect(() => cors(options)).toThrow(expect.objectContaining({ code: "options/unknown-value" }));
  });

  test("unknown options and ages out of range", () => {
    expect(() => cors({ origins: [] } as object)).toThrow(expect.objectContaining({ code: "options/unknown" }));
    expect(() => cors({ maxAgeSeconds: -1 })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });
});
