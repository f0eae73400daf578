import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { compression } from "../../../src/server/middleware/compression.js";
import { etag } from "../../../src/server/middleware/etag.js";
import { rateLimit } from "../../../src/server/middleware/rate-limit.js";
import { requestId } from "../../../src/server/middleware/request-id.js";
import { securityHeaders } from "../../../src/server/middleware/security-headers.js";
import { timeout } from "../../../src/server/middleware/timeout.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { FakeExchange } from "../fake-exchange.js";
import { ACCEPT, type Fields, handshakeFields, KEY, shake } from "./handshake-setup.js";

const nothing = () => undefined;
const echo = () => new Application().websocket("/", nothing);

describe("handshake (RFC 6455 §4.2)", () => {
  test("a valid one is answered 101, with the key's answer and nothing that was not offered", async () => {
    const { status, headers } = await shake(echo(), "/");
    expect(status).toBe(101);
    expect(headers).toEqual({ upgrade: "websocket", "sec-websocket-accept": ACCEPT });
  });

  test("names of protocol and option are compared without regard to case, and may stand among others", async () => {
    const fields = { connection: "keep-alive, UPGRADE", upgrade: "h2c, WebSocket", "sec-websocket-key": KEY };
    expect((await shake(echo(), "/", fields)).status).toBe(101);
  });

  const upgrade = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13" };
  const refusals: [what: string, fields: Fields, status: number, answer: Fields][] = [
    ["no Upgrade", { upgrade: undefined }, 426, upgrade],
    ["another protocol", { upgrade: "h2c" }, 426, upgrade],
    ["no upgrade option", { connection: "keep-alive" }, 400, {}],
    ["another version", { "sec-websocket-version": "8" }, 426, upgrade],
    ["no version", { "sec-websocket-version": undefined }, 426, upgrade],
    ["two versions", { "sec-websocket-version": ["13", "13"] }, 400, {}],
    ["no key", { "sec-websocket-key": undefined }, 400, {}],
    ["a key of 15 bytes", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25j" }, 400, {}],
    ["a key that is no base64", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZ!==" }, 400, {}],
    ["two keys", { "sec-websocket-key": [KEY, KEY] }, 400, {}],
    ["a sub-protocol that is no token", { "sec-websocket-protocol": "a b" }, 400, {}],
    ["a sub-protocol twice", { "sec-websocket-protocol": "a, a" }, 400, {}],
    ["a malformed extension", { "sec-websocket-extensions": "permessage-deflate; =" }, 400, {}],
  ];
  test.each(refusals)("refuses %s", async (_what, fields, status, answer) => {
    const refused = await shake(echo(), "/", fields);
    expect(refused.status).toBe(status);
    expect(refused.headers).toMatchObject(answer);
    expect(JSON.parse(refused.text)).toMatchObject({ status });
  });

  test("answers HEAD as it answers a plain GET, and other methods 405", async () => {
    const head = await shake(echo(), "/", {}, { method: "HEAD" });
    expect(head.status).toBe(426);
    const post = await shake(echo(), "/", {}, { method: "POST" });
    expect([post.status, post.headers["allow"]]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });

  test("refuses HTTP/1.0, which has no upgrades, and a body, behind which no frame would be found", async () => {
    expect((await shake(echo(), "/", {}, { version: 10, upgrade: false })).status).toBe(400);
    expect((await shake(echo(), "/", {}, { body: "x" })).status).toBe(400);
  });

  test("says so where there is no connection: in-process fetch", async () => {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": KEY,
    };
    const response = await echo().fetch(new Request("http://example.com/", { headers }));
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("connection") });
  });
});

describe("sub-protocols", () => {
  const app = new Application().websocket("/", { protocols: ["v1", "v2"] }, nothing);

  test("the client's first that is spoken here is chosen", async () => {
    const { headers } = await shake(app, "/", { "sec-websocket-protocol": "v3, v2" });
    expect(headers["sec-websocket-protocol"]).toBe("v2");
    const several = await shake(app, "/", { "sec-websocket-protocol": ["v9", "v2, v1"] });
    expect(several.headers["sec-websocket-protocol"]).toBe("v2");
  });

  test("none is named if there is none in common, or none was offered", async () => {
    expect((await shake(app, "/", { "sec-websocket-protocol": "v9" })).headers).not.toHaveProperty(
      "sec-websocket-protocol",
    );
    expect((await shake(app, "/")).headers).not.toHaveProperty("sec-websocket-protocol");
  });

  test("the hook may choose another of those offered, and only of those", async () => {
    const choosing = (protocol: string) =>
      new Application({ onError: nothing }).websocket(
        "/",
        { protocols: ["v1"], upgrade: () => ({ protocol }) },
        nothing,
      );
    const offered = { "sec-websocket-protocol": "v1, private" };
    expect((await shake(choosing("private"), "/", offered)).headers["sec-websocket-protocol"]).toBe("private");
    expect((await shake(choosing("v7"), "/", offered)).status).toBe(500);
  });
});

describe("compression", () => {
  const offer = { "sec-websocket-extensions": "permessage-deflate; client_max_window_bits" };

  test("is agreed on where both want it", async () => {
    const app = new Application().websocket("/", { compress: true }, nothing);
    expect((await shake(app, "/", offer)).headers["sec-websocket-extensions"]).toMatch(/^permessage-deflate/);
    expect((await shake(app, "/")).headers).not.toHaveProperty("sec-websocket-extensions");
  });

  test("is off unless the route asks for it", async () => {
    expect((await shake(echo(), "/", offer)).headers).not.toHaveProperty("sec-websocket-extensions");
  });
});

describe("upgrade hook", () => {
  test("refuses by throwing, as a handler does", async () => {
    const app = new Application().websocket(
      "/",
      {
        upgrade: () => {
          throw new HttpError(401, "Who are you?", { headers: { "WWW-Authenticate": "Bearer" } });
        },
      },
      nothing,
    );
    const { status, headers, text } = await shake(app, "/");
    expect([status, headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    expect(JSON.parse(text)).toMatchObject({ detail: "Who are you?" });
  });

  test("may answer something else", async () => {
    const app = new Application().websocket("/", { upgrade: () => reply.redirect("/elsewhere") }, nothing);
    const { status, headers } = await shake(app, "/");
    expect([status, headers["location"]]).toEqual([302, "/elsewhere"]);
  });

  test("adds field lines to the answer, none of the handshake's own", async () => {
    const answering = (headers: Record<string, string>) =>
      new Application({ onError: nothing }).websocket("/", { upgrade: async () => ({ headers }) }, nothing);
    expect((await shake(answering({ "Set-Cookie": "a=1" }), "/")).headers).toMatchObject({ "set-cookie": "a=1" });
    for (const name of ["Sec-WebSocket-Accept", "upgrade", "Connection", "Content-Length", "Sec-WebSocket-Protocol"]) {
      expect((await shake(answering({ [name]: "1" }), "/")).status).toBe(500);
    }
  });

  test("what it returns besides is refused: data would be lost", async () => {
    const errors: unknown[] = [];
    for (const result of [{ user: 1 }, "x", 7, null]) {
      const app = new Application({ onError: (error) => errors.push(error) });
      const upgrade = (() => result) as unknown as () => undefined;
      expect((await shake(app.websocket("/", { upgrade }, nothing), "/")).status).toBe(500);
    }
    expect(errors).toHaveLength(4);
    for (const error of errors) expect(error).toMatchObject({ code: "websocket/upgrade-result" });
  });

  test("is told what the client offers, and what would be chosen", async () => {
    const seen: unknown[] = [];
    const app = new Application().websocket(
      "/rooms/:room",
      {
        protocols: ["b"],
        upgrade: ({ params }, offer) => {
          seen.push(params.room, offer);
        },
      },
      nothing,
    );
    await shake(app, "/rooms/7", { "sec-websocket-protocol": "a, b" });
    expect(seen).toEqual(["7", { protocols: ["a", "b"], protocol: "b" }]);
  });

  test("is not asked about handshakes that are refused anyway", async () => {
    let asked = 0;
    const upgrade = () => {
      asked += 1;
    };
    const app = new Application().websocket("/", { upgrade }, nothing);
    await shake(app, "/", { origin: "https://evil.example" });
    await shake(app, "/", { "sec-websocket-key": "x" });
    expect(asked).toBe(0);
  });
});

describe("middleware", () => {
  test("stands round the handshake, the route's own innermost, and may refuse it", async () => {
    const order: string[] = [];
    const noting =
      (name: string): Middleware =>
      (_request, next) => {
        order.push(name);
        return next();
      };
    const app = new Application().use(noting("app"));
    app.group("/g", [noting("group")], (group) => group.websocket("/", { middleware: [noting("own")] }, nothing));
    expect((await shake(app, "/g")).status).toBe(101);
    expect(order).toEqual(["app", "group", "own"]);
    const guarded = new Application().use(rateLimit({ limit: 1 })).websocket("/", nothing);
    expect((await shake(guarded, "/")).status).toBe(101);
    expect((await shake(guarded, "/")).status).toBe(429);
  });

  test("that changes answers leaves the 101 as it is, but for fields", async () => {
    const app = new Application().use(compression(), etag(), timeout(1_000), requestId(), securityHeaders());
    app.websocket("/", nothing);
    const { status, headers, reply } = await shake(app, "/", { "accept-encoding": "gzip", "if-none-match": "*" });
    expect(status).toBe(101);
    expect(reply.payload).toBeUndefined();
    expect(headers).toMatchObject({ upgrade: "websocket", "x-request-id": expect.any(String) });
    for (const name of ["etag", "content-encoding", "content-length"]) expect(headers).not.toHaveProperty(name);
  });

  test("cannot make another status of it, but answer something else in its place", async () => {
    const errors: unknown[] = [];
    const app = new Application({ onError: (error) => errors.push(error) });
    app.use(async (_request, next) => {
      const made = await next();
      made.status = 200;
      return made;
    });
    expect((await shake(app.websocket("/", nothing), "/")).status).toBe(500);
    expect(errors).toMatchObject([{ code: "reply/status" }]);
    const instead = new Application().use(async (_request, next) => {
      await next();
      return "no";
    });
    expect(await shake(instead.websocket("/", nothing), "/")).toMatchObject({ status: 200, text: "no" });
  });
});

describe("limits of a route", () => {
  test("maxConnections: at the limit 503, and a place again when one has gone", async () => {
    const app = new Application().websocket("/", { maxConnections: 2 }, nothing);
    const open = await Promise.all([take(app), take(app)]);
    const refused = await shake(app, "/");
    expect([refused.status, JSON.parse(refused.text).detail]).toEqual([503, expect.stringContaining("sockets")]);
    open[0]?.onSent?.(0, undefined);
    open[0]?.onSent?.(0, undefined);
    await take(app);
    expect((await shake(app, "/")).status).toBe(503);
  });

  test("a refusal for want of a place is no fault that onError is told of", async () => {
    const errors: unknown[] = [];
    const app = new Application({ onError: (error) => errors.push(error) });
    app.websocket("/all", { maxConnections: 1 }, nothing).websocket("/each", { maxConnectionsPerClient: 1 }, nothing);
    for (const path of ["/all", "/each"]) await take(app, undefined, path);
    expect([(await shake(app, "/all")).status, (await shake(app, "/each")).status]).toEqual([503, 429]);
    expect(errors).toEqual([]);
  });

  test("maxConnectionsPerClient: 429 for one client, an IPv6 network being one; others have their own", async () => {
    const app = new Application().websocket("/", { maxConnectionsPerClient: 1 }, nothing);
    await take(app, "2001:db8::1");
    expect((await shake(app, "/", {}, { remoteAddress: "2001:db8::2" })).status).toBe(429);
    expect((await shake(app, "/", {}, { remoteAddress: "2001:db8:0:1::1" })).status).toBe(101);
    const other = await take(app, "192.0.2.9");
    expect((await shake(app, "/", {}, { remoteAddress: "192.0.2.9" })).status).toBe(429);
    other.discard();
    expect((await shake(app, "/", {}, { remoteAddress: "192.0.2.9" })).status).toBe(101);
  });

  test("a place is given back when the answer cannot leave", async () => {
    const app = new Application({ onError: nothing }).websocket("/", { maxConnections: 1 }, nothing);
    let failing = true;
    const failed = new Application({ onError: nothing });
    failed.use((request, next) => {
      if (failing) {
        request.beforeReply((made) => {
          if (made.status === 101) throw new Error("no");
        });
      }
      return next();
    });
    failed.mount("/m", app);
    expect((await shake(failed, "/m")).status).toBe(500);
    failing = false;
    expect((await shake(failed, "/m")).status).toBe(101);
  });

  /** A handshake whose socket stays open. */
  async function take(app: Application, remoteAddress = "192.0.2.1", path = "/") {
    return await app.dispatch(
      new FakeExchange("GET", path, { upgrade: true, fields: handshakeFields(), remoteAddress }),
    );
  }
});
