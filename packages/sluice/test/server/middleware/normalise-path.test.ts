import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { type NormalisePathOptions, normalisePath } from "../../../src/server/middleware/normalise-path.js";
import { ask } from "../fake-exchange.js";

function appWith(options?: NormalisePathOptions): Application {
  const app = new Application();
  app.use(options === undefined ? normalisePath() : normalisePath(options));
  app.get("/a/b", () => "route");
  app.get("/with/", () => "slash");
  app.get("/café", () => "coffee");
  app.get("/files/*path", () => new Response("no such file", { status: 404 }));
  return app;
}

/** Has something at every path of up to eight segments, with a slash at the end or without. */
function appWithEverything(options: NormalisePathOptions): Application {
  const app = new Application();
  app.use(normalisePath(options));
  for (let path = "/:s0", depth = 1; depth <= 8; path += `/:s${depth}`, depth += 1) {
    app.get(options.trailingSlash === "add" ? `${path}/` : path, () => "route");
  }
  return app;
}

async function locationOf(target: string, options?: NormalisePathOptions, method = "GET", app = appWith(options)) {
  const { status, headers } = await ask(app.dispatch, method, target);
  return status === 308 ? headers["location"] : status;
}

describe("another spelling", () => {
  test.each<[string, string | number]>([
    ["/a/b/", "/a/b"],
    ["/a//b", "/a/b"],
    ["//a///b//", "/a/b"],
    ["/a/b/?x=1&y=//", "/a/b?x=1&y=//"],
    ["/a/b/?", "/a/b"],
    ["/caf%C3%A9/", "/caf%C3%A9"],
    ["http://example.com/a/b/", "/a/b"],
    ["/a/b", 200],
    ["/with/", 200],
    ["/nowhere", 404],
    ["/nowhere/", 404],
    ["//nowhere", 404],
    ["//with/", "/with/"],
    ["/", 404],
    ["/files/x/", 404],
  ])("of %s: %s", async (target, expected) => {
    expect(await locationOf(target)).toBe(expected);
  });

  test.each<[NormalisePathOptions, string, string | number]>([
    [{ trailingSlash: "add" }, "/with", "/with/"],
    [{ trailingSlash: "add" }, "//with", "/with/"],
    [{ trailingSlash: "add" }, "/with?x", "/with/?x"],
    [{ trailingSlash: "add" }, "/nowhere/", 404],
    [{ trailingSlash: "keep" }, "/a/b/", 404],
    [{ trailingSlash: "keep" }, "/a//b", "/a/b"],
    [{ mergeSlashes: false }, "/a//b", 404],
    [{ mergeSlashes: false }, "/a//b/", 404],
    [{ mergeSlashes: false }, "/a/b///", "/a/b"],
  ])("with %j, of %s: %s", async (options, target, expected) => {
    expect(await locationOf(target, options)).toBe(expected);
  });

  test("keeps method and body: 308 for any method; a path that others know is no other spelling", async () => {
    expect(await locationOf("/a/b/", undefined, "POST")).toBe("/a/b");
    expect(await locationOf("/a/b", undefined, "POST")).toBe(405);
  });
});

describe("no way out", () => {
  test.each<[string, string | number]>([
    ["//evil.example/", "/evil.example"],
    ["//evil.example//", "/evil.example"],
    ["/\\evil.example/", "/%5Cevil.example"],
    ["/\\/evil.example/", "/%5C/evil.example"],
    ["//\\evil.example/", "/%5Cevil.example"],
    ["/%2fevil.example/", "/%2fevil.example"],
    ["/%5cevil.example/", "/%5cevil.example"],
    ["//%09/evil.example/", "/%09/evil.example"],
    ["/%2f../", "/%2f.."],
    ["/../evil.example/", 404],
    ["//../evil.example/", 404],
    ["/%2e%2e/evil/", 404],
  ])("%s: %s", async (target, expected) => {
    expect(await locationOf(target, {}, "GET", appWithEverything({}))).toBe(expected);
  });

  test.each<NormalisePathOptions>([
    {},
    { mergeSlashes: false },
    { trailingSlash: "add" },
    { trailingSlash: "keep" },
    { trailingSlash: "add", mergeSlashes: false },
  ])("whatever the path, a browser stays, and is not sent in circles (%j)", async (options) => {
    const piece = fc.constantFrom(
      "/",
      "//",
      "\\",
      "%2f",
      "%5c",
      "%09",
      "@",
      ":",
      "evil.example",
      "a",
      "?",
      "http:",
      ".",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const app = appWithEverything(options);
        const location = await locationOf(`/${pieces.join("")}`, options, "GET", app);
        if (typeof location !== "string") return;
        expect(new URL(location, "https://here.example").origin).toBe("https://here.example");
        expect(await locationOf(location, options, "GET", app)).toBe(200);
      }),
      { numRuns: 300 },
    );
  });

  test("even a route that begins with two slashes is no place to be sent to", async () => {
    const app = new Application();
    app.use(normalisePath({ mergeSlashes: false }));
    app.get("//evil.example", () => "route");
    expect(await locationOf("//evil.example", {}, "GET", app)).toBe(200);
    expect(await locationOf("//evil.example/", {}, "GET", app)).toBe(404);
  });

  test("a path of nothing but slashes takes no time to speak of", async () => {
    const begin = performance.now();
    expect(await locationOf("/".repeat(16_000))).toBe(404);
    expect(await locationOf(`${"//a".repeat(5_000)}${"/".repeat(10_000)}x`)).toBe(404);
    expect(await locationOf(`/a${"/".repeat(16_000)}b${"/".repeat(16_000)}`)).toBe("/a/b");
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});

test.each<[object, string]>([
  [{ trailingSlash: "drop" }, "options/unknown-value"],
  [{ slashes: true }, "options/unknown"],
])("normalisePath refuses %j", (options, code) => {
  expect(() => normalisePath(options)).toThrow(expect.objectContaining({ code }));
});
