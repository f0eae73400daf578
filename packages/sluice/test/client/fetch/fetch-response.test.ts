/** What comes back: the Response class (Fetch §5.5), its body (§5.3), and what is made of it only when asked for. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { answer, FakeNet, ok, rejection, turns } from "../fake-net.js";

const URL_A = "http://a.test/x";

function answering(bytes: string): Promise<Response> {
  return new FakeNet(() => bytes).session().fetch(URL_A);
}

describe("§5.5 Response", () => {
  test("is a Response to instanceof, to its tag and to its constructor", async () => {
    const response = await answering(ok("x"));
    expect(response).toBeInstanceOf(Response);
    expect(String(response)).toBe("[object Response]");
    expect(response.constructor).toBe(Response);
    expect(Object.keys(response)).toEqual([]);
  });

  test("status, statusText, ok, type, url, redirected", async () => {
    const response = await answering("HTTP/1.1 404 Not Here\r\ncontent-length: 0\r\n\r\n");
    const { status, statusText, type, url, redirected } = response;
    expect({ status, statusText, ok: response.ok, type, url, redirected }).toEqual({
      status: 404,
      statusText: "Not Here",
      ok: false,
      type: "basic",
      url: URL_A,
      redirected: false,
    });
    for (const [code, fine] of [
      [199, false],
      [200, true],
      [299, true],
      [300, false],
    ] as const) {
      if (code >= 200) expect((await answering(answer(code))).ok).toBe(fine);
    }
  });

  test("headers are a real Headers, the same each time, and immutable", async () => {
    const response = await answering(ok("x", "Set-Cookie: a=1\r\nset-cookie: b=2\r\nX-Twice: 1\r\nx-twice: 2\r\n"));
    const { headers } = response;
    expect(headers).toBe(response.headers);
    expect(headers).toBeInstanceOf(Headers);
    expect(headers.get("X-TWICE")).toBe("1, 2");
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect([...headers].map(([name]) => name)).toEqual(["content-length", "set-cookie", "set-cookie", "x-twice"]);
    expect(Headers.prototype.has.call(headers, "x-twice")).toBe(true);
    for (const change of [
      () => headers.set("a", "b"),
      () => headers.append("a", "b"),
      () => headers.delete("x-twice"),
    ]) {
      expect(change).toThrow(TypeError);
    }
    expect(new Headers(headers).get("x-twice")).toBe("1, 2");
  });

  test.each([204, 205, 304])("§2.2.3: a %i has no body: null, empty to read as often as one likes", async (status) => {
    const response = await answering(`HTTP/1.1 ${status} \r\n${status === 205 ? "content-length: 0\r\n" : ""}\r\n`);
    expect(response.body).toBeNull();
    expect([await response.text(), await response.text(), response.bodyUsed]).toEqual(["", "", false]);
    expect(response.clone().body).toBeNull();
  });

  test("HEAD has no body either", async () => {
    const net = new FakeNet(() => "HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\n");
    const response = await net.session().fetch(URL_A, { method: "HEAD" });
    expect([response.body, response.headers.get("content-length")]).toEqual([null, "9"]);
  });

  test("an empty body is a body", async () => {
    const response = await answering(ok(""));
    expect(response.body).toBeInstanceOf(ReadableStream);
    expect(await response.text()).toBe("");
    expect(response.bodyUsed).toBe(true);
  });

  test("an error status is an answer, whatever raiseForStatus says", async () => {
    const response = await new FakeNet(() => answer(500, "no")).session({ raiseForStatus: true }).fetch(URL_A);
    expect([response.status, await response.text()]).toEqual([500, "no"]);
  });
});

describe("§5.3 reading the body", () => {
  test("text is UTF-8 whatever the type says, without a byte order mark", async () => {
    expect(
      await (await answering(ok("\u00ef\u00bb\u00bfh\u00c3\u00a4", "content-type: text/x; charset=latin1\r\n"))).text(),
    ).toBe("h\u00e4");
    expect(await (await answering(ok("\u00ff"))).text()).toBe("\ufffd");
  });

  test("json does not ask for a media type, and rejects with SyntaxError", async () => {
    expect(await (await answering(ok('{"a":1}', "content-type: text/html\r\n"))).json()).toEqual({ a: 1 });
    expect(await rejection((await answering(ok("{"))).json())).toBeInstanceOf(SyntaxError);
  });

  test("arrayBuffer and bytes are the reader's own", async () => {
    const buffer = await (await answering(ok("abc"))).arrayBuffer();
    expect(buffer).toBeInstanceOf(ArrayBuffer);
    expect(buffer.byteLength).toBe(3);
    const response = (await answering(ok("abc"))) as Response & { bytes(): Promise<Uint8Array> };
    const bytes = await response.bytes();
    expect([bytes.byteLength, bytes.buffer.byteLength]).toEqual([3, 3]);
  });

  test("blob has the type, formData the fields", async () => {
    const blob = await (await answering(ok("ab", "content-type: Text/HTML;CharSet=UTF-8\r\n"))).blob();
    expect([blob.type, await blob.text()]).toEqual(["text/html;charset=utf-8", "ab"]);
    expect((await (await answering(ok("ab"))).blob()).type).toBe("");
    const urlencoded = "content-type: application/x-www-form-urlencoded\r\n";
    expect([...(await (await answering(ok("a=1&b=%20", urlencoded))).formData())]).toEqual([
      ["a", "1"],
      ["b", " "],
    ]);
    const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n';
    const multipart = await answering(ok(part, "content-type: multipart/form-data; boundary=x\r\n"));
    expect((await multipart.formData()).get("a")).toBe("1");
    expect(await rejection((await answering(ok("ab"))).formData())).toBeInstanceOf(TypeError);
  });

  test("body is one byte stream, made when it is asked for, and read when it is read", async () => {
    const response = await answering(ok("abc"));
    const { body } = response;
    expect([body === response.body, response.bodyUsed]).toEqual([true, false]);
    const reader = body?.getReader({ mode: "byob" });
    const { value } = (await reader?.read(new Uint8Array(2))) ?? {};
    expect(Buffer.from(value ?? []).toString()).toBe("ab");
    expect(response.bodyUsed).toBe(true);
  });

  test("a body is read once: every further way rejects, and so does a locked one", async () => {
    const read = await answering(ok("abc"));
    const reading = read.text();
    expect(read.bodyUsed).toBe(true);
    expect(await reading).toBe("abc");
    for (const again of ["text", "json", "blob", "arrayBuffer", "formData"] as const) {
      expect(await rejection(read[again]())).toBeInstanceOf(TypeError);
    }
    expect(() => read.clone()).toThrow(TypeError);
    expect((await read.body?.getReader().read())?.done).toBe(true);
    const locked = await answering(ok("abc"));
    locked.body?.getReader();
    expect(locked.bodyUsed).toBe(false);
    expect(await rejection(locked.text())).toBeInstanceOf(TypeError);
    expect(() => locked.clone()).toThrow(TypeError);
  });

  test("a stream that was only looked at can still be read whole", async () => {
    const response = await answering(ok("abc"));
    expect(response.body?.locked).toBe(false);
    expect(await response.text()).toBe("abc");
    expect(response.bodyUsed).toBe(true);
  });

  test("clone gives both the whole body, and the same head", async () => {
    const response = await answering(ok("abc", "x-a: 1\r\n"));
    const copy = response.clone();
    expect(copy).toBeInstanceOf(Response);
    expect([copy.status, copy.url, copy.headers.get("x-a"), copy.bodyUsed]).toEqual([200, URL_A, "1", false]);
    const third = copy.clone();
    expect(await copy.text()).toBe("abc");
    expect([copy.bodyUsed, response.bodyUsed, third.bodyUsed]).toEqual([true, false, false]);
    expect(await Promise.all([response.text(), third.text()])).toEqual(["abc", "abc"]);
  });

  test("cancelling the stream closes the connection", async () => {
    const net = new FakeNet(() => "HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nab");
    const response = await net.session().fetch(URL_A);
    await response.body?.cancel();
    await turns();
    expect([net.open, response.bodyUsed]).toEqual([0, true]);
  });

  test("§4.6 content codings are undone, and the headers still tell of them", async () => {
    const packed = gzipSync("unpacked").toString("latin1");
    const response = await answering(ok(packed, "content-encoding: gzip\r\n"));
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(response.headers.get("content-length")).toBe(String(packed.length));
    expect(await response.text()).toBe("unpacked");
  });

  test("a coding nobody knows leaves the bytes as they are, a broken one is a TypeError", async () => {
    expect(await (await answering(ok("as it is", "content-encoding: unknown\r\n"))).text()).toBe("as it is");
    const broken = await answering(ok("no gzip", "content-encoding: gzip\r\n"));
    expect(await rejection(broken.text())).toMatchObject({ name: "TypeError", cause: { code: "body/corrupt" } });
  });
});

describe("a body that ends too early", () => {
  const short = () => {
    const net = new FakeNet(({ connection }) => {
      connection.send("HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nab");
      return undefined;
    });
    return { net, asked: net.session().fetch(URL_A) };
  };

  test.each(["text", "arrayBuffer", "stream", "clone"] as const)(
    "%s rejects with TypeError, and says why",
    async (way) => {
      const { net, asked } = short();
      const response = await asked;
      const reading =
        way === "stream" ? collected(response.body) : way === "clone" ? response.clone().text() : response[way]();
      await turns();
      net.connections[0]?.end();
      const error = await rejection(reading);
      expect(error).toMatchObject({ name: "TypeError", message: "terminated", cause: { code: "body/incomplete" } });
    },
  );
});

describe("what the platform asks of its own responses", () => {
  test("new Response(body, response) makes a native copy", async () => {
    const response = await answering(answer(201, "abc", "x-a: 1\r\n"));
    const copy = new Response(response.body, response);
    expect([copy.status, copy.headers.get("x-a"), await copy.text()]).toEqual([201, "1", "abc"]);
    expect(response.bodyUsed).toBe(true);
  });

  // Newer versions of Node keep their state in private fields, which no other object can have: there they refuse, and eat nothing.
  test("methods of Response.prototype called on it work on a native one, made on the spot, where Node lets them", async () => {
    const response = await answering(answer(201, "abc", "x-a: 1\r\n"));
    if (Object.getOwnPropertySymbols(new Response()).length === 0) {
      expect(() => Reflect.get(Response.prototype, "status", response)).toThrow(TypeError);
      expect(await response.text()).toBe("abc");
      return;
    }
    expect(Reflect.get(Response.prototype, "status", response)).toBe(201);
    expect(await Response.prototype.text.call(response)).toBe("abc");
    expect(response.bodyUsed).toBe(true);
  });

  test("as the body of a Request it is passed on", async () => {
    const response = await answering(ok("abc"));
    const request = new Request(URL_A, { method: "POST", body: response.body, duplex: "half" });
    expect(await request.text()).toBe("abc");
  });
});

test("inspect shows neither body nor secrets", async () => {
  const { inspect } = await import("node:util");
  const net = new FakeNet(() => ok("s3cret", "set-cookie: s3cret\r\n"));
  const response = await net.session().fetch(`${URL_A}?token=s3cret`);
  const shown = inspect(response);
  expect(shown).toContain("Response");
  expect(shown).toContain("200");
  expect(shown).not.toContain("s3cret");
  expect(response.bodyUsed).toBe(false);
});

describe("SRI §3.3 integrity", () => {
  const right = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
  const fetched = (integrity: string, body = ok("hello")) =>
    new FakeNet(() => body).session().fetch(URL_A, { integrity });

  test("a body that it names is handed out", async () => {
    const urlSafe = right.replaceAll("+", "-").replaceAll("/", "_");
    for (const named of [right, `sha256-AAAA ${right}`, `${right}?option`, urlSafe, "nonsense", "md5-AAAA"]) {
      expect(await (await fetched(named)).text()).toBe("hello");
    }
  });

  test("any other is a network error: a weaker hash does not count beside a stronger one", async () => {
    for (const named of ["sha256-AAAA", `sha384-AAAA ${right}`]) {
      const failed = await rejection<TypeError>(fetched(named));
      expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "body/integrity" } });
    }
    expect(await rejection(fetched(right, answer(204)))).toMatchObject({ cause: { code: "body/integrity" } });
  });

  test("what is checked is the decoded body, cloned and streamed as any other", async () => {
    const packed = gzipSync("hello").toString("latin1");
    const response = await fetched(right, ok(packed, "content-encoding: gzip\r\n"));
    expect(await response.clone().text()).toBe("hello");
    expect(await collected(response.body)).toBe("hello");
  });
});

async function collected(stream: Response["body"]): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream ?? []) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
