import { describe, expect, test } from "vitest";
import { PeerError } from "../../src/errors.js";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import { ResponseReader } from "../../src/http1/response-reader.js";
import { CHUNKED, KEEP_ALIVE, UNTIL_CLOSE, UPGRADE } from "../../src/http1/sinks.js";
import { Recorder, readResponses, responsesAtEveryCut } from "./recorder.js";

const GET = [{ method: "GET" }];

/** What is said of bytes that no answer begins with. */
function failureOf(wire: string): Error {
  const reader = new ResponseReader(new Recorder(), HTTP1_LIMITS);
  reader.expect("GET");
  try {
    reader.feed(Buffer.from(wire, "latin1"));
  } catch (error) {
    if (error instanceof PeerError && error.code === "http1/status-line-invalid") return error;
    throw error;
  }
  throw new Error("Nothing was refused");
}

describe("a response with a length", () => {
  test("is told as head, data and end, whatever the cut", () => {
    const wire = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhello";
    expect(responsesAtEveryCut(wire, GET)).toEqual({
      error: undefined,
      status: undefined,
      events: [
        {
          type: "response",
          status: 200,
          reason: "OK",
          version: 11,
          length: 5,
          flags: KEEP_ALIVE,
          fields: ["Content-Length", "5", "Set-Cookie", "a=1", "Set-Cookie", "b=2"],
        },
        { type: "data", text: "hello" },
        { type: "end", trailers: [] },
      ],
    });
  });

  test("may be followed by the answer to the next request", () => {
    const wire = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const { events, error } = responsesAtEveryCut(wire, [{ method: "GET" }, { method: "POST" }]);
    expect(error).toBeUndefined();
    expect(events.filter((event) => event.type === "response")).toMatchObject([{ status: 200 }, { status: 404 }]);
  });
});

describe("the status line", () => {
  test.each([
    ["HTTP/1.1 200 OK", 200, "OK"],
    ["HTTP/1.1 200 ", 200, ""],
    ["HTTP/1.1 200", 200, ""],
    ["HTTP/1.1 200  OK", 200, " OK"],
    ["HTTP/1.1 500 Ori\xebnt\ttab", 500, "Ori\xebnt\ttab"],
    ["HTTP/1.0 200 OK", 200, "OK"],
    ["HTTP/1.9 200 OK", 200, "OK"],
    ["HTTP/1.1 599 x", 599, "x"],
    ["HTTP/1.1 999 Request denied", 999, "Request denied"],
  ])("%j is accepted", (line, status, reason) => {
    const { events, error } = responsesAtEveryCut(`${line}\r\nContent-Length: 0\r\n\r\n`, GET);
    expect(error).toBeUndefined();
    expect(events[0]).toMatchObject({ status, reason, version: line.startsWith("HTTP/1.0") ? 10 : 11 });
  });

  test.each([
    ["HTTP/1.1 20 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 2000 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 099 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 000 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 2x0 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 +20 OK", "http1/status-line-invalid"],
    ["HTTP/1.1  200 OK", "http1/status-line-invalid"],
    ["HTTP/1.1\t200 OK", "http1/status-line-invalid"],
    ["HTTP/1.1 200\tOK", "http1/status-line-invalid"],
    ["HTTP/1.1 200OK", "http1/status-line-invalid"],
    ["HTTP/1.1 200 O\x00K", "http1/status-line-invalid"],
    ["HTTP/1.1 200 O\x7fK", "http1/status-line-invalid"],
    ["HTTP/1.1 200 OK\rX: y", "http1/status-line-invalid"],
    ["HTTP/1.1", "http1/status-line-invalid"],
    ["HTTP/11 200 OK", "http1/status-line-invalid"],
    ["HTTP/1.01 200 OK", "http1/status-line-invalid"],
    ["HTTPS/1.1 200 OK", "http1/status-line-invalid"],
    ["http/1.1 200 OK", "http1/status-line-invalid"],
    ["ICY 200 OK", "http1/status-line-invalid"],
    ["HTTP/2.0 200 OK", "http1/version-unsupported"],
    ["HTTP/0.9 200 OK", "http1/version-unsupported"],
    [" HTTP/1.1 200 OK", "http1/status-line-invalid"],
  ])("%j is refused", (line, error) => {
    expect(responsesAtEveryCut(`${line}\r\nContent-Length: 0\r\n\r\n`, GET)).toMatchObject({ events: [], error });
  });

  test.each([
    ["\x15\x03\x03\x00\x02\x02F", '"\\x15\\x03\\x03…", not with', "it looks like TLS: the URL should begin with https"],
    ["\x16\x03\x01\x02\x00\n", '"\\x16\\x03\\x01…"', "it looks like TLS"],
    ["SSH-2.0-OpenSSH_9.6\r\n", '"SSH-2.0-OpenSSH_9.6"', "it looks like SSH"],
    ["\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", '"\\x00\\x00\\x12\\x04', "it looks like HTTP/2, which"],
    ["\x00\x00\x08\x07\x00\x00\x00\x00\x00", '"\\x00\\x00\\x08\\x07', "it looks like HTTP/2"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", '"PRI * HTTP/2.0', "it looks like HTTP/2"],
    ["220 mail.example.com ESMTP\r\n", '"220 mail.example.com ESMTP', "it looks like a mail server or FTP"],
    ["* OK IMAP4rev1\r\n", '"* OK IMAP4rev1', "it looks like a mail server"],
    ["-ERR no such key 'secret'\r\n", '"-ERR…"', "it looks like Redis"],
    ["<!DOCTYPE html>secret\n", '"<!DOCTYPE…"', "it looks like a body without a head"],
  ])("%j is refused by what it looks like", (wire, shown, kind) => {
    const { message } = failureOf(wire);
    expect(message).toContain(`Cannot read response: it begins with ${shown}`);
    expect(message).toContain(`three digits, space, reason phrase; ${kind}`);
  });

  test("what is shown of it is bounded, of one line and printable", () => {
    expect(failureOf(`SSH-"\\\x1b[31m\xe9${"x".repeat(500)}\nnext`).message).toBe(
      `Cannot read response: it begins with "SSH-\\x22\\x5c\\x1b[31m\\xe9${"x".repeat(28)}…", ` +
        "not with version, space, three digits, space, reason phrase; it looks like SSH",
    );
  });

  test.each([
    ["ICY 200 OK\r\n", "ICY …"],
    ["eyJhbGciOiJIUzI1NiJ9.secret\r\n", "eyJh…"],
    ["HTTP/1.1 2x0 secret\r\n", "HTTP/1.1 2x0 …"],
    ["HTTP/1.1 20\r\n", "HTTP/1.1 20"],
    ["\n", ""],
  ])("of what nobody knows there is no more than tells formats apart: %j", (wire, shown) => {
    expect(failureOf(wire).message).toContain(`it begins with "${shown}", not with`);
  });

  test("our own request, sent back, is not shown, nor what may be the rest of an answer", () => {
    const back = failureOf("GET /?token=secret HTTP/1.1\r\nAuthorization: Bearer secret\r\n");
    expect(back.message).toBe("Cannot read response: it begins with a request: the peer sends back what it gets");
    const cut = failureOf(`GET /${"x".repeat(300)}?token=secret HTTP/1.1\r\n`);
    expect(cut.message).toBe(back.message);
    const reader = new ResponseReader(new Recorder(), HTTP1_LIMITS);
    reader.expect("GET");
    reader.feed(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    reader.expect("GET");
    expect(() => reader.feed(Buffer.from("secret\r\n"))).toThrow(
      "Cannot read response: what follows the last answer is no status line; that answer may be longer than it said",
    );
  });

  test("with a bare LF is refused", () => {
    for (const line of ["HTTP/1.1 200 OK\n", "HTTP/1.1 200\n", "HTTP/1.0 200 \n"]) {
      expect(responsesAtEveryCut(`${line}Content-Length: 0\r\n\r\n`, GET).error).toBe("http1/bare-line-feed");
    }
  });

  test("may not have an empty line before it", () => {
    expect(responsesAtEveryCut("\r\nHTTP/1.1 200 OK\r\n\r\n", GET).error).toBe("http1/too-many-empty-lines");
  });
});

describe("where a response ends (RFC 9112 §6.3)", () => {
  const both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";

  test.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
    ["HEAD", 404],
  ])("at its head, to %s with %i, whatever its fields say", (method, status) => {
    for (const fields of ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", both]) {
      const wire = `HTTP/1.1 ${status} x\r\n${fields}\r\n`;
      const { events, error } = responsesAtEveryCut(wire, [{ method }]);
      expect(error).toBeUndefined();
      expect(events).toMatchObject([{ status, length: 0, flags: KEEP_ALIVE }, { type: "end" }]);
    }
  });

  test("with the connection, if it declares nothing", () => {
    const outcome = responsesAtEveryCut("HTTP/1.1 200 OK\r\n\r\nall of it", GET, { finish: true });
    expect(outcome.error).toBeUndefined();
    expect(outcome.events).toMatchObject([
      { length: UNTIL_CLOSE, flags: 0 },
      { type: "data", text: "all of it" },
      { type: "end" },
    ]);
    const empty = responsesAtEveryCut("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", GET, { finish: true });
    expect(empty.events).toMatchObject([{ length: UNTIL_CLOSE, flags: 0 }, { type: "end" }]);
  });

  test("by chunks", () => {
    const wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n";
    const { events } = responsesAtEveryCut(wire, GET);
    expect(events[0]).toMatchObject({ length: CHUNKED });
    expect(events.slice(1)).toEqual([
      { type: "data", text: "hello" },
      { type: "end", trailers: ["X", "y"] },
    ]);
  });

  test.each([
    [both, "http1/length-with-coding"],
    ["Content-Length: 5\r\nContent-Length: 5\r\n", "http1/length-repeated"],
    ["Content-Length: 5, 5\r\n", "http1/length-invalid"],
    ["Content-Length: +5\r\n", "http1/length-invalid"],
    ["Transfer-Encoding: gzip, chunked\r\n", "http1/coding-unknown"],
    ["Transfer-Encoding: chunked, gzip\r\n", "http1/coding-not-final"],
  ])("is refused if unclear: %j", (fields, error) => {
    expect(responsesAtEveryCut(`HTTP/1.1 200 OK\r\n${fields}\r\n`, GET)).toMatchObject({ events: [], error });
  });

  test("is refused if an HTTP/1.0 response is chunked", () => {
    const wire = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(responsesAtEveryCut(wire, GET).error).toBe("http1/coding-in-http-1.0");
  });
});

describe("interim responses", () => {
  test("are told as such, and the final one follows", () => {
    const wire =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const { events, error } = responsesAtEveryCut(wire, GET);
    expect(error).toBeUndefined();
    expect(events).toMatchObject([
      { type: "interim", status: 100, reason: "Continue", fields: [] },
      { type: "interim", status: 103, fields: ["Link", "</a>"] },
      { type: "response", status: 200, fields: ["Content-Length", "0"] },
      { type: "end" },
    ]);
  });

  test("never have a body", () => {
    const wire = "HTTP/1.1 102 x\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\n";
    expect(responsesAtEveryCut(wire, GET).events.map((event) => event.type)).toEqual(["interim", "response", "end"]);
  });
});

describe("switching protocols", () => {
  const SWITCH =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\n";

  function reading(method: string, upgrade: boolean): { recorder: Recorder; reader: ResponseReader } {
    const recorder = new Recorder();
    const reader = new ResponseReader(recorder, HTTP1_LIMITS);
    reader.expect(method, upgrade);
    return { recorder, reader };
  }

  test("101 to an upgrade stops the reader, and what follows is the other protocol's", () => {
    const wire = Buffer.from(`${SWITCH}\x81\x00rest`, "latin1");
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const { recorder, reader } = reading("GET", true);
      reader.feed(wire.subarray(0, cut));
      reader.feed(wire.subarray(cut));
      expect(recorder.events).toMatchObject([{ status: 101, flags: UPGRADE, length: 0 }]);
      expect(reader.paused).toBe(true);
      reader.resume();
      expect(reader.paused).toBe(true);
      expect(Buffer.from(reader.takeRest()).toString("latin1")).toBe("\x81\x00rest");
      expect(reader.paused).toBe(false);
    }
  });

  test("101 that nobody asked for is refused", () => {
    expect(responsesAtEveryCut(SWITCH, GET)).toMatchObject({ events: [], error: "http1/unexpected-upgrade" });
  });

  test("another answer to an upgrade is an ordinary response", () => {
    const outcome = responsesAtEveryCut("HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nno", [
      { method: "GET", upgrade: true },
    ]);
    expect(outcome.events).toMatchObject([{ status: 400 }, { type: "data", text: "no" }, { type: "end" }]);
  });

  test("2xx to CONNECT stops the reader whatever its fields say", () => {
    const { recorder, reader } = reading("CONNECT", false);
    reader.feed(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nbytes"));
    reader.feed(Buffer.from(" and more"));
    expect(recorder.events).toMatchObject([{ status: 200, length: 0 }]);
    expect(Buffer.from(reader.takeRest()).toString()).toBe("bytes and more");
  });

  test("other answers to CONNECT have a body", () => {
    const wire = "HTTP/1.1 407 x\r\nContent-Length: 2\r\n\r\nno";
    const { events } = responsesAtEveryCut(wire, [{ method: "CONNECT" }]);
    expect(events.map((event) => event.type)).toEqual(["response", "data", "end"]);
  });
});

describe("bytes that nobody asked for", () => {
  test("are refused before any request", () => {
    expect(responsesAtEveryCut("H", []).error).toBe("http1/unexpected-response");
  });

  test("are refused after the last answer", () => {
    const wire = "HTTP/1.1 204 x\r\n\r\n\r\n";
    expect(responsesAtEveryCut(wire, GET)).toMatchObject({
      error: "http1/unexpected-response",
      events: [{ status: 204 }, { type: "end" }],
    });
  });

  test("are dropped if the answer before ended the connection", () => {
    const wire = "HTTP/1.1 204 x\r\nConnection: close\r\n\r\nmore";
    expect(responsesAtEveryCut(wire, [...GET, ...GET])).toMatchObject({ error: undefined, events: [{ flags: 0 }, {}] });
  });
});

test("requests may be announced while their predecessor's answer is read, and are counted until answered", () => {
  const recorder = new Recorder();
  const reader = new ResponseReader(recorder, HTTP1_LIMITS);
  reader.expect("HEAD");
  let announced = 1;
  recorder.afterEvent = (event) => {
    if (event.type !== "end" || announced === 3) return;
    announced += 1;
    reader.expect("GET");
  };
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  reader.feed(Buffer.from(`${answer}${answer}a${answer}b`));
  expect(recorder.events.map((event) => event.type)).toEqual([
    "response",
    "end",
    "response",
    "data",
    "end",
    "response",
    "data",
    "end",
  ]);
  expect(reader.expectedCount).toBe(0);
  expect(reader.idle).toBe(true);
});

test("a status line that is cut needs no more than its bytes to be refused or read", () => {
  expect(readResponses("X", GET).error).toBe("http1/status-line-invalid");
  expect(readResponses("HTTP/1.1 200 OK", GET)).toMatchObject({ error: undefined, events: [] });
});
