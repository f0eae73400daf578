import { describe, expect, test } from "vitest";
import { Body } from "../../src/body/body.js";
import { ConnectionLostError, PayloadError, PeerError, RequestTimeoutError } from "../../src/errors.js";
import { Application } from "../../src/server/application.js";
import type { ApplicationOptions } from "../../src/server/options.js";
import type { ServerRequest } from "../../src/server/request/server-request.js";
import { type FakeAnswer, FakeExchange, readAnswer } from "./fake-exchange.js";

const JSON_TYPE = ["Content-Type", "application/json"];
const FORM_TYPE = ["Content-Type", "application/x-www-form-urlencoded"];
const NO_SOURCE = { pause() {}, resume() {}, cancel() {} };

async function post(
  read: (request: ServerRequest) => Promise<unknown>,
  body: string | Uint8Array | Body | undefined,
  fields: readonly string[] = [],
  options: ApplicationOptions = {},
): Promise<FakeAnswer & { exchange: FakeExchange }> {
  const app = new Application({ onError: () => undefined, ...options });
  app.post("/", async (request) => ({ read: await read(request) }));
  const exchange = new FakeExchange("POST", "/", { fields, ...(body === undefined ? {} : { body }) });
  return { ...(await readAnswer(await app.dispatch(exchange))), exchange };
}

async function outcome(...given: Parameters<typeof post>): Promise<unknown> {
  const answer = await post(...given);
  const parsed = JSON.parse(answer.text);
  return answer.status === 200 ? parsed.read : [answer.status, parsed.detail];
}

/** A body whose pieces arrive after the handler has begun. */
function later(...pieces: (string | Error)[]): Body {
  const body = new Body(NO_SOURCE);
  const feed = async () => {
    for (const piece of pieces) {
      await Promise.resolve();
      if (typeof piece === "string") body.push(Buffer.from(piece), false);
      else body.fail(piece);
    }
    if (!pieces.some((piece) => piece instanceof Error)) body.finish([]);
  };
  setImmediate(() => void feed());
  return body;
}

const json = (request: ServerRequest) => request.json();
const text = (request: ServerRequest) => request.text();
const bytes = async (request: ServerRequest) => (await request.bytes()).length;
const form = async (request: ServerRequest) => [...(await request.form())];
const stream = async (request: ServerRequest) => {
  let seen = "";
  for await (const piece of request.stream()) seen += Buffer.from(piece).toString();
  return seen;
};

describe("json()", () => {
  test.each([
    ["application/json"],
    ["application/json; charset=utf-8"],
    ["APPLICATION/JSON;charset=UTF8"],
    ["application/problem+json"],
  ])("reads %s, here already or later", async (type) => {
    expect(await outcome(json, '{"a":"é"}', ["Content-Type", type])).toEqual({ a: "é" });
    expect(await outcome(json, later('{"a":', '"é"}'), ["Content-Type", type])).toEqual({ a: "é" });
  });

  test.each([[[]], [["Content-Type", "text/plain"]], [["Content-Type", "nonsense"]], [FORM_TYPE]])(
    "with the type %j is 415, unless it is told not to mind",
    async (fields) => {
      expect(await outcome(json, "{}", fields)).toEqual([415, expect.stringContaining("application/json")]);
      expect(await outcome((request) => request.json({ strict: false }), "{}", fields)).toEqual({});
    },
  );

  test("in another charset than UTF-8 is 415", async () => {
    const answer = await post(json, "{}", ["Content-Type", "application/json; charset=utf-16"]);
    expect(answer.status).toBe(415);
  });

  test.each(["", " ", "{", "{]", "nul", '{"a":1}x', "\u00a0{}"])(
    "of %j is 400 and repeats nothing of it",
    async (body) => {
      const answer = await post(json, body, JSON_TYPE);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text).detail).toMatch(/^Cannot parse the body as JSON/);
    },
  );

  test("without a body is 400", async () => {
    expect(await outcome(json, undefined, JSON_TYPE)).toEqual([400, expect.stringContaining("empty")]);
  });

  test("that is not UTF-8 is 400, and a byte order mark is passed over", async () => {
    expect(await outcome(json, new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE)).toEqual([
      400,
      expect.stringContaining("utf-8"),
    ]);
    expect(await outcome(json, "\ufeff[1]", JSON_TYPE)).toEqual([1]);
  });
});

describe("text()", () => {
  test.each([
    [[], Buffer.from("é"), "é"],
    [["Content-Type", "text/plain; charset=iso-8859-1"], new Uint8Array([0xe9]), "é"],
    [["Content-Type", 'text/plain; charset="utf-16le"'], Buffer.from("é", "utf16le"), "é"],
    [[], Buffer.from(""), ""],
  ])("%j", async (fields, body, expected) => {
    expect(await outcome(text, body, fields)).toBe(expected);
  });

  test("in an unknown charset is 415, malformed 400", async () => {
    expect(await outcome(text, "x", ["Content-Type", "text/plain; charset=klingon"])).toEqual([
      415,
      expect.any(String),
    ]);
    expect(await outcome(text, new Uint8Array([0xff]))).toEqual([400, expect.any(String)]);
  });
});

describe("form()", () => {
  test("reads fields in order", async () => {
    expect(await outcome(form, "a=1&b=%20x+y&a=2", FORM_TYPE)).toEqual([
      ["a", "1"],
      ["b", " x y"],
      ["a", "2"],
    ]);
    expect(await outcome(form, "", FORM_TYPE)).toEqual([]);
  });

  test("of another type is 415; with too many fields 400", async () => {
    expect(await outcome(form, "a=1")).toEqual([415, expect.any(String)]);
    expect(await outcome(form, "{}", JSON_TYPE)).toEqual([415, expect.any(String)]);
    expect(await outcome(form, "a&".repeat(1_001), FORM_TYPE)).toEqual([400, expect.any(String)]);
    const more = async (request: ServerRequest) => (await request.form({ maxFields: 2_000 })).size;
    expect(await outcome(more, "a&".repeat(1_001), FORM_TYPE)).toBe(1_001);
  });
});

describe("maxBodySize", () => {
  const limited = { maxBodySize: 8 };
  const readers = { bytes, text, stream, json, form };

  test.each(Object.entries(readers))("%s: at the limit it is read, one past it is 413", async (name, read) => {
    const fields = name === "form" ? FORM_TYPE : JSON_TYPE;
    for (const make of [
      (body: string) => Buffer.from(body),
      (body: string) => later(body.slice(0, 4), body.slice(4)),
    ]) {
      const atLimit = await post(read, make(name === "form" ? "a=34567&" : "12345678"), fields, limited);
      expect(atLimit.status).toBe(200);
      const past = await post(read, make("123456789"), fields, limited);
      expect([past.status, JSON.parse(past.text).detail]).toEqual([413, "The body has more than 8 bytes"]);
    }
  });

  test("is 1 MiB unless told otherwise", async () => {
    expect(await outcome(bytes, Buffer.alloc(1_048_576))).toBe(1_048_576);
    expect(await outcome(bytes, Buffer.alloc(1_048_577))).toEqual([413, expect.any(String)]);
  });

  test("off, anything goes; 0 allows only nothing", async () => {
    expect(await outcome(bytes, Buffer.alloc(2_000_000), [], { maxBodySize: Number.POSITIVE_INFINITY })).toBe(
      2_000_000,
    );
    expect(await outcome(bytes, "", [], { maxBodySize: 0 })).toBe(0);
    expect(await outcome(bytes, "x", [], { maxBodySize: 0 })).toEqual([413, expect.any(String)]);
  });

  test("a declared length beyond it is refused before the body is touched", async () => {
    const { status, exchange } = await post(bytes, later("x"), ["Content-Length", "9"], limited);
    expect([status, exchange.body.used]).toEqual([413, false]);
  });

  test("one reader can have its own", async () => {
    expect(await outcome((request) => request.text({ maxSize: 20 }), "123456789", [], limited)).toBe("123456789");
    expect(await outcome((request) => request.text({ maxSize: 2 }), "123", [], limited)).toEqual([
      413,
      expect.any(String),
    ]);
  });

  test.each([-1, 1.5, Number.NaN, "1" as unknown as number])("cannot be %s", (maxBodySize) => {
    expect(() => new Application({ maxBodySize })).toThrow(expect.objectContaining({ code: "options/out-of-range" }));
  });
});

describe("reading more than once", () => {
  test("the whole body is kept, whichever reader comes first", async () => {
    for (const body of [() => '{"a":1}', () => later('{"a"', ":1}")]) {
      const both = (request: ServerRequest) => Promise.all([request.text(), request.json(), request.bytes()]);
      const [first, second, third] = (await outcome(both, body(), JSON_TYPE)) as [string, unknown, object];
      expect([first, second, Object.keys(third).length]).toEqual(['{"a":1}', { a: 1 }, 7]);
    }
  });

  test("a later reader's smaller limit still counts", async () => {
    const twice = async (request: ServerRequest) => [await request.text(), await request.text({ maxSize: 1 })];
    expect(await outcome(twice, "abc")).toEqual([413, expect.any(String)]);
    expect(await outcome(twice, later("abc"))).toEqual([413, expect.any(String)]);
  });

  test("each caller of bytes() has bytes of its own", async () => {
    const twice = async (request: ServerRequest) => {
      (await request.bytes()).fill(0);
      return request.text();
    };
    expect(await outcome(twice, "abc")).toBe("abc");
  });

  test("what was streamed is gone: a 500, because the handler is at fault", async () => {
    expect(await outcome(async (request) => [await stream(request), await request.text()], "abc")).toEqual([
      500,
      undefined,
    ]);
  });
});

describe("bodies that fail", () => {
  test.each([
    [
      "a codec's refusal",
      new PeerError("http1/chunk-size", "Cannot read chunk: bad size"),
      400,
      "Cannot read chunk: bad size",
    ],
    ["a codec's refusal with a status", new PeerError("http1/x", "Too much", 413), 413, "Too much"],
    ["a time-out", new RequestTimeoutError("timeout.receive", "slow"), 408, "The body did not arrive in time"],
    ["a lost connection", new ConnectionLostError("net/reset", "reset"), 400, "The body did not arrive completely"],
    ["a corrupt payload", new PayloadError("body/corrupt", "bad"), 400, "The body is malformed"],
  ])("%s is the client's fault, with every reader", async (_name, error, status, detail) => {
    expect(await outcome(text, later("x", error))).toEqual([status, detail]);
    expect(await outcome(stream, later("x", error))).toEqual([status, detail]);
  });

  test("anything else is a 500", async () => {
    expect(await outcome(text, later(new TypeError("bug")))).toEqual([500, undefined]);
  });

  test("a content coding is 415 where none is undone, and says what is accepted", async () => {
    const answer = await post(text, "x", ["Content-Encoding", "gzip"], { decompress: false });
    expect([answer.status, answer.headers["accept-encoding"]]).toEqual([415, "identity"]);
    expect(await outcome(text, "x", ["Content-Encoding", "Identity"])).toBe("x");
  });
});
