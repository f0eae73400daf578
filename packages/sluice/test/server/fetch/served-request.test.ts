/** The `Request` that a fetch-style application gets, against the Fetch standard and a native one. */
import { describe, expect, test } from "vitest";
import { Body } from "../../../src/body/body.js";
import { fetchUrl } from "../../../src/server/fetch/fetch-url.js";
import { ServedRequest, servesAsNative } from "../../../src/server/fetch/served-request.js";
import { HttpError } from "../../../src/server/http-error.js";
import { FakeExchange, type FakeRequest } from "../fake-exchange.js";

const LIMIT = 100;

function requestFor(method: string, target: string, given: FakeRequest = {}): Request {
  return new ServedRequest(
    new FakeExchange(method, target, given),
    `http://example.com${target}`,
    LIMIT,
  ) as unknown as Request;
}

function post(body: string | Uint8Array, ...fields: string[]): Request {
  return requestFor("POST", "/", { body, fields: ["Host", "example.com", ...fields] });
}

/** A native request made of ours: where the platform's own classes look inside each other, the way that replaced globals go. */
function copyOf(request: Request, init?: RequestInit): Request {
  return new Request(servesAsNative ? request : ServedRequest.nativeOf(request), init);
}

/** What a body gives that is still on its way, piece by piece. */
function arriving(): Body {
  return new Body({ pause() {}, resume() {}, cancel() {} });
}

describe("a served request", () => {
  test("is a Request, to everybody who asks", () => {
    const request = post("x");
    expect(request).toBeInstanceOf(Request);
    expect(request.constructor).toBe(Request);
    expect(Object.prototype.toString.call(request)).toBe("[object Request]");
  });

  test("has every member that a native one has, with the same value", () => {
    const native = new Request("http://example.com/a?b", { method: "DELETE" });
    const ours = requestFor("DELETE", "/a?b");
    const members = Object.getOwnPropertyNames(Request.prototype) as (keyof Request)[];
    const plain = members.filter((name) => !["headers", "signal", "constructor"].includes(name));
    for (const name of plain.filter((one) => typeof native[one] !== "function")) {
      expect([name, ours[name]]).toEqual([name, native[name]]);
    }
    for (const name of plain) expect([name, typeof ours[name]]).toEqual([name, typeof native[name]]);
  });

  test.each([
    ["get", "GET"],
    ["Post", "POST"],
    ["patch", "patch"],
    ["PATCH", "PATCH"],
    ["propFind", "propFind"],
  ])("method %s is %s, as the standard normalises it", (sent, seen) => {
    expect(requestFor(sent, "/").method).toBe(seen);
    expect(new Request("http://example.com", { method: sent }).method).toBe(seen);
  });

  test.each(["GET", "HEAD", "get"])("%s has no body, whatever was sent", async (method) => {
    const request = requestFor(method, "/", { body: "ignored" });
    expect(request.body).toBeNull();
    expect(await request.text()).toBe("");
    expect(request.bodyUsed).toBe(false);
  });

  test("a request without a body has none, and reads as empty any number of times", async () => {
    const request = requestFor("POST", "/");
    expect(request.body).toBeNull();
    expect([await request.text(), await request.text()]).toEqual(["", ""]);
    await expect(request.json()).rejects.toBeInstanceOf(SyntaxError);
  });

  test("asks for the signal only when it is asked for", () => {
    const exchange = new FakeExchange("POST", "/", { body: "x" });
    const request = new ServedRequest(exchange, "http://example.com/", LIMIT);
    void request.headers.get("host");
    expect(exchange.signalsAsked).toBe(0);
    const { signal } = request;
    exchange.goAway(new Error("gone"));
    expect([signal.aborted, exchange.signalsAsked]).toEqual([true, 1]);
  });

  test("a native request made of it follows its signal", async () => {
    const exchange = new FakeExchange("POST", "/", { body: "x" });
    const request = new ServedRequest(exchange, "http://example.com/", LIMIT) as unknown as Request;
    const made = copyOf(request);
    const reason = new Error("gone");
    exchange.goAway(reason);
    expect([made.signal.aborted, made.signal.reason]).toEqual([true, reason]);
  });
});

describe("reading the body", () => {
  test.each<[string, (request: Request) => Promise<unknown>, unknown]>([
    ["text", (request) => request.text(), '{"a":"é"}'],
    ["json", (request) => request.json(), { a: "é" }],
    ["arrayBuffer", async (request) => Buffer.from(await request.arrayBuffer()).toString(), '{"a":"é"}'],
    ["blob", async (request) => (await request.blob()).text(), '{"a":"é"}'],
    ["stream", async (request) => new Response(request.body).text(), '{"a":"é"}'],
  ])("%s gives the whole, once", async (_name, read, expected) => {
    const request = post('{"a":"é"}');
    expect(request.bodyUsed).toBe(false);
    expect(await read(request)).toEqual(expected);
    expect(request.bodyUsed).toBe(true);
    await expect(request.text()).rejects.toBeInstanceOf(TypeError);
    expect(() => request.clone()).toThrow(TypeError);
    expect(() => copyOf(request)).toThrow(TypeError);
  });

  test("a body that comes in pieces is waited for", async () => {
    const body = arriving();
    const reading = requestFor("POST", "/", { body }).text();
    body.push(Buffer.from("one "), false);
    body.push(Buffer.from("two"), false);
    body.finish([]);
    expect(await reading).toBe("one two");
  });

  test("text is UTF-8 whatever the type says, without its byte order mark, and never fails", async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0xff]);
    expect(await post(bytes, "Content-Type", "text/plain; charset=latin1").text()).toBe("é\ufffd");
  });

  test("the bytes are alone in their buffer", async () => {
    const exchange = new FakeExchange("POST", "/", { body: Buffer.from("padded").subarray(0, 3) });
    const buffer = await (
      new ServedRequest(exchange, "http://example.com/", LIMIT) as unknown as Request
    ).arrayBuffer();
    expect(buffer.byteLength).toBe(3);
  });

  test("a blob has the type, and a form its fields", async () => {
    expect((await post("b", "Content-Type", "image/x-made-up").blob()).type).toBe("image/x-made-up");
    const form = await post("a=1&a=2", "Content-Type", "application/x-www-form-urlencoded").formData();
    expect(form.getAll("a")).toEqual(["1", "2"]);
  });

  test("a clone reads the same", async () => {
    const request = post("again");
    const copy = request.clone();
    expect(await Promise.all([request.text(), copy.text()])).toEqual(["again", "again"]);
    expect([request.bodyUsed, copy.bodyUsed]).toEqual([true, true]);
  });

  test("a request with another head is made of it, and takes its body", async () => {
    const request = post("moved", "X-One", "1");
    const made = copyOf(request, { headers: { "x-two": "2" } });
    expect([made.url, made.method, made.headers.get("x-one"), made.headers.get("x-two")]).toEqual([
      "http://example.com/",
      "POST",
      null,
      "2",
    ]);
    expect(await made.text()).toBe("moved");
    expect(request.bodyUsed).toBe(true);
  });

  test("it serves as the init of a request to somewhere else", async () => {
    const request = post("on", "X-One", "1");
    const made = new Request("http://upstream.example/x", request as RequestInit);
    expect([made.method, made.headers.get("x-one"), await made.text()]).toEqual(["POST", "1", "on"]);
  });

  test("looking whether there is a body reads nothing, and hinders nothing", async () => {
    const request = post("still here");
    expect(request.body).not.toBeNull();
    expect(request.body).toBe(request.body);
    expect(request.bodyUsed).toBe(false);
    expect(await request.text()).toBe("still here");
    expect(request.bodyUsed).toBe(true);
  });

  test("a stream that is locked, or has been read from, cannot be read in another way", async () => {
    const locked = post("x");
    locked.body?.getReader();
    await expect(locked.text()).rejects.toBeInstanceOf(TypeError);
    const begun = post("x");
    const reader = begun.body?.getReader();
    await reader?.read();
    reader?.releaseLock();
    expect(begun.bodyUsed).toBe(true);
    await expect(begun.json()).rejects.toBeInstanceOf(TypeError);
  });

  test("a BYOB reader is welcome", async () => {
    const reader = (post("abc").body as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(8));
    expect(Buffer.from(value ?? []).toString()).toBe("abc");
    expect((await reader.read(new Uint8Array(8))).done).toBe(true);
  });

  test("a body that breaks off is a TypeError, of the stream as well", async () => {
    const lost = Object.assign(new Error("lost"), { name: "Made up" });
    const whole = arriving();
    const reading = requestFor("POST", "/", { body: whole }).text();
    whole.fail(lost);
    await expect(reading).rejects.toBe(lost);
    const { ConnectionLostError } = await import("../../../src/errors.js");
    const broken = arriving();
    const request = requestFor("POST", "/", { body: broken });
    const reader = request.body?.getReader();
    broken.push(Buffer.from("first"), false);
    expect((await reader?.read())?.done).toBe(false);
    broken.fail(new ConnectionLostError("server/client-gone", "Cannot go on"));
    await expect(reader?.read()).rejects.toMatchObject({ name: "TypeError", cause: { code: "server/client-gone" } });
  });
});

describe("the limit of bodies that are read as a whole", () => {
  const readers: [string, (request: Request) => Promise<unknown>][] = [
    ["text", (request) => request.text()],
    ["json", (request) => request.json()],
    ["arrayBuffer", (request) => request.arrayBuffer()],
    ["blob", (request) => request.blob()],
    ["formData", (request) => request.formData()],
    ["clone", (request) => request.clone().text()],
    ["new Request", (request) => copyOf(request).text()],
  ];
  test.each(readers)("%s: one byte too many is HttpError 413, declared or not", async (name, read) => {
    const declared = post("x".repeat(LIMIT + 1), "Content-Length", String(LIMIT + 1));
    await expect(read(declared)).rejects.toMatchObject({ status: 413, code: "server/body-too-large" });
    const chunked = arriving();
    const reading = read(requestFor("POST", "/", { body: chunked }));
    chunked.push(Buffer.alloc(LIMIT), false);
    chunked.push(Buffer.alloc(1), false);
    chunked.finish([]);
    await expect(reading, name).rejects.toBeInstanceOf(HttpError);
  });

  test("exactly as many are read", async () => {
    expect(await post("x".repeat(LIMIT)).text()).toHaveLength(LIMIT);
    expect(await post("x".repeat(LIMIT)).clone().text()).toHaveLength(LIMIT);
  });

  test("the stream has none", async () => {
    expect(await new Response(post("x".repeat(LIMIT * 3)).body).text()).toHaveLength(LIMIT * 3);
  });

  test("the error brings its answer along, for frameworks that ask for it", async () => {
    const error = await post("x".repeat(LIMIT + 1))
      .text()
      .catch((thrown: unknown) => thrown);
    const answer = (error as { getResponse(): Response }).getResponse();
    expect([answer.status, await answer.text()]).toEqual([413, `The body has more than ${LIMIT} bytes\n`]);
  });
});

describe("its headers", () => {
  const fields = ["Host", "example.com", "X-A", "1", "x-a", "2", "Cookie", "a=1", "cookie", "b=2", "X-B", "caf\u00e9"];
  const headersOf = () => requestFor("GET", "/", { fields }).headers;
  const native = new Headers([...pairs(fields)]);

  test("are a Headers, with the values of one name joined", () => {
    const headers = headersOf();
    expect(headers).toBeInstanceOf(Headers);
    for (const name of ["host", "X-A", "cookie", "x-b", "absent"]) {
      expect([name, headers.get(name), headers.has(name)]).toEqual([name, native.get(name), native.has(name)]);
    }
    expect([...headers]).toEqual([...native]);
    expect([...headers.keys()]).toEqual([...native.keys()]);
    expect([...headers.values()]).toEqual([...native.values()]);
    expect([...new Headers(headers)]).toEqual([...native]);
    const seen: unknown[] = [];
    headers.forEach((value, name) => {
      seen.push([name, value]);
    });
    expect(seen).toEqual([...native]);
  });

  test("can be changed, and are one object", () => {
    const request = requestFor("GET", "/", { fields });
    request.headers.set("X-A", "3");
    request.headers.delete("x-b");
    request.headers.append("set-cookie", "c=1");
    expect([request.headers.get("x-a"), request.headers.has("x-b"), request.headers.getSetCookie()]).toEqual([
      "3",
      false,
      ["c=1"],
    ]);
    expect(copyOf(request).headers.get("x-a")).toBe("3");
  });

  test("a name that is none is refused as by a native one", () => {
    expect(() => headersOf().get("a b")).toThrow(TypeError);
    expect(() => headersOf().has("")).toThrow(TypeError);
  });
});

describe("the URL", () => {
  const urlOf = (target: string, host = "example.com", given: FakeRequest = {}) =>
    fetchUrl(new FakeExchange("GET", target, { fields: ["Host", host], ...given }), undefined);

  test.each([
    ["/", "example.com", "http://example.com/"],
    ["/a/b?c=d&e", "example.com:8080", "http://example.com:8080/a/b?c=d&e"],
    ["/%C3%A9/%2F?x=%20", "example.com", "http://example.com/%C3%A9/%2F?x=%20"],
    ["/", "EXAMPLE.com:80", "http://example.com/"],
    ["/", "[2001:DB8::1]:81", "http://[2001:db8::1]:81/"],
    ["/", "", "http://localhost/"],
    ["//other.example/x", "example.com", "http://example.com//other.example/x"],
    ["/a/../b/./c", "example.com", "http://example.com/b/c"],
    ["/a/%2e%2e/b", "example.com", "http://example.com/b"],
    ["/a.b/..c", "example.com", "http://example.com/a.b/..c"],
    ["/'?'", "example.com", "http://example.com/'?%27"],
    ['/"<>`{}|', "example.com", "http://example.com/%22%3C%3E%60%7B%7D|"],
    ["/a\\b", "example.com", "http://example.com/a/b"],
    ["http://absolute.example/p?q", "example.com", "http://absolute.example/p?q"],
    ["http://absolute.example?q", "example.com", "http://absolute.example/?q"],
    ["*", "example.com", "http://example.com/"],
  ])("of %s at %s is %s", (target, host, url) => {
    expect(urlOf(target, host)).toBe(url);
    expect(new URL(url).href).toBe(url);
  });

  test("has https over TLS, and what trusted proxies tell", () => {
    expect(urlOf("/", "example.com", { fields: ["Host", "example.com"], secure: true })).toBe("https://example.com/");
    const view = { address: "192.0.2.9", addresses: ["192.0.2.9"], scheme: "https", host: "public.example" } as const;
    expect(fetchUrl(new FakeExchange("GET", "/x"), view)).toBe("https://public.example/x");
  });

  test("a host that no URL can have is 400", () => {
    expect(() => urlOf("/", "1.2.3.4.5")).toThrow(expect.objectContaining({ status: 400, code: "server/host" }));
  });

  test("hosts that clients make up are not remembered without end", () => {
    for (let count = 0; count < 2_000; count += 1)
      expect(urlOf("/", `h${count}.example`)).toBe(`http://h${count}.example/`);
    expect(urlOf("/", "h1.example")).toBe("http://h1.example/");
  });
});

function* pairs(fields: readonly string[]): Generator<[string, string]> {
  for (let at = 0; at < fields.length; at += 2) yield [fields[at] ?? "", fields[at + 1] ?? ""];
}
