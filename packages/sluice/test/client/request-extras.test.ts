/** What callers bring with them: middleware of one request, context, JSON of their own, automatic fields left out. */

import { describe, expect, test } from "vitest";
import type { ClientMiddleware } from "../../src/client/middleware.js";
import { PayloadError, UsageError } from "../../src/errors.js";
import { FakeNet, ok, rejection, turns } from "./fake-net.js";

const URL_A = "http://a.test/x";

function json(text: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

describe("middleware of one request", () => {
  test("runs inside the session's, at both places, and for that request alone", async () => {
    const seen: string[] = [];
    const named =
      (name: string): ClientMiddleware =>
      (request, next) => {
        seen.push(`${name} ${request.target.target}`);
        return next(request);
      };
    const net = new FakeNet(({ target }) =>
      target === "/x" ? "HTTP/1.1 302 \r\nlocation: /y\r\ncontent-length: 0\r\n\r\n" : ok("ok"),
    );
    const session = net.session({ middleware: [named("session")], hopMiddleware: [named("session hop")] });
    await session.get(URL_A, { middleware: [named("one"), named("two")], hopMiddleware: [named("hop")] }).text();
    expect(seen).toEqual(["session /x", "one /x", "two /x", "session hop /x", "hop /x", "session hop /y", "hop /y"]);
    seen.length = 0;
    await session.get("http://a.test/z").text();
    expect(seen).toEqual(["session /z", "session hop /z"]);
  });

  test("is outside of retry, as the session's is", async () => {
    let calls = 0;
    const count: ClientMiddleware = (request, next) => {
      calls += 1;
      return next(request);
    };
    let sends = 0;
    const net = new FakeNet(() => {
      sends += 1;
      return sends === 1 ? "HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n" : ok("ok");
    });
    const session = net.session({ retry: { attempts: 2, baseDelay: 0 } });
    const asked = session.get(URL_A, { middleware: [count] }).text();
    await turns();
    net.clock.advance(1);
    expect(await asked).toBe("ok");
    expect([calls, sends]).toEqual([1, 2]);
  });

  test("is refused where it is no function", async () => {
    const net = new FakeNet();
    const refused = await rejection(net.session().get(URL_A, { middleware: ["log" as unknown as ClientMiddleware] }));
    expect(refused).toMatchObject({ code: "options/unknown-value" });
    expect(net.seen).toEqual([]);
  });
});

test("context reaches every middleware over redirects, and never the wire", async () => {
  const context = { tenant: "secret-tenant" };
  const seen: unknown[] = [];
  const look: ClientMiddleware = (request, next) => {
    seen.push(request.context);
    return next(request.with({}));
  };
  const net = new FakeNet(({ target }) =>
    target === "/x" ? "HTTP/1.1 302 \r\nlocation: /y\r\ncontent-length: 0\r\n\r\n" : ok("ok"),
  );
  const session = net.session({ middleware: [look], hopMiddleware: [look] });
  const response = await session.get(URL_A, { context });
  expect(seen).toEqual([context, context, context]);
  expect(response.request.context).toBe(context);
  expect(JSON.stringify(net.seen.map(({ fields }) => [...fields]))).not.toContain("secret-tenant");
  await session.get("http://a.test/z").text();
  expect(seen.slice(3)).toEqual([undefined, undefined]);
});

describe("JSON of the session's own", () => {
  const parseJson = (text: string): unknown =>
    JSON.parse(text, (_key, value) => (typeof value === "string" && /^\d{4}-/.test(value) ? new Date(value) : value));

  test("parseJson makes the values, in every way to ask for JSON", async () => {
    const net = new FakeNet(() => json('{"at":"2026-01-02T00:00:00.000Z"}'));
    const session = net.session({ parseJson });
    const expected = { at: new Date("2026-01-02") };
    expect(await session.get(URL_A).json()).toEqual(expected);
    expect(await (await session.get(URL_A)).json()).toEqual(expected);
    expect(await (await session.get(URL_A)).body.json()).toEqual(expected);
    expect(await session.extend({ retry: 2 }).get(URL_A).json()).toEqual(expected);
  });

  test("what parseJson throws is the cause of an error that says where it happened", async () => {
    const fault = new Error("no such number");
    const session = new FakeNet(() => json("1")).session({
      parseJson() {
        throw fault;
      },
    });
    const failure = await rejection(session.get(URL_A).json());
    expect(failure).toBeInstanceOf(PayloadError);
    expect(failure).toMatchObject({ code: "body/invalid-json", cause: fault });
    expect((failure as Error).message).toContain("GET http://a.test/x");
  });

  test("stringifyJson writes the bodies, compressed ones too", async () => {
    const net = new FakeNet();
    const session = net.session({
      stringifyJson: (value) => JSON.stringify(value, (_key, each) => (typeof each === "bigint" ? `${each}` : each)),
    });
    await session.post(URL_A, { json: { id: 2n ** 60n } });
    expect(net.seen[0]?.body).toBe('{"id":"1152921504606846976"}');
    await session.post(URL_A, { json: { id: 1n }, compress: { threshold: 0 } });
    expect(net.seen[1]?.fields.get("content-encoding")).toBe("gzip");
  });

  test("what stringifyJson throws, or a text that is none, is refused before anything is sent", async () => {
    const net = new FakeNet();
    const throwing = net.session({
      stringifyJson() {
        throw new Error("cyclic");
      },
    });
    expect(await rejection(throwing.post(URL_A, { json: 1 }))).toMatchObject({ code: "body/not-json" });
    const wrong = net.session({ stringifyJson: () => 1 as unknown as string });
    expect(await rejection(wrong.post(URL_A, { json: 1 }))).toMatchObject({ code: "body/not-json" });
    expect(net.seen).toEqual([]);
  });

  test("both have to be functions", () => {
    const net = new FakeNet();
    for (const options of [{ parseJson: 1 }, { stringifyJson: {} }])
      expect(() => net.session(options as object)).toThrow(UsageError);
  });
});

describe("omitHeaders", () => {
  const names = (net: FakeNet, at: number) => [...(net.seen[at]?.fields.keys() ?? [])];

  test("leaves automatic fields out for a session, and for one request in place of the session's", async () => {
    const net = new FakeNet();
    const session = net.session({ omitHeaders: ["user-agent", "accept"] });
    await session.get(URL_A);
    await session.get(URL_A, { omitHeaders: [] });
    await session.get(URL_A, { omitHeaders: ["accept-encoding"] });
    await session.get(URL_A);
    expect([0, 1, 2, 3].map((at) => names(net, at))).toEqual([
      ["host", "accept-encoding"],
      ["host", "accept", "accept-encoding", "user-agent"],
      ["host", "accept", "user-agent"],
      ["host", "accept-encoding"],
    ]);
  });

  test("leaves out what is automatic, not what a caller sets", async () => {
    const net = new FakeNet();
    await net.session({ omitHeaders: ["user-agent"] }).get(URL_A, { headers: { "user-agent": "mine" } });
    expect(net.seen[0]?.fields.get("user-agent")).toBe("mine");
  });

  test("refuses what a message needs", async () => {
    const net = new FakeNet();
    expect(() => net.session({ omitHeaders: ["host" as "accept"] })).toThrow(
      "expected some of accept, accept-encoding, user-agent",
    );
    expect(await rejection(net.session().get(URL_A, { omitHeaders: ["content-length" as "accept"] }))).toBeInstanceOf(
      UsageError,
    );
  });
});

describe("what an answer says of its body", () => {
  const answer = (fields: string, body: string | Uint8Array = "x"): Uint8Array =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\n${fields}content-length: ${body.length}\r\n\r\n`),
      Buffer.from(body),
    ]);

  test.each([
    ["attachment; filename=report.pdf", "report.pdf"],
    ['attachment; filename="two words.txt"', "two words.txt"],
    ["attachment; filename=plain.txt; filename*=UTF-8''%e2%82%ac.txt", "\u20ac.txt"],
    ['attachment; filename="../../etc/passwd"', "passwd"],
    ['attachment; filename="C:\\\\temp\\\\a.txt"', "a.txt"],
    ["attachment; filename*=UTF-8''a%2Fb%00c.txt", "bc.txt"],
    ['attachment; filename=".."', undefined],
    ['attachment; filename="dir/"', undefined],
    ["inline", undefined],
  ])("filename of %s is %s", async (field, expected) => {
    const net = new FakeNet(() => answer(`content-disposition: ${field}\r\n`));
    expect((await net.session().get(URL_A)).filename).toBe(expected);
  });

  test("filename is undefined where nothing suggests one", async () => {
    expect((await new FakeNet().session().get(URL_A)).filename).toBeUndefined();
  });

  test("text takes an encoding that counts more than the answer's, on the request and on the response", async () => {
    const bytes = Buffer.from("caf\u00e9", "latin1");
    const session = new FakeNet(() => answer("content-type: text/plain; charset=utf-8\r\n", bytes)).session();
    expect(await session.get(URL_A).text({ encoding: "latin1" })).toBe("caf\u00e9");
    expect(await (await session.get(URL_A)).text({ encoding: "latin1" })).toBe("caf\u00e9");
    expect(await session.get(URL_A).text()).toBe("caf\ufffd");
    expect(await rejection(session.get(URL_A).text({ encoding: "nonsense" }))).toMatchObject({
      code: "options/unknown-encoding",
    });
    expect(await rejection(session.get(URL_A).text({ maxBytes: 3 }))).toMatchObject({ code: "body/too-large" });
  });
});
