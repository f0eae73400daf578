/** What goes out: the clauses of the Fetch standard on the Request constructor (§5.4), headers (§5.1) and bodies (§5.2). */
import { describe, expect, test } from "vitest";
import { FakeNet, rejection } from "../fake-net.js";

const URL_A = "http://a.test/x";
const AUTOMATIC = new Set(["host", "accept", "accept-encoding", "user-agent"]);

/** One call, and the request that came of it. */
async function sent(
  input: unknown,
  init?: unknown,
): Promise<{ method: string; target: string; fields: object; body: string }> {
  const net = new FakeNet();
  await net.session().fetch(input as string, init as RequestInit);
  const [seen] = net.seen;
  if (seen === undefined) throw new Error("Nothing was sent");
  const { method, target, body } = seen;
  const fields = Object.fromEntries([...seen.fields].filter(([name]) => !AUTOMATIC.has(name)));
  return { method, target, fields, body };
}

/** The TypeError of a call that sends nothing. */
async function refused(input: unknown, init?: unknown): Promise<TypeError> {
  const net = new FakeNet();
  const error = await rejection<TypeError>(net.session().fetch(input as string, init as RequestInit));
  expect(net.connections).toEqual([]);
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).not.toBe("fetch failed");
  return error;
}

describe("§5.4 new Request(input, init)", () => {
  test("step 5: the input is text, a URL, or anything that has a text", async () => {
    for (const input of [URL_A, new URL(URL_A), { toString: () => URL_A }, `${URL_A}#fragment`]) {
      expect(await sent(input)).toEqual({ method: "GET", target: "/x", fields: {}, body: "" });
    }
  });

  test("step 5.1: a URL that does not parse is refused, a relative one without a base is too", async () => {
    expect((await refused("http://[")).message).toContain("not a valid URL");
    expect((await refused("/relative")).message).toContain("baseUrl");
  });

  test("step 5.3: a URL with credentials is refused, and not repeated", async () => {
    const error = await refused("http://user:hunter2@a.test/");
    expect(error.message).toContain("credentials");
    expect(JSON.stringify([error.message, error.stack])).not.toContain("hunter2");
    expect(await sent("http://a.test/@mail")).toMatchObject({ target: "/@mail" });
  });

  test("step 6: a Request gives method, headers and body, its options those of the call that are not there", async () => {
    const request = () => new Request(URL_A, { method: "POST", body: "abc", headers: { "x-one": "1" } });
    const type = "text/plain;charset=UTF-8";
    expect(await sent(request())).toEqual({
      method: "POST",
      target: "/x",
      fields: { "x-one": "1", "content-type": type, "content-length": "3" },
      body: "abc",
    });
    expect((await sent(request(), { headers: { "x-two": "2" } })).fields).toEqual({
      "x-two": "2",
      "content-length": "3",
    });
    expect((await sent(request(), { body: "other" })).body).toBe("other");
    expect((await sent(request(), { method: "PUT" })).method).toBe("PUT");
  });

  test("step 10: window must be null", async () => {
    await refused(URL_A, { window: "client" });
    expect(await sent(URL_A, { window: null })).toMatchObject({ method: "GET" });
  });

  test("step 17: the mode navigate is refused, all others change nothing here", async () => {
    await refused(URL_A, { mode: "navigate" });
    for (const mode of ["cors", "no-cors", "same-origin"])
      expect(await sent(URL_A, { mode })).toMatchObject({ fields: {} });
  });

  test.each([
    ["mode", "page"],
    ["credentials", "all"],
    ["cache", "never"],
    ["redirect", "twice"],
    ["referrerPolicy", "all"],
    ["duplex", "full"],
    ["priority", "first"],
    ["redirect", null],
  ])("enumerations: %s may not be %s", async (name, value) => {
    expect((await refused(URL_A, { method: "POST", body: "x", [name]: value })).message).toContain(name);
  });

  test("step 21: only-if-cached needs the mode same-origin, and finds nothing cached", async () => {
    await refused(URL_A, { cache: "only-if-cached" });
    const failed = await rejection<TypeError>(
      new FakeNet().session().fetch(URL_A, { cache: "only-if-cached", mode: "same-origin" } as RequestInit),
    );
    expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "fetch/not-cached" } });
  });

  test("step 25: methods of the standard's list are put in capitals, others left alone, forbidden ones refused", async () => {
    for (const method of ["delete", "Get", "head", "options", "post", "PuT"]) {
      expect((await sent(URL_A, { method })).method).toBe(method.toUpperCase());
    }
    for (const method of ["patch", "PATCH", "Foo"]) expect((await sent(URL_A, { method })).method).toBe(method);
    for (const method of ["CONNECT", "trace", "Track", "a b", "", "a\r\nb"]) await refused(URL_A, { method });
  });

  test("step 26: a signal that is none is refused, null is none", async () => {
    await refused(URL_A, { signal: {} });
    await refused(URL_A, { signal: "x" });
    expect(await sent(URL_A, { signal: null })).toMatchObject({ method: "GET" });
  });

  test("step 34: GET and HEAD have no body", async () => {
    for (const method of ["GET", "HEAD", undefined]) await refused(URL_A, { method, body: "x" });
    await refused(new Request(URL_A, { method: "POST", body: "x" }), { method: "GET" });
    expect(await sent(URL_A, { method: "GET", body: null })).toMatchObject({ body: "" });
  });

  test("step 37: a stream needs duplex half, and does not go with keepalive", async () => {
    const cancelled: unknown[] = [];
    const stream = () => new ReadableStream({ cancel: (reason) => void cancelled.push(reason) });
    await refused(URL_A, { method: "POST", body: stream() });
    await refused(URL_A, { method: "POST", body: stream(), duplex: "half", keepalive: true });
    expect(cancelled.length).toBe(2);
  });

  test("step 38: a body that was used, or is locked, is refused", async () => {
    const request = new Request(URL_A, { method: "POST", body: "x" });
    await request.text();
    await refused(request);
    const locked = new ReadableStream();
    locked.getReader();
    await refused(URL_A, { method: "POST", body: locked, duplex: "half" });
    const read = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.from("x")) });
    const reader = read.getReader();
    await reader.read();
    reader.releaseLock();
    await refused(URL_A, { method: "POST", body: read, duplex: "half" });
  });

  test("options that are no object are refused", async () => {
    await refused(URL_A, 7);
    expect(await sent(URL_A, null)).toMatchObject({ method: "GET" });
  });
});

describe("§5.1 Headers", () => {
  test("a record, pairs, Headers and anything that can be iterated, values trimmed, those of one name joined", async () => {
    const expected = { "x-a": "1, 2", "x-b": "" };
    const pairs = [
      ["X-A", " 1\t"],
      ["x-a", "2"],
      ["x-b", ""],
    ] as const;
    for (const headers of [
      pairs,
      new Headers(pairs as never),
      new Map([
        ["X-A", "1, 2"],
        ["x-b", ""],
      ]),
      { "X-A": "1, 2", "x-b": "" },
    ]) {
      expect((await sent(URL_A, { headers })).fields).toEqual(expected);
    }
    expect((await sent(URL_A, { headers: { "x-n": 7, "x-u": undefined } })).fields).toEqual({
      "x-n": "7",
      "x-u": "undefined",
    });
    expect(
      (
        await sent(URL_A, {
          headers: [
            ["cookie", "a=1"],
            ["Cookie", "b=2"],
          ],
        })
      ).fields,
    ).toEqual({ cookie: "a=1; b=2" });
  });

  test.each([
    [{ "bad name": "1" }],
    [{ "": "1" }],
    [{ "x-a": "a\nb" }],
    [{ "x-a": "a\0b" }],
    [{ "x-a": "\u20ac" }],
    [[["one"]]],
    [[["one", "two", "three"]]],
    [["text"]],
    ["text"],
    [null],
    [{ [Symbol("s")]: "1" }],
  ])("%o is refused", async (headers) => {
    expect((await refused(URL_A, { headers })).message).toMatch(/header/);
  });

  test("§2.2.2: host is the URL's; other names that are forbidden to pages are the caller's to set", async () => {
    const headers = {
      host: "other.test",
      cookie: "a=1",
      origin: "http://o.test",
      "sec-x": "y",
      connection: "keep-alive",
    };
    const net = new FakeNet();
    await net.session().fetch(URL_A, { headers });
    expect(net.seen[0]?.fields.get("host")).toBe("a.test");
    expect((await sent(URL_A, { headers })).fields).toEqual({ cookie: "a=1", origin: "http://o.test", "sec-x": "y" });
  });

  test("what belongs to the connection is a network error whose cause names it", async () => {
    for (const headers of [{ "transfer-encoding": "chunked" }, { upgrade: "x" }, { "content-length": "9" }]) {
      const failed = await rejection<TypeError>(
        new FakeNet().session().fetch(URL_A, { method: "POST", body: "x", headers }),
      );
      expect(failed).toMatchObject({ name: "TypeError", message: "fetch failed", cause: { name: "UsageError" } });
    }
  });
});

describe("§5.2 bodies and their types", () => {
  const form = () => {
    const made = new FormData();
    made.set("a", "1");
    made.set("f", new Blob(["file"], { type: "text/css" }), "f.css");
    return made;
  };
  async function* pieces(): AsyncGenerator<string> {
    yield "ab";
    yield "cd";
  }

  test.each([
    ["text", "h\u00e4", "text/plain;charset=UTF-8", "h\u00c3\u00a4"],
    ["bytes", new Uint8Array([65, 66]), undefined, "AB"],
    ["a view", new DataView(new Uint8Array([1, 65, 66, 1]).buffer, 1, 2), undefined, "AB"],
    ["an ArrayBuffer", new Uint8Array([65, 66]).buffer, undefined, "AB"],
    ["a Blob with a type", new Blob(["AB"], { type: "x/y" }), "x/y", "AB"],
    ["a Blob without", new Blob(["AB"]), undefined, "AB"],
    ["URLSearchParams", new URLSearchParams({ a: "1 2" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=1+2"],
    ["a number", 17, "text/plain;charset=UTF-8", "17"],
    ["an object", { a: 1 }, "text/plain;charset=UTF-8", "[object Object]"],
  ])("%s has its length and its type", async (_what, body, type, bytes) => {
    const request = await sent(URL_A, { method: "POST", body });
    const typed = type === undefined ? {} : { "content-type": type };
    expect(request).toMatchObject({ body: bytes, fields: { ...typed, "content-length": String(bytes.length) } });
    expect((await sent(URL_A, { method: "POST", body, headers: { "Content-Type": "own" } })).fields).toMatchObject({
      "content-type": "own",
    });
  });

  test("FormData is multipart, with its length", async () => {
    const { fields, body } = await sent(URL_A, { method: "POST", body: form() });
    const type = (fields as Record<string, string>)["content-type"] ?? "";
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(type)?.[1] ?? "";
    expect(body.split(`--${boundary}`).length).toBe(4);
    expect(body).toContain('filename="f.css"\r\nContent-Type: text/css\r\n\r\nfile');
    expect(fields).toMatchObject({ "content-length": String(body.length) });
  });

  test("streams and async iterables leave in chunks", async () => {
    const stream = new Blob(["abcd"]).stream();
    for (const body of [stream, pieces()]) {
      const request = await sent(URL_A, { method: "POST", body, duplex: "half" });
      expect(request).toMatchObject({ body: "abcd", fields: { "transfer-encoding": "chunked" } });
    }
  });

  test("bytes, parameters and forms are read when fetch is called, by the first call of all too", async () => {
    const net = new FakeNet();
    const bytes = new Uint8Array([65, 66]);
    const params = new URLSearchParams({ a: "1" });
    const headers = new Headers({ "x-h": "1" });
    const { fetch } = net.session();
    const calls = [
      fetch(URL_A, { method: "POST", body: bytes, headers }),
      fetch(URL_A, { method: "POST", body: params }),
    ];
    bytes.fill(90);
    params.set("a", "changed");
    headers.set("x-h", "changed");
    await Promise.all(calls);
    expect(net.seen.map(({ body }) => body)).toEqual(["AB", "a=1"]);
    expect(net.seen[0]?.fields.get("x-h")).toBe("1");
  });

  test("a Request's body that comes slowly, or is long, is sent as the stream that it is", async () => {
    const slow = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from("be"));
        await new Promise((resolve) => setTimeout(resolve, 5));
        controller.enqueue(Buffer.from("gin"));
        controller.close();
      },
    });
    const one = await sent(new Request(URL_A, { method: "POST", body: slow, duplex: "half" }));
    expect(one).toMatchObject({ body: "begin", fields: { "transfer-encoding": "chunked" } });
    const long = await sent(new Request(URL_A, { method: "POST", body: "x".repeat(1_048_577) }));
    expect(long).toMatchObject({ fields: { "transfer-encoding": "chunked" } });
    expect(long.body.length).toBe(1_048_577);
    const most = await sent(new Request(URL_A, { method: "POST", body: "x".repeat(1_048_576) }));
    expect(most).toMatchObject({ fields: { "content-length": "1048576" } });
  });
});

describe("§4.5 what options stand for", () => {
  test("cache modes ask caches on the way, unless the caller does it", async () => {
    expect((await sent(URL_A, { cache: "no-cache" })).fields).toEqual({ "cache-control": "max-age=0" });
    for (const cache of ["no-store", "reload"]) {
      expect((await sent(URL_A, { cache })).fields).toEqual({ pragma: "no-cache", "cache-control": "no-cache" });
    }
    const headers = { "cache-control": "own", pragma: "own" };
    expect((await sent(URL_A, { cache: "reload", headers })).fields).toEqual(headers);
    for (const cache of ["default", "force-cache"]) expect((await sent(URL_A, { cache })).fields).toEqual({});
  });

  test.each([
    ["http://a.test/p?q#f", undefined, "http://a.test/p?q"],
    ["http://b.test/p?q", undefined, "http://b.test/"],
    ["http://b.test/p?q", "no-referrer", undefined],
    ["http://b.test/p?q", "unsafe-url", "http://b.test/p?q"],
    ["http://b.test/p?q", "same-origin", undefined],
    ["http://a.test/p?q", "same-origin", "http://a.test/p?q"],
    ["http://a.test/p?q", "origin", "http://a.test/"],
    ["http://b.test/p", "origin-when-cross-origin", "http://b.test/"],
    ["http://a.test/p", "origin-when-cross-origin", "http://a.test/p"],
    ["https://b.test/p", "no-referrer-when-downgrade", undefined],
    ["http://b.test/p", "no-referrer-when-downgrade", "http://b.test/p"],
    ["https://b.test/p", "strict-origin", undefined],
    ["http://b.test/p", "strict-origin", "http://b.test/"],
    ["https://b.test/p", "strict-origin-when-cross-origin", undefined],
    ["file:///p", "unsafe-url", undefined],
    ["", undefined, undefined],
    ["about:client", undefined, undefined],
    [`http://a.test/${"x".repeat(5_000)}`, "unsafe-url", "http://a.test/"],
  ])("referrer %s with policy %s: %s (Referrer Policy §8.3)", async (referrer, referrerPolicy, expected) => {
    const { fields } = await sent(URL_A, { referrer, ...(referrerPolicy && { referrerPolicy }) });
    expect((fields as Record<string, string>)["referer"]).toBe(expected);
  });

  test("a referrer that is no URL is refused; a header of that name is the caller's word", async () => {
    await refused(URL_A, { referrer: "http://[" });
    const { fields } = await sent(URL_A, { referrer: "http://a.test/p", headers: { referer: "mine" } });
    expect(fields).toEqual({ referer: "mine" });
  });

  test("keepalive and priority are taken, and change nothing", async () => {
    const asked = { method: "POST", body: "x", keepalive: true, priority: "high" };
    expect(await sent(URL_A, asked)).toMatchObject({ body: "x" });
  });
});
