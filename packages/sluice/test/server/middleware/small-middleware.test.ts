import { describe, expect, test, vi } from "vitest";
import { Body } from "../../../src/body/body.js";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import { bodyLimit } from "../../../src/server/middleware/body-limit.js";
import { type IpRestrictionOptions, ipRestriction } from "../../../src/server/middleware/ip-restriction.js";
import { type RequestIdOptions, requestId } from "../../../src/server/middleware/request-id.js";
import { type ServerTimingOptions, serverTiming, timingsOf } from "../../../src/server/middleware/server-timing.js";
import { ask, FakeExchange, type FakeRequest } from "../fake-exchange.js";

describe("bodyLimit", () => {
  function appWith(limit: number, maxBodySize = 10): Application {
    const app = new Application({ maxBodySize, onError: () => undefined });
    app.post("/", [bodyLimit(limit)], async (request) => String((await request.bytes()).byteLength));
    app.post("/other", async (request) => String((await request.bytes()).byteLength));
    app.post("/stream", [bodyLimit(limit)], async (request) => {
      let bytes = 0;
      for await (const piece of request.stream()) bytes += piece.byteLength;
      return String(bytes);
    });
    return app;
  }
  const post = (app: Application, bytes: number, target = "/", declared = true) =>
    ask(app.dispatch, "POST", target, {
      fields: declared ? ["Content-Length", String(bytes)] : ["Transfer-Encoding", "chunked"],
      body: "x".repeat(bytes),
    });

  test.each([true, false])(
    "is another one than the application's: more or less, declared or not (%s)",
    async (declared) => {
      for (const target of ["/", "/stream"]) {
        expect((await post(appWith(5), 5, target, declared)).text).toBe("5");
        expect((await post(appWith(5), 6, target, declared)).status).toBe(413);
        expect((await post(appWith(20), 20, target, declared)).text).toBe("20");
        expect((await post(appWith(20), 21, target, declared)).status).toBe(413);
        expect((await post(appWith(Number.POSITIVE_INFINITY), 5_000, target, declared)).text).toBe("5000");
      }
      expect((await post(appWith(5), 10, "/other", declared)).text).toBe("10");
      expect((await post(appWith(20), 11, "/other", declared)).status).toBe(413);
    },
  );

  test("refuses what is declared too large before the handler runs and the body is touched", async () => {
    const handler = vi.fn(() => "x");
    const app = new Application();
    app.post("/", [bodyLimit(0)], handler);
    const body = Body.of(Buffer.from("x"));
    const exchange = new FakeExchange("POST", "/", { fields: ["Content-Length", "1"], body });
    expect((await app.dispatch(exchange)).status).toBe(413);
    expect(handler).not.toHaveBeenCalled();
  });

  test("the innermost of several counts", async () => {
    const app = new Application();
    app.use(bodyLimit(10));
    app.post("/", [bodyLimit(5)], async (request) => String((await request.bytes()).byteLength));
    expect((await post(app, 6)).status).toBe(413);
  });

  test.each([-1, Number.NaN])("refuses %s", (limit) => {
    expect(() => bodyLimit(limit)).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });
});

describe("requestId", () => {
  async function idOf(options: RequestIdOptions | undefined, fields: readonly string[], remoteAddress = "192.0.2.1") {
    const app = new Application({ trustProxy: ["10.0.0.1"], onError: () => undefined });
    app.use(options === undefined ? requestId() : requestId(options));
    app.get("/", (request) => request.id);
    app.get("/fails", () => {
      throw new Error("x");
    });
    const answer = await ask(app.dispatch, "GET", "/", { fields, remoteAddress });
    const told = answer.headers[(options?.header ?? "X-Request-Id").toLowerCase()];
    if (answer.status === 200) expect(told).toBe(answer.text);
    return { told, status: answer.status, app };
  }
  const UUID = /^[0-9a-f-]{36}$/;

  test("is new for each request, unless a trusted proxy has given one", async () => {
    expect((await idOf(undefined, ["X-Request-Id", "theirs"])).told).toMatch(UUID);
    expect((await idOf(undefined, ["X-Request-Id", "theirs"], "10.0.0.1")).told).toBe("theirs");
    expect((await idOf(undefined, ["X-Request-Id", "bad id"], "10.0.0.1")).told).toMatch(UUID);
  });

  test("can be anybody's, or nobody's", async () => {
    expect((await idOf({ trust: true }, ["X-Request-Id", "theirs"])).told).toBe("theirs");
    expect((await idOf({ trust: true }, ["X-Request-Id", "a b"])).told).toMatch(UUID);
    expect((await idOf({ trust: true }, ["X-Request-Id", "x".repeat(129)])).told).toMatch(UUID);
    expect((await idOf({ trust: false }, ["X-Request-Id", "theirs"], "10.0.0.1")).told).toMatch(UUID);
  });

  test("is made as one likes, in the field one likes", async () => {
    const options: RequestIdOptions = { header: "Trace-Id", generate: (request) => `id-${request.method}` };
    expect((await idOf(options, [])).told).toBe("id-GET");
    expect((await idOf(options, ["Trace-Id", "theirs"], "10.0.0.1")).told).toBe("theirs");
    expect((await idOf({ generate: () => "a b" }, [])).status).toBe(500);
  });

  test("is on errors and unknown paths, and the one that an error page names", async () => {
    const { app } = await idOf(undefined, []);
    const failed = await ask(app.dispatch, "GET", "/fails");
    expect(JSON.parse(failed.text).requestId).toBe(failed.headers["x-request-id"]);
    expect((await ask(app.dispatch, "GET", "/nowhere")).headers["x-request-id"]).toMatch(UUID);
  });

  test.each<[object, string]>([
    [{ header: "a b" }, "options/unknown-value"],
    [{ generate: "uuid" }, "options/unknown-value"],
    [{ name: "x" }, "options/unknown"],
  ])("refuses %j", (options, code) => {
    expect(() => requestId(options)).toThrow(expect.objectContaining({ code }));
  });
});

describe("ipRestriction", () => {
  async function statusOf(options: IpRestrictionOptions, remoteAddress: string | undefined, fields: string[] = []) {
    const app = new Application({ trustProxy: ["10.0.0.1"] });
    app.use(ipRestriction(options));
    app.get("/", () => "x");
    return (await ask(app.dispatch, "GET", "/", { remoteAddress, fields })).status;
  }

  test.each<[string, IpRestrictionOptions, string | undefined, number]>([
    ["allowed", { allow: ["192.0.2.0/24"] }, "192.0.2.77", 200],
    ["not allowed", { allow: ["192.0.2.0/24"] }, "192.0.3.1", 403],
    ["denied", { deny: ["192.0.2.1"] }, "192.0.2.1", 403],
    ["not denied", { deny: ["192.0.2.1"] }, "192.0.2.2", 200],
    ["both", { allow: ["192.0.2.0/24"], deny: ["192.0.2.1"] }, "192.0.2.1", 403],
    ["nobody", { allow: [] }, "192.0.2.1", 403],
    ["IPv6", { allow: ["2001:db8::/32"] }, "2001:db8:1::1", 200],
    ["IPv4 in IPv6", { allow: ["192.0.2.1"] }, "::ffff:192.0.2.1", 200],
    ["a zone", { deny: ["fe80::/10"] }, "fe80::1%eth0", 403],
    ["no address", { deny: ["192.0.2.1"] }, undefined, 403],
    ["no address, allowed", { allow: [], allowUnknown: true }, undefined, 200],
  ])("%s", async (_name, options, address, status) => {
    expect(await statusOf(options, address)).toBe(status);
  });

  test("believes forwarding fields of trusted proxies only", async () => {
    const allow = ["198.51.100.1"];
    expect(await statusOf({ allow }, "10.0.0.1", ["X-Forwarded-For", "198.51.100.1"])).toBe(200);
    expect(await statusOf({ allow }, "192.0.2.1", ["X-Forwarded-For", "198.51.100.1"])).toBe(403);
  });

  test("refuses what is no address, and unknown options", () => {
    expect(() => ipRestriction({ allow: ["localhost"] })).toThrow(
      expect.objectContaining({ code: "options/address-range" }),
    );
    expect(() => ipRestriction({ block: [] } as object)).toThrow(expect.objectContaining({ code: "options/unknown" }));
  });
});

describe("serverTiming", () => {
  async function told(options: ServerTimingOptions, target = "/", given: FakeRequest = {}) {
    const clock = new ManualClock();
    const app = new Application({ onError: () => undefined });
    app.use(serverTiming({ clock, ...options }));
    app.get("/", async (request) => {
      const timings = timingsOf(request);
      await timings.measure("db", () => clock.advance(12.3456));
      timings.add("cache", undefined, 'the "fast" one');
      return "x";
    });
    app.get("/fails", (request) =>
      timingsOf(request).measure("db", () => {
        clock.advance(1);
        throw new Error("x");
      }),
    );
    return (await ask(app.dispatch, "GET", target, given)).headers["server-timing"];
  }

  test("tells the parts and the whole, of errors, too", async () => {
    expect(await told({})).toBe('db;dur=12.346, cache;desc="the \\"fast\\" one", total;dur=12.346');
    expect(await told({}, "/fails")).toBe("db;dur=1, total;dur=1");
    expect(await told({}, "/nowhere")).toBe("total;dur=0");
  });

  test("tells only whom it may, and only what there is", async () => {
    expect(await told({ when: (request) => request.headers.has("x-debug") })).toBeUndefined();
    const debug = { fields: ["X-Debug", "1"] };
    expect(await told({ when: (request) => request.headers.has("x-debug"), total: false }, "/", debug)).toMatch(/^db;/);
    expect(await told({ total: false }, "/nowhere")).toBeUndefined();
  });

  test("measures without the middleware go nowhere, and names have to be tokens", async () => {
    const app = new Application({ onError: () => undefined });
    app.get("/", (request) => timingsOf(request).measure("db", () => "result"));
    app.get("/bad", (request) => timingsOf(request).measure("a b", () => "result"));
    const answer = await ask(app.dispatch, "GET", "/");
    expect([answer.text, answer.headers["server-timing"]]).toEqual(["result", undefined]);
    expect((await ask(app.dispatch, "GET", "/bad")).status).toBe(500);
  });

  test("refuses unknown options", () => {
    expect(() => serverTiming({ enabled: true } as object)).toThrow(
      expect.objectContaining({ code: "options/unknown" }),
    );
  });
});
