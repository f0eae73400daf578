import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { Router } from "../../src/server/router.js";
import { compareRoutes, naiveMatch } from "./naive-router.js";

/** A router whose handlers are their own patterns. */
function routerOf(...routes: readonly (readonly [method: string, path: string])[]): Router<string> {
  const router = new Router<string>();
  for (const [method, path] of routes) router.add(method, path, `${method} ${path}`);
  return router;
}

function found(router: Router<string>, method: string, path: string): unknown {
  const match = router.find(method, path);
  return match && [match.value.handler, ...match.values];
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError) return error.code;
    throw error;
  }
  return undefined;
}

describe("static routes", () => {
  const router = routerOf(["GET", "/"], ["GET", "/users"], ["GET", "/users/"], ["POST", "/users"], ["GET", "/café"]);

  test.each([
    ["/", "GET /"],
    ["/users", "GET /users"],
    ["/users/", "GET /users/"],
    ["/caf%C3%A9", "GET /café"],
  ])("%s is found exactly", (path, expected) => {
    expect(found(router, "GET", path)).toEqual([expected]);
  });

  test.each(["/user", "/users/x", "/USERS", "//", ""])("%s is not found", (path) => {
    expect(router.find("GET", path)).toBeUndefined();
  });

  test("finding one allocates nothing: the same match is given again", () => {
    expect(router.find("GET", "/users")).toBe(router.find("GET", "/users"));
  });
});

describe("parameters", () => {
  const router = routerOf(
    ["GET", "/users/:id"],
    ["GET", "/users/:id/posts/:post"],
    ["GET", "/files/:name.json"],
    ["GET", "/files/:name.tar.gz"],
    ["GET", "/files/:name"],
    ["GET", "/v:version/status"],
    ["GET", "/at/@:name"],
  );

  test.each([
    ["/users/7", ["GET /users/:id", "7"]],
    ["/users/a%2Fb", ["GET /users/:id", "a%2Fb"]],
    ["/users/7/posts/9", ["GET /users/:id/posts/:post", "7", "9"]],
    ["/files/a.json", ["GET /files/:name.json", "a"]],
    ["/files/a.b.json", ["GET /files/:name.json", "a.b"]],
    ["/files/.json", ["GET /files/:name", ".json"]],
    ["/files/a.tar.gz", ["GET /files/:name.tar.gz", "a"]],
    ["/files/a.gz", ["GET /files/:name", "a.gz"]],
    ["/v2/status", ["GET /v:version/status", "2"]],
    ["/at/@ada", ["GET /at/@:name", "ada"]],
  ])("%s gives its values", (path, expected) => {
    expect(found(router, "GET", path)).toEqual(expected);
  });

  test.each(["/users/", "/users", "/users/7/", "/users/7/posts/", "/v/status", "/at/ada", "/files/a/b"])(
    "%s has an empty or surplus segment and is not found",
    (path) => {
      expect(router.find("GET", path)).toBeUndefined();
    },
  );
});

describe("the rest of a path", () => {
  const router = routerOf(["GET", "/assets/*path"], ["GET", "/:a/x/*"], ["POST", "/*all"]);

  test.each([
    ["GET", "/assets/a/b.css", ["GET /assets/*path", "a/b.css"]],
    ["GET", "/assets/", ["GET /assets/*path", ""]],
    ["GET", "/q/x/y//z", ["GET /:a/x/*", "q", "y//z"]],
    ["POST", "/", ["POST /*all", ""]],
    ["POST", "/a/b", ["POST /*all", "a/b"]],
  ])("%s %s takes it, slashes and all", (method, path, expected) => {
    expect(found(router, method, path)).toEqual(expected);
  });

  test("the folder without its slash is another path", () => {
    expect(router.find("GET", "/assets")).toBeUndefined();
  });
});

describe("precedence", () => {
  test("at each level, static text goes before a parameter, and that before the rest", () => {
    const router = routerOf(
      ["GET", "/*rest"],
      ["GET", "/:a"],
      ["GET", "/me"],
      ["GET", "/me/*rest"],
      ["GET", "/me/:b"],
      ["GET", "/me/too"],
      ["GET", "/:a/:b"],
      ["GET", "/:a/too"],
    );
    const of = (path: string) => (found(router, "GET", path) as string[])[0];
    expect(of("/me")).toBe("GET /me");
    expect(of("/you")).toBe("GET /:a");
    expect(of("/me/too")).toBe("GET /me/too");
    expect(of("/me/x")).toBe("GET /me/:b");
    expect(of("/me/x/y")).toBe("GET /me/*rest");
    expect(of("/you/too")).toBe("GET /:a/too");
    expect(of("/you/x")).toBe("GET /:a/:b");
    expect(of("/you/x/y")).toBe("GET /*rest");
  });

  test("a more specific branch that leads nowhere is left again", () => {
    const router = routerOf(["GET", "/a/b/c"], ["GET", "/a/:x/d"], ["GET", "/:y/b/e"], ["GET", "/*z"]);
    expect(found(router, "GET", "/a/b/d")).toEqual(["GET /a/:x/d", "b"]);
    expect(found(router, "GET", "/a/b/e")).toEqual(["GET /:y/b/e", "a"]);
    expect(found(router, "GET", "/a/b/f")).toEqual(["GET /*z", "a/b/f"]);
  });

  test("more static text round a parameter goes first", () => {
    const router = routerOf(["GET", "/:x"], ["GET", "/v:x"], ["GET", "/:x.json"], ["GET", "/:x.min.json"]);
    expect(found(router, "GET", "/v1.json")).toEqual(["GET /v:x", "1.json"]);
    expect(found(router, "GET", "/a.min.json")).toEqual(["GET /:x.min.json", "a"]);
    expect(found(router, "GET", "/a.json")).toEqual(["GET /:x.json", "a"]);
    expect(found(router, "GET", "/v")).toEqual(["GET /:x", "v"]);
  });

  test("a path that another method has exactly does not hide this method's parameter", () => {
    const router = routerOf(["POST", "/users/me"], ["GET", "/users/:id"]);
    expect(found(router, "GET", "/users/me")).toEqual(["GET /users/:id", "me"]);
  });

  const segment = fc.constantFrom("a", "b", "ab", "abc", ":p", ":q", "a:p", "ab:p", ":p.b", ":p.ab", "a:p.b");
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([segments, rest]) => `/${segments.map(unique).join("/")}${rest ? "/*rest" : ""}`);
  const path = fc
    .array(fc.constantFrom("a", "b", "ab", "abc", "c", "a.b", "ab.ab", "x.b", ""), { minLength: 1, maxLength: 6 })
    .map((segments) => `/${segments.join("/")}`);

  test("it finds what a naive matcher finds, whatever the routes and their order", () => {
    const property = fc.property(
      fc.array(pattern, { maxLength: 14 }),
      fc.array(path, { maxLength: 12 }),
      (all, paths) => {
        const router = new Router<string>();
        const routes: string[] = [];
        for (const each of all) {
          if (codeOf(() => router.add("GET", each, each)) === undefined) routes.push(each);
        }
        routes.sort(compareRoutes);
        for (const each of paths) {
          const match = router.find("GET", each);
          expect(match && [match.value.handler, ...match.values]).toEqual(naiveMatch(routes, each));
        }
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe("methods", () => {
  const router = routerOf(["GET", "/a"], ["POST", "/a"], ["PROPFIND", "/a/:b"], ["GET", "/c/*d"], ["OPTIONS", "*"]);

  test("HEAD comes from GET, at every kind of path", () => {
    expect(found(router, "HEAD", "/a")).toEqual(["GET /a"]);
    expect(found(router, "HEAD", "/c/x")).toEqual(["GET /c/*d", "x"]);
    expect(found(router, "HEAD", "/a/x")).toBeUndefined();
  });

  test.each([
    [["HEAD", "/a/:x"] as const, ["GET", "/a/:x"] as const],
    [["GET", "/a/:x"] as const, ["HEAD", "/a/:x"] as const],
  ])("an explicit HEAD route counts, in whichever order the two come", (...routes) => {
    expect(found(routerOf(...routes), "HEAD", "/a/1")).toEqual(["HEAD /a/:x", "1"]);
  });

  test("the allowed methods of a path are those that have it, in a fixed order, with HEAD and OPTIONS", () => {
    expect(router.allowed("/a")).toEqual(["GET", "HEAD", "POST", "OPTIONS"]);
    expect(router.allowed("/a/1")).toEqual(["OPTIONS", "PROPFIND"]);
    expect(router.allowed("/nowhere")).toEqual([]);
    expect(router.allowed("*")).toEqual(["GET", "HEAD", "POST", "OPTIONS", "PROPFIND"]);
  });

  test("methods are case-sensitive, and may be any token", () => {
    expect(router.find("get", "/a")).toBeUndefined();
    expect(codeOf(() => router.add("get it", "/a", ""))).toBe("route/method");
    expect(codeOf(() => router.add("", "/a", ""))).toBe("route/method");
    expect(codeOf(() => router.add("M-SEARCH", "/a", ""))).toBeUndefined();
  });

  test.each(["get", "Post", "query", "options"])("a common one that nobody would ask for is refused: %s", (method) => {
    expect(() => router.add(method, "/b", "")).toThrow(
      `Cannot route method "${method}": case counts, and clients send "${method.toUpperCase()}"`,
    );
    expect(codeOf(() => router.add(method, "/b", ""))).toBe("route/method");
  });

  test("one that is not common may be in small letters: it is another method", () => {
    expect(codeOf(() => router.add("propfind", "/b", ""))).toBeUndefined();
  });
});

describe("refusals", () => {
  test.each([
    ["/a", "/a"],
    ["/a/:b", "/a/:c"],
    ["/a/*b", "/a/*"],
    ["/é", "/%c3%a9"],
    ["/a%7Eb", "/a~b"],
  ])("%s and %s have one shape: the second is a duplicate and changes nothing", (first, second) => {
    const router = routerOf(["GET", first]);
    expect(codeOf(() => router.add("GET", second, "second"))).toBe("route/duplicate");
    expect(
      found(
        router,
        "GET",
        first
          .replace(/[:*].*/, "x")
          .replace("é", "%C3%A9")
          .replace("%7E", "~"),
      ),
    ).toContain(`GET ${first}`);
  });

  test.each([
    ["", "slash"],
    ["users", "slash"],
    ["/a?b", "?"],
    ["/a#b", "#"],
    ["/:a/:a", "two parameters"],
    ["/:a-:b", "neither"],
    ["/:", "neither"],
    ["/:1", "neither"],
    ["/a:", "neither"],
    ["/a*", "neither"],
    ["/*a/b", "nothing can follow"],
    ["/a/../b", "dot segment"],
    ["/a/%2e%2E", "dot segment"],
    ["/%zz", "escape"],
    ["/:__proto__", "__proto__"],
  ])("the path %j is refused, with the reason", (path, reason) => {
    const router = new Router<string>();
    expect(() => router.add("GET", path, "")).toThrow(reason);
    expect(codeOf(() => router.add("GET", path, ""))).toBe("route/pattern");
  });

  test("only OPTIONS can have *", () => {
    expect(codeOf(() => new Router<string>().add("GET", "*", ""))).toBe("route/pattern");
  });
});

describe("bounds", () => {
  test("a search visits each node at most once, however much the path invites backtracking", () => {
    const router = new Router<string>();
    let path = "";
    for (let depth = 0; depth < 14; depth += 1) {
      path += "/a";
      router.add("GET", `${path}/end`, "");
      router.add("GET", `${path.replaceAll("/a", "/:p").replace(/:p/g, uniqueName())}/end`, "");
    }
    const started = performance.now();
    for (let round = 0; round < 1_000; round += 1)
      expect(router.find("GET", `${"/a".repeat(4_000)}/x`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

/** Parameters of one pattern need different names. */
function unique(segment: string, index: number): string {
  return segment.replace(/:[pq]/, `:p${index}`);
}

function uniqueName(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `:p${count}`;
  };
}
