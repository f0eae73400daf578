/** What travels through a proxy and what does not: bytes on both sides. */
import { afterEach, describe, expect, test } from "vitest";
import { closeAll } from "../interop/places.js";
import { RawClient } from "../server/raw-client.js";
import { fieldOf, linesOf, passage, proxied, RawOrigin } from "./proxy-setup.js";

afterEach(closeAll);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const get = (target: string, ...lines: string[]) =>
  [`GET ${target} HTTP/1.1`, "Host: public.example", "Connection: close", ...lines, "", ""].join("\r\n");

describe("a request that is passed on", () => {
  test("keeps its fields in order and case, gets the target's Host, says who asked, and nothing that nobody asked for", async () => {
    const { sent, got } = await passage(get("/a?b=c", "X-One: 1", "accept-LANGUAGE: de", "X-One: 2"), OK);
    expect(sent).toBe(
      [
        "GET /a?b=c HTTP/1.1",
        "host: <origin>",
        "X-One: 1",
        "accept-LANGUAGE: de",
        "X-One: 2",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: public.example",
        "Via: 1.1 test",
        "",
        "",
      ].join("\r\n"),
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(got).toMatch(/\r\n\r\nok$/);
  });

  test("keeps its query byte for byte, in spellings that a URL parser would change", async () => {
    const query = "?q='x'&%7e=%7E&a=%2f&&=&c=%zz&d=?/../";
    const { sent } = await passage(get(`/p${query}`), OK);
    expect(sent.split(" ")[1]).toBe(`/p${query}`);
    const empty = await passage(get("/p?"), OK);
    expect(empty.sent.split(" ")[1]).toBe("/p?");
  });

  test("has the path that routes and middleware saw: one spelling of equivalent ones", async () => {
    const { sent } = await passage(get("/%7euser/%2fa%3f/caf%c3%a9"), OK);
    expect(sent.split(" ")[1]).toBe("/~user/%2Fa%3F/caf%C3%A9");
  });

  test("loses what was for this connection: known fields, and whatever Connection names", async () => {
    const request = [
      "GET / HTTP/1.1",
      "Host: public.example",
      "Connection: close, X-Hop, keep-alive",
      "Connection: x-other",
      "Keep-Alive: timeout=5",
      "Proxy-Connection: keep-alive",
      "Proxy-Authorization: Basic c2VjcmV0",
      "Proxy-Authenticate: Basic",
      "Proxy: http://evil.example",
      "TE: gzip",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
      "X-Hop: 1",
      "x-OTHER: 2",
      "X-Stays: 3",
      "",
      "",
    ].join("\r\n");
    const { sent } = await passage(request, OK);
    const names = linesOf(sent).map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
    expect(names).toEqual(["host", "x-stays", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"]);
  });

  test("says that trailers are welcome where the client said so", async () => {
    const { sent } = await passage(get("/", "TE: deflate;q=0.5, trailers"), OK);
    expect(fieldOf(sent, "te")).toBe("trailers");
    expect(fieldOf(sent, "connection")).toBe("te");
  });

  test("keeps Host where that is asked for", async () => {
    const { sent } = await passage(get("/"), OK, { keepHost: true });
    expect(linesOf(sent).filter((line) => /^host:/i.test(line))).toEqual(["Host: public.example"]);
  });

  test("keeps ids and traces; with requestId the origin gets the one that our log has", async () => {
    const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const { sent } = await passage(get("/", "X-Request-Id: abc", `traceparent: ${trace}`, "tracestate: a=1"), OK);
    expect([fieldOf(sent, "x-request-id"), fieldOf(sent, "traceparent"), fieldOf(sent, "tracestate")]).toEqual([
      "abc",
      trace,
      "a=1",
    ]);
    const own = await passage(get("/", "X-Request-Id: abc"), OK, { requestId: true });
    expect(fieldOf(own.sent, "x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    const trusted = await passage(
      get("/", "X-Request-Id: abc"),
      OK,
      { requestId: true },
      {
        app: { trustProxy: ["127.0.0.1"] },
      },
    );
    expect(fieldOf(trusted.sent, "x-request-id")).toBe("abc");
  });

  test("keeps bytes above ASCII in values, both ways", async () => {
    const { sent, got } = await passage(
      get("/", "X-Name: caf\xe9"),
      "HTTP/1.1 200 Tr\xe8s bien\r\nX-Name: na\xefve\r\nContent-Length: 0\r\n\r\n",
    );
    expect(fieldOf(sent, "x-name")).toBe("caf\xe9");
    expect(got).toMatch(/^HTTP\/1\.1 200 Tr\xe8s bien\r\n/);
    expect(fieldOf(got, "x-name")).toBe("na\xefve");
  });

  test("has its fields changed last of all by requestHeaders, which may wait", async () => {
    const { sent } = await passage(get("/who", "Authorization: Bearer theirs", "X-Drop: 1"), OK, {
      requestHeaders: async (headers, request) => {
        await Promise.resolve();
        headers.set("Authorization", "Bearer ours");
        headers.delete("x-drop");
        headers.set("X-Path", request.path);
      },
    });
    expect(fieldOf(sent, "authorization")).toBe("Bearer ours");
    expect(fieldOf(sent, "x-drop")).toBeUndefined();
    expect(fieldOf(sent, "x-path")).toBe("/who");
  });

  test("carries the session's headers beneath the client's, and never the session's cookies", async () => {
    const answer = "HTTP/1.1 200 OK\r\nSet-Cookie: s=1; Path=/\r\nSet-Cookie: t=2\r\nContent-Length: 0\r\n\r\n";
    const session = { headers: { "X-Team": "blue", "X-Both": "session" }, defaultsFor: () => true };
    const { sent, got } = await passage(get("/", "X-Both: client"), answer, {}, { session });
    expect(fieldOf(sent, "x-team")).toBe("blue");
    expect(fieldOf(sent, "x-both")).toBe("client");
    expect(linesOf(got).filter((line) => line.startsWith("Set-Cookie"))).toEqual([
      "Set-Cookie: s=1; Path=/",
      "Set-Cookie: t=2",
    ]);
  });

  test("never gets the cookies that the origin has set for somebody else", async () => {
    const answer = "HTTP/1.1 200 OK\r\nSet-Cookie: s=ada; Path=/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const origin = await RawOrigin.start((socket) => socket.write(answer));
    const { server, session } = await proxied(origin.url);
    for (const lines of [[], ["Cookie: own=1"]]) {
      const client = await RawClient.to(server);
      client.send(get("/", ...lines));
      expect(await client.untilClosed()).toContain("Set-Cookie: s=ada; Path=/\r\n");
    }
    expect(origin.received.match(/cookie: [^\r]*/gi)).toEqual(["Cookie: own=1"]);
    expect(session.cookies?.size).toBe(0);
  });

  test.each(["PUT", "QUERY", "PURGE", "get"])("has any method, and in its own case: %s", async (method) => {
    const { sent } = await passage(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, OK);
    expect(sent.split(" ")[0]).toBe(method);
  });

  test("has its body framed as the client framed it: by its length, or in chunks with their trailers", async () => {
    const head = "POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\n";
    const sized = await passage(`${head}Content-Length: 5\r\n\r\nhello`, OK);
    expect(fieldOf(sized.sent, "content-length")).toBe("5");
    expect(sized.sent).toMatch(/\r\n\r\nhello$/);
    expect(linesOf(sized.sent).filter((line) => /^content-type/i.test(line))).toEqual(["Content-Type: text/plain"]);
    const empty = await passage(`${head}Content-Length: 0\r\n\r\n`, OK);
    expect(fieldOf(empty.sent, "content-length")).toBe("0");
  });

  test("is refused with 413 beyond maxRequestSize before the origin hears of it", async () => {
    const { sent, got } = await passage(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world",
      OK,
      { maxRequestSize: 10 },
    );
    expect(sent).toBe("");
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
    const enough = await passage(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello worl",
      OK,
      { maxRequestSize: 10 },
    );
    expect(enough.got).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("an answer that is passed back", () => {
  test("keeps status, phrase, fields, length and coded bytes, and loses what was for the connection", async () => {
    const answer = [
      "HTTP/1.1 404 Not Here",
      "Date: Thu, 01 Jan 1970 00:00:00 GMT",
      "Server: origin",
      "Connection: keep-alive, X-Hop",
      "Keep-Alive: timeout=5",
      "Proxy-Authenticate: Basic",
      "X-Hop: 1",
      "Content-Encoding: gzip",
      "Content-Length: 4",
      'ETag: W/"1"',
      "",
      "\x1f\x8b\x00\xff",
    ].join("\r\n");
    const { got } = await passage(get("/", "Accept-Encoding: gzip"), answer);
    expect(got).toBe(
      [
        "HTTP/1.1 404 Not Here",
        "Date: Thu, 01 Jan 1970 00:00:00 GMT",
        "Server: origin",
        "Content-Encoding: gzip",
        'ETag: W/"1"',
        "Via: 1.1 test",
        "Content-Length: 4",
        "Connection: close",
        "",
        "\x1f\x8b\x00\xff",
      ].join("\r\n"),
    );
  });

  test("comes in chunks where the origin's came so, its trailers behind it", async () => {
    const answer = `HTTP/1.1 200 OK\r\nTrailer: X-Sum, Host\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n${[
      "X-Sum: 7",
      "X-Forwarded-For: 1.2.3.4",
    ].join("\r\n")}\r\n\r\n`;
    const { got } = await passage(get("/", "TE: trailers"), answer);
    expect(fieldOf(got, "transfer-encoding")).toBe("chunked");
    expect(fieldOf(got, "trailer")).toBe("X-Sum");
    expect(got).toMatch(/0\r\nX-Sum: 7\r\n\r\n$/);
  });

  test("that lasts until the origin closes is framed anew", async () => {
    const origin = await RawOrigin.start((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nall of it"));
    const { server } = await proxied(origin.url);
    const client = await RawClient.to(server);
    client.send(get("/"));
    const got = await client.untilClosed();
    expect(fieldOf(got, "transfer-encoding")).toBe("chunked");
    expect(fieldOf(got, "via")).toBe("1.0 test");
    expect(got).toMatch(/\r\n9\r\nall of it\r\n0\r\n\r\n$/);
  });

  test("to HEAD keeps the length that GET would have had", async () => {
    const { got } = await passage(
      "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
    );
    expect(fieldOf(got, "content-length")).toBe("1234");
    expect(got).toMatch(/\r\n\r\n$/);
  });

  test.each([
    ["204 No Content", "Content-Length: 0\r\n", undefined],
    ["304 Not Modified", 'Content-Length: 77\r\nETag: "1"\r\n', "77"],
    ["205 Reset Content", "Content-Length: 0\r\n", "0"],
  ])("with status %s has no body", async (status, lines, length) => {
    const { got, errors } = await passage(get("/"), `HTTP/1.1 ${status}\r\n${lines}\r\n`);
    expect(got.slice(0, got.indexOf("\r\n"))).toBe(`HTTP/1.1 ${status}`);
    expect(got).toMatch(/\r\n\r\n$/);
    expect(fieldOf(got, "content-length")).toBe(length);
    expect(errors).toEqual([]);
  });

  test("is a redirect where the origin's was: it is not followed", async () => {
    const { got, sent } = await passage(
      get("/"),
      "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/x\r\nContent-Length: 0\r\n\r\n",
    );
    expect(got).toMatch(/^HTTP\/1\.1 302 Found\r\n/);
    expect(fieldOf(got, "location")).toBe("https://elsewhere.example/x");
    expect(sent.match(/GET/g)).toHaveLength(1);
  });

  test("to an HTTP/1.0 client is no chunked one, and no interim one comes before it", async () => {
    const answer =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const { got } = await passage("GET / HTTP/1.0\r\nHost: a\r\n\r\n", answer);
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(fieldOf(got, "transfer-encoding")).toBeUndefined();
    expect(got).toMatch(/\r\n\r\nabc$/);
  });

  test("brings interim ones before it, without what was for the connection; 100 stays here", async () => {
    const interim = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X-A\r\nX-A: 1\r\n\r\n";
    const { got } = await passage(
      get("/"),
      `HTTP/1.1 100 Continue\r\n\r\n${interim}HTTP/1.1 102 Processing\r\n\r\n${OK}`,
    );
    expect(got).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
  });

  test("with a status that is none is 502", async () => {
    const { got, errors } = await passage(get("/"), "HTTP/1.1 777 Lucky\r\nContent-Length: 0\r\n\r\n");
    expect(got).toMatch(/^HTTP\/1\.1 502 /);
    expect(errors).toMatchObject([{ code: "proxy/bad-answer" }]);
  });
});
