import { describe, expect, test } from "vitest";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import { RequestReader } from "../../src/http1/request-reader.js";
import { CHUNKED, EXPECT_CONTINUE, EXPECT_UNKNOWN, KEEP_ALIVE, UPGRADE } from "../../src/http1/sinks.js";
import { Recorder, readRequests, requestsAtEveryCut } from "./recorder.js";

const HOST = "Host: example.com\r\n";

function head(line: string, ...fields: string[]): string {
  return `${line}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
}

describe("a request without a body", () => {
  test("is told as head and end, with fields in order and case, whatever the cut", () => {
    const wire = head("GET /a?b=c HTTP/1.1", "HOST: example.com", "X-a:1", "x-A: \t two words \t", "Empty:");
    expect(requestsAtEveryCut(wire)).toEqual({
      error: undefined,
      status: undefined,
      events: [
        {
          type: "request",
          method: "GET",
          target: "/a?b=c",
          version: 11,
          length: 0,
          flags: KEEP_ALIVE,
          fields: ["HOST", "example.com", "X-a", "1", "x-A", "two words", "Empty", ""],
        },
        { type: "end", trailers: [] },
      ],
    });
  });

  test("keeps octets above 0x7f in values, one character each", () => {
    const { events } = requestsAtEveryCut(head("GET / HTTP/1.1", "Host: a", "X: \x80\xff"));
    expect(events[0]).toMatchObject({ fields: ["Host", "a", "X", "\x80\xff"] });
  });

  test("may be followed by others on the same connection", () => {
    const wire =
      head("GET /1 HTTP/1.1", "Host: a") + head("DELETE /2 HTTP/1.1", "Host: a") + head("X /3 HTTP/1.1", "Host: a");
    const { events, error } = requestsAtEveryCut(wire);
    expect(error).toBeUndefined();
    expect(events.map((event) => (event.type === "request" ? event.target : event.type))).toEqual([
      "/1",
      "end",
      "/2",
      "end",
      "/3",
      "end",
    ]);
  });

  test("may be preceded by a few empty lines", () => {
    const { events, error } = requestsAtEveryCut(
      `\r\n\r\n${head("GET / HTTP/1.1", "Host: a")}\r\n${head("GET /2 HTTP/1.1", "Host: a")}\r\n`,
    );
    expect(error).toBeUndefined();
    expect(events).toHaveLength(4);
  });
});

describe("the request line", () => {
  test.each([
    ["GET  / HTTP/1.1", "http1/target-invalid", 400],
    ["GET / HTTP/1.1 ", "http1/version-invalid", 400],
    [" GET / HTTP/1.1", "http1/request-line-invalid", 400],
    ["GET\t/\tHTTP/1.1", "http1/request-line-invalid", 400],
    ["GET /", "http1/request-line-invalid", 400],
    ["GET", "http1/request-line-invalid", 400],
    ["GET / http/1.1", "http1/version-invalid", 400],
    ["GET / HTTP/1", "http1/version-invalid", 400],
    ["GET / HTTP/1.", "http1/version-invalid", 400],
    ["GET / HTTP/1.10", "http1/version-invalid", 400],
    ["GET / HTTP/01.1", "http1/version-invalid", 400],
    ["GET / HTTP/2.0", "http1/version-unsupported", 505],
    ["GET / HTTP/0.9", "http1/version-unsupported", 505],
    ["PRI * HTTP/2.0", "http1/version-unsupported", 505],
    ["G@T / HTTP/1.1", "http1/request-line-invalid", 400],
    ["GÉT / HTTP/1.1", "http1/request-line-invalid", 400],
    ["GET /a#b HTTP/1.1", "http1/target-invalid", 400],
    ["GET /\x7f HTTP/1.1", "http1/target-invalid", 400],
    ["GET /\xe9 HTTP/1.1", "http1/target-invalid", 400],
    ["GET a HTTP/1.1", "http1/target-invalid", 400],
    ["GET * HTTP/1.1", "http1/target-invalid", 400],
    ["GET example.com:80 HTTP/1.1", "http1/target-invalid", 400],
    ["GET http:/a/ HTTP/1.1", "http1/target-invalid", 400],
    ["GET ftp://a/ HTTP/1.1", "http1/target-invalid", 400],
    ["GET httpx://a/ HTTP/1.1", "http1/target-invalid", 400],
    ["OPTIONS file://a/ HTTP/1.1", "http1/target-invalid", 400],
    ["GET http:///a HTTP/1.1", "http1/target-invalid", 400],
    ["GET http://user@a/ HTTP/1.1", "http1/target-invalid", 400],
    ["GET http://a:99999/ HTTP/1.1", "http1/target-invalid", 400],
    ["CONNECT /a HTTP/1.1", "http1/target-invalid", 400],
    ["CONNECT a HTTP/1.1", "http1/target-invalid", 400],
    ["CONNECT a: HTTP/1.1", "http1/target-invalid", 400],
    ["CONNECT http://a:80 HTTP/1.1", "http1/target-invalid", 400],
    ["\x16\x03\x01\x02", "http1/request-line-invalid", 400],
  ])("%j is refused with %s", (line, error, status) => {
    expect(requestsAtEveryCut(`${line}\r\n${HOST}\r\n`)).toEqual({ events: [], error, status });
  });

  test("is refused at its first octet if that cannot begin a method", () => {
    expect(readRequests("\x16").error).toBe("http1/request-line-invalid");
  });

  test.each([
    ["GET / HTTP/1.1\n", "http1/bare-line-feed"],
    ["GET / HTTP/1.0\n", "http1/bare-line-feed"],
    ["GET / HTTP/1.1\r\r\n", "http1/version-invalid"],
    ["GET / HTTP/1.1\rX\n", "http1/version-invalid"],
    ["GET /\n", "http1/request-line-invalid"],
    ["\n", "http1/request-line-invalid"],
    ["\rGET / HTTP/1.1\r\n", "http1/bare-carriage-return"],
    ["\r\r\n", "http1/bare-carriage-return"],
  ])("with a line end other than CRLF, %j, is refused", (line, error) => {
    expect(requestsAtEveryCut(`${line}${HOST}\r\n`)).toMatchObject({ events: [], error });
  });

  test.each([
    ["GET /", 11],
    ["GET //a//b", 11],
    ['GET /%zz|"<>[]{}\\^`', 11],
    ["GET http://example.com", 11],
    ["GET HTTPS://example.com:8443/a?b", 11],
    ["GET http://[::1]:80/", 11],
    ["GET ws://a/", 11],
    ["OPTIONS *", 11],
    ["OPTIONS /", 11],
    ["M-SEARCH /", 11],
    ["!#$%&'*+-.^_`|~ /", 11],
  ])("%s is accepted", (line) => {
    const { events, error } = requestsAtEveryCut(`${line} HTTP/1.1\r\n${HOST}\r\n`);
    expect(error).toBeUndefined();
    expect(events[0]).toMatchObject({ method: line.split(" ")[0], target: line.split(" ")[1] });
  });

  test("with a higher minor version is read as HTTP/1.1", () => {
    expect(requestsAtEveryCut(head("GET / HTTP/1.7", "Host: a")).events[0]).toMatchObject({ version: 11 });
  });
});

describe("field lines", () => {
  test.each([
    ["X: a\nY: b", "http1/bare-line-feed"],
    ["X: a\n", "http1/bare-line-feed"],
    ["X: a\rY: b", "http1/field-value-invalid"],
    ["X: a\r", "http1/field-value-invalid"],
    ["X:\0", "http1/field-value-invalid"],
    ["X: a\x01b", "http1/field-value-invalid"],
    ["X: a\x7f", "http1/field-value-invalid"],
    ["X : a", "http1/field-name-invalid"],
    ["X\t: a", "http1/field-name-invalid"],
    [": a", "http1/field-name-invalid"],
    ["X@Y: a", "http1/field-name-invalid"],
    ["X\xe9: a", "http1/field-name-invalid"],
    ["X\0: a", "http1/field-name-invalid"],
    ["X", "http1/field-without-colon"],
    ["X\nY: a", "http1/field-without-colon"],
    [" X: a", "http1/folded-line"],
    ["X: a\r\n b", "http1/folded-line"],
    ["X: a\r\n\tb", "http1/folded-line"],
    ["\rX: a", "http1/field-name-invalid"],
  ])("%j is refused", (line, error) => {
    const wire = `GET / HTTP/1.1\r\n${HOST}${line}\r\n\r\n`;
    expect(requestsAtEveryCut(wire)).toEqual({ events: [], error, status: 400 });
  });

  test("with bare LF at the end of all lines are refused", () => {
    const { error } = requestsAtEveryCut("GET / HTTP/1.1\r\nHost: a\n\n");
    expect(error).toBe("http1/bare-line-feed");
  });
});

describe("Host", () => {
  test.each([
    [[], "http1/host-missing"],
    [["Host: a", "Host: a"], "http1/host-repeated"],
    [["Host: a", "hOST: b"], "http1/host-repeated"],
    [["Host: a b"], "http1/host-invalid"],
    [["Host: a/b"], "http1/host-invalid"],
    [["Host: user@a"], "http1/host-invalid"],
    [["Host: a:port"], "http1/host-invalid"],
    [["Host: a:80:80"], "http1/host-invalid"],
    [["Host: a:65536"], "http1/host-invalid"],
    [["Host: a, b c"], "http1/host-invalid"],
    [["Host: [::1"], "http1/host-invalid"],
    [["Host: ::1"], "http1/host-invalid"],
    [["Host: %zz"], "http1/host-invalid"],
    [["Host: \xe9"], "http1/host-invalid"],
  ])("%j is refused", (fields, error) => {
    expect(requestsAtEveryCut(head("GET / HTTP/1.1", ...fields))).toEqual({ events: [], error, status: 400 });
  });

  test("may be absent from HTTP/1.0, but not be there twice or be invalid", () => {
    expect(requestsAtEveryCut(head("GET / HTTP/1.0")).error).toBeUndefined();
    expect(requestsAtEveryCut(head("GET / HTTP/1.0", "Host: a", "Host: a")).error).toBe("http1/host-repeated");
    expect(requestsAtEveryCut(head("GET / HTTP/1.0", "Host: a b")).error).toBe("http1/host-invalid");
  });

  test.each(["", "a", "a:", "a:80", "EXAMPLE.com", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:443", "a%20b", "a_b"])(
    "%j is accepted",
    (host) => {
      expect(requestsAtEveryCut(head("GET / HTTP/1.1", `Host: ${host}`)).error).toBeUndefined();
    },
  );

  test("is checked again when it changes on a connection", () => {
    const wire = head("GET / HTTP/1.1", "Host: a") + head("GET / HTTP/1.1", "Host: a b");
    expect(requestsAtEveryCut(wire).error).toBe("http1/host-invalid");
    const repeated = head("GET / HTTP/1.1", "Host: a") + head("GET / HTTP/1.1", "Host: a", "Host: a");
    expect(requestsAtEveryCut(repeated).error).toBe("http1/host-repeated");
    const absent = head("GET / HTTP/1.1", "Host:") + head("GET / HTTP/1.1");
    expect(requestsAtEveryCut(absent).error).toBe("http1/host-missing");
  });
});

describe("Content-Length", () => {
  test("frames the body, and what follows is the next request", () => {
    const wire = `${head("POST / HTTP/1.1", "Host: a", "Content-Length: 5")}hello${head("GET /2 HTTP/1.1", "Host: a")}`;
    const { events } = requestsAtEveryCut(wire);
    expect(events.map((event) => event.type)).toEqual(["request", "data", "end", "request", "end"]);
    expect(events[0]).toMatchObject({ length: 5 });
    expect(events[1]).toEqual({ type: "data", text: "hello" });
  });

  test.each(["0", "00", "003"])("of %s digits only is accepted", (value) => {
    const { events } = readRequests(head("POST / HTTP/1.1", "Host: a", `Content-Length: ${value}`));
    expect(events[0]).toMatchObject({ length: Number(value) });
  });

  test.each(["+5", "-5", "0x5", "5 5", "5,5", "5, 5", "", "5.0", "5e0", "5;", "٥", "1_0", '"5"', "5\t5"])(
    "%j is refused",
    (value) => {
      const wire = Buffer.from(head("POST / HTTP/1.1", "Host: a", `Content-Length: ${value}`), "utf8");
      expect(requestsAtEveryCut(wire)).toEqual({ events: [], error: "http1/length-invalid", status: 400 });
    },
  );

  test("is refused when repeated, even if equal", () => {
    const wire = head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "content-length: 5");
    expect(requestsAtEveryCut(wire)).toEqual({ events: [], error: "http1/length-repeated", status: 400 });
  });

  test("is exact up to 2^53 - 1, and refused above", () => {
    const largest = readRequests(head("POST / HTTP/1.1", "Host: a", "Content-Length: 9007199254740991"));
    expect(largest.events[0]).toMatchObject({ length: 9_007_199_254_740_991 });
    for (const value of ["9007199254740992", "9007199254740993", "99999999999999999999999999"]) {
      const outcome = readRequests(head("POST / HTTP/1.1", "Host: a", `Content-Length: ${value}`));
      expect(outcome).toEqual({ events: [], error: "http1/length-too-large", status: 413 });
    }
  });
});

describe("Transfer-Encoding", () => {
  test.each(["chunked", "CHUNKED", " chunked\t"])("%j frames the body", (value) => {
    const wire = `${head("POST / HTTP/1.1", "Host: a", `Transfer-Encoding: ${value}`)}3\r\nabc\r\n0\r\n\r\n`;
    const { events, error } = requestsAtEveryCut(wire);
    expect(error).toBeUndefined();
    expect(events[0]).toMatchObject({ length: CHUNKED });
    expect(events.slice(1)).toEqual([
      { type: "data", text: "abc" },
      { type: "end", trailers: [] },
    ]);
  });

  test.each([
    [["chunked, chunked"], "http1/coding-not-final", 400],
    [["chunked", "chunked"], "http1/coding-not-final", 400],
    [["chunked, identity"], "http1/coding-not-final", 400],
    [["chunked", "gzip"], "http1/coding-not-final", 400],
    [["gzip, chunked"], "http1/coding-unknown", 501],
    [["gzip", "chunked"], "http1/coding-unknown", 501],
    [["identity"], "http1/coding-unknown", 501],
    [["xchunked"], "http1/coding-unknown", 501],
    [["chunkedchunked"], "http1/coding-unknown", 501],
    [['"chunked"'], "http1/coding-unknown", 501],
    [[""], "http1/coding-invalid", 400],
    [[", chunked"], "http1/coding-invalid", 400],
    [["chunked,"], "http1/coding-not-final", 400],
    [["chunked;q=1"], "http1/coding-invalid", 400],
    [["chunked;"], "http1/coding-invalid", 400],
    [["chunked\x0b"], "http1/field-value-invalid", 400],
  ])("%j is refused", (values, error, status) => {
    const wire = head("POST / HTTP/1.1", "Host: a", ...values.map((value) => `Transfer-Encoding: ${value}`));
    expect(requestsAtEveryCut(`${wire}0\r\n\r\n`)).toEqual({ events: [], error, status });
  });

  test("beside Content-Length is refused, in either order", () => {
    for (const fields of [
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", "Content-Length: 5"],
      ["Transfer-Encoding: chunked", "Content-Length: abc"],
    ]) {
      const outcome = requestsAtEveryCut(head("POST / HTTP/1.1", "Host: a", ...fields));
      expect(outcome).toEqual({ events: [], error: "http1/length-with-coding", status: 400 });
    }
  });

  test("in HTTP/1.0 is refused", () => {
    const outcome = requestsAtEveryCut(head("POST / HTTP/1.0", "Transfer-Encoding: chunked"));
    expect(outcome).toEqual({ events: [], error: "http1/coding-in-http-1.0", status: 400 });
  });
});

describe("the connection", () => {
  test.each([
    ["HTTP/1.1", [], true],
    ["HTTP/1.1", ["Connection: close"], false],
    ["HTTP/1.1", ["Connection: x, CLOSE ,y"], false],
    ["HTTP/1.1", ["Connection: keep-alive", "Connection: close"], false],
    ["HTTP/1.1", ["Connection: closed"], true],
    ["HTTP/1.1", ["Connection: ,,"], true],
    ["HTTP/1.0", [], false],
    ["HTTP/1.0", ["Connection: keep-alive"], true],
    ["HTTP/1.0", ["Connection: Keep-Alive, x"], true],
    ["HTTP/1.0", ["Connection: keep-alive, close"], false],
    ["HTTP/1.0", ["Proxy-Connection: keep-alive"], false],
  ])("of %s with %j persists: %s", (version, fields, persists) => {
    const wire = head(`GET / ${version}`, "Host: a", ...fields) + head("GET /2 HTTP/1.1", "Host: a");
    const { events, error } = requestsAtEveryCut(wire);
    expect(error).toBeUndefined();
    expect(events[0]).toMatchObject({ flags: persists ? KEEP_ALIVE : 0 });
    expect(events).toHaveLength(persists ? 4 : 2);
  });

  test("that does not persist drops what follows without reading it", () => {
    const wire = `${head("GET / HTTP/1.1", "Host: a", "Connection: close")}\0\0 not HTTP`;
    expect(requestsAtEveryCut(wire)).toMatchObject({ error: undefined, events: [{}, { type: "end" }] });
  });
});

describe("Upgrade and Expect", () => {
  test.each([
    ["HTTP/1.1", ["Connection: upgrade", "Upgrade: websocket"], UPGRADE],
    ["HTTP/1.1", ["Connection: keep-alive, Upgrade", "Upgrade: h2c"], UPGRADE],
    ["HTTP/1.1", ["Upgrade: websocket"], 0],
    ["HTTP/1.1", ["Connection: upgrade"], 0],
    ["HTTP/1.0", ["Connection: keep-alive, upgrade", "Upgrade: websocket"], 0],
    ["HTTP/1.1", ["Expect: 100-continue"], EXPECT_CONTINUE],
    ["HTTP/1.1", ["Expect: 100-Continue"], EXPECT_CONTINUE],
    ["HTTP/1.1", ["Expect: 100-continue", "Expect: 100-continue"], EXPECT_CONTINUE],
    ["HTTP/1.1", ["Expect: 100-continue, x"], EXPECT_UNKNOWN],
    ["HTTP/1.1", ["Expect: more=1"], EXPECT_UNKNOWN],
    ["HTTP/1.1", ["Expect:"], EXPECT_UNKNOWN],
    ["HTTP/1.0", ["Connection: keep-alive", "Expect: 100-continue"], 0],
  ])("%s with %j is flagged", (version, fields, flags) => {
    const { events } = requestsAtEveryCut(head(`GET / ${version}`, "Host: a", ...fields));
    expect(events[0]).toMatchObject({ flags: flags | KEEP_ALIVE });
  });
});

describe("CONNECT", () => {
  const CONNECT = head("CONNECT example.com:443 HTTP/1.1", "Host: example.com:443");

  test("pauses the reader after its head, and what follows is the tunnel's", () => {
    const recorder = new Recorder();
    const reader = new RequestReader(recorder, HTTP1_LIMITS);
    reader.feed(Buffer.from(`${CONNECT}\x16\x03tunnel`, "latin1"));
    reader.feed(Buffer.from(" more", "latin1"));
    expect(reader.paused).toBe(true);
    expect(recorder.events.map((event) => event.type)).toEqual(["request"]);
    expect(Buffer.from(reader.takeRest()).toString("latin1")).toBe("\x16\x03tunnel more");
    expect(() => reader.feed(Buffer.from("x"))).toThrow("detached");
  });

  test("goes on with HTTP when resumed", () => {
    const recorder = new Recorder();
    const reader = new RequestReader(recorder, HTTP1_LIMITS);
    reader.feed(Buffer.from(CONNECT + head("GET / HTTP/1.1", "Host: a"), "latin1"));
    reader.resume();
    expect(recorder.events.map((event) => event.type)).toEqual(["request", "end", "request", "end"]);
  });

  test("with a body is refused, a length of 0 aside", () => {
    for (const field of ["Content-Length: 1", "Transfer-Encoding: chunked"]) {
      const outcome = requestsAtEveryCut(head("CONNECT a:1 HTTP/1.1", "Host: a:1", field));
      expect(outcome.error).toBe("http1/connect-with-body");
    }
    expect(readRequests(head("CONNECT a:1 HTTP/1.1", "Host: a:1", "Content-Length: 0")).error).toBeUndefined();
  });
});
