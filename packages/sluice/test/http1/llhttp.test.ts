/**
 * Every vector of llhttp's own tests, against our readers. Where we differ on purpose, the table says why.
 */

import { describe, expect, test } from "vitest";
import { expectedMessages, finishIsRefused, keyOf, loadVectors, run, type Vector } from "./llhttp-harness.js";

/** What a deviation is: refused by us alone, accepted by us alone, or accepted by both and read differently. */
type Kind = "stricter" | "accepted" | "different";

const DROPPED = "bytes behind a message that closes the connection are dropped unread: nothing is made of them";
const NO_EMPTY_LINE = "passing over empty lines is for servers; a client that finds one has lost its place";
const OTHER_PROTOCOL = "we speak HTTP, not RTSP or ICE";

const DEVIATIONS: Readonly<Record<string, readonly [kind: Kind, section: string, reason: string]>> = {
  "request/connection.md: `keep-alive` / No restart when keep-alive is off (1.0)": [
    "accepted",
    "RFC 9112 §9.6",
    DROPPED,
  ],
  "request/connection.md: `close` / CRLF between requests, explicit `close`": ["accepted", "RFC 9112 §9.6", DROPPED],
  "request/connection.md: `close` / CRLF between requests, explicit `close` followed by tab": [
    "accepted",
    "RFC 9112 §9.6",
    DROPPED,
  ],
  "response/connection.md: HTTP/1.1 with keep-alive disabled and 204 status": ["accepted", "RFC 9112 §9.6", DROPPED],
  "response/connection.md: HTTP/1.1 with keep-alive disabled, content-length": ["accepted", "RFC 9112 §9.6", DROPPED],
  "request/invalid.md: HTTP protocol and ANNOUNCE method": [
    "accepted",
    "RFC 9110 §9.1",
    "any token is a method; which ones are answered is the application's decision",
  ],
  "request/invalid.md: Invalid method": ["accepted", "RFC 9110 §9.1", "MKCOLA is a token"],
  "request/content-length.md: Content-Length reset when no body is received": [
    "different",
    "RFC 9112 §6.3",
    "llhttp's user says here that there is no body; a request's body cannot be skipped",
  ],
  "request/method.md: CONNECT with body": [
    "stricter",
    "RFC 9110 §9.3.6",
    "CONNECT has no content, and what follows its head is the tunnel's",
  ],
  "request/method.md: M-SEARCH request": ["stricter", "RFC 9112 §3.2.4", "asterisk-form is for OPTIONS only"],
  "request/method.md: SOURCE request with ICE": ["stricter", "RFC 9112 §2.3", OTHER_PROTOCOL],
  "request/method.md: OPTIONS request with RTSP": ["stricter", "RFC 9112 §2.3", OTHER_PROTOCOL],
  "request/method.md: ANNOUNCE request with RTSP": ["stricter", "RFC 9112 §2.3", OTHER_PROTOCOL],
  "request/sample.md: No HTTP version": ["stricter", "RFC 9112 §3", "HTTP/0.9 is not spoken: it has no framing"],
  "request/transfer-encoding.md: POST with `chunked` as last transfer-encoding": [
    "stricter",
    "RFC 9112 §3.2.1, §6.1",
    "its target has a fragment; deflate as a transfer coding would be 501",
  ],
  "request/transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)": [
    "stricter",
    "RFC 9112 §3.2.1, §6.1",
    "its target has a fragment; deflate as a transfer coding would be 501",
  ],
  "request/uri.md: Fragment in URI": ["stricter", "RFC 9112 §3.2.1", "no form of a request-target has a fragment"],
  "request/uri.md: `host:port` and basic auth": [
    "stricter",
    "RFC 9110 §4.2.4",
    "user information in a target is treated as an error",
  ],
  "response/connection.md: HTTP 304 with Content-Length": ["stricter", "RFC 9112 §2.2", NO_EMPTY_LINE],
  "response/connection.md: HTTP 100 first, then 400": ["stricter", "RFC 9112 §2.2", NO_EMPTY_LINE],
  "response/pipelining.md: Should parse multiple events": ["stricter", "RFC 9112 §2.2", NO_EMPTY_LINE],
  "response/sample.md: Response starting with CRLF": ["stricter", "RFC 9112 §2.2", NO_EMPTY_LINE],
  "response/sample.md: RTSP response": ["stricter", "RFC 9112 §2.3", OTHER_PROTOCOL],
  "response/sample.md: ICE response": ["stricter", "RFC 9112 §2.3", OTHER_PROTOCOL],
  "response/sample.md: HTTP version 0.9": ["stricter", "RFC 9112 §2.3", "there is no status line in HTTP/0.9"],
  "response/transfer-encoding.md: `chunked` before other transfer-encoding": [
    "stricter",
    "RFC 9112 §6.3, §11.2",
    "reading until the close would hand out a coding that nobody undid",
  ],
  "response/transfer-encoding.md: multiple transfer-encoding where chunked is not the last one": [
    "stricter",
    "RFC 9112 §6.3, §11.2",
    "reading until the close would hand out a coding that nobody undid",
  ],
  "response/transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked enconding": [
    "stricter",
    "RFC 9112 §6.1, §11.2",
    "a coding that we don't know",
  ],
};

/** Lenient modes of llhttp that accept what we accept anyway; all other lenient vectors are refused. */
const LENIENT_ACCEPTED = [
  "request/connection.md: `keep-alive` / Resetting flags when keep-alive is off (1.0, lenient)",
  "request/connection.md: `close` / CRLF between requests, explicit `close` (lenient)",
  "request/content-length.md: Missing CRLF-CRLF before body (lenient)",
  "response/connection.md: HTTP/1.1 with keep-alive disabled, content-length (lenient)",
  "response/connection.md: HTTP/1.1 with keep-alive disabled and 204 status (lenient)",
];

const VECTORS = loadVectors();
const STRICT = VECTORS.filter((vector) => vector.mode === "strict");

/** How we differ from llhttp on a vector, or undefined. */
function deviationOf(vector: Vector): Kind | undefined {
  const ours = run(vector, { addHost: true });
  if (!vector.expected.ok) {
    // Lines are judged when they are complete, framing when the head is: what llhttp refuses earlier, we refuse then.
    const refused = ours.error !== undefined || run(vector, { addHost: true, completed: true }).error !== undefined;
    return refused ? undefined : "accepted";
  }
  if (ours.error !== undefined) return "stricter";
  return JSON.stringify(ours.messages) === JSON.stringify(expectedMessages(vector)) ? undefined : "different";
}

test("there are 251 vectors, 214 of them strict", () => {
  expect([VECTORS.length, STRICT.length]).toEqual([251, 214]);
});

describe("a strict vector is accepted or refused, and read, as llhttp does", () => {
  test.each(STRICT.map((vector) => [keyOf(vector), vector] as const))("%s", (key, vector) => {
    expect(deviationOf(vector)).toBe(DEVIATIONS[key]?.[0]);
  });
});

describe("the table of deviations", () => {
  test("names vectors that there are", () => {
    const keys = new Set(STRICT.map(keyOf));
    expect(Object.keys(DEVIATIONS).filter((key) => !keys.has(key))).toEqual([]);
  });

  test("gives each an RFC section and a reason", () => {
    for (const [, section, reason] of Object.values(DEVIATIONS)) {
      expect(section).toMatch(/^RFC 911[02] §\d/);
      expect(reason.length).toBeGreaterThan(10);
    }
  });

  test("accepts nothing that llhttp refuses on lengths, chunking or line ends", () => {
    const accepted = STRICT.filter((vector) => DEVIATIONS[keyOf(vector)]?.[0] === "accepted");
    expect(accepted).toHaveLength(7);
    for (const { expected } of accepted) {
      expect(expected.error?.reason).not.toMatch(/content-length|transfer-encoding|chunk|size|\b(CR|LF|CRLF)\b|line/i);
    }
    const onFraming = STRICT.filter(({ expected }) =>
      /content-length|transfer-encoding|chunk|size|\b(CR|LF|CRLF)\b|line/i.test(expected.error?.reason ?? ""),
    );
    expect(onFraming.length).toBeGreaterThan(30);
    expect(onFraming.filter((vector) => deviationOf(vector) === "accepted")).toEqual([]);
  });
});

test("without Host, a request of HTTP/1.1 is refused for that, if for nothing else", () => {
  for (const vector of STRICT) {
    if (vector.type !== "request" || deviationOf(vector) !== undefined || !vector.expected.ok) continue;
    const bare = run(vector, { addHost: false });
    const same = JSON.stringify(bare) === JSON.stringify(run(vector, { addHost: true }));
    expect(same || bare.error === "http1/host-missing", keyOf(vector)).toBe(true);
  }
});

test("the end of the stream is refused where llhttp finds it unsafe", () => {
  const finished = STRICT.filter((vector) => vector.finish);
  expect(finished.map((vector) => [vector.name, finishIsRefused(vector)])).toEqual([
    ["It should be safe to finish after GET request", false],
    ["It should be unsafe to finish after incomplete PUT request", true],
    ["It should be unsafe to finish inside of the header", true],
    ["It should be safe to finish with cb after empty response", false],
  ]);
});

test("lenient vectors are refused, a few aside that need no leniency", () => {
  const lenient = VECTORS.filter((vector) => vector.mode === "lenient");
  const accepted = lenient.filter((vector) => run(vector, { addHost: true }).error === undefined);
  expect(accepted.map(keyOf).sort()).toEqual([...LENIENT_ACCEPTED].sort());
});
