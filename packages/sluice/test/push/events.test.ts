/** The hub over event streams and POST, on a server of this machine. */

import { describe, expect, it, onTestFinished } from "vitest";
import type { HubOptions } from "../../src/push/hub/hub-options.js";
import type { ServeOptions } from "../../src/push/hub/serve-options.js";
import { Application } from "../../src/server/application.js";
import type { Frame } from "./fake-subscriber.js";
import { makeHub, settle, type TestHub } from "./hub-setup.js";

interface Event {
  readonly id: string;
  readonly event: string;
  readonly frame: Frame;
}

type Asked = [query: string, headers: Record<string, string>];

interface Served extends TestHub {
  readonly url: string;
  open(query?: string, headers?: Record<string, string>): Promise<Stream>;
  post(body: unknown, headers?: Record<string, string>): Promise<{ readonly status: number; readonly body: Frame }>;
}

class Stream {
  readonly response: Response;
  readonly #events: AsyncGenerator<Event>;
  retry: string | undefined;

  constructor(response: Response) {
    this.response = response;
    this.#events = this.#read();
  }

  /** The next event with a frame of this type. */
  async next(type: string): Promise<Event> {
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done === true) throw new Error(`The stream ended before ${type}`);
      if (value.frame.type === type) return value;
    }
  }

  async messages(count: number): Promise<Event[]> {
    const events: Event[] = [];
    while (events.length < count) events.push(await this.next("message"));
    return events;
  }

  async end(): Promise<void> {
    while ((await this.#events.next()).done !== true);
  }

  async *#read(): AsyncGenerator<Event> {
    let text = "";
    let id = "";
    const decoder = new TextDecoder();
    for await (const bytes of this.response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const field = (name: string): string | undefined =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        id = field("id") ?? id;
        this.retry = field("retry") ?? this.retry;
        yield { id, event: field("event") ?? "message", frame: JSON.parse(field("data") ?? "null") as Frame };
      }
    }
  }
}

async function serve(options: HubOptions = {}, given: ServeOptions = { rooms: ["lobby"] }): Promise<Served> {
  const test = makeHub(options);
  const app = new Application();
  app.get("/push", (request) => test.hub.sse(request, given));
  app.post("/push", (request) => test.hub.post(request, { user: { id: "ada" }, rooms: ["lobby"] }));
  app.get("/client.js", test.hub.clientScript());
  const server = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => server.close({ grace: 0 }));
  const url = `${server.url}`.replace(/\/$/, "");
  return {
    ...test,
    url,
    open: async (query = "", headers = {}) => {
      const controller = new AbortController();
      onTestFinished(() => controller.abort());
      return new Stream(await fetch(`${url}/push${query}`, { headers, signal: controller.signal }));
    },
    post: async (body, headers = { "content-type": "application/json" }) => {
      const response = await fetch(`${url}/push`, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Frame };
    },
  };
}

describe("hub.sse", () => {
  it("streams a room: messages without a name, other frames as `push`, positions as ids", async () => {
    const { hub, open } = await serve();
    const stream = await open();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(stream.response.headers.get("x-accel-buffering")).toBe("no");
    expect(await stream.next("welcome")).toMatchObject({ event: "push", id: "" });
    const joined = await stream.next("joined");
    const { epoch } = joined.frame;
    expect(joined).toMatchObject({ event: "push", id: `${epoch}:0`, frame: { room: "lobby" } });
    await hub.publish("lobby", { text: "two\nlines" });
    expect(await stream.next("message")).toMatchObject({
      event: "message",
      id: `${epoch}:1`,
      frame: { offset: 1, data: { text: "two\nlines" } },
    });
  });

  it.each([
    ["Last-Event-ID", (id: string): Asked => ["", { "last-event-id": id }]],
    ["?lastEventId", (id: string): Asked => [`?lastEventId=${encodeURIComponent(id)}`, {}]],
    [
      "both, where the page began with one and its browser comes back with the other",
      (id: string): Asked => [`?lastEventId=${encodeURIComponent(id.replace(/1$/, "0"))}`, { "last-event-id": id }],
    ],
  ])("goes on after %s: nothing lost, nothing twice", async (_what, ask) => {
    const { hub, open } = await serve();
    const stream = await open();
    await stream.next("joined");
    await hub.publish("lobby", 1);
    const { id } = await stream.next("message");
    await hub.publish("lobby", 2);
    await hub.publish("lobby", 3);
    const back = await open(...ask(id));
    expect((await back.next("joined")).frame).toMatchObject({ recovered: true, offset: 1 });
    await hub.publish("lobby", 4);
    expect((await back.messages(3)).map(({ frame }) => frame.data)).toEqual([2, 3, 4]);
  });

  it("tells of a gap, and an id that cannot be read is none", async () => {
    const { hub, open } = await serve({ history: 1 });
    const { epoch } = await hub.publish("lobby", 1);
    await hub.publish("lobby", 2);
    await hub.publish("lobby", 3);
    const stream = await open(`?lastEventId=${epoch}:1`);
    expect(await stream.next("gap")).toMatchObject({ id: `${epoch}:2`, frame: { missed: 1 } });
    expect((await stream.next("message")).frame.data).toBe(3);
    const strange = await open(`?lastEventId=${encodeURIComponent("%%%, a=b:c, lobby=x:-1")}`);
    expect((await strange.next("joined")).frame).not.toHaveProperty("recovered");
  });

  it("follows several rooms, and its ids say where it stands in all of them, from the first on", async () => {
    const { hub, open } = await serve({}, {});
    const a = await hub.publish("a", 1);
    const b = await hub.publish("b, c", 1);
    const stream = await open("?room=a&room=b,%20c");
    await stream.next("joined");
    await stream.next("joined");
    await hub.publish("b, c", 2);
    const { id } = await stream.next("message");
    expect(id).toBe(`a=${a.epoch}:1,b%2C%20c=${b.epoch}:2`);
    await hub.publish("a", 2);
    await hub.publish("b, c", 3);
    const back = await open(`?room=a&room=b,%20c&lastEventId=${encodeURIComponent(id)}`);
    const first = await back.next("joined");
    expect(first.id).toContain("b%2C%20c="); // lost at once, the other room's place would still be known
    expect((await back.messages(2)).map(({ frame }) => [frame.room, frame.data])).toEqual([
      ["a", 2],
      ["b, c", 3],
    ]);
  });

  it("begins with history and presence, if asked to", async () => {
    const { hub, open } = await serve({}, { rooms: ["lobby"], user: { id: "eve" } });
    for (const data of [1, 2, 3]) await hub.publish("lobby", data);
    const stream = await open("?history=2&presence=true");
    expect((await stream.next("joined")).frame).toMatchObject({
      offset: 1,
      presence: { users: 1, members: [{ id: "eve" }] },
    });
    expect((await stream.messages(2)).map(({ frame }) => frame.data)).toEqual([2, 3]);
  });

  it("is refused with a status where there is nothing to stream", async () => {
    const { hub, url } = await serve({ limits: { maxRooms: 2 } }, {});
    const status = async (query: string): Promise<number> => {
      const response = await fetch(`${url}/push${query}`);
      await response.body?.cancel();
      return response.status;
    };
    expect(await status("")).toBe(400);
    expect(await status("?room=")).toBe(400);
    expect(await status("?room=a&history=x")).toBe(400);
    expect(await status("?room=a&room=b&room=c")).toBe(400);
    await hub.close({ over: 0 });
    expect(await status("?room=a")).toBe(503);
  });

  it("a room that is refused is an error frame, and the others go on", async () => {
    const { hub, open } = await serve({ authorize: (_user, room) => room !== "staff" }, {});
    const stream = await open("?room=staff&room=a");
    expect((await stream.next("error")).frame).toMatchObject({ code: "forbidden", room: "staff" });
    await hub.publish("a", 1);
    expect((await stream.next("message")).frame).toMatchObject({ room: "a" });
    const none = await open("?room=staff");
    expect((await none.next("error")).frame).toMatchObject({ code: "forbidden", room: "staff" });
    expect(hub.stats()).toMatchObject({ connections: 2, rooms: 1 });
  });

  it("sends a heartbeat as an event", async () => {
    const { clock, open } = await serve({ heartbeat: 1_000 });
    const stream = await open();
    await stream.next("joined");
    clock.advance(1_000);
    expect(await stream.next("ping")).toMatchObject({ event: "push", frame: { type: "ping" } });
  });

  it("says goodbye, and when to come back as `retry` too, when the hub closes; then the stream ends", async () => {
    const { hub, open } = await serve();
    const stream = await open();
    await stream.next("joined");
    await hub.close({ over: 0 });
    const { frame } = await stream.next("bye");
    expect(frame).toMatchObject({ reason: "restart" });
    expect(stream.retry).toBe(String(frame.retryAfter));
    await stream.end();
  });

  it("says goodbye when its server closes", async () => {
    const { hub, clock } = makeHub();
    const app = new Application();
    app.get("/push", (request) => hub.sse(request, { rooms: ["lobby"] }));
    const server = await app.listen({ port: 0, host: "127.0.0.1" });
    const stream = new Stream(await fetch(`${server.url}/push`.replace("//push", "/push")));
    await stream.next("joined");
    const closing = server.close({ grace: 5_000 });
    expect((await stream.next("bye")).frame).toMatchObject({ reason: "restart" });
    await stream.end();
    await closing;
    await settle();
    expect(hub.stats()).toMatchObject({ connections: 0, rooms: 0 });
    expect(clock.now()).toBe(0);
  });

  it("a reader that goes is gone, and one that was never there leaves nothing", async () => {
    const { hub, url, open } = await serve();
    const head = await fetch(`${url}/push`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(hub.stats().connections).toBe(0);
    const stream = await open();
    await stream.next("joined");
    expect(hub.stats()).toMatchObject({ connections: 1, rooms: 1 });
    await stream.response.body?.cancel().catch(() => undefined);
    const controller = new AbortController();
    const raw = await fetch(`${url}/push`, { signal: controller.signal });
    expect(raw.status).toBe(200);
    controller.abort();
    await expect.poll(() => hub.stats().connections).toBeLessThanOrEqual(1);
  });
});

describe("hub.post", () => {
  it("publishes, and answers as the frame's answer would be", async () => {
    const { hub, open, post } = await serve();
    const stream = await open();
    await stream.next("joined");
    const { status, body } = await post({ type: "publish", room: "lobby", data: "hi", ref: 4, id: "once" });
    expect([status, body]).toEqual([
      200,
      { type: "ok", ref: 4, room: "lobby", epoch: expect.any(String), offset: 1, id: "once" },
    ]);
    expect((await post({ type: "publish", room: "lobby", data: "hi", ref: 4, id: "once" })).body).toEqual(body);
    expect((await stream.next("message")).frame).toMatchObject({ data: "hi", from: { id: "ada" }, id: "once" });
    expect(hub.stats().published).toBe(1);
    expect(await post({ type: "publish", room: "lobby", data: "hi" })).toEqual({ status: 200, body: { type: "ok" } });
  });

  it("reads presence and history", async () => {
    const { hub, post } = await serve();
    await hub.publish("lobby", 1);
    expect(await post({ type: "history", room: "lobby" })).toMatchObject({
      status: 200,
      body: { messages: [{ data: 1 }] },
    });
    expect(await post({ type: "presence", room: "lobby" })).toMatchObject({ status: 200, body: { users: 0 } });
  });

  it.each([
    [{ type: "publish", room: "staff", data: 1 }, 403, "forbidden"],
    [{ type: "publish", room: "lobby" }, 400, "bad-request"],
    [{ type: "join", room: "lobby" }, 400, "bad-request"],
    [{ type: "leave", room: "lobby", ref: 1 }, 400, "bad-request"],
    [{ type: "nonsense" }, 400, "unknown-type"],
  ])("answers %j with %i", async (frame, status, code) => {
    const { post } = await serve({ authorize: (_user, room) => room !== "staff" });
    expect(await post(frame)).toMatchObject({ status, body: { type: "error", code } });
  });

  it("refuses what is no frame, what is too large, and what a form of a foreign page could send", async () => {
    const { post } = await serve({ limits: { maxMessageSize: 100 } });
    expect((await post([])).status).toBe(400);
    expect((await post({ type: "publish", room: "lobby", data: "x".repeat(100) })).status).toBe(413);
    const frame = { type: "publish", room: "lobby", data: 1 };
    expect((await post(frame, { "content-type": "text/plain" })).status).toBe(415);
  });

  it("answers 503 when the bus is out of reach, and 500 when a check fails", async () => {
    const { hub, post, errors } = await serve({
      authorize: (_user, room) => {
        if (room === "broken") throw new Error("database");
        return true;
      },
    });
    expect(await post({ type: "publish", room: "broken", data: 1 })).toMatchObject({
      status: 500,
      body: { code: "failed" },
    });
    expect(errors).toHaveLength(1);
    await hub.close({ over: 0 });
    expect(await post({ type: "publish", room: "lobby", data: 1 })).toMatchObject({
      status: 503,
      body: { code: "unavailable" },
    });
  });
});

describe("hub.clientScript", () => {
  it("serves the module with its type, an ETag and an age, and 304 to those who have it", async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/client.js`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toContain("max-age=3600");
    const etag = response.headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const text = await response.text();
    expect(text).toContain("export class PushClient");
    expect(text).not.toMatch(/^import /m);
    const again = await fetch(`${url}/client.js`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
  });

  it("refuses an age that is none", () => {
    const { hub } = makeHub();
    expect(() => hub.clientScript({ maxAgeSeconds: -1 })).toThrow(
      expect.objectContaining({ code: "options/out-of-range" }),
    );
  });
});
