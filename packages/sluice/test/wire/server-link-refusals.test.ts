import { describe, expect, test } from "vitest";
import { HTTP1_LIMITS } from "../../src/http1/limits.js";
import type { Answer } from "../../src/wire/answer.js";
import { answer, deferred, echoPath, get, ok, post, refused, serve, streamed, successor } from "./server-link-setup.js";

const H = "Host: a\r\n";

/** Bytes that are no valid request, and how they are refused (RFC 9110 §15.5, RFC 9112 §2.2, §3, §6.3). */
const REFUSALS: readonly (readonly [what: string, bytes: string, status: string, code: string])[] = [
  ["no request line", "\0\r\n\r\n", "400 Bad Request", "http1/request-line-invalid"],
  ["a bare line feed", `GET / HTTP/1.1\n${H}\r\n`, "400 Bad Request", "http1/bare-line-feed"],
  [
    "another major version",
    `GET / HTTP/2.0\r\n${H}\r\n`,
    "505 HTTP Version Not Supported",
    "http1/version-unsupported",
  ],
  ["no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "http1/host-missing"],
  ["two Hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, "400 Bad Request", "http1/host-repeated"],
  ["a target that is none", `GET x HTTP/1.1\r\n${H}\r\n`, "400 Bad Request", "http1/target-invalid"],
  [
    "a target that is too long",
    `GET /${"x".repeat(HTTP1_LIMITS.maxTargetBytes)} HTTP/1.1\r\n${H}\r\n`,
    "414 URI Too Long",
    "http1/target-too-long",
  ],
  [
    "a field line that is too long",
    `GET / HTTP/1.1\r\n${H}X: ${"x".repeat(HTTP1_LIMITS.maxLineBytes)}\r\n\r\n`,
    "431 Request Header Fields Too Large",
    "http1/line-too-long",
  ],
  [
    "too many field lines",
    `GET / HTTP/1.1\r\n${H}${"X: y\r\n".repeat(HTTP1_LIMITS.maxFieldCount)}\r\n`,
    "431 Request Header Fields Too Large",
    "http1/too-many-fields",
  ],
  [
    "Content-Length beside Transfer-Encoding",
    `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
    "400 Bad Request",
    "http1/length-with-coding",
  ],
  ["a signed length", `POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\n`, "400 Bad Request", "http1/length-invalid"],
  [
    "an unknown transfer coding",
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip\r\n\r\n`,
    "501 Not Implemented",
    "http1/coding-unknown",
  ],
  [
    "an unknown expectation",
    `PUT / HTTP/1.1\r\n${H}Expect: tea\r\nContent-Length: 1\r\n\r\n`,
    "417 Expectation Failed",
    "http1/unknown-expectation",
  ],
];

describe("server link: bytes that are no valid request", () => {
  test.each(REFUSALS)("%s is refused, and the connection ends", (_what, bytes, status, code) => {
    const served = serve(echoPath);
    expect(served.packets(bytes)).toBe(refused(status, code));
    expect(served.exchanges).toEqual([]);
    expect(served.transport.ended).toBe(true);
    expect(served.phases.at(-1)).toBe("linger");
    // What follows is not read any more.
    expect(served.packets(get("/after"))).toBe("");
    expect(served.exchanges).toEqual([]);
  });

  test.each(REFUSALS)(
    "%s: requests pipelined before are answered first, in the same write",
    (_what, bytes, status, code) => {
      const served = serve(echoPath);
      served.transport.feed(get("/1") + get("/2") + bytes);
      served.transport.flush();
      expect(served.transport.writes).toHaveLength(1);
      expect(served.transport.takeWritten()).toBe(ok("/1") + ok("/2") + refused(status, code));
      expect(served.transport.ended).toBe(true);
    },
  );

  test("the refusal waits for answers that are given later", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    expect(served.packets(`${get("/1")}junk\r\n`)).toBe("");
    later.resolve(answer(200, "/1"));
    expect(await served.later()).toBe(ok("/1") + refused("400 Bad Request", "http1/request-line-invalid"));
    expect(served.transport.ended).toBe(true);
  });

  test("a refusal behind an answer that ends the connection is not sent", () => {
    const served = serve(() => answer(200, "x", ["Connection", "close"]));
    expect(served.packets(`${get("/1")}junk\r\n`)).toBe(ok("x", "Connection: close\r\n"));
  });
});

describe("server link: bodies that go wrong", () => {
  const CHUNKED = `POST /b HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`;

  test("a bad chunk is answered with 400 by the link itself, and body and signal fail", async () => {
    const served = serve(async (exchange) => answer(200, await exchange.body.text()));
    served.packets(`${CHUNKED}3\r\nabc\r\n`);
    const signal = served.exchanges[0]?.signal;
    expect(served.packets("+3\r\n")).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(served.transport.ended).toBe(true);
    expect(signal?.reason).toMatchObject({ name: "ProtocolError" });
    await served.later();
    expect(served.errors).toMatchObject([{ name: "ProtocolError" }]);
  });

  test("what the handler answers after that is discarded", async () => {
    const told: unknown[] = [];
    const served = serve(async (exchange) => {
      await exchange.body.text().catch(() => undefined);
      return { ...answer(200, "late"), onSent: (bytes, error) => told.push([bytes, error?.message]) };
    });
    served.packets(CHUNKED);
    expect(served.packets("z\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await served.later()).toBe("");
    expect(told).toEqual([[0, expect.stringContaining("over")]]);
  });

  test("a body that ends early by the client's FIN is answered with 400 and the connection ends", () => {
    const served = serve(() => undefined);
    served.packets("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    expect(served.end()).toBe(refused("400 Bad Request", "http1/truncated"));
  });

  test("an answer that has begun is completed, then the connection ends", async () => {
    const gate = deferred<void>();
    const body = async function* () {
      yield Buffer.from("a");
      await gate.promise;
      yield Buffer.from("b");
    };
    const served = serve(() => answer(200, streamed(body)));
    served.packets(CHUNKED);
    expect(await served.later()).toMatch(/1\r\na\r\n$/);
    expect(served.packets("junk\r\n")).toBe("");
    gate.resolve();
    expect(await served.later()).toBe("1\r\nb\r\n0\r\n\r\n");
    expect(served.transport.ended).toBe(true);
  });

  test("an unanswered request behind a slow one is refused without being handed to the application", async () => {
    const later = deferred<Answer>();
    const served = serve(() => later.promise);
    served.packets(post("/1", "x") + CHUNKED);
    served.packets("junk\r\n");
    expect(served.exchanges).toHaveLength(1);
    later.resolve(answer(204));
    expect(await served.later()).toMatch(/^HTTP\/1\.1 204 .*HTTP\/1\.1 400 /s);
    expect(served.exchanges).toHaveLength(1);
  });
});

describe("server link: answers that cannot be sent", () => {
  const CASES: readonly (readonly [what: string, bad: Answer, code: string])[] = [
    ["a line break in a value", answer(200, "x", ["X", "a\r\nSet-Cookie: b"]), "http1/field-value-invalid"],
    ["a bad name", answer(200, "x", ["X Y", "a"]), "http1/field-name-invalid"],
    ["a line break in the reason", { ...answer(200, "x"), reason: "a\r\nb: c" }, "http1/reason-invalid"],
    ["a length that contradicts the body", answer(200, "x", ["Content-Length", "2"]), "reply/content-length"],
    [
      "a length that is none",
      answer(
        200,
        streamed(async function* () {}),
        ["Content-Length", "0x2"],
      ),
      "reply/content-length",
    ],
    ["a transfer coding", answer(200, "x", ["Transfer-Encoding", "chunked"]), "reply/transfer-encoding"],
    ["an interim status", answer(103, "x"), "reply/status"],
    ["101 without taking over", answer(101), "reply/status"],
    ["taking over where nobody asked", { ...answer(101), successor: successor() }, "reply/no-upgrade"],
  ];

  test.each(CASES)("%s becomes a 500, is reported, and nothing of it is written", (_what, bad, code) => {
    const told: unknown[] = [];
    let discarded = 0;
    const payload =
      bad.payload === undefined
        ? undefined
        : {
            ...bad.payload,
            discard: () => {
              discarded += 1;
            },
          };
    const served = serve(() => ({
      ...bad,
      payload,
      onSent: (bytes, error) => told.push([bytes, (error as { code?: string }).code]),
    }));
    expect(served.packets(get("/"))).toBe(refused("500 Internal Server Error", "server/unsendable-answer"));
    expect(served.errors).toMatchObject([{ code }]);
    expect(told).toEqual([[0, code]]);
    expect(discarded).toBe(payload === undefined ? 0 : 1);
    expect(served.transport.ended).toBe(true);
  });

  test("a payload that breaks off after the head breaks the connection, and is reported", async () => {
    const failure = new Error("disk gone");
    for (const length of [undefined, 10]) {
      const told: unknown[] = [];
      const breaking = async function* () {
        yield Buffer.from("abc");
        throw failure;
      };
      const served = serve((exchange) =>
        exchange.target === "/1"
          ? { ...answer(200, streamed(breaking, length)), onSent: (bytes, error) => told.push([bytes, error]) }
          : answer(200, "next"),
      );
      served.packets(get("/1") + get("/2"));
      const signal = served.exchanges[0]?.signal;
      const written = await served.later();
      expect(written).toContain("abc");
      expect(written).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(written).not.toContain("next");
      expect(served.transport.destroyed).toBe(true);
      expect(served.transport.ended).toBe(false);
      expect(served.errors).toEqual([failure]);
      expect(told).toEqual([[3, failure]]);
      expect(signal?.aborted).toBe(true);
      expect(served.closed).toBe(1);
    }
  });

  test("a payload of another length than it declared breaks the connection before a surplus byte is sent", async () => {
    const served = serve(() =>
      answer(
        200,
        streamed(async function* () {
          yield Buffer.from("abcd");
        }, 3),
      ),
    );
    served.packets(get("/"));
    expect(await served.later()).toMatch(/Content-Length: 3\r\n\r\n$/);
    expect(served.transport.destroyed).toBe(true);
    expect(served.errors).toMatchObject([{ code: "body/length-mismatch" }]);
  });
});
