import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
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
      { methods: ["GET"], path: "/", name: undefined, hosts, mount: "", middleware: around },
      {
        methods: ["PUT", "PATCH"],
        path: "/users/:id",
        name: "user",
        hosts,
        mount: "",
        middleware: [...around, "auth"],
      },
      { methods: ["GET"], path: "/admin", name: "admin", hosts, mount: "/admin", middleware: [...around, "auth"] },
      {
        methods: ["DELETE"],
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
