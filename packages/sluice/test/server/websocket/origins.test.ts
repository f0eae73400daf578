import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import type { ApplicationOptions } from "../../../src/server/options.js";
import type { WebSocketOrigins } from "../../../src/server/websocket/origin-policy.js";
import { type Fields, shake } from "./handshake-setup.js";

/** The status that a handshake gets of a route with these origins. */
async function status(
  origins: WebSocketOrigins | undefined,
  fields: Fields,
  options: ApplicationOptions = {},
  secure = false,
) {
  const app = new Application(options);
  app.websocket("/", origins === undefined ? {} : { origins }, () => undefined);
  return (await shake(app, "/", fields, { secure, remoteAddress: "10.0.0.1" })).status;
}

describe("whose pages may open a socket (RFC 6455 §10.2)", () => {
  test.each([
    ["the same origin", "http://example.com", 101],
    ["with the default port written out", "http://example.com:80", 101],
    ["another scheme", "https://example.com", 403],
    ["another port", "http://example.com:8080", 403],
    ["another host", "http://evil.example", 403],
    ["a subdomain", "http://www.example.com", 403],
    ["a host that begins alike", "http://example.com.evil.example", 403],
    ["a sandboxed page", "null", 403],
    ["an empty field", "", 403],
    ["an extension", "chrome-extension://abcdef", 403],
    ["nobody: no browser", undefined, 101],
  ])("by default: %s", async (_who, origin, expected) => {
    expect(await status(undefined, { origin })).toBe(expected);
  });

  test("the default compares with the host and port that were asked, in any case, over TLS as well", async () => {
    expect(await status("same", { host: "EXAMPLE.com:8080", origin: "http://example.com:8080" })).toBe(101);
    expect(await status("same", { origin: "https://example.com" }, {}, true)).toBe(101);
    expect(await status("same", { origin: "http://example.com" }, {}, true)).toBe(403);
    expect(await status("same", { origin: ["http://example.com", "http://example.com"] })).toBe(403);
  });

  test("behind a proxy the client's own scheme and host count, if the proxy is to be believed", async () => {
    const fields = {
      host: "inner:8080",
      origin: "https://example.com",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "example.com",
    };
    expect(await status("same", fields, { trustProxy: ["10.0.0.0/8"] })).toBe(101);
    expect(await status("same", fields, { trustProxy: ["192.0.2.0/24"] })).toBe(403);
    expect(await status("same", fields)).toBe(403);
  });

  test("a list: origins, patterns that match all of one, and its own", async () => {
    const origins: WebSocketOrigins = ["https://app.example.com", /https:\/\/[a-z]+\.example\.org/, "same"];
    for (const origin of ["https://app.example.com", "https://a.example.org", "http://example.com"]) {
      expect(await status(origins, { origin })).toBe(101);
    }
    for (const origin of ["https://example.com", "https://a.example.org.evil.example", "xhttps://a.example.org"]) {
      expect(await status(origins, { origin })).toBe(403);
    }
    expect(await status(["https://app.example.com"], { origin: "http://example.com" })).toBe(403);
  });

  test("a function, which may take its time, and is asked of pages only", async () => {
    const asked: string[] = [];
    const origins = async (origin: string) => {
      asked.push(origin);
      return origin.endsWith(".test");
    };
    expect(await status(origins, { origin: "https://a.test" })).toBe(101);
    expect(await status(origins, { origin: "https://a.example" })).toBe(403);
    expect(await status((origin, { query }) => query.has(origin), { origin: "https://a.test" })).toBe(403);
    expect(await status(origins, {})).toBe(101);
    expect(asked).toEqual(["https://a.test", "https://a.example"]);
    const truthy = (() => "yes") as unknown as () => boolean;
    expect(await status(truthy, { origin: "https://a.test" }, { onError: () => undefined })).not.toBe(101);
  });

  test("any", async () => {
    expect(await status("any", { origin: "https://evil.example" })).toBe(101);
    expect(await status("any", { origin: "null" })).toBe(101);
  });

  test("what is no origin is refused when the route is made", () => {
    for (const origins of [["https://example.com/"], ["example.com"], "all", 7]) {
      const app = new Application();
      expect(() => app.websocket("/", { origins: origins as WebSocketOrigins }, () => undefined)).toThrow(
        /^Cannot use websocket option origins: /,
      );
    }
  });
});
