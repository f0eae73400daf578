/** Answers that middleware gives by itself. */
import { describe, expect, test } from "vitest";
import { type MadeResponse, makeResponse } from "../../src/client/local-response.js";
import { cache } from "../../src/client/middleware/cache/cache.js";
import { dedupe } from "../../src/client/middleware/dedupe.js";
import type { ClientMiddleware } from "../../src/client/middleware.js";
import { ResponseError } from "../../src/client/response-error.js";
import { ResponseTooLargeError, UsageError } from "../../src/errors.js";
import { FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

function answering(answer: MadeResponse | ((path: string) => MadeResponse | undefined)): ClientMiddleware {
  return async (request, next) => {
    const made = typeof answer === "function" ? answer(request.url.pathname) : answer;
    return made === undefined ? next(request) : makeResponse(request, made);
  };
}

describe.each(["middleware", "hopMiddleware"] as const)("an answer of %s", (place) => {
  test("is a response like any other, and nothing is sent", async () => {
    const net = new FakeNet();
    const session = net.session({ [place]: [answering({ json: { a: ["ä"] }, headers: { "x-a": "1" } })] });
    const response = await session.post(URL_A, { body: "unused" });
    expect([response.status, response.statusText, response.ok, response.url]).toEqual([200, "OK", true, URL_A]);
    expect([response.headers.get("x-a"), response.contentType]).toEqual(["1", "application/json"]);
    expect([response.headers.get("content-length"), response.timings.wait]).toEqual(["12", 0]);
    expect(await response.json()).toEqual({ a: ["ä"] });
    expect(await session.get(URL_A).text()).toBe('{"a":["ä"]}');
    const pieces: string[] = [];
    for await (const piece of (await session.get(URL_A)).body) pieces.push(Buffer.from(piece).toString());
    expect(pieces.join("")).toBe('{"a":["ä"]}');
    await session.get(URL_A);
    await turns();
    expect([net.connections.length, net.clock.armedCount]).toEqual([0, 0]);
  });

  test("with an error status throws where content is asked for, with its body", async () => {
    const net = new FakeNet();
    const session = net.session({ [place]: [answering({ status: 418, body: "teapot" })] });
    const error = await rejection<ResponseError>(session.get(URL_A).json());
    expect(error).toBeInstanceOf(ResponseError);
    expect([error.status, error.message]).toEqual([418, expect.stringContaining("GET http://a.test/x")]);
    expect((await session.get(URL_A)).status).toBe(418);
  });
});

test("the rest goes on inwards", async () => {
  const net = new FakeNet(() => ok("sent"));
  const session = net.session({ middleware: [answering((path) => (path === "/x" ? { body: "made" } : undefined))] });
  expect(await session.get(URL_A).text()).toBe("made");
  expect(await session.get("http://a.test/y").text()).toBe("sent");
  expect(net.seen.length).toBe(1);
});

test("at each hop a redirect is followed, and retries see the status", async () => {
  const net = new FakeNet(() => ok("end"));
  const moved = answering((path) => (path === "/x" ? { status: 302, headers: { location: "/y" } } : undefined));
  const response = await net.session({ hopMiddleware: [moved] }).get(URL_A);
  expect([await response.text(), response.url, response.history.length]).toEqual(["end", "http://a.test/y", 1]);
  let asked = 0;
  const failing = answering(() => {
    asked += 1;
    return asked < 2 ? { status: 503 } : { body: "fine" };
  });
  const session = net.session({ hopMiddleware: [failing], retry: { attempts: 2, baseDelay: 0 } });
  const text = session.get(URL_A).text();
  await turns();
  net.clock.advance(0);
  expect([await text, asked]).toEqual(["fine", 2]);
});

test("types and lengths: text, bytes, what headers say; none for HEAD, 204 and 304", async () => {
  const made = async (answer: MadeResponse, method = "GET"): Promise<unknown[]> => {
    const session = new FakeNet().session({ middleware: [answering(answer)] });
    const response = await session.request(method, URL_A);
    const { headers } = response;
    return [headers.get("content-type"), headers.get("content-length"), Buffer.from(await response.bytes()).toString()];
  };
  expect(await made({ body: "ä" })).toEqual(["text/plain;charset=UTF-8", "2", "ä"]);
  expect(await made({ body: Buffer.from("ab") })).toEqual([null, "2", "ab"]);
  expect(await made({ body: "<a/>", headers: { "Content-Type": "text/xml" } })).toEqual(["text/xml", "4", "<a/>"]);
  expect(await made({})).toEqual([null, null, ""]);
  expect(await made({ body: "abc" }, "HEAD")).toEqual(["text/plain;charset=UTF-8", "3", ""]);
  expect(await made({ body: "abc", status: 204 })).toEqual(["text/plain;charset=UTF-8", "3", ""]);
  expect(await made({ body: "abc", status: 304 })).toEqual(["text/plain;charset=UTF-8", "3", ""]);
});

test("its bytes are the reader's own, and bounded by maxResponseSize: at it, one past it", async () => {
  const bytes = Buffer.from("abcd");
  const session = new FakeNet().session({ middleware: [answering({ body: bytes })] });
  (await session.get(URL_A).bytes()).fill(0);
  expect(await session.get(URL_A, { maxResponseSize: 4 }).text()).toBe("abcd");
  expect(await rejection(session.get(URL_A, { maxResponseSize: 3 }).text())).toBeInstanceOf(ResponseTooLargeError);
});

test("parseJson of the session holds for made, stored and shared answers, too", async () => {
  const json = { a: 1 };
  const stored =
    "HTTP/1.1 200 \r\ncache-control: max-age=60\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n1";
  const parseJson = (text: string): unknown => `parsed ${text}`;
  const made = new FakeNet().session({ middleware: [answering({ json })], parseJson });
  expect(await (await made.get(URL_A)).json()).toBe('parsed {"a":1}');
  const net = new FakeNet(() => stored);
  const caching = net.session({ hopMiddleware: [cache()], parseJson });
  for (let turn = 0; turn < 2; turn += 1) {
    const response = await caching.get(URL_A);
    expect(await response.json()).toBe("parsed 1");
  }
  expect(net.seen.length).toBe(1);
  const sharing = net.session({ middleware: [dedupe()], parseJson });
  const both = await Promise.all([sharing.get(URL_A), sharing.get(URL_A)]);
  expect(await Promise.all(both.map((response) => response.json()))).toEqual(["parsed 1", "parsed 1"]);
});

test.each<[object, string]>([
  [{ status: 199 }, "options/out-of-range"],
  [{ status: 600 }, "options/out-of-range"],
  [{ status: 200.5 }, "options/out-of-range"],
  [{ json: 1, body: "x" }, "options/conflict"],
  [{ body: 1 }, "options/unknown-value"],
  [{ text: "x" }, "options/unknown"],
  [{ json: () => 1 }, "body/not-json"],
])("%j is refused", async (answer, code) => {
  const session = new FakeNet().session({ middleware: [answering(answer as MadeResponse)] });
  const error = await rejection(session.get(URL_A));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.code).toBe(code);
});

test("fields that cannot be are refused", async () => {
  for (const headers of [{ "a b": "1" }, { a: "1\r\nb: 2" }]) {
    const session = new FakeNet().session({ middleware: [answering({ headers })] });
    expect(await rejection(session.get(URL_A))).toBeInstanceOf(UsageError);
  }
});
