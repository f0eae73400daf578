import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Application } from "../../src/server/application.js";
import type { Reply } from "../../src/server/reply.js";
import { reply } from "../../src/server/reply-kinds.js";
import type { ReplyTrailers, TrailerOptions } from "../../src/server/reply-trailers.js";
import { testClient } from "../../src/testing/server/test-client.js";
import { TestServer } from "../../src/testing/server/test-server.js";
import { RawClient } from "./raw-client.js";

function serving(make: () => Reply, trailers: ReplyTrailers, options?: TrailerOptions): Application {
  const app = new Application();
  app.get("/", () => make().setTrailers(trailers, options));
  return app;
}

/** What comes back for this request, but for the Date. */
async function exchange(app: Application, head: string): Promise<string> {
  await using server = await TestServer.start(app, { strict: false });
  const client = await RawClient.to(server.server);
  client.send(`${head}Host: a\r\nConnection: close\r\n\r\n`);
  return (await client.untilClosed()).replace(/Date: [^\r]*\r\n/, "");
}

const ASKED = "GET / HTTP/1.1\r\nTE: trailers\r\n";

describe("trailers", () => {
  test("stand behind the last chunk, announced by name, for a client that takes them", async () => {
    const app = serving(() => reply.text("body"), { "Server-Timing": "db;dur=5", "X-Sum": "7" });
    expect(await exchange(app, ASKED)).toBe(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTrailer: Server-Timing, X-Sum\r\n" +
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\nServer-Timing: db;dur=5\r\nX-Sum: 7\r\n\r\n",
    );
  });

  test.each([
    ["GET / HTTP/1.1\r\n"],
    ["GET / HTTP/1.1\r\nTE: gzip;q=0.5\r\n"],
    ["GET / HTTP/1.1\r\nTE: trailersx\r\n"],
    ["GET / HTTP/1.0\r\nTE: trailers\r\n"],
  ])("are left out, and the body keeps its length, for %j", async (head) => {
    const app = serving(() => reply.text("body"), { "X-Sum": "7" });
    const received = await exchange(app, head);
    expect(received).toContain("Content-Length: 4\r\n");
    expect(received).toMatch(/\r\n\r\nbody$/);
    expect(received).not.toMatch(/trailer|x-sum/i);
  });

  test.each(["TE: Trailers", "TE: deflate;q=0.5, trailers", "te: gzip\r\nTE:trailers"])(
    "are sent to a client that says %j",
    async (te) => {
      const app = serving(() => reply.text("body"), { "X-Sum": "7" });
      expect(await exchange(app, `GET / HTTP/1.1\r\n${te}\r\n`)).toContain("\r\n0\r\nX-Sum: 7\r\n\r\n");
    },
  );

  test("go to those who have not asked as well, if they are to; never by HTTP/1.0", async () => {
    const app = serving(() => reply.text("body"), { "X-Sum": "7" }, { unasked: true });
    expect(await exchange(app, "GET / HTTP/1.1\r\n")).toContain("\r\n0\r\nX-Sum: 7\r\n\r\n");
    const old = await exchange(app, "GET / HTTP/1.0\r\n");
    expect(old).toMatch(/\r\n\r\nbody$/);
    expect(old).not.toContain("X-Sum");
  });

  test("may be known only when the body has been sent", async () => {
    const app = new Application();
    app.get("/", () => {
      const hash = createHash("sha256");
      const started = performance.now();
      return reply
        .stream(
          (async function* () {
            for (const piece of ["one ", "two"]) {
              hash.update(piece);
              yield piece;
            }
          })(),
        )
        .setTrailers({
          "Content-Digest": () => `sha-256=:${hash.digest("base64")}:`,
          "Server-Timing": async () => `total;dur=${Math.ceil(performance.now() - started)}`,
        });
    });
    await using client = testClient(app);
    const response = await client.get("/", { headers: { TE: "trailers" } });
    expect(response.headers.get("trailer")).toBe("Content-Digest, Server-Timing");
    expect(await response.text()).toBe("one two");
    const digest = createHash("sha256").update("one two").digest("base64");
    expect(response.trailers?.get("content-digest")).toBe(`sha-256=:${digest}:`);
    expect(response.trailers?.get("server-timing")).toMatch(/^total;dur=\d+$/);
  });

  test("may be named only then: nothing is announced", async () => {
    const app = serving(
      () => reply.text("body"),
      () => [["X-Late", "1"]],
    );
    const received = await exchange(app, ASKED);
    expect(received).not.toContain("Trailer:");
    expect(received).toContain("\r\n0\r\nX-Late: 1\r\n\r\n");
  });

  test("are read by nobody in an answer to HEAD, nor made", async () => {
    let made = 0;
    const app = serving(
      () => reply.text("body"),
      () => {
        made += 1;
        return {};
      },
    );
    expect(await exchange(app, "HEAD / HTTP/1.1\r\nTE: trailers\r\n")).toMatch(/\r\n\r\n$/);
    expect(made).toBe(0);
  });

  test("of a function that fails break the connection: what was sent is not complete", async () => {
    const trailers = {
      "X-Sum": () => {
        throw new Error("no sum");
      },
    };
    const received = await exchange(
      serving(() => reply.text("body"), trailers),
      ASKED,
    );
    expect(received).toContain("4\r\nbody\r\n");
    expect(received).not.toContain("\r\n0\r\n");
  });

  test.each<[string, ReplyTrailers]>([
    ["no text", { "X-Sum": () => 7 as unknown as string }],
    ["a line end", { "X-Sum": () => "a\r\nb" }],
    ["a forbidden name", () => ({ "Content-Length": "4" })],
  ])("that come to be %s break the connection, too", async (_what, trailers) => {
    const received = await exchange(
      serving(() => reply.text("body"), trailers),
      ASKED,
    );
    expect(received).not.toContain("\r\n0\r\n");
  });

  test.each<[string, ReplyTrailers]>([
    ["Content-Type", { "Content-Type": "text/plain" }],
    ["Set-Cookie", { "Set-Cookie": () => "a=b" }],
    ["a name that is no token", { "X Sum": () => "1" }],
    ["a value with a line end", { "X-Sum": "a\nb" }],
  ])("are refused where they are given: %s", (_what, trailers) => {
    expect(() => reply.text("body").setTrailers(trailers)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });

  test("need a body to follow", () => {
    expect(() => reply.empty().setTrailers({ a: "1" })).toThrow(expect.objectContaining({ code: "reply/no-body" }));
  });

  test("may be set by middleware, and by a listener for replies", async () => {
    const app = new Application();
    app.get("/", (request) => {
      request.beforeReply((made) => void made.setTrailers({ "X-Late": "1" }));
      return reply.json({ a: 1 });
    });
    expect(await exchange(app, ASKED)).toMatch(/7\r\n\{"a":1\}\r\n0\r\nX-Late: 1\r\n\r\n$/);
  });
});
