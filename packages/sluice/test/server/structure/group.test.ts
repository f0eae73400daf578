import { describe, expect, expectTypeOf, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import type { Middleware } from "../../../src/server/middleware-chain.js";
import { ask } from "../fake-exchange.js";
import { codeOf } from "./code-of.js";

const seen: string[] = [];
const by = (name: string): Middleware => {
  return (_request, next) => {
    seen.push(name);
    return next();
  };
};
const status = async (app: Application, method: string, target: string) =>
  (await ask(app.dispatch, method, target)).status;

describe("a group", () => {
  test("has its prefix before every path, and the prefix itself with and without a slash", async () => {
    const app = new Application();
    app.group("/users", (users) => {
      users.get("/", (request) => `all ${request.route}`).post("/", () => "made");
      users.get("/:id", (request) => request.params.id);
    });
    expect((await ask(app.dispatch, "GET", "/users")).text).toBe("all /users");
    expect((await ask(app.dispatch, "GET", "/users/")).text).toBe("all /users");
    expect((await ask(app.dispatch, "POST", "/users/")).text).toBe("made");
    expect((await ask(app.dispatch, "GET", "/users/7")).text).toBe("7");
  });

  test("has its middleware between the application's and the route's, for its routes only", async () => {
    const app = new Application().use(by("app"));
    app.group("/g", [by("group")], (group) => {
      group.get("/x", [by("own")], () => "x");
      group.group("/inner", [by("inner")], (inner) => inner.get("/y", () => "y"));
    });
    app.get("/z", () => "z");
    const way = async (target: string) => {
      seen.length = 0;
      await ask(app.dispatch, "GET", target);
      return seen.join(" ");
    };
    expect(await way("/g/x")).toBe("app group own");
    expect(await way("/g/inner/y")).toBe("app group inner");
    expect(await way("/g/nothing")).toBe("app");
    expect(await way("/z")).toBe("app");
  });

  test("knows the parameters of every prefix, in its types, too", async () => {
    const app = new Application();
    app.group("/t/:tenant", (tenant) => {
      tenant.group("/users", (users) => {
        users.get("/:id", ({ params }) => {
          expectTypeOf(params).toEqualTypeOf<{ readonly tenant: string; readonly id: string }>();
          return `${params.tenant} ${params.id}`;
        });
        users.route(["PUT", "PATCH"], "/:id", ({ params }) => params.tenant);
      });
    });
    expect((await ask(app.dispatch, "GET", "/t/a/users/b")).text).toBe("a b");
    expect((await ask(app.dispatch, "PATCH", "/t/a/users/b")).text).toBe("a");
  });

  test("is mounted with its application", async () => {
    const inner = new Application();
    inner.group("/g", (group) => group.get("/", () => "g").delete("/x", () => null));
    const app = new Application().mount("/in", inner);
    expect(await status(app, "GET", "/in/g/")).toBe(200);
    expect(await status(app, "GET", "/in/g")).toBe(200);
    expect(await status(app, "DELETE", "/in/g/x")).toBe(204);
  });

  test("at / is the application's own level", async () => {
    const app = new Application();
    app.group("/", [by("all")], (group) => group.get("/", () => "home").get("/x", () => "x"));
    expect([await status(app, "GET", "/"), await status(app, "GET", "/x")]).toEqual([200, 200]);
  });

  test.each(["x", "/x/", "", "/*"])("refuses the prefix %j", (prefix) => {
    expect(codeOf(() => new Application().group(prefix, () => undefined))).toBe("route/prefix");
  });

  test("refuses what would not be below its prefix", () => {
    const within = (path: string) => () => new Application().group("/g", (group) => group.options(path, () => null));
    expect([codeOf(within("")), codeOf(within("x")), codeOf(within("*"))]).toEqual(Array(3).fill("route/pattern"));
  });

  test("refuses to be defined by anything but a function", () => {
    const none = undefined as unknown as () => void;
    expect(codeOf(() => new Application().group("/g", none))).toBe("options/unknown-value");
    expect(codeOf(() => new Application().group("/g", [], none))).toBe("options/unknown-value");
    expect(codeOf(() => new Application().group("/g", ["x" as never], () => undefined))).toBe("options/unknown-value");
  });
});
