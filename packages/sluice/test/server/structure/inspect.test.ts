import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { basicAuth } from "../../../src/server/middleware/auth/basic-auth.js";
import { bearerAuth } from "../../../src/server/middleware/auth/bearer-auth.js";
import { bodyLimit } from "../../../src/server/middleware/body-limit.js";
import { compression } from "../../../src/server/middleware/compression.js";
import { cors } from "../../../src/server/middleware/cors.js";
import { etag } from "../../../src/server/middleware/etag.js";
import { ipRestriction } from "../../../src/server/middleware/ip-restriction.js";
import { normalisePath } from "../../../src/server/middleware/normalise-path.js";
import { rateLimit } from "../../../src/server/middleware/rate-limit.js";
import { requestId } from "../../../src/server/middleware/request-id.js";
import { securityHeaders } from "../../../src/server/middleware/security-headers.js";
import { serverTiming } from "../../../src/server/middleware/server-timing.js";
import { timeout } from "../../../src/server/middleware/timeout.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";

const log: Middleware = (_request, next) => next();
const auth: Middleware = (_request, next) => next();

describe("inspect", () => {
  const admin = new Application().use(auth).get("/", () => "x", { name: "admin" });
  const app = new Application().use(log, (_request, next) => next());
  app.get("/", () => "home").route(["PUT", "PATCH"], "/users/:id", [auth], () => "x", { name: "user" });
  app.mount("/admin", admin).host(
    ["a.test", "*.a.test"],
    new Application().delete("/x", () => null),
  );

  test("lists every route, with its whole path and everything that stands before it", () => {
    const { routes, middleware } = app.inspect();
    expect(middleware).toEqual(["log", "(anonymous)"]);
    const around = ["log", "(anonymous)"];
    const hosts = undefined;
    expect(routes).toEqual([
      { methods: ["GET"], websocket: false, path: "/", name: undefined, hosts, mount: "", middleware: around },
      {
        methods: ["PUT", "PATCH"],
        websocket: false,
        path: "/users/:id",
        name: "user",
        hosts,
        mount: "",
        middleware: [...around, "auth"],
      },
      {
        methods: ["GET"],
        websocket: false,
        path: "/admin",
        name: "admin",
        hosts,
        mount: "/admin",
        middleware: [...around, "auth"],
      },
      {
        methods: ["DELETE"],
        websocket: false,
        path: "/x",
        name: undefined,
        hosts: ["a.test", "*.a.test"],
        mount: "",
        middleware: around,
      },
    ]);
  });

  test("is a table as text, with the columns that are needed", () => {
    expect(String(app.inspect())).toBe(
      [
        "METHOD     PATH        NAME   HOST             MIDDLEWARE",
        "GET        /           –      –                log > (anonymous)",
        "PUT,PATCH  /users/:id  user   –                log > (anonymous) > auth",
        "GET        /admin      admin  –                log > (anonymous) > auth",
        "DELETE     /x          –      a.test,*.a.test  log > (anonymous)",
      ].join("\n"),
    );
    expect(String(new Application().get("/", () => "x").inspect())).toBe("METHOD  PATH\nGET     /");
    expect(String(new Application().inspect())).toBe("METHOD  PATH");
  });

  test("of a mounted application it is that application's own view", () => {
    expect(admin.inspect().routes).toMatchObject([{ path: "/", mount: "", middleware: ["auth"] }]);
  });
});

test("middleware that is there has its own name", () => {
  const app = new Application();
  const given = [
    basicAuth({ realm: "a", verify: () => true }),
    bearerAuth({ verify: () => true }),
    bodyLimit(1),
    compression(),
    cors(),
    etag(),
    ipRestriction({ deny: [] }),
    normalisePath(),
    rateLimit({ limit: 1 }),
    requestId(),
    securityHeaders(),
    serverTiming(),
    timeout(1),
  ];
  app.use(...given);
  expect(app.inspect().middleware).toEqual([
    "basicAuth",
    "bearerAuth",
    "bodyLimit",
    "compression",
    "cors",
    "etag",
    "ipRestriction",
    "normalisePath",
    "rateLimit",
    "requestId",
    "securityHeaders",
    "serverTiming",
    "timeout",
  ]);
});
