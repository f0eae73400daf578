import { describe, expect, expectTypeOf, test } from "vitest";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import { reply } from "../../src/server/reply-kinds.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { ask, type FakeRequest } from "./fake-exchange.js";

async function answer(
  use: (request: ServerRequest) => unknown,
  given: FakeRequest | readonly string[],
  method = "GET",
) {
  const app = new Application({ onError: () => undefined });
  app.route(method, "/", (request) => reply.json(use(request) ?? null));
  const exchange = "fields" in given || "body" in given ? given : { fields: given as readonly string[] };
  const { status, headers, text } = await ask(app.dispatch, method, "/", exchange as FakeRequest);
  return { status, headers, vary: headers["vary"], body: text === "" ? undefined : JSON.parse(text) };
}

describe("accepts()", () => {
  const choose = (request: ServerRequest) => request.accepts("json", "html", "image/png");

  test.each([
    [[], "json"],
    [["Accept", "text/html"], "html"],
    [["Accept", "text/*;q=0.5, application/json;q=0.4"], "html"],
    [["Accept", "image/*", "accept", "text/html;q=0.1"], "image/png"],
    [["Accept", "application/xml"], null],
  ])("%j takes %j, and the answer varies by it whatever was taken", async (fields, chosen) => {
    const { body, vary } = await answer(choose, fields);
    expect([body, vary]).toEqual([chosen, "Accept"]);
  });

  test("gives one of what was offered, by type as well", () => {
    const typed = (request: ServerRequest) => request.accepts("json", "html");
    expectTypeOf(typed).returns.toEqualTypeOf<"json" | "html" | undefined>();
  });

  test("short names are what they stand for", async () => {
    for (const [name, type] of [
      ["text", "text/plain"],
      ["xml", "application/xml"],
      ["csv", "text/csv"],
      ["events", "text/event-stream"],
      ["bytes", "application/octet-stream"],
      ["constructor", "x/constructor"],
    ] as const) {
      const { body } = await answer((request) => request.accepts(name) ?? "none", ["Accept", type]);
      expect(body).toBe(name === "constructor" ? "none" : name);
    }
  });

  test("the answer to an error varies as well, once", async () => {
    const { vary } = await answer((request) => {
      request.accepts("json");
      request.acceptsLanguages("en");
      throw new HttpError(404);
    }, []);
    expect(vary).toBe("Accept, Accept-Language");
  });
});

describe("negotiate()", () => {
  test("is 406 with what there is where the client takes none of it", async () => {
    const { status, body, vary } = await answer(
      (request) => request.negotiate("json", "text/csv"),
      ["Accept", "image/png"],
    );
    expect([status, vary]).toEqual([406, "Accept"]);
    expect(body).toMatchObject({ available: ["application/json", "text/csv"], title: "Not Acceptable" });
  });

  test("gives the choice otherwise", async () => {
    expect((await answer((request) => request.negotiate("json", "html"), ["Accept", "text/html"])).body).toBe("html");
  });
});

test("codings, languages and charsets are chosen the same way, each with its own Vary", async () => {
  const fields = [
    "Accept-Encoding",
    "gzip;q=0.5, br",
    "Accept-Language",
    "de-AT, en;q=0.5",
    "Accept-Charset",
    "latin1",
  ];
  const all = (request: ServerRequest) => [
    request.acceptsEncodings("gzip", "br"),
    request.acceptsLanguages("en", "de"),
    request.acceptsCharsets("utf-8", "latin1"),
  ];
  const { body, vary } = await answer(all, fields);
  expect([body, vary]).toEqual([["br", "de", "latin1"], "Accept-Encoding, Accept-Language, Accept-Charset"]);
  expect((await answer(all, [])).body).toEqual([null, "en", "utf-8"]);
});

describe("is()", () => {
  test.each([
    ["application/json; charset=utf-8", ["html", "json"], "json"],
    ["application/problem+json", ["json"], "json"],
    ["application/problem+json", ["application/json", "+json"], "+json"],
    ["multipart/form-data; boundary=x", ["form", "multipart"], "multipart"],
    ["application/x-www-form-urlencoded", ["form"], "form"],
    ["IMAGE/PNG", ["image/*"], "image/*"],
    ["image/png", ["image/jpeg", "*/*"], "*/*"],
    ["text/plain", ["json", "html"], null],
    ["nonsense", ["*/*"], null],
    ["", ["*/*"], null],
  ])("%j is one of %j: %j", async (type, types, expected) => {
    expect((await answer((request) => request.is(...types), ["Content-Type", type], "POST")).body).toBe(expected);
  });

  test("without a type is none", async () => {
    expect((await answer((request) => request.is("*/*"), [], "POST")).body).toBeNull();
  });
});

test("media type and length are what the client says", async () => {
  const fields = ["Content-Type", "Text/HTML; Charset=UTF-8", "Content-Length", "12"];
  const read = (request: ServerRequest) => [
    request.mediaType?.essence,
    request.mediaType?.charset,
    request.contentLength,
  ];
  expect((await answer(read, fields)).body).toEqual(["text/html", "utf-8", 12]);
  expect((await answer(read, [])).body).toEqual([null, null, null]);
});

test("the peer is the other end of the connection, the addresses those on the way", async () => {
  const app = new Application({ trustProxy: ["192.0.2.0/24"] });
  app.get("/", (request) => [request.remoteAddress, request.remoteAddresses, request.peer.remoteAddress]);
  const fields = ["X-Forwarded-For", "198.51.100.7, 192.0.2.9"];
  const { text } = await ask(app.dispatch, "GET", "/", { fields });
  expect(JSON.parse(text)).toEqual(["198.51.100.7", ["198.51.100.7", "192.0.2.9", "192.0.2.1"], "192.0.2.1"]);
});

describe("conditional requests", () => {
  const current = { etag: '"v2"', lastModified: Date.UTC(2025, 0, 1, 12) };
  const date = "Wed, 01 Jan 2025 12:00:00 GMT";

  test.each([
    ["GET", ["If-None-Match", '"v2"'], true],
    ["HEAD", ["If-None-Match", 'W/"v2"'], true],
    ["GET", ["If-None-Match", '"v1", "v2"'], true],
    ["GET", ["If-None-Match", '"v1"', "If-Modified-Since", date], false],
    ["GET", ["If-Modified-Since", date], true],
    ["GET", [], false],
    ["POST", ["If-None-Match", '"v2"'], false],
  ])("%s with %j is fresh: %j", async (method, fields, fresh) => {
    const app = new Application();
    let seen: boolean | undefined;
    app.route(method, "/", (request) => {
      seen = request.isFresh(current);
      return null;
    });
    await ask(app.dispatch, method, "/", { fields });
    expect(seen).toBe(fresh);
  });

  test.each([
    ["PUT", ["If-Match", '"v2"'], 200],
    ["PUT", ["If-Match", '"v1"'], 412],
    ["PUT", ["If-None-Match", "*"], 412],
    ["PUT", ["If-Unmodified-Since", date], 200],
    ["PUT", ["If-Unmodified-Since", "Wed, 01 Jan 2020 12:00:00 GMT"], 412],
    ["PUT", [], 200],
  ])("%s with %j is %i", async (method, fields, status) => {
    const { status: actual } = await answer((request) => request.requirePreconditions(current), fields, method);
    expect(actual).toBe(status);
  });

  test("what is not there yet fits If-None-Match: * and no If-Match", async () => {
    const create = (request: ServerRequest) => request.requirePreconditions(undefined);
    expect((await answer(create, ["If-None-Match", "*"], "PUT")).status).toBe(200);
    expect((await answer(create, ["If-Match", "*"], "PUT")).status).toBe(412);
  });
});

describe("ranges()", () => {
  const ranges = (request: ServerRequest) => request.ranges(100, { etag: '"v2"' }) ?? "whole";

  test.each([
    [["Range", "bytes=0-9"], [{ first: 0, last: 9 }]],
    [
      ["Range", "bytes=-10, 0-1"],
      [
        { first: 90, last: 99 },
        { first: 0, last: 1 },
      ],
    ],
    [["Range", "lines=1-2"], "whole"],
    [[], "whole"],
    [["Range", "bytes=0-9", "If-Range", '"v2"'], [{ first: 0, last: 9 }]],
    [["Range", "bytes=0-9", "If-Range", '"v1"'], "whole"],
  ])("%j asks for %j", async (fields, expected) => {
    expect((await answer(ranges, fields)).body).toEqual(expected);
  });

  test("outside of what there is are 416 with its size; to another method they mean nothing", async () => {
    const refused = await answer(ranges, ["Range", "bytes=100-"]);
    expect([refused.status, refused.headers["content-range"]]).toEqual([416, "bytes */100"]);
    expect((await answer(ranges, ["Range", "bytes=100-"], "POST")).body).toBe("whole");
  });

  test("a date in If-Range counts by the application's own clock", async () => {
    const read = (request: ServerRequest) => request.ranges(10, { lastModified: Date.UTC(2025, 0, 1) }) ?? "whole";
    const fields = ["Range", "bytes=0-0", "If-Range", "Wed, 01 Jan 2025 00:00:00 GMT"];
    expect((await answer(read, fields)).body).toEqual([{ first: 0, last: 0 }]);
  });
});
