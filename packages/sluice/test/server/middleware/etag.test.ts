import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { compression } from "../../../src/server/middleware/compression.js";
import { cors } from "../../../src/server/middleware/cors.js";
import { type EtagOptions, etag } from "../../../src/server/middleware/etag.js";
import { rateLimit } from "../../../src/server/middleware/rate-limit.js";
import { requestId } from "../../../src/server/middleware/request-id.js";
import { securityHeaders } from "../../../src/server/middleware/security-headers.js";
import { timeout } from "../../../src/server/middleware/timeout.js";
import type { Handler, Middleware } from "../../../src/server/middleware-chain.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { ask } from "../fake-exchange.js";

function asker(handler: Handler, options: EtagOptions = {}) {
  const app = new Application({ onError: () => undefined });
  app.use(etag(options));
  app.route(["GET", "POST"], "/", handler);
  return (fields: readonly string[] = [], method = "GET") => ask(app.dispatch, method, "/", { fields });
}

describe("a tag", () => {
  test("is of the bytes: the same for the same, text or bytes, and another for others", async () => {
    const tagOf = async (handler: Handler) => (await asker(handler)()).headers["etag"];
    const tag = await tagOf(() => "hé");
    expect(tag).toMatch(/^"[\w-]{24}"$/);
    expect(await tagOf(() => Buffer.from("hé"))).toBe(tag);
    expect(await tagOf(() => "hè")).not.toBe(tag);
    expect(await tagOf(() => "")).toMatch(/^"/);
  });

  test("is weak if one likes", async () => {
    expect((await asker(() => "x", { weak: true })()).headers["etag"]).toMatch(/^W\/"/);
  });

  test("is that of the handler, if it has set one", async () => {
    const ask = asker(() => reply.text("x", { headers: { ETag: '"v1"' } }));
    expect((await ask()).headers["etag"]).toBe('"v1"');
    expect((await ask(["If-None-Match", '"v0", W/"v1"'])).status).toBe(304);
  });

  test("is on answers to HEAD as well, and on nothing but what was read and found", async () => {
    const get = await asker(() => "x")();
    expect((await asker(() => "x")([], "HEAD")).headers["etag"]).toBe(get.headers["etag"]);
    expect((await asker(() => "x")([], "POST")).headers["etag"]).toBeUndefined();
    expect((await asker(() => reply.text("x", { status: 201 }))()).headers["etag"]).toBeUndefined();
    expect((await asker(() => null)()).headers["etag"]).toBeUndefined();
    async function* pieces() {
      yield "x";
    }
    expect((await asker(() => pieces())()).headers["etag"]).toBeUndefined();
  });
});

describe("conditional requests", () => {
  const handler = () =>
    reply.json(
      { a: 1 },
      { headers: { "Cache-Control": "max-age=5", "Content-Language": "en", "Content-Length": "7" } },
    );

  test("a copy that is still good is 304: validators and caching, no body and nothing about it", async () => {
    const ask = asker(handler);
    const tag = (await ask()).headers["etag"] ?? "";
    const { status, text, headers } = await ask(["If-None-Match", tag]);
    expect([status, text]).toEqual([304, ""]);
    expect(headers).toEqual({ "content-type": "application/json", "cache-control": "max-age=5", etag: tag });
    expect((await ask(["If-None-Match", `W/${tag}`])).status).toBe(304);
    expect((await ask(["If-None-Match", "*"])).status).toBe(304);
    expect((await ask(["If-None-Match", tag], "HEAD")).status).toBe(304);
    expect((await ask(["If-None-Match", '"other"'])).status).toBe(200);
    expect((await ask(["If-None-Match", tag], "POST")).status).toBe(200);
  });

  test("a version that is gone is 412, a problem like any other", async () => {
    const ask = asker(handler);
    const tag = (await ask()).headers["etag"] ?? "";
    expect((await ask(["If-Match", tag])).status).toBe(200);
    expect((await ask(["If-Match", "*"])).status).toBe(200);
    expect((await ask(["If-Match", `W/${tag}`])).status).toBe(412);
    const { status, text } = await ask(["If-Match", '"other"']);
    expect([status, JSON.parse(text).title]).toEqual([412, "Precondition Failed"]);
  });

  test("dates count where the handler gives one, and tags go first", async () => {
    const headers = { "Last-Modified": "Tue, 03 Feb 2026 04:05:06 GMT" };
    const ask = asker(() => reply.text("x", { headers }));
    expect((await ask(["If-Modified-Since", "Tue, 03 Feb 2026 04:05:06 GMT"])).status).toBe(304);
    expect((await ask(["If-Modified-Since", "Tue, 03 Feb 2026 04:05:05 GMT"])).status).toBe(200);
    expect((await ask(["If-Unmodified-Since", "Tue, 03 Feb 2026 04:05:05 GMT"])).status).toBe(412);
    expect((await ask(["If-None-Match", '"x"', "If-Modified-Since", headers["Last-Modified"]])).status).toBe(200);
  });

  test("a stream without a tag answers no conditions, and is not thrown away", async () => {
    async function* pieces() {
      yield "x";
    }
    expect(await asker(() => pieces())(["If-None-Match", "*"])).toMatchObject({ status: 200, text: "x" });
  });

  test("refuses unknown options", () => {
    expect(() => etag({ strong: true } as object)).toThrow(expect.objectContaining({ code: "options/unknown" }));
  });
});

describe("all of it together", () => {
  const GOOD = "https://app.example.com";
  const TEXT = "All work and no play makes Jack a dull boy. ".repeat(60);
  const uses: readonly Middleware[] = [
    cors({ origin: [GOOD] }),
    compression(),
    etag(),
    securityHeaders(),
    requestId(),
    rateLimit({ limit: 100_000 }),
    timeout(60_000),
  ];
  /** Every one of them first, the others in their order or against it. */
  const orders = uses.flatMap((first, index) => {
    const others = uses.filter((_, at) => at !== index);
    return [
      [first, ...others],
      [first, ...[...others].reverse()],
    ];
  });

  test.each(orders.map((order, index) => [index, order] as const))("in any order (%i)", async (_index, order) => {
    const app = new Application();
    app.use(...order);
    app.get("/", () => TEXT);
    app.get("/part", () =>
      reply.text(TEXT.slice(0, 2_000), {
        status: 206,
        headers: { "Content-Range": `bytes 0-1999/${TEXT.length}`, ETag: '"v1"' },
      }),
    );
    const fields = ["Origin", GOOD, "Accept-Encoding", "gzip"];
    const get = await ask(app.dispatch, "GET", "/", { fields });
    expect(get.headers).toMatchObject({
      "content-encoding": "gzip",
      "access-control-allow-origin": GOOD,
      "x-frame-options": "SAMEORIGIN",
      etag: expect.stringMatching(/"[\w-]{24}"$/),
      ratelimit: expect.stringContaining("r="),
      "x-request-id": expect.any(String),
    });
    expect(get.headers["vary"]?.split(", ").sort()).toEqual(["Accept-Encoding", "Origin"]);

    const head = await ask(app.dispatch, "HEAD", "/", { fields });
    const steady = ({ ratelimit: _limit, "x-request-id": _id, ...headers }: Record<string, string>) => headers;
    expect(steady(head.headers)).toEqual(steady(get.headers));

    const again = await ask(app.dispatch, "GET", "/", {
      fields: [...fields, "If-None-Match", get.headers["etag"] ?? ""],
    });
    expect([again.status, again.text]).toEqual([304, ""]);
    expect(again.headers["etag"]).toBe(get.headers["etag"]);
    expect(again.headers["vary"]?.split(", ").sort()).toEqual(["Accept-Encoding", "Origin"]);
    expect(again.headers["access-control-allow-origin"]).toBe(GOOD);
    expect(again.headers["content-encoding"]).toBeUndefined();

    const part = await ask(app.dispatch, "GET", "/part", { fields });
    expect(part).toMatchObject({ status: 206, text: TEXT.slice(0, 2_000) });
    expect(part.headers).toMatchObject({ etag: '"v1"', "content-range": `bytes 0-1999/${TEXT.length}` });
    expect(part.headers["content-encoding"]).toBeUndefined();

    const missing = await ask(app.dispatch, "GET", "/nowhere", { fields });
    expect(missing.status).toBe(404);
    expect(missing.headers["access-control-allow-origin"]).toBe(GOOD);
  });
});
