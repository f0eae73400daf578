/** `serve`: a fetch-style application on this server. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import type { FetchContext } from "../../../src/server/fetch/fetch-context.js";
import type { FetchHandler } from "../../../src/server/fetch/fetch-handler.js";
import { PendingWork } from "../../../src/server/fetch/pending-work.js";
import { serve } from "../../../src/server/fetch/serve.js";
import { servesAsNative } from "../../../src/server/fetch/served-request.js";
import { HttpError } from "../../../src/server/http-error.js";
import { ProxyTrust } from "../../../src/server/trust-proxy.js";
import { ask, FakeExchange } from "../fake-exchange.js";
import { clientOf, responding, served } from "./served.js";

const ACCEPT_TEXT = ["Host", "example.com", "Accept", "text/plain"];

afterEach(() => {
  vi.restoreAllMocks();
});

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}

async function answerTo(handler: unknown, method = "GET", target = "/") {
  const { respond, errors } = responding(handler as FetchHandler);
  const { status, headers, text } = await ask(respond, method, target, { fields: ACCEPT_TEXT });
  return { status, headers, text, errors };
}

describe("what is served", () => {
  test("a function, or anything with a fetch method, which keeps its this", async () => {
    const application = {
      name: "with this",
      fetch() {
        return new Response(this.name);
      },
    };
    for (const [given, expected] of [
      [() => new Response("function"), "function"],
      [application, "with this"],
    ] as const) {
      const server = await served(given as FetchHandler);
      expect(await (await fetch(server.url)).text()).toBe(expected);
    }
  });

  test("at once, without a promise, where the handler and its body are there", async () => {
    const { LightResponse } = await import("../../../src/server/fetch/light-response.js");
    const { respond } = responding(() => new LightResponse("now") as unknown as Response);
    expect(respond(new FakeExchange("GET", "/"))).not.toBeInstanceOf(Promise);
  });

  test("Set-Cookie stays several lines", async () => {
    const server = await served(
      () =>
        new Response("x", {
          headers: [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ],
        }),
    );
    expect((await fetch(server.url)).headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("a small body has a length; 204 and 304 have none; HEAD has that of GET", async () => {
    const server = await served(async (request) => {
      const { pathname } = new URL(request.url);
      return pathname === "/text" ? new Response("text") : new Response(null, { status: Number(pathname.slice(1)) });
    });
    const client = await clientOf(server);
    client.send("GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.untilReceived("\r\n\r\ntext")).toMatch(/Content-Length: 4\r\n/);
    client.received = "";
    client.send("GET /204 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.untilReceived("\r\n\r\n")).not.toMatch(/content-length|transfer-encoding/i);
    client.received = "";
    client.send("GET /304 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 304 /);
  });

  test("100 (Continue) is sent when the body is read, and not when its stream is only looked at", async () => {
    const looked = deferred<void>();
    const server = await served(async (request) => {
      if (request.body === null) return new Response("none");
      await looked.promise;
      return new Response(await request.text());
    });
    const client = await clientOf(server);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.received).toBe("");
    looked.resolve();
    await client.untilReceived("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    await client.untilReceived("\r\n\r\nabc");
  });

  test("an answer streams while the request still comes", async () => {
    const server = await served((request) => new Response(request.body));
    const client = await clientOf(server);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    await client.untilReceived("one");
    client.send("3\r\ntwo\r\n");
    await client.untilReceived("two");
    client.send("0\r\n\r\n");
    await client.untilReceived("0\r\n\r\n");
  });

  test("a client that does not read stops the producer, and reading sets it going again", async () => {
    let produced = 0;
    const server = await served(() => {
      const pull = (controller: { enqueue(piece: Uint8Array): void; close(): void }) => {
        produced += 1;
        if (produced > 400) controller.close();
        else controller.enqueue(new Uint8Array(100_000));
      };
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
    });
    const client = await clientOf(server);
    client.socket.pause();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let before = -1;
    while (before !== produced || produced === 0) {
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(produced).toBeLessThan(400);
    client.socket.resume();
    await client.until(() => produced === 401);
  });
});

describe("what goes wrong", () => {
  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
    [
      "throws something else",
      () => {
        throw Object.assign(Object.create(null), { toString: () => "secret" });
      },
    ],
    ["answers with a stream that fails at once", () => new Response(failing())],
  ])("a handler that %s is a 500 that says nothing of it, and a report", async (_name, handler) => {
    const { status, text, errors } = await answerTo(handler);
    expect(status).toBe(500);
    expect(text).not.toContain("secret");
    expect(errors).toHaveLength(1);
    expect(String(errors[0])).toContain("secret");
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["text", "text", "a String"],
    ["an object", { status: 200 }, "a Object"],
    ["a Request", new Request("http://x"), "a Request"],
  ])("%s is no response: a 500 that says so", async (_name, result, said) => {
    for (const handler of [() => result, async () => result]) {
      const { status, text, errors } = await answerTo(handler, "GET", "/path?secret");
      expect(status).toBe(500);
      expect(text).toContain(`The handler of GET /path returned ${said}: return a Response`);
      expect(errors).toEqual([expect.objectContaining({ code: "reply/unusable" })]);
    }
  });

  test("a Response whose body was read is a 500, and a report that says so", async () => {
    const reused = new Response("once");
    const { respond, errors } = responding(() => reused);
    expect((await ask(respond, "GET", "/")).text).toBe("once");
    expect((await ask(respond, "GET", "/")).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: "reply/response-used" })]);
  });

  test("a Response without a body answers any number of times", async () => {
    const reused = new Response(null, { status: 404 });
    const { respond, errors } = responding(() => reused);
    for (let time = 0; time < 3; time += 1) expect((await ask(respond, "GET", "/")).status).toBe(404);
    expect(errors).toEqual([]);
  });

  test("an HttpError is the answer that it names, and is not reported below 500", async () => {
    const answer = await answerTo(() => {
      throw new HttpError(403, "Not you", { headers: { "X-Why": "because" } });
    });
    expect(answer).toMatchObject({ status: 403, headers: { "x-why": "because" }, errors: [] });
    expect(answer.text).toContain("Not you");
  });

  test("a body beyond maxBodySize is 413 unless the application says otherwise", async () => {
    const { respond, errors } = responding(async (request) => new Response(await request.text()), { maxBodySize: 3 });
    expect((await ask(respond, "POST", "/", { body: "1234" })).status).toBe(413);
    expect((await ask(respond, "POST", "/", { body: "123" })).text).toBe("123");
    expect(errors).toEqual([]);
  });

  test.each(["CONNECT", "TRACE", "track"])(
    "%s is no method of the Fetch standard: 501 without asking the application",
    async (method) => {
      const handler = vi.fn();
      const { status, errors } = await answerTo(handler, method, method === "CONNECT" ? "example.com:1" : "/");
      expect([status, errors, handler.mock.calls.length]).toEqual([501, [], 0]);
    },
  );

  test("a host that no URL can have is 400", async () => {
    const { respond, errors } = responding(() => new Response("x"));
    expect((await ask(respond, "GET", "/", { fields: ["Host", "1.2.3.4.5"] })).status).toBe(400);
    expect(errors).toEqual([]);
  });

  test("a stream that fails in the middle breaks the connection off, and is reported with the request", async () => {
    const onError = vi.fn();
    const server = await served(() => new Response(failing("first")), { onError });
    const client = await clientOf(server);
    client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.untilClosed()).not.toContain("\r\n0\r\n\r\n");
    await expect.poll(() => onError).toHaveBeenCalledTimes(1);
    const [error, request] = onError.mock.calls[0] as [Error, Request];
    expect([error.message, request.url, request.method]).toEqual(["secret", "http://x/broken", "GET"]);
  });

  test("the client's going away is not reported, however it is heard of", async () => {
    const onError = vi.fn();
    const asked = deferred<AbortSignal>();
    const over = deferred<void>();
    const server = await served(
      async ({ signal }) => {
        asked.resolve(signal);
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason);
            over.resolve();
          });
        });
        return new Response();
      },
      { onError },
    );
    const client = await clientOf(server);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const signal = await asked.promise;
    client.socket.resetAndDestroy();
    await over.promise;
    expect(signal.reason).toMatchObject({ code: "server/client-gone" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(onError).not.toHaveBeenCalled();
  });

  test("without onError the report goes to standard error, without the query", async () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const server = await served(() => Promise.reject(new Error("told")), { onError: undefined as never });
    await fetch(`${server.url}/path?secret=1`);
    expect(written.join("")).toMatch(/^GET \/path failed: Error: told\n/);
    expect(written.join("")).not.toContain("secret");
  });

  test("an onError that throws is reported beside what it was told", async () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const onError = () => {
      throw new Error("listener");
    };
    const server = await served(() => Promise.reject(new Error("told")), { onError });
    expect((await fetch(server.url)).status).toBe(500);
    expect(written.join("")).toMatch(/told[\s\S]*The onError listener failed as well: Error: listener/);
  });
});

describe("the context", () => {
  test("tells who asks, and comes twice: as hono's c.env and its c.executionCtx", async () => {
    const seen: unknown[] = [];
    const server = await served((request, context, execution) => {
      seen.push(
        context === execution,
        context.remoteAddress,
        context.incoming.socket,
        // A native request has a signal of its own, which follows.
        context.signal === request.signal || !servesAsNative,
      );
      seen.push(context.peer.localPort);
      return new Response();
    });
    await fetch(server.url);
    const socket = { remoteAddress: "127.0.0.1", remotePort: expect.any(Number), remoteFamily: "IPv4" };
    expect(seen).toEqual([true, "127.0.0.1", socket, true, server.address.port]);
  });

  test("trusted proxies are believed, in the URL too", async () => {
    const handler = (request: Request, { remoteAddress }: FetchContext) =>
      new Response(`${remoteAddress} ${request.url}`);
    const { respond } = responding(handler, { trust: new ProxyTrust(["192.0.2.1"]) });
    const fields = [
      "Host",
      "inner",
      "X-Forwarded-For",
      "198.51.100.7",
      "X-Forwarded-Proto",
      "https",
      "X-Forwarded-Host",
      "outer.example",
    ];
    expect((await ask(respond, "GET", "/p", { fields })).text).toBe("198.51.100.7 https://outer.example/p");
    const stranger = await ask(respond, "GET", "/p", { fields, remoteAddress: "192.0.2.2" });
    expect(stranger.text).toBe("192.0.2.2 http://inner/p");
  });

  test("getConnInfo of @hono/node-server works on it", async () => {
    const { Hono } = await import("hono");
    const { getConnInfo } = await import("@hono/node-server/conninfo");
    const app = new Hono();
    app.get("/", (context) => context.json(getConnInfo(context).remote));
    const server = await served(app.fetch as FetchHandler);
    expect(await (await fetch(server.url)).json()).toMatchObject({ address: "127.0.0.1", addressType: "IPv4" });
  });

  test("work that goes on after the answer is waited for at the end, and its failure reported", async () => {
    const onError = vi.fn();
    const work = deferred<void>();
    const server = await served(
      (_request, { waitUntil, passThroughOnException }) => {
        passThroughOnException();
        waitUntil(work.promise);
        waitUntil(Promise.reject(new Error("background")));
        return new Response("sent");
      },
      { onError },
    );
    expect(await (await fetch(server.url)).text()).toBe("sent");
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(false);
    work.resolve();
    await closing;
    expect(onError).toHaveBeenCalledExactlyOnceWith(new Error("background"), undefined);
  });

  test("work that never ends is waited for ten seconds", async () => {
    const clock = new ManualClock();
    const pending = new PendingWork(() => undefined);
    pending.waitUntil(new Promise(() => undefined));
    let ended = false;
    const end = pending.end(clock).then(() => {
      ended = true;
    });
    clock.advance(9_999);
    await Promise.resolve();
    expect(ended).toBe(false);
    clock.advance(1);
    await end;
    await new PendingWork(() => undefined).end(clock);
  });
});

describe("the options", () => {
  const handler = () => new Response();
  test.each<[string, object, string]>([
    ["an unknown one", { limit: 1 }, "options/unknown"],
    ["a maxBodySize below 0", { maxBodySize: -1 }, "options/out-of-range"],
    ["a maxBodySize in between", { maxBodySize: 0.5 }, "options/out-of-range"],
    ["lightweightGlobals that is no boolean", { lightweightGlobals: 1 }, "options/unknown-value"],
    ["an onError that is no function", { onError: 5 }, "options/unknown-value"],
    ["a trustProxy that is no object", { trustProxy: "10.0.0.1" }, "options/unknown-value"],
    ["a limit of connections out of its range", { headersTimeout: -1 }, "options/out-of-range"],
  ])("%s is refused, and nothing is left behind", async (_name, options, code) => {
    const before = globalThis.Response;
    await expect(serve(handler, { lightweightGlobals: true, ...options } as object)).rejects.toMatchObject({ code });
    expect(globalThis.Response).toBe(before);
  });

  test.each([5, null, {}, { fetch: 5 }])("%s is no application", async (application) => {
    await expect(serve(application as never)).rejects.toMatchObject({ code: "options/unknown-value" });
  });

  test("Infinity lifts the limit of bodies", async () => {
    const server = await served(async (request) => new Response(String((await request.arrayBuffer()).byteLength)), {
      maxBodySize: Number.POSITIVE_INFINITY,
    });
    const body = new Uint8Array(17 * 1024 * 1024);
    expect(await (await fetch(server.url, { method: "POST", body })).text()).toBe(String(body.byteLength));
  });

  test("16 MiB are the limit unless another is set", async () => {
    const server = await served(async (request) => new Response(await request.text()));
    const client = await clientOf(server);
    client.send(
      `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${16 * 1024 * 1024 + 1}\r\n\r\n`,
    );
    expect(await client.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1.1 413 /);
  });

  test("lightweightGlobals last until the server has closed", async () => {
    const before = globalThis.Response;
    const server = await served(() => new Response("light"), { lightweightGlobals: true });
    expect(globalThis.Response).not.toBe(before);
    expect(await (await fetch(server.url)).text()).toBe("light");
    await server.close();
    expect(globalThis.Response).toBe(before);
  });
});

function failing(first?: string): ReadableStream<Uint8Array> {
  let given = first === undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        if (given && first !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
        if (given) throw new Error("secret");
        given = true;
        controller.enqueue(new TextEncoder().encode(first));
      },
    },
    { highWaterMark: 0 },
  );
}
