import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { Application } from "../../src/server/application.js";
import { HttpError } from "../../src/server/http-error.js";
import type { Handler } from "../../src/server/middleware-chain.js";
import { JSON_FIELDS, Reply, TEXT_FIELDS } from "../../src/server/reply.js";
import { reply } from "../../src/server/reply-kinds.js";
import { ask, FakeExchange, readAnswer } from "./fake-exchange.js";

async function answerOf(handler: () => unknown) {
  const onError = vi.fn();
  const app = new Application({ onError });
  app.get("/thing/:id", handler as Handler);
  const answer = await ask(app.dispatch, "GET", "/thing/7");
  return { ...answer, type: answer.headers["content-type"], reported: onError.mock.calls.map(([error]) => error) };
}

class WithToJson {
  toJSON() {
    return { x: 1 };
  }
}

class Plain {
  x = 1;
}

function cycle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

async function* pieces() {
  yield "a";
  yield Buffer.from("b");
}

describe("what a handler may return", () => {
  const json = "application/json";
  const bytes = "application/octet-stream";
  test.each<[string, () => unknown, number, string | undefined, string]>([
    ["a string is text", () => "hé", 200, "text/plain; charset=utf-8", "hé"],
    ["an empty string is an empty text", () => "", 200, "text/plain; charset=utf-8", ""],
    ["a Buffer is bytes", () => Buffer.from("b"), 200, bytes, "b"],
    ["a Uint8Array is bytes", () => new Uint8Array([65]), 200, bytes, "A"],
    ["an ArrayBuffer is bytes", () => new Uint8Array([65]).buffer, 200, bytes, "A"],
    ["a plain object is JSON", () => ({ a: "é" }), 200, json, '{"a":"é"}'],
    ["an object without prototype is JSON", () => Object.assign(Object.create(null), { a: 1 }), 200, json, '{"a":1}'],
    ["an array is JSON", () => [1, null], 200, json, "[1,null]"],
    ["a date has toJSON", () => new Date(0), 200, json, '"1970-01-01T00:00:00.000Z"'],
    ["an instance with toJSON is JSON", () => new WithToJson(), 200, json, '{"x":1}'],
    ["null is 204", () => null, 204, undefined, ""],
    ["an async generator is streamed", () => pieces(), 200, bytes, "ab"],
    ["a Node stream is streamed", () => Readable.from([Buffer.from("x"), Buffer.from("y")]), 200, bytes, "xy"],
    ["a web stream is streamed", () => new Blob(["xy"]).stream(), 200, bytes, "xy"],
    ["a Response is itself", () => new Response("r", { status: 201 }), 201, "text/plain;charset=UTF-8", "r"],
    ["a Reply is itself", () => reply.html("<p>", { status: 202 }), 202, "text/html; charset=utf-8", "<p>"],
  ])("%s, returned or promised", async (_name, make, status, type, text) => {
    expect(await answerOf(make)).toMatchObject({ status, type, text, reported: [] });
    expect(await answerOf(async () => make())).toMatchObject({ status, type, text, reported: [] });
  });

  test.each<[string, () => unknown, string]>([
    ["undefined", () => undefined, "returned undefined: return null"],
    ["a promise of undefined", async () => undefined, "returned undefined"],
    ["a number", () => 1, "a number"],
    ["a boolean", () => true, "a boolean"],
    ["a bigint", () => 1n, "a bigint"],
    ["a symbol", () => Symbol("x"), "a symbol"],
    ["a function", () => () => "x", "a function"],
    ["an instance without toJSON", () => new Plain(), "an instance of Plain: return a Reply, or give it a toJSON"],
    ["a Map", () => new Map(), "an instance of Map"],
    ["a Set", () => new Set(), "an instance of Set"],
    ["a Blob", () => new Blob(["x"]), "an instance of Blob"],
    ["an error", () => new HttpError(404), "an error: throw it"],
    ["a generator", () => [1].values(), "an instance of"],
    ["an object of unknown make", () => Object.create(Object.create(null)), "an object of no known kind"],
  ])("%s is refused: a 500 that names the route, and a report", async (_name, make, message) => {
    const answer = await answerOf(make);
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text).detail).toContain("The handler of GET /thing/:id returned ");
    expect(answer.text).toContain(message);
    expect(answer.reported).toEqual([expect.objectContaining({ code: "reply/unusable" })]);
  });

  test.each<[string, () => unknown, string]>([
    ["a cycle", () => cycle(), "body/not-json"],
    ["a bigint inside", () => ({ a: 1n }), "body/not-json"],
    ["a toJSON that gives undefined", () => ({ toJSON: () => undefined }), "body/not-json"],
  ])("%s cannot be JSON: a 500 without detail, and a report", async (_name, make, code) => {
    const answer = await answerOf(make);
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toEqual({
      status: 500,
      title: "Internal Server Error",
      requestId: expect.any(String),
    });
    expect(answer.reported).toEqual([expect.objectContaining({ code })]);
  });
});

describe("the shortest way", () => {
  const app = new Application();
  app.get("/sync", () => "x");
  app.get("/json/:id", (request) => ({ id: request.params.id }));
  app.get("/async", async () => "x");

  test("a handler that returns at once is answered without a promise", () => {
    expect(app.dispatch(new FakeExchange("GET", "/sync"))).toBeInstanceOf(Reply);
    expect(app.dispatch(new FakeExchange("GET", "/json/1"))).toBeInstanceOf(Reply);
    expect(app.dispatch(new FakeExchange("GET", "/nowhere"))).toBeInstanceOf(Reply);
    expect(app.dispatch(new FakeExchange("GET", "/async"))).toBeInstanceOf(Promise);
  });

  test("usual answers share their frozen field lines and carry their body whole", () => {
    const made = app.dispatch(new FakeExchange("GET", "/json/1")) as Reply;
    expect(made.fields).toBe(JSON_FIELDS);
    expect(made.payload?.whole).toBe('{"id":"1"}');
    expect((app.dispatch(new FakeExchange("GET", "/sync")) as Reply).fields).toBe(TEXT_FIELDS);
  });

  test("nothing is made that nobody asked for: no signal", () => {
    const exchange = new FakeExchange("GET", "/json/1");
    app.dispatch(exchange);
    expect(exchange.signalsAsked).toBe(0);
  });
});

describe("a Response as an answer", () => {
  test("keeps cookies apart and drops what belongs to the connection", async () => {
    const response = new Response("x", {
      status: 299,
      statusText: "Fine",
      headers: { Connection: "close", "X-A": "1" },
    });
    response.headers.append("Set-Cookie", "a=1");
    response.headers.append("Set-Cookie", "b=2");
    const answer = await answerOf(() => response);
    expect(answer.headers).toMatchObject({ "set-cookie": "a=1\nb=2", "x-a": "1" });
    expect(answer.headers).not.toHaveProperty("connection");
    expect([answer.status, answer.reply.reason]).toEqual([299, "Fine"]);
  });

  test("that was fetched loses the fields about bytes that fetch has decoded", async () => {
    const response = new Response("decoded", { headers: { "Content-Encoding": "gzip", "Content-Length": "3" } });
    Object.defineProperty(response, "url", { value: "http://example.com/" });
    const answer = await answerOf(() => response);
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(answer.headers).not.toHaveProperty("content-length");
  });

  test("without a body has no payload", async () => {
    const answer = await answerOf(() => new Response(null, { status: 204 }));
    expect([answer.status, answer.reply.payload]).toEqual([204, undefined]);
  });

  test("whose body was read, or that is an error, is refused", async () => {
    const used = new Response("x");
    await used.text();
    expect((await answerOf(() => used)).reported).toEqual([expect.objectContaining({ code: "reply/response-used" })]);
    const failed = await answerOf(() => Response.error());
    expect(failed.reported).toEqual([expect.objectContaining({ code: "reply/status" })]);
  });
});

describe("the reply functions", () => {
  test.each<[string, Reply, number, string | undefined, string]>([
    ["json", reply.json({ a: 1 }, { status: 201 }), 201, "application/json", '{"a":1}'],
    ["json of null", reply.json(null), 200, "application/json", "null"],
    ["json of a number", reply.json(5), 200, "application/json", "5"],
    ["text", reply.text("t"), 200, "text/plain; charset=utf-8", "t"],
    ["html", reply.html("h"), 200, "text/html; charset=utf-8", "h"],
    ["bytes", reply.bytes(new Uint8Array([66])), 200, "application/octet-stream", "B"],
    ["bytes of a type", reply.bytes(new Uint8Array([66]), { type: "image/png" }), 200, "image/png", "B"],
    ["stream", reply.stream(pieces(), { type: "text/csv" }), 200, "text/csv", "ab"],
    ["empty", reply.empty(), 204, undefined, ""],
    ["empty of a status", reply.empty({ status: 202 }), 202, undefined, ""],
  ])("%s", async (_name, made, status, type, text) => {
    const answer = await readAnswer(made);
    expect([answer.status, answer.headers["content-type"], answer.text]).toEqual([status, type, text]);
  });

  test("take headers, in which a Content-Type replaces the kind's own", async () => {
    const plain = await readAnswer(reply.json({}, { headers: { "X-A": "1" } }));
    expect(plain.headers).toEqual({ "content-type": "application/json", "x-a": "1" });
    const special = await readAnswer(
      reply.json({}, { headers: { "content-type": "application/ld+json" }, reason: "Sure" }),
    );
    expect(special.headers).toEqual({ "content-type": "application/ld+json" });
    expect(special.reply.reason).toBe("Sure");
  });

  test.each([301, 302, 303, 307, 308] as const)("redirect with %d", (status) => {
    const made = reply.redirect("/elsewhere", { status });
    expect([made.status, made.headers.get("location"), made.payload]).toEqual([status, "/elsewhere", undefined]);
  });

  test("redirect is 302 unless told, takes a URL, and encodes what no URL contains", () => {
    expect(reply.redirect("/a").status).toBe(302);
    expect(reply.redirect(new URL("http://example.com/ü")).headers.get("location")).toBe("http://example.com/%C3%BC");
    expect(reply.redirect("/ü b?c=%20\u{1f600}").headers.get("location")).toBe("/%C3%BC%20b?c=%20%F0%9F%98%80");
  });

  test.each(["/a\r\nSet-Cookie: a=b", "/a\nb", "/a\rb", "/a\0", "/a\u0085", "\t/", ""])(
    "redirect refuses %j",
    (location) => {
      expect(() => reply.redirect(location)).toThrow(expect.objectContaining({ code: "reply/location" }));
    },
  );

  test.each([200, 300, 304, 305, 400])("redirect refuses status %d", (status) => {
    expect(() => reply.redirect("/", { status: status as 302 })).toThrow(
      expect.objectContaining({ code: "reply/status" }),
    );
  });

  test.each([100, 101, 199, 600, 0, 200.5, Number.NaN, "200" as unknown as number])("status %s is none", (status) => {
    expect(() => reply.text("", { status })).toThrow(expect.objectContaining({ code: "reply/status" }));
    expect(() => {
      reply.text("").status = status;
    }).toThrow(expect.objectContaining({ code: "reply/status" }));
  });

  test("header names and values are checked", () => {
    expect(() => reply.text("", { headers: { "a b": "x" } })).toThrow(
      expect.objectContaining({ code: "headers/name-invalid" }),
    );
    expect(() => reply.text("", { headers: { a: "x\r\ny" } })).toThrow(
      expect.objectContaining({ code: "headers/value-invalid" }),
    );
  });
});

describe("a Reply", () => {
  test("copies its shared field lines when they are changed", () => {
    const made = reply.json({});
    made.headers.set("X-A", "1");
    expect(made.fields).toEqual(["Content-Type", "application/json", "X-A", "1"]);
    expect(JSON_FIELDS).toEqual(["Content-Type", "application/json"]);
  });

  test("sets cookies for the whole site, and deletes them", () => {
    const made = reply
      .empty()
      .setCookie("a", "1", { httpOnly: true, secure: true, sameSite: "lax" })
      .setCookie("b", "2", { path: "/x" })
      .deleteCookie("c");
    expect(made.headers.getSetCookie()).toEqual([
      "a=1; Path=/; Secure; HttpOnly; SameSite=Lax",
      "b=2; Path=/x",
      "c=; Max-Age=0; Path=/",
    ]);
    expect(() => made.setCookie("a", "1; Domain=evil.example")).toThrow(
      expect.objectContaining({ code: "cookies/value-invalid" }),
    );
    expect(() => made.setCookie("a b", "1")).toThrow(expect.objectContaining({ code: "cookies/name-invalid" }));
  });

  test("answers one request only", async () => {
    const onError = vi.fn();
    const app = new Application({ onError });
    const kept = reply.text("once");
    app.get("/", () => kept);
    expect((await ask(app.dispatch, "GET", "/")).status).toBe(200);
    expect((await ask(app.dispatch, "GET", "/")).status).toBe(500);
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "reply/reused" });
  });

  test("tells all who asked about its end, in order", () => {
    const told: unknown[] = [];
    const made = reply.text("").whenSent((bytes) => told.push(["first", bytes]));
    made.whenSent((_bytes, error) => told.push(["second", error]));
    const error = new Error("gone");
    made.onSent?.(7, error);
    expect(told).toEqual([
      ["first", 7],
      ["second", error],
    ]);
  });

  test("that is discarded releases its source", () => {
    const stream = Readable.from(["x"]);
    const made = reply.stream(stream);
    made.discard();
    expect([stream.destroyed, made.payload]).toEqual([true, undefined]);
  });
});
