import { describe, expect, test } from "vitest";
import type { Answer } from "../../src/wire/answer.js";
import { answer, DATE, deferred, get, ok, post, serve, streamed } from "./server-link-setup.js";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const head = (length: number | "chunked", more = "") =>
  `POST / HTTP/1.1\r\nHost: a\r\n${length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`}\r\n${more}\r\n`;

describe("server link: request bodies", () => {
  test("reach the handler piece by piece, also from a buffer that is only lent", async () => {
    for (const lends of [false, true]) {
      const served = serve(async (exchange) => answer(200, await exchange.body.text()), {}, { lends });
      served.packets(head("chunked"), "3\r\nabc\r\n", "4\r\ndefg\r\n", "0\r\nX: y\r\n\r\n");
      expect(await served.later()).toBe(ok("abcdefg"));
      expect(served.exchanges[0]?.body.trailers).toEqual(["X", "y"]);
    }
  });

  test("what the reader kept while it was paused does not change under the handler's hands", async () => {
    // 3 requests in one lent packet: the second and third are kept by the paused reader.
    const first = deferred<Answer>();
    const served = serve(
      async (exchange) => (exchange.target === "/1" ? first.promise : answer(200, await exchange.body.text())),
      { maxPipelined: 1 },
      { lends: true },
    );
    served.packets(get("/1") + post("/2", "second") + post("/3", "third!"));
    first.resolve(answer(200, "first"));
    expect(await served.later()).toBe(ok("first") + ok("second") + ok("third!"));
  });

  test("reading stops when the handler has fallen behind by bufferBytes, and goes on as it reads", async () => {
    const gate = deferred<void>();
    const served = serve(
      async (exchange) => {
        await gate.promise;
        return answer(200, String((await exchange.body.bytes()).byteLength));
      },
      { bufferBytes: 100 },
    );
    served.packets(head(300), "x".repeat(100));
    expect(served.transport.paused).toBe(false);
    served.packets("x".repeat(1));
    expect(served.transport.paused).toBe(true);
    expect(served.phases.at(-1)).toBe("busy");
    gate.resolve();
    await served.later();
    expect(served.transport.paused).toBe(false);
    expect(served.phases.at(-1)).toBe("body");
    served.packets("x".repeat(199));
    expect(await served.later()).toBe(ok("300"));
  });

  test("a body that is echoed while it arrives flows through", async () => {
    const served = serve((exchange) =>
      answer(
        200,
        streamed(() => exchange.body),
      ),
    );
    served.packets(`${head("chunked")}3\r\nabc\r\n`);
    expect(await served.later()).toBe(`HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
    served.packets("2\r\nde\r\n0\r\n\r\n");
    expect(await served.later()).toBe("2\r\nde\r\n0\r\n\r\n");
    served.packets(get("/"));
    expect(await served.later()).toContain("200 OK");
  });
});

describe("server link: 100 (Continue), RFC 9110 §10.1.1", () => {
  const EXPECT = "Expect: 100-continue\r\n";

  test("is sent when the body is first asked for, once", async () => {
    const gate = deferred<void>();
    const served = serve(async (exchange) => {
      await gate.promise;
      const { body } = exchange;
      return answer(200, exchange.body === body ? await body.text() : "");
    });
    expect(served.packets(head(3, EXPECT))).toBe("");
    gate.resolve();
    expect(await served.later()).toBe(CONTINUE);
    served.packets("abc");
    expect(await served.later()).toBe(ok("abc"));
  });

  test("is sent at once by a handler that asks at once", () => {
    const served = serve((exchange) => {
      expect(exchange.body.complete).toBe(false);
      return undefined;
    });
    expect(served.packets(head("chunked", EXPECT))).toBe(CONTINUE);
  });

  test("is not sent if a part of the body has come, or to HTTP/1.0, or without a body", async () => {
    const eager = serve(async (exchange) => answer(200, await exchange.body.text()));
    expect(eager.packets(`${head(3, EXPECT)}a`)).toBe("");
    eager.packets("bc");
    expect(await eager.later()).toBe(ok("abc"));
    const old = serve((exchange) => answer(200, String(exchange.body.bytesReceived)));
    expect(old.packets(`POST / HTTP/1.0\r\n${EXPECT}Content-Length: 1\r\n\r\n`)).not.toContain("100 Continue");
    const none = serve((exchange) => answer(200, String(exchange.body.complete)));
    expect(none.packets(head(0, EXPECT))).toBe(ok("true"));
  });

  test("waits for its turn behind earlier answers", async () => {
    const first = deferred<Answer>();
    const served = serve((exchange) => {
      if (exchange.method === "GET") return first.promise;
      return exchange.body.text().then((text) => answer(200, text));
    });
    served.packets(get("/") + head(1, EXPECT));
    first.resolve(answer(200, "1"));
    expect(await served.later()).toBe(ok("1") + CONTINUE);
    served.packets("2");
    expect(await served.later()).toBe(ok("2"));
  });

  test("an answer without it ends the connection, because nobody knows whether the body follows", () => {
    const served = serve(() => answer(401, "no"));
    expect(served.packets(head(3, EXPECT))).toContain("Connection: close\r\n\r\nno");
    expect(served.transport.ended).toBe(true);
    expect(served.packets("abc")).toBe("");
    expect(served.exchanges).toHaveLength(1);
  });
});

describe("server link: interim responses (RFC 9110 §15.2)", () => {
  test("leave before the final answer, each in its turn", async () => {
    const first = deferred<Answer>();
    const served = serve((exchange) => {
      exchange.inform(103, ["Link", `<${exchange.target}>`]);
      return exchange.target === "/1" ? first.promise : answer(200, exchange.target);
    });
    const hints = (path: string) => `HTTP/1.1 103 Early Hints\r\nLink: <${path}>\r\n\r\n`;
    expect(served.packets(get("/1") + get("/2"))).toBe(hints("/1"));
    first.resolve(answer(200, "/1"));
    expect(await served.later()).toBe(ok("/1") + hints("/2") + ok("/2"));
  });

  test("are not sent to HTTP/1.0, nor after the answer; a wrong status or field is refused", () => {
    const served = serve((exchange) => {
      for (const status of [99, 100, 101, 200, 102.5]) expect(() => exchange.inform(status, [])).toThrow(/interim/);
      expect(() => exchange.inform(103, ["Link", "a\nb"])).toThrow(/control character/);
      exchange.inform(103, []);
      return answer(200, "x");
    });
    expect(served.packets("GET / HTTP/1.0\r\n\r\n")).toBe(ok("x", "Connection: close\r\n"));
    served.exchanges[0]?.inform(103, []);
    expect(served.transport.written).toBe("");
  });
});

describe("server link: bodies that nobody reads", () => {
  const answers204 = () => answer(204);

  test("a rest within drainBytes is let pass and the connection goes on", () => {
    for (const length of [1, 2_000]) {
      const served = serve(answers204, { drainBytes: 2_000 });
      expect(served.packets(head(length))).toBe(`HTTP/1.1 204 No Content\r\n${DATE}\r\n`);
      expect(served.phases.at(-1)).toBe("body");
      expect(served.packets("x".repeat(length), get("/2"))).toBe(`HTTP/1.1 204 No Content\r\n${DATE}\r\n`);
      expect(served.exchanges).toHaveLength(2);
      expect(served.phases.at(-1)).toBe("idle");
    }
  });

  test("a longer rest ends the connection with the answer", () => {
    const served = serve(answers204, { drainBytes: 2_000 });
    expect(served.packets(head(2_001))).toBe(`HTTP/1.1 204 No Content\r\n${DATE}Connection: close\r\n\r\n`);
    expect(served.transport.ended).toBe(true);
    expect(served.phases.at(-1)).toBe("linger");
  });

  test("what the handler has left of a longer body counts, not the body", async () => {
    const served = serve(
      async (exchange) => {
        for await (const piece of exchange.body) if (piece.byteLength > 0) break;
        return answer(204);
      },
      { drainBytes: 2_000 },
    );
    served.packets(head(5_000) + "x".repeat(3_000));
    expect(await served.later()).toBe(`HTTP/1.1 204 No Content\r\n${DATE}\r\n`);
    served.packets("x".repeat(2_000) + get("/"));
    expect(served.exchanges).toHaveLength(2);
  });

  test("a chunked rest gets the benefit of the doubt up to drainBytes", () => {
    const chunk = `3e8\r\n${"x".repeat(1_000)}\r\n`;
    const served = serve(answers204, { drainBytes: 2_000 });
    served.packets(head("chunked"));
    served.packets(chunk, chunk);
    expect(served.transport.ended).toBe(false);
    expect(served.packets(chunk)).toBe("");
    expect(served.transport.ended).toBe(true);
    const short = serve(answers204, { drainBytes: 2_000 });
    short.packets(head("chunked"), chunk, chunk, "0\r\n\r\n", get("/2"));
    expect(short.exchanges).toHaveLength(2);
  });

  test("a body that the handler gives up while it thinks is let pass up to drainBytes, then the client waits", async () => {
    const later = deferred<Answer>();
    const served = serve(
      (exchange) => {
        exchange.body.cancel();
        return later.promise;
      },
      { drainBytes: 2_000 },
    );
    served.packets(head(10_000), "x".repeat(2_000));
    expect(served.transport.paused).toBe(false);
    served.packets("x");
    expect(served.transport.paused).toBe(true);
    later.resolve(answer(413, "too large"));
    expect(await served.later()).toContain("Connection: close\r\n\r\ntoo large");
    expect(served.transport.ended).toBe(true);
    // Once more it is let pass, so that the client can read the answer.
    expect(served.transport.paused).toBe(false);
  });

  test("a handler that still reads after the answer is told that it is too late", async () => {
    let reading: Promise<string> | undefined;
    const served = serve((exchange) => {
      reading = exchange.body.text();
      return answer(200, "early");
    });
    expect(served.packets(head(3))).toBe(ok("early"));
    await expect(reading).rejects.toMatchObject({ code: "body/answered" });
    served.packets("abc");
    expect(served.packets(get("/2"))).toBe(ok("early"));
  });

  test("an answer that is streamed while the upload runs keeps the body alive until its end", async () => {
    const gate = deferred<void>();
    const served = serve((exchange) => {
      const text = exchange.body.text();
      return answer(
        200,
        streamed(async function* () {
          yield Buffer.from("got:");
          yield Buffer.from(await text);
          await gate.promise;
        }),
      );
    });
    served.packets(head(5_000));
    expect(await served.later()).toMatch(/4\r\ngot:\r\n$/);
    served.packets("x".repeat(5_000));
    gate.resolve();
    expect(await served.later()).toContain("x".repeat(5_000));
    expect(served.packets(get("/2"))).toBe("");
    expect(served.transport.ended).toBe(false);
  });
});
