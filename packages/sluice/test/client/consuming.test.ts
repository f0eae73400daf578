import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ResponseError } from "../../src/client/response-error.js";
import {
  ContentTypeError,
  PayloadError,
  ResponseTooLargeError,
  type SluiceError,
  UsageError,
} from "../../src/errors.js";
import { answer, FakeNet, json, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

test("awaiting gives the response when its head is in, and the body can be read afterwards", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 Fine\r\ncontent-length: 5\r\nx-a: 1\r\n\r\n"]);
  const response = await net.session().get(URL_A);
  expect(response.status).toBe(200);
  expect(response.statusText).toBe("Fine");
  expect(response.ok).toBe(true);
  expect(response.headers.get("X-A")).toBe("1");
  expect(response.url).toBe(URL_A);
  expect(response.httpVersion).toBe("1.1");
  expect(response.redirected).toBe(false);
  const text = response.text();
  net.connections[0]?.send("hel");
  await turns(1);
  net.connections[0]?.send("lo");
  expect(await text).toBe("hello");
});

test("each shortcut gives the content in its form", async () => {
  const net = new FakeNet(() => json({ a: ["ä"] }));
  const session = net.session();
  expect(await session.get(URL_A).json()).toEqual({ a: ["ä"] });
  expect(await session.get(URL_A).text()).toBe('{"a":["ä"]}');
  expect((await session.get(URL_A).bytes()).byteLength).toBe(12);
  const blob = await session.get(URL_A).blob();
  expect([blob.size, blob.type]).toEqual([12, "application/json"]);
  const path = join(tmpdir(), `sluice-${process.pid}-${Date.now()}.json`);
  expect(await session.get(URL_A).save(path)).toBe(12);
  expect(await readFile(path, "utf8")).toBe('{"a":["ä"]}');
  await rm(path);
  const lines: string[] = [];
  for await (const line of session.get(URL_A).lines()) lines.push(line);
  expect(lines).toEqual(['{"a":["ä"]}']);
});

test.each(["y".repeat(255), `${"é".repeat(125)}.json`])(
  "a file's name may be as long as the file system takes: %s",
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-long-"));
    expect(await new FakeNet(() => ok("hello")).session().get(URL_A).save(join(folder, name))).toBe(5);
    expect(await readdir(folder)).toEqual([name]);
    await rm(folder, { recursive: true });
  },
);

test("the charset of the answer decides how text is decoded", async () => {
  const net = new FakeNet(() => ok("\xe4", "content-type: text/plain; charset=ISO-8859-1\r\n"));
  expect(await net.session().get(URL_A).text()).toBe("ä");
});

test("a request starts in a microtask of the turn that made it, awaited or not", async () => {
  const net = new FakeNet();
  const session = net.session();
  const request = session.get(URL_A);
  expect(session.toJSON()["running"]).toBe(0);
  await Promise.resolve();
  expect(session.toJSON()["running"]).toBe(1);
  await turns(2);
  expect(net.seen.length).toBe(1);
  expect((await request).status).toBe(200);
});

test("a shortcut called in the turn of the call fixes how the request is sent; called later it still works", async () => {
  const net = new FakeNet();
  const session = net.session();
  const early = session.get(URL_A).text();
  const late = session.get(URL_A);
  await turns(2);
  expect(await early).toBe("ok");
  expect(await late.text()).toBe("ok");
});

test("a request is consumed once, in one way", async () => {
  const net = new FakeNet();
  const session = net.session();
  const asText = session.get(URL_A);
  const text = asText.text();
  expect((await rejection(asText.json())).code).toBe("request/already-consumed");
  expect((await rejection(asText)).code).toBe("request/already-consumed");
  expect(await text).toBe("ok");
  const asResponse = session.get(URL_A);
  const response = await asResponse;
  expect(await asResponse).toBe(response);
  expect(await rejection(asResponse.text())).toBeInstanceOf(UsageError);
  await response.text();
});

test("it is a promise like any other: then, catch, finally, Promise.all", async () => {
  const net = new FakeNet(({ target }) => (target === "/bad" ? "nonsense\r\n\r\n" : ok(target)));
  const session = net.session();
  const statuses = await Promise.all([session.get("http://a.test/1"), session.get("http://a.test/2")]);
  expect(statuses.map((response) => response.status)).toEqual([200, 200]);
  let ended = 0;
  await session.get("http://a.test/3").finally(() => {
    ended += 1;
  });
  expect(ended).toBe(1);
  const caught = await session.get("http://a.test/bad").catch((error: Error) => error.name);
  expect(caught).toBe("ProtocolError");
  expect(String(session.get("http://a.test/4"))).toBe("[object RequestPromise]");
});

// Error statuses.

test("an error status is just a status for a response, and an error for content", async () => {
  const net = new FakeNet(() => answer(404, "nothing here", "content-type: text/plain\r\n"));
  const session = net.session();
  const response = await session.get(URL_A);
  expect([response.status, response.ok]).toEqual([404, false]);
  expect(await response.text()).toBe("nothing here");
  for (const content of [
    session.get(URL_A).text(),
    session.get(URL_A).json(),
    session.get(URL_A).bytes(),
    session.get(URL_A).blob(),
    session.get(URL_A).save("/nonexistent/never"),
    session.get(URL_A).lines().next(),
  ]) {
    const error = await rejection<ResponseError>(content);
    expect(error).toBeInstanceOf(ResponseError);
    expect(error.status).toBe(404);
    expect(Buffer.from(error.body).toString()).toBe("nothing here");
    expect(error.headers.get("content-type")).toBe("text/plain");
    expect(error.message).toContain("404");
  }
});

test("a file that cannot be written is named together with the request", async () => {
  const net = new FakeNet(() => answer(200, "body"));
  const error = await rejection<SluiceError>(net.session().get(URL_A).save("/nonexistent/never"));
  expect(error).toMatchObject({ code: "response.not-saved", method: "GET", cause: { code: "ENOENT" } });
  expect(error.message).toMatch(/^GET http:\/\/a\.test\/.*: Cannot save the body to \/nonexistent\/never: ENOENT/);
});

test("a request without a URL says so", async () => {
  const session = new FakeNet(() => answer(200, "")).session();
  const get = session.get.bind(session) as (url?: unknown) => Promise<unknown>;
  for (const url of [undefined, null, 5, {}]) {
    expect(await rejection(get(url))).toMatchObject({ name: "InvalidUrlError", code: "url/invalid" });
  }
});

test("raiseForStatus() throws for an error status and is the response otherwise", async () => {
  const net = new FakeNet(({ target }) => answer(target === "/bad" ? 503 : 200, "body"));
  const session = net.session();
  const fine = await session.get(URL_A);
  expect(fine.raiseForStatus()).toBe(fine);
  const bad = await session.get("http://a.test/bad");
  const error = await rejection<ResponseError>(Promise.resolve().then(() => bad.raiseForStatus()));
  expect([error.status, Buffer.from(error.body).toString(), error.code]).toEqual([503, "body", "response.status"]);
});

test("raiseForStatus as an option makes both forms throw, on the session or the request", async () => {
  const net = new FakeNet(() => answer(500, "oops"));
  const raising = net.session({ raiseForStatus: true });
  expect(await rejection(raising.get(URL_A))).toBeInstanceOf(ResponseError);
  expect((await raising.get(URL_A, { raiseForStatus: false })).status).toBe(500);
  const plain = net.session();
  expect(await rejection(plain.get(URL_A, { raiseForStatus: true }))).toBeInstanceOf(ResponseError);
  const unlike404 = { raiseForStatus: (response: { status: number }) => response.status !== 404 };
  expect(await rejection(plain.get(URL_A, unlike404))).toBeInstanceOf(ResponseError);
});

test("a function as raiseForStatus may refuse a 200 and let an error pass", async () => {
  const net = new FakeNet(({ target }) => answer(target === "/bad" ? 400 : 200));
  const session = net.session({ raiseForStatus: (response) => response.status === 200 });
  expect(await rejection(session.get(URL_A))).toBeInstanceOf(ResponseError);
  expect((await session.get("http://a.test/bad")).status).toBe(400);
});

test("an error's body is kept up to 16 KiB; a longer one costs its connection, not the error", async () => {
  const net = new FakeNet(() => answer(500, "x".repeat(100_000)));
  const error = await rejection<ResponseError>(net.session().get(URL_A).text());
  expect(error.body.byteLength).toBe(16 * 1024);
});

test("an error status whose body breaks off is still that error, with the break as its cause", async () => {
  const net = new FakeNet(({ connection }) => {
    connection.send("HTTP/1.1 500 \r\ncontent-length: 9\r\n\r\nhalf");
    connection.end();
    return undefined;
  });
  const error = await rejection<ResponseError>(net.session().get(URL_A).text());
  expect(error.status).toBe(500);
  expect(Buffer.from(error.body).toString()).toBe("half");
  expect(error.cause).toBeInstanceOf(PayloadError);
});

// Types and sizes.

test("json() wants a JSON type, any +json, or none; checkType: false takes all", async () => {
  const types = ["application/json", "application/problem+json; charset=utf-8", "text/json", ""];
  for (const type of types) {
    const net = new FakeNet(() => ok("1", type === "" ? "" : `content-type: ${type}\r\n`));
    expect(await net.session().get(URL_A).json(), type).toBe(1);
  }
  const html = new FakeNet(() => ok("1", "content-type: text/html\r\n"));
  const session = html.session();
  const error = await rejection(session.get(URL_A).json());
  expect(error).toBeInstanceOf(ContentTypeError);
  expect(error.message).toContain("text/html");
  expect(await session.get(URL_A).json({ checkType: false })).toBe(1);
  const response = await session.get(URL_A);
  expect(await rejection(response.json())).toBeInstanceOf(ContentTypeError);
});

test("a refused content type does not cost the connection when the body is small", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n"]);
  const session = net.session();
  expect(await rejection(session.get(URL_A).json())).toBeInstanceOf(ContentTypeError);
  net.connections[0]?.send("late");
  await turns();
  const next = session.get(URL_A);
  await turns();
  expect(net.connections.length).toBe(1);
  net.connections[0]?.send("fine");
  expect(await (await next).text()).toBe("fine");
});

test("broken JSON is a PayloadError that says where", async () => {
  const net = new FakeNet(() => ok('{"a": }', "content-type: application/json\r\n"));
  const error = await rejection(net.session().get(URL_A).json());
  expect(error).toBeInstanceOf(PayloadError);
  expect(error.code).toBe("body/invalid-json");
});

test("maxResponseSize holds for shortcuts, the body's own readers and streams: at the limit and one past it", async () => {
  for (const framing of [
    "content-length: 10\r\n\r\n0123456789",
    "transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
  ]) {
    const net = new FakeNet(() => `HTTP/1.1 200 \r\n${framing}`);
    const session = net.session();
    expect(await session.get(URL_A, { maxResponseSize: 10 }).text()).toBe("0123456789");
    const past = { maxResponseSize: 9 };
    expect(await rejection(session.get(URL_A, past).text())).toBeInstanceOf(ResponseTooLargeError);
    expect(await rejection(session.get(URL_A, past).then((response) => response.body.text()))).toBeInstanceOf(
      ResponseTooLargeError,
    );
    const streamed = session.get(URL_A, past).then(async (response) => {
      for await (const _piece of response.body);
    });
    expect(await rejection(streamed)).toBeInstanceOf(ResponseTooLargeError);
  }
});

test("a declared length above the limit is refused before the bytes are there", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 1000000000\r\n\r\n"]);
  const error = await rejection(net.session({ maxResponseSize: 1_000 }).get(URL_A).bytes());
  expect(error).toBeInstanceOf(ResponseTooLargeError);
  expect(net.open).toBe(0);
});

// Streams.

test("chunks are exact, pieces come as they arrive, and lines are bounded", async () => {
  const net = new FakeNet(() => ok("a".repeat(10)));
  const session = net.session();
  const sizes: number[] = [];
  for await (const chunk of (await session.get(URL_A)).body.chunks(4)) sizes.push(chunk.byteLength);
  expect(sizes).toEqual([4, 4, 2]);
  const lines = (await session.get(URL_A)).body.lines({ maxLineBytes: 5 });
  expect((await rejection(lines.next())).name).toMatch(/Error$/);
});

test("toWeb and toNode give the same bytes", async () => {
  const net = new FakeNet(() => ok("stream"));
  const session = net.session();
  let text = "";
  for await (const piece of (await session.get(URL_A)).body.toWeb()) text += Buffer.from(piece).toString();
  for await (const piece of (await session.get(URL_A)).body.toNode()) text += String(piece);
  expect(text).toBe("streamstream");
});

test("leaving a loop over the body closes its connection; a body read to its end keeps it", async () => {
  const net = new FakeNet(() => ok("a".repeat(200_000)));
  const session = net.session();
  for await (const _piece of (await session.get(URL_A)).body);
  expect(net.open).toBe(1);
  for await (const _piece of (await session.get(URL_A)).body) break;
  await turns();
  expect([net.connections.length, net.open]).toEqual([1, 0]);
});

test("leaving `await using` never waits for the peer, and does not break off a read under way", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 4\r\n\r\nab"]);
  const session = net.session();
  const unread = await session.get(URL_A);
  await unread[Symbol.asyncDispose]();
  await turns();
  expect(net.open).toBe(1);
  net.connections[0]?.send("cd");
  await turns();
  const read = await session.get(URL_A);
  expect(net.connections.length).toBe(1);
  const text = read.text();
  await read[Symbol.asyncDispose]();
  net.connections[0]?.send("cd");
  expect(await text).toBe("abcd");
});

test("a reader that was left in the middle is ended by `await using`", async () => {
  const net = new FakeNet(() => ["HTTP/1.1 200 \r\ncontent-length: 4\r\n\r\nab"]);
  const response = await net.session().get(URL_A);
  const pieces = response.body[Symbol.asyncIterator]();
  await pieces.next();
  await response[Symbol.asyncDispose]();
  await turns();
  expect(net.open).toBe(0);
  expect((await rejection(pieces.next())).code).toBe("body/cancelled");
});

test("trailers are there when the body is complete", async () => {
  const net = new FakeNet(() => "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 9\r\n\r\n");
  const response = await net.session().get(URL_A);
  await response.text();
  expect(response.body.trailers).toEqual(["x-sum", "9"]);
});

test("a body that lasts until the close is complete there, and short of its length it is not", async () => {
  const net = new FakeNet(({ target, connection }) => {
    connection.send(target === "/x" ? "HTTP/1.1 200 \r\n\r\nall" : "HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\nall");
    connection.end();
    return undefined;
  });
  const session = net.session();
  expect(await session.get(URL_A).text()).toBe("all");
  const error = await rejection(session.get("http://a.test/short").text());
  expect(error.code).toBe("body/incomplete");
});

test("HEAD, 204 and 304 have no body whatever their fields say", async () => {
  const net = new FakeNet(({ method, target }) =>
    method === "HEAD" || target === "/304"
      ? `HTTP/1.1 ${method === "HEAD" ? 200 : 304} \r\ncontent-length: 99\r\ncontent-encoding: gzip\r\n\r\n`
      : "HTTP/1.1 204 \r\n\r\n",
  );
  const session = net.session();
  expect(await session.head(URL_A).text()).toBe("");
  expect(await session.get(URL_A).text()).toBe("");
  expect(await (await session.get("http://a.test/304")).text()).toBe("");
  expect(net.connections.length).toBe(1);
});
