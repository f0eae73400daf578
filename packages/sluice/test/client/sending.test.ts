import { createReadStream } from "node:fs";
import { mkdtemp, open as openFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestOptions } from "../../src/client/options.js";
import { InvalidUrlError, UsageError } from "../../src/errors.js";
import { FakeNet, ok, rejection, type Seen, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

async function sent(options: RequestOptions, method = "POST"): Promise<Seen> {
  const net = new FakeNet();
  await net.session().request(method, URL_A, options);
  const [seen] = net.seen;
  if (seen === undefined) throw new Error("Nothing was sent");
  return seen;
}

test("every method is sent as it is named, common ones in capitals", async () => {
  const net = new FakeNet(({ method }) =>
    method === "HEAD" ? "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n" : ok("ok"),
  );
  const session = net.session();
  await session.get(URL_A);
  await session.head(URL_A);
  await session.post(URL_A);
  await session.put(URL_A);
  await session.patch(URL_A);
  await session.delete(URL_A);
  await session.options(URL_A);
  await session.query(URL_A, { body: "select" });
  await session.request("post", URL_A);
  await session.request("purge", URL_A);
  expect(net.seen.map((seen) => seen.method)).toEqual([
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "QUERY",
    "POST",
    "purge",
  ]);
  expect(net.seen[7]?.body).toBe("select");
});

test("a method with content but none given says so with a length of 0, others say nothing", async () => {
  expect((await sent({}, "POST")).fields.get("content-length")).toBe("0");
  expect((await sent({}, "PUT")).fields.get("content-length")).toBe("0");
  expect((await sent({}, "GET")).fields.has("content-length")).toBe(false);
  expect((await sent({}, "DELETE")).fields.has("content-length")).toBe(false);
});

test("the automatic fields are Host, Accept, Accept-Encoding and User-Agent, each left out where the caller has one", async () => {
  const plain = await sent({}, "GET");
  expect([...plain.fields.keys()]).toEqual(["host", "accept", "accept-encoding", "user-agent"]);
  expect(plain.fields.get("host")).toBe("a.test");
  const own = await sent({ headers: { Accept: "text/css", "USER-AGENT": "me", host: "other" } }, "GET");
  expect(own.fields.get("accept")).toBe("text/css");
  expect(own.fields.get("user-agent")).toBe("me");
  expect(own.fields.get("host")).toBe("other");
  expect((await sent({ decompress: false }, "GET")).fields.has("accept-encoding")).toBe(false);
});

test("a port that is not the scheme's own stands in Host, and an IPv6 address keeps its brackets", async () => {
  const net = new FakeNet();
  const session = net.session();
  await session.get("http://a.test:81/");
  await session.get("http://a.test:80/");
  await session.get("http://[::1]:8080/");
  expect(net.seen.map((seen) => seen.fields.get("host"))).toEqual(["a.test:81", "a.test", "[::1]:8080"]);
  expect(net.connections[2]?.target.host).toBe("::1");
});

test("characters that URLs may have are sent, with and without fields of one's own", async () => {
  const net = new FakeNet();
  const session = net.session();
  const urls = ["http://a.test/a|b[1]^?q=[x]|{y}'", "http://a.test/ü?ü=ü", "http://a.test/%zz;x=1,2"];
  for (const url of urls) {
    await session.get(url);
    await session.get(url, { headers: { "x-own": "1" } });
  }
  for (let at = 0; at < urls.length; at += 1) {
    const parsed = new URL(urls[at] ?? "");
    expect(net.seen[2 * at]?.target).toBe(parsed.pathname + parsed.search);
    expect(net.seen[2 * at + 1]?.target).toBe(parsed.pathname + parsed.search);
  }
});

test("a fragment is never sent, and params join the URL's own query", async () => {
  const net = new FakeNet();
  const session = net.session({ params: { lang: "en", page: 1 } });
  await session.get("http://a.test/x?a=1#part", { params: { page: 2, tag: ["x", "y"], none: undefined, yes: true } });
  expect(net.seen[0]?.target).toBe("/x?a=1&lang=en&page=2&tag=x&tag=y&yes=true");
  await session.get("http://a.test/x", { params: new URLSearchParams("q=%C3%A4") });
  expect(net.seen[1]?.target).toBe("/x?lang=en&page=1&q=%C3%A4");
});

test("params leave the URL's own query as it was written", async () => {
  const net = new FakeNet();
  await net.session().get("http://a.test/x?flag&sig=a%20b+c;d", { params: { n: "ü&" } });
  expect(net.seen[0]?.target).toBe("/x?flag&sig=a%20b+c;d&n=%C3%BC%26");
});

// Bodies.

describe("bodies", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-"));
    await writeFile(join(folder, "file.bin"), "file content");
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("json, form, strings, bytes, Blob and URLSearchParams have a known length and a type of their own", async () => {
    const cases: [RequestOptions, body: string, type: string | undefined][] = [
      [{ json: { a: 1 } }, '{"a":1}', "application/json"],
      [{ json: null }, "null", "application/json"],
      [{ json: { a: Number.NaN, b: undefined, c: [undefined] } }, '{"a":null,"c":[null]}', "application/json"],
      // An option that is undefined is as if it were not there.
      [{ json: undefined }, "", undefined],
      [{ json: undefined, body: "b" }, "b", "text/plain;charset=UTF-8"],
      [{ form: { a: "1 2", b: ["x", "y"] } }, "a=1+2&b=x&b=y", "application/x-www-form-urlencoded;charset=UTF-8"],
      [{ body: "tä" }, "t\xc3\xa4", "text/plain;charset=UTF-8"],
      [{ body: new Uint8Array([1, 255]) }, "\x01\xff", undefined],
      [{ body: new Uint8Array([1, 2]).buffer }, "\x01\x02", undefined],
      [{ body: new Blob(["blob"], { type: "text/css" }) }, "blob", "text/css"],
      [{ body: new URLSearchParams({ a: "ä" }) }, "a=%C3%A4", "application/x-www-form-urlencoded;charset=UTF-8"],
      [{ body: "" }, "", "text/plain;charset=UTF-8"],
    ];
    for (const [options, body, type] of cases) {
      const seen = await sent(options);
      expect(seen.body).toBe(body);
      expect(seen.fields.get("content-type")).toBe(type);
      expect(seen.fields.get("content-length")).toBe(String(body.length));
    }
  });

  test("bodies of different kinds in one session each have their own type, and none stays for the next", async () => {
    const net = new FakeNet();
    const session = net.session();
    for (const body of ["a", new Uint8Array([1]), "b"]) await session.post(URL_A, { body });
    await session.post(URL_A, { json: 1 });
    await session.post(URL_A);
    const types = net.seen.map(({ fields }) => fields.get("content-type"));
    expect(types).toEqual([
      "text/plain;charset=UTF-8",
      undefined,
      "text/plain;charset=UTF-8",
      "application/json",
      undefined,
    ]);
  });

  test("a session's own content-type goes in place of the body's", async () => {
    const net = new FakeNet();
    const session = net.session({ headers: { "content-type": "application/x-own" } });
    await session.post(URL_A, { json: 1 });
    await session.post(URL_A, { json: 2, maxRedirects: 3 });
    expect(net.seen.map(({ fields }) => fields.get("content-type"))).toEqual([
      "application/x-own",
      "application/x-own",
    ]);
    expect(net.seen[1]?.body).toBe("2");
  });

  test("streams and iterables are chunked, files have their length", async () => {
    async function* pieces(): AsyncGenerator<string> {
      yield "one ";
      yield "two";
    }
    const chunked: RequestOptions[] = [
      { body: pieces() },
      { body: ["one ", "two"] },
      { body: Readable.from([Buffer.from("one "), Buffer.from("two")]) },
      { body: new Blob(["one two"]).stream() as never },
    ];
    for (const options of chunked) {
      const seen = await sent(options);
      expect(seen.body).toBe("one two");
      expect(seen.fields.get("transfer-encoding")).toBe("chunked");
      expect(seen.fields.has("content-length")).toBe(false);
    }
    const file = await sent({ body: createReadStream(join(folder, "file.bin")) });
    expect([file.body, file.fields.get("content-length")]).toEqual(["file content", "12"]);
    const handle = await openFile(join(folder, "file.bin"));
    const byHandle = await sent({ body: handle });
    expect([byHandle.body, byHandle.fields.get("content-length")]).toEqual(["file content", "12"]);
    await handle.close();
  });

  test("a factory makes the body for each send", async () => {
    let made = 0;
    const seen = await sent({
      body: () => {
        made += 1;
        return new Uint8Array(3);
      },
    });
    expect([seen.body.length, seen.fields.get("content-length"), made]).toEqual([3, "3", 1]);
  });

  test("a large body is pumped in order", async () => {
    const bytes = Buffer.alloc(3_000_000, "0123456789");
    const seen = await sent({ body: bytes });
    expect(Buffer.from(seen.body, "latin1").equals(bytes)).toBe(true);
  });

  test("a stream that is refused before it was read is released", async () => {
    const stream = createReadStream(join(folder, "file.bin"));
    const net = new FakeNet();
    net.dialing = () => Promise.reject(new Error("no way there"));
    await rejection(net.session().post(URL_A, { body: stream }));
    expect(stream.destroyed).toBe(true);
  });
});

test("more than one body, none at all, and what is no body are refused", async () => {
  const bad: RequestOptions[] = [
    { json: 1, body: "x" },
    { form: {}, json: 1 },
    { body: { a: 1 } as never },
    { body: 5 as never },
    { form: {}, multipart: {} },
    { multipart: "a=b" as never },
    { json: () => 1 },
    { json: 1n },
  ];
  for (const options of bad) expect(await rejection(sent(options))).toBeInstanceOf(UsageError);
});

test("a source that fails rejects with its own error", async () => {
  const broken = new Error("disk");
  async function* failing(): AsyncGenerator<string> {
    yield "part";
    throw broken;
  }
  const net = new FakeNet();
  expect(await rejection(net.session().post(URL_A, { body: failing() }))).toBe(broken);
  await turns();
  expect(net.open).toBe(0);
});

test("an answer that comes before the upload is done resolves at once and stops the source", async () => {
  let released = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield new Uint8Array(1_000);
        await turns(1);
      }
    } finally {
      released = true;
    }
  }
  const net = new FakeNet();
  const session = net.session();
  const answering = session.post(URL_A, { body: endless() });
  await turns();
  net.connections[0]?.send("HTTP/1.1 413 \r\ncontent-length: 3\r\n\r\nbig");
  const response = await answering;
  expect([response.status, await response.text()]).toEqual([413, "big"]);
  await turns();
  expect([released, net.open]).toEqual([true, 0]);
  expect(await session.get(URL_A).text()).toBe("ok");
});

// Lengths and fields that are not the caller's.

test("a Content-Length that agrees with the body is sent once, another is refused", async () => {
  const fine = await sent({ body: "abc", headers: { "Content-Length": "3" } });
  expect(fine.head.match(/content-length/gi)?.length).toBe(1);
  for (const wrong of ["2", "4", "03", "+3", "3, 3", " 3x", "0x3", ""]) {
    const error = await rejection(sent({ body: "abc", headers: { "content-length": wrong } }));
    expect(error, wrong).toBeInstanceOf(UsageError);
  }
  const error = await rejection(sent({ body: ["a"], headers: { "content-length": "1" } }));
  expect(error.code).toBe("request/length-mismatch");
  expect((await rejection(sent({ headers: { "content-length": "1" } }, "GET"))).code).toBe("request/length-mismatch");
});

test("fields that belong to the connection are refused, on requests, sessions and from middleware", async () => {
  const names = ["transfer-encoding", "Transfer-Encoding", "upgrade", "keep-alive", "expect", "trailer", "te"];
  for (const name of names) {
    const error = await rejection(sent({ headers: { [name]: "chunked" } }));
    expect(error.code, name).toBe("request/refused-field");
    expect(() => new FakeNet().session({ headers: { [name]: "chunked" } })).toThrow(UsageError);
  }
  expect((await rejection(sent({ headers: { connection: "upgrade" } }))).code).toBe("request/refused-field");
  expect((await sent({ headers: { connection: "close" } })).fields.get("connection")).toBe("close");
  expect(() => new FakeNet().session({ headers: { "Content-Length": "5" } })).toThrow(UsageError);
  expect(() => new FakeNet().session({ headers: { connection: "x" } })).toThrow(UsageError);
  const net = new FakeNet();
  const session = net.session({
    hopMiddleware: [
      (request, next) => {
        request.headers.set("content-length", "9");
        return next(request);
      },
    ],
  });
  expect((await rejection(session.get(URL_A))).code).toBe("request/length-mismatch");
  expect(net.connections.length).toBe(0);
});

test("a source that gives more or less than was announced breaks the request, not the framing", async () => {
  for (const actual of ["ab", "abcd"]) {
    const net = new FakeNet();
    const session = net.session();
    const blob = new Blob(["abc"]);
    Object.defineProperty(blob, "stream", { value: () => new Blob([actual]).stream() });
    const error = await rejection(session.put(URL_A, { body: blob }));
    expect(error.code).toBe("body/length-mismatch");
    expect(net.seen.length).toBe(0);
  }
});

// Injection.

const BREAKS = [
  "\r\nx-evil: 1",
  "\nx-evil: 1",
  "\rx-evil: 1",
  "\0",
  "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
  "\u010a",
  "ā",
];

test("no CR, LF, NUL or wide character of a caller reaches the wire, whatever it is put into", async () => {
  for (const evil of BREAKS) {
    const net = new FakeNet();
    const session = net.session();
    const refused: (() => PromiseLike<unknown>)[] = [
      () => session.request(`GET${evil}`, URL_A),
      () => session.get(URL_A, { headers: { [`x${evil}`]: "1" } }),
      () => session.get(URL_A, { headers: { x: `1${evil}` } }),
      () => session.get(URL_A, { headers: [["x", `1${evil}`]] }),
      () => session.get(URL_A, { headers: { cookie: `a=${evil}` } }),
      () => session.get(URL_A, { headers: { host: `a${evil}` } }),
      () => session.get(URL_A, { auth: { bearer: `t${evil}` } }),
      () => session.get(URL_A, { auth: { bearer: async () => `t${evil}` } }),
      () =>
        session.post(URL_A, { body: new Blob(["x"], { type: "text/css" }), headers: { "content-type": `a${evil}` } }),
    ];
    for (const attempt of refused) {
      expect(await rejection(attempt()), `${attempt} with ${JSON.stringify(evil)}`).toBeInstanceOf(UsageError);
    }
    expect(() => net.session({ headers: { x: evil } })).toThrow(UsageError);
    expect(() => net.session({ headers: { [`x${evil}`]: "1" } })).toThrow(UsageError);
    expect(net.seen).toEqual([]);
  }
});

test("line breaks in URLs and params are encoded or dropped, as URLs have it; in credentials they are refused", async () => {
  for (const evil of BREAKS) {
    const net = new FakeNet();
    const session = net.session();
    await session.get(`http://a.test/x${evil}`).catch(() => undefined);
    await session.get(URL_A, { params: { [`a${evil}`]: evil } });
    const auth = { username: `u${evil}`.replaceAll(":", ""), password: evil };
    const attempts = [session.get(URL_A, { auth }), session.get(`http://u:${encodeURIComponent(evil)}@a.test/`)];
    const outcomes = (await Promise.allSettled(attempts)).map(({ status }) => status);
    const expected = /[\0\r\n]/.test(evil) ? "rejected" : "fulfilled";
    expect(outcomes).toEqual([expected, expected]);
    await session.post(URL_A, { form: { [evil]: evil } });
    for (const seen of net.seen) {
      expect(seen.fields.has("x-evil")).toBe(false);
      expect(seen.target).not.toMatch(/[^!-~]/);
      expect(seen.head).not.toMatch(/\0|[^\r]\n|\r[^\n]|\nx-evil/);
      expect(seen.method).not.toContain("evil");
    }
    expect(net.seen.every((seen) => seen.target !== "/evil")).toBe(true);
  }
});

test("whitespace around a field value is no part of it; bytes above ASCII are sent as they are", async () => {
  const seen = await sent({ headers: { x: "\xe4", y: "a b" } });
  expect([seen.fields.get("x"), seen.fields.get("y")]).toEqual(["\xe4", "a b"]);
});

// What cannot be asked.

test("an option that does not exist, or is out of range, is refused by name", async () => {
  const bad: [RequestOptions, string][] = [
    [{ jsn: 1 } as never, "jsn"],
    [{ timeout: 0 }, "timeout.total"],
    [{ timeout: -1 }, "timeout.total"],
    [{ timeout: Number.NaN }, "timeout.total"],
    [{ timeout: { reed: 1 } as never }, "reed"],
    [{ timeout: { read: "5" } as never }, "timeout.read"],
    [{ maxRedirects: -1 }, "maxRedirects"],
    [{ maxResponseSize: -1 }, "maxResponseSize"],
    [{ redirect: "folow" as never }, "folow"],
    [{ retry: 0 }, "retry.attempts"],
    [{ retry: { attempt: 3 } as never }, "attempt"],
  ];
  for (const [options, named] of bad) {
    const error = await rejection(sent(options));
    expect(error, named).toBeInstanceOf(UsageError);
    expect(error.message).toContain(named);
  }
});

test("sessions refuse unknown and impossible options when they are made", () => {
  const bad: object[] = [
    { timeOut: 1 },
    { baseUrl: "http://a.test/v1" },
    { baseUrl: "ftp://a.test/" },
    { baseUrl: "/relative/" },
    { allowAbsoluteUrls: false },
    { redirect: "no" },
    { unreadTimeout: 0 },
    { trace: { requestStrat: () => undefined } },
    { connector: { limit: 0 } },
    { connector: { limits: { maxHeadBytes: -1 } } },
    { connector: { limitt: 5 } },
    { throttle: { requests: 0 } },
    { throttle: { requests: 1, jitter: [5, 1] } },
  ];
  for (const options of bad) expect(() => new FakeNet().session(options), JSON.stringify(options)).toThrow(UsageError);
});

test("URLs that cannot be requested are refused with what is wrong, before anything is dialed", async () => {
  const net = new FakeNet();
  const session = net.session();
  const urls = [
    "",
    "x",
    "/path",
    "//a.test/x",
    "ftp://a.test/",
    "file:///etc/passwd",
    "http://",
    "http://a:99999/",
    "javascript:1",
  ];
  for (const url of urls) expect(await rejection(session.get(url)), url).toBeInstanceOf(InvalidUrlError);
  for (const method of ["", "GE T", "CONNECT", "TRACE"]) {
    expect((await rejection(session.request(method, URL_A))).code, method).toBe("options/method");
  }
  expect(net.connections).toEqual([]);
});
