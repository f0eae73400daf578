import { afterEach, describe, expect, test } from "vitest";
import type { RequestOptions } from "../../src/client/options.js";
import { ClientSession } from "../../src/client/session.js";
import { UsageError } from "../../src/errors.js";
import { asJson, jsonDifference } from "../../src/testing/mock/json-difference.js";
import { MockConnector, type MockConnectorOptions } from "../../src/testing/mock/mock-connector.js";
import type { MockMatch, MockUrl } from "../../src/testing/mock/request-matcher.js";
import { rejection } from "../client/fake-net.js";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function setUp(options: MockConnectorOptions = {}) {
  const mock = new MockConnector(options);
  const session = new ClientSession({ connector: mock });
  open.push(mock, session);
  return { mock, session };
}

/** The message for a POST that is not what was expected. */
async function refusal(match: MockMatch, request: RequestOptions, url: MockUrl = "http://a.test/x"): Promise<string> {
  const { mock, session } = setUp();
  mock.post(url, match).reply(200);
  const error = await rejection(session.post("http://a.test/x", { retry: 3, ...request }));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.code).toBe("mock/unmatched");
  expect(mock.calls).toHaveLength(1);
  expect(mock.calls[0]?.route).toBeUndefined();
  return error.message;
}

describe("URLs", () => {
  const url = "http://a.test/x?b=2&a=1&a=3";
  const matching: [string, MockUrl, MockMatch][] = [
    ["text", "http://a.test/x?b=2&a=1&a=3", {}],
    ["its query in another order of names", "http://a.test/x?a=1&a=3&b=2", {}],
    ["a fragment, which is never sent", "http://a.test/x?b=2&a=1&a=3#there", {}],
    ["a URL", new URL("http://A.test:80/x?b=2&a=1&a=3"), {}],
    ["parameters beside it", "http://a.test/x", { params: { a: [1, 3], b: 2 } }],
    ["some in it, some beside it", "http://a.test/x?b=2", { params: "a=1&a=3" }],
    ["a RegExp", /\/x\?b=2/, {}],
    ["a RegExp that remembers where it was", /x/g, {}],
    ["a RegExp and some parameters of several", /a\.test/, { params: { b: 2 } }],
    ["a function", ({ pathname }) => pathname === "/x", { params: { a: [1, 3] } }],
  ];
  test.each(matching)("%s", async (_name, pattern, match) => {
    const { mock, session } = setUp();
    mock.get(pattern, match).reply(200).persist();
    for (let call = 0; call < 2; call += 1) expect((await session.get(url)).status).toBe(200);
  });

  const differing: [MockUrl, MockMatch, string][] = [
    ["https://a.test/x", {}, "the origin is http://a.test"],
    ["http://a.test:81/x", {}, "the origin is http://a.test"],
    ["http://a.test/y", {}, "the path is another"],
    ["http://a.test/x?b=2&a=1", {}, 'the query parameter "a" has another value'],
    ["http://a.test/x?b=2&a=3&a=1", {}, 'the query parameter "a" has another value'],
    ["http://a.test/x?a=1&a=3", {}, 'the query parameter "b" is not expected'],
    ["http://a.test/x?a=1&a=3&b=2&c=", {}, 'the query parameter "c" is missing'],
    [/\/y/, {}, "the URL is another"],
    [/x/, { params: { c: 1 } }, 'the query parameter "c" is missing'],
    [() => false, {}, "the URL is another"],
  ];
  test.each(differing)("%s %j differs: %s", async (pattern, match, words) => {
    const { mock, session } = setUp();
    mock.get(pattern, match).reply(200);
    expect((await rejection(session.get(url))).message).toContain(words);
  });

  test("a function cannot change what others see", async () => {
    const { mock, session } = setUp();
    const spoil = (given: URL) => {
      given.pathname = "/spoilt";
      return false;
    };
    mock.get(spoil).reply(500);
    mock.get("http://a.test/x").reply(200);
    expect((await session.get("http://a.test/x")).status).toBe(200);
  });
});

describe("fields", () => {
  const headers = { "x-a": "1", accept: "text/plain" };
  test.each<[string, MockMatch]>([
    ["text", { headers: { "X-A": "1" } }],
    ["a RegExp", { headers: { "x-a": /^\d$/g } }],
    ["a function", { headers: { "x-a": (value) => value === "1", "x-b": (value) => value === null } }],
    ["absence", { headers: { "x-b": undefined } }],
  ])("%s", async (_name, match) => {
    const { mock, session } = setUp();
    mock.post("http://a.test/x", match).reply(200);
    expect((await session.post("http://a.test/x", { headers })).status).toBe(200);
  });

  test.each<[MockMatch["headers"], string]>([
    [{ "x-a": "2" }, 'the header x-a is "1"'],
    [{ "x-a": /2/ }, 'the header x-a is "1"'],
    [{ "x-b": "2" }, "the header x-b is missing"],
    [{ "x-b": /2/ }, "the header x-b is missing"],
    [{ "x-a": undefined }, "the header x-a is not expected"],
  ])("%j differs: %s", async (wanted, words) => {
    expect(await refusal({ headers: wanted ?? {} }, { headers })).toContain(words);
  });
});

describe("bodies", () => {
  test.each<[string, MockMatch, RequestOptions]>([
    ["JSON, members in any order", { json: { a: 1, b: [{ c: null }] } }, { json: { b: [{ c: null }], a: 1 } }],
    [
      "JSON as it is once sent",
      { json: { at: new Date(0), no: undefined } },
      { json: { at: "1970-01-01T00:00:00.000Z" } },
    ],
    ["JSON by a function", { json: (value: unknown) => Array.isArray(value) }, { json: [] }],
    ["a form, names in any order", { form: { b: 2, a: 1 } }, { form: { a: 1, b: 2 } }],
    ["a form by a function", { form: (fields) => fields.get("a") === "1" }, { form: { a: 1, b: 2 } }],
    ["text", { text: "h\u00e9" }, { body: "h\u00e9" }],
    ["text by a RegExp", { text: /^h/g }, { body: "hello" }],
    ["text by a function", { text: (text) => text.length === 5 }, { body: "hello" }],
    ["bytes", { bytes: Uint8Array.of(0, 255) }, { body: Uint8Array.of(0, 255) }],
    ["anything", { when: (request) => request.bytes.length === 3 && request.form().has("abc") }, { body: "abc" }],
  ])("%s", async (_name, match, request) => {
    const { mock, session } = setUp();
    mock.post("http://a.test/x", match).reply(200);
    expect((await session.post("http://a.test/x", request)).status).toBe(200);
  });

  test.each<[MockMatch, RequestOptions, string]>([
    [{ json: { a: [1, { b: 2 }] } }, { json: { a: [1, { b: 3 }] } }, "the JSON body differs: at /a/1/b"],
    [{ json: { a: 1 } }, { json: { a: 1, c: 2 } }, "the JSON body differs: at /c"],
    [{ json: { a: 1 } }, { json: [] }, "the JSON body differs: as a whole"],
    [{ json: () => false }, { json: 1 }, "the JSON body differs: its function says no"],
    [{ json: 1 }, { body: "nope" }, "the body is no JSON"],
    [{ json: 1 }, {}, "there is no body"],
    [{ form: { a: 1 } }, { form: { a: 2 } }, 'the form field "a" has another value'],
    [{ form: { a: 1 } }, { form: { a: 1, b: 1 } }, 'the form field "b" is not expected'],
    [{ form: () => false }, { form: { a: 1 } }, "the form differs: its function says no"],
    [{ text: "a" }, { body: "b" }, "the body has another text"],
    [{ text: /a/ }, { body: "b" }, "the body has another text"],
    [{ bytes: Uint8Array.of(1) }, { body: Uint8Array.of(2) }, "the body has other bytes"],
    [{ when: () => false }, { body: "x" }, "the function `when` says no"],
  ])("%j to %j: %s", async (match, request, words) => {
    expect(await refusal(match, request)).toContain(words);
  });

  test("`when` is asked only when all the rest holds", async () => {
    let asked = 0;
    const when = () => {
      asked += 1;
      return true;
    };
    await refusal({ json: 1, when }, { json: 2 });
    await refusal({ headers: { "x-a": "1" }, when }, {});
    expect(asked).toBe(0);
  });

  test("where no route can match, the body is not waited for", async () => {
    const { mock, session } = setUp();
    mock.put("http://a.test/other", { text: "x" }).reply(200);
    async function* endless() {
      for (;;) {
        yield "x";
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const error = await rejection(session.put("http://a.test/x", { body: endless() }));
    expect(error.code).toBe("mock/unmatched");
    expect(error.message).toMatch(/: the path is another$/);
    expect(mock.calls[0]?.complete).toBe(false);
  });
});

describe("an unmatched request", () => {
  test("is never tried again, and lists what is registered, the nearest first", async () => {
    const { mock, session } = setUp();
    mock.get("http://b.test/y").reply(200);
    mock.post("http://a.test/x", { json: { a: 1 } }).reply(200);
    mock.get("http://a.test/x").reply(200);
    await session.get("http://a.test/x");
    mock.put("http://a.test/x");
    const error = await rejection(session.post("http://a.test/x", { json: { a: 2 }, retry: 5 }));
    expect(error.message.split("\n")).toEqual([
      "POST http://a.test/x: The mock has no answer to POST http://a.test/x, and never asks the network: none of its routes matches",
      "  POST http://a.test/x: the JSON body differs: at /a",
      "  GET http://a.test/x: the method is POST; its replies are used up (1 calls)",
      "  PUT http://a.test/x: the method is POST; it has no reply: call reply, raw or fail",
      "  GET http://b.test/y: the method is POST; the origin is http://a.test; the path is another",
    ]);
    expect(mock.calls).toHaveLength(2);
  });

  test("without any routes", async () => {
    const { session } = setUp();
    expect((await rejection(session.get("http://a.test/"))).message).toContain("it has no routes");
  });

  test("of very many routes the nearest are named", async () => {
    const { mock, session } = setUp();
    for (let at = 0; at < 20; at += 1) mock.get(`http://a.test/${at}`).reply(200);
    const { message } = await rejection(session.get("http://a.test/"));
    expect(message.split("\n")).toHaveLength(10);
    expect(message).toMatch(/\n {2}and 12 more$/);
  });

  test("is told again by assertDone, when the code under test has swallowed it", async () => {
    const { mock, session } = setUp();
    await session.get("http://a.test/").catch(() => undefined);
    expect(() => mock.assertDone()).toThrow(expect.objectContaining({ code: "mock/unmatched" }));
  });

  test("shows no secret: not of the URL, not of fields, not of bodies", async () => {
    const { mock, session } = setUp({ showQuery: ["page"], secretHeaders: ["x-mine"] });
    const secrets = { authorization: "Bearer s3cret", cookie: "a=s3cret", "x-api-key": "s3cret", "x-mine": "s3cret" };
    const names = Object.keys(secrets).map((name) => [name, "x"]);
    mock
      .post("http://s3cret:s3cret@a.test/?q=s3cret&page=1", {
        headers: Object.fromEntries(names),
        json: { p: "s3cret2" },
      })
      .reply(200);
    const sent = { params: { q: "s3cret3", page: 2 }, headers: secrets, json: { p: "s3cret" } };
    const error = await rejection(session.post("http://u:s3cret@a.test/", sent));
    expect(error.message).not.toContain("s3cret");
    expect(error.message).toContain("page=2");
    expect(error.message).toContain("the header x-mine is another");
    expect(String(mock.calls[0])).not.toContain("s3cret");
    const shown = JSON.stringify(mock.calls[0]?.headers);
    expect(shown).toContain('"authorization":"…"');
    expect(shown).toContain('"x-mine":"…"');
    expect(mock.calls[0]?.json()).toEqual({ p: "s3cret" });
  });
});

describe("being done", () => {
  test("pending are routes whose answers were not all asked for; persistent ones are owed one call, optional ones none", async () => {
    const { mock, session } = setUp();
    mock.get("http://a.test/1").reply(200).times(2);
    mock.get("http://a.test/2").reply(200).persist();
    mock.get("http://a.test/3").reply(500).reply(200).persist();
    mock.get("http://a.test/4").reply(200).optional();
    const forgotten = mock.get("http://a.test/5");
    for (const path of [1, 3]) await session.get(`http://a.test/${path}`);
    expect(mock.pending.map(String)).toEqual([
      "GET http://a.test/1",
      "GET http://a.test/2",
      "GET http://a.test/3",
      "GET http://a.test/5",
    ]);
    expect(() => mock.assertDone()).toThrow(
      expect.objectContaining({
        code: "mock/pending",
        message: expect.stringContaining("4 routes still expect requests\n  GET http://a.test/1: 1 calls so far"),
      }),
    );
    forgotten.reply(200);
    for (const path of [1, 2, 3, 5]) await session.get(`http://a.test/${path}`);
    mock.assertDone();
  });

  test("reset forgets routes, calls and failures", async () => {
    const { mock, session } = setUp();
    mock.get("http://a.test/1").reply(200);
    await rejection(session.get("http://a.test/2"));
    mock.reset();
    mock.assertDone();
    expect(mock.calls).toEqual([]);
    expect((await rejection(session.get("http://a.test/1"))).message).toContain("it has no routes");
  });
});

describe("calls that cannot be", () => {
  const { mock } = setUp();
  test.each<[string, () => unknown, string]>([
    ["an unknown option of the connector", () => new MockConnector({ limt: 1 } as object), "options/unknown"],
    ["a `connect` of one's own", () => new MockConnector({ connectt: () => undefined } as object), "options/unknown"],
    ["a relative URL", () => mock.get("/x"), "url/invalid"],
    ["a method that is none", () => mock.request("G T", "http://a.test/"), "options/method"],
    ["an unknown way to match", () => mock.get("http://a.test/", { jsn: 1 } as object), "options/unknown"],
    ["two bodies to match", () => mock.get("http://a.test/", { json: 1, text: "1" }), "options/body"],
    ["two bodies to reply with", () => mock.get("http://a.test/").reply(200, { json: 1, text: "1" }), "options/body"],
    ["an unknown reply option", () => mock.get("http://a.test/").reply(200, { jsn: 1 } as object), "options/unknown"],
    ["an informational status", () => mock.get("http://a.test/").reply(100), "options/out-of-range"],
    ["a status beyond", () => mock.get("http://a.test/").reply(600), "options/out-of-range"],
    ["options that are none", () => mock.get("http://a.test/").reply(200, null as never), "options/unknown-value"],
    [
      "a break that there is not",
      () => mock.get("http://a.test/").raw("", { end: "x" as "close" }),
      "options/unknown-value",
    ],
    [
      "a break of a reply",
      () => mock.get("http://a.test/").reply(200, { breakBy: "x" as "close" }),
      "options/unknown-value",
    ],
    ["a negative break", () => mock.get("http://a.test/").reply(200, { breakAfter: -1 }), "options/out-of-range"],
    ["an unknown fault", () => mock.get("http://a.test/").fail("x" as "dns"), "options/unknown-value"],
    ["no times", () => mock.get("http://a.test/").reply(200).times(0), "options/out-of-range"],
    ["times of nothing", () => mock.get("http://a.test/").times(2), "mock/no-reply"],
    ["delay of nothing", () => mock.get("http://a.test/").delay(2), "mock/no-reply"],
    [
      "an endless delay",
      () => mock.get("http://a.test/").reply(200).delay(Number.POSITIVE_INFINITY),
      "options/out-of-range",
    ],
  ])("%s", (_name, call, code) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });
});

describe("jsonDifference", () => {
  test.each([
    [1, 1, undefined],
    [1, "1", ""],
    [null, {}, ""],
    [{}, [], ""],
    [{ "a/b": { "c~d": 1 } }, { "a/b": { "c~d": 2 } }, "/a~1b/c~0d"],
    [[1, 2], [1], "/1"],
    [{ a: null }, {}, "/a"],
    [{ toString: 1 }, {}, "/toString"],
    [{ a: { b: [] } }, { a: { b: [] } }, undefined],
  ])("%j and %j: %j", (expected, actual, pointer) => {
    expect(jsonDifference(expected, actual)).toBe(pointer);
  });

  test("asJson leaves out what JSON has no form for", () => {
    expect(asJson({ a: undefined, b: Number.NaN, c: () => 1 })).toEqual({ b: null });
    expect(asJson(undefined)).toBeUndefined();
  });
});
