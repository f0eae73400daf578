/** Opening a WebSocket on a session: what is asked, what of the session goes along, and what is made of the answer. */
import { describe, expect, test } from "vitest";
import { makeResponse } from "../../../src/client/local-response.js";
import { cache } from "../../../src/client/middleware/cache/cache.js";
import { dedupe } from "../../../src/client/middleware/dedupe.js";
import { ResponseError } from "../../../src/client/response-error.js";
import { ClientSession } from "../../../src/client/session.js";
import { ProtocolError, SessionClosedError, UsageError } from "../../../src/errors.js";
import { answer, closeAfter, FakeNet, redirect, rejection, turns, untilSettled } from "../fake-net.js";
import { SocketNet, switched, textFrame } from "./handshakes.js";

describe("the request", () => {
  test("is a GET with the fields of RFC 6455 §4.1, and a key of 16 octets", async () => {
    const net = new SocketNet();
    await using socket = await net.session().websocket("ws://h.test/chat?room=1");
    const [request] = net.seen;
    expect(request?.head.split("\r\n")[0]).toBe("GET /chat?room=1 HTTP/1.1");
    expect(Object.fromEntries(request?.fields ?? [])).toMatchObject({
      host: "h.test",
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
    });
    expect(Buffer.from(request?.fields.get("sec-websocket-key") ?? "", "base64")).toHaveLength(16);
    expect(request?.fields.has("sec-websocket-protocol")).toBe(false);
    expect(request?.fields.has("sec-websocket-extensions")).toBe(false);
    expect(socket.protocol).toBe("");
  });

  test("each has a key of its own", async () => {
    const net = new SocketNet();
    const session = net.session();
    await using _one = await session.websocket("ws://h.test/");
    await using _two = await session.websocket("ws://h.test/");
    const keys = net.seen.map(({ fields }) => fields.get("sec-websocket-key"));
    expect(new Set(keys).size).toBe(2);
  });

  test.each([
    ["ws://h.test/a", "http://h.test:80/a"],
    ["wss://h.test/a", "https://h.test:443/a"],
    ["WSS://h.test:8443/a", "https://h.test:8443/a"],
    ["http://h.test/a", "http://h.test:80/a"],
    ["https://h.test/a", "https://h.test:443/a"],
    ["b?c", "https://base.test:443/v1/b?c"],
    ["/b", "https://base.test:443/b"],
  ])("%s goes to %s", async (url, asked) => {
    const net = new SocketNet();
    const session = net.session({ baseUrl: "https://base.test/v1/" });
    await using _fromText = await session.websocket(url);
    expect(net.seen[0]?.url).toBe(asked);
    if (!url.includes(":")) return;
    await using _fromUrl = await session.websocket(new URL(url));
    expect(net.seen[1]?.url).toBe(asked);
  });

  test("what the session has for requests goes along: fields, params, credentials, cookies", async () => {
    const net = new SocketNet();
    const session = net.session({
      baseUrl: "https://h.test/",
      headers: { "x-api-key": "k" },
      params: { lang: "en" },
      auth: { username: "ada", password: "pw" },
    });
    await session.cookies?.set("https://h.test/", "id", "7");
    await using _socket = await session.websocket("feed", {
      headers: { origin: "https://app.test" },
      params: { q: "1" },
    });
    const { target, fields } = net.seen[0] ?? {};
    expect(target).toBe("/feed?lang=en&q=1");
    expect(Object.fromEntries(fields ?? [])).toMatchObject({
      "x-api-key": "k",
      authorization: "Basic YWRhOnB3",
      cookie: "id=7",
      origin: "https://app.test",
    });
  });

  test("user info of the URL is Basic credentials", async () => {
    const net = new SocketNet();
    await using _socket = await net.session().websocket("wss://ada:pw@h.test/");
    expect(net.seen[0]?.fields.get("authorization")).toBe("Basic YWRhOnB3");
  });

  test("a session's `connection: close` is for its requests: an upgrade has one Connection field", async () => {
    const net = new SocketNet();
    await using _socket = await net.session({ headers: { connection: "close" } }).websocket("ws://h.test/");
    expect(net.seen[0]?.fields.get("connection")).toBe("Upgrade");
  });

  test("sub-protocols are offered in their order", async () => {
    const net = new SocketNet((request) => switched(request, "Sec-WebSocket-Protocol: v1\r\n"));
    await using socket = await net.session().websocket("ws://h.test/", { protocols: ["v2", "v1"] });
    expect(net.seen[0]?.fields.get("sec-websocket-protocol")).toBe("v2, v1");
    expect(socket.protocol).toBe("v1");
  });

  test("the server need not choose one of them", async () => {
    const net = new SocketNet();
    await using socket = await net.session().websocket("ws://h.test/", { protocols: "v1" });
    expect(socket.protocol).toBe("");
  });
});

describe("options", () => {
  test.each([
    [{ protocols: ["a b"] }, "websocket/protocols"],
    [{ protocols: ["a", "a"] }, "websocket/protocols"],
    [{ protocols: "" }, "websocket/protocols"],
    [{ protocols: 5 }, "websocket/protocols"],
    [{ protocols: { a: 1 } }, "websocket/protocols"],
    [5, "options/unknown-value"],
    [null, "options/unknown-value"],
    [{ protocol: "a" }, "options/unknown"],
    [{ json: 1 }, "options/unknown"],
    [{ maxMessageSize: -1 }, "options/out-of-range"],
    [{ heartbeat: 0 }, "options/out-of-range"],
    [{ compressThreshold: 1 }, "options/unknown"],
    [{ compress: { threshold: -1 } }, "options/out-of-range"],
    [{ closeTimeout: Number.NaN }, "options/out-of-range"],
    [{ timeout: 0 }, "options/out-of-range"],
    [{ headers: { "Sec-WebSocket-Protocol": "a" } }, "request/refused-field"],
    [{ headers: { "sec-websocket-key": "a" } }, "request/refused-field"],
    [{ headers: { upgrade: "h2c" } }, "request/refused-field"],
    [{ headers: { connection: "close" } }, "request/refused-field"],
  ])("%j is refused, and nothing is sent", async (options, code) => {
    const net = new SocketNet();
    const error = await rejection(net.session().websocket("ws://h.test/", options as object));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.code).toBe(code);
    expect(net.connections).toHaveLength(0);
  });

  test.each(["Sec-WebSocket-Protocol", "sec-websocket-extensions", "Sec-WebSocket-Key", "sec-websocket-x"])(
    "%s as a field of the whole session is refused as one of the handshake is, and the session's requests have it",
    async (name) => {
      const net = new SocketNet((request) => (request.fields.has("upgrade") ? undefined : answer(200)));
      const session = net.session({ headers: { [name]: "a" } });
      const error = await rejection(session.websocket("ws://h.test/"));
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({
        code: "request/refused-field",
        message: expect.stringContaining(name.toLowerCase()),
      });
      expect(net.connections).toHaveLength(0);
      await session.get("http://h.test/").bytes();
      expect(net.seen[0]?.fields.get(name.toLowerCase())).toBe("a");
    },
  );

  test("a field of the handshake's that middleware sets is refused before anything is sent", async () => {
    const net = new SocketNet();
    const session = net.session({
      middleware: [
        (request, next) => {
          request.headers.set("sec-websocket-key", "a");
          return next(request);
        },
      ],
    });
    expect((await rejection(session.websocket("ws://h.test/"))).code).toBe("request/refused-field");
    expect(net.seen).toHaveLength(0);
  });

  test.each([
    ["ws://h.test/#part", "url/fragment"],
    ["ftp://h.test/", "url/scheme"],
    ["h.test", "url/invalid"],
  ])("%s cannot be opened", async (url, code) => {
    expect((await rejection(new SocketNet().session().websocket(url))).code).toBe(code);
  });
});

describe("compression", () => {
  test.each([
    [{ threshold: 10 }, 10],
    [{ threshold: 0 }, 0],
    [true, 1_024],
  ])("compress: %j compresses messages from its threshold on, and none that is shorter", async (compress, least) => {
    const net = new SocketNet((request) => switched(request, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    await using socket = await net.session().websocket("ws://h.test/", { compress });
    const texts = [...(least === 0 ? [] : ["a".repeat(least - 1)]), "a".repeat(least)];
    for (const text of texts) await socket.send(text);
    await turns(4);
    const plain = net.peer().texts.map((text, at) => text === texts[at]);
    expect(plain).toEqual(least === 0 ? [false] : [true, false]);
  });
});

describe("what came with the 101", () => {
  test("is read as frames: not a byte of it is lost", async () => {
    const net = new SocketNet();
    net.greeting = Buffer.concat([textFrame("one"), textFrame("two")]);
    await using socket = await net.session().websocket("ws://h.test/");
    expect([await socket.receive(), await socket.receive()]).toEqual(["one", "two"]);
  });

  test("is kept while a middleware thinks about the answer", async () => {
    const net = new SocketNet();
    net.greeting = textFrame("early");
    const session = net.session({
      middleware: [
        async (request, next) => {
          const response = await next(request);
          net.peer().send(textFrame("later"));
          await turns(5);
          return response;
        },
      ],
    });
    await using socket = await session.websocket("ws://h.test/");
    expect([await socket.receive(), await socket.receive()]).toEqual(["early", "later"]);
  });
});

describe("an answer that is no 101", () => {
  test("is a ResponseError with status, fields and the beginning of the body; the connection is used again", async () => {
    let asked = 0;
    const net = new SocketNet((request) => {
      asked += 1;
      return asked === 1 ? answer(403, "not you", "x-why: age\r\n") : switched(request);
    });
    const session = net.session();
    const error = await rejection<ResponseError>(session.websocket("ws://h.test/private?token=1"));
    expect(error).toBeInstanceOf(ResponseError);
    expect(error.code).toBe("websocket/refused");
    expect(error.status).toBe(403);
    expect(error.headers.get("x-why")).toBe("age");
    expect(Buffer.from(error.body).toString()).toBe("not you");
    expect(error.message).toBe(
      "GET http://h.test/private?token=…: The WebSocket was refused: answered 403 instead of 101 (Switching Protocols)",
    );
    await using _socket = await session.websocket("ws://h.test/");
    expect(net.connections).toHaveLength(1);
  });

  test("a success of another kind is one, too", async () => {
    const net = new FakeNet(() => answer(200, "<html>"));
    expect((await rejection<ResponseError>(net.session().websocket("ws://h.test/"))).status).toBe(200);
  });

  test("its body is not waited for beyond what is shown", async () => {
    const net = new FakeNet(() => answer(500, "x".repeat(100_000)));
    const error = await rejection<ResponseError>(net.session().websocket("ws://h.test/"));
    expect(error.body).toHaveLength(16 * 1024);
  });

  test("raiseForStatus of the session has no say in it", async () => {
    const net = new FakeNet(() => answer(404, "gone"));
    const error = await rejection(net.session({ raiseForStatus: true }).websocket("ws://h.test/"));
    expect(error.code).toBe("websocket/refused");
  });
});

describe("a 101 that does not keep to the rules", () => {
  const fields = (...lines: string[]): string => `HTTP/1.1 101 x\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

  test.each([
    [
      "a wrong Sec-WebSocket-Accept",
      () => fields("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: AAAA"),
    ],
    ["none", () => fields("Upgrade: websocket", "Connection: Upgrade")],
    ["another protocol", () => fields("Upgrade: h2c", "Connection: Upgrade")],
  ])("%s breaks the connection off", async (_what, wrong) => {
    const net = new FakeNet(wrong);
    const error = await rejection(net.session().websocket("ws://h.test/"));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.code).toMatch(/^websocket\//);
    await turns();
    expect(net.open).toBe(0);
  });

  test.each([
    ["Sec-WebSocket-Protocol: other\r\n", "websocket/protocol-unexpected"],
    ["Sec-WebSocket-Extensions: permessage-deflate\r\n", "websocket/extension-unexpected"],
    ["Sec-WebSocket-Extensions: x-unknown\r\n", "websocket/extension-unexpected"],
  ])("what was not asked for: %s", async (line, code) => {
    const net = new SocketNet((request) => switched(request, line));
    const error = await rejection(net.session().websocket("ws://h.test/", { protocols: "mine" }));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.code).toBe(code);
    await turns();
    expect(net.open).toBe(0);
  });
});

describe("redirects", () => {
  test("are followed, to ws: and wss: as well, with a new key", async () => {
    const net = new SocketNet((request) => {
      if (request.target === "/a") return redirect(302, "wss://other.test/b");
      return request.target === "/b" ? redirect(307, "/c") : switched(request);
    });
    await using _socket = await net.session().websocket("ws://h.test/a");
    expect(net.seen.map(({ url }) => url)).toEqual([
      "http://h.test:80/a",
      "https://other.test:443/b",
      "https://other.test:443/c",
    ]);
    expect(new Set(net.seen.map(({ fields }) => fields.get("sec-websocket-key"))).size).toBe(3);
  });

  test("to another origin, secrets stay home", async () => {
    const net = new SocketNet((request) =>
      request.target === "/a" ? redirect(302, "ws://other.test/b") : switched(request),
    );
    const session = net.session({ baseUrl: "http://h.test/", headers: { "x-api-key": "k" }, auth: { bearer: "t" } });
    await using _socket = await session.websocket("a", { headers: { "x-mine": "1" } });
    const names = [...(net.seen[1]?.fields.keys() ?? [])];
    expect(names).not.toContain("x-api-key");
    expect(names).not.toContain("x-mine");
    expect(names).not.toContain("authorization");
    expect(net.seen[0]?.fields.get("authorization")).toBe("Bearer t");
  });

  test("from wss: to ws: are refused", async () => {
    const net = new FakeNet(() => redirect(302, "ws://h.test/b"));
    expect((await rejection(net.session().websocket("wss://h.test/a"))).code).toBe("redirect/insecure");
  });

  test("that are not followed are a refusal", async () => {
    const net = new FakeNet(() => redirect(302, "ws://h.test/b"));
    const error = await rejection<ResponseError>(net.session().websocket("ws://h.test/a", { redirect: "manual" }));
    expect([error.code, error.status]).toEqual(["websocket/refused", 302]);
  });
});

describe("the session's middleware", () => {
  test("Digest answers a 401 on the same connection", async () => {
    let asked = 0;
    const net = new SocketNet((request) => {
      asked += 1;
      if (asked > 1) return switched(request);
      return answer(401, "", 'www-authenticate: Digest realm="r", nonce="n", qop="auth"\r\n');
    });
    const session = net.session({ auth: { digest: { username: "ada", password: "pw" } } });
    await using _socket = await session.websocket("ws://h.test/");
    expect(net.seen[1]?.fields.get("authorization")).toMatch(/^Digest /);
    expect(net.connections).toHaveLength(1);
  });

  test("cookies of the 101 are stored", async () => {
    const net = new SocketNet((request) => switched(request, "Set-Cookie: id=9; Path=/\r\n"));
    const session = net.session();
    await using _socket = await session.websocket("ws://h.test/");
    expect(session.cookies?.get("http://h.test/", "id")?.value).toBe("9");
  });

  test("retry tries a refusal that may pass again", async () => {
    let asked = 0;
    const net = new SocketNet((request) => {
      asked += 1;
      return asked === 1 ? answer(503) : switched(request);
    });
    const session = net.session({ retry: { attempts: 2 } });
    await using _socket = await untilSettled(net.clock, session.websocket("ws://h.test/"));
    expect(asked).toBe(2);
  });

  test("cache and dedupe let it pass: a connection is neither kept nor shared", async () => {
    const net = new SocketNet();
    const session = net.session({ middleware: [dedupe()], hopMiddleware: [cache()] });
    const [one, two] = await Promise.all([session.websocket("ws://h.test/"), session.websocket("ws://h.test/")]);
    expect(net.connections).toHaveLength(2);
    await Promise.all([one?.close(), two?.close()]);
  });

  test("one that keeps the 101 to itself gets the connection closed with its error", async () => {
    const net = new SocketNet();
    const session = net.session({
      middleware: [
        async (request, next) => {
          await next(request);
          throw new Error("changed my mind");
        },
      ],
    });
    expect((await rejection(session.websocket("ws://h.test/"))).message).toBe("changed my mind");
    await turns();
    expect(net.open).toBe(0);
  });

  test("one that answers in place of the 101 leaves no connection behind", async () => {
    const net = new SocketNet();
    const session = net.session({
      middleware: [
        async (request, next) => {
          await next(request);
          return makeResponse(request, { status: 200 });
        },
      ],
    });
    expect((await rejection(session.websocket("ws://h.test/"))).code).toBe("websocket/refused");
    await turns();
    expect(net.open).toBe(0);
  });

  test("sees that it is an upgrade, and the 101", async () => {
    const net = new SocketNet();
    const seen: unknown[] = [];
    const session = net.session({
      middleware: [
        async (request, next) => {
          const response = await next(request);
          seen.push(request.upgrades, response.status);
          return response;
        },
      ],
    });
    await using _socket = await session.websocket("ws://h.test/");
    expect(seen).toEqual([true, 101]);
  });

  test("the trace tells of the 101 and of the upgrade, and the request ends there", async () => {
    const net = new SocketNet();
    const names: string[] = [];
    const note = ({ event }: { readonly event: string }) => names.push(event);
    const trace = { requestStart: note, responseHeaders: note, connectionUpgraded: note, requestEnd: note };
    await using _socket = await net.session({ trace }).websocket("ws://h.test/");
    await turns();
    expect(names).toEqual(["requestStart", "responseHeaders", "connectionUpgraded", "requestEnd"]);
  });
});

describe("the pool", () => {
  test("counts a connection no more that is upgraded", async () => {
    const net = new SocketNet();
    const session = net.session({}, { limit: 1 });
    const sockets = [await session.websocket("ws://h.test/1"), await session.websocket("ws://h.test/2")];
    expect(net.connections).toHaveLength(2);
    expect(session.connector.stats()).toEqual({});
    for (const socket of sockets) await socket.close();
  });

  test("a kept-alive connection may become one", async () => {
    const net = new SocketNet((request) => (request.target === "/" ? answer(200, "hi") : switched(request)));
    const session = net.session();
    await session.get("http://h.test/").text();
    await using _socket = await session.websocket("ws://h.test/socket");
    expect(net.connections).toHaveLength(1);
  });

  test("a kept-alive connection that dies under the handshake is replaced, with a new key", async () => {
    const net = new SocketNet((request) => {
      if (request.target === "/") return answer(200, "hi");
      if (request.connection.requests < 2) return switched(request);
      queueMicrotask(() => request.connection.reset());
      return "";
    });
    const session = net.session();
    await session.get("http://h.test/").text();
    await using _socket = await session.websocket("ws://h.test/socket");
    const [, first, second] = net.seen.map(({ fields }) => fields.get("sec-websocket-key"));
    expect(first).not.toBe(second);
  });

  test("limitUpgraded: at the limit they open, one past it is refused, and closing one makes room", async () => {
    const net = new SocketNet();
    const session = net.session({}, { limitUpgraded: 2 });
    const one = await session.websocket("ws://h.test/");
    await using _two = await session.websocket("ws://h.test/");
    expect((await rejection(session.websocket("ws://h.test/"))).code).toBe("pool/upgraded-limit");
    expect(net.connections).toHaveLength(2);
    await one.close();
    await using _three = await session.websocket("ws://h.test/");
    expect(net.connections).toHaveLength(3);
  });

  test("limitUpgraded: a handshake that failed gives its place back", async () => {
    let asked = 0;
    const net = new SocketNet(() => {
      asked += 1;
      return asked === 1 ? answer(500) : undefined;
    });
    const session = net.session({}, { limitUpgraded: 1 });
    await rejection(session.websocket("ws://h.test/"));
    await using _socket = await session.websocket("ws://h.test/");
  });

  test.each([0, -1, Number.NaN])("limitUpgraded: %s is refused", (limitUpgraded) => {
    expect(() => new FakeNet().connector({ limitUpgraded })).toThrow("limitUpgraded");
  });
});

describe("limits of time, and aborts", () => {
  test.each([
    [{ timeout: { headers: 50 } }, 50, "timeout.headers"],
    [{ timeout: 70 }, 70, "timeout.total"],
    [{}, 60_000, "timeout.total"],
  ])("%j ends a handshake that is not answered", async (options, ms, code) => {
    const net = new FakeNet(() => undefined);
    const opening = rejection(net.session().websocket("ws://h.test/", options));
    await turns(30);
    await net.clock.advance(ms - 1);
    expect(net.open).toBe(1);
    await net.clock.advance(1);
    expect((await opening).code).toBe(code);
    await turns();
    expect(net.open).toBe(0);
  });

  test("they end with the handshake: an open socket may last", async () => {
    const net = new SocketNet();
    await using socket = await net
      .session()
      .websocket("ws://h.test/", { timeout: 100, heartbeat: Number.POSITIVE_INFINITY });
    await net.clock.advance(1_000_000);
    net.peer().send(textFrame("still here"));
    expect(await socket.receive()).toBe("still here");
  });

  test("a signal ends the handshake with its reason", async () => {
    const net = new FakeNet(() => undefined);
    const controller = new AbortController();
    const opening = rejection(net.session().websocket("ws://h.test/", { signal: controller.signal }));
    await turns(30);
    controller.abort(new Error("enough"));
    expect((await opening).message).toBe("enough");
    await turns();
    expect(net.open).toBe(0);
  });

  test("and later the connection; those of the session and of `with` do, too", async () => {
    const net = new SocketNet();
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const session = closeAfter(
      new ClientSession({ connector: net.connector(), signal: controllers[0]?.signal as AbortSignal }),
    );
    const view = session.with({ signal: controllers[1]?.signal as AbortSignal });
    const sockets = [
      await session.websocket("ws://h.test/", { signal: controllers[2]?.signal as AbortSignal }),
      await view.websocket("ws://h.test/"),
      await session.websocket("ws://h.test/"),
    ];
    for (const [at, controller] of [controllers[2], controllers[1], controllers[0]].entries()) {
      controller?.abort(new Error("over"));
      expect((await sockets[at]?.closed)?.code).toBe(1006);
      expect((await rejection(sockets[at]?.receive() as Promise<unknown>)).cause).toMatchObject({ message: "over" });
      await turns();
      expect(net.open).toBe(2 - at);
    }
  });

  test("a signal that has aborted already sends nothing", async () => {
    const net = new SocketNet();
    expect(await rejection(net.session().websocket("ws://h.test/", { signal: AbortSignal.abort("no") }))).toBe("no");
    expect(net.connections).toHaveLength(0);
  });
});

describe("closing", () => {
  test("a session tells its sockets 1001 and cuts them off", async () => {
    const net = new SocketNet();
    const session = net.session();
    const socket = await session.websocket("ws://h.test/");
    net.peer().closesPolitely = false;
    await session.close();
    await turns();
    expect(net.peer().closeCodes).toEqual([1001]);
    expect(net.open).toBe(0);
    await socket.closed;
  });

  test("with grace the peer may answer", async () => {
    const net = new SocketNet();
    const session = net.session();
    const socket = await session.websocket("ws://h.test/");
    await session.close({ grace: 1_000 });
    expect(await socket.closed).toMatchObject({ code: 1001, wasClean: true });
    expect(net.clock.armedCount).toBe(0);
  });

  test("with grace a peer that does not answer is cut off when it has passed", async () => {
    const net = new SocketNet();
    const session = net.session();
    await session.websocket("ws://h.test/");
    net.peer().closesPolitely = false;
    let closed = false;
    const closing = session.close({ grace: 1_000 }).then(() => {
      closed = true;
    });
    await turns();
    await net.clock.advance(999);
    expect(closed).toBe(false);
    await net.clock.advance(1);
    await closing;
    await turns();
    expect(net.open).toBe(0);
  });

  test("a derived session ends its own, and leaves the others'", async () => {
    const net = new SocketNet();
    const session = net.session();
    const derived = session.extend({});
    await using mine = await session.websocket("ws://h.test/");
    const theirs = await derived.websocket("ws://h.test/");
    await derived.close();
    await theirs.closed;
    net.peer(0).send(textFrame("hi"));
    expect(await mine.receive()).toBe("hi");
  });

  test("a connector that is closed ends all that are on its connections", async () => {
    const net = new SocketNet();
    const connector = net.connector();
    const session = net.session({ connector });
    const socket = await session.websocket("ws://h.test/");
    await connector.close();
    expect(net.peer().closeCodes).toEqual([1001]);
    await socket.closed;
  });

  test("a closed session opens none", async () => {
    const net = new SocketNet();
    const session = net.session();
    await session.close();
    expect(await rejection(session.websocket("ws://h.test/"))).toBeInstanceOf(SessionClosedError);
  });

  test("a handshake that ends while the session closes with grace leaves nothing behind", async () => {
    const net = new SocketNet();
    const session = net.session({
      middleware: [
        async (request, next) => {
          const response = await next(request);
          void session.close({ grace: 1_000 });
          await turns();
          return response;
        },
      ],
    });
    expect(await rejection(session.websocket("ws://h.test/"))).toBeInstanceOf(SessionClosedError);
    await turns();
    expect(net.open).toBe(0);
  });
});
