import { describe, expect, expectTypeOf, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import { reply } from "../../../src/server/reply-kinds.js";
import type { WebSocketRouteOptions } from "../../../src/server/websocket/websocket-options.js";
import type { WebSocketConnection } from "../../../src/wire/websocket/websocket-connection.js";
import { codeOf } from "../structure/code-of.js";
import { shake } from "./handshake-setup.js";

const nothing = (): void => undefined;

describe("app.websocket", () => {
  test("is a route: of groups, mounted and host applications, found by name, seen by inspect", async () => {
    const inner = new Application().websocket("/ws", { name: "inner" }, nothing);
    const app = new Application().websocket("/", { name: "root" }, nothing);
    app.group("/chat", (group) => group.websocket("/:room", { name: "room" }, nothing));
    app.mount("/inner", inner).host("a.test", new Application().websocket("/at-host", nothing));
    for (const path of ["/", "/chat/7", "/inner/ws"]) expect((await shake(app, path)).status).toBe(101);
    expect((await shake(app, "/at-host")).status).toBe(404);
    expect((await shake(app, "/at-host", { host: "a.test" })).status).toBe(101);
    expect([app.urlFor("room", { room: "a b" }), inner.urlFor("inner"), app.urlFor("root")]).toEqual([
      "/chat/a%20b",
      "/inner/ws",
      "/",
    ]);
    expect(app.inspect().routes.map(({ path, websocket, methods }) => [path, websocket, methods.join()])).toEqual([
      ["/", true, "GET"],
      ["/chat/:room", true, "GET"],
      ["/inner/ws", true, "GET"],
      ["/at-host", true, "GET"],
    ]);
    expect(String(app.inspect())).toMatch(/^WEBSOCKET {2}\/chat\/:room +room/m);
  });

  test("has its path for itself", () => {
    const app = new Application().websocket("/x", nothing);
    expect(codeOf(() => app.get("/x", () => "x"))).toBe("route/duplicate");
    expect(codeOf(() => app.websocket("/x", nothing))).toBe("route/duplicate");
    app.post("/x", () => "x");
  });

  test.each([
    ["an unknown option", { maxSize: 1 }, "options/unknown"],
    ["the threshold by another name", { compressThreshold: 1 }, "options/unknown"],
    ["a hook that is none", { upgrade: true }, "options/unknown-value"],
    ["a sub-protocol that is no token", { protocols: ["a b"] }, "options/unknown-value"],
    ["a sub-protocol twice", { protocols: ["a", "a"] }, "options/unknown-value"],
    ["sub-protocols that are no list", { protocols: "a" }, "options/unknown-value"],
    ["no room for a message", { maxMessageSize: 0 }, "options/out-of-range"],
    ["no time to answer", { heartbeat: 0 }, "options/out-of-range"],
    ["no place at all", { maxConnections: 0 }, "options/out-of-range"],
    ["half a place", { maxConnectionsPerClient: 0.5 }, "options/out-of-range"],
    ["a window that there is not", { compress: { serverMaxWindowBits: 16 } }, "options/out-of-range"],
    ["middleware that is none", { middleware: ["x"] }, "options/unknown-value"],
    ["middleware that is no list", { middleware: nothing }, "options/unknown-value"],
    ["no options at all", null, "options/unknown-value"],
  ])("refuses %s", (_what, options, code) => {
    const app = new Application();
    expect(codeOf(() => app.websocket("/", options as unknown as WebSocketRouteOptions, nothing))).toBe(code);
  });

  test("refuses a handler that is none, and changes while the application serves", async () => {
    const app = new Application();
    expect(codeOf(() => app.websocket("/", {} as unknown as () => void))).toBe("route/handler");
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    expect(codeOf(() => app.websocket("/", nothing))).toBe("server/started");
    await server.close();
  });

  test("types: parameters from the path and its prefixes, data from the hook", () => {
    const app = new Application();
    app.websocket("/rooms/:room", (socket, request, data) => {
      expectTypeOf(socket).toEqualTypeOf<WebSocketConnection>();
      expectTypeOf(request.params.room).toEqualTypeOf<string>();
      expectTypeOf(data).toEqualTypeOf<undefined>();
    });
    app.websocket("/a/:id", { upgrade: ({ params }) => ({ data: { id: params.id } }) }, (_socket, _request, data) => {
      expectTypeOf(data).toEqualTypeOf<{ id: string }>();
    });
    const upgrade = async ({ query }: { query: URLSearchParams }) => {
      if (query.has("no")) throw new HttpError(401);
      if (query.has("else")) return reply.redirect("/");
      return query.has("b") ? { data: 1, headers: { a: "b" } } : { protocol: "x" };
    };
    app.websocket("/b", { upgrade }, (_socket, _request, data) => {
      expectTypeOf(data).toEqualTypeOf<number | undefined>();
    });
    app.group("/g/:g", (group) => {
      group.websocket("/:h", { upgrade: nothing }, (_socket, { params }, data) => {
        expectTypeOf(params).toEqualTypeOf<{ readonly g: string; readonly h: string }>();
        expectTypeOf(data).toEqualTypeOf<undefined>();
      });
    });
  });
});
