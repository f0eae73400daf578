import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNKED, UNTIL_CLOSE } from "../../src/http1/sinks.js";
import { chunkHead, writeRequestHead, writeResponseHead, writeTrailers } from "../../src/http1/write-head.js";
import { type Event, type Outcome, readRequests, readResponses } from "./recorder.js";

const RUNS = { numRuns: 200 };

const token = fc
  .string({ unit: fc.constantFrom(..."abcXYZ09!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 12 })
  .filter((name) => !/^(host|expect|upgrade|connection)$/i.test(name));
const value = fc
  .string({ unit: fc.constantFrom(...'az09 \t"\\:;,=\x80\xff'), maxLength: 20 })
  .map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ""));
const fields = fc.array(fc.tuple(token, value), { maxLength: 6 }).map((pairs) => pairs.flat());
const target = fc.string({ unit: fc.constantFrom(...'az/?&=%.~|"<'), maxLength: 20 }).map((text) => `/${text}`);
const bytes = fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets));
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

/** A body, by its framing: as written, and as it should be read. */
const body = fc.oneof(
  fc.constant({ framing: [] as string[], wire: "", text: "", trailers: [] as string[] }),
  bytes.map((octets) => {
    const text = octets.toString("latin1");
    return { framing: ["Content-Length", String(octets.length)], wire: text, text, trailers: [] };
  }),
  fc.tuple(fc.array(bytes, { maxLength: 4 }), fields).map(([chunks, trailers]) => {
    const written = chunks.filter((chunk) => chunk.length > 0).map((chunk) => chunk.toString("latin1"));
    const wire = written.map((text) => `${chunkHead(text.length)}${text}\r\n`).join("") + writeTrailers(trailers);
    return { framing: ["Transfer-Encoding", "chunked"], wire, text: written.join(""), trailers };
  }),
);

function inOrder(given: readonly number[], length: number): number[] {
  return [...new Set(given.map((cut) => cut % (length + 1)))].sort((one, other) => one - other);
}

function lengthOf(framing: readonly string[], wire: string, none: number): number {
  if (framing.length === 0) return none;
  return framing[0] === "Content-Length" ? wire.length : CHUNKED;
}

function afterHead(text: string, trailers: string[]): Event[] {
  const data: Event[] = text === "" ? [] : [{ type: "data", text }];
  return [...data, { type: "end", trailers }];
}

describe("what we write, we read back", () => {
  test("requests, pipelined and cut anyhow", () => {
    const request = fc.record({ method: token, target, fields, body }).filter(({ method }) => method !== "CONNECT");
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 3 }), cuts, (requests, given) => {
        let wire = "";
        const expected: unknown[] = [];
        for (const { method, target: to, fields: others, body: content } of requests) {
          const all = ["Host", "example.com", ...content.framing, ...others];
          wire += writeRequestHead(method, to, all) + content.wire;
          const length = lengthOf(content.framing, content.wire, 0);
          expected.push(
            expect.objectContaining({ type: "request", method, target: to, version: 11, length, fields: all }),
          );
          expected.push(...afterHead(content.text, content.trailers));
        }
        const outcome = readRequests(wire, { cuts: inOrder(given, wire.length), limits: { maxEmptyLines: 0 } });
        expect(outcome).toEqual({ error: undefined, status: undefined, events: expected });
      }),
      RUNS,
    );
  });

  test("responses, cut anyhow", () => {
    const status = fc.integer({ min: 200, max: 999 }).filter((code) => code !== 204 && code !== 304);
    fc.assert(
      fc.property(fc.record({ status, reason: value, fields, body }), cuts, (response, given) => {
        const { status: code, reason, body: content } = response;
        const all = [...content.framing, ...response.fields];
        const wire = writeResponseHead(code, reason, all) + content.wire;
        const outcome = readResponses(wire, [{ method: "GET" }], { cuts: inOrder(given, wire.length), finish: true });
        const length = lengthOf(content.framing, content.wire, UNTIL_CLOSE);
        expect(outcome.error).toBeUndefined();
        expect(outcome.events[0]).toMatchObject({ status: code, reason, length, fields: all });
        expect(outcome.events.slice(1)).toEqual(afterHead(content.text, content.trailers));
      }),
      RUNS,
    );
  });
});

/** Bytes that look like HTTP, more or less. */
const nearly = fc
  .array(
    fc.constantFrom(
      ...'\r\n |\r\n\r\n|\r|\n|GET|POST|/|HTTP/1.1|HTTP/1.0|HTTP/1.1 200 OK|HTTP/1.1 100 \r\n\r\n|Host: a|Host:|Content-Length: 3|Transfer-Encoding: chunked|Connection: close|X|:|;a="b"|0|3|a|abc|ffffffffffffffff|\0|\xff|GET / HTTP/1.1\r\nHost: a\r\n|Transfer-Encoding: chunked\r\n\r\n|3\r\nabc\r\n|0\r\n'.split(
        "|",
      ),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => Buffer.from(pieces.join(""), "latin1"));
const wires = fc.oneof(nearly, bytes);
const smallLimits = fc.constantFrom(
  {},
  { maxHeadBytes: 40, maxLineBytes: 32, maxTargetBytes: 8, maxMethodBytes: 5, maxFieldCount: 1, maxEmptyLines: 1 },
  { maxHeadBytes: 32, maxChunkExtensionBytes: 2, maxTrailerBytes: 6, maxTrailerCount: 1, maxInterimResponses: 1 },
);

describe("whatever comes", () => {
  // Only a PeerError becomes an outcome: any other error fails these tests.
  function cutAnyhow(read: (wire: Buffer, at: readonly number[]) => Outcome, wire: Buffer, given: number[]): void {
    expect(read(wire, inOrder(given, wire.length))).toEqual(read(wire, []));
    const everywhere = Array.from({ length: wire.length }, (_, index) => index);
    expect(read(wire, everywhere)).toEqual(read(wire, []));
  }

  test("requests are read or refused, the same at every cut", () => {
    fc.assert(
      fc.property(wires, cuts, smallLimits, fc.boolean(), (wire, given, limits, finish) => {
        cutAnyhow((all, at) => readRequests(all, { cuts: at, limits, finish }), wire, given);
      }),
      { numRuns: 700 },
    );
  });

  test("responses are read or refused, the same at every cut", () => {
    const asked = fc.array(fc.record({ method: fc.constantFrom("GET", "HEAD", "CONNECT"), upgrade: fc.boolean() }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(wires, asked, cuts, smallLimits, fc.boolean(), (wire, requests, given, limits, finish) => {
        cutAnyhow((all, at) => readResponses(all, requests, { cuts: at, limits, finish }), wire, given);
      }),
      { numRuns: 700 },
    );
  });
});
