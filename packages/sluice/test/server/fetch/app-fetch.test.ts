/** `app.fetch`: an application without a server. */
import { describe, expect, test, vi } from "vitest";
import { Application } from "../../../src/server/application.js";
import { StreamFeed } from "../../../src/server/fetch/stream-feed.js";
import { HttpError } from "../../../src/server/http-error.js";
import { Reply } from "../../../src/server/reply.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { served } from "./served.js";

const BASE = "http://example.com:81";

function application(options = {}) {
  const onError = vi.fn();
  return { app: new Application({ onError, ...options }), onError };
}

async function textOf(app: Application, path: string, init?: RequestInit): Promise<string> {
  return (await app.fetch(new Request(BASE + path, init))).text();
}

/** Bytes whenever they are wanted, and who stopped wanting them. */
function endless() {
  const cancelled = vi.fn();
  const pulled = vi.fn();
  async function* pieces() {
    try {
      for (;;) {
        pulled();
        yield new Uint8Array(1_000);
      }
    } finally {
      cancelled();
    }
  }
  return { pieces, cancelled, pulled };
}

describe("the request", () => {
  test("arrives with method, URL, parameters, query and headers", async () => {
    const { app } = application();
    app.put("/users/:id", ({ method, url, params, query, headers, host, protocol, cookies }) => ({
      ...{ method, url: url.href, id: params.id, query: query.get("q"), a: headers.get("x-a"), host, protocol },
      cookie: cookies.get("c"),
    }));
    const request = new Request("https://example.com/users/%C3%A9?q=1%202", {
      method: "PUT",
      headers: { "x-a": "1", cookie: "c=3" },
    });
    expect(await (await app.fetch(request)).json()).toEqual({
      ...{ method: "PUT", url: "https://example.com/users/%C3%A9?q=1%202", id: "é", query: "1 2", a: "1" },
      ...{ host: "example.com", protocol: "https", cookie: "3" },
    });
  });

  test.each<[string, RequestInit, string]>([
    ["text", { body: "text" }, "text"],
    ["nothing", {}, ""],
    ["a stream", { body: new Blob(["streamed"]).stream(), duplex: "half" } as RequestInit, "streamed"],
  ])("with %s as its body", async (_name, init, expected) => {
    const { app } = application();
    app.post("/", (request) => request.text());
    expect(await textOf(app, "/", { method: "POST", ...init })).toBe(expected);
  });

  test("json, forms and the limits of bodies are those of the application", async () => {
    const { app } = application({ maxBodySize: 10 });
    app.post("/json", (request) => request.json() as Promise<object>);
    app.post("/form", async (request) => (await request.form()).get("a") ?? "");
    const json = { method: "POST", headers: { "content-type": "application/json" } };
    expect(await textOf(app, "/json", { ...json, body: '{"a":1}' })).toBe('{"a":1}');
    expect(await textOf(app, "/form", { method: "POST", body: new URLSearchParams({ a: "1" }) })).toBe("1");
    expect((await app.fetch(new Request(`${BASE}/json`, { ...json, body: '{"a":"too long"}' }))).status).toBe(413);
    expect((await app.fetch(new Request(`${BASE}/json`, { method: "POST", body: "{}" }))).status).toBe(415);
  });

  test("a body that nobody reads is pulled no further than the body keeps", async () => {
    const { app } = application();
    const pull = vi.fn((controller: { enqueue(piece: Uint8Array): void }) =>
      controller.enqueue(new Uint8Array(10_000)),
    );
    const cancel = vi.fn();
    app.post("/", async (request) => {
      const pieces = request.stream({ maxSize: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
      const { value } = await pieces.next();
      await new Promise((resolve) => setImmediate(resolve));
      const kept = pull.mock.calls.length;
      await pieces.return?.(undefined);
      return { first: (value as Uint8Array).byteLength, few: kept < 20 };
    });
    const body = new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
    expect(await textOf(app, "/", { method: "POST", body, duplex: "half" } as RequestInit)).toBe(
      '{"first":10000,"few":true}',
    );
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  test("a body whose stream fails, or gives what is no bytes, fails its reader", async () => {
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error("broken")) }, { highWaterMark: 0 });
    await expect(StreamFeed.bodyOf(broken).text()).rejects.toThrow("broken");
    const odd = new ReadableStream({ pull: (controller) => controller.enqueue("text") }, { highWaterMark: 0 });
    await expect(StreamFeed.bodyOf(odd).text()).rejects.toMatchObject({ code: "body/unknown-piece" });
    const noError = new ReadableStream({ pull: () => Promise.reject("text") }, { highWaterMark: 0 });
    await expect(StreamFeed.bodyOf(noError).text()).rejects.toThrow("The body's stream failed");
  });

  test("what is no Request, or was read, is refused", async () => {
    const { app } = application();
    const used = new Request(BASE, { method: "POST", body: "x" });
    await used.text();
    const locked = new Request(BASE, { method: "POST", body: "x" });
    locked.body?.getReader();
    for (const request of [used, locked, BASE, { url: BASE }, undefined]) {
      await expect(app.fetch(request as Request)).rejects.toMatchObject({ code: "fetch/request" });
    }
  });
});

describe("the response", () => {
  test("is a Response with status, phrase, fields and body", async () => {
    const { app } = application();
    app.get("/", () =>
      reply
        .text("héllo", { status: 201, headers: { "X-A": "1" } })
        .setCookie("a", "1")
        .setCookie("b", "2"),
    );
    const response = await app.fetch(new Request(BASE));
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.statusText, await response.text()]).toEqual([201, "Created", "héllo"]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-a": "1",
      "content-length": "6",
      "content-type": "text/plain; charset=utf-8",
    });
    expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  });

  test("needs no this, and no start", async () => {
    const { app } = application();
    const start = vi.fn();
    app.onStart(start);
    const { fetch: own } = app.get("/", () => "loose");
    expect(await (await own(new Request(BASE))).text()).toBe("loose");
    expect(start).not.toHaveBeenCalled();
  });

  test("text without a type gets none", async () => {
    const { app } = application();
    app.get("/", () => new Reply(200, [], reply.text("x").payload));
    expect((await app.fetch(new Request(BASE))).headers.get("content-type")).toBeNull();
  });

  test.each([
    ["HEAD", "/text", 200, "4"],
    ["GET", "/204", 204, null],
    ["GET", "/304", 304, null],
  ])("%s %s has no body", async (method, path, status, length) => {
    const { app } = application();
    const sent = vi.fn();
    app.get("/text", () => reply.text("text").whenSent(sent));
    app.get("/:status", ({ params }) => reply.text("ignored", { status: Number(params.status) }).whenSent(sent));
    const response = await app.fetch(new Request(BASE + path, { method }));
    expect([response.status, response.body, response.headers.get("content-length")]).toEqual([status, null, length]);
    expect(sent).toHaveBeenCalledExactlyOnceWith(0, undefined);
  });

  test("errors are answers", async () => {
    const { app, onError } = application();
    app.get("/403", () => {
      throw new HttpError(403, "Not you");
    });
    app.get("/500", () => Promise.reject(new Error("secret")));
    app.get("/undefined", () => undefined as never);
    const statusOf = async (path: string, init?: RequestInit) =>
      (await app.fetch(new Request(BASE + path, init))).status;
    expect([await statusOf("/403"), await statusOf("/500"), await statusOf("/undefined")]).toEqual([403, 500, 500]);
    expect([await statusOf("/missing"), await statusOf("/403", { method: "POST" })]).toEqual([404, 405]);
    expect(onError).toHaveBeenCalledTimes(2);
  });

  test("one that no Response can be is a 500, released and reported", async () => {
    const { app, onError } = application();
    const { pieces, cancelled, pulled } = endless();
    app.get("/", () => new Reply(200, ["X-A", "line\nbreak"], reply.stream(pieces()).payload));
    const response = await app.fetch(new Request(BASE));
    expect([response.status, await response.text()]).toEqual([
      500,
      "500 Internal Server Error: server/unsendable-answer\n",
    ]);
    expect([pulled.mock.calls.length, cancelled.mock.calls.length]).toEqual([0, 0]);
    expect(onError).toHaveBeenCalledTimes(1);
  });

  test("interim responses, trailers and fields of a connection have no place in it", async () => {
    const { app } = application();
    app.get("/", (request) => {
      request.inform(103, { link: "</a.css>; rel=preload" });
      return reply.text("final", { headers: { Connection: "close", "Keep-Alive": "timeout=1" } });
    });
    const response = await app.fetch(new Request(BASE));
    expect([response.status, [...response.headers.keys()]]).toEqual([200, ["content-length", "content-type"]]);
  });

  test("the same as over the wire", async () => {
    const { app } = application();
    app.get("/", () => ({ made: "by the application" }));
    app.get("/stream", () => reply.stream(["a", "b"] as never, { type: "text/plain" }));
    const server = await app.listen({ host: "127.0.0.1", port: 0 });
    try {
      for (const path of ["/", "/stream", "/missing"]) {
        const [near, far] = [await app.fetch(new Request(server.url + path)), await fetch(server.url + path)];
        const said = async ({ status, statusText, headers }: Response, body: string) => {
          const kept = [...headers].filter(
            ([name]) => !["date", "connection", "keep-alive", "transfer-encoding"].includes(name),
          );
          return { status, statusText, kept, body };
        };
        expect(await said(near, await near.text())).toEqual(await said(far, await far.text()));
      }
    } finally {
      await server.close();
    }
  });

  test("an application can be served by serve, and by whatever serves fetch handlers", async () => {
    const { app } = application();
    app.post("/", (request) => request.text());
    const server = await served(app.fetch);
    expect(await (await fetch(server.url, { method: "POST", body: "through" })).text()).toBe("through");
  });
});

describe("a streamed response", () => {
  test("is pulled at its reader's pace, and tells its end", async () => {
    const { app } = application();
    const sent = vi.fn();
    const { pieces, pulled } = endless();
    app.get("/", () => reply.stream(pieces()).whenSent(sent));
    app.get("/short", () => reply.stream(["one", "two"] as never).whenSent(sent));
    const response = await app.fetch(new Request(BASE));
    await new Promise((resolve) => setImmediate(resolve));
    // The head has waited for the first piece, which may still be an error's answer.
    expect(pulled.mock.calls.length).toBeLessThanOrEqual(1);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(pulled.mock.calls.length).toBeLessThanOrEqual(3);
    expect(sent).not.toHaveBeenCalled();
    await reader?.cancel();
    expect(sent).toHaveBeenCalledExactlyOnceWith(
      expect.any(Number),
      expect.objectContaining({ code: "server/client-gone" }),
    );
    expect(await textOf(app, "/short")).toBe("onetwo");
    expect(sent).toHaveBeenLastCalledWith(6, undefined);
  });

  test("cancelled by its reader: the producer ends, and the request's signal is aborted", async () => {
    const { app, onError } = application();
    const { pieces, cancelled } = endless();
    let signal: AbortSignal | undefined;
    app.get("/", (request) => {
      ({ signal } = request);
      return reply.stream(pieces());
    });
    const { body } = await app.fetch(new Request(BASE));
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel("enough");
    await expect.poll(() => cancelled).toHaveBeenCalledTimes(1);
    expect(signal?.reason).toMatchObject({ code: "server/client-gone", cause: "enough" });
    expect(onError).not.toHaveBeenCalled();
  });

  test("aborted by the request's signal: its reader gets the reason, the producer ends", async () => {
    const { app, onError } = application();
    const { pieces, cancelled } = endless();
    app.get("/", () => reply.stream(pieces()));
    const controller = new AbortController();
    const { body } = await app.fetch(new Request(BASE, { signal: controller.signal }));
    const reader = body?.getReader();
    await reader?.read();
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(reader?.read()).rejects.toBe(reason);
    await expect.poll(() => cancelled).toHaveBeenCalledTimes(1);
    expect(onError).not.toHaveBeenCalled();
  });

  test("that fails breaks off, and is reported", async () => {
    const { app, onError } = application();
    app.get("/", () =>
      reply.stream(
        (async function* () {
          yield "first";
          throw new Error("in the middle");
        })(),
      ),
    );
    const response = await app.fetch(new Request(BASE));
    await expect(response.text()).rejects.toThrow("in the middle");
    expect(onError).toHaveBeenCalledExactlyOnceWith(new Error("in the middle"), expect.anything());
  });

  test.each([
    ["less", "abc", 4],
    ["more", "abcde", 4],
  ])("that gives %s than it declared breaks off", async (_name, text, length) => {
    const { app, onError } = application();
    app.get("/", () => {
      const made = reply.stream([text] as never);
      const payload = made.payload;
      if (payload === undefined) throw new Error("A stream has one");
      made.payload = {
        length,
        contentType: undefined,
        replayable: false,
        whole: undefined,
        open: () => payload.open(),
        discard() {},
      };
      return made;
    });
    await expect(textOf(app, "/")).rejects.toMatchObject({ code: "body/length-mismatch" });
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe("the request's signal", () => {
  test("aborted before: nothing is asked", async () => {
    const { app } = application();
    const handler = vi.fn(() => "x");
    app.get("/", handler);
    const reason = new Error("before");
    await expect(app.fetch(new Request(BASE, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(handler).not.toHaveBeenCalled();
  });

  test("aborted while the handler works: rejects with the reason, the handler hears of it, its late answer is released", async () => {
    const { app, onError } = application();
    const discard = vi.fn();
    let seen: unknown;
    app.get("/", async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      seen = signal.reason;
      const made = reply.text("late");
      made.payload = {
        length: undefined,
        contentType: undefined,
        replayable: false,
        whole: undefined,
        open: vi.fn(),
        discard,
      };
      return made;
    });
    const controller = new AbortController();
    const asked = app.fetch(new Request(BASE, { signal: controller.signal }));
    await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect.poll(() => discard).toHaveBeenCalledTimes(1);
    expect(seen).toBe(reason);
    expect(onError).not.toHaveBeenCalled();
  });

  test("aborted after the answer: nothing happens", async () => {
    const { app } = application();
    let signal: AbortSignal | undefined;
    app.get("/", (request) => {
      ({ signal } = request);
      return "done";
    });
    const controller = new AbortController();
    const response = await app.fetch(new Request(BASE, { signal: controller.signal }));
    controller.abort();
    expect([await response.text(), signal?.aborted]).toEqual(["done", false]);
  });
});
