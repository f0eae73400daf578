import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import type { AccessLogEntry } from "../../../src/server/access-log/entry.js";
import { Application } from "../../../src/server/application.js";
import { HttpError } from "../../../src/server/http-error.js";
import type { ServerRequest } from "../../../src/server/request/server-request.js";
import type { Server } from "../../../src/server/server.js";
import { RawClient } from "../raw-client.js";
import { handshakeBytes, handshakeFields } from "./handshake-setup.js";
import { closing, frame, RawSocket } from "./raw-socket.js";

const servers: Server[] = [];
const serve = async (app: Application, options = {}): Promise<Server> => {
  const server = await app.listen({ port: 0, host: "127.0.0.1", ...options });
  servers.push(server);
  return server;
};
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ grace: 0 });
});
const text = (payload: string) => frame(1, payload);

/** An application that keeps what it is told of errors. */
function application(options = {}) {
  const errors: unknown[] = [];
  return { app: new Application({ onError: (error) => errors.push(error), ...options }), errors };
}

/** All that a request says of itself. */
function describeRequest(request: ServerRequest): Record<string, unknown> {
  const { method, target, path, params, host, protocol, httpVersion, id, peer, remoteAddress } = request;
  const { url, query, cookies, headers } = request;
  return {
    ...{ method, target, path, params, host, protocol, version: httpVersion, id, peer, remoteAddress },
    ...{ url: url.href, query: [...query], cookies: [...cookies], headers: headers.raw },
  };
}

describe("a conversation", () => {
  test("carries messages both ways, those that came with the handshake included", async () => {
    const { app } = application();
    app.websocket("/echo", async (socket) => {
      for await (const message of socket) await socket.send(message);
    });
    const socket = await RawSocket.open(await serve(app), "/echo", {}, text("early"));
    expect(socket.head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: /);
    expect(socket.head.match(/\r\nConnection: Upgrade\r\n/g)).toHaveLength(1);
    socket.send(text("later"));
    expect((await socket.untilFrames(2)).map(({ payload }) => payload.toString())).toEqual(["early", "later"]);
    socket.send(frame(8, closing(1000)));
    expect(await socket.untilClosing()).toEqual([1000, ""]);
  });

  test.each([
    [{ threshold: 10 }, 10],
    [true, 1_024],
  ])("with compress: %j compresses from its threshold on, and not a byte before", async (compress, least) => {
    const { app } = application();
    app.websocket("/", { compress }, async (socket) => {
      for (const length of [least - 1, least]) await socket.send("a".repeat(length));
    });
    const offer = { "sec-websocket-extensions": "permessage-deflate; client_max_window_bits" };
    const socket = await RawSocket.open(await serve(app), "/", offer);
    expect((await socket.untilFrames(2)).slice(0, 2).map(({ compressed }) => compressed)).toEqual([false, true]);
  });

  test("has the request: parameters, typed values, and what the hook gave", async () => {
    const { app } = application();
    const role = app.key<string>("role");
    app.use((request, next) => {
      request.set(role, "guest");
      return next();
    });
    const upgrade = async ({ query }: { query: URLSearchParams }) => ({
      data: { name: query.get("name") ?? "nobody" },
    });
    app.websocket("/rooms/:room", { upgrade }, (socket, request, { name }) =>
      socket.send(`${name} as ${request.get(role)} in ${request.params.room}`),
    );
    const socket = await RawSocket.open(await serve(app), "/rooms/7?name=ada");
    expect((await socket.untilFrames(1))[0]?.payload.toString()).toBe("ada as guest in 7");
    expect(await socket.untilClosing()).toEqual([1000, ""]);
  });

  test("has the request for as long as it lasts, though the connection that brought it is let go", async () => {
    const { app } = application();
    const role = app.key<string>("role");
    app.use((request, next) => {
      request.set(role, request.url.searchParams.get("as") ?? "guest");
      return next();
    });
    app.websocket("/rooms/:room", async (socket, request) => {
      const before = describeRequest(request);
      for await (const _message of socket) {
        await socket.sendJson([before, describeRequest(request), request.get(role), request.signal === socket.signal]);
      }
    });
    const target = "/rooms/seven?as=the-owner-of-it&as=somebody-else";
    const fields = { cookie: "a=1; b=2", "x-forwarded-for": "192.0.2.1", "x-empty": "", "x-twice": ["1", "2"] };
    const socket = await RawSocket.open(await serve(app), target, fields);
    socket.send(text("?"));
    const [before, after, who, isSame] = JSON.parse((await socket.untilFrames(1))[0]?.payload.toString() ?? "");
    expect(after).toEqual(before);
    expect(after).toMatchObject({
      method: "GET",
      target,
      path: "/rooms/seven",
      params: { room: "seven" },
      version: "1.1",
    });
    expect(after.headers).toEqual(handshakeFields(fields));
    expect([who, isSame]).toEqual(["the-owner-of-it", true]);
  });

  test("that the handler ends is closed with 1000, unless it chose another code", async () => {
    const { app } = application();
    app.websocket("/returns", () => undefined);
    app.websocket("/chooses", (socket) => socket.close(4001, "enough"));
    const server = await serve(app);
    expect(await (await RawSocket.open(server, "/returns")).untilClosing()).toEqual([1000, ""]);
    expect(await (await RawSocket.open(server, "/chooses")).untilClosing()).toEqual([4001, "enough"]);
  });

  test("whose handler throws is closed with 1011; onError is told, with the request, and the client nothing", async () => {
    const seen: unknown[] = [];
    const app = new Application({ onError: (error, request) => seen.push([String(error), request?.path]) });
    app.websocket("/async", async () => {
      throw new Error("secret");
    });
    app.websocket("/sync", () => {
      throw new Error("secret");
    });
    const server = await serve(app);
    for (const path of ["/async", "/sync"]) {
      expect(await (await RawSocket.open(server, path)).untilClosing()).toEqual([1011, ""]);
    }
    expect(seen).toEqual([
      ["Error: secret", "/async"],
      ["Error: secret", "/sync"],
    ]);
  });

  test("that is read by receiveEach ends as one that is read by a loop", async () => {
    const { app, errors } = application();
    const unheard: unknown[] = [];
    const onUnheard = (error: unknown) => void unheard.push(error);
    process.on("unhandledRejection", onUnheard);
    app.websocket("/", (socket) =>
      socket.receiveEach((message) => {
        if (message === "throw") throw new Error("secret");
        if (message === "refuse") return Promise.reject(new HttpError(403, "Not you", { code: "app/not-you" }));
        if (message === "close") return socket.close(4001, "enough");
        return socket.send(message);
      }),
    );
    const server = await serve(app);
    const endingOf = async (...words: string[]) => {
      const socket = await RawSocket.open(server, "/");
      for (const word of words) socket.send(text(word));
      return socket.untilClosing();
    };
    expect(await endingOf("hello", "throw")).toEqual([1011, ""]);
    expect(await endingOf("refuse")).toEqual([1008, "app/not-you"]);
    expect(await endingOf("close")).toEqual([4001, "enough"]);
    const broken = await RawSocket.open(server, "/");
    broken.client.socket.resetAndDestroy();
    await eventually(() => server.connections.open === 0);
    process.off("unhandledRejection", onUnheard);
    expect(errors.map(String)).toEqual(["Error: secret"]);
    expect(unheard).toEqual([]);
  });

  test("whose data is refused is closed with 1008, and nobody is told of a fault", async () => {
    const { app, errors } = application();
    app.websocket("/forbidden", () => {
      throw new HttpError(403, "Not you", { code: "app/not-you" });
    });
    expect(await (await RawSocket.open(await serve(app), "/forbidden")).untilClosing()).toEqual([1008, "app/not-you"]);
    expect(errors).toEqual([]);
  });

  test("that the client breaks off ends the handler by an error that is nobody's fault", async () => {
    const { app, errors } = application();
    const ended: unknown[] = [];
    app.websocket("/", async (socket, request) => {
      try {
        for await (const message of socket) await socket.send(message);
      } catch (error) {
        ended.push(socket.closeCode, request.signal.aborted);
        throw error;
      }
    });
    const server = await serve(app);
    const socket = await RawSocket.open(server, "/");
    socket.client.socket.resetAndDestroy();
    await eventually(() => server.connections.open === 0);
    expect(ended).toEqual([1006, true]);
    expect(errors).toEqual([]);
  });

  test.each([
    ["ends its side", (client: RawClient) => client.socket.end()],
    ["breaks off", (client: RawClient) => client.socket.resetAndDestroy()],
  ])(
    "that has not begun when the client %s: the hook's request.signal aborts, and the connection is free",
    async (_how, leave) => {
      const { app, errors } = application();
      let asked = false;
      const upgrade = async ({ signal }: ServerRequest) => {
        asked = true;
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      };
      app.websocket("/", { upgrade }, () => errors.push("handler"));
      const server = await serve(app);
      const client = await RawClient.to(server);
      client.send(handshakeBytes("/"));
      await eventually(() => asked);
      leave(client);
      await eventually(() => server.connections.open === 0);
      expect(errors).toEqual([]);
    },
  );

  test("goes on with request.signal, which aborts when it is over, whoever asks for it when", async () => {
    const { app, errors } = application();
    let before: AbortSignal | undefined;
    app.use((request, next) => {
      before = request.signal;
      return next();
    });
    app.websocket("/", async (_socket, { signal }) => {
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const server = await serve(app);
    const socket = await RawSocket.open(server, "/");
    expect(before?.aborted).toBe(false);
    socket.send(frame(8, closing(1000)));
    await eventually(() => server.connections.open === 0);
    expect(errors).toEqual([]);
  });
});

describe("the server", () => {
  test("counts sockets among its connections until the handler has ended, too", async () => {
    const { app } = application();
    let finish: (() => void) | undefined;
    app.websocket("/", async (socket) => {
      await socket.closed;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const server = await serve(app, {});
    const socket = await RawSocket.open(server, "/");
    expect(server.connections).toMatchObject({ open: 1, idle: 0, upgraded: 1 });
    socket.client.socket.destroy();
    await eventually(() => finish !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.connections.open).toBe(1);
    finish?.();
    await eventually(() => server.connections.open === 0);
  });

  test("closes them with 1001, and waits for their handlers", async () => {
    const { app, errors } = application();
    const order: string[] = [];
    app.websocket("/", async (socket) => {
      for await (const _ of socket) order.push("message");
      await new Promise((resolve) => setTimeout(resolve, 30));
      order.push("handler");
    });
    const server = await serve(app);
    const sockets = await Promise.all([RawSocket.open(server, "/"), RawSocket.open(server, "/")]);
    const closed = server.close({ grace: 5_000 }).then(() => order.push("server"));
    for (const socket of sockets) {
      expect(await socket.untilClosing()).toEqual([1001, ""]);
      socket.send(frame(8, closing(1001)));
    }
    await closed;
    expect(order).toEqual(["handler", "handler", "server"]);
    expect(errors).toEqual([]);
  });

  test("breaks off, after the grace, those whose client or handler does not end", async () => {
    const { app, errors } = application();
    app.websocket("/stuck", () => new Promise(() => undefined));
    app.websocket("/idle", async (socket) => {
      for await (const _ of socket) await socket.send("x");
    });
    const server = await serve(app);
    const stuck = await RawSocket.open(server, "/stuck");
    const idle = await RawSocket.open(server, "/idle");
    await server.close({ grace: 50 });
    await Promise.all([stuck.client.untilClosed(), idle.client.untilClosed()]);
    expect(server.connections.open).toBe(0);
    expect(errors).toEqual([]);
  });

  test("says 1001 even where there is no grace", async () => {
    const { app, errors } = application();
    app.websocket("/", async (socket) => {
      for await (const _ of socket) await socket.send("x");
    });
    const server = await serve(app);
    const sockets = await Promise.all([RawSocket.open(server, "/"), RawSocket.open(server, "/")]);
    await server.close({ grace: 0 });
    for (const socket of sockets) {
      await socket.client.untilClosed();
      expect(socket.frames.map(({ opcode, payload }) => [opcode, payload.readUInt16BE(0)])).toEqual([[8, 1001]]);
    }
    expect(errors).toEqual([]);
  });

  test("sends 1001 at once to a socket that opens while it closes", async () => {
    const { app } = application();
    let decide = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      decide = resolve;
    });
    let waiting = false;
    const upgrade = async () => {
      waiting = true;
      await asked;
    };
    app.websocket("/", { upgrade }, async (socket) => {
      for await (const _ of socket) await socket.send("x");
    });
    const server = await serve(app);
    const client = await RawClient.to(server);
    client.send(handshakeBytes("/"));
    await eventually(() => waiting);
    const closed = server.close({ grace: 5_000 });
    decide();
    await client.until(({ received }) => received.endsWith("\x88\x02\x03\xe9"));
    client.socket.destroy();
    await closed;
  });

  test("goes on for the drain delay as if nothing were", async () => {
    const clock = new ManualClock();
    const { app } = application({ clock });
    app.health();
    app.websocket("/", async (socket) => {
      for await (const message of socket) await socket.send(message);
    });
    const server = await serve(app);
    const socket = await RawSocket.open(server, "/");
    const closed = server.close({ drainDelay: 60, grace: 5_000 });
    clock.advance(59);
    const late = await RawSocket.open(server, "/");
    late.send(text("still here"));
    expect((await late.untilFrames(1))[0]?.payload.toString()).toBe("still here");
    clock.advance(1);
    for (const each of [socket, late]) {
      expect(await each.untilClosing()).toEqual([1001, ""]);
      each.client.socket.destroy();
    }
    await closed;
  });
});

describe("what is told of a socket", () => {
  test("the access log, onResponse: once, at its end, with 101, the bytes sent and the duration", async () => {
    const lines: AccessLogEntry[] = [];
    const told: unknown[] = [];
    const { app } = application({ accessLog: { write: (_line: string, entry: AccessLogEntry) => lines.push(entry) } });
    app.onResponse((_request, summary) => told.push(summary));
    app.websocket("/", async (socket) => {
      for await (const message of socket) await socket.send(message);
    });
    const server = await serve(app);
    const socket = await RawSocket.open(server, "/");
    socket.send(text("12345"));
    await socket.untilFrames(1);
    expect(lines).toEqual([]);
    socket.send(frame(8, closing(1000)));
    await socket.untilClosing();
    await eventually(() => lines.length > 0);
    const bodyBytes = 2 + 5 + 2 + 2;
    expect(lines).toMatchObject([{ status: 101, bodyBytes, error: undefined }]);
    expect(told).toMatchObject([{ status: 101, bodyBytes, error: undefined, durationMs: expect.any(Number) }]);
  });

  test("one for which there is no place is a 503 there, and nothing else", async () => {
    const told: unknown[] = [];
    const { app, errors } = application();
    app.onResponse((_request, summary) => told.push(summary));
    app.websocket("/", { maxConnections: 1 }, (socket) => socket.closed);
    const server = await serve(app);
    await RawSocket.open(server, "/");
    const refused = await RawClient.to(server);
    refused.socket.write(handshakeBytes("/"));
    expect(await refused.untilReceived("\r\n\r\n")).toMatch(/^HTTP\/1\.1 503 /);
    await eventually(() => told.length > 0);
    expect(told).toMatchObject([{ status: 503, error: undefined }]);
    expect(errors).toEqual([]);
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
